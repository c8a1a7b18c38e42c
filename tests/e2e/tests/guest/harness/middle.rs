//! A host in the middle: sees, changes, drops and invents frames between the guest and an honest loader.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::thread;

use enclave_wire::frame::{Frame, FrameReader, encode_frame};
use loader_vmm::ControlTap;

use super::site::Site;

/// Where a frame is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    Guest,
    Loader,
}

/// Decides what becomes of a frame: any number of frames, each in any direction.
type Edit = dyn FnMut(To, Frame) -> Vec<(To, Frame)> + Send;

/// A handle on the host in the middle of one site's guest.
#[derive(Clone, Default)]
pub(crate) struct Middle {
    /// A lock for each: who waits for one end must not keep others from the other.
    guest: Arc<Mutex<Option<UnixStream>>>,
    loader: Arc<Mutex<Option<UnixStream>>>,
}

impl Middle {
    /// Gets between loader and guest of every launch from `site`.
    pub(crate) fn install(
        site: &mut Site,
        edit: impl FnMut(To, Frame) -> Vec<(To, Frame)> + Send + 'static,
    ) -> Self {
        let middle = Self::default();
        let (installed, edit): (Self, Arc<Mutex<Edit>>) = (middle.clone(), Arc::new(Mutex::new(edit)));
        site.overrides.control_tap = Some(ControlTap(Arc::new(move |guest| installed.begin(guest, &edit))));
        middle
    }

    /// Sends a frame of our own.
    pub(crate) fn send(&self, to: To, frame: &Frame) {
        let mut bytes = Vec::new();
        encode_frame(frame.kind, frame.job, &frame.body, &mut bytes).expect("a frame of ours fits");
        self.send_raw(to, &bytes);
    }

    /// Sends bytes that need not be frames. Whoever does not listen any more is past caring.
    pub(crate) fn send_raw(&self, to: To, bytes: &[u8]) {
        let end = if to == To::Guest { &self.guest } else { &self.loader };
        if let Some(end) = end.lock().expect("no thread panics").as_mut() {
            let _ = end.write_all(bytes);
        }
    }

    /// Cuts the guest off, and the loader from it.
    pub(crate) fn hang_up(&self) {
        for end in [&self.guest, &self.loader] {
            if let Some(end) = end.lock().expect("no thread panics").take() {
                let _ = end.shutdown(Shutdown::Both);
            }
        }
    }

    fn begin(&self, guest: UnixStream, edit: &Arc<Mutex<Edit>>) -> io::Result<UnixStream> {
        let (ours, loaders) = UnixStream::pair()?;
        let (from_guest, from_loader) = (guest.try_clone()?, ours.try_clone()?);
        *self.guest.lock().expect("no thread panics") = Some(guest);
        *self.loader.lock().expect("no thread panics") = Some(ours);
        for (to, from) in [(To::Loader, from_guest), (To::Guest, from_loader)] {
            let (middle, edit) = (self.clone(), Arc::clone(edit));
            thread::spawn(move || {
                middle.pass_on(to, from, &edit);
                middle.hang_up();
            });
        }
        Ok(loaders)
    }

    fn pass_on(&self, to: To, mut from: UnixStream, edit: &Mutex<Edit>) {
        let (mut frames, mut bytes) = (FrameReader::new(), vec![0; 128 * 1024]);
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            frames.push(&bytes[..count]);
            while let Some(frame) = frames.next_frame().expect("loader and guest keep to the framing") {
                let edited = (edit.lock().expect("no thread panics"))(to, frame);
                edited.iter().for_each(|(to, frame)| self.send(*to, frame));
            }
        }
    }
}

//! The two threads of a session.

use std::io::{ErrorKind, Read, Write};
use std::sync::{Arc, PoisonError};
use std::thread;

use enclave_wire::frame::{Frame, FrameKind, FrameReader, encode_frame};
use enclave_wire::psp::MESSAGE_PAGE_BYTES;

use super::violation::{Violation, kind_name};
use super::{EndHook, Keepers, PspHook, Shared};
use crate::end::StreamEnd;
use crate::keeper::Keeper;
use crate::state_file::StateFile;
use crate::time_reports::TimeReports;

/// Bytes read from the guest at once.
const READ_BYTES: usize = 128 * 1024;

/// Who gets what is not for the state.
pub(super) struct Receivers {
    pub(super) psp: PspHook,
    pub(super) keepers: Keepers,
}

pub(super) fn start_reader(
    shared: Arc<Shared>,
    mut stream: impl Read + Send + 'static,
    mut receivers: Receivers,
    end: EndHook,
) -> std::io::Result<()> {
    thread::Builder::new().name("guest-reader".to_owned()).spawn(move || {
        let violation = read_all(&shared, &mut stream, &mut receivers).err();
        // Drops our half first, so that a guest that waits for it notices.
        drop(stream);
        let how = match violation.or_else(|| shared.lock().condemned.take()) {
            Some(violation) => StreamEnd::Violation(violation),
            None => StreamEnd::Closed { stopping: shared.lock().stopping.clone() },
        };
        let end = end(how);
        shared.lock().end = Some(Arc::new(end));
        shared.changed.notify_all();
        shared.to_send.notify_one();
    })?;
    Ok(())
}

pub(super) fn start_writer(
    shared: Arc<Shared>,
    mut stream: impl Write + Send + 'static,
) -> std::io::Result<()> {
    thread::Builder::new().name("guest-writer".to_owned()).spawn(move || {
        let mut bytes = Vec::new();
        while let Some(frame) = next_frame(&shared) {
            bytes.clear();
            let encoded = encode_frame(frame.kind, frame.job, &frame.body, &mut bytes);
            debug_assert!(encoded.is_ok(), "a frame of ours is too long");
            // The reader sees the same broken stream and tells why.
            if stream.write_all(&bytes).and_then(|()| stream.flush()).is_err() {
                return;
            }
        }
    })?;
    Ok(())
}

/// Blocks until there is something to send; `None` when the guest ended.
fn next_frame(shared: &Shared) -> Option<Frame> {
    let mut state = shared.lock();
    loop {
        if state.end.is_some() {
            return None;
        }
        if let Some(frame) = state.outgoing.pop() {
            // Room for input may have come free.
            shared.changed.notify_all();
            return Some(frame);
        }
        state = shared.to_send.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
}

/// Until the stream is over.
fn read_all(shared: &Shared, stream: &mut impl Read, receivers: &mut Receivers) -> Result<(), Violation> {
    let mut frames = FrameReader::new();
    let mut bytes = vec![0; READ_BYTES];
    loop {
        let count = match stream.read(&mut bytes) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            // A stream that broke and one that was closed are the same to us: the guest's process tells more.
            Err(_) => 0,
        };
        if count == 0 {
            return Ok(());
        }
        frames.push(bytes.get(..count).unwrap_or_default());
        while let Some(frame) = frames.next_frame()? {
            let Keepers { requests, state, reports } = &mut receivers.keepers;
            let keeper = requests.as_mut().filter(|_| Keeper::takes(frame.kind));
            let state = state.as_mut().filter(|_| StateFile::takes(frame.kind));
            let reports = reports.as_mut().filter(|_| TimeReports::takes(frame.kind));
            if frame.kind == FrameKind::PSP_REQUEST {
                answer_psp(shared, &frame, &mut receivers.psp)?;
            } else if let Some(keeper) = keeper {
                // Outside the lock, too: disks are slow.
                keeper.on_frame(frame)?;
            } else if let Some(state) = state {
                state.on_frame(&frame)?;
            } else if let Some(reports) = reports {
                reports.on_frame(&frame)?;
            } else {
                shared.lock().on_frame(frame)?;
            }
            shared.changed.notify_all();
            shared.to_send.notify_one();
        }
    }
}

/// Outside the lock: a signature takes a while.
fn answer_psp(shared: &Shared, frame: &Frame, psp: &mut PspHook) -> Result<(), Violation> {
    if frame.job != 0 || frame.body.len() != MESSAGE_PAGE_BYTES {
        let reason = format!("expected one page of {MESSAGE_PAGE_BYTES} bytes, found {}", frame.body.len());
        return Err(Violation::Body { kind: kind_name(frame.kind), reason });
    }
    let reply = psp(&frame.body);
    shared.lock().outgoing.push_control(FrameKind::PSP_RESPONSE, 0, reply.encode())
}

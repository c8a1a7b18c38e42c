//! A cable between two devices, in memory.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;

type Mail = Rc<RefCell<VecDeque<Vec<u8>>>>;
type Decide = Box<dyn FnMut(&[u8]) -> Fate>;

/// What becomes of a frame on its way out.
pub(super) enum Fate {
    Arrives,
    IsLost,
    /// It is lost, and this comes back.
    IsAnswered(Vec<u8>),
}

/// One end.
pub(super) struct End {
    inbox: Mail,
    outbox: Mail,
    /// Decides on each frame that is sent here.
    pub(super) fate: Decide,
    /// Frames that were sent here.
    pub(super) sent: usize,
    /// How often the stack went through its sockets to send.
    pub(super) rounds: Cell<usize>,
}

/// A cable that carries everything.
pub(super) fn cable() -> (End, End) {
    let (left, right) = (Mail::default(), Mail::default());
    (End::new(left.clone(), right.clone()), End::new(right, left))
}

impl End {
    fn new(inbox: Mail, outbox: Mail) -> Self {
        Self { inbox, outbox, fate: Box::new(|_| Fate::Arrives), sent: 0, rounds: Cell::new(0) }
    }

    pub(super) fn has_mail(&self) -> bool {
        !self.inbox.borrow().is_empty()
    }

    /// Sends a frame from this end, whatever becomes of others.
    pub(super) fn put(&self, frame: Vec<u8>) {
        self.outbox.borrow_mut().push_back(frame);
    }

    /// Nothing goes out any more.
    pub(super) fn cut(&mut self) {
        self.fate = Box::new(|_| Fate::IsLost);
    }
}

impl Device for End {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, _now: Instant) -> Option<(Received, Sending<'_>)> {
        let frame = self.inbox.borrow_mut().pop_front()?;
        Some((Received(frame), Sending(self)))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Sending<'_>> {
        Some(Sending(self))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        self.rounds.set(self.rounds.get() + 1);
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = 1514;
        capabilities
    }
}

pub(super) struct Received(Vec<u8>);

impl RxToken for Received {
    fn consume<V, F: FnOnce(&[u8]) -> V>(self, read: F) -> V {
        read(&self.0)
    }
}

pub(super) struct Sending<'a>(&'a mut End);

impl TxToken for Sending<'_> {
    fn consume<V, F: FnOnce(&mut [u8]) -> V>(self, bytes: usize, write: F) -> V {
        let Self(end) = self;
        let mut frame = vec![0; bytes];
        let value = write(&mut frame);
        end.sent += 1;
        match (end.fate)(&frame) {
            Fate::Arrives => end.outbox.borrow_mut().push_back(frame),
            Fate::IsLost => {}
            Fate::IsAnswered(answer) => end.inbox.borrow_mut().push_back(answer),
        }
        value
    }
}

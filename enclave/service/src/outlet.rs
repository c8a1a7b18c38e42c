//! One stream of a job on its way to the loader.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use enclave_wire::frame::{BULK_BODY_BYTES, FrameKind};

use crate::parcel::Parcel;

/// What a job gives out of one kind, and what of it waits for credit.
#[derive(Debug)]
pub(crate) struct Outlet {
    pub(crate) kind: FrameKind,
    /// `None`: nobody gets it.
    parcel: Option<Parcel>,
    /// As it leaves.
    waiting: VecDeque<u8>,
}

impl Outlet {
    /// Nothing leaves here before [`Self::begin`].
    pub(crate) const fn new(kind: FrameKind) -> Self {
        Self { kind, parcel: None, waiting: VecDeque::new() }
    }

    /// With what it begins with.
    pub(crate) fn begin(&mut self, (parcel, head): (Parcel, Vec<u8>)) {
        self.parcel = Some(parcel);
        self.waiting = head.into();
    }

    /// How many bytes wait, sealed where they are.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many bytes a component may write now.
    pub(crate) fn room(&self) -> usize {
        BULK_BODY_BYTES.saturating_sub(self.waiting.len())
    }

    pub(crate) fn put(&mut self, piece: &[u8]) {
        if let Some(parcel) = &mut self.parcel {
            self.waiting.extend(parcel.pass(piece.into()).iter());
        }
    }

    /// Nothing comes any more.
    pub(crate) fn finish(&mut self) {
        if let Some(parcel) = &mut self.parcel {
            self.waiting.extend(parcel.finish());
        }
    }

    /// The body of the next frame, within the credit.
    pub(crate) fn take(&mut self, credit: u64) -> Option<Vec<u8>> {
        let credit = usize::try_from(credit).unwrap_or(usize::MAX);
        let count = self.waiting.len().min(credit).min(BULK_BODY_BYTES);
        (count > 0).then(|| self.waiting.drain(..count).collect())
    }
}

//! What leaves the guest for those who check its runs later: in the clear, or sealed for the manifest's readers.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use attestation_envelope::{Content, Envelope, KeyError, Readers};
use attestation_manifest::{Logs, Manifest};

/// For whom parcels are: for as long as the guest runs, or for one private job.
#[derive(Debug, Clone)]
pub(crate) enum Audience {
    /// For everybody.
    All,
    /// For the manifest's readers, and for who gave a private job.
    Readers(Arc<Readers>),
}

impl Audience {
    /// The manifest's. `seed` is random.
    pub(crate) fn of(manifest: &Manifest<'_>, seed: [u8; 32]) -> Result<Self, KeyError> {
        if manifest.readers.is_empty() {
            return Ok(Self::All);
        }
        let keys: Vec<[u8; 32]> = manifest.readers.iter().map(|key| key.0).collect();
        Ok(Self::Readers(Arc::new(Readers::new(&keys, seed)?)))
    }

    /// Of a private job: who gave it, and the manifest's readers. `seed` is random.
    pub(crate) fn of_private(
        reply_key: [u8; 32],
        readers: &[[u8; 32]],
        seed: [u8; 32],
    ) -> Result<Self, KeyError> {
        let keys = [&[reply_key], readers].concat();
        Ok(Self::Readers(Arc::new(Readers::new(&keys, seed)?)))
    }

    /// What a job logs, likewise; `None` where nobody reads it.
    pub(crate) fn begin_log(&self, logs: Logs, salt: [u8; 32]) -> Option<(Parcel, Vec<u8>)> {
        match (logs, self) {
            (Logs::Public, _) => Some((Parcel::Open, Vec::new())),
            (Logs::Sealed, Self::Readers(_)) => Some(self.begin(Content::Log, salt)),
            _ => None,
        }
    }

    /// A whole parcel.
    pub(crate) fn pack(&self, content: Content, salt: [u8; 32], bytes: Vec<u8>) -> Vec<u8> {
        match self {
            Self::All => bytes,
            Self::Readers(readers) => readers.seal(content, salt, &bytes),
        }
    }

    /// A parcel, and what it begins with. `salt` is random.
    pub(crate) fn begin(&self, content: Content, salt: [u8; 32]) -> (Parcel, Vec<u8>) {
        match self {
            Self::All => (Parcel::Open, Vec::new()),
            Self::Readers(readers) => {
                let (envelope, head) = readers.begin(content, salt);
                (Parcel::Sealed(Box::new(envelope)), head)
            }
        }
    }
}

/// One thing that leaves the guest.
#[derive(Debug)]
pub(crate) enum Parcel {
    /// As it is.
    Open,
    /// In an envelope.
    Sealed(Box<Envelope>),
    /// Nothing comes any more.
    Closed,
}

impl Parcel {
    /// What comes next, as it leaves; it can leave later.
    pub(crate) fn pass<'a>(&mut self, piece: Cow<'a, [u8]>) -> Cow<'a, [u8]> {
        match self {
            Self::Open => piece,
            Self::Sealed(envelope) => envelope.seal(&piece).into(),
            Self::Closed => Cow::default(),
        }
    }

    /// The rest.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        match core::mem::replace(self, Self::Closed) {
            Self::Sealed(envelope) => envelope.finish(),
            Self::Open | Self::Closed => Vec::new(),
        }
    }
}

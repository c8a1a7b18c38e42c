//! Writing and reading CBOR by hand.

use alloc::vec::Vec;
use core::convert::Infallible;

use attestation_merkle::PATH_MAX;
use minicbor::encode::Error;
use minicbor::{Decoder, Encoder};

/// What an encoder of ours returns: nothing fails that writes to a `Vec`.
pub(crate) type Written = Result<(), Error<Infallible>>;

pub(crate) fn written(write: impl FnOnce(&mut Encoder<Vec<u8>>) -> Written) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    let done = write(&mut encoder);
    debug_assert!(done.is_ok(), "writing to a `Vec` failed");
    encoder.into_writer()
}

pub(crate) fn write_path(path: &[[u8; 32]], encoder: &mut Encoder<Vec<u8>>) -> Written {
    encoder.array(count(path))?;
    path.iter().try_for_each(|sibling| encoder.bytes(sibling).map(drop))
}

/// At most [`PATH_MAX`] siblings.
pub(crate) fn read_path(decoder: &mut Decoder<'_>) -> Option<Vec<[u8; 32]>> {
    let siblings = decoder.array().ok()??;
    let is_path = siblings <= count(&[(); PATH_MAX]);
    let sibling = |_| decoder.bytes().ok()?.try_into().ok();
    is_path.then(|| (0..siblings).map(sibling).collect::<Option<_>>())?
}

/// An array of this length must be next.
pub(crate) fn read_array(decoder: &mut Decoder<'_>, length: u64) -> Option<()> {
    (decoder.array().ok()? == Some(length)).then_some(())
}

/// How many, as CBOR has it.
pub(crate) fn count<T>(list: &[T]) -> u64 {
    u64::try_from(list.len()).unwrap_or(u64::MAX)
}

//! Deterministic encoding (RFC 8949 §4.2.1): shortest forms, stated lengths, keys in ascending order.

use alloc::vec::Vec;
use core::convert::Infallible;

use minicbor::Encoder;
use minicbor::data::Tag;
use minicbor::encode::Error;

use crate::environment::Class;
use crate::{ReferenceManifest, ReferenceValue};

/// `tagged-unsigned-corim-map`
pub(crate) const CORIM_TAG: u64 = 501;
/// `tagged-concise-mid-tag`
const COMID_TAG: u64 = 506;
/// `tagged-oid-type` (RFC 9090)
const OID_TAG: u64 = 111;
/// SHA-384 among the hash algorithms of named information (RFC 6920 §9.4).
const SHA_384: u8 = 7;

type Done = Result<(), Error<Infallible>>;

impl ReferenceManifest {
    /// The one encoding of these values. [`Self::decode`] reads it where [`Self::check`] finds no fault.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encoded(|encoder| {
            encoder.tag(Tag::new(CORIM_TAG))?.map(2)?;
            encoder.u8(0)?.str(&self.id)?;
            encoder.u8(1)?.array(self.values.len() as u64)?;
            for value in &self.values {
                encoder.tag(Tag::new(COMID_TAG))?.bytes(&encode_comid(value))?;
            }
            Ok(())
        })
    }
}

fn encode_comid(value: &ReferenceValue) -> Vec<u8> {
    encoded(|encoder| {
        encoder.map(2)?;
        // Tag identity: tag id.
        encoder.u8(1)?.map(1)?.u8(0)?.str(&value.id)?;
        // Triples: reference triples.
        let classes = value.platform.classes();
        encoder.u8(4)?.map(1)?.u8(0)?.array(classes.len() as u64)?;
        classes.iter().try_for_each(|class| encode_triple(encoder, class, value))
    })
}

fn encode_triple(encoder: &mut Encoder<Vec<u8>>, class: &Class, value: &ReferenceValue) -> Done {
    encoder.array(2)?.map(1)?.u8(0)?;
    match class {
        Class::Oid(oid) => encoder.map(1)?.u8(0)?.tag(Tag::new(OID_TAG))?.bytes(oid)?,
        Class::Named(vendor, model) => encoder.map(2)?.u8(1)?.str(vendor)?.u8(2)?.str(model)?,
    };
    // One measurement: key, values: digests.
    encoder.array(1)?.map(2)?.u8(0)?.u16(value.platform.mkey())?;
    encoder.u8(1)?.map(1)?.u8(2)?.array(1)?.array(2)?.u8(SHA_384)?.bytes(&value.digest)?;
    Ok(())
}

fn encoded(write: impl FnOnce(&mut Encoder<Vec<u8>>) -> Done) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    // Writing to a `Vec` is infallible.
    let done = write(&mut encoder);
    debug_assert!(done.is_ok(), "reference values failed to encode");
    encoder.into_writer()
}

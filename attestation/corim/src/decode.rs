//! Reads what [`ReferenceManifest::encode`] writes.
//!
//! Only the nesting is followed and the few things that vary are taken out; encoding them again and comparing all bytes
//! then checks everything else.

use alloc::borrow::ToOwned;
use alloc::vec::Vec;

use minicbor::Decoder;
use minicbor::data::Type;
use minicbor::decode::Error;

use crate::encode::CORIM_TAG;
use crate::{
    CORIM_MAX_BYTES, CorimError, ID_MAX_BYTES, Platform, ReferenceManifest, ReferenceValue, VALUES_MAX,
    check_length,
};

impl ReferenceManifest {
    /// Reads [`Self::encode`]'s bytes and nothing else.
    ///
    /// # Errors
    /// Too long, signed, not CBOR, or anything beside the values that this format has.
    pub fn decode(bytes: &[u8]) -> Result<Self, CorimError> {
        check_length("file, bytes", CORIM_MAX_BYTES, bytes.len())?;
        let mut decoder = Decoder::new(bytes);
        let found = decoder.tag().map_err(|error| malformed("file", &decoder, &error))?.as_u64();
        if found != CORIM_TAG {
            return Err(CorimError::Tag { found });
        }
        let manifest = decode_manifest(&mut decoder)?;
        // Unknown keys, other values, long forms, open lengths and trailing bytes all end here.
        if manifest.encode() == bytes { Ok(manifest) } else { Err(CorimError::NotDeterministic) }
    }
}

fn decode_manifest(decoder: &mut Decoder<'_>) -> Result<ReferenceManifest, CorimError> {
    let (id, count) = decode_corim(decoder).map_err(|error| malformed("file", decoder, &error))?;
    check_length("id, bytes", ID_MAX_BYTES, id.len())?;
    let count = count.and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX);
    check_length("tags", VALUES_MAX, count)?;
    let mut values = Vec::new();
    for _ in 0..count {
        let comid = decoder
            .tag()
            .and_then(|_| decoder.bytes())
            .map_err(|error| malformed("file", decoder, &error))?;
        values.push(decode_comid(comid)?);
    }
    Ok(ReferenceManifest { id: id.to_owned(), values })
}

/// Identifier and number of tags.
fn decode_corim<'a>(decoder: &mut Decoder<'a>) -> Result<(&'a str, Option<u64>), Error> {
    decoder.map()?;
    decoder.u8()?;
    let id = decoder.str()?;
    decoder.u8()?;
    Ok((id, decoder.array()?))
}

fn decode_comid(bytes: &[u8]) -> Result<ReferenceValue, CorimError> {
    let mut decoder = Decoder::new(bytes);
    let (id, platform, digest) =
        decode_first_triple(&mut decoder).map_err(|error| malformed("tag", &decoder, &error))?;
    check_length("tag id, bytes", ID_MAX_BYTES, id.len())?;
    let offset = decoder.position();
    let digest = digest.try_into().map_err(|_| CorimError::Malformed { part: "tag", offset })?;
    Ok(ReferenceValue { id: id.to_owned(), platform, digest })
}

/// Further triples say the same of other environments.
fn decode_first_triple<'a>(decoder: &mut Decoder<'a>) -> Result<(&'a str, Platform, &'a [u8]), Error> {
    decoder.map()?;
    decoder.u8()?;
    decoder.map()?;
    decoder.u8()?;
    let id = decoder.str()?;
    decoder.u8()?;
    decoder.map()?;
    decoder.u8()?;
    decoder.array()?;
    let platform = decode_environment(decoder)?;
    decoder.array()?;
    decoder.map()?;
    decoder.u8()?;
    decoder.u16()?;
    decoder.u8()?;
    decoder.map()?;
    decoder.u8()?;
    decoder.array()?;
    decoder.array()?;
    decoder.u8()?;
    Ok((id, platform, decoder.bytes()?))
}

fn decode_environment(decoder: &mut Decoder<'_>) -> Result<Platform, Error> {
    decoder.array()?;
    decoder.map()?;
    decoder.u8()?;
    decoder.map()?;
    decoder.u8()?;
    if decoder.datatype()? == Type::Tag {
        decoder.tag()?;
        decoder.bytes()?;
        return Ok(Platform::Snp);
    }
    decoder.str()?;
    decoder.u8()?;
    decoder.str()?;
    Ok(Platform::Tdx)
}

fn malformed(part: &'static str, decoder: &Decoder<'_>, error: &Error) -> CorimError {
    CorimError::Malformed { part, offset: error.position().unwrap_or_else(|| decoder.position()) }
}

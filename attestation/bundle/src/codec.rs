//! Bundles as deterministic CBOR.

use alloc::vec::Vec;

use attestation_x509::Instant;
use minicbor::{Decoder, Encoder};

use crate::{BUNDLE_MAX_BYTES, Bundle, BundleError, ITEMS_MAX, Item, Kind};

const VERSION: u32 = 1;

impl<'a> Bundle<'a> {
    /// The one encoding of these items; they are put in the order of their kinds.
    ///
    /// # Errors
    /// None or too many items, one that is empty or too long, or one without the other that it belongs to.
    pub fn encode(&self) -> Result<Vec<u8>, BundleError> {
        let mut items = self.items.clone();
        // Stable: the order within a kind is content.
        items.sort_by_key(|item| item.kind);
        check(&items)?;
        let bytes = write(self.at, &items);
        check_length(&bytes)?;
        Ok(bytes)
    }

    /// Reads [`Self::encode`]'s bytes and nothing else. Items are not copied.
    ///
    /// # Errors
    /// Too long, not CBOR, another version, an unknown kind, or not the one encoding of its content.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, BundleError> {
        check_length(bytes)?;
        let mut reader = Reader(Decoder::new(bytes));
        reader.header()?;
        let at = Instant::from_unix_seconds(reader.number(1)?);
        let items = reader.items()?;
        check(&items)?;
        // Long forms and trailing bytes all end here.
        if write(at, &items) != bytes {
            return Err(BundleError::NotDeterministic);
        }
        Ok(Self { at, items })
    }
}

struct Reader<'a>(Decoder<'a>);

impl<'a> Reader<'a> {
    fn header(&mut self) -> Result<(), BundleError> {
        let length = self.0.map().map_err(|error| self.malformed(&error))?;
        self.expect(length == Some(3))?;
        let found = u32::try_from(self.number(0)?).unwrap_or(u32::MAX);
        if found == VERSION { Ok(()) } else { Err(BundleError::Version { expected: VERSION, found }) }
    }

    /// The value of this key, which must be next.
    fn number(&mut self, key: u8) -> Result<u64, BundleError> {
        self.key(key)?;
        self.0.u64().map_err(|error| self.malformed(&error))
    }

    fn key(&mut self, key: u8) -> Result<(), BundleError> {
        let found = self.0.u8().map_err(|error| self.malformed(&error))?;
        self.expect(found == key)
    }

    fn items(&mut self) -> Result<Vec<Item<'a>>, BundleError> {
        self.key(2)?;
        let length = self.0.array().map_err(|error| self.malformed(&error))?;
        let found = length.ok_or(BundleError::NotDeterministic)?;
        let count = usize::try_from(found).unwrap_or(usize::MAX);
        if count == 0 || count > ITEMS_MAX {
            return Err(BundleError::ItemCount { found });
        }
        (0..count).map(|index| self.item(index)).collect()
    }

    fn item(&mut self, index: usize) -> Result<Item<'a>, BundleError> {
        let length = self.0.array().map_err(|error| self.malformed(&error))?;
        self.expect(length == Some(2))?;
        let found = self.0.u64().map_err(|error| self.malformed(&error))?;
        let kind = u8::try_from(found).ok().and_then(Kind::from_number);
        let kind = kind.ok_or(BundleError::UnknownKind { index, found })?;
        let contents = self.0.bytes().map_err(|error| self.malformed(&error))?;
        Ok(Item { kind, contents })
    }

    fn expect(&self, is_so: bool) -> Result<(), BundleError> {
        if is_so { Ok(()) } else { Err(BundleError::Malformed { offset: self.0.position() }) }
    }

    fn malformed(&self, error: &minicbor::decode::Error) -> BundleError {
        BundleError::Malformed { offset: error.position().unwrap_or_else(|| self.0.position()) }
    }
}

fn check_length(bytes: &[u8]) -> Result<(), BundleError> {
    if bytes.len() > BUNDLE_MAX_BYTES {
        return Err(BundleError::TooLong { found: bytes.len() });
    }
    Ok(())
}

fn check(items: &[Item<'_>]) -> Result<(), BundleError> {
    if items.is_empty() || items.len() > ITEMS_MAX {
        return Err(BundleError::ItemCount { found: u64::try_from(items.len()).unwrap_or(u64::MAX) });
    }
    let mut before = Kind::Evidence;
    for (index, item) in items.iter().enumerate() {
        let (kind, limit, found) = (item.kind, item.kind.max_bytes(), item.contents.len());
        if kind < before {
            return Err(BundleError::Order { index, expected: before, found: kind });
        }
        if found == 0 || found > limit {
            return Err(BundleError::ItemLength { index, kind, limit, found });
        }
        before = kind;
    }
    check_pairs(items)
}

fn check_pairs(items: &[Item<'_>]) -> Result<(), BundleError> {
    let count = |kind| items.iter().filter(|item| item.kind == kind).count();
    for (with, of) in Kind::PAIRS {
        let (expected, found) = (count(with), count(of));
        if expected != found {
            return Err(BundleError::Unpaired { of, with, expected, found });
        }
    }
    Ok(())
}

fn write(at: Instant, items: &[Item<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let done = encode(&mut Encoder::new(&mut bytes), at, items);
    debug_assert!(done.is_ok(), "writing to a `Vec` is infallible");
    bytes
}

type Written = Result<(), minicbor::encode::Error<core::convert::Infallible>>;

fn encode(encoder: &mut Encoder<&mut Vec<u8>>, at: Instant, items: &[Item<'_>]) -> Written {
    let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
    encoder.map(3)?.u8(0)?.u32(VERSION)?.u8(1)?.u64(at.unix_seconds())?.u8(2)?.array(count)?;
    for item in items {
        encoder.array(2)?.u8(item.kind.number())?.bytes(item.contents)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;

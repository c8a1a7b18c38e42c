//! What opens all leaves of a receipt.

use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use attestation_merkle::{Levels, Tree, leaf_hash};
use minicbor::Decoder;
use zeroize::Zeroizing;

use crate::written::{count, read_array, written};
use crate::{
    Body, BodySide, Disclosure, LEAVES_MAX, LeafDisclosure, Leaves, RECEIPT_VERSION, ReceiptError,
    ReceiptSecret, SIGNED_RECEIPT_MAX_BYTES, Value,
};

/// The values of all leaves, and the secret that their salts are from. Of bodies it has lengths and roots: whoever shows
/// parts of them has the bodies.
///
/// Whoever has it can show everything, so it goes to those only who may. As a file:
/// ```cddl
/// opening = [1, bstr .size 32, [7*1024 value]]     ; version, secret
/// value = leaf without its salt
/// ```
#[derive(Clone)]
pub struct Opening {
    secret: ReceiptSecret,
    values: Vec<Value>,
}

impl Opening {
    pub(crate) const fn new(secret: ReceiptSecret, values: Vec<Value>) -> Self {
        Self { secret, values }
    }

    /// What the receipt says of them.
    #[must_use]
    pub fn leaves(&self) -> Leaves {
        let mut tree = Tree::default();
        self.leaf_hashes().for_each(|hash| tree.push(hash));
        Leaves { root: tree.root(), count: tree.leaves() }
    }

    /// In the order of leaves.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// What all salts are from.
    #[must_use]
    pub const fn secret(&self) -> &ReceiptSecret {
        &self.secret
    }

    /// Those leaves that `show` says yes to, ready to be shown.
    #[must_use]
    pub fn disclose(&self, show: impl Fn(&Value) -> bool) -> Vec<Disclosure> {
        let levels = Levels::new(self.leaf_hashes().collect());
        let shown = (0..).zip(self.values.iter().enumerate()).filter(|(_, (_, value))| show(value));
        let disclosures = shown.filter_map(|(index, (place, value))| {
            let (salt, value) = (self.secret.salt(index), value.clone());
            Some(Disclosure::Leaf(LeafDisclosure { index, salt, value, path: levels.path(place)? }))
        });
        disclosures.collect()
    }

    /// One of the bodies by its length and root; `None` only in openings that no [`Recorder`](crate::Recorder) made.
    #[must_use]
    pub fn body(&self, side: BodySide) -> Option<&Body> {
        self.values.iter().find_map(|value| value.body(side))
    }

    /// The chunks with these bytes of a body, ready to be shown besides its leaf. `bytes` is all of it.
    ///
    /// # Errors
    /// As [`Body::disclose`].
    pub fn disclose_body(
        &self,
        side: BodySide,
        range: Range<u64>,
        bytes: &[u8],
    ) -> Result<Vec<Disclosure>, ReceiptError> {
        let body = self.body(side).ok_or(ReceiptError::BodyHidden { body: side })?;
        body.disclose(side, range, bytes, &self.secret.body(side))
    }

    /// The one encoding of this opening, wiped when dropped.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(written(|encoder| {
            encoder.array(3)?.u32(RECEIPT_VERSION)?.bytes(self.secret.expose())?;
            encoder.array(count(&self.values))?;
            self.values.iter().try_for_each(|value| value.write(encoder))
        }))
    }

    /// Reads [`Self::encode`]'s bytes and nothing else. Whether it opens a receipt is found where something of it is shown.
    ///
    /// # Errors
    /// Too long, another version, or not the one encoding of its content.
    pub fn decode(bytes: &[u8]) -> Result<Self, ReceiptError> {
        if bytes.len() > SIGNED_RECEIPT_MAX_BYTES {
            return Err(ReceiptError::TooLong { limit: SIGNED_RECEIPT_MAX_BYTES, found: bytes.len() });
        }
        let mut decoder = Decoder::new(bytes);
        let (version, opening) = Self::decode_parts(&mut decoder)
            .ok_or_else(|| ReceiptError::Opening { offset: decoder.position() })?;
        if version != RECEIPT_VERSION {
            return Err(ReceiptError::Version { expected: RECEIPT_VERSION, found: version });
        }
        // Long forms and trailing bytes end here.
        if *opening.encode() != bytes {
            return Err(ReceiptError::NotDeterministic);
        }
        Ok(opening)
    }

    fn decode_parts(decoder: &mut Decoder<'_>) -> Option<(u32, Self)> {
        read_array(decoder, 3)?;
        let version = decoder.u32().ok()?;
        let secret = ReceiptSecret::new(decoder.bytes().ok()?.try_into().ok()?);
        let values = decoder.array().ok()?.filter(|values| *values <= LEAVES_MAX)?;
        let values = (0..values).map(|_| Value::read(decoder)).collect::<Option<_>>()?;
        Some((version, Self { secret, values }))
    }

    fn leaf_hashes(&self) -> impl Iterator<Item = [u8; 32]> {
        let numbered = (0..).zip(&self.values);
        numbered.map(|(index, value)| leaf_hash(&value.leaf(&self.secret.salt(index))))
    }
}

/// Without the values: they are often secrets.
impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening").field("values", &self.values.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

//! Messages and the frames around them (RFC 10049 §4, §5).
//!
//! ```text
//! packet  = "ROUGHTIM" ‖ length of the message u32 ‖ message
//! message = N u32 ‖ offsets of values 1 to N-1 u32 ‖ N tags u32 ‖ N values
//! ```
//! Numbers are little-endian.

use alloc::vec::Vec;

use crate::{MessageError, Tag};

const MAGIC: [u8; 8] = *b"ROUGHTIM";
/// Magic and length.
pub(crate) const FRAME_BYTES: usize = 12;
/// What a pair takes of the header: an offset and a tag.
const PAIR_BYTES: usize = 8;
/// Most pairs of one message. The protocol has seven at most, and eighteen tags in all.
pub(crate) const PAIRS_MAX: usize = 32;

/// A message whose header is right. Values are where they were.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message<'a> {
    /// Of all values but the first, which begins at 0.
    offsets: &'a [[u8; 4]],
    tags: &'a [[u8; 4]],
    values: &'a [u8],
}

impl<'a> Message<'a> {
    /// Takes the message out of its frame and reads it. The frame is all there is.
    pub(crate) fn in_packet(packet: &'a [u8]) -> Result<Self, MessageError> {
        let short = MessageError::Short { expected: FRAME_BYTES, found: packet.len() };
        let (magic, rest) = packet.split_first_chunk().ok_or(short.clone())?;
        let (stated, message) = rest.split_first_chunk().ok_or(short)?;
        if *magic != MAGIC {
            return Err(MessageError::Magic { found: *magic });
        }
        let (expected, found) = (u32::from_le_bytes(*stated), message.len());
        if usize::try_from(expected) != Ok(found) {
            return Err(MessageError::Length { expected, found });
        }
        Self::parse(message)
    }

    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, MessageError> {
        let found = bytes.len();
        let (count, rest) =
            bytes.split_first_chunk().ok_or(MessageError::Short { expected: size_of::<u32>(), found })?;
        let pairs = u32::from_le_bytes(*count);
        let count = usize::try_from(pairs).ok().filter(|count| (1..=PAIRS_MAX).contains(count));
        let count = count.ok_or(MessageError::Pairs { limit: PAIRS_MAX, found: pairs })?;
        // The first pair has no offset: its place is the count's.
        let expected = count.saturating_mul(PAIR_BYTES);
        let short = MessageError::Short { expected, found };
        let header_bytes = expected.saturating_sub(size_of::<u32>());
        let (header, values) = rest.split_at_checked(header_bytes).ok_or(short)?;
        let (numbers, _) = header.as_chunks();
        let (offsets, tags) = numbers.split_at(count.saturating_sub(1));
        let message = Self { offsets, tags, values };
        message.check_offsets()?;
        message.check_tags()?;
        Ok(message)
    }

    fn check_offsets(&self) -> Result<(), MessageError> {
        let most = self.values.len();
        let mut least = 0;
        for (before, offset) in self.offsets.iter().enumerate() {
            let found = u32::from_le_bytes(*offset);
            let is_right = |offset: &usize| offset.is_multiple_of(4) && (least..=most).contains(offset);
            let offset = usize::try_from(found).ok().filter(is_right);
            let pair = before.saturating_add(1);
            least = offset.ok_or(MessageError::Offset { pair, least, most, found })?;
        }
        Ok(())
    }

    fn check_tags(&self) -> Result<(), MessageError> {
        let pairs = self.tags.iter().zip(self.tags.iter().skip(1));
        let mut pairs = pairs.map(|(before, tag)| (Tag(*before), Tag(*tag)));
        match pairs.find(|(before, tag)| before >= tag) {
            Some((before, found)) => Err(MessageError::TagOrder { before, found }),
            None => Ok(()),
        }
    }

    /// The value with this tag.
    pub(crate) fn value(&self, tag: Tag) -> Option<&'a [u8]> {
        let pair = self.tags.iter().position(|found| Tag(*found) == tag)?;
        let begin = pair.checked_sub(1).map_or(Some(0), |before| self.offset(before))?;
        let end = self.offset(pair).unwrap_or(self.values.len());
        self.values.get(begin..end)
    }

    fn offset(&self, index: usize) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(*self.offsets.get(index)?)).ok()
    }
}

/// A message of these values in its frame. They are in the order of their tags, and each has a multiple of four bytes.
pub(crate) fn packet(pairs: &[(Tag, &[u8])]) -> Vec<u8> {
    debug_assert!(pairs.is_sorted_by(|(before, _), (tag, _)| before < tag), "tags out of order");
    let mut message = Vec::new();
    message.extend(number(pairs.len()));
    let mut offset = 0_usize;
    for (_, value) in pairs.split_last().map_or(&[][..], |(_, others)| others) {
        offset = offset.saturating_add(value.len());
        message.extend(number(offset));
    }
    pairs.iter().for_each(|(tag, _)| message.extend(tag.0));
    pairs.iter().for_each(|(_, value)| message.extend_from_slice(value));
    [&MAGIC[..], &number(message.len()), &message].concat()
}

/// What is written here has a hundred numbers or so, and none is large.
fn number(value: usize) -> [u8; 4] {
    u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes()
}

#[cfg(test)]
mod tests;

//! What is in a file: blocks, of which those that nobody wrote to are left out.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use crate::limits::{BLOCK_OVERHEAD_BYTES, bytes_of};

/// Bytes of a whole block. Appending copies at most one block, whatever the size of the file.
pub const BLOCK_BYTES: usize = 64 * 1024;
/// The largest size of a file, holes included: the largest offset of POSIX.
pub const FILE_BYTES_MAX: u64 = i64::MAX.unsigned_abs();

/// The least that a block takes.
const BLOCK_LEAST_BYTES: usize = 64;

/// Contents of one file. What lies beyond a block's bytes, or in no block, is zero.
#[derive(Debug, Clone, Default)]
pub(crate) struct Contents {
    size: u64,
    /// By number: the first is at offset 0, the second at [`BLOCK_BYTES`]. None is empty.
    blocks: BTreeMap<u64, Vec<u8>>,
    charged: u64,
}

impl Contents {
    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// What the blocks cost.
    pub(crate) const fn charged(&self) -> u64 {
        self.charged
    }

    /// At most `length` bytes from `offset`: fewer at the end of the file.
    pub(crate) fn read(&self, offset: u64, length: usize) -> Vec<u8> {
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut out = vec![0; length.min(left)];
        let mut rest = out.as_mut_slice();
        for span in spans(offset, rest.len()) {
            let (part, behind) = rest.split_at_mut(span.length.min(rest.len()));
            let stored = self.blocks.get(&span.block).and_then(|block| block.get(span.start..));
            copy_start(part, stored.unwrap_or_default());
            rest = behind;
        }
        out
    }

    /// What [`write`](Self::write) would cost more than now.
    pub(crate) fn cost_of_write(&self, offset: u64, length: usize) -> u64 {
        let more = spans(offset, length).map(|span| {
            let before = self.blocks.get(&span.block).map_or(0, |block| cost_of_block(block.len()));
            cost_of_block(span.end()).saturating_sub(before)
        });
        more.fold(0, u64::saturating_add)
    }

    /// Writes at `offset`, which together with the bytes is within [`FILE_BYTES_MAX`]. The cost is paid.
    pub(crate) fn write(&mut self, offset: u64, bytes: &[u8]) {
        self.charged = self.charged.saturating_add(self.cost_of_write(offset, bytes.len()));
        let mut rest = bytes;
        for span in spans(offset, bytes.len()) {
            let (part, behind) = rest.split_at(span.length.min(rest.len()));
            write_to_block(self.blocks.entry(span.block).or_default(), span.start, part);
            rest = behind;
        }
        self.size = self.size.max(offset.saturating_add(bytes_of(bytes.len())));
    }

    /// Cuts, or adds a hole at the end.
    pub(crate) fn set_size(&mut self, size: u64) {
        self.size = size;
        let (last, within) = place_of(size);
        let mut beyond = self.blocks.split_off(&last);
        let released = beyond.values().map(|block| cost_of_block(block.len())).fold(0, u64::saturating_add);
        self.charged = self.charged.saturating_sub(released);
        if let Some(mut block) = beyond.remove(&last).filter(|_| within > 0) {
            block.truncate(within);
            block.shrink_to(capacity_of(block.len()));
            self.charged = self.charged.saturating_add(cost_of_block(block.len()));
            self.blocks.insert(last, block);
        }
    }

    /// Blocks that hold anything but zeros, by number, without the zeros at their ends: the same for the same
    /// contents, however they came about.
    pub(crate) fn without_zeros(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.blocks.iter().filter_map(|(number, block)| {
            let last = block.iter().rposition(|byte| *byte != 0)?;
            Some((*number, block.get(..=last)?))
        })
    }
}

/// The part of a range that lies in one block.
struct Span {
    block: u64,
    start: usize,
    length: usize,
}

impl Span {
    /// Where it ends in the block.
    const fn end(&self) -> usize {
        self.start.saturating_add(self.length)
    }
}

/// The blocks of a range.
fn spans(offset: u64, length: usize) -> impl Iterator<Item = Span> {
    let (mut block, mut start) = place_of(offset);
    let mut left = length;
    core::iter::from_fn(move || {
        let span = Span { block, start, length: left.min(BLOCK_BYTES.saturating_sub(start)) };
        (block, start, left) = (block.saturating_add(1), 0, left.saturating_sub(span.length));
        (span.length > 0).then_some(span)
    })
}

/// Block and place in it.
fn place_of(offset: u64) -> (u64, usize) {
    const SIZE: u64 = BLOCK_BYTES as u64;
    (offset.div_euclid(SIZE), usize::try_from(offset.rem_euclid(SIZE)).unwrap_or_default())
}

/// As much as both have.
fn copy_start(to: &mut [u8], from: &[u8]) {
    let length = to.len().min(from.len());
    if let (Some(to), Some(from)) = (to.get_mut(..length), from.get(..length)) {
        to.copy_from_slice(from);
    }
}

fn write_to_block(block: &mut Vec<u8>, start: usize, part: &[u8]) {
    let end = start.saturating_add(part.len());
    if end > block.len() {
        // Exactly what was charged, rather than what a vector would take to grow.
        block.reserve_exact(capacity_of(end).saturating_sub(block.len()));
        block.resize(end, 0);
    }
    if let Some(to) = block.get_mut(start..end) {
        to.copy_from_slice(part);
    }
}

fn capacity_of(length: usize) -> usize {
    length.next_power_of_two().max(BLOCK_LEAST_BYTES)
}

fn cost_of_block(length: usize) -> u64 {
    bytes_of(capacity_of(length)).saturating_add(BLOCK_OVERHEAD_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: u64 = BLOCK_BYTES as u64;

    fn write(contents: &mut Contents, offset: u64, bytes: &[u8]) -> u64 {
        let cost = contents.cost_of_write(offset, bytes.len());
        contents.write(offset, bytes);
        cost
    }

    #[test]
    fn blocks_cost_the_power_of_two_that_holds_them() {
        let mut contents = Contents::default();
        assert_eq!(write(&mut contents, 0, &[1; 64]), 64 + BLOCK_OVERHEAD_BYTES);
        assert_eq!(write(&mut contents, 64, &[1]), 64);
        assert_eq!(write(&mut contents, 65, &[1; 63]), 0);
        assert_eq!(
            write(&mut contents, 128, &vec![1; BLOCK_BYTES]),
            WHOLE - 128 + 128 + BLOCK_OVERHEAD_BYTES
        );
        assert_eq!(contents.charged(), WHOLE + 128 + 2 * BLOCK_OVERHEAD_BYTES);
        let held: usize = contents.blocks.values().map(Vec::capacity).sum();
        assert_eq!(bytes_of(held) + 2 * BLOCK_OVERHEAD_BYTES, contents.charged());
    }

    #[test]
    fn holes_cost_nothing_and_read_as_zeros() {
        let mut contents = Contents::default();
        contents.set_size(1 << 60);
        assert_eq!((contents.size(), contents.charged()), (1 << 60, 0));
        assert_eq!(write(&mut contents, (1 << 50) + 7, b"far"), 64 + BLOCK_OVERHEAD_BYTES);
        assert_eq!(contents.read((1 << 50) + 5, 7), *b"\0\0far\0\0");
        assert_eq!(contents.read((1 << 60) - 2, 9), *b"\0\0");
        assert_eq!(contents.read(1 << 60, 9), *b"");
    }

    #[test]
    fn bytes_that_were_cut_off_do_not_come_back() {
        let mut contents = Contents::default();
        write(&mut contents, WHOLE - 3, b"abcdef");
        contents.set_size(WHOLE + 1);
        contents.set_size(WHOLE + 6);
        assert_eq!(contents.read(WHOLE - 4, 20), *b"\0abcd\0\0\0\0\0");
        assert_eq!(contents.charged(), WHOLE + 64 + 2 * BLOCK_OVERHEAD_BYTES);
        contents.set_size(WHOLE);
        assert_eq!(contents.charged(), WHOLE + BLOCK_OVERHEAD_BYTES);
        contents.set_size(5);
        assert_eq!(contents.charged(), 64 + BLOCK_OVERHEAD_BYTES);
        assert_eq!(contents.blocks[&0].capacity(), 64);
        contents.set_size(0);
        assert_eq!((contents.charged(), contents.blocks.len()), (0, 0));
    }

    #[test]
    fn zeros_that_were_written_are_as_those_that_were_not() {
        let mut contents = Contents::default();
        write(&mut contents, 0, &[0; 100]);
        write(&mut contents, WHOLE, b"a\0b\0\0");
        write(&mut contents, 3 * WHOLE + 2, b"c");
        let found: Vec<_> = contents.without_zeros().collect();
        assert_eq!(found, [(1, b"a\0b".as_slice()), (3, b"\0\0c")]);
    }
}

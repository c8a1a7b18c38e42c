//! What the input makes the host do between two looks of the guest.

use core::ops::Range;

use super::Ring;
use super::memory::{pool_gpa, write_pool};

/// A hostile host's plan: one step after the other.
#[derive(Debug)]
pub struct Script<'a>(&'a [u8]);

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// The guest looks, this many milliseconds later.
    Look {
        /// The time.
        milliseconds: u8,
    },
    /// The guest sends this.
    Send(&'a [u8]),
}

impl<'a> Script<'a> {
    /// The plan in an input.
    #[must_use]
    pub const fn new(input: &'a [u8]) -> Self {
        Self(input)
    }

    /// Lets the host act until it is the guest's turn; `None` at the end.
    pub fn next(&mut self, receive: &mut Ring, transmit: &mut Ring) -> Option<Step<'a>> {
        loop {
            let [step, a, b, c] = self.take()?;
            match step % 8 {
                0 => return Some(Step::Look { milliseconds: a }),
                1 => return Some(Step::Send(self.take_bytes(u16::from_le_bytes([a, b])))),
                2 => {
                    let bytes = self.take_bytes(u16::from_le_bytes([a, b]));
                    receive.fill_next(bytes, u32::try_from(bytes.len()).unwrap_or(0));
                }
                3 => receive.fill_next(self.take_bytes(a.into()), u32::from_le_bytes([0, b, c, c])),
                4 => transmit.fill_next(&[], u32::from_le_bytes([a, b, c, 0])),
                5 => {
                    let ring = if a % 2 == 0 { &mut *receive } else { &mut *transmit };
                    ring.give_back(u32::from_le_bytes([b, 0, c, 0]), 7);
                }
                6 => {
                    let packet = with_checksum(self.take_bytes(u16::from_le_bytes([a, b])));
                    receive.fill_next(&packet, u32::try_from(packet.len()).unwrap_or(0));
                }
                _ => {
                    // Anywhere in the first megabyte: the rings and most buffers.
                    let offset = u64::from(u32::from_le_bytes([a, b, c & 0xF, 0]));
                    write_pool(pool_gpa(offset), self.take_bytes((c >> 4).into()));
                }
            }
        }
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn take_bytes(&mut self, count: u16) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(usize::from(count).min(self.0.len()));
        self.0 = rest;
        taken
    }
}

/// A packet whose IPv4 and TCP headers have the right checksums, which are hard to guess. One of UDP may be left out.
fn with_checksum(packet: &[u8]) -> Vec<u8> {
    const HEADER: Range<usize> = 26..46;
    const ADDRESSES: Range<usize> = 38..46;
    const PROTOCOL: usize = 35;
    const TCP: u8 = 6;
    let mut packet = packet.to_vec();
    set_checksum(&mut packet, HEADER, 10, 0);
    if packet.get(PROTOCOL) == Some(&TCP) {
        let length = packet.get(28..30).map_or(0, sum).saturating_sub(20);
        let end = HEADER.end.saturating_add(length as usize);
        let pseudo_header = packet.get(ADDRESSES).map_or(0, sum) + u32::from(TCP) + length;
        set_checksum(&mut packet, HEADER.end..end, 16, pseudo_header);
    }
    packet
}

/// Sets the Internet's checksum (RFC 1071) of a part, at this place in it, with something added.
fn set_checksum(packet: &mut [u8], part: Range<usize>, at: usize, added: u32) {
    let Some(part) = packet.get_mut(part) else { return };
    part.iter_mut().skip(at).take(2).for_each(|byte| *byte = 0);
    let total = sum(part) + added;
    let folded = (total & 0xFFFF) + (total >> 16);
    let [_, _, checksum @ ..] = (!(folded + (folded >> 16))).to_be_bytes();
    part.iter_mut().skip(at).zip(checksum).for_each(|(to, from)| *to = from);
}

/// Of words of two bytes; a last one alone is the upper half.
fn sum(bytes: &[u8]) -> u32 {
    let words = bytes.chunks(2).map(|word| match word {
        [high, low] => u16::from_be_bytes([*high, *low]),
        [high] => u16::from_be_bytes([*high, 0]),
        _ => 0,
    });
    words.map(u32::from).sum()
}

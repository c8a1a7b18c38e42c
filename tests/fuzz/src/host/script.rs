//! What the input makes the host do between two looks of the guest.

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

/// A packet whose IPv4 header has the right checksum, which is hard to guess. One of UDP may be left out.
fn with_checksum(packet: &[u8]) -> Vec<u8> {
    const HEADER: core::ops::Range<usize> = 26..46;
    const CHECKSUM: core::ops::Range<usize> = 36..38;
    let mut packet = packet.to_vec();
    packet.get_mut(CHECKSUM).unwrap_or_default().fill(0);
    let words = packet.get(HEADER).unwrap_or_default().chunks_exact(2);
    let sum: u32 = words.map(|word| word.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte))).sum();
    let folded = (sum & 0xFFFF) + (sum >> 16);
    let [_, _, checksum @ ..] = (!(folded + (folded >> 16))).to_be_bytes();
    packet.get_mut(CHECKSUM).unwrap_or_default().iter_mut().zip(checksum).for_each(|(to, from)| *to = from);
    packet
}

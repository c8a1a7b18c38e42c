//! Local ports of outgoing connections and of questions: random ones (RFC 6056), and none again before what is left of its
//! last connection has died out on the way.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec;

/// The dynamic ports of RFC 6335.
const FIRST: u16 = 49_152;
const COUNT: u16 = u16::MAX - FIRST + 1;
const WORDS: usize = COUNT as usize / u64::BITS as usize;
/// How long a port rests: twice the time that a segment may live in practice.
const REST_US: u64 = 60_000_000;
/// How many rest at most; with more, those that have rested longest are used again earlier.
const RESTING_MAX: usize = 4096;

/// The ports and who rests.
#[derive(Debug)]
pub(super) struct LocalPorts {
    generator: u64,
    /// One bit per port: in use or at rest.
    busy: Box<[u64]>,
    /// Ports and when they are free, in this order.
    resting: VecDeque<(u16, u64)>,
}

impl LocalPorts {
    /// What they take.
    pub(super) const MEMORY_BYTES: u64 =
        (WORDS * size_of::<u64>() + 2 * RESTING_MAX * size_of::<(u16, u64)>()) as u64;

    pub(super) fn new(seed: u64) -> Self {
        Self { generator: seed, busy: vec![0; WORDS].into_boxed_slice(), resting: VecDeque::new() }
    }

    /// A free port, which is in use from now on: a random one, or the next (RFC 6056, section 3.3.1).
    pub(super) fn take(&mut self, now_us: u64) -> Option<u16> {
        self.wake(now_us);
        let start = self.random_offset();
        let free =
            (0..COUNT).map(|step| start.wrapping_add(step) % COUNT).find(|offset| !self.is_busy(*offset))?;
        self.mark(free);
        Some(FIRST + free)
    }

    /// A port is listened on: it is not taken.
    pub(super) fn reserve(&mut self, port: u16) {
        if let Some(offset) = port.checked_sub(FIRST) {
            self.mark(offset);
        }
    }

    /// A port is not listened on any more.
    pub(super) fn unreserve(&mut self, port: u16) {
        if let Some(offset) = port.checked_sub(FIRST) {
            self.clear(offset);
        }
    }

    /// The port's connection or question is over.
    pub(super) fn give_back(&mut self, port: u16, now_us: u64) {
        if self.resting.len() == RESTING_MAX {
            self.wake_first();
        }
        self.resting.push_back((port, now_us.saturating_add(REST_US)));
    }

    /// The next number of SplitMix64, cut to the range.
    fn random_offset(&mut self) -> u16 {
        self.generator = self.generator.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.generator ^ self.generator >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        let [low, high, ..] = (mixed ^ mixed >> 31).to_le_bytes();
        u16::from_le_bytes([low, high]) % COUNT
    }

    fn wake(&mut self, now_us: u64) {
        while self.resting.front().is_some_and(|(_, until_us)| *until_us <= now_us) {
            self.wake_first();
        }
    }

    fn wake_first(&mut self) {
        if let Some((port, _)) = self.resting.pop_front() {
            self.clear(port - FIRST);
        }
    }

    fn is_busy(&self, offset: u16) -> bool {
        let (word, bit) = place(offset);
        self.busy.get(word).is_none_or(|word| word & bit != 0)
    }

    fn mark(&mut self, offset: u16) {
        let (word, bit) = place(offset);
        if let Some(word) = self.busy.get_mut(word) {
            *word |= bit;
        }
    }

    fn clear(&mut self, offset: u16) {
        let (word, bit) = place(offset);
        if let Some(word) = self.busy.get_mut(word) {
            *word &= !bit;
        }
    }
}

/// The word of a port's bit, and the bit.
fn place(offset: u16) -> (usize, u64) {
    let (word, bit) = (u32::from(offset) / u64::BITS, u32::from(offset) % u64::BITS);
    (word as usize, 1 << bit)
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn ports_are_scattered_by_the_seed() {
        let of_seed = |seed| -> Vec<u16> {
            let mut ports = LocalPorts::new(seed);
            (0..100).map(|_| ports.take(0).unwrap()).collect()
        };
        let (one, other) = (of_seed(1), of_seed(2));
        assert_eq!(one, of_seed(1));
        assert!(one.iter().filter(|port| other.contains(port)).count() < 10);
        assert!(one.iter().all(|port| *port >= FIRST));
        let next_to_each_other = one.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) < 16).count();
        assert!(next_to_each_other < 5, "{one:?}");
    }

    #[test]
    fn every_port_is_given_once() {
        let mut ports = LocalPorts::new(7);
        let all: BTreeSet<u16> = (0..COUNT).map(|_| ports.take(0).unwrap()).collect();
        assert_eq!((all.len(), ports.take(0)), (COUNT.into(), None));
    }

    #[test]
    fn a_port_rests_before_it_is_used_again() {
        let mut ports = LocalPorts::new(7);
        let all: Vec<u16> = (0..COUNT).map(|_| ports.take(0).unwrap()).collect();
        ports.give_back(all[5], 1_000);
        assert_eq!(ports.take(REST_US + 999), None);
        assert_eq!(ports.take(REST_US + 1_000), Some(all[5]));
        assert_eq!(ports.take(u64::MAX), None);
    }

    #[test]
    fn ports_that_are_listened_on_are_left_alone() {
        let mut ports = LocalPorts::new(7);
        [80, FIRST, u16::MAX].iter().for_each(|port| ports.reserve(*port));
        let all: BTreeSet<u16> = (2..COUNT).map(|_| ports.take(0).unwrap()).collect();
        assert!(!all.contains(&FIRST) && !all.contains(&u16::MAX) && ports.take(0).is_none());
        ports.unreserve(u16::MAX);
        assert_eq!(ports.take(0), Some(u16::MAX));
    }

    #[test]
    fn no_more_rest_than_there_is_room_for() {
        let mut ports = LocalPorts::new(7);
        let all: Vec<u16> = (0..COUNT).map(|_| ports.take(0).unwrap()).collect();
        all.iter().take(RESTING_MAX + 1).for_each(|port| ports.give_back(*port, 0));
        assert_eq!((ports.resting.len(), ports.take(0)), (RESTING_MAX, Some(all[0])));
        assert!(size_of_val(&*ports.busy) as u64 <= LocalPorts::MEMORY_BYTES);
    }
}

//! The places of connections: which are taken, which want to be looked at, and when.

use alloc::vec::Vec;

use smoltcp::socket::tcp::State;

use super::connection::{ConnectionId, Failure, Timeouts};
use super::frame::Ends;
use super::line::Line;

/// Lists with a number for each connection: free, touched, alarms, sending, to be accepted.
const LISTS: usize = 5;

/// All places.
#[derive(Default)]
pub(super) struct Slots {
    slots: Vec<Slot>,
    free: Vec<usize>,
    /// Those that have something to do, each once.
    touched: Vec<usize>,
    /// When each has something to do by itself; side by side, because all of them are gone through.
    wakes_us: Vec<u64>,
    /// When the first may have.
    first_wake_us: u64,
}

#[derive(Default)]
struct Slot {
    generation: u64,
    live: Option<Live>,
    is_touched: bool,
}

/// A connection, or a socket that waits for one.
pub(super) struct Live {
    pub(super) line: Line,
    pub(super) side: Side,
    pub(super) role: Role,
    /// As it was when last looked at.
    pub(super) last: State,
    pub(super) failure: Option<Failure>,
    pub(super) timeouts: Timeouts,
    pub(super) local_port: u16,
    /// By which its packets are known; none while it listens.
    pub(super) ends: Option<Ends>,
}

/// Who began it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Incoming,
    Outgoing,
}

/// Whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A listener's, to be called.
    Listening,
    /// A listener's, called but not answered for good.
    Called,
    /// A listener's, to be accepted.
    Waiting,
    /// Our user's.
    Owned,
    /// Nobody's any more: closes by itself until then, and is broken off afterwards.
    Draining {
        /// The time.
        until_us: u64,
    },
}

impl Slots {
    /// What a place takes at most, in lists that grow by doubling.
    pub(super) const BYTES: usize = 2 * (size_of::<Slot>() + LISTS * size_of::<usize>());

    /// Takes a place.
    pub(super) fn occupy(&mut self, live: Live) -> usize {
        let index = self.free.pop().unwrap_or(self.slots.len());
        match self.slots.get_mut(index) {
            Some(slot) => slot.live = Some(live),
            None => {
                self.slots.push(Slot { live: Some(live), ..Slot::default() });
                self.wakes_us.push(u64::MAX);
            }
        }
        self.touch(index);
        index
    }

    /// Empties a place. Nobody knows it by its old name any more.
    pub(super) fn vacate(&mut self, index: usize) -> Option<Live> {
        let slot = self.slots.get_mut(index)?;
        let live = slot.live.take()?;
        slot.generation += 1;
        self.set_wake(index, u64::MAX);
        self.free.push(index);
        Some(live)
    }

    pub(super) fn get(&self, index: usize) -> Option<&Live> {
        self.slots.get(index)?.live.as_ref()
    }

    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut Live> {
        self.slots.get_mut(index)?.live.as_mut()
    }

    /// The connection of this name, if its user still has it.
    pub(super) fn owned(&self, id: ConnectionId) -> Option<&Live> {
        let slot = self.slots.get(id.index).filter(|slot| slot.generation == id.generation)?;
        slot.live.as_ref().filter(|live| live.role == Role::Owned)
    }

    /// Likewise, to use it.
    pub(super) fn owned_mut(&mut self, id: ConnectionId) -> Option<&mut Live> {
        let slot = self.slots.get_mut(id.index).filter(|slot| slot.generation == id.generation)?;
        slot.live.as_mut().filter(|live| live.role == Role::Owned)
    }

    pub(super) fn id(&self, index: usize) -> Option<ConnectionId> {
        let generation = self.slots.get(index)?.generation;
        Some(ConnectionId { index, generation })
    }

    /// Those that are taken.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Live)> {
        let slots = self.slots.iter().enumerate();
        slots.filter_map(|(index, slot)| Some((index, slot.live.as_ref()?)))
    }

    /// Every place, taken or not.
    pub(super) fn indices(&self) -> core::ops::Range<usize> {
        0..self.slots.len()
    }

    /// It has something to do.
    pub(super) fn touch(&mut self, index: usize) {
        if let Some(slot) = self.slots.get_mut(index).filter(|slot| !slot.is_touched) {
            slot.is_touched = true;
            self.touched.push(index);
        }
    }

    pub(super) const fn is_any_touched(&self) -> bool {
        !self.touched.is_empty()
    }

    /// Touches those whose time has come.
    pub(super) fn touch_due(&mut self, now_us: u64) {
        for index in self.indices() {
            if self.wakes_us.get(index).is_some_and(|wake_us| *wake_us <= now_us) {
                self.touch(index);
            }
        }
    }

    /// One after the other of those that have something to do.
    pub(super) fn touched(&self, at: usize) -> Option<usize> {
        self.touched.get(at).copied()
    }

    /// They have done it, and their alarms are set.
    pub(super) fn clear_touched(&mut self) {
        for index in self.touched.drain(..) {
            if let Some(slot) = self.slots.get_mut(index) {
                slot.is_touched = false;
            }
        }
        self.first_wake_us = self.wakes_us.iter().copied().min().unwrap_or(u64::MAX);
    }

    pub(super) fn set_wake(&mut self, index: usize, wake_us: u64) {
        if let Some(wake) = self.wakes_us.get_mut(index) {
            *wake = wake_us;
        }
    }

    /// When the first of them may have something to do by itself.
    pub(super) const fn first_wake_us(&self) -> u64 {
        self.first_wake_us
    }
}

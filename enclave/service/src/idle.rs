//! Connections of a run that wait for its next request.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::Poll;

use crate::channel::Channel;
use crate::origin::Origin;
use crate::sockets::Sockets;
use crate::time::SharedTime;

/// Those of a run, at most. Programs ask one or two servers, and few things at once; each connection has its buffers, and its
/// place among the guest's.
const OF_RUN_MAX: usize = 4;

/// Those of all runs together, at most: a quarter of what a service may have, so that what some requests may want again is not
/// missing to others.
const OF_ALL_MAX: usize = 16;

/// How long one waits. Servers hang up after five seconds (Apache) to 75 (nginx), and whoever hangs up may do it just when a
/// request is on its way.
const WAIT_MAX_NS: u64 = 15_000_000_000;

/// The idle connections of one run: nobody else's requests ever go over them.
pub(crate) struct IdleChannels {
    of_all: IdleCount,
    /// The one that was used last is the last.
    idle: Vec<Idle>,
}

struct Idle {
    origin: Origin,
    channel: Channel,
    since_ns: u64,
    _counted: Counted,
}

/// How many there are in all runs. Of a connection nothing else is known outside of its run.
#[derive(Debug, Clone, Default)]
pub(crate) struct IdleCount(Arc<AtomicUsize>);

/// One of them.
struct Counted(IdleCount);

impl IdleChannels {
    pub(crate) const fn new(of_all: IdleCount) -> Self {
        Self { of_all, idle: Vec::new() }
    }

    /// Keeps a connection on which all was said, if there is room for it; it may take the place of an older one.
    pub(crate) fn keep(
        &mut self,
        origin: Origin,
        mut channel: Channel,
        sockets: &mut dyn Sockets,
        now_ns: u64,
    ) {
        if !channel.is_quiet(sockets, now_ns) {
            return channel.release(sockets);
        }
        self.leave_at_most(OF_RUN_MAX - 1, sockets);
        let counted = self.of_all.count_one().or_else(|| {
            self.leave_at_most(self.idle.len().saturating_sub(1), sockets);
            self.of_all.count_one()
        });
        match counted {
            Some(counted) => self.idle.push(Idle { origin, channel, since_ns: now_ns, _counted: counted }),
            None => channel.release(sockets),
        }
    }

    /// A connection to the same place that can take a request. The newest one: its server has had the least time to hang up.
    ///
    /// Under TLS its certificates are judged once more, by the time that it is now: they are in the receipts of all exchanges,
    /// and have to hold for each. Where that is not known, none is of use, and a handshake waits until it is.
    pub(crate) fn take(
        &mut self,
        origin: &Origin,
        time: &SharedTime,
        sockets: &mut dyn Sockets,
        now_ns: u64,
    ) -> Option<Channel> {
        self.step(sockets, now_ns);
        let time = match origin.is_secure().then(|| time.interval(now_ns)) {
            None => None,
            Some(Poll::Ready(Ok(time))) => Some(time),
            Some(_) => return None,
        };
        loop {
            let place = self.idle.iter().rposition(|idle| idle.origin == *origin)?;
            let Idle { channel, .. } = self.idle.remove(place);
            if time.is_none_or(|time| channel.holds_in(time)) {
                return Some(channel);
            }
            channel.release(sockets);
        }
    }

    /// Gives back those that waited too long, and those whose peer has hung up, or has said what nobody asked for.
    pub(crate) fn step(&mut self, sockets: &mut dyn Sockets, now_ns: u64) {
        let mut place = 0;
        while let Some(Idle { channel, since_ns, .. }) = self.idle.get_mut(place) {
            let is_fresh = now_ns.saturating_sub(*since_ns) <= WAIT_MAX_NS;
            if is_fresh && channel.is_quiet(sockets, now_ns) {
                place = place.saturating_add(1);
            } else {
                self.idle.remove(place).channel.release(sockets);
            }
        }
    }

    /// Gives back the oldest ones but for so many.
    pub(crate) fn leave_at_most(&mut self, count: usize, sockets: &mut dyn Sockets) {
        let surplus = self.idle.len().saturating_sub(count);
        self.idle.drain(..surplus).for_each(|idle| idle.channel.release(sockets));
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.idle.is_empty()
    }
}

impl IdleCount {
    /// `None` where there are too many.
    fn count_one(&self) -> Option<Counted> {
        let one_more = |count: usize| (count < OF_ALL_MAX).then(|| count.saturating_add(1));
        let counted = self.0.try_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        counted.ok().map(|_| Counted(self.clone()))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let Self(IdleCount(count)) = self;
        count.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;

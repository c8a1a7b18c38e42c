//! Addresses of names, from the servers that DHCP names.
//!
//! Our stack asks the servers of a DNS socket one after the other, ten seconds each. Here each has a socket of its own, and
//! the next one is asked when the last has been silent for two. Answers are anybody's, the host's first of all: what they are
//! worth shows when TLS asks the machine at that address for its certificate.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::net::Ipv4Addr;

use smoltcp::iface::{Interface, SocketHandle, SocketSet};
use smoltcp::socket::dns::{GetQueryResultError, QueryHandle, Socket};
use smoltcp::wire::{DnsQueryType, IpAddress};

use super::connection::ResolveError;

/// Most servers.
pub(super) const SERVERS_MAX: usize = 3;
/// A server has so much time before the next is asked too.
const PATIENCE_US: u64 = 2_000_000;
/// And all of them together.
const TIMEOUT_US: u64 = 10_000_000;
const NAME_MAX_BYTES: usize = 253;
const LABEL_MAX_BYTES: usize = 63;

/// A name that is being resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryId {
    index: usize,
    generation: u64,
}

/// What resolving gave.
type Outcome = Result<Vec<Ipv4Addr>, ResolveError>;

/// Servers and questions.
#[derive(Debug)]
pub(super) struct Resolver {
    sockets: [SocketHandle; SERVERS_MAX],
    servers: usize,
    queries: Vec<Option<Query>>,
    generation: u64,
    limit: usize,
    now_us: u64,
}

struct Query {
    generation: u64,
    name: String,
    /// By server.
    asked: [Option<QueryHandle>; SERVERS_MAX],
    /// The next server to ask.
    next: usize,
    next_us: u64,
    deadline_us: u64,
    outcome: Option<Outcome>,
}

impl Resolver {
    /// What a question takes here: its place, its name, and as many addresses as an answer may have.
    pub(super) const QUERY_BYTES: usize = size_of::<Option<Query>>() + NAME_MAX_BYTES + 256;

    pub(super) fn new(limit: usize, sockets: &mut SocketSet<'static>) -> Self {
        let handles = core::array::from_fn(|_| sockets.add(Socket::new(&[], vec![])));
        Self { sockets: handles, servers: 0, queries: Vec::new(), generation: 0, limit, now_us: 0 }
    }

    pub(super) const fn set_now(&mut self, now_us: u64) {
        self.now_us = now_us;
    }

    /// The servers from now on; the first ones of them.
    pub(super) fn set_servers(&mut self, servers: &[Ipv4Addr], sockets: &mut SocketSet<'static>) {
        self.servers = servers.len().min(SERVERS_MAX);
        for (at, handle) in self.sockets.iter().enumerate() {
            let server: Vec<IpAddress> =
                servers.get(at).map(|server| IpAddress::Ipv4(*server)).into_iter().collect();
            sockets.get_mut::<Socket<'_>>(*handle).update_servers(&server);
        }
    }

    /// Asks for the addresses of `name`.
    pub(super) fn resolve(
        &mut self,
        name: &str,
        interface: &mut Interface,
        sockets: &mut SocketSet<'static>,
    ) -> Result<QueryId, ResolveError> {
        let literal: Option<Ipv4Addr> = name.parse().ok();
        if literal.is_none() && !is_name(name) {
            return Err(ResolveError::Name { name: name.chars().take(NAME_MAX_BYTES).collect() });
        }
        if literal.is_none() && self.servers == 0 {
            return Err(ResolveError::NoServer);
        }
        let index = self.queries.iter().position(Option::is_none).unwrap_or(self.queries.len());
        if index >= self.limit {
            return Err(ResolveError::TooMany { limit: self.limit });
        }
        self.generation += 1;
        let mut query = Query {
            generation: self.generation,
            name: name.to_owned(),
            asked: [const { None }; SERVERS_MAX],
            next: 0,
            next_us: self.now_us,
            deadline_us: self.now_us.saturating_add(TIMEOUT_US),
            outcome: literal.map(|address| Ok(vec![address])),
        };
        query.advance(self.now_us, &self.sockets, self.servers, interface, sockets);
        match self.queries.get_mut(index) {
            Some(slot) => *slot = Some(query),
            None => self.queries.push(Some(query)),
        }
        Ok(QueryId { index, generation: self.generation })
    }

    /// What came of a question, once; `None` while nothing has.
    pub(super) fn resolved(&mut self, id: QueryId) -> Option<Outcome> {
        let slot = self.queries.get_mut(id.index)?;
        slot.take_if(|query| query.generation == id.generation && query.outcome.is_some())?.outcome
    }

    /// Nobody wants to know any more.
    pub(super) fn forget(&mut self, id: QueryId, sockets: &mut SocketSet<'static>) {
        let slot = self.queries.get_mut(id.index);
        let query = slot.and_then(|slot| slot.take_if(|query| query.generation == id.generation));
        if let Some(mut query) = query {
            query.cancel(&self.sockets, sockets);
        }
    }

    /// Looks for answers, and asks further.
    pub(super) fn advance(&mut self, interface: &mut Interface, sockets: &mut SocketSet<'static>) {
        for query in self.queries.iter_mut().flatten() {
            query.advance(self.now_us, &self.sockets, self.servers, interface, sockets);
        }
    }

    /// When [`Self::advance`] has something to do though no packet comes.
    pub(super) fn deadline_us(&self) -> Option<u64> {
        let open = self.queries.iter().flatten().filter(|query| query.outcome.is_none());
        open.map(|query| if query.next < self.servers { query.next_us } else { query.deadline_us }).min()
    }
}

impl Query {
    fn advance(
        &mut self,
        now_us: u64,
        handles: &[SocketHandle; SERVERS_MAX],
        servers: usize,
        interface: &mut Interface,
        sockets: &mut SocketSet<'static>,
    ) {
        if self.outcome.is_some() {
            return;
        }
        for (asked, handle) in self.asked.iter_mut().zip(handles) {
            let Some(question) = *asked else { continue };
            match sockets.get_mut::<Socket<'_>>(*handle).get_query_result(question) {
                Err(GetQueryResultError::Pending) => {}
                // Does not know, or does not want to: the next one may.
                Err(GetQueryResultError::Failed) => *asked = None,
                Ok(addresses) => {
                    *asked = None;
                    self.outcome
                        .get_or_insert(Ok(addresses.into_iter().map(|IpAddress::Ipv4(a)| a).collect()));
                }
            }
        }
        let is_waiting = self.asked.iter().any(Option::is_some);
        if self.outcome.is_none() && self.next < servers && (!is_waiting || now_us >= self.next_us) {
            self.ask(now_us, handles, interface, sockets);
        } else if self.outcome.is_none() && !is_waiting {
            self.outcome = Some(Err(ResolveError::NotFound));
        } else if self.outcome.is_none() && now_us >= self.deadline_us {
            self.outcome = Some(Err(ResolveError::TimedOut));
        }
        if self.outcome.is_some() {
            self.cancel(handles, sockets);
        }
    }

    /// Asks the next server.
    fn ask(
        &mut self,
        now_us: u64,
        handles: &[SocketHandle; SERVERS_MAX],
        interface: &mut Interface,
        sockets: &mut SocketSet<'static>,
    ) {
        let (Some(handle), Some(asked)) = (handles.get(self.next), self.asked.get_mut(self.next)) else {
            return;
        };
        let socket = sockets.get_mut::<Socket<'_>>(*handle);
        // The name was looked at, and a list that grows has a free place.
        *asked = socket.start_query(interface.context(), &self.name, DnsQueryType::A).ok();
        self.next += 1;
        self.next_us = now_us.saturating_add(PATIENCE_US);
    }

    fn cancel(&mut self, handles: &[SocketHandle; SERVERS_MAX], sockets: &mut SocketSet<'static>) {
        for (asked, handle) in self.asked.iter_mut().zip(handles) {
            if let Some(question) = asked.take() {
                sockets.get_mut::<Socket<'_>>(*handle).cancel_query(question);
            }
        }
    }
}

impl core::fmt::Debug for Query {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Query")
            .field("name", &self.name)
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

fn is_name(name: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_label = |label: &str| (1..=LABEL_MAX_BYTES).contains(&label.len()) && label.bytes().all(is_inner);
    name.len() <= NAME_MAX_BYTES && name.split('.').all(is_label)
}

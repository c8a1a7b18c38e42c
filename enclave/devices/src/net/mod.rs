//! The guest's network: virtio-net below, smoltcp above, an address by DHCP, connections over TCP, names by DNS, questions
//! by UDP.
//!
//! Everything on the wire is the host's to change: what needs protection runs inside TLS, above this.
//!
//! Nothing here blocks. A user begins something, calls [`Network::poll`] until it has happened, and asks how far it is.

mod connection;
mod datagrams;
mod device;
mod frame;
mod lease;
mod limits;
mod line;
mod listener;
mod ports;
mod probe;
mod resolver;
mod slots;
mod stack;
mod table;

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::Ipv4Addr;

use smoltcp::wire::EthernetAddress;
use virtio_drivers::transport::pci::PciTransport;
use virtio_drivers::transport::{DeviceType, Transport};

use crate::DeviceError;
use crate::pci::PciBus;
pub use connection::{
    ConnectError, ConnectionId, ConnectionState, Failure, ListenError, ResolveError, Timeouts,
};
pub use datagrams::{AskError, PAYLOAD_MAX_BYTES, QuestionId};
use device::NetDevice;
pub use enclave_wire::network::{NetworkLimits, SocketLimits};
use probe::TcpProbe;
pub use probe::{ProbeError, ProbeOutcome};
pub use resolver::QueryId;
use stack::Stack;

/// The network stack. Drive it with [`Network::poll`].
pub struct Network<T = PciTransport> {
    device: NetDevice<T>,
    stack: Stack,
    probe: Option<TcpProbe>,
}

impl Network {
    /// Finds and starts the device; `None` when the guest has none. `seed` makes port and sequence numbers
    /// unpredictable.
    ///
    /// # Errors
    /// The device breaks the rules.
    pub fn open(bus: &mut PciBus, seed: u64, limits: &NetworkLimits) -> Result<Option<Self>, DeviceError> {
        bus.open(DeviceType::Network)?.map(|transport| Self::start(transport, seed, limits)).transpose()
    }
}

impl<T: Transport> Network<T> {
    /// Starts the device behind `transport`, which is one of this type.
    ///
    /// # Errors
    /// It breaks the rules.
    pub fn start(transport: T, seed: u64, limits: &NetworkLimits) -> Result<Self, DeviceError> {
        let mut device = NetDevice::start(transport)?;
        let mac = device.mac();
        let stack = Stack::new(&mut device, mac, seed, limits);
        Ok(Self { device, stack, probe: None })
    }

    /// Moves packets and timers along. Call often; it never blocks. Between packets and timers it costs next to nothing,
    /// however many connections there are.
    ///
    /// # Errors
    /// The device broke a rule.
    pub fn poll(&mut self, now_us: u64) -> Result<(), DeviceError> {
        self.stack.poll(now_us, &mut self.device);
        if let Some(probe) = &mut self.probe {
            probe.advance(now_us, &mut self.stack);
        }
        self.device.fault()
    }

    /// Address in CIDR form, once DHCP has given one.
    #[must_use]
    pub fn address(&self) -> Option<String> {
        self.stack.terms().address.map(|address| address.to_string())
    }

    /// Default gateway.
    #[must_use]
    pub fn gateway(&self) -> Option<String> {
        self.stack.terms().gateway.map(|gateway| gateway.to_string())
    }

    /// MAC address, as the device states it.
    #[must_use]
    pub fn mac(&self) -> String {
        EthernetAddress(self.device.mac()).to_string()
    }

    /// Starts a TCP echo probe; ask [`Self::take_probe`] for its outcome. One at a time.
    ///
    /// # Errors
    /// The destination does not parse, cannot be connected to, or a probe is running.
    pub fn start_probe(
        &mut self,
        destination: &str,
        payload: &[u8],
        now_us: u64,
        timeout_us: u64,
    ) -> Result<(), ProbeError> {
        if self.probe.is_some() {
            return Err(ProbeError::Busy);
        }
        self.probe = Some(TcpProbe::start(destination, payload, now_us, timeout_us, &mut self.stack)?);
        Ok(())
    }

    /// The running probe's outcome, once it has one.
    pub fn take_probe(&mut self, now_us: u64) -> Option<ProbeOutcome> {
        let outcome = self.probe.as_ref()?.outcome(now_us)?;
        if let Some(probe) = self.probe.take() {
            probe.end(&mut self.stack);
        }
        Some(outcome)
    }
}

/// Connections. A connection is its user's until [`Network::release`]; a name that was released means nothing any more,
/// and asking for it is harmless.
impl<T: Transport> Network<T> {
    /// Begins a connection.
    ///
    /// # Errors
    /// There is no way there, or there are too many.
    pub fn connect(
        &mut self,
        address: Ipv4Addr,
        port: u16,
        timeouts: Timeouts,
    ) -> Result<ConnectionId, ConnectError> {
        self.stack.connect(address, port, timeouts)
    }

    /// Takes connections to a port from now on. At most `backlog` of them wait for [`Self::accept`]; whoever calls while
    /// they do hears nothing and tries again. Accepted ones have these timeouts.
    ///
    /// # Errors
    /// Not a port, one that is listened on, or one too many.
    pub fn listen(&mut self, port: u16, backlog: usize, timeouts: Timeouts) -> Result<(), ListenError> {
        self.stack.listen(port, backlog, timeouts)
    }

    /// Takes no more connections to a port. Those that were not accepted are broken off, the others go on.
    pub fn stop_listening(&mut self, port: u16) {
        self.stack.stop_listening(port);
    }

    /// The next connection that somebody else has begun, on any port.
    pub fn accept(&mut self) -> Option<ConnectionId> {
        self.stack.accept()
    }

    /// How many connections wait to be accepted.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.stack.waiting()
    }

    /// How far a connection is.
    #[must_use]
    pub fn state(&self, id: ConnectionId) -> ConnectionState {
        self.stack.state(id)
    }

    /// Address and port of the other side, while there is one. Neither says who it is.
    #[must_use]
    pub fn peer(&self, id: ConnectionId) -> Option<(Ipv4Addr, u16)> {
        self.stack.peer(id)
    }

    /// Gives bytes to send, as many as there is room for; says how many. They leave with the next poll.
    pub fn send(&mut self, id: ConnectionId, bytes: &[u8]) -> usize {
        self.stack.send(id, bytes)
    }

    /// How many bytes [`Self::send`] would take.
    #[must_use]
    pub fn send_room(&self, id: ConnectionId) -> usize {
        self.stack.send_room(id)
    }

    /// How many bytes were given to send and have not arrived yet, as far as is known.
    #[must_use]
    pub fn unsent_len(&self, id: ConnectionId) -> usize {
        self.stack.unsent_len(id)
    }

    /// Takes what has come, at most `max_bytes`, in one or two pieces; says how many there were.
    pub fn receive(&mut self, id: ConnectionId, max_bytes: usize, consume: impl FnMut(&[u8])) -> usize {
        self.stack.receive(id, max_bytes, consume)
    }

    /// How many bytes have come and were not taken.
    #[must_use]
    pub fn received_len(&self, id: ConnectionId) -> usize {
        self.stack.received_len(id)
    }

    /// Sends nothing after what was given to send; the other side gets to know when it has it all.
    pub fn shutdown_send(&mut self, id: ConnectionId) {
        self.stack.shutdown_send(id);
    }

    /// Breaks a connection off, with a reset to the other side. It still has to be released.
    pub fn abort(&mut self, id: ConnectionId) {
        self.stack.abort(id);
    }

    /// Gives a connection up. What was given to send still arrives, for a while; what comes is thrown away.
    pub fn release(&mut self, id: ConnectionId) {
        self.stack.release(id);
    }
}

/// Names.
impl<T: Transport> Network<T> {
    /// Asks the name servers for the IPv4 addresses of a name. An address in four parts is its own.
    ///
    /// # Errors
    /// Not a name, no server to ask, or too many questions at a time.
    pub fn resolve(&mut self, name: &str) -> Result<QueryId, ResolveError> {
        self.stack.resolve(name)
    }

    /// What came of a question, once: after that nothing is known of it any more. `None` while nothing has. The addresses
    /// are what the host says they are.
    pub fn resolved(&mut self, id: QueryId) -> Option<Result<Vec<Ipv4Addr>, ResolveError>> {
        self.stack.resolved(id)
    }

    /// Drops a question whose answer is of no interest any more.
    pub fn forget(&mut self, id: QueryId) {
        self.stack.forget(id);
    }
}

/// Datagrams. A question is its user's until [`Network::hang_up`]; after that its name means nothing, and asking for it is
/// harmless. No question is sent again, and nobody says that there will be no answer: who waits has to know for how long.
impl<T: Transport> Network<T> {
    /// Sends a datagram with the next poll, from a port that nobody can foresee and that no other question has. On this
    /// network it may have to wait for the other machine, or the gateway, to say which one it is.
    ///
    /// # Errors
    /// There is no way there, it is too long, or there are too many.
    pub fn ask(&mut self, address: Ipv4Addr, port: u16, payload: &[u8]) -> Result<QuestionId, AskError> {
        self.stack.ask(address, port, payload)
    }

    /// The next datagram that came from the address and port that were asked, to the port that the question came from. At
    /// most four that nobody took are kept, the first ones. Anybody on the way can have sent it, the host first of all, and
    /// at any length: whoever finds that it is none of the server's takes the next.
    pub fn answered(&mut self, id: QuestionId) -> Option<Vec<u8>> {
        self.stack.answered(id)
    }

    /// Gives a question up, answered or not.
    pub fn hang_up(&mut self, id: QuestionId) {
        self.stack.hang_up(id);
    }
}

impl<T> core::fmt::Debug for Network<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Network").field("terms", self.stack.terms()).finish_non_exhaustive()
    }
}

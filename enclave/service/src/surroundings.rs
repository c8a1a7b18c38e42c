//! What a guest has around it besides the loader: time, randomness, heap, network.

use alloc::string::String;
use alloc::vec::Vec;

use crate::sockets::Sockets;

/// The guest's surroundings: the real machine, or a test's.
pub trait Surroundings: Send + 'static {
    /// Time since reset, by the guest's own (untrusted) clock.
    fn now_ns(&mut self) -> u64;

    /// Fills a buffer with unpredictable bytes.
    fn fill_random(&mut self, bytes: &mut [u8]);

    /// 32 of them, for a key or a salt.
    fn random(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.fill_random(&mut bytes);
        bytes
    }

    /// Moves the network along.
    ///
    /// # Errors
    /// A device broke its rules; the text says which.
    fn poll(&mut self) -> Result<(), String>;

    /// How full the heap is.
    fn heap(&mut self) -> HeapFigures;

    /// A job begins: lets the next peak of the heap be its own, and mixes fresh values into the random generator, so that
    /// what one job saw says nothing about the next.
    ///
    /// # Errors
    /// There is no randomness left; the text says why.
    fn begin_job(&mut self) -> Result<(), String>;

    /// What the network has; `None` without a network device.
    fn network(&mut self) -> Option<NetworkFigures>;

    /// Connections; `None` without a network device.
    fn sockets(&mut self) -> Option<&mut dyn Sockets>;

    /// Starts a TCP echo probe.
    ///
    /// # Errors
    /// For people: why it cannot start.
    fn start_probe(&mut self, destination: &str, payload: &[u8], timeout_us: u64) -> Result<(), String>;

    /// The running probe's outcome, once it has one.
    fn take_probe(&mut self) -> Option<ProbeAnswer>;
}

/// How full the heap is, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeapFigures {
    /// In use.
    pub used_bytes: u64,
    /// The most since the last reset of the peak.
    pub peak_bytes: u64,
    /// All there is.
    pub total_bytes: u64,
}

/// What the network has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkFigures {
    /// Address in CIDR form.
    pub address: Option<String>,
    /// Default gateway.
    pub gateway: Option<String>,
    /// MAC address.
    pub mac: String,
}

/// How a probe ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeAnswer {
    /// What came back, or why nothing did.
    pub answer: Result<Vec<u8>, String>,
    /// From start to end.
    pub elapsed_us: u64,
}

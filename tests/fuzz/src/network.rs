//! The guest's network, as the target and its seeds start it.

use enclave_devices::DeviceError;
use enclave_devices::net::{Network, NetworkLimits, SocketLimits, Timeouts};
use virtio_drivers::transport::DeviceType;

use crate::fixtures;
use crate::host::{Device, reset_pool};

/// Few connections and questions, so that their limits are reached.
pub const LIMITS: NetworkLimits = NetworkLimits {
    outgoing: SocketLimits { connections: 3, receive_bytes: 4096, send_bytes: 2048 },
    incoming: SocketLimits { connections: 4, receive_bytes: 2048, send_bytes: 4096 },
    queries: 2,
    datagrams: 2,
    tls_sessions: 0,
};
/// Where the guest listens.
pub const PORT: u16 = 80;

/// A device, and a guest that listens behind it.
///
/// # Errors
/// The guest does not start.
pub fn start() -> Result<(Device, Network<Device>), DeviceError> {
    reset_pool();
    let device = Device::new(DeviceType::Network, fixtures::MAC);
    let mut network = Network::start(device.clone(), fixtures::NETWORK_SEED, &LIMITS)?;
    let listens = network.listen(PORT, 2, Timeouts::DEFAULT);
    assert_eq!(listens, Ok(()));
    Ok((device, network))
}

//! The guest's network: virtio-net below, smoltcp above, an address by DHCP.
//!
//! Everything on the wire is the host's to change: what needs protection runs inside TLS, above this.

mod device;
mod probe;

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::socket::dhcpv4;
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpCidr, Ipv4Cidr};
use virtio_drivers::transport::pci::PciTransport;
use virtio_drivers::transport::{DeviceType, Transport};

use crate::DeviceError;
use crate::pci::PciBus;
use device::NetDevice;
use probe::TcpProbe;
pub use probe::{ProbeError, ProbeOutcome};

/// The network stack. Drive it with [`Network::poll`].
pub struct Network<T = PciTransport> {
    device: NetDevice<T>,
    interface: Interface,
    sockets: SocketSet<'static>,
    dhcp: SocketHandle,
    address: Option<Ipv4Cidr>,
    gateway: Option<smoltcp::wire::Ipv4Address>,
    probe: Option<TcpProbe>,
}

impl Network {
    /// Finds and starts the device; `None` when the guest has none. `seed` makes port and sequence numbers
    /// unpredictable.
    ///
    /// # Errors
    /// The device breaks the rules.
    pub fn open(bus: &mut PciBus, seed: u64) -> Result<Option<Self>, DeviceError> {
        bus.open(DeviceType::Network)?.map(|transport| Self::start(transport, seed)).transpose()
    }
}

impl<T: Transport> Network<T> {
    /// Starts the device behind `transport`, which is one of this type.
    ///
    /// # Errors
    /// It breaks the rules.
    pub fn start(transport: T, seed: u64) -> Result<Self, DeviceError> {
        let mut device = NetDevice::start(transport)?;
        let mut config = Config::new(HardwareAddress::Ethernet(EthernetAddress(device.mac())));
        config.random_seed = seed;
        let interface = Interface::new(config, &mut device, Instant::ZERO);
        let mut sockets = SocketSet::new(Vec::new());
        let dhcp = sockets.add(dhcpv4::Socket::new());
        Ok(Self { device, interface, sockets, dhcp, address: None, gateway: None, probe: None })
    }

    /// Moves packets and timers along. Call often; it never blocks.
    ///
    /// # Errors
    /// The device broke a rule.
    pub fn poll(&mut self, now_us: u64) -> Result<(), DeviceError> {
        self.interface.poll(smoltcp_time(now_us), &mut self.device, &mut self.sockets);
        self.follow_dhcp();
        if let Some(probe) = &mut self.probe {
            probe.advance(now_us, &mut self.sockets);
        }
        self.device.fault()
    }

    /// Address in CIDR form, once DHCP has given one.
    #[must_use]
    pub fn address(&self) -> Option<String> {
        self.address.map(|address| address.to_string())
    }

    /// Default gateway.
    #[must_use]
    pub fn gateway(&self) -> Option<String> {
        self.gateway.map(|gateway| gateway.to_string())
    }

    /// MAC address, as the device states it.
    #[must_use]
    pub fn mac(&self) -> String {
        EthernetAddress(self.device.mac()).to_string()
    }

    /// Starts a TCP echo probe; ask [`Self::take_probe`] for its outcome. One at a time.
    ///
    /// # Errors
    /// The destination does not parse, there is no address yet, or a probe is running.
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
        if self.address.is_none() {
            return Err(ProbeError::NoAddress);
        }
        let probe = TcpProbe::start(
            destination,
            payload,
            now_us,
            timeout_us,
            &mut self.interface,
            &mut self.sockets,
        )?;
        self.probe = Some(probe);
        Ok(())
    }

    /// The running probe's outcome, once it has one.
    pub fn take_probe(&mut self, now_us: u64) -> Option<ProbeOutcome> {
        let outcome = self.probe.as_ref()?.outcome(now_us)?;
        if let Some(probe) = self.probe.take() {
            probe.abort(&mut self.sockets);
            // Once more, so that the peer hears of it before the socket is gone.
            self.interface.poll(smoltcp_time(now_us), &mut self.device, &mut self.sockets);
            probe.remove(&mut self.sockets);
        }
        Some(outcome)
    }

    fn follow_dhcp(&mut self) {
        let event = self.sockets.get_mut::<dhcpv4::Socket<'_>>(self.dhcp).poll();
        match event {
            None => {}
            Some(dhcpv4::Event::Configured(config)) => {
                log::info!("network: address {}, gateway {:?}", config.address, config.router);
                self.address = Some(config.address);
                self.gateway = config.router;
                self.apply_address();
            }
            Some(dhcpv4::Event::Deconfigured) => {
                if self.address.take().is_some() {
                    log::warn!("network: DHCP lease lost");
                }
                self.gateway = None;
                self.apply_address();
            }
        }
    }

    fn apply_address(&mut self) {
        let address = self.address;
        self.interface.update_ip_addrs(|addresses| {
            addresses.clear();
            // The list has room for several; one always fits.
            let _ = address.map(|address| addresses.push(IpCidr::Ipv4(address)));
        });
        let routes = self.interface.routes_mut();
        routes.remove_default_ipv4_route();
        if let Some(gateway) = self.gateway {
            // Likewise: the table was just emptied.
            let _ = routes.add_default_ipv4_route(gateway);
        }
    }
}

impl<T> core::fmt::Debug for Network<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Network").field("address", &self.address).finish_non_exhaustive()
    }
}

fn smoltcp_time(now_us: u64) -> Instant {
    Instant::from_micros(i64::try_from(now_us).unwrap_or(i64::MAX))
}

/// A buffer for smoltcp's sockets.
fn socket_buffer(bytes: usize) -> smoltcp::socket::tcp::SocketBuffer<'static> {
    smoltcp::socket::tcp::SocketBuffer::new(vec![0; bytes])
}

//! The guest's own address, by DHCP.

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use smoltcp::iface::{Interface, SocketHandle, SocketSet};
use smoltcp::socket::dhcpv4::{Event, Socket};
use smoltcp::wire::{IpCidr, Ipv4Cidr};

/// What DHCP has given.
#[derive(Debug)]
pub(super) struct Lease {
    dhcp: SocketHandle,
    terms: Terms,
}

/// An address and the way out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) address: Option<Ipv4Cidr>,
    pub(super) gateway: Option<Ipv4Addr>,
    pub(super) name_servers: Vec<Ipv4Addr>,
}

impl Lease {
    pub(super) fn new(sockets: &mut SocketSet<'static>) -> Self {
        Self { dhcp: sockets.add(Socket::new()), terms: Terms::default() }
    }

    pub(super) const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The new terms, if there are any.
    pub(super) fn follow(&self, sockets: &mut SocketSet<'static>) -> Option<Terms> {
        match sockets.get_mut::<Socket<'_>>(self.dhcp).poll()? {
            Event::Configured(config) => {
                log::info!("network: address {}, gateway {:?}", config.address, config.router);
                // Nobody's neighbour: our stack would ask for its hardware address and not get over it.
                let is_neighbour =
                    |address: &Ipv4Addr| !address.is_broadcast() && config.address.contains_addr(address);
                Some(Terms {
                    address: Some(config.address),
                    gateway: config.router.filter(is_neighbour),
                    name_servers: config.dns_servers.iter().copied().collect(),
                })
            }
            Event::Deconfigured => {
                if self.terms.address.is_some() {
                    log::warn!("network: DHCP lease lost");
                }
                Some(Terms::default())
            }
        }
    }

    /// Puts the terms into force. Whether this side's address is another one now.
    pub(super) fn apply(&mut self, terms: Terms, interface: &mut Interface) -> bool {
        interface.update_ip_addrs(|addresses| {
            addresses.clear();
            // The list has room for several; one always fits.
            let _ = terms.address.map(|address| addresses.push(IpCidr::Ipv4(address)));
        });
        let routes = interface.routes_mut();
        routes.remove_default_ipv4_route();
        if let Some(gateway) = terms.gateway {
            // Likewise: the table was just emptied.
            let _ = routes.add_default_ipv4_route(gateway);
        }
        let moved = self.terms.address.map(|cidr| cidr.address()) != terms.address.map(|cidr| cidr.address());
        self.terms = terms;
        moved
    }

    /// Whether packets to this address have somewhere to go.
    pub(super) fn reaches(&self, address: Ipv4Addr) -> bool {
        self.terms.gateway.is_some() || self.terms.address.is_some_and(|cidr| cidr.contains_addr(&address))
    }
}

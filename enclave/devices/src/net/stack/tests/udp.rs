//! Datagrams as frames.

use alloc::vec;
use alloc::vec::Vec;
use core::net::Ipv4Addr;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    EthernetFrame, EthernetProtocol, IpAddress, IpProtocol, Ipv4Packet, Ipv4Repr, UdpPacket, UdpRepr,
};

/// A datagram, with both its ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Datagram {
    pub(super) from: (Ipv4Addr, u16),
    pub(super) to: (Ipv4Addr, u16),
    pub(super) payload: Vec<u8>,
}

impl Datagram {
    /// The datagram in a frame, if it is one.
    pub(super) fn read(frame: &[u8]) -> Option<Self> {
        let ethernet = EthernetFrame::new_checked(frame).ok()?;
        let ip = Ipv4Packet::new_checked(ethernet.payload()).ok()?;
        let is_udp = ethernet.ethertype() == EthernetProtocol::Ipv4 && ip.next_header() == IpProtocol::Udp;
        let udp = UdpPacket::new_checked(is_udp.then(|| ip.payload())?).ok()?;
        Some(Self {
            from: (ip.src_addr(), udp.src_port()),
            to: (ip.dst_addr(), udp.dst_port()),
            payload: udp.payload().to_vec(),
        })
    }

    /// What comes back.
    pub(super) fn answer(&self, payload: &[u8]) -> Self {
        Self { from: self.to, to: self.from, payload: payload.to_vec() }
    }

    /// The frame in which it comes from the server to the client.
    pub(super) fn frame(&self) -> Vec<u8> {
        let checksums = ChecksumCapabilities::default();
        let udp = UdpRepr { src_port: self.from.1, dst_port: self.to.1 };
        let ip = Ipv4Repr {
            src_addr: self.from.0,
            dst_addr: self.to.0,
            next_header: IpProtocol::Udp,
            payload_len: udp.header_len() + self.payload.len(),
            hop_limit: 64,
        };
        let mut frame = vec![0; 14 + ip.buffer_len() + ip.payload_len];
        frame[..14].copy_from_slice(&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]);
        ip.emit(&mut Ipv4Packet::new_unchecked(&mut frame[14..]), &checksums);
        let (from, to) = (IpAddress::Ipv4(self.from.0), IpAddress::Ipv4(self.to.0));
        let mut packet = UdpPacket::new_unchecked(&mut frame[14 + ip.buffer_len()..]);
        let write = |payload: &mut [u8]| payload.copy_from_slice(&self.payload);
        udp.emit(&mut packet, &from, &to, self.payload.len(), write, &checksums);
        frame
    }
}

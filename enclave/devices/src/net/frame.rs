//! Frames on their way in: whose they are, before our stack looks at them.
//!
//! Our stack asks every socket of a set whether a packet is for it, and likewise whether it has something to send. So each
//! connection has a set of its own, and a frame goes to the one that it belongs to: what a packet costs does not depend on
//! how many connections there are. A datagram likewise goes to the question that it may answer, or never reaches one.

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use smoltcp::phy::{Device, DeviceCapabilities, RxToken};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetFrame, EthernetProtocol, IpProtocol, Ipv4Packet, TcpPacket, UdpPacket};

/// Both ends of a connection or of a question, as far as they differ between ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ends {
    pub(super) local_port: u16,
    pub(super) peer: (Ipv4Addr, u16),
}

/// What a frame is. That it is intact and for us, the stack checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Of TCP, and opens a connection between these.
    Call(Ends),
    /// Of TCP, and belongs to a connection between these.
    Segment(Ends),
    /// Of UDP, between these.
    Datagram(Ends),
    /// Says who has which hardware address.
    Arp,
    /// Anything else.
    Other,
}

/// Looks at the headers of a frame.
pub(super) fn kind_of(frame: &[u8]) -> Kind {
    let Ok(ethernet) = EthernetFrame::new_checked(frame) else { return Kind::Other };
    match ethernet.ethertype() {
        EthernetProtocol::Arp => Kind::Arp,
        EthernetProtocol::Ipv4 => packet(ethernet.payload()).unwrap_or(Kind::Other),
        _ => Kind::Other,
    }
}

fn packet(bytes: &[u8]) -> Option<Kind> {
    let ip = Ipv4Packet::new_checked(bytes).ok()?;
    let is_whole = !ip.more_frags() && ip.frag_offset() == 0;
    match ip.next_header() {
        IpProtocol::Tcp if is_whole => segment(ip.src_addr(), ip.payload()),
        IpProtocol::Udp if is_whole => datagram(ip.src_addr(), ip.payload()),
        _ => None,
    }
}

fn segment(sender: Ipv4Addr, payload: &[u8]) -> Option<Kind> {
    let tcp = TcpPacket::new_checked(payload).ok()?;
    let ends = Ends { local_port: tcp.dst_port(), peer: (sender, tcp.src_port()) };
    let is_call = tcp.syn() && !tcp.ack() && !tcp.rst() && !tcp.fin();
    Some(if is_call { Kind::Call(ends) } else { Kind::Segment(ends) })
}

fn datagram(sender: Ipv4Addr, payload: &[u8]) -> Option<Kind> {
    let udp = UdpPacket::new_checked(payload).ok()?;
    Some(Kind::Datagram(Ends { local_port: udp.dst_port(), peer: (sender, udp.src_port()) }))
}

/// Takes the next frame out of a device; whether there was one.
pub(super) fn take(device: &mut impl Device, now: Instant, frame: &mut Vec<u8>) -> bool {
    let Some((received, _reply)) = device.receive(now) else { return false };
    received.consume(|bytes| {
        frame.clear();
        frame.extend_from_slice(bytes);
    });
    true
}

/// A device that has received one frame, and sends through another device.
pub(super) struct Delivery<'d, D> {
    device: &'d mut D,
    frame: Option<&'d [u8]>,
}

impl<'d, D> Delivery<'d, D> {
    pub(super) const fn new(device: &'d mut D, frame: &'d [u8]) -> Self {
        Self { device, frame: Some(frame) }
    }
}

impl<'d, D: Device> Device for Delivery<'d, D> {
    type RxToken<'a>
        = Received<'d>
    where
        Self: 'a;
    type TxToken<'a>
        = D::TxToken<'a>
    where
        Self: 'a;

    fn receive(&mut self, now: Instant) -> Option<(Received<'d>, D::TxToken<'_>)> {
        let frame = self.frame.take()?;
        Some((Received(frame), self.device.transmit(now)?))
    }

    fn transmit(&mut self, now: Instant) -> Option<D::TxToken<'_>> {
        self.device.transmit(now)
    }

    fn capabilities(&self) -> DeviceCapabilities {
        self.device.capabilities()
    }
}

/// The frame.
pub(super) struct Received<'d>(&'d [u8]);

impl RxToken for Received<'_> {
    fn consume<V, F: FnOnce(&[u8]) -> V>(self, read: F) -> V {
        read(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Headers of Ethernet, IPv4 and TCP, from 10.0.0.1:4096 to port 80, with these flags.
    fn frame(flags: u8) -> [u8; 54] {
        let mut frame = [0; 54];
        frame[12..24].copy_from_slice(&[8, 0, 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6]);
        frame[26..34].copy_from_slice(&[10, 0, 0, 1, 10, 0, 0, 2]);
        frame[34..38].copy_from_slice(&[16, 0, 0, 80]);
        (frame[46], frame[47]) = (0x50, flags);
        frame
    }

    #[test]
    fn segments_know_their_ends() {
        let ends = Ends { local_port: 80, peer: (Ipv4Addr::new(10, 0, 0, 1), 4096) };
        assert_eq!(kind_of(&frame(0x02)), Kind::Call(ends));
        for flags in [0x12, 0x10, 0x06, 0x03] {
            assert_eq!(kind_of(&frame(flags)), Kind::Segment(ends), "{flags:#x}");
        }
    }

    #[test]
    fn datagrams_know_their_ends() {
        let whole = {
            let mut frame = frame(0);
            frame[23] = 17;
            // What was the sequence number begins with the length: as much as there is.
            frame[38..40].copy_from_slice(&[0, 20]);
            frame
        };
        let ends = Ends { local_port: 80, peer: (Ipv4Addr::new(10, 0, 0, 1), 4096) };
        assert_eq!(kind_of(&whole), Kind::Datagram(ends));
        // Fragments, and lengths that lie.
        for (at, byte) in [(20, 0x20), (21, 1), (39, 7), (39, 21), (38, 1)] {
            let mut changed = whole;
            changed[at] = byte;
            assert_eq!(kind_of(&changed), Kind::Other, "{at}");
        }
    }

    #[test]
    fn everything_else_is_something_else() {
        let whole = frame(2);
        for end in 0..whole.len() {
            assert_eq!(kind_of(&whole[..end]), Kind::Other, "{end}");
        }
        let changed = |at: usize, byte| {
            let mut frame = frame(2);
            frame[at] = byte;
            kind_of(&frame)
        };
        assert_eq!(changed(13, 6), Kind::Arp);
        assert_eq!(changed(13, 0xDD), Kind::Other);
        // UDP without a length, a fragment, another one, and header lengths that lie.
        for (at, byte) in [(23, 17), (20, 0x20), (21, 1), (14, 0x4F), (46, 0xF0), (46, 0x40)] {
            assert_eq!(changed(at, byte), Kind::Other, "{at}");
        }
    }
}

//! Gives the network device its address and switches it on, over rtnetlink (Linux, include/uapi/linux/netlink.h,
//! rtnetlink.h, if_addr.h).

use std::io;

use rustix::net::netdevice::name_to_index;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, recv, sendto, socket};

/// The only device besides the loopback.
const DEVICE: &str = "eth0";
/// What QEMU's user networking forwards to where nobody says otherwise.
const ADDRESS: [u8; 4] = [10, 0, 2, 15];
const PREFIX_BITS: u8 = 24;

const RTM_NEWLINK: u16 = 16;
const RTM_NEWADDR: u16 = 20;
const NLMSG_ERROR: u16 = 2;
/// `NLM_F_REQUEST`, `NLM_F_ACK` and `NLM_F_CREATE`.
const FLAGS: u16 = 0x1 | 0x4 | 0x400;
const AF_INET: u8 = 2;
const IFA_LOCAL: u16 = 2;
const IFF_UP: u32 = 1;
const HEADER_BYTES: u32 = 16;

/// Sets the address, and the device up. Whoever calls comes from the same network: no route is needed.
pub(crate) fn set() -> io::Result<()> {
    // The first protocol of the family is rtnetlink.
    let netlink = socket(AddressFamily::NETLINK, SocketType::RAW, None)?;
    let any = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    let index = name_to_index(&any, DEVICE)?;

    let mut address = vec![AF_INET, PREFIX_BITS, 0, 0];
    address.extend(index.to_ne_bytes());
    address.extend([8_u16.to_ne_bytes(), IFA_LOCAL.to_ne_bytes()].concat());
    address.extend(ADDRESS);
    ask(&netlink, RTM_NEWADDR, &address)?;

    let mut link = vec![0; 4];
    for word in [index, IFF_UP, IFF_UP] {
        link.extend(word.to_ne_bytes());
    }
    ask(&netlink, RTM_NEWLINK, &link)
}

/// Sends one message and reads the kernel's answer to it.
fn ask(netlink: &impl rustix::fd::AsFd, kind: u16, body: &[u8]) -> io::Result<()> {
    let length = HEADER_BYTES.saturating_add(u32::try_from(body.len()).unwrap_or(u32::MAX));
    let mut message = length.to_ne_bytes().to_vec();
    message.extend([kind.to_ne_bytes(), FLAGS.to_ne_bytes()].concat());
    message.extend([0; 8]);
    message.extend(body);
    sendto(netlink, &message, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;

    let mut answer = [0; 1024];
    let (length, _) = recv(netlink, &mut answer, RecvFlags::empty())?;
    outcome(answer.get(..length).unwrap_or_default())
}

/// An answer: length, kind, flags, sequence and sender, then the error as a negative number, or zero.
fn outcome(answer: &[u8]) -> io::Result<()> {
    let kind = answer.get(4..6).and_then(|bytes| Some(u16::from_ne_bytes(bytes.try_into().ok()?)));
    let error = answer.get(16..20).and_then(|bytes| Some(i32::from_ne_bytes(bytes.try_into().ok()?)));
    match (kind, error) {
        (Some(NLMSG_ERROR), Some(0)) => Ok(()),
        (Some(NLMSG_ERROR), Some(error)) => Err(io::Error::from_raw_os_error(error.wrapping_neg())),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

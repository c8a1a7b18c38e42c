//! A server of Roughtime (RFC 10049) that answers each request by itself.

use core::net::{Ipv4Addr, SocketAddr};
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::net::UdpSocket;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{SystemTime, UNIX_EPOCH};

use ring::signature::{Ed25519KeyPair, KeyPair};
use sha2::{Digest, Sha512};

/// Which time a server has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// This machine's, so many seconds off.
    Off(i64),
    /// Always this, in seconds since 1970.
    Still(u64),
}

/// The server without a network: its keys and its clock.
#[derive(Debug)]
pub struct TimeServer {
    identity: Ed25519KeyPair,
    delegate: Ed25519KeyPair,
    clock: Clock,
    /// What it says of its own accuracy, in seconds.
    radius_s: u32,
}

impl TimeServer {
    /// A server whose keys follow from a number.
    #[must_use]
    pub fn new(number: u8, clock: Clock) -> Self {
        let key = |seed: [u8; 32]| Ed25519KeyPair::from_seed_unchecked(&seed).expect("32 bytes");
        Self { identity: key([number; 32]), delegate: key([!number; 32]), clock, radius_s: 2 }
    }

    /// Its long-term key.
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        self.identity.public_key().as_ref().try_into().expect("keys of Ed25519 have 32 bytes")
    }

    /// The response to a request packet; `None` where there is none.
    #[must_use]
    pub fn respond(&self, request: &[u8]) -> Option<Vec<u8>> {
        let nonce = value(request.get(12..)?, *b"NONC")?;
        let midpoint_s = match self.clock {
            Clock::Still(time_s) => time_s,
            Clock::Off(offset_s) => now_s().saturating_add_signed(offset_s),
        };
        let root = hash(&[&[0], request]);
        let signed = message(&[
            (*b"VER\0", &1_u32.to_le_bytes()),
            (*b"RADI", &self.radius_s.to_le_bytes()),
            (*b"MIDP", &midpoint_s.to_le_bytes()),
            (*b"VERS", &1_u32.to_le_bytes()),
            (*b"ROOT", &root),
        ]);
        let delegation = message(&[
            (*b"PUBK", self.delegate.public_key().as_ref()),
            (*b"MINT", &midpoint_s.saturating_sub(3600).to_le_bytes()),
            (*b"MAXT", &midpoint_s.saturating_add(3600).to_le_bytes()),
        ]);
        let certificate = message(&[
            (*b"SIG\0", &sign(&self.identity, b"Roughtime v1 delegation signature\0", &delegation)),
            (*b"DELE", &delegation),
        ]);
        let response = message(&[
            (*b"SIG\0", &sign(&self.delegate, b"Roughtime v1 response signature\0", &signed)),
            (*b"NONC", nonce),
            (*b"TYPE", &1_u32.to_le_bytes()),
            (*b"PATH", &[]),
            (*b"SREP", &signed),
            (*b"CERT", &certificate),
            (*b"INDX", &0_u32.to_le_bytes()),
        ]);
        let length = u32::try_from(response.len()).ok()?.to_le_bytes();
        Some([&b"ROUGHTIM"[..], &length, &response].concat())
    }

    /// Puts it on a UDP port of the loopback.
    #[must_use]
    pub fn start(self) -> UdpTimeServer {
        self.start_until(|| false)
    }

    /// The same; once `is_silent` says so, nobody gets an answer.
    #[must_use]
    pub fn start_until(self, is_silent: impl Fn() -> bool + Send + 'static) -> UdpTimeServer {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = socket.local_addr().expect("a bound socket");
        socket.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
        let public_key = self.public_key();
        let is_stopped = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&is_stopped);
        let thread = thread::spawn(move || {
            let mut packet = [0; 2048];
            while !stop.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut packet) else { continue };
                if is_silent() {
                    continue;
                }
                if let Some(response) = packet.get(..length).and_then(|request| self.respond(request)) {
                    // Whoever asked may be gone.
                    let _ = socket.send_to(&response, from);
                }
            }
        });
        UdpTimeServer { address, public_key, is_stopped, thread: Some(thread) }
    }
}

/// A server on a port, until it is dropped.
#[derive(Debug)]
pub struct UdpTimeServer {
    address: SocketAddr,
    public_key: [u8; 32],
    is_stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl UdpTimeServer {
    /// Its port on the loopback.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Its long-term key.
    #[must_use]
    pub const fn public_key(&self) -> [u8; 32] {
        self.public_key
    }
}

impl Drop for UdpTimeServer {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut sha512 = Sha512::new();
    parts.iter().for_each(|part| sha512.update(part));
    let digest: [u8; 64] = sha512.finalize().into();
    *digest.first_chunk().expect("32 of 64 bytes")
}

fn sign(key: &Ed25519KeyPair, context: &[u8], value: &[u8]) -> Vec<u8> {
    key.sign(&[context, value].concat()).as_ref().to_vec()
}

/// A message of these pairs, which are in order (section 4 of the RFC).
fn message(pairs: &[([u8; 4], &[u8])]) -> Vec<u8> {
    let words = |number: usize| u32::try_from(number).expect("messages are short").to_le_bytes();
    let mut message = words(pairs.len()).to_vec();
    let mut offset = 0;
    for (index, (_, value)) in pairs.iter().enumerate() {
        if index > 0 {
            message.extend_from_slice(&words(offset));
        }
        offset += value.len();
    }
    pairs.iter().for_each(|(tag, _)| message.extend_from_slice(tag));
    pairs.iter().for_each(|(_, value)| message.extend_from_slice(value));
    message
}

/// The value of a tag.
fn value(message: &[u8], tag: [u8; 4]) -> Option<&[u8]> {
    let word = |index: usize| -> Option<usize> {
        let bytes = message.get(index * 4..index * 4 + 4)?;
        usize::try_from(u32::from_le_bytes(bytes.try_into().ok()?)).ok()
    };
    let pairs = word(0).filter(|pairs| (1..=32).contains(pairs))?;
    let values = pairs * 8;
    let index = (0..pairs)
        .find(|index| message.get((pairs + index) * 4..(pairs + index) * 4 + 4) == Some(&tag[..]))?;
    let start = if index == 0 { 0 } else { word(index)? };
    let end = if index + 1 == pairs { message.len().checked_sub(values)? } else { word(index + 1)? };
    message.get(values + start..values + end)
}

#[cfg(test)]
mod tests {
    use attestation_roughtime::{ServerKey, read_response, request};

    use super::*;

    /// Whatever is wrong with both is wrong with neither: the golden vectors of `attestation-roughtime` are from elsewhere.
    #[test]
    fn the_guests_reader_takes_what_it_says() {
        let server = TimeServer::new(7, Clock::Still(1_800_000_000));
        let key = ServerKey(server.public_key());
        let question = request(&key, &[9; 32]);
        let answer = server.respond(&question).expect("it answers");
        let midpoint = read_response(&attestation_ring::Ring, &key, &question, &answer).expect("it is right");
        assert_eq!((midpoint.earliest_s(), midpoint.latest_s()), (1_799_999_998, 1_800_000_002));
        assert_eq!(server.respond(&[0; 12]), None);
    }
}

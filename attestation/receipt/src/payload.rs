//! What receipts say.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::Ipv4Addr;

use attestation_evidence::states_every_length;
use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};

use crate::{RECEIPT_MAX_BYTES, RECEIPT_VERSION, ReceiptError, Tls};

/// Leaves that every exchange has: all kinds but fields and trailers.
pub const LEAVES_MIN: u64 = 7;
/// Most leaves of a receipt. A head has a hundred fields at most, and there are two of them, and two times trailers.
pub const LEAVES_MAX: u64 = 1024;

/// RFC 1035, section 2.3.4, counts a name's root and its length in 255.
const HOST_MAX: usize = 253;

/// One exchange: what is signed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Receipt {
    /// [`RECEIPT_VERSION`].
    #[n(0)]
    pub version: u32,
    /// Number of the receipt since boot, from 0.
    #[n(1)]
    pub number: u64,
    /// [`Self::digest`] of the receipt before; zero for the first.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub previous: [u8; 32],
    /// Who asked.
    #[n(3)]
    pub run: Run,
    /// What was asked and answered.
    #[n(4)]
    pub leaves: Leaves,
    /// Who was asked.
    #[n(5)]
    pub peer: Peer,
    /// How it was known to be who it was.
    #[n(6)]
    pub tls: Tls,
    /// Whether all of the request was sent.
    #[n(7)]
    pub request: RequestOutcome,
    /// Whether all of the response came.
    #[n(8)]
    pub response: ResponseOutcome,
    /// When.
    #[n(9)]
    pub time: Time,
}

/// Which program asked, and when in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Run {
    /// SHA-256 of the WebAssembly component.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub component: [u8; 32],
    /// SHA-256 of the manifest's exact bytes.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub manifest: [u8; 32],
    /// Number of the run since boot, from 0: that of its claim.
    #[n(2)]
    pub sequence: u64,
    /// Number of the exchange within the run, from 0.
    #[n(3)]
    pub exchange: u64,
}

/// Request and response by the root over their leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Leaves {
    /// Root of the Merkle tree (RFC 9162 §2.1).
    #[cbor(n(0), with = "minicbor::bytes")]
    pub root: [u8; 32],
    /// Number of leaves.
    #[n(1)]
    pub count: u64,
}

/// Whom the guest called.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Peer {
    /// The name that the certificate has, in lower case, which also went to the server as SNI; or its IPv4 address.
    #[n(0)]
    pub host: String,
    /// Where it was connected to. The network and its names are the host's: only the certificate says who is there.
    #[cbor(n(1), with = "ipv4")]
    pub address: Ipv4Addr,
    /// On which port.
    #[n(2)]
    pub port: u16,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum RequestOutcome {
    /// All of it was sent.
    #[n(0)]
    Sent,
    /// The server answered before, or stopped reading: the body is what was sent of it.
    #[n(1)]
    Cut,
}

/// How a response ended. Encoded as an array: number of the variant, then its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum ResponseOutcome {
    /// All of it came.
    #[n(0)]
    Complete {
        /// How that was known.
        #[n(0)]
        end: BodyEnd,
    },
    /// Its end did not come, or was not waited for. The body is what came of it.
    #[n(1)]
    Truncated,
}

/// How the end of a body was known (RFC 9112, section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum BodyEnd {
    /// The head said how long it is, or that there is none.
    #[n(0)]
    Length,
    /// By the last chunk.
    #[n(1)]
    Chunked,
    /// The server closed the connection, and said so in TLS: close_notify.
    #[n(2)]
    Closed,
}

/// When an exchange was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Time {
    /// At the end of the exchange it was not before this second since 1970, as the guest held it.
    #[n(0)]
    pub earliest_s: u64,
    /// And not after this.
    #[n(1)]
    pub latest_s: u64,
    /// `response_digest` of `attestation-roughtime`: the response that `earliest_s` comes from, which is older.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub roughtime: Option<[u8; 32]>,
    /// When the request began to be sent, in microseconds since boot by the guest's own, untrusted, clock.
    #[n(3)]
    pub sent_us: u64,
    /// When the first byte of the response came.
    #[n(4)]
    pub first_byte_us: u64,
    /// When the last byte came, or the guest gave up.
    #[n(5)]
    pub last_byte_us: u64,
}

impl Receipt {
    /// The one encoding of a receipt: the payload of its file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Writing to a `Vec` is infallible, and the derived encoders have no failure of their own.
        let done = minicbor::encode(self, &mut bytes);
        debug_assert!(done.is_ok(), "a receipt failed to encode");
        bytes
    }

    /// Reads [`Self::encode`]'s bytes and nothing else.
    ///
    /// # Errors
    /// Too long, not CBOR, not the one encoding of its content, or what [`Self::check`] refuses.
    pub fn decode(bytes: &[u8]) -> Result<Self, ReceiptError> {
        if bytes.len() > RECEIPT_MAX_BYTES {
            return Err(ReceiptError::TooLong { limit: RECEIPT_MAX_BYTES, found: bytes.len() });
        }
        if !states_every_length(bytes) {
            return Err(ReceiptError::NotDeterministic);
        }
        let mut decoder = minicbor::Decoder::new(bytes);
        let receipt: Self = decoder.decode().map_err(|error| ReceiptError::Payload {
            offset: error.position().unwrap_or_else(|| decoder.position()),
        })?;
        receipt.check()?;
        // Unknown keys, repeated keys, long forms and trailing bytes all end here.
        if receipt.encode() != bytes {
            return Err(ReceiptError::NotDeterministic);
        }
        Ok(receipt)
    }

    /// What the next receipt has as `previous`, and what others commit to: SHA-256 of [`Self::encode`].
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.encode()).into()
    }

    /// Whether it says what a receipt can say. Nothing else is signed or read.
    ///
    /// # Errors
    /// The first field that no exchange has.
    pub fn check(&self) -> Result<(), ReceiptError> {
        if self.version != RECEIPT_VERSION {
            return Err(ReceiptError::Version { expected: RECEIPT_VERSION, found: self.version });
        }
        let (is_first, has_no_previous) = (self.number == 0, self.previous == [0; 32]);
        if is_first != has_no_previous {
            return Err(ReceiptError::First { number: self.number });
        }
        within("leaves", LEAVES_MIN, LEAVES_MAX, self.leaves.count)?;
        within("bytes of the host's name", 1, HOST_MAX, self.peer.host.len())?;
        if !self.peer.host.bytes().all(is_host_byte) {
            return Err(ReceiptError::Host { found: self.peer.host.clone() });
        }
        self.tls.check()?;
        let Time { earliest_s, latest_s, sent_us, first_byte_us, last_byte_us, .. } = self.time;
        within("latest second", earliest_s, u64::MAX, latest_s)?;
        within("microsecond of the first byte", sent_us, u64::MAX, first_byte_us)?;
        within("microsecond of the last byte", first_byte_us, u64::MAX, last_byte_us)
    }
}

/// Names and addresses have nothing else, so that they can be printed as they are.
const fn is_host_byte(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.')
}

pub(crate) fn within<T>(field: &'static str, least: T, most: T, found: T) -> Result<(), ReceiptError>
where
    T: Copy + Ord + TryInto<u64>,
{
    if (least..=most).contains(&found) {
        return Ok(());
    }
    let [least, most, found] = [least, most, found].map(|number| number.try_into().unwrap_or(u64::MAX));
    Err(ReceiptError::OutOfRange { field, least, most, found })
}

/// Addresses as in packets.
mod ipv4 {
    use core::net::Ipv4Addr;

    use minicbor::decode::Error as DecodeError;
    use minicbor::encode::{Error as EncodeError, Write};
    use minicbor::{Decoder, Encoder};

    pub(super) fn encode<C, W: Write>(
        address: &Ipv4Addr,
        encoder: &mut Encoder<W>,
        _context: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        encoder.bytes(&address.octets()).map(drop)
    }

    pub(super) fn decode<C>(decoder: &mut Decoder<'_>, _context: &mut C) -> Result<Ipv4Addr, DecodeError> {
        let place = decoder.position();
        let octets: Result<[u8; 4], _> = decoder.bytes()?.try_into();
        octets.map(Ipv4Addr::from).map_err(|_| DecodeError::message("no address").at(place))
    }
}

#[cfg(test)]
mod tests;

//! Why an answer is not believed, a proof proves nothing, or a measurement does not go on.

use core::fmt;

use crate::hex::Hex;
use crate::{
    EXCHANGES_MAX, PROOF_MAX_BYTES, PROOF_VERSION, RESPONSE_MAX_BYTES, ROUGHTIME_VERSION, ServerKey, Tag,
};

/// Which message something is wrong with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The certificate in a response: CERT.
    Certificate,
    /// What the long-term key signed: DELE in CERT.
    Delegation,
    /// What was asked.
    Request,
    /// What was answered.
    Response,
    /// What the delegated key signed: SREP.
    SignedResponse,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate => "CERT",
            Self::Delegation => "DELE",
            Self::Request => "request",
            Self::Response => "response",
            Self::SignedResponse => "SREP",
        })
    }
}

/// Bytes that are no message, or not in the frame of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// The frame states another length than there is.
    #[error("expected a message of {expected} bytes, as stated, found {found}")]
    Length {
        /// As stated.
        expected: u32,
        /// Bytes behind the frame.
        found: usize,
    },
    /// Not the frame of a packet.
    #[error("expected ROUGHTIM at the beginning, found {}", found.escape_ascii())]
    Magic {
        /// First bytes.
        found: [u8; 8],
    },
    /// The value of a pair begins where none can.
    #[error("value {pair}: expected it at a multiple of 4 from {least} to {most}, found {found}")]
    Offset {
        /// Number of the pair, from 0.
        pair: usize,
        /// Where the one before begins.
        least: usize,
        /// Where values end.
        most: usize,
        /// As stated.
        found: u32,
    },
    /// No pairs, or more than any message has.
    #[error("expected 1 to {limit} pairs, found {found}")]
    Pairs {
        /// Most that are read.
        limit: usize,
        /// As stated.
        found: u32,
    },
    /// It ends before its header does.
    #[error("expected {expected} bytes at least, found {found}")]
    Short {
        /// The header, as far as it is known.
        expected: usize,
        /// All there is.
        found: usize,
    },
    /// Tags that are out of order, or twice the same.
    #[error("tags: expected one above {before}, found {found}")]
    TagOrder {
        /// The tag before.
        before: Tag,
        /// The tag.
        found: Tag,
    },
}

/// Why a response says nothing about the time. The carrier is guilty, or the server: RFC 10049 §7 has servers send wrong
/// answers now and then, to see that they are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResponseError {
    /// The long-term key did not sign the delegation.
    #[error("CERT: DELE is not signed by the server {key}")]
    DelegationSignature {
        /// Who was asked.
        key: ServerKey,
    },
    /// The path is shorter than the place in the tree says.
    #[error("INDX: expected a leaf of a tree with {path} levels below its root, found {found}")]
    Index {
        /// Hashes in PATH.
        path: usize,
        /// INDX.
        found: u32,
    },
    /// Not a message.
    #[error("{part}: {error}")]
    Message {
        /// Where.
        part: Part,
        /// What is wrong with it.
        #[source]
        error: MessageError,
    },
    /// The key was not delegated for this time.
    #[error("MIDP: expected {least} to {most}, for which the key is delegated, found {found}")]
    Midpoint {
        /// MINT.
        least: u64,
        /// MAXT.
        most: u64,
        /// MIDP.
        found: u64,
    },
    /// A value that has to be there is not.
    #[error("{part}: no {tag} in it")]
    MissingTag {
        /// Where.
        part: Part,
        /// Which.
        tag: Tag,
    },
    /// The answer is to another question.
    #[error("NONC: expected {}, found {}", Hex(expected), Hex(found))]
    Nonce {
        /// As in the request.
        expected: [u8; 32],
        /// As in the response.
        found: [u8; 32],
    },
    /// Nothing was asked. Whoever hands over the response is guilty.
    #[error("a response, but no request is waiting for one; ask first")]
    NothingAsked,
    /// The path is no list of hashes.
    #[error("PATH: expected hashes of 32 bytes each, found {found} bytes")]
    PathLength {
        /// Bytes of PATH.
        found: usize,
    },
    /// A server is never certain to less than a second.
    #[error("RADI: expected 1 at least, found 0")]
    Radius,
    /// The delegated key did not sign the answer.
    #[error("SIG: SREP is not signed by the delegated key {}", Hex(key))]
    ResponseSignature {
        /// PUBK.
        key: [u8; 32],
    },
    /// What was signed is not over this request.
    #[error("ROOT: expected {}, to which request, INDX and PATH lead, found {}", Hex(expected), Hex(found))]
    Root {
        /// As computed.
        expected: [u8; 32],
        /// As signed.
        found: [u8; 32],
    },
    /// Longer than what it answers.
    #[error("response: expected {RESPONSE_MAX_BYTES} bytes at most, found {found}")]
    TooLong {
        /// Bytes found.
        found: usize,
    },
    /// Not marked as a response.
    #[error("TYPE: expected 1, a response, found {found}")]
    Type {
        /// TYPE.
        found: u32,
    },
    /// A value of another length.
    #[error("{part}, {tag}: expected {expected} bytes, found {found}")]
    ValueLength {
        /// Where.
        part: Part,
        /// Which.
        tag: Tag,
        /// What it has.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// The answer is in a version that was not asked for.
    #[error("VER: expected {ROUGHTIME_VERSION}, found {found}")]
    Version {
        /// VER in SREP.
        found: u32,
    },
    /// The list of versions is none, or longer than any.
    #[error("VERS: expected 1 to {limit} numbers of four bytes, found {found} bytes")]
    VersionListLength {
        /// Most numbers.
        limit: usize,
        /// Bytes of VERS.
        found: usize,
    },
    /// The list of versions is out of order.
    #[error("VERS: expected {before:#x} or more after {before:#x}, found {found:#x}")]
    VersionOrder {
        /// The version before.
        before: u32,
        /// The version.
        found: u32,
    },
    /// The server does not speak the version that it answers in.
    #[error(
        "VERS: expected {ROUGHTIME_VERSION} among the versions of the server, as in VER; it is not there"
    )]
    VersionUnlisted,
}

/// Why a measurement does not go on. Whoever runs it is guilty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MeasurementError {
    /// Every exchange that it may have has been answered.
    #[error("a measurement has {EXCHANGES_MAX} exchanges at most; finish it and begin another")]
    Full,
    /// What was before is no response.
    #[error("the response before: expected 1 to {RESPONSE_MAX_BYTES} bytes, found {found}")]
    Previous {
        /// Bytes found.
        found: usize,
    },
    /// The last request still waits for its answer.
    #[error("a request is waiting for its answer; accept one or skip it")]
    Waiting,
}

/// Why a proof proves nothing. Whoever handed it out is guilty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// No exchanges, or more than a measurement has.
    #[error("proof: expected 1 to {EXCHANGES_MAX} exchanges, found {found}")]
    ExchangeCount {
        /// As stated.
        found: u64,
    },
    /// Not the CBOR that the format asks for.
    #[error("proof: not the expected CBOR at byte {offset}")]
    Malformed {
        /// Where decoding stopped.
        offset: usize,
    },
    /// The same content has one deterministic encoding, and this is another.
    #[error("proof: not in deterministic encoding, or its servers are not in the order of their exchanges")]
    NotDeterministic,
    /// A response does not verify, or is to another request than the chain wants there.
    #[error("proof, exchange {exchange}: {error}")]
    Response {
        /// Number of the exchange, from 0.
        exchange: usize,
        /// What is wrong.
        #[source]
        error: ResponseError,
    },
    /// A response that is none.
    #[error("proof: expected responses of 1 to {RESPONSE_MAX_BYTES} bytes, found {found}")]
    ResponseLength {
        /// Bytes found.
        found: usize,
    },
    /// No servers, or more than exchanges.
    #[error("proof: expected 1 to {EXCHANGES_MAX} servers, found {found}")]
    ServerCount {
        /// As stated.
        found: u64,
    },
    /// A server that is not in the list.
    #[error("proof, exchange {exchange}: expected the number of one of {servers} servers, found {found}")]
    ServerNumber {
        /// Number of the exchange, from 0.
        exchange: usize,
        /// How many there are.
        servers: usize,
        /// As stated.
        found: u64,
    },
    /// Longer than any.
    #[error("proof: expected {PROOF_MAX_BYTES} bytes at most, found {found}")]
    TooLong {
        /// Bytes found.
        found: usize,
    },
    /// A server that nobody here trusts.
    #[error("proof, exchange {exchange}: the server {server} is none of those that are trusted")]
    UnknownServer {
        /// Number of the exchange, from 0.
        exchange: usize,
        /// Its key.
        server: ServerKey,
    },
    /// Another version of the format.
    #[error("proof version: expected {PROOF_VERSION}, found {found}")]
    Version {
        /// Version found.
        found: u32,
    },
}

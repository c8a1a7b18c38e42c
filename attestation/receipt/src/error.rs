//! Why a receipt is not believed, not made, or does not show what it should.

use alloc::string::String;
use core::ops::RangeInclusive;

use attestation_evidence::EvidenceError;
use attestation_signature::SigningError;

use crate::hex::Hex;
use crate::{BodySide, Kind, Place};

/// A receipt that is malformed, not signed by whom it says, or does not fit what was shown for it. Whoever handed it out is
/// guilty, and where both are said to fit, whoever put them together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptError {
    /// Longer than anything that is looked at.
    #[error("receipt: expected at most {limit} bytes, found {found}")]
    TooLong {
        /// Longest that is accepted.
        limit: usize,
        /// Bytes found.
        found: usize,
    },
    /// Not a COSE_Sign1 with our headers.
    #[error("receipt: not the expected COSE structure at byte {offset}")]
    Structure {
        /// Where decoding stopped.
        offset: usize,
    },
    /// Algorithm, content type or the order of headers differs.
    #[error("receipt: the protected header is not ES256, the receipt content type and an evidence digest")]
    ProtectedHeader,
    /// The evidence is not the one that was signed along.
    #[error("receipt: expected the evidence with digest {}, found {}", Hex(expected), Hex(found))]
    EvidenceDigest {
        /// In the protected header.
        expected: [u8; 32],
        /// Of the evidence that is there.
        found: [u8; 32],
    },
    /// The evidence does not decode.
    #[error("receipt: {0}")]
    Evidence(#[from] EvidenceError),
    /// Nobody says whose key it is.
    #[error("receipt: no evidence is enclosed, and none was given")]
    NoEvidence,
    /// The payload is not the CBOR map that the format asks for.
    #[error("receipt payload: not the expected CBOR at byte {offset}")]
    Payload {
        /// Where in the payload decoding stopped.
        offset: usize,
    },
    /// The same content has one deterministic encoding, and this is another.
    #[error("receipt: not in deterministic encoding")]
    NotDeterministic,
    /// Another version of the format.
    #[error("receipt version: expected {expected}, found {found}")]
    Version {
        /// The only version.
        expected: u32,
        /// Version found.
        found: u32,
    },
    /// Only the first receipt has no predecessor.
    #[error("receipt {number}: exactly the first receipt, number 0, has an all-zero previous digest")]
    First {
        /// Number of the receipt.
        number: u64,
    },
    /// A number or a length that no exchange has.
    #[error("receipt, {field}: expected {least} to {most}, found {found}")]
    OutOfRange {
        /// Of what.
        field: &'static str,
        /// Least that is accepted.
        least: u64,
        /// Most that is accepted.
        most: u64,
        /// Found.
        found: u64,
    },
    /// Neither a name nor an address.
    #[error("receipt host: expected lower-case letters, digits, hyphens and dots, found {found:?}")]
    Host {
        /// As it stands there.
        found: String,
    },
    /// A path that comes back to where it was.
    #[error("receipt path of certificates: {index} is there twice")]
    PathRepeats {
        /// Which certificate.
        index: u8,
    },
    /// A leaf that is shown is none.
    #[error("receipt, leaf {index}: not a salted leaf in deterministic encoding")]
    Leaf {
        /// Its number, as stated.
        index: u64,
    },
    /// A chunk that is shown is none.
    #[error("receipt, shown chunk {number}: not a salted chunk in deterministic encoding")]
    Chunk {
        /// Its place among chunks in the file, from 0.
        number: u64,
    },
    /// Something is shown twice.
    #[error("receipt, {place}: shown twice")]
    Repeated {
        /// What.
        place: Place,
    },
    /// Something is shown after what comes later.
    #[error("receipt, {place}: shown after {before}")]
    Order {
        /// What was shown before.
        before: Place,
        /// What should have been.
        place: Place,
    },
    /// A leaf where none of its kind can be.
    #[error(
        "receipt, leaf {index} of {leaves}: expected a kind that fits its place and its neighbours, found {found}"
    )]
    Kind {
        /// Its number.
        index: u64,
        /// How many there are.
        leaves: u64,
        /// What it says to be.
        found: Kind,
    },
    /// Whatever is shown there, it is not what was signed.
    #[error("receipt, {place}: expected what is under the root that was signed, found something else")]
    NotUnderRoot {
        /// Where it says to be.
        place: Place,
    },
    /// The leaf of a body says how its chunks are to be checked, and it is not shown.
    #[error("receipt: expected the {} to be shown before parts of it", body.kind())]
    BodyHidden {
        /// Which.
        body: BodySide,
    },
    /// All chunks but the last are full.
    #[error("receipt, {place}: expected {expected} bytes, found {found}")]
    ChunkLength {
        /// Which.
        place: Place,
        /// In a body of this length; 0 where it has no such chunk.
        expected: u64,
        /// Found.
        found: u64,
    },
    /// Not the body, or not the secret that it was salted with.
    #[error(
        "body: expected that of the receipt with {expected} bytes and its secret, found another with {found} bytes"
    )]
    OtherBody {
        /// Length of the body.
        expected: u64,
        /// Length of what is there.
        found: u64,
    },
    /// A range that is not within the body.
    #[error("body: expected a range within {limit} bytes, found {start} to {end}")]
    BodyRange {
        /// Length of the body.
        limit: u64,
        /// First byte.
        start: u64,
        /// Behind the last.
        end: u64,
    },
    /// An opening that is none.
    #[error("opening: not the expected CBOR at byte {offset}")]
    Opening {
        /// Where decoding stopped.
        offset: usize,
    },
    /// Not all certificates that the server presented, or more.
    #[error("receipt: expected {expected} certificates, as the server presented, found {found}")]
    CertificateCount {
        /// As the server presented.
        expected: usize,
        /// Enclosed.
        found: usize,
    },
    /// A certificate that the server did not present there.
    #[error(
        "receipt, certificate {index}: expected the one with digest {}, found {}",
        Hex(expected),
        Hex(found)
    )]
    Certificate {
        /// Which, from 0.
        index: usize,
        /// As the server presented.
        expected: [u8; 32],
        /// Enclosed.
        found: [u8; 32],
    },
    /// The evidence's instance key is not a point of P-256.
    #[error("receipt: the instance key in the evidence is not a P-256 point")]
    InstanceKey,
    /// The instance key did not sign this.
    #[error("receipt: not signed by the instance key in its evidence")]
    Signature,
    /// Nobody has signed it: the key did not work. Whoever holds it is guilty, or the randomness there.
    #[error("receipt: {0}")]
    Unsigned(#[from] SigningError),
    /// Receipt and evidence are of different manifests.
    #[error("receipt manifest: expected {}, as in the evidence, found {}", Hex(expected), Hex(found))]
    Manifest {
        /// Of the evidence.
        expected: [u8; 32],
        /// In the receipt.
        found: [u8; 32],
    },
    /// Receipts of different boots.
    #[error("chain of receipts, place {place}: signed by another instance key than the one before")]
    ChainKey {
        /// From 0.
        place: usize,
    },
    /// One is missing or moved.
    #[error("chain of receipts, place {place}: expected receipt {expected}, found {found}")]
    ChainNumber {
        /// From 0.
        place: usize,
        /// One more than before.
        expected: u64,
        /// Found.
        found: u64,
    },
    /// It hangs on another receipt than the one before.
    #[error(
        "chain of receipts, place {place}: expected {} as previous digest, found {}",
        Hex(expected),
        Hex(found)
    )]
    ChainPrevious {
        /// From 0.
        place: usize,
        /// Digest of the one before.
        expected: [u8; 32],
        /// In the receipt.
        found: [u8; 32],
    },
    /// A proof for a bound that the receipt names nothing for.
    #[error("receipt time: it names no Roughtime response, so no measurement shows how old it is at most")]
    NotBeforeUnnamed,
    /// A measurement without the response.
    #[error("receipt time: expected a measurement with the response {}, found none with it", Hex(expected))]
    NotBefore {
        /// That the receipt names.
        expected: [u8; 32],
    },
    /// A path that leads nowhere.
    #[error("receipt time: no receipt is number {index} of {receipts} with a path of this length")]
    NotAfterPath {
        /// As stated.
        index: u64,
        /// As stated.
        receipts: u64,
    },
    /// A measurement that commits to something else.
    #[error(
        "receipt time: expected a measurement that commits to the root {}, found none that does",
        Hex(root)
    )]
    NotAfter {
        /// To which receipt and path lead.
        root: [u8; 32],
    },
    /// What is proven, or said, excludes the rest.
    #[error("receipt time: not before second {earliest} and not after second {latest}")]
    TimeContradiction {
        /// The latest of all lower bounds.
        earliest: u64,
        /// The earliest of all upper bounds.
        latest: u64,
    },
    /// A version in which nobody knows what servers sign.
    #[error("receipt TLS version: expected 0x0303 or 0x0304, found {found:#06x}")]
    TlsVersion {
        /// As stated.
        found: u16,
    },
    /// What was signed is no server's part of such a handshake.
    #[error("receipt: what the server signed is not what servers sign in version {version:#06x} of TLS")]
    HandshakeMessage {
        /// Of TLS.
        version: u16,
    },
    /// The server's key did not sign this.
    #[error("receipt: signature of the handshake: {reason}")]
    HandshakeSignature {
        /// In the words of whoever checked.
        reason: String,
    },
    /// The certificates do not show that the server was the host.
    #[error("receipt: certificates: {reason}")]
    Path {
        /// In the words of whoever checked.
        reason: String,
    },
    /// The certificate has another key.
    #[error("receipt key of the server: expected {}, found {} in its certificate", Hex(expected), Hex(found))]
    PublicKey {
        /// In the receipt.
        expected: [u8; 32],
        /// Of the certificate.
        found: [u8; 32],
    },
    /// The exchange was when not all certificates were valid.
    #[error("receipt time: expected seconds in {expected:?}, when the path is valid, found {found:?}")]
    Validity {
        /// Of the path.
        expected: RangeInclusive<u64>,
        /// At the end of the exchange.
        found: RangeInclusive<u64>,
    },
    /// The request was for another host than the one that was called.
    #[error("receipt authority: expected {expected:?}, whose certificate it was, found {found:?}")]
    Authority {
        /// Whose certificate it was.
        expected: String,
        /// What the request says.
        found: String,
    },
}

/// An exchange of which there is no receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Nothing came back.
    #[error("recorder: no response came")]
    NoResponse,
    /// There is one final response.
    #[error("recorder: a second response")]
    SecondResponse,
    /// Not a status.
    #[error("recorder: expected a status of 100 to 999, found {found}")]
    Status {
        /// Found.
        found: u16,
    },
    /// Longer than chunks can be counted.
    #[error("recorder: expected a body of at most {limit} bytes")]
    BodyTooLong {
        /// Longest that is accepted.
        limit: u64,
    },
    /// More fields than heads can have.
    #[error("recorder: expected at most {limit} leaves, found {found}")]
    TooManyLeaves {
        /// Most that are accepted.
        limit: u64,
        /// Found.
        found: u64,
    },
}

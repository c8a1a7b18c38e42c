//! Guest messages to the AMD Secure Processor (PSP): the encrypted mailbox behind SNP_GUEST_REQUEST.
//!
//! Spec: AMD "SEV Secure Nested Paging Firmware ABI Specification", publication 56860, rev 1.58: chapter 7 (guest
//! messages), chapter 8.26 (SNP_GUEST_REQUEST), table 103 (secrets page). The simulated platform speaks the same
//! protocol to a software PSP, so everything above the hypercall is one code path.

use alloc::vec::Vec;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Bytes of a request or response page.
pub const MESSAGE_PAGE_BYTES: usize = 4096;
/// Bytes of [`MessageHeader`].
pub const MESSAGE_HEADER_BYTES: usize = 0x60;
/// The largest payload, in bytes.
pub const MESSAGE_PAYLOAD_MAX_BYTES: usize = 4000;
/// Bytes of a VM platform communication key.
pub const VMPCK_BYTES: usize = 32;
/// Offset of the first byte that the authentication tag covers besides the payload.
const AAD_OFFSET: usize = 0x30;

/// Header of a guest message (56860 table "Guest Message Header", `GUEST_MESSAGE_HDR`).
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct MessageHeader {
    /// AES-GCM tag in the first 16 bytes, zero after.
    pub auth_tag: [u8; 32],
    /// Sequence number; the low 8 bytes of the 12-byte IV.
    pub sequence: U64,
    /// Zero.
    pub reserved_28: [u8; 8],
    /// [`ALGORITHM_AES_256_GCM`].
    pub algorithm: u8,
    /// [`HEADER_VERSION`].
    pub header_version: u8,
    /// [`MESSAGE_HEADER_BYTES`].
    pub header_bytes: U16,
    /// A [`MessageType`].
    pub message_type: u8,
    /// Version of the payload's layout.
    pub message_version: u8,
    /// Bytes of the payload.
    pub payload_bytes: U16,
    /// Zero.
    pub reserved_38: [u8; 4],
    /// Which VMPCK encrypts.
    pub vmpck: u8,
    /// Zero.
    pub reserved_3d: [u8; 35],
}

const _: () = assert!(
    size_of::<MessageHeader>() == MESSAGE_HEADER_BYTES,
    "guest message header: 56860 says 0x60 bytes"
);

/// AES-256-GCM, the only algorithm.
pub const ALGORITHM_AES_256_GCM: u8 = 1;
/// The only header version.
pub const HEADER_VERSION: u8 = 1;

/// Type of a guest message (56860 table "Message Type Encodings").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageType(pub u8);

impl MessageType {
    /// `MSG_KEY_REQ`.
    pub const KEY_REQUEST: Self = Self(3);
    /// `MSG_KEY_RSP`.
    pub const KEY_RESPONSE: Self = Self(4);
    /// `MSG_REPORT_REQ`.
    pub const REPORT_REQUEST: Self = Self(5);
    /// `MSG_REPORT_RSP`.
    pub const REPORT_RESPONSE: Self = Self(6);
}

/// `MSG_REPORT_REQ`, version 1.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct ReportRequest {
    /// What the report will carry.
    pub report_data: [u8; 64],
    /// VMPL to report; at or above the caller's.
    pub vmpl: U32,
    /// 0: VLEK if loaded, else VCEK; 1: VCEK; 2: VLEK.
    pub key_select: U32,
    /// Zero.
    pub reserved: [u8; 24],
}

const _: () = assert!(size_of::<ReportRequest>() == 96, "MSG_REPORT_REQ is 96 bytes");

/// `MSG_REPORT_RSP`.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct ReportResponse {
    /// A [`ResponseStatus`].
    pub status: U32,
    /// Bytes of the report.
    pub report_bytes: U32,
    /// Zero.
    pub reserved: [u8; 24],
    /// The report.
    pub report: [u8; attestation_report::REPORT_BYTES],
}

const _: () = assert!(size_of::<ReportResponse>() == 32 + 1184, "MSG_REPORT_RSP is 0x20 bytes and a report");

/// `MSG_KEY_REQ`, version 1.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct KeyRequest {
    /// Bit 0: root key (0 VCEK, 1 VMRK); bits 2:1: key selection.
    pub flags: U32,
    /// Zero.
    pub reserved: U32,
    /// What the key binds: see [`KeyRequest::SELECT_POLICY`] and following.
    pub guest_field_select: U64,
    /// VMPL to mix in; at or above the caller's.
    pub vmpl: U32,
    /// Guest SVN to mix in; not above the launched one.
    pub guest_svn: U32,
    /// TCB version to mix in; not above the committed one.
    pub tcb_version: U64,
}

const _: () = assert!(size_of::<KeyRequest>() == 32, "MSG_KEY_REQ v1 is 32 bytes");

impl KeyRequest {
    /// Binds the guest policy.
    pub const SELECT_POLICY: u64 = 1 << 0;
    /// Binds the launch measurement.
    pub const SELECT_MEASUREMENT: u64 = 1 << 3;
    /// Binds the TCB version.
    pub const SELECT_TCB_VERSION: u64 = 1 << 5;
}

/// `MSG_KEY_RSP`.
#[derive(Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct KeyResponse {
    /// A [`ResponseStatus`].
    pub status: U32,
    /// Zero.
    pub reserved: [u8; 28],
    /// The derived key.
    pub key: [u8; 32],
}

const _: () = assert!(size_of::<KeyResponse>() == 64, "MSG_KEY_RSP is 64 bytes");

impl core::fmt::Debug for KeyResponse {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("KeyResponse").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Status in a response's payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseStatus(pub u32);

impl ResponseStatus {
    /// All is well.
    pub const SUCCESS: Self = Self(0);
    /// A parameter is out of range.
    pub const INVALID_PARAMETERS: Self = Self(0x16);
    /// The key that was asked for is not available.
    pub const INVALID_KEY_SELECTION: Self = Self(0x27);
}

/// The part of the secrets page that we use (56860 table "Secrets Page Format").
#[derive(Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct SecretsPage {
    /// 2 or later.
    pub version: U32,
    /// Bit 0: launched from an initial migration image.
    pub flags: U32,
    /// Family, model and stepping.
    pub fms: U32,
    /// Zero.
    pub reserved_0c: [u8; 4],
    /// Guest operating system visible workarounds.
    pub gosvw: [u8; 16],
    /// VM platform communication keys, one per VMPL.
    pub vmpck: [[u8; VMPCK_BYTES]; 4],
    /// For the guest's own use.
    pub guest_area: [u8; 96],
    /// VMSA tweak bitmap, SVSM fields, TSC factor and reserved space.
    pub rest: [u8; 4096 - 0x100],
}

const _: () = assert!(size_of::<SecretsPage>() == MESSAGE_PAGE_BYTES, "the secrets page is one page");

impl core::fmt::Debug for SecretsPage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SecretsPage").field("version", &self.version).finish_non_exhaustive()
    }
}

/// `SW_EXITINFO2` of a guest request (GHCB specification 56421, "SNP Guest Request"): low half from the firmware,
/// high half from the hypervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitInfo2(pub u64);

impl ExitInfo2 {
    /// The request was processed.
    pub const SUCCESS: Self = Self(0);
    /// The hypervisor could not forward the request now: send the *same* bytes again.
    pub const BUSY: Self = Self(2 << 32);
    /// The certificate buffer of an extended request is too short.
    pub const BUFFER_TOO_SHORT: Self = Self(1 << 32);
    /// The firmware could not authenticate the message or its sequence number (`AEAD_OFLOW`/`BAD_MEASUREMENT` family).
    pub const FIRMWARE_INVALID_MESSAGE: Self = Self(0x16);
}

/// What a guest request returns: the simulated hypercall's answer on the control stream. The certificates are
/// unauthenticated, exactly as those of an extended guest request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PspReply {
    /// Outcome of the hypercall.
    pub exit_info_2: ExitInfo2,
    /// The response page.
    pub page: Vec<u8>,
    /// Endorsement of the report's signing key, as the host hands it out.
    pub certificates: Vec<u8>,
}

impl PspReply {
    /// The longest `certificates`, in bytes.
    pub const CERTIFICATES_MAX_BYTES: usize = 16 * 1024;

    /// Bytes of a [`FrameKind::PSP_RESPONSE`](crate::frame::FrameKind::PSP_RESPONSE) body: status, page, certificates.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        body.extend_from_slice(&self.exit_info_2.0.to_le_bytes());
        body.extend_from_slice(&self.page);
        body.extend_from_slice(&self.certificates);
        body
    }

    /// Reads [`Self::encode`]'s bytes.
    ///
    /// # Errors
    /// Fewer bytes than a status and a page, or too many certificates.
    pub fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let (status, rest) =
            body.split_first_chunk::<8>().ok_or(MessageError::Length { found: body.len() })?;
        let (page, certificates) =
            rest.split_at_checked(MESSAGE_PAGE_BYTES).ok_or(MessageError::Length { found: body.len() })?;
        if certificates.len() > Self::CERTIFICATES_MAX_BYTES {
            return Err(MessageError::Length { found: body.len() });
        }
        Ok(Self {
            exit_info_2: ExitInfo2(u64::from_le_bytes(*status)),
            page: page.to_vec(),
            certificates: certificates.to_vec(),
        })
    }
}

/// A guest message that does not open. The host or the sender is guilty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// A page or payload has the wrong length.
    #[error("guest message: {found} bytes is not a possible length")]
    Length {
        /// Bytes found.
        found: usize,
    },
    /// A header field has another value than the protocol allows here.
    #[error("guest message header, {field}: expected {expected:#x}, found {found:#x}")]
    Header {
        /// Name of the field.
        field: &'static str,
        /// Value that the receiver insists on.
        expected: u64,
        /// Value in the message.
        found: u64,
    },
    /// The tag does not verify.
    #[error("guest message: authentication failed")]
    Authentication,
}

/// What a message is about, besides its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageMeta {
    /// Type.
    pub message_type: MessageType,
    /// Version of the payload's layout.
    pub message_version: u8,
    /// Sequence number.
    pub sequence: u64,
    /// VMPCK index.
    pub vmpck: u8,
}

/// Builds the 4,096-byte page of an encrypted message.
///
/// # Errors
/// The payload is empty or longer than [`MESSAGE_PAYLOAD_MAX_BYTES`].
pub fn seal_message(
    key: &[u8; VMPCK_BYTES],
    meta: MessageMeta,
    payload: &[u8],
) -> Result<Vec<u8>, MessageError> {
    let bad_length = || MessageError::Length { found: payload.len() };
    if payload.is_empty() || payload.len() > MESSAGE_PAYLOAD_MAX_BYTES {
        return Err(bad_length());
    }
    let mut header = MessageHeader {
        auth_tag: [0; 32],
        sequence: U64::new(meta.sequence),
        reserved_28: [0; 8],
        algorithm: ALGORITHM_AES_256_GCM,
        header_version: HEADER_VERSION,
        header_bytes: U16::new(0x60),
        message_type: meta.message_type.0,
        message_version: meta.message_version,
        payload_bytes: U16::new(u16::try_from(payload.len()).map_err(|_| bad_length())?),
        reserved_38: [0; 4],
        vmpck: meta.vmpck,
        reserved_3d: [0; 35],
    };
    let mut page = alloc::vec![0; MESSAGE_PAGE_BYTES];
    let (head, body) = page.split_at_mut(MESSAGE_HEADER_BYTES);
    let body = body.get_mut(..payload.len()).ok_or_else(bad_length)?;
    body.copy_from_slice(payload);
    let aad = header.as_bytes().get(AAD_OFFSET..).unwrap_or_default();
    let tag = cipher(key)?
        .seal_in_place_separate_tag(nonce(meta.sequence), Aad::from(aad), body)
        .map_err(|_| MessageError::Authentication)?;
    header.auth_tag.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
    head.copy_from_slice(header.as_bytes());
    Ok(page)
}

/// Reads the header of a page without trusting any of it.
///
/// # Errors
/// The page is too short.
pub fn peek_header(page: &[u8]) -> Result<MessageHeader, MessageError> {
    MessageHeader::read_from_prefix(page)
        .map(|(header, _)| header)
        .map_err(|_| MessageError::Length { found: page.len() })
}

/// Opens a message that must be exactly what `expected` says, and returns its payload.
///
/// # Errors
/// Any header field differs, a reserved byte is set, the length is impossible, or the tag does not verify.
pub fn open_message(
    key: &[u8; VMPCK_BYTES],
    expected: MessageMeta,
    page: &[u8],
) -> Result<Vec<u8>, MessageError> {
    let header = peek_header(page)?;
    check_header(&header, expected)?;
    let payload_bytes = usize::from(header.payload_bytes.get());
    let payload = page
        .get(MESSAGE_HEADER_BYTES..)
        .and_then(|body| body.get(..payload_bytes))
        .filter(|body| !body.is_empty() && body.len() <= MESSAGE_PAYLOAD_MAX_BYTES)
        .ok_or(MessageError::Length { found: payload_bytes })?;
    let aad = header.as_bytes().get(AAD_OFFSET..).unwrap_or_default();
    let tag = header.auth_tag.first_chunk::<16>().ok_or(MessageError::Authentication)?;
    // `ring` wants the tag behind the ciphertext.
    let mut sealed = [payload, tag].concat();
    let opened = cipher(key)?
        .open_in_place(nonce(expected.sequence), Aad::from(aad), &mut sealed)
        .map_err(|_| MessageError::Authentication)?
        .len();
    sealed.truncate(opened);
    Ok(sealed)
}

fn check_header(header: &MessageHeader, expected: MessageMeta) -> Result<(), MessageError> {
    let tag_tail = header.auth_tag.get(16..).unwrap_or_default();
    let reserved = [tag_tail, &header.reserved_28, &header.reserved_38, &header.reserved_3d];
    let reserved_bits = reserved.iter().flat_map(|bytes| bytes.iter()).fold(0, |bits, byte| bits | byte);
    let fields: [(&'static str, u64, u64); 8] = [
        ("reserved bytes", 0, reserved_bits.into()),
        ("algorithm", ALGORITHM_AES_256_GCM.into(), header.algorithm.into()),
        ("header version", HEADER_VERSION.into(), header.header_version.into()),
        ("header size", 0x60, header.header_bytes.get().into()),
        ("message type", expected.message_type.0.into(), header.message_type.into()),
        ("message version", expected.message_version.into(), header.message_version.into()),
        ("sequence number", expected.sequence, header.sequence.get()),
        ("VMPCK index", expected.vmpck.into(), header.vmpck.into()),
    ];
    match fields.into_iter().find(|(_, expected, found)| expected != found) {
        Some((field, expected, found)) => Err(MessageError::Header { field, expected, found }),
        None => Ok(()),
    }
}

fn cipher(key: &[u8; VMPCK_BYTES]) -> Result<LessSafeKey, MessageError> {
    // Every key of 32 bytes is one.
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_| MessageError::Authentication)
}

fn nonce(sequence: u64) -> Nonce {
    let mut iv = [0; 12];
    if let Some(low) = iv.first_chunk_mut::<8>() {
        *low = sequence.to_le_bytes();
    }
    Nonce::assume_unique_for_key(iv)
}

#[cfg(test)]
mod tests;

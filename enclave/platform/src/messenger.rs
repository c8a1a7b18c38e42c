//! Guest messages: sequence numbers, retransmission, and when to destroy the key.
//!
//! Spec: AMD 56860, chapter 7; GHCB specification 56421, "SNP Guest Request". Rules that follow from them: on BUSY
//! the *identical* bytes go out again; after any other failure the (key, sequence) pair may have been used, so the key
//! is destroyed, because a second message under it would give the key stream away.

use alloc::vec::Vec;

use attestation_evidence::Platform;
use enclave_wire::psp::{
    ExitInfo2, KeyRequest, KeyResponse, MessageMeta, MessageType, PspReply, ReportRequest, ReportResponse,
    ResponseStatus, SecretsPage, VMPCK_BYTES, open_message, seal_message,
};
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, IntoBytes};
use zeroize::{Zeroize, Zeroizing};

use crate::PlatformError;

/// How often a request is sent before the host counts as refusing.
pub const REQUEST_ATTEMPTS: u32 = 1_000;

/// Versions of the payload layouts in `enclave-wire`.
const MESSAGE_VERSION: u8 = 1;

/// The one hypercall under the messenger: hands a page to the PSP and brings its answer.
pub trait GuestRequest {
    /// What evidence says of itself that comes from this PSP.
    fn platform(&self) -> Platform;

    /// Delivers `page` and returns what came back, unauthenticated.
    ///
    /// # Errors
    /// The way to the PSP broke.
    fn guest_request(&mut self, page: &[u8]) -> Result<PspReply, PlatformError>;
}

/// Talks to the PSP under one VMPCK. Dropping it wipes the key.
pub struct Messenger<R> {
    request: R,
    vmpck: Option<Zeroizing<[u8; VMPCK_BYTES]>>,
    vmpck_index: u8,
    sequence: u64,
}

impl<R: GuestRequest> Messenger<R> {
    /// Takes the VMPCK of `vmpl` out of the secrets page and wipes all four there.
    ///
    /// # Errors
    /// The page's version is unknown, there is no such VMPL, or the key is already destroyed.
    pub fn new(request: R, secrets: &mut SecretsPage, vmpl: u32) -> Result<Self, PlatformError> {
        if secrets.version.get() < 2 {
            return Err(PlatformError::SecretsPage { problem: "expected version 2 or later" });
        }
        let key = usize::try_from(vmpl).ok().and_then(|index| secrets.vmpck.get(index)).copied();
        secrets.vmpck.zeroize();
        let no_such_vmpl =
            PlatformError::SecretsPage { problem: "no VMPCK for the manifest's launch.snp.vmpl" };
        let (Some(key), Ok(vmpck_index)) = (key, u8::try_from(vmpl)) else { return Err(no_such_vmpl) };
        if key == [0; VMPCK_BYTES] || key == [0xFF; VMPCK_BYTES] {
            let problem = "the VMPCK of the manifest's launch.snp.vmpl was destroyed by an earlier stage";
            return Err(PlatformError::SecretsPage { problem });
        }
        Ok(Self { request, vmpck: Some(Zeroizing::new(key)), vmpck_index, sequence: 0 })
    }

    /// Whose PSP this is.
    pub fn platform(&self) -> Platform {
        self.request.platform()
    }

    /// A report that carries `report_data`, for `vmpl`, and the certificates that the host offers for it.
    ///
    /// # Errors
    /// See [`PlatformError`]; afterwards the key is destroyed unless the PSP answered in order.
    pub fn report(&mut self, report_data: [u8; 64], vmpl: u32) -> Result<(Vec<u8>, Vec<u8>), PlatformError> {
        let request =
            ReportRequest { report_data, vmpl: U32::new(vmpl), key_select: U32::new(0), reserved: [0; 24] };
        let (payload, certificates) =
            self.exchange(MessageType::REPORT_REQUEST, MessageType::REPORT_RESPONSE, request.as_bytes())?;
        let response = read_response::<ReportResponse>(&payload)?;
        check_status("report", response.status.get())?;
        Ok((response.report.to_vec(), certificates))
    }

    /// A key derived from the chip's secret, bound to policy, measurement and TCB version.
    ///
    /// # Errors
    /// As [`Self::report`].
    pub fn derived_key(&mut self, vmpl: u32, tcb_version: u64) -> Result<Zeroizing<[u8; 32]>, PlatformError> {
        let select =
            KeyRequest::SELECT_POLICY | KeyRequest::SELECT_MEASUREMENT | KeyRequest::SELECT_TCB_VERSION;
        let request = KeyRequest {
            flags: U32::new(0),
            reserved: U32::new(0),
            guest_field_select: U64::new(select),
            vmpl: U32::new(vmpl),
            guest_svn: U32::new(0),
            tcb_version: U64::new(tcb_version),
        };
        let (payload, _) =
            self.exchange(MessageType::KEY_REQUEST, MessageType::KEY_RESPONSE, request.as_bytes())?;
        let payload = Zeroizing::new(payload);
        let mut response = read_response::<KeyResponse>(&payload)?;
        check_status("key", response.status.get())?;
        let key = Zeroizing::new(response.key);
        response.key.zeroize();
        Ok(key)
    }

    /// Sends one message and opens its answer. The key survives only a clean exchange.
    fn exchange(
        &mut self,
        request_type: MessageType,
        response_type: MessageType,
        payload: &[u8],
    ) -> Result<(Vec<u8>, Vec<u8>), PlatformError> {
        // Taken out, so that every early return destroys it.
        let vmpck = self.vmpck.take().ok_or(PlatformError::KeyDestroyed)?;
        // The counter must never wrap: an IV would repeat.
        let request_sequence = self.sequence.checked_add(1).ok_or(PlatformError::KeyDestroyed)?;
        let response_sequence = request_sequence.checked_add(1).ok_or(PlatformError::KeyDestroyed)?;
        let meta = |message_type, sequence| MessageMeta {
            message_type,
            message_version: MESSAGE_VERSION,
            sequence,
            vmpck: self.vmpck_index,
        };
        let page = seal_message(&vmpck, meta(request_type, request_sequence), payload)?;
        let response_meta = meta(response_type, response_sequence);
        let reply = self.deliver(&page)?;
        let opened = open_message(&vmpck, response_meta, &reply.page)?;
        self.sequence = response_sequence;
        self.vmpck = Some(vmpck);
        Ok((opened, reply.certificates))
    }

    fn deliver(&mut self, page: &[u8]) -> Result<PspReply, PlatformError> {
        for _ in 0..REQUEST_ATTEMPTS {
            let reply = self.request.guest_request(page)?;
            match reply.exit_info_2 {
                ExitInfo2::SUCCESS => return Ok(reply),
                ExitInfo2::BUSY => {}
                found => return Err(PlatformError::Refused { found }),
            }
        }
        Err(PlatformError::Busy { attempts: REQUEST_ATTEMPTS })
    }
}

impl<R> core::fmt::Debug for Messenger<R> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Messenger").field("sequence", &self.sequence).finish_non_exhaustive()
    }
}

fn read_response<T: FromBytes>(payload: &[u8]) -> Result<T, PlatformError> {
    T::read_from_bytes(payload)
        .map_err(|_| enclave_wire::psp::MessageError::Length { found: payload.len() }.into())
}

fn check_status(request: &'static str, status: u32) -> Result<(), PlatformError> {
    match ResponseStatus(status) {
        ResponseStatus::SUCCESS => Ok(()),
        found => Err(PlatformError::Status { request, found }),
    }
}

#[cfg(test)]
mod tests;

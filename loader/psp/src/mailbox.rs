//! The mailbox: who may ask, in which order, under which key.

use core::fmt;

use enclave_wire::psp::{
    ExitInfo2, KeyRequest, MESSAGE_PAGE_BYTES, MessageMeta, MessageType, PspReply, ReportRequest,
    SecretsPage, VMPCK_BYTES, open_message, peek_header, seal_message,
};
use zerocopy::{FromBytes, FromZeros, IntoBytes};

use crate::report::CPUID_FAMILY_MODEL_STEPPING;
use crate::{PspError, SimChip, key, report};

/// Version of every request and response that we speak.
const MESSAGE_VERSION: u8 = 1;
const SECRETS_PAGE_VERSION: u32 = 3;

/// What the platform knows of a guest from its launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Launch {
    /// Launch digest.
    pub measurement: [u8; 48],
    /// What the host bound at launch.
    pub host_data: [u8; 32],
    /// Guest policy.
    pub policy: u64,
    /// VMPL at which the guest runs, 0 to 3. It gets no key of a more privileged one.
    pub vmpl: u32,
    /// Security version of the guest; 0 without an ID block.
    pub guest_svn: u32,
}

/// The PSP of one launched guest.
pub struct SoftwarePsp {
    chip: SimChip,
    certificates: Vec<u8>,
    launch: Launch,
    report_id: [u8; 32],
    vmpck: [[u8; VMPCK_BYTES]; 4],
    /// Sequence number of the last message under each key, request or response.
    last_sequence: [u64; 4],
}

impl SoftwarePsp {
    /// Launches a guest: fresh keys, and the secrets page that hands them to the guest.
    ///
    /// # Errors
    /// No randomness, or a VMPL above 3.
    pub fn launch(launch: Launch, chip: &SimChip) -> Result<(SecretsPage, Self), PspError> {
        let privileged = usize::try_from(launch.vmpl)
            .ok()
            .filter(|vmpl| *vmpl < 4)
            .ok_or(PspError::Vmpl { found: launch.vmpl })?;
        let (mut vmpck, mut report_id) = ([[0; VMPCK_BYTES]; 4], [0; 32]);
        getrandom::fill(vmpck.as_flattened_mut()).map_err(PspError::Randomness)?;
        getrandom::fill(&mut report_id).map_err(PspError::Randomness)?;

        let mut page = SecretsPage::new_zeroed();
        page.version = SECRETS_PAGE_VERSION.into();
        page.fms = cpuid_signature().into();
        let handed_over = page.vmpck.iter_mut().zip(&vmpck).skip(privileged);
        handed_over.for_each(|(to, from)| *to = *from);

        let (chip, certificates) = (chip.clone(), chip.endorsement());
        Ok((page, Self { chip, certificates, launch, report_id, vmpck, last_sequence: [0; 4] }))
    }

    /// Answers one guest request. A message that is not the next one under its key changes nothing.
    pub fn handle(&mut self, page: &[u8]) -> PspReply {
        let response = self.answer(page);
        let exit_info_2 = match response {
            Some(_) => ExitInfo2::SUCCESS,
            None => ExitInfo2::FIRMWARE_INVALID_MESSAGE,
        };
        let page = response.unwrap_or_else(|| vec![0; MESSAGE_PAGE_BYTES]);
        PspReply { exit_info_2, page, certificates: self.certificates.clone() }
    }

    fn answer(&mut self, page: &[u8]) -> Option<Vec<u8>> {
        if page.len() != MESSAGE_PAGE_BYTES {
            return None;
        }
        let header = peek_header(page).ok()?;
        let key = *self.vmpck.get(usize::from(header.vmpck))?;
        let last = *self.last_sequence.get(usize::from(header.vmpck))?;
        let request = MessageMeta {
            message_type: MessageType(header.message_type),
            message_version: MESSAGE_VERSION,
            sequence: last.checked_add(1)?,
            vmpck: header.vmpck,
        };
        let payload = open_message(&key, request, page).ok()?;
        let (message_type, payload) = self.respond(request, &payload)?;
        let response = MessageMeta { message_type, sequence: last.checked_add(2)?, ..request };
        let sealed = seal_message(&key, response, &payload).ok()?;
        *self.last_sequence.get_mut(usize::from(header.vmpck))? = response.sequence;
        Some(sealed)
    }

    fn respond(&self, request: MessageMeta, payload: &[u8]) -> Option<(MessageType, Vec<u8>)> {
        let (vmpck, launch, chip) = (request.vmpck, &self.launch, &self.chip);
        match request.message_type {
            MessageType::REPORT_REQUEST => {
                let request = ReportRequest::read_from_bytes(payload).ok()?;
                let response = report::respond(&request, vmpck, launch, &self.report_id, chip);
                Some((MessageType::REPORT_RESPONSE, response.as_bytes().to_vec()))
            }
            MessageType::KEY_REQUEST => {
                let request = KeyRequest::read_from_bytes(payload).ok()?;
                let response = key::respond(&request, vmpck, launch, chip);
                Some((MessageType::KEY_RESPONSE, response.as_bytes().to_vec()))
            }
            _ => None,
        }
    }
}

impl fmt::Debug for SoftwarePsp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoftwarePsp").field("launch", &self.launch).finish_non_exhaustive()
    }
}

/// CPUID leaf 1 EAX of the simulated chip: extended family and model folded in.
fn cpuid_signature() -> u32 {
    let [family, model, stepping] = CPUID_FAMILY_MODEL_STEPPING.map(u32::from);
    let extended_family = family.saturating_sub(0xF);
    extended_family << 20 | (model >> 4) << 16 | 0xF << 8 | (model & 0xF) << 4 | stepping
}

#[cfg(test)]
mod tests;

//! `MSG_KEY_REQ`: keys that follow from the chip and the launch (56860, "Key Derivation").

use attestation_report::{TcbLayout, TcbVersion};
use enclave_wire::psp::{KeyRequest, KeyResponse, ResponseStatus};
use zerocopy::FromZeros;

use crate::chip::{CHIP_TCB, SimChip};
use crate::mailbox::Launch;

/// Binds the image identity, which only an ID block gives: zero here.
const SELECT_IMAGE_ID: u64 = 1 << 1;
/// Binds the family identity, which only an ID block gives: zero here.
const SELECT_FAMILY_ID: u64 = 1 << 2;
/// Binds the guest's security version.
const SELECT_GUEST_SVN: u64 = 1 << 4;
const SELECT_ALL: u64 = KeyRequest::SELECT_POLICY
    | SELECT_IMAGE_ID
    | SELECT_FAMILY_ID
    | KeyRequest::SELECT_MEASUREMENT
    | SELECT_GUEST_SVN
    | KeyRequest::SELECT_TCB_VERSION;

/// Answers an authenticated request that came with VMPCK `vmpck`.
pub(crate) fn respond(request: &KeyRequest, vmpck: u8, launch: &Launch, chip: &SimChip) -> KeyResponse {
    let mut response = KeyResponse::new_zeroed();
    let status = check(request, vmpck, launch);
    response.status = status.0.into();
    if status == ResponseStatus::SUCCESS {
        response.key = derive(request, launch, chip);
    }
    response
}

fn check(request: &KeyRequest, vmpck: u8, launch: &Launch) -> ResponseStatus {
    let (flags, select) = (request.flags.get(), request.guest_field_select.get());
    let in_range = request.reserved.get() == 0
        && flags < 8
        && select & !SELECT_ALL == 0
        && (u32::from(vmpck)..=3).contains(&request.vmpl.get())
        && request.guest_svn.get() <= launch.guest_svn
        && is_committed(TcbVersion(request.tcb_version.get()));
    let (root_is_vmrk, key_select) = (flags & 1 == 1, flags >> 1);
    match (in_range, root_is_vmrk, key_select) {
        (true, false, 0 | 1) => ResponseStatus::SUCCESS,
        // A VMRK needs a migration agent, a VLEK a cloud provider: neither is here.
        (true, true, 0..=2) | (true, false, 2) => ResponseStatus::INVALID_KEY_SELECTION,
        _ => ResponseStatus::INVALID_PARAMETERS,
    }
}

/// No part may be newer than ours: new firmware can derive the keys of old one, never the reverse.
fn is_committed(requested: TcbVersion) -> bool {
    match (requested.parts(TcbLayout::Milan), TcbVersion(CHIP_TCB).parts(TcbLayout::Milan)) {
        (Some(requested), Some(current)) => current.is_at_least(&requested),
        _ => false,
    }
}

/// Mixes the VMPL and exactly the selected fields; a field that is not selected counts as zero, and the selection
/// itself is mixed too, so that no two selections share a key.
fn derive(request: &KeyRequest, launch: &Launch, chip: &SimChip) -> [u8; 32] {
    let select = request.guest_field_select.get();
    let selected = |bit: u64| select & bit != 0;
    let policy = if selected(KeyRequest::SELECT_POLICY) { launch.policy } else { 0 };
    let measurement = if selected(KeyRequest::SELECT_MEASUREMENT) { launch.measurement } else { [0; 48] };
    let guest_svn = if selected(SELECT_GUEST_SVN) { request.guest_svn.get() } else { 0 };
    let tcb_version = if selected(KeyRequest::SELECT_TCB_VERSION) { request.tcb_version.get() } else { 0 };
    chip.derive(&[
        b"redoubt simulated derived key",
        &select.to_le_bytes(),
        &request.vmpl.get().to_le_bytes(),
        &policy.to_le_bytes(),
        &measurement,
        &guest_svn.to_le_bytes(),
        &tcb_version.to_le_bytes(),
    ])
}

//! One chip, one report, and everything that can be wrong with them.

use attestation_manifest::manifest_digest;
use attestation_report::{REPORT_BYTES, ReportError, SIGNATURE_ALGORITHM_ECDSA_P384_SHA384};
use zerocopy::FromZeros;

use super::*;
use crate::{INSTANCE_KEY_BYTES, report_data};

const TCB: u64 = 0x7308_0000_0000_0103;

fn chip_key() -> SigningKey {
    SigningKey::from_slice(&[0x11; 48]).unwrap()
}

fn chip() -> ChipEndorsement {
    let public_key = chip_key().verifying_key().to_sec1_point(false).as_bytes().try_into().unwrap();
    ChipEndorsement { chip_id: [0xC1; 64], tcb: TCB, public_key }
}

fn report_for(manifest: &[u8], instance_key: &[u8; INSTANCE_KEY_BYTES]) -> SnpReport {
    let digest = manifest_digest(manifest);
    let mut report = SnpReport::new_zeroed();
    report.version = 5.into();
    report.signature_algorithm = SIGNATURE_ALGORITHM_ECDSA_P384_SHA384.into();
    report.chip_id = chip().chip_id;
    report.reported_tcb = TCB.into();
    report.host_data = digest;
    report.report_data = report_data(instance_key, None, &digest, None);
    report
}

fn evidence_with(mut report: SnpReport, chip: &ChipEndorsement) -> Evidence {
    sign_report(&mut report, &chip_key());
    Evidence {
        platform: Platform::Simulated,
        report: report.as_bytes().to_vec(),
        endorsement: endorse(chip),
        instance_key: [4; INSTANCE_KEY_BYTES],
        hpke_key: None,
        manifest: b"manifest".to_vec(),
    }
}

fn good_report() -> SnpReport {
    report_for(b"manifest", &[4; INSTANCE_KEY_BYTES])
}

fn good() -> Evidence {
    evidence_with(good_report(), &chip())
}

#[test]
fn good_evidence_verifies() {
    let report = verify_simulated(&good()).unwrap();
    assert_eq!(report.report().chip_id, [0xC1; 64]);
    assert_eq!(verify_endorsement(&endorse(&chip())), Ok(chip()));
}

#[test]
fn a_machines_evidence_is_refused_by_name() {
    for (platform, name) in [(Platform::Snp, "SEV-SNP"), (Platform::Tdx, "TDX")] {
        let evidence = Evidence { platform, ..good() };
        assert_eq!(verify_simulated(&evidence), Err(EvidenceError::NotSimulated { found: name }));
    }
}

#[test]
fn every_byte_of_an_endorsement_is_protected() {
    let bytes = endorse(&chip());
    for index in 0..bytes.len() {
        let mut forged = bytes.clone();
        forged[index] ^= 1;
        assert!(verify_endorsement(&forged).is_err(), "byte {index}");
    }
    assert!(verify_endorsement(&bytes[1..]).is_err());
    assert!(verify_endorsement(&[]).is_err());
}

#[test]
fn the_other_s_of_an_endorsement_is_refused() {
    let mut bytes = endorse(&chip());
    let start = bytes.len() - 96;
    let signature = Signature::from_slice(&bytes[start..]).unwrap();
    let (r, s) = signature.split_scalars();
    let other = Signature::from_scalars(r, -*s).unwrap();
    bytes[start..].copy_from_slice(&other.to_bytes());
    assert_eq!(verify_endorsement(&bytes), Err(EvidenceError::EndorsementSignature));
}

#[test]
fn every_byte_of_a_report_is_protected() {
    let evidence = good();
    for index in (0..REPORT_BYTES).step_by(7).chain(0x2A0..REPORT_BYTES) {
        let mut forged = evidence.clone();
        forged.report[index] ^= 1;
        assert!(verify_simulated(&forged).is_err(), "byte {index:#x}");
    }
}

#[test]
fn unused_signature_bytes_are_zero() {
    let mut evidence = good();
    evidence.report[0x2D0] = 1;
    let refused = EvidenceError::Report(ReportError::Reserved { offset: 0x2D0, found: 1 });
    assert_eq!(verify_simulated(&evidence), Err(refused));
}

#[test]
fn a_report_of_another_chip_or_tcb_is_refused() {
    let other_chip = ChipEndorsement { chip_id: [0xC2; 64], ..chip() };
    assert_eq!(
        verify_simulated(&evidence_with(good_report(), &other_chip)),
        Err(EvidenceError::ChipId { offset: 0 })
    );
    let other_tcb = ChipEndorsement { tcb: 1, ..chip() };
    let refused = EvidenceError::Tcb { expected: 1, found: TCB };
    assert_eq!(verify_simulated(&evidence_with(good_report(), &other_tcb)), Err(refused));
    let no_key = ChipEndorsement { public_key: [4; CHIP_KEY_BYTES], ..chip() };
    assert_eq!(verify_simulated(&evidence_with(good_report(), &no_key)), Err(EvidenceError::EndorsedKey));
}

#[test]
fn another_key_signs_in_vain() {
    let mut report = good_report();
    sign_report(&mut report, &SigningKey::from_slice(&[0x22; 48]).unwrap());
    let evidence = Evidence { report: report.as_bytes().to_vec(), ..good() };
    assert_eq!(verify_simulated(&evidence), Err(EvidenceError::ReportSignature));
}

#[test]
fn the_report_binds_keys_and_manifest() {
    let other_instance = Evidence { instance_key: [5; INSTANCE_KEY_BYTES], ..good() };
    assert_eq!(verify_simulated(&other_instance), Err(EvidenceError::ReportData));
    let hpke = Evidence { hpke_key: Some(vec![1; 32]), ..good() };
    assert_eq!(verify_simulated(&hpke), Err(EvidenceError::ReportData));
    let other_manifest = Evidence { manifest: b"other".to_vec(), ..good() };
    assert_eq!(verify_simulated(&other_manifest), Err(EvidenceError::ReportData));

    let report = SnpReport { host_data: [0; 32], ..good_report() };
    assert_eq!(verify_simulated(&evidence_with(report, &chip())), Err(EvidenceError::HostData));
}

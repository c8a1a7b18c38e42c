//! Evidence through Azure's virtual TPM: read as it was published, then changed in one bit at a time.

use std::fs;

use attestation_verify::snp::{Collateral, Roots, SnpEvidence, verify_azure};
use attestation_verify::{Code, Kind, Rejection, Verified, VtpmChallenge};
use attestation_x509::Instant;

use crate::azure_evidence::AzureEvidence;
use crate::each::by_each;

pub(crate) fn verify(
    evidence: &AzureEvidence,
    collateral: &Collateral<'_>,
    challenge: VtpmChallenge<'_>,
    at: Instant,
) -> Result<Verified<SnpEvidence>, Rejection> {
    by_each(at, |by| verify_azure(&evidence.bundle(), collateral, challenge, &Roots::default(), by))
}

struct World {
    evidence: AzureEvidence,
    vek: Vec<u8>,
    issuer: Vec<u8>,
}

impl World {
    fn read() -> Option<Self> {
        let folder = tests_needs::fixture("snp")?;
        let file = |name: &str| fs::read(folder.join(name)).unwrap();
        Some(Self {
            evidence: AzureEvidence::read(&file("azure-vtpm-milan-v3/evidence.json")),
            vek: file("azure-vtpm-milan-v3/vcek.der"),
            issuer: file("certs/milan/ask.der"),
        })
    }

    fn verify(&self, evidence: &AzureEvidence, nonce: &[u8]) -> Result<Verified<SnpEvidence>, Rejection> {
        let collateral = Collateral { vek: Some(&self.vek), chain: &[&self.issuer], crls: &[] };
        verify(evidence, &collateral, VtpmChallenge::Nonce(nonce), "2025-03-24T00:00:00Z".parse().unwrap())
    }
}

const NONCE: &[u8] = b"attestation-test-fixture";

#[test]
fn registers_and_configuration_are_bound_to_the_chip() {
    let Some(world) = World::read() else { return };
    let verified = world.verify(&world.evidence, NONCE).unwrap();
    let vtpm = verified.evidence().vtpm().unwrap();
    assert_eq!((vtpm.nonce.as_slice(), vtpm.pcrs.len()), (NONCE, 24));
    assert_eq!(vtpm.pcrs[4], (4, world.evidence.pcrs[4]));
    assert!(str::from_utf8(&vtpm.runtime_data).unwrap().contains("\"secure-boot\":true"));
    let other = world.verify(&world.evidence, b"another").unwrap_err();
    assert_eq!(other.reason().unwrap().0, Code::NonceMismatch);
}

/// What a byte of the blob belongs to, by its offset.
fn expected(index: usize) -> &'static [Code] {
    match index {
        0..4 | 0x4C8..0x4D4 => &[Code::Malformed, Code::VtpmUnbound],
        0x20..0x24 => &[Code::UnsupportedVersion, Code::SignatureInvalid],
        0x24..0x350 => &[Code::SignatureInvalid],
        0x350..0x4C0 => &[Code::SignaturePaddingNonzero],
        0x4D4.. => &[Code::VtpmUnbound],
        // Version, sizes and status of the blob: they decide nothing.
        _ => &[],
    }
}

#[test]
fn no_byte_of_the_bundle_can_change() {
    let Some(world) = World::read() else { return };
    let end = 0x4D4 + 1110;
    for index in (0..end).step_by(3) {
        let mut changed = world.evidence.clone();
        changed.hcl_report[index] ^= 1 << (index % 8);
        match world.verify(&changed, NONCE) {
            Ok(_) => assert!(expected(index).is_empty(), "{index:#x}"),
            Err(rejection) => {
                let (code, check) = rejection.reason().unwrap();
                assert!(expected(index).contains(&code), "{index:#x}: {code}: {check}");
            }
        }
    }
    for index in 0..world.evidence.quote.len() {
        let mut changed = world.evidence.clone();
        changed.quote[index] ^= 1;
        assert_unbound(&world, &changed, "vTPM quote signature");
    }
    for index in (0..world.evidence.signature.len()).step_by(8) {
        let mut changed = world.evidence.clone();
        changed.signature[index] ^= 1;
        assert_unbound(&world, &changed, "vTPM quote signature");
    }
    for register in 0..24 {
        let mut changed = world.evidence.clone();
        changed.pcrs[register][31] ^= 1;
        assert_unbound(&world, &changed, "pcrDigest");
    }
    let mut fewer = world.evidence.clone();
    fewer.pcrs.pop();
    assert_unbound(&world, &fewer, "number of PCRs");
}

/// The blob of a guest on TDX, whatever else it holds.
#[test]
fn the_blob_of_another_platform_is_refused() {
    let Some(mut world) = World::read() else { return };
    world.evidence.hcl_report[0x4C8] = 4;
    let rejection = world.verify(&world.evidence, NONCE).unwrap_err();
    let (code, check) = rejection.reason().unwrap();
    assert_eq!((code, check.what.as_ref()), (Code::Malformed, "HCL report: report type"), "{check}");
}

fn assert_unbound(world: &World, evidence: &AzureEvidence, what: &str) {
    let rejection = world.verify(evidence, NONCE).unwrap_err();
    let (code, check) = rejection.reason().unwrap();
    assert_eq!((code, code.kind()), (Code::VtpmUnbound, Kind::Fatal), "{check}");
    assert!(check.what.contains(what), "{check}");
}

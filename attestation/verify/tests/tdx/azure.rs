//! Evidence of Azure before TDX: the virtual TPM is a real one, with its runtime data; the quote that binds it is of our PKI.
//! Where there are fixtures.

use std::fs;

use attestation_verify::tdx::{Roots, verify_azure};
use attestation_verify::{Code, VtpmChallenge};
use sha2::{Digest, Sha256};

use crate::azure_evidence::AzureEvidence;
use crate::bundle::{Outcome, each::by_each, with_collateral};
use crate::pki::{AT, World};

const NONCE: &[u8] = b"attestation-test-fixture";
/// Type of the hardware report in the blob, and where it stands.
const TDX: u8 = 4;
const REPORT_TYPE_OFFSET: usize = 0x4C8;
/// Where the runtime data begins, and `REPORTDATA` in a TD report.
const RUNTIME_DATA_OFFSET: usize = 0x4D4;
const REPORT_DATA_OFFSET: usize = 520;

struct Azure {
    evidence: AzureEvidence,
    world: World,
}

impl Azure {
    fn read() -> Option<Self> {
        let path = tests_needs::fixture("snp/azure-vtpm-milan-v3/evidence.json")?;
        let mut evidence = AzureEvidence::read(&fs::read(path).unwrap());
        evidence.hcl_report[REPORT_TYPE_OFFSET] = TDX;
        let blob = &evidence.hcl_report;
        let length =
            u32::from_le_bytes(blob[RUNTIME_DATA_OFFSET - 4..RUNTIME_DATA_OFFSET].try_into().unwrap());
        let runtime_data = &blob[RUNTIME_DATA_OFFSET..][..usize::try_from(length).unwrap()];
        let mut world = World::default();
        let bound = &mut world.body[REPORT_DATA_OFFSET..REPORT_DATA_OFFSET + 64];
        bound.fill(0);
        bound[..32].copy_from_slice(&Sha256::digest(runtime_data));
        Some(Self { evidence, world })
    }

    fn verify(&self, challenge: VtpmChallenge<'_>) -> Outcome {
        let root = World::default().root.der();
        let roots = Roots::dangerous_other_than_intel(&root, &[]);
        let bundle = self.world.bundle();
        let quote = bundle.quote.as_deref();
        with_collateral(&bundle, |collateral| {
            by_each(AT.parse().unwrap(), |by| {
                verify_azure(quote, &self.evidence.bundle(), collateral, challenge, &roots, by)
            })
        })
    }

    #[track_caller]
    fn refused(&self, code: Code, what: &str) {
        let rejection = self.verify(VtpmChallenge::Nonce(NONCE)).unwrap_err();
        let (found, check) = rejection.reason().unwrap();
        assert_eq!(found, code, "{check}");
        assert!(check.what.contains(what), "{check}");
    }
}

#[test]
fn the_quote_binds_the_virtual_tpm() {
    let Some(azure) = Azure::read() else { return };
    let verified = azure.verify(VtpmChallenge::Nonce(NONCE)).unwrap();
    let evidence = verified.evidence();
    let vtpm = evidence.vtpm().unwrap();
    assert_eq!((vtpm.nonce.as_slice(), vtpm.pcrs.len()), (NONCE, 24));
    assert!(evidence.answers_a_challenge());
    assert!(verified.trail().findings().any(|(code, _)| code == Code::VtpmBound));
    assert!(!azure.verify(VtpmChallenge::NotPosed).unwrap().evidence().answers_a_challenge());
    let other = azure.verify(VtpmChallenge::Nonce(b"another")).unwrap_err();
    assert_eq!(other.reason().unwrap().0, Code::NonceMismatch);
}

#[test]
fn what_does_not_belong_together() {
    let changed = |change: fn(&mut Azure), code, what| {
        let Some(mut azure) = Azure::read() else { return };
        change(&mut azure);
        azure.refused(code, what);
    };
    changed(|azure| azure.world.body[REPORT_DATA_OFFSET] ^= 1, Code::VtpmUnbound, "REPORT_DATA");
    // What follows the digest means nothing, and is nothing.
    changed(|azure| azure.world.body[REPORT_DATA_OFFSET + 63] = 1, Code::VtpmUnbound, "REPORT_DATA");
    changed(
        |azure| azure.evidence.hcl_report[RUNTIME_DATA_OFFSET + 9] ^= 1,
        Code::VtpmUnbound,
        "REPORT_DATA",
    );
    changed(|azure| azure.evidence.quote[20] ^= 1, Code::VtpmUnbound, "vTPM quote signature");
    changed(|azure| azure.evidence.signature[9] ^= 1, Code::VtpmUnbound, "vTPM quote signature");
    changed(|azure| azure.evidence.pcrs[7][0] ^= 1, Code::VtpmUnbound, "pcrDigest");
    changed(|azure| azure.evidence.hcl_report[REPORT_TYPE_OFFSET] = 2, Code::Malformed, "report type");
    changed(|azure| azure.evidence.hcl_report.truncate(100), Code::Malformed, "HCL report");
    changed(|azure| azure.world.quote_signer = azure.world.qe_signer, Code::AkUnbound, "REPORTDATA");
}

//! Who this guest is: an instance key, the evidence that binds it, and keys derived for the manifest.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;

use attestation_envelope::ReaderKey;
use attestation_evidence::{Evidence, report_data};
use attestation_manifest::{HexDigest, Manifest, manifest_digest};
use attestation_report::SnpReport;
use attestation_ring::P256Key;
use attestation_signature::P256Signer;
use enclave_wire::psp::SecretsPage;

use crate::PlatformError;
use crate::keys::DerivedKeys;
use crate::messenger::{GuestRequest, Messenger};
use crate::random::{Random, RandomSource};

/// What boot leaves behind. The platform key and the VMPCKs are gone by the time this exists.
pub struct Identity {
    /// Encoded as claims and sessions carry it.
    pub evidence: Evidence,
    /// Signs claims and receipts.
    pub instance_key: Arc<dyn P256Signer>,
    /// Opens the input of private jobs; its public half is in the evidence. A service has none: it takes no jobs.
    pub job_key: Option<Arc<ReaderKey>>,
    /// Keys for this manifest on this chip.
    pub keys: DerivedKeys,
}

impl Identity {
    /// Makes the instance key and the key of private jobs, has the platform report both, checks that the report is about
    /// this guest and this manifest, derives the manifest's keys and forgets the platform key.
    ///
    /// # Errors
    /// The platform fails, or what it reports is not what the manifest demands; the first difference is named.
    pub fn establish<R: GuestRequest, S: RandomSource>(
        request: R,
        secrets: &mut SecretsPage,
        manifest_bytes: &[u8],
        manifest: &Manifest<'_>,
        random: &mut Random<S>,
    ) -> Result<Self, PlatformError> {
        let vmpl = manifest.launch.snp.vmpl;
        let mut messenger = Messenger::new(request, secrets, vmpl)?;
        let instance_key = Arc::new(P256Key::generate()?);
        let public_key = instance_key.public_key();
        let job_key = manifest.service.is_none().then(|| Arc::new(ReaderKey::generate(*random.secret())));
        let hpke_key = job_key.as_ref().map(|key| key.public_key().to_vec());
        let digest = manifest_digest(manifest_bytes);
        let bound = report_data(&public_key, hpke_key.as_deref(), &digest, None);
        let (report_bytes, endorsement) = messenger.report(bound, vmpl)?;
        let report = parse_report(&report_bytes)?;
        check_report(&report, &bound, &digest, manifest)?;
        let platform_key = messenger.derived_key(vmpl, report.committed_tcb.get())?;
        let keys = DerivedKeys::derive(&platform_key, &digest, manifest.role);
        let evidence = Evidence {
            platform: messenger.platform(),
            report: report_bytes,
            endorsement,
            instance_key: public_key,
            hpke_key,
            manifest: manifest_bytes.to_vec(),
        };
        Ok(Self { evidence, instance_key, job_key, keys })
    }
}

impl core::fmt::Debug for Identity {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Identity").field("platform", &self.evidence.platform).finish_non_exhaustive()
    }
}

fn parse_report(bytes: &[u8]) -> Result<SnpReport, PlatformError> {
    SnpReport::parse(bytes).map_err(|error| PlatformError::Report {
        field: "layout",
        expected: "an attestation report".into(),
        found: format!("{error}"),
    })
}

/// The guest's own look at its report. It keeps an honest operator from running a misconfigured guest; that the report
/// is genuine is for verifiers to say.
fn check_report(
    report: &SnpReport,
    bound: &[u8; 64],
    manifest_digest: &[u8; 32],
    manifest: &Manifest<'_>,
) -> Result<(), PlatformError> {
    if report.host_data != *manifest_digest {
        return Err(PlatformError::ManifestMismatch {
            expected: format!("{}", HexDigest(report.host_data)),
            found: format!("{}", HexDigest(*manifest_digest)),
        });
    }
    let launch = &manifest.launch.snp;
    let fields = [
        ("REPORT_DATA", format!("{}", HexDigest(*bound)), format!("{}", HexDigest(report.report_data))),
        ("POLICY", format!("{}", launch.policy), format!("{:#x}", report.policy.get())),
        ("VMPL", format!("{}", launch.vmpl), format!("{}", report.vmpl.get())),
    ];
    first_difference(fields)
}

fn first_difference<const N: usize>(
    fields: [(&'static str, String, String); N],
) -> Result<(), PlatformError> {
    match fields.into_iter().find(|(_, expected, found)| expected != found) {
        Some((field, expected, found)) => Err(PlatformError::Report { field, expected, found }),
        None => Ok(()),
    }
}

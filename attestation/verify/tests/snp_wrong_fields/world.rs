//! A world with its own AMD: honest evidence under a root of its own, to be made wrong in one place.

use attestation_report::{ReportSignature, SIGNED_BYTES, SnpReport};
use attestation_verify::snp::{Challenge, Collateral, Root, Roots, SnpEvidence, verify};
use attestation_verify::{Rejection, Verified};
use p384::ecdsa::signature::Signer as _;
use p384::ecdsa::{Signature, SigningKey};
use zerocopy::{FromZeros, IntoBytes};

use super::der::{amd_name, bit_string, integer, octet_string, oid, pss, sequence, tlv, utc_time};
use super::each::by_each;
use super::keys::Signer;

pub(crate) use attestation_report::ProductLine;

pub(crate) const CHIP_ID: [u8; 64] = [0xC4; 64];
pub(crate) const AT: &str = "2026-06-01T00:00:00Z";

/// A certificate before it is signed.
#[derive(Debug, Clone)]
pub(crate) struct Certificate {
    pub(crate) version: u8,
    pub(crate) serial: u32,
    pub(crate) algorithm: Vec<u8>,
    pub(crate) issuer: Vec<u8>,
    pub(crate) not_before: &'static str,
    pub(crate) not_after: &'static str,
    pub(crate) subject: Vec<u8>,
    pub(crate) key: Vec<u8>,
    pub(crate) extensions: Vec<Extension>,
    pub(crate) signer: Signer,
    /// Algorithm outside the signed bytes, where it is another one.
    pub(crate) outer_algorithm: Option<Vec<u8>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Extension {
    pub(crate) id: &'static str,
    pub(crate) is_critical: bool,
    pub(crate) value: Vec<u8>,
}

/// A revocation list before it is signed.
#[derive(Debug, Clone)]
pub(crate) struct List {
    pub(crate) issuer: Vec<u8>,
    pub(crate) this_update: &'static str,
    pub(crate) next_update: Option<&'static str>,
    pub(crate) serials: Vec<u32>,
    pub(crate) signer: Signer,
}

#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) line: ProductLine,
    pub(crate) ark: Certificate,
    pub(crate) ask: Certificate,
    pub(crate) vek: Certificate,
    pub(crate) lists: Vec<List>,
    pub(crate) report: SnpReport,
    pub(crate) challenge: Challenge,
    pub(crate) at: &'static str,
    /// The root that is pinned, where it is not `ark`.
    pub(crate) pinned: Option<Vec<u8>>,
    /// Whether the root comes along with the evidence.
    pub(crate) supplies_root: bool,
    /// A report that is not signed again after it was changed.
    pub(crate) keeps_signature: bool,
}

impl World {
    /// A chip's own key.
    pub(crate) fn vcek(line: ProductLine) -> Self {
        let hardware_id = if line == ProductLine::Turin { &CHIP_ID[..8] } else { &CHIP_ID };
        let mut world = Self::new(line, "SEV-VCEK", &format!("SEV-{line}"));
        world.vek.extensions.push(extension("1.3.6.1.4.1.3704.1.4", hardware_id.to_vec()));
        world.report.chip_id[..hardware_id.len()].copy_from_slice(hardware_id);
        world
    }

    /// A provider's key.
    pub(crate) fn vlek(line: ProductLine) -> Self {
        let mut world = Self::new(line, "SEV-VLEK", &format!("SEV-VLEK-{line}"));
        world.vek.extensions.push(extension("1.3.6.1.4.1.3704.1.5", tlv(0x16, b"a cloud")));
        world.report.key_info = (1 << 2).into();
        world
    }

    fn new(line: ProductLine, vek: &str, ask: &str) -> Self {
        let ark = format!("ARK-{line}");
        let report = report(line);
        Self {
            line,
            ark: certificate(&ark, &ark, Signer::Root, Signer::Root.public_key(), authority(1)),
            ask: certificate(&ark, ask, Signer::Root, Signer::Intermediate.public_key(), authority(0)),
            vek: certificate(ask, vek, Signer::Intermediate, p384_key(&chip_key()), vek_extensions(line)),
            lists: vec![List {
                issuer: amd_name(&ark),
                this_update: "260101000000Z",
                next_update: Some("270101000000Z"),
                serials: vec![77],
                signer: Signer::Root,
            }],
            challenge: Challenge::ReportData(report.report_data),
            report,
            at: AT,
            pinned: None,
            supplies_root: true,
            keeps_signature: false,
        }
    }

    pub(crate) fn extension(&mut self, id: &str) -> &mut Extension {
        self.vek.extensions.iter_mut().find(|extension| extension.id == id).unwrap()
    }

    pub(crate) fn verify(&self) -> Result<Verified<SnpEvidence>, Rejection> {
        let (ark, ask, vek) = (self.ark.sign(), self.ask.sign(), self.vek.sign());
        let lists: Vec<Vec<u8>> = self.lists.iter().map(List::sign).collect();
        let lists: Vec<&[u8]> = lists.iter().map(Vec::as_slice).collect();
        let chain: &[&[u8]] = if self.supplies_root { &[&ask, &ark] } else { &[&ask] };
        let root = Root { line: self.line, certificate: self.pinned.as_deref().unwrap_or(&ark) };
        let roots = Roots::dangerous_other_than_amd(root, &[]);
        let mut report = self.report;
        if !self.keeps_signature {
            sign(&mut report);
        }
        let collateral = Collateral { vek: Some(&vek), chain, crls: &lists };
        by_each(self.at.parse().unwrap(), |by| {
            verify(Some(report.as_bytes()), &collateral, self.challenge, &roots, by)
        })
    }
}

impl Certificate {
    pub(crate) fn sign(&self) -> Vec<u8> {
        let validity = sequence(&[utc_time(self.not_before), utc_time(self.not_after)]);
        let extensions: Vec<Vec<u8>> = self.extensions.iter().map(Extension::encode).collect();
        let signed = sequence(&[
            tlv(0xA0, &integer(&[self.version])),
            integer(&self.serial.to_be_bytes()),
            self.algorithm.clone(),
            self.issuer.clone(),
            validity,
            self.subject.clone(),
            self.key.clone(),
            tlv(0xA3, &sequence(&extensions)),
        ]);
        let algorithm = self.outer_algorithm.as_ref().unwrap_or(&self.algorithm).clone();
        let signature = bit_string(&self.signer.sign(&signed));
        sequence(&[signed, algorithm, signature])
    }
}

impl Extension {
    fn encode(&self) -> Vec<u8> {
        let critical = if self.is_critical { tlv(1, &[0xFF]) } else { Vec::new() };
        sequence(&[oid(self.id), critical, octet_string(&self.value)])
    }
}

impl List {
    pub(crate) fn sign(&self) -> Vec<u8> {
        let entries: Vec<Vec<u8>> = self
            .serials
            .iter()
            .map(|serial| sequence(&[integer(&serial.to_be_bytes()), utc_time(self.this_update)]))
            .collect();
        let revoked = if entries.is_empty() { Vec::new() } else { sequence(&entries) };
        let signed = sequence(&[
            integer(&[1]),
            pss(48),
            self.issuer.clone(),
            utc_time(self.this_update),
            self.next_update.map(utc_time).unwrap_or_default(),
            revoked,
        ]);
        let signature = bit_string(&self.signer.sign(&signed));
        sequence(&[signed, pss(48), signature])
    }
}

pub(crate) fn sign(report: &mut SnpReport) {
    let signature: Signature = chip_key().sign(&report.as_bytes()[..SIGNED_BYTES]);
    report.signature = ReportSignature::from_big_endian(&signature.to_bytes().into());
}

pub(crate) fn extension(id: &'static str, value: Vec<u8>) -> Extension {
    Extension { id, is_critical: false, value }
}

/// `basicConstraints` and `keyUsage` of an authority with at most `path_length` authorities below it.
pub(crate) fn authority(path_length: u8) -> Vec<Extension> {
    let constraints = sequence(&[tlv(1, &[0xFF]), integer(&[path_length])]);
    vec![
        Extension { id: "2.5.29.19", is_critical: true, value: constraints },
        // keyCertSign and cRLSign; the zero bit that AMD leaves at the end.
        Extension { id: "2.5.29.15", is_critical: true, value: vec![3, 2, 1, 6] },
    ]
}

pub(crate) fn p384_key(key: &SigningKey) -> Vec<u8> {
    let point = key.verifying_key().to_sec1_point(false);
    let algorithm = sequence(&[oid("1.2.840.10045.2.1"), oid("1.3.132.0.34")]);
    sequence(&[algorithm, bit_string(point.as_bytes())])
}

pub(crate) fn chip_key() -> SigningKey {
    SigningKey::from_slice(&[0x42; 48]).unwrap()
}

fn certificate(
    issuer: &str,
    subject: &str,
    signer: Signer,
    key: Vec<u8>,
    extensions: Vec<Extension>,
) -> Certificate {
    Certificate {
        version: 2,
        serial: 0x20002,
        algorithm: pss(48),
        issuer: amd_name(issuer),
        not_before: "250101000000Z",
        not_after: "320101000000Z",
        subject: amd_name(subject),
        key,
        extensions,
        signer,
        outer_algorithm: None,
    }
}

/// Boot loader 3, TEE 1, SNP 0xDB (which takes two bytes as an INTEGER), microcode 9; FMC 5 where there is one.
fn vek_extensions(line: ProductLine) -> Vec<Extension> {
    let is_turin = line == ProductLine::Turin;
    let mut extensions = vec![
        extension("1.3.6.1.4.1.3704.1.1", integer(&[u8::from(is_turin)])),
        extension("1.3.6.1.4.1.3704.1.2", tlv(0x16, line.name().as_bytes())),
        extension("1.3.6.1.4.1.3704.1.3.1", integer(&[3])),
        extension("1.3.6.1.4.1.3704.1.3.2", integer(&[1])),
        extension("1.3.6.1.4.1.3704.1.3.3", integer(&[0xDB])),
        extension("1.3.6.1.4.1.3704.1.3.8", integer(&[9])),
    ];
    if is_turin {
        extensions.push(extension("1.3.6.1.4.1.3704.1.3.9", integer(&[5])));
    }
    extensions
}

fn report(line: ProductLine) -> SnpReport {
    let (family, model, tcb) = match line {
        ProductLine::Milan => (0x19, 1, [3, 1, 0, 0, 0, 0, 0xDB, 9]),
        ProductLine::Genoa => (0x19, 0x11, [3, 1, 0, 0, 0, 0, 0xDB, 9]),
        _ => (0x1A, 2, [5, 3, 1, 0xDB, 0, 0, 0, 9]),
    };
    let tcb = u64::from_le_bytes(tcb);
    let mut report = SnpReport::new_zeroed();
    report.version = 5.into();
    report.signature_algorithm = 1.into();
    report.policy = 0x3_0000.into();
    report.report_data = [0xDA; 64];
    report.measurement = [0x3E; 48];
    report.report_id_ma = [0xFF; 32];
    (report.cpuid_family, report.cpuid_model) = (family, model);
    (report.current_tcb, report.reported_tcb) = (tcb.into(), tcb.into());
    (report.committed_tcb, report.launch_tcb) = (tcb.into(), tcb.into());
    report
}

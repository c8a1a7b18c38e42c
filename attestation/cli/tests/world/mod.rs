//! An image, a guest, a PSP and a job, all made here, in one place: tests bend one part and look what notices.

use attestation_artefact::{ENGINE, compile};
use attestation_claim::{ChainPlace, Claim, Digested, Measured, Outcome, Transcript, Usage, sign_claim};
use attestation_evidence::sim::{ChipEndorsement, endorse, sign_report};
use attestation_evidence::{Evidence, INSTANCE_KEY_BYTES, Platform, report_data};
use attestation_manifest::HexDigest;
use attestation_manifest::reference::{
    ArtefactReference, FileReference, ManifestReference, MeasurementReference, ReferenceValues,
};
use attestation_measure::{SnpProfile, snp_launch_digest, tdx_mrtd};
use attestation_report::{SIGNATURE_ALGORITHM_ECDSA_P384_SHA384, SnpReport};
use sha2::{Digest, Sha256, Sha384};
use zerocopy::{FromZeros, IntoBytes};

use attestation_cli::check::FileDigest;

/// The smallest component whose code depends on the call stack: magic, version 13, layer 1, a core module with one
/// function that calls itself, and an instance of it.
pub(crate) const COMPONENT: [u8; 42] =
    *b"\0asm\x0d\0\x01\0\x01\x1a\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a\x06\x01\x04\0\x10\0\x0b\x02\x04\x01\0\0\0";
/// Another one than authors get who say nothing.
pub(crate) const CALL_STACK_BYTES: u32 = 65_536;
pub(crate) const INPUT: &[u8] = b"account,amount\ncash,100\n";
pub(crate) const OUTPUT: &[u8] = b"{\"balanced\":false}";
const POLICY: u64 = 0x3_0000;
/// What a manifest says of a guest that reaches nobody.
const NOBODY: &str = r#""egress":[],"tls":{"roots":"none","hosts":[]},"time":[]"#;

/// Everything that a relying party may hold.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) rom: Vec<u8>,
    pub(crate) manifest: Vec<u8>,
    pub(crate) reference: ReferenceValues,
    pub(crate) claim: Vec<u8>,
}

impl World {
    /// Where everything is as it should be.
    pub(crate) fn good() -> Self {
        Self::launched(POLICY)
    }

    /// The same, with a manifest that states this guest policy.
    pub(crate) fn launched(policy: u64) -> Self {
        Self::reaching(policy, NOBODY)
    }

    /// The same, with a manifest that says this of whom the guest reaches.
    pub(crate) fn reaching(policy: u64, outside: &str) -> Self {
        let rom = rom();
        let artefact = compile(&COMPONENT, CALL_STACK_BYTES).unwrap();
        let manifest = manifest(&artefact, policy, outside);
        let reference = reference(&rom, &artefact, &manifest);
        let mut world = Self { rom, manifest, reference, claim: Vec::new() };
        world.claim = world.claim_with(&Bend::default());
        world
    }

    /// What the guest signs, when the parts that `bend` names are bent before anybody signs.
    pub(crate) fn claim_with(&self, bend: &Bend<'_>) -> Vec<u8> {
        self.signed(&self.evidence_with(bend), bend)
    }

    /// What it shows of itself, likewise.
    pub(crate) fn evidence_with(&self, bend: &Bend<'_>) -> Evidence {
        let manifest = bend.manifest.unwrap_or(&self.manifest);
        let mut report = SnpReport::new_zeroed();
        report.version = 5.into();
        report.signature_algorithm = SIGNATURE_ALGORITHM_ECDSA_P384_SHA384.into();
        report.policy = POLICY.into();
        report.measurement = self.reference.measurement.snp_qemu.0;
        report.host_data = Sha256::digest(manifest).into();
        report.report_data = bound(bend.hpke_key, manifest);
        if let Some(bend_report) = bend.report {
            bend_report(&mut report);
        }
        let endorsement = psp_sign(&mut report);
        let hpke_key = bend.hpke_key.map(<[u8]>::to_vec);
        Evidence { hpke_key, ..evidence(bend.platform, report.as_bytes(), &endorsement, manifest) }
    }

    /// The claim of the one job, with this evidence.
    pub(crate) fn signed(&self, evidence: &Evidence, bend: &Bend<'_>) -> Vec<u8> {
        let mut claim = self.claim_content(Sha256::digest(&evidence.manifest).into());
        if let Some(bend_claim) = bend.claim {
            bend_claim(&mut claim);
        }
        sign_claim(&claim, bend.place, evidence, &instance()).unwrap().0
    }

    fn claim_content(&self, manifest: [u8; 32]) -> Claim {
        Claim {
            component: self.reference.component.sha256.0,
            artefact: self.reference.artefact.sha256.0,
            manifest,
            input: digested(INPUT),
            output: digested(OUTPUT),
            outcome: Outcome::Exited { code: 0 },
            sequence: 0,
            transcript: Transcript { root: [9; 32], entries: 1, bytes: 200 },
            receipts_root: None,
            usage: Usage { fuel: 12, component_memory_bytes: 65536, error_output_bytes: 0 },
            measured: Measured { run_us: 1000, heap_peak_bytes: 1 << 20 },
        }
    }
}

/// What is bent.
pub(crate) struct Bend<'a> {
    pub(crate) platform: Platform,
    pub(crate) manifest: Option<&'a [u8]>,
    pub(crate) hpke_key: Option<&'a [u8]>,
    pub(crate) report: Option<&'a dyn Fn(&mut SnpReport)>,
    pub(crate) claim: Option<&'a dyn Fn(&mut Claim)>,
    pub(crate) place: ChainPlace,
}

impl Default for Bend<'_> {
    fn default() -> Self {
        Self {
            platform: Platform::Simulated,
            manifest: None,
            hpke_key: None,
            report: None,
            claim: None,
            place: ChainPlace::default(),
        }
    }
}

/// The key that the guest made for itself.
pub(crate) fn instance() -> p256::ecdsa::SigningKey {
    p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap()
}

fn instance_key() -> [u8; INSTANCE_KEY_BYTES] {
    instance().verifying_key().to_sec1_point(false).as_bytes().try_into().unwrap()
}

/// What a report of the guest has to hold when it has this key, and runs this manifest.
pub(crate) fn bound(hpke_key: Option<&[u8]>, manifest: &[u8]) -> [u8; 64] {
    report_data(&instance_key(), hpke_key, &Sha256::digest(manifest).into(), None)
}

/// Evidence of the guest, with a report that `platform` made.
pub(crate) fn evidence(platform: Platform, report: &[u8], endorsement: &[u8], manifest: &[u8]) -> Evidence {
    Evidence {
        platform,
        report: report.to_vec(),
        endorsement: endorsement.to_vec(),
        instance_key: instance_key(),
        hpke_key: None,
        manifest: manifest.to_vec(),
    }
}

/// The smallest PSP there is.
fn psp_sign(report: &mut SnpReport) -> Vec<u8> {
    let key = p384::ecdsa::SigningKey::from_slice(&[0x11; 48]).unwrap();
    let public_key = key.verifying_key().to_sec1_point(false).as_bytes().try_into().unwrap();
    sign_report(report, &key);
    endorse(&ChipEndorsement { chip_id: report.chip_id, tcb: report.reported_tcb.get(), public_key })
}

fn manifest(artefact: &[u8], policy: u64, outside: &str) -> Vec<u8> {
    let (component, artefact) = (hex(&COMPONENT), hex(artefact));
    format!(
        r#"{{"version":1,"name":"audit","role":"workload","trust":"tee","component":{{"sha256":"{component}"}},
"artefact":{{"sha256":"{artefact}","engine":"{ENGINE}"}},
"launch":{{"snp":{{"policy":"{policy:#x}","vmpl":0}},"tdx":{{"attributes":"0x10000000","xfam":"0xe7"}}}},
"memory_mib":128,"limits":{{"component_memory_bytes":67108864,"fuel":1000000,"input_bytes":1000000,
"output_bytes":1000000,"wall_ms":60000,"transcript_bytes":1000000,"call_stack_bytes":{CALL_STACK_BYTES}}},
"wall_clock":"none","args":[],"env":[],{outside},"service":null,
"storage":{{"key_value_bytes":0,"files_bytes":0,"persist":false}},"logs":"public","readers":[]}}"#
    )
    .into_bytes()
}

fn reference(rom: &[u8], artefact: &[u8], manifest: &[u8]) -> ReferenceValues {
    let file = |bytes: &[u8]| {
        let FileDigest { sha256, bytes } = FileDigest::of(bytes);
        FileReference { sha256: HexDigest(sha256), bytes }
    };
    let (artefact, manifest_file) = (file(artefact), file(manifest));
    ReferenceValues {
        version: 1,
        name: "audit".to_owned(),
        rom: file(rom),
        component: file(&COMPONENT),
        artefact: ArtefactReference {
            sha256: artefact.sha256,
            bytes: artefact.bytes,
            engine: ENGINE.to_owned(),
        },
        manifest: ManifestReference {
            sha256: manifest_file.sha256,
            sha384: HexDigest(Sha384::digest(manifest).into()),
            bytes: manifest_file.bytes,
        },
        measurement: MeasurementReference {
            snp_qemu: HexDigest(snp_launch_digest(rom, SnpProfile::QEMU).unwrap()),
            tdx_qemu: HexDigest(tdx_mrtd(rom).unwrap()),
        },
    }
}

/// One page with the tables that a ROM needs, and nothing to execute.
fn rom() -> Vec<u8> {
    let mut rom = vec![0x90; 4096];
    let sev = [&b"ASEV"[..], &words(&[28, 1, 1, 0x10_0000, 0x1000, 2])].concat();
    let tdvf = [
        &guid(0xf3f9_eae9_8e16_d544_a8eb_7f4d_8738_f6ae),
        &b"TDVF"[..],
        &words(&[80, 1, 2]),
        &words(&[0, 0x1000, 0xFFFF_F000, 0, 0x1000, 0, 0, 1]),
        &words(&[0, 0, 0x10_2000, 0, 0x1000, 0, 2, 0]),
    ]
    .concat();
    let sev_entry = [words(&[0xF00]), vec![22, 0], guid(0x6665_88dc_4a98_9847_a75e_5585_a7bf_67cc).to_vec()];
    let tdx_entry = [words(&[0xDF0]), vec![22, 0], guid(0x3565_7ae4_4a98_9847_865e_4685_a7bf_8ec2).to_vec()];
    let footer = [vec![62, 0], guid(0xde82_b596_b21f_f745_baea_a366_c55a_082d).to_vec()].concat();
    let table = [sev_entry.concat(), tdx_entry.concat(), footer].concat();
    for (offset, bytes) in [(0x100, sev), (0x200, tdvf), (4096 - 32 - table.len(), table)] {
        rom[offset..offset + bytes.len()].copy_from_slice(&bytes);
    }
    rom
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn guid(number: u128) -> [u8; 16] {
    number.to_be_bytes()
}

fn digested(bytes: &[u8]) -> Digested {
    let FileDigest { sha256, bytes } = FileDigest::of(bytes);
    Digested { sha256, bytes }
}

fn hex(bytes: &[u8]) -> String {
    HexDigest::<32>(Sha256::digest(bytes).into()).to_string()
}

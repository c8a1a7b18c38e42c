//! Honest inputs: what the seeds are made of, and what targets need besides the input.
//!
//! Nothing here is random, so the same source gives the same seeds.
#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "constants that the package's tests build"
)]

use attestation_claim::{ChainPlace, Claim, Digested, Measured, Outcome, Transcript, Usage, sign_claim};
use attestation_evidence::sim::{ChipEndorsement, endorse, sign_report};
use attestation_evidence::{Evidence, Platform, report_data};
use attestation_manifest::manifest_digest;
use attestation_report::{NEWEST_VERSION, SIGNATURE_ALGORITHM_ECDSA_P384_SHA384, SnpReport};
use attestation_signature::P384Point;
use zerocopy::{FromZeros, IntoBytes};

/// That byte.
pub const RIM_SIGNER: u8 = 11;
const TCB: u64 = 0x5417_0000_0000_000A;

/// A manifest of a guest that runs jobs.
pub const MANIFEST: &str = r#"{"version":1,"name":"audit-1","role":"workload","trust":"tee",
"component":{"sha256":"1111111111111111111111111111111111111111111111111111111111111111"},
"artefact":{"sha256":"2222222222222222222222222222222222222222222222222222222222222222","engine":"test"},
"launch":{"snp":{"policy":"0x30000","vmpl":0},"tdx":{"attributes":"0x10000000","xfam":"0xe7"}},"memory_mib":64,
"limits":{"component_memory_bytes":16777216,"fuel":500000000,"input_bytes":4000000,"output_bytes":4000000,"wall_ms":2000,
"transcript_bytes":4000000,"call_stack_bytes":524288},"wall_clock":"none",
"args":["--strict","über"],"env":[{"name":"LANG","value":"C"}],
"egress":[{"host":"10.0.2.2","port":7,"scheme":"http","methods":["*"]},
{"host":"*.example.org","port":443,"scheme":"https","methods":["GET","POST"]}],
"tls":{"roots":"mozilla","hosts":[]},
"time":[{"host":"time.example.org","port":2002,"public_key":"01112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"},
{"host":"192.0.2.1","port":2003,"public_key":"02112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"},
{"host":"192.0.2.2","port":2004,"public_key":"03112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"}],
"service":null,"storage":{"key_value_bytes":0,"files_bytes":0,"persist":false},"logs":"public","readers":[]}"#;

/// The rest of the fields, of one that answers requests and stores something.
const SERVICE: &str = r#""service":{"port":8080,"scheme":"http","open_requests_max":4,"request_wall_ms":30000,
"request_body_bytes":1048576,"response_body_bytes":16777216,"request_fuel":10000000000,"request_memory_bytes":1048576},
"storage":{"key_value_bytes":1048576,"files_bytes":2097152,"persist":false},"logs":"none",
"readers":["a4e09292b651c278b9772c569f5fa9bb13d906b46ab68c9df9dc2b4409f8a209"]}"#;

/// A host with an authority of its own, which parses as a manifest and is no certificate.
const HOST: &str = r#""hosts":[{"host":"a.example.org","authorities":["MAA="],"spki_sha256":[]}]"#;

/// A manifest that uses every field.
#[must_use]
pub fn service_manifest() -> String {
    let (before, _) = MANIFEST.split_once("\"service\"").unwrap();
    let before = before.replace("\"wall_clock\":\"none\"", "\"wall_clock\":\"host\"");
    before.replace("\"hosts\":[]", HOST) + SERVICE
}

/// An `app.toml` that uses every field.
pub const APP_TOML: &str = r#"name = "audit-1"
memory_mib = 64
args = ["--strict"]
wall_clock = "host"
logs = "none"
readers = ["a4e09292b651c278b9772c569f5fa9bb13d906b46ab68c9df9dc2b4409f8a209"]
egress = [
    { host = "10.0.2.2", port = 7, scheme = "http", methods = ["*"] },
    { host = "*.example.org", port = 443, methods = ["GET", "POST"] },
]
time = [
    { host = "time.example.org", public_key = "GX9rI+FshTLGq8g4+s1ep4m+DHaykgM0A5v6iz02jWE=" },
    { host = "192.0.2.1", port = 2003, public_key = "AW5uAoTSTDfG5NfY1bTh08GUnOqlRb+HVhbJ3ODJvsE=" },
    { host = "192.0.2.2", public_key = "03112233445566778899aabbccddeeff00112233445566778899aabbccddeeff" },
]
[tls]
roots = "mozilla"
hosts = [{ host = "a.example.org", spki_sha256 = ["11112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"] }]
[limits]
component_memory_bytes = 16_777_216
fuel = 500_000_000
input_bytes = 4_000_000
output_bytes = 4_000_000
wall_ms = 2000
transcript_bytes = 16_777_216
call_stack_bytes = 524_288
[service]
port = 8080
scheme = "http"
open_requests_max = 4
request_wall_ms = 30_000
request_body_bytes = 1_048_576
response_body_bytes = 16_777_216
request_fuel = 10_000_000_000
request_memory_bytes = 1_048_576
[storage]
key_value_bytes = 1_048_576
files_bytes = 2_097_152
persist = false
[env]
LANG = "C"
[launch.snp]
policy = "0x30000"
vmpl = 0
[launch.tdx]
attributes = "0x10000000"
xfam = "0xe7"
"#;

/// Reference values, as the image builder writes them.
pub const REFERENCE_VALUES: &str = r#"{"version":1,"name":"audit-1",
"rom":{"sha256":"a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1","bytes":2359296},
"component":{"sha256":"1111111111111111111111111111111111111111111111111111111111111111","bytes":4096},
"artefact":{"sha256":"2222222222222222222222222222222222222222222222222222222222222222","bytes":8192,"engine":"test"},
"manifest":{"sha256":"4444444444444444444444444444444444444444444444444444444444444444",
"sha384":"555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555","bytes":791},
"measurement":{"snp_qemu":"666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666",
"tdx_qemu":"777777777777777777777777777777777777777777777777777777777777777777777777777777777777777777777777"}}"#;

/// Configuration of the network device: its address.
pub const MAC: [u8; 8] = [0x52, 0x54, 0, 0x12, 0x34, 0x56, 0, 0];
/// What the guest's ports and numbers follow from.
pub const NETWORK_SEED: u64 = 7;

/// The key that signs claims here.
#[must_use]
pub fn instance_key() -> p256::ecdsa::SigningKey {
    p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap()
}

/// A report of a simulated chip for [`MANIFEST`] and [`instance_key`].
#[must_use]
pub fn report() -> SnpReport {
    let digest = manifest_digest(MANIFEST.as_bytes());
    let mut report = SnpReport::new_zeroed();
    report.version = NEWEST_VERSION.into();
    report.signature_algorithm = SIGNATURE_ALGORITHM_ECDSA_P384_SHA384.into();
    report.policy = 0x3_0000.into();
    report.chip_id = [0xC1; 64];
    report.reported_tcb = TCB.into();
    report.measurement = [0x4D; 48];
    report.host_data = digest;
    report.report_data = report_data(&public_key(), None, &digest, None);
    sign_report(&mut report, &chip_key());
    report
}

/// Evidence that verifies.
#[must_use]
pub fn evidence() -> Evidence {
    let public_key = chip_key().verifying_key().to_sec1_point(false).as_bytes().try_into().unwrap();
    Evidence {
        platform: Platform::Simulated,
        report: report().as_bytes().to_vec(),
        endorsement: endorse(&ChipEndorsement { chip_id: [0xC1; 64], tcb: TCB, public_key }),
        instance_key: self::public_key(),
        hpke_key: None,
        manifest: MANIFEST.as_bytes().to_vec(),
    }
}

/// Collateral for two platforms that share their chain, without anything in it.
pub const FLEET_COLLATERAL: &str = r#"{"platforms": [{"tcbInfo": "{}", "tcbInfoIssuerChain": "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n"},
{"tcbInfo": "{}", "tcbInfoIssuerChain": "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n"}],
"qeIdentity": "{}", "qeIdentityIssuerChain": "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n",
"pckCrlIssuerChain": "-----BEGIN CERTIFICATE-----\nAwQ=\n-----END CERTIFICATE-----\n",
"pckCrl": "-----BEGIN X509 CRL-----\nAAEC\n-----END X509 CRL-----\n",
"rootCaCrl": "-----BEGIN X509 CRL-----\nAwQ=\n-----END X509 CRL-----\n"}"#;

/// The key that signs the manifests that are seeds: that of their builder, whose scalar is one byte again and again.
#[must_use]
pub fn rim_key() -> P384Point {
    let key = p384::ecdsa::SigningKey::from_slice(&[RIM_SIGNER; 48]).unwrap();
    key.verifying_key().to_sec1_point(false).as_bytes().try_into().unwrap()
}

/// A claim that verifies, with this outcome.
#[must_use]
pub fn claim(outcome: Outcome) -> Vec<u8> {
    let place = ChainPlace { number: 1, previous: [5; 32] };
    sign_claim(&unsigned_claim(outcome, 1), place, &evidence(), &instance_key()).unwrap().0
}

/// What such a claim says, of the run with this number.
#[must_use]
pub fn unsigned_claim(outcome: Outcome, sequence: u64) -> Claim {
    Claim {
        component: [0x11; 32],
        artefact: [0x22; 32],
        manifest: manifest_digest(MANIFEST.as_bytes()),
        input: Digested { sha256: [3; 32], bytes: 10_000_154 },
        output: Digested { sha256: [4; 32], bytes: 512 },
        outcome,
        sequence,
        transcript: Transcript { root: [6; 32], entries: 3, bytes: 255 },
        receipts_root: None,
        usage: Usage { fuel: 4_249_880_000, component_memory_bytes: 1_114_112, error_output_bytes: 0 },
        measured: Measured { run_us: 1_234_567, heap_peak_bytes: 8_388_608 },
    }
}

fn public_key() -> [u8; 65] {
    instance_key().verifying_key().to_sec1_point(false).as_bytes().try_into().unwrap()
}

fn chip_key() -> p384::ecdsa::SigningKey {
    p384::ecdsa::SigningKey::from_slice(&[0x11; 48]).unwrap()
}

//! TDX.

use attestation_evidence::Platform;
use attestation_policy::{self as policy, Policy};
use attestation_recognise::{Item, Kind, recognise};
use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};
use sha2::{Digest, Sha384};

use super::super::world::{World, bound, evidence};
use super::intel::endorsement;
use super::intel::pki::{self, AT};
use super::{assert_refused, only, strict, verdict};
use crate::appraise::TrustedRoots;
use crate::check::{Hardware, State, Verdict};
use crate::ear;
use crate::render::{Colours, json as json_text, table};

/// Offsets in a TD report, by the names of its fields.
const MRTD: usize = 136;
const MRCONFIGID: usize = 184;
const RTMR: usize = 328;
const MRSERVICETD: usize = 600;
const REPORTDATA: usize = 520;
const TDATTRIBUTES: usize = 120;
const XFAM: usize = 128;

/// An image, a platform that runs it, and a relying party.
struct Case {
    image: World,
    domain: pki::World,
    platform: Platform,
    policy: Policy,
    /// In place of what comes with the evidence.
    endorsement: Option<Vec<u8>>,
    /// What the relying party has.
    items: Vec<Item>,
    /// Whether the test's root is in the place of Intel's.
    pins_test_root: bool,
}

impl Case {
    fn good() -> Self {
        Self::with(pki::World::default())
    }

    fn with(mut domain: pki::World) -> Self {
        // Lists that revoke others, as Intel's do: a file of so few bytes would not be taken for a list.
        domain.crls.iter_mut().for_each(|list| list.revoked = (100..120).collect());
        let image = World::good();
        let (platform, policy) = (Platform::Tdx, strict());
        let (endorsement, items) = (None, Vec::new());
        let mut case = Self { image, domain, platform, policy, endorsement, items, pins_test_root: true };
        let mr_td = case.image.reference.measurement.tdx_qemu.0;
        let mr_config_id = Sha384::digest(&case.image.manifest);
        let report_data = bound(None, &case.image.manifest);
        case.put(MRTD, &mr_td);
        case.put(MRCONFIGID, &mr_config_id);
        case.put(REPORTDATA, &report_data);
        case
    }

    fn put(&mut self, offset: usize, bytes: &[u8]) {
        self.domain.body[offset..offset + bytes.len()].copy_from_slice(bytes);
    }

    fn endorsement(&self) -> Vec<u8> {
        endorsement(&self.domain.bundle())
    }

    fn verdict(&self) -> Verdict {
        let quote = self.domain.bundle().quote.unwrap();
        let endorsement = self.endorsement.clone().unwrap_or_else(|| self.endorsement());
        let evidence = evidence(self.platform, &quote, &endorsement, &self.image.manifest);
        let claim = self.image.signed(&evidence, &super::super::world::Bend::default());
        let [_, _, root] = pki::World::default().certificates();
        let mut roots = TrustedRoots::of_vendors();
        if self.pins_test_root {
            roots = roots.with_test_intel(&root);
        }
        let (at, items) = (AT.parse().unwrap(), &self.items);
        verdict(&self.image, &claim, Hardware { items, policy: &self.policy, at, roots })
    }
}

#[test]
fn a_claim_is_accepted_by_the_strict_policy() {
    for domain in [pki::World::default(), pki::World::relaunch(5, 5)] {
        let verdict = Case::with(domain).verdict();
        assert!(verdict.is_accepted(), "{verdict:#?}");
        assert!(!verdict.simulated);
        let holds = |what: &str| verdict.checks.iter().any(|check| check.what == what && check.ok);
        for what in [
            "tdx.launch.mr_tds",
            "tdx.tcb.statuses",
            "instance key in REPORTDATA",
            "manifest in MRCONFIGID",
            "measurement",
            "TD attributes",
            "XFAM",
            "debugging",
            "service TD",
        ] {
            assert!(holds(what), "{what}: {verdict:#?}");
        }
    }
}

type Change = fn(&mut Case);
/// What is wrong, the change, all checks that fail, and both sides of the last.
type Row = (&'static str, Change, &'static [&'static str], [&'static str; 2]);

fn assert_all(rows: &[Row]) {
    for (name, change, fields, sides) in rows {
        let mut case = Case::good();
        change(&mut case);
        assert_refused(name, &case.verdict(), fields, *sides);
    }
}

#[test]
fn what_the_quote_binds_is_compared() {
    assert_all(&[
        ("quote of another key", |case| case.put(REPORTDATA, &[0x77; 64]), &["REPORTDATA"], ["", "77777777"]),
        (
            "launched with another manifest",
            |case| case.put(MRCONFIGID, &[0x77; 48]),
            &["tdx.launch.mr_config_ids", "manifest in MRCONFIGID"],
            ["", "77777777"],
        ),
        (
            "half of the digest, padded",
            |case| case.put(MRCONFIGID + 32, &[0; 16]),
            &["tdx.launch.mr_config_ids", "manifest in MRCONFIGID"],
            ["", "00000000000000000000000000000000"],
        ),
        (
            "another ROM",
            |case| case.put(MRTD, &[0x77; 48]),
            &["tdx.launch.mr_tds", "measurement"],
            ["", "77777777"],
        ),
        (
            "reference values of another image",
            |case| case.image.reference.measurement.tdx_qemu.0 = [0x77; 48],
            &["tdx.launch.mr_tds", "measurement", "ROM measured for TDX"],
            ["77777777", ""],
        ),
        (
            "what SEV-SNP would measure",
            |case| case.put(MRTD, &case.image.reference.measurement.snp_qemu.0.clone()),
            &["tdx.launch.mr_tds", "measurement"],
            ["", ""],
        ),
        (
            "a quote that is called a report",
            |case| case.platform = Platform::Snp,
            &["report structure"],
            ["a report of version 2 to 5", ""],
        ),
        (
            "a quote that is called simulated",
            |case| case.platform = Platform::Simulated,
            &["platform", "report signature"],
            ["signed by an endorsed chip", "1184"],
        ),
    ]);
}

#[test]
fn how_the_domain_was_launched_is_compared() {
    assert_all(&[
        (
            "debugging",
            |case| case.put(TDATTRIBUTES, &[1]),
            &["tdx.attributes.debug", "TD attributes", "debugging"],
            ["off", "on: the host may read the guest"],
        ),
        (
            "attributes that the manifest does not state",
            |case| case.put(TDATTRIBUTES + 3, &[0x50]),
            &["TD attributes"],
            ["0x10000000", "0x50000000"],
        ),
        (
            "features that the manifest does not state",
            |case| case.put(XFAM + 1, &[2]),
            &["XFAM"],
            ["0xe7", "0x2e7"],
        ),
    ]);
    for (index, fields) in [
        (0, ["tdx.launch.rtmr0", "RTMR0, unused"]),
        (1, ["tdx.launch.rtmr1", "RTMR1, unused"]),
        (3, ["tdx.launch.rtmr3", "RTMR3, unused"]),
    ] {
        let mut case = Case::good();
        case.put(RTMR + index * 48, &[0x77; 48]);
        assert_refused("a register", &case.verdict(), &fields, ["00000000", "77777777"]);
    }
    let mut case = Case::with(pki::World::relaunch(5, 5));
    case.put(MRSERVICETD, &[0x77; 48]);
    let fields = ["tdx.launch.service_td", "service TD"];
    assert_refused("a service domain", &case.verdict(), &fields, ["00000000", "77777777"]);
}

#[test]
fn who_signed_and_what_came_along_is_compared() {
    assert_all(&[
        (
            "Intel's own root",
            |case| case.pins_test_root = false,
            &["PCK chain: root"],
            ["Intel SGX Root CA", "with other bytes"],
        ),
        (
            "a root of somebody else",
            |case| {
                case.domain.root.key = pki::STRANGER;
                case.domain.root.signer = pki::STRANGER;
                case.domain.ca.signer = pki::STRANGER;
            },
            &["PCK chain: root"],
            ["as pinned", "with other bytes"],
        ),
        (
            "no TCB info",
            |case| case.domain.tcb_info = None,
            &[
                "tdx.tcb.collateral",
                "tdx.tcb.statuses",
                "tdx.tcb.advisories",
                "tdx.tcb.evaluation_number_at_least",
            ],
            ["19", "none: no collateral"],
        ),
        (
            "no revocation lists",
            |case| case.domain.crls.clear(),
            &["tdx.freshness.revocation_lists"],
            ["required", "revocation-unchecked"],
        ),
        (
            "nothing came along",
            |case| case.endorsement = Some(Vec::new()),
            &[
                "tdx.tcb.collateral",
                "tdx.tcb.statuses",
                "tdx.tcb.advisories",
                "tdx.tcb.evaluation_number_at_least",
                "tdx.freshness.revocation_lists",
            ],
            ["required", "revocation-unchecked"],
        ),
        (
            "a policy that wants no TDX",
            |case| case.policy.tdx = policy::Platform::Refused,
            &["tdx"],
            ["no evidence of TDX", "some"],
        ),
    ]);
}

/// Collateral is as good from the relying party as from the guest's host, and better where they differ.
#[test]
fn the_relying_partys_own_collateral_counts() {
    let mut case = Case::good();
    case.items = recognise(&case.endorsement()).unwrap();
    case.endorsement = Some(b"what no reader knows".to_vec());
    let verdict = case.verdict();
    assert!(verdict.is_accepted(), "{verdict:#?}");
    assert!(verdict.notes.iter().any(|note| note.starts_with("not used: the endorsement")), "{verdict:#?}");

    let mut newer = Case::good();
    *newer.domain.tcb_info() = {
        let mut info = newer.domain.tcb_info().clone();
        info["tcbEvaluationDataNumber"] = json!(20);
        info["tcbLevels"][0]["tcbStatus"] = json!("OutOfDate");
        info
    };
    let own = recognise(&newer.endorsement()).unwrap();
    let mut case = Case::good();
    case.items = own.into_iter().filter(|item| item.kind == Kind::TcbInfo).collect();
    let verdict = case.verdict();
    let failed: Vec<&str> = verdict.failures().map(|check| check.what.as_ref()).collect();
    assert!(failed.contains(&"tdx.tcb.statuses"), "{verdict:#?}");
}

#[test]
fn a_policy_that_names_another_image_stands() {
    let mut case = Case::good();
    let policy::Platform::Rules(rules) = &mut case.policy.tdx else { panic!("strict refuses TDX") };
    rules.launch.mr_config_ids = only([0x77; 48]);
    assert_refused("other manifest", &case.verdict(), &["tdx.launch.mr_config_ids"], ["77777777", ""]);
}

/// What is not authentic is compared with nothing.
#[test]
fn a_quote_that_somebody_else_signed_is_not_looked_at() {
    let mut case = Case::good();
    case.domain.quote_signer = pki::STRANGER;
    let verdict = case.verdict();
    assert!(!verdict.is_accepted());
    assert!(verdict.checks.iter().all(|check| check.what != "measurement"), "{verdict:#?}");
    assert!(verdict.checks.iter().all(|check| !check.what.starts_with("tdx.")));
    assert!(verdict.checks.iter().any(|check| check.state == State::Fails && check.code.is_some()));
}

/// What people, programs and other people's software are told.
#[test]
fn verdicts_are_printed_and_signed() {
    let good = Case::good().verdict();
    let text = table(&good, Colours::Off);
    assert!(text.contains("manifest in MRCONFIGID") && text.contains("ACCEPTED"), "{text}");
    assert!(!text.contains("SIMULATED") && text.lines().all(|line| line.chars().count() <= 110), "{text}");
    let document: Value = serde_json::from_str(&json_text(&good)).unwrap();
    assert_eq!((&document["verdict"], &document["simulated"]), (&json!("accepted"), &json!(false)));
    let claims = result(&good);
    assert_eq!(claims["ear_status"], "affirming");
    let vector = &claims["submods"]["redoubt-claim"]["ear_trustworthiness_vector"];
    assert_eq!((&vector["executables"], &vector["hardware"]), (&json!(2), &json!(2)));

    let mut other = Case::good();
    other.put(MRTD, &[0x77; 48]);
    let claims = result(&other.verdict());
    assert_eq!(claims["ear_status"], "contraindicated");
    let vector = &claims["submods"]["redoubt-claim"]["ear_trustworthiness_vector"];
    assert_eq!((&vector["executables"], &vector["hardware"]), (&json!(96), &json!(2)));
}

/// The claims of an attestation result.
fn result(verdict: &Verdict) -> Value {
    let key = p256::ecdsa::SigningKey::from_slice(&[9; 32]).unwrap();
    let token = ear::jwt(verdict, "redoubt-claim", "strict", AT.parse().unwrap(), &key);
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&Base64UrlUnpadded::decode_vec(claims).unwrap()).unwrap()
}

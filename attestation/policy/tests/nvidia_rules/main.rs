//! Rules for NVIDIA's devices against real evidence: each rule in turn, as it holds and as it fails. Where there are
//! fixtures.
#![expect(clippy::unwrap_used, reason = "a test")]

#[path = "../../../verify/tests/support/each.rs"]
mod each;
#[path = "../tdx_rules/with.rs"]
mod with;

// What other tests of this package use.
use pem_rfc7468 as _;

use attestation_policy::nvidia::Binding;
use attestation_policy::{Decision, Outcome, Policy, Preset};
use attestation_verify::nvidia::{Challenge, Evidence, RimFiles, Roots, SdkEvidence, verify_machine};
use each::by_each;
use serde_json::Value;
use with::{assert_ruling, with};

/// A recorded case, at a time and with a challenge or without.
#[derive(Debug, Clone, Copy)]
struct Scene {
    case: &'static str,
    /// Files of the variant with this number, in place of the case's own.
    variant: Option<usize>,
    at: &'static str,
    is_challenged: bool,
}

const fn scene(case: &'static str, at: &'static str) -> Scene {
    Scene { case, variant: None, at, is_challenged: false }
}

const FULL: Scene = scene("h100-545-full", "2024-06-01T00:00:00Z");
const LATE: Scene = scene("h100-545-full", "2026-06-01T00:00:00Z");
const ANSWER: Scene = Scene { is_challenged: true, ..FULL };
const OTHER_VBIOS: Scene =
    Scene { variant: Some(0), ..scene("h100-545-other-vbios-rim", "2024-06-01T00:00:00Z") };
const TRAILING: Scene = scene("h100-580-trailing", "2026-06-01T00:00:00Z");
const SWITCH: Scene = scene("ls10-switch", "2026-06-01T00:00:00Z");
const WITHOUT_SWITCHES: Scene = scene("ppcie-gpu_evidence", "2026-06-01T00:00:00Z");

impl Scene {
    /// What `policy` decides of it; `None` without fixtures.
    fn decide(self, policy: &Policy) -> Option<Decision> {
        let folder = tests_needs::fixture("nvidia")?;
        let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
        let cases: Vec<Value> = serde_json::from_slice(&read("cases.json")).unwrap();
        let case = cases.iter().find(|case| case["case"] == self.case).unwrap();
        let files = self.variant.map_or(&case["files"], |variant| &case["variants"][variant]["files"]);
        let file = |kind: &str| files[kind].as_str().map(read);
        let (at, roots) = (self.at.parse().unwrap(), Roots::default());
        let nonce = case["facts"]["request_nonce"].as_str().filter(|_| self.is_challenged);
        let challenge = nonce.map_or(Challenge::NotPosed, |nonce| Challenge::Nonce(unhex(nonce)));
        if let Some(sdk) = file("evidence") {
            let evidence = SdkEvidence::parse(&sdk).unwrap();
            let verified =
                by_each(at, |by| evidence.verify(|_| RimFiles::default(), challenge, &roots, by)).unwrap();
            return Some(policy.decide_nvidia(&verified));
        }
        let (driver, vbios) = (file("driver_rim"), file("vbios_rim"));
        let rims = RimFiles { driver: driver.as_deref(), vbios: vbios.as_deref() };
        let (report, chain) = (file("report"), file("chain"));
        let evidence = [Evidence { report: report.as_deref(), chain: chain.as_deref(), rims }];
        let verified = by_each(at, |by| verify_machine(&evidence, challenge, &roots, by)).unwrap();
        Some(policy.decide_nvidia(&verified))
    }
}

fn unhex(digits: &str) -> [u8; 32] {
    core::array::from_fn(|index| {
        u8::from_str_radix(digits.get(2 * index..2 * index + 2).unwrap(), 16).unwrap()
    })
}

/// Evidence, table, field, what holds, what does not.
type Row = (Scene, &'static str, &'static str, &'static str, &'static str);

const FORBIDDEN: &str = "\"forbidden\"";
const REQUIRED: &str = "\"required\"";

const ROWS: [Row; 18] = [
    (FULL, "device", "products", "[\"GB100\", \"GH100\"]", "[\"GB100\"]"),
    (SWITCH, "device", "products", "[\"LS10\"]", "[\"GH100\"]"),
    (FULL, "device", "topology", REQUIRED, FORBIDDEN),
    (WITHOUT_SWITCHES, "device", "topology", FORBIDDEN, REQUIRED),
    (FULL, "firmware", "drivers", "[\"545.00\"]", "[\"545.01\", \"545.0\"]"),
    (FULL, "firmware", "vbioses", "[\"96.00.5E.00.01\"]", "[\"96.00.5E.00.02\"]"),
    (SWITCH, "firmware", "vbioses", "[\"96.10.55.00.01\"]", "[\"96.10.55.00.0\"]"),
    (FULL, "firmware", "manifests", REQUIRED, FORBIDDEN),
    (TRAILING, "firmware", "manifests", FORBIDDEN, REQUIRED),
    (OTHER_VBIOS, "firmware", "golden_values", FORBIDDEN, REQUIRED),
    (FULL, "firmware", "golden_values", REQUIRED, FORBIDDEN),
    (FULL, "firmware", "expired_signers", FORBIDDEN, REQUIRED),
    (LATE, "firmware", "expired_signers", REQUIRED, FORBIDDEN),
    (TRAILING, "firmware", "fwid", REQUIRED, FORBIDDEN),
    (ANSWER, "freshness", "challenge", REQUIRED, FORBIDDEN),
    (FULL, "freshness", "challenge", FORBIDDEN, REQUIRED),
    (FULL, "freshness", "ocsp", FORBIDDEN, REQUIRED),
    (TRAILING, "freshness", "trailing_bytes", REQUIRED, FORBIDDEN),
];

#[test]
fn every_rule_holds_and_fails() {
    for (scene, table, key, holds, fails) in ROWS {
        let (table, field) = (format!("nvidia.{table}"), format!("nvidia.{table}.{key}"));
        let Some(good) = scene.decide(&with(&table, key, holds)) else { return };
        assert_ruling(&good, &field, &Outcome::Holds);
        let bad = scene.decide(&with(&table, key, fails)).unwrap();
        assert_ruling(&bad, &field, &Outcome::Fails);
    }
}

#[test]
fn chips_are_listed_by_serial_number() {
    let field = "nvidia.device.serial_numbers";
    let Some(bad) = FULL.decide(&with("nvidia.device", "serial_numbers", "[\"0\"]")) else { return };
    assert_ruling(&bad, field, &Outcome::Fails);
    let ruling = bad.rulings().iter().find(|ruling| ruling.field.starts_with(field)).unwrap();
    let list = format!("[\"0\", \"{}\"]", ruling.found);
    let good = FULL.decide(&with("nvidia.device", "serial_numbers", &list)).unwrap();
    assert_ruling(&good, field, &Outcome::Holds);
}

#[test]
fn a_machine_is_as_good_as_its_worst_device() {
    let policy = with("nvidia.firmware", "drivers", "[\"590.12\"]");
    let Some(good) = WITHOUT_SWITCHES.decide(&policy) else { return };
    let field = "nvidia.firmware.drivers";
    assert_ruling(&good, field, &Outcome::Holds);
    let devices = good.rulings().iter().filter(|ruling| ruling.field.starts_with(field)).count();
    assert!(devices > 1, "{devices}");
    // The ruling says which device it is about.
    assert!(good.rulings().iter().any(|ruling| ruling.field == format!("{field}, device {}", devices - 1)));
}

#[test]
fn what_belongs_to_which_machine() {
    let field = "nvidia.freshness.cpu_binding";
    for (binding, is_bound) in [(Binding::Alone, false), (Binding::Unbound, false), (Binding::Bound, true)] {
        for (value, wanted) in [(REQUIRED, true), (FORBIDDEN, false)] {
            let decision = with("nvidia.freshness", "cpu_binding", value).decide_binding(binding);
            let outcome = if is_bound == wanted { Outcome::Holds } else { Outcome::Fails };
            assert_ruling(&decision, field, &outcome);
        }
    }
}

#[test]
fn strict_refuses_and_development_accepts() {
    let policy = |preset: Preset| Policy::parse(preset.text()).unwrap();
    for scene in [FULL, LATE, OTHER_VBIOS, TRAILING, SWITCH, WITHOUT_SWITCHES] {
        let Some(lenient) = scene.decide(&policy(Preset::Development)) else { return };
        assert!(lenient.is_accepted(), "{scene:?}");
        let strict = scene.decide(&policy(Preset::Strict)).unwrap();
        assert!(
            strict.failures().any(|ruling| ruling.field.starts_with("nvidia.freshness.challenge")),
            "{scene:?}"
        );
    }
}

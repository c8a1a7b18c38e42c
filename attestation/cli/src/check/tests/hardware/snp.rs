//! SEV-SNP.

use attestation_evidence::{Evidence, Platform};
use attestation_policy::{self as policy, Policy, Preset};
use attestation_recognise::{Item, Kind};
use attestation_verify::snp::Root;
use attestation_x509::pem;
use sha2::{Digest, Sha256};
use zerocopy::IntoBytes;

use super::super::world::{World, bound, evidence};
use super::amd::world;
use super::amd::{self, POLICY};
use super::{assert_refused, only, strict, verdict};
use crate::appraise::TrustedRoots;
use crate::check::{Hardware, Verdict};

/// An image, a chip that runs it, and a relying party.
pub(crate) struct Case {
    image: World,
    chip: world::World,
    platform: Platform,
    policy: Policy,
    /// How many certificates come with the evidence: the chip's, its issuer's, the root's.
    certificates: usize,
    has_list: bool,
    /// The root in place of AMD's; `None` for AMD's own.
    root: Option<Vec<u8>>,
}

impl Case {
    /// The guest policy that images have to state.
    pub(crate) const POLICY: u64 = POLICY;

    fn good() -> Self {
        Self::of(World::launched(Self::POLICY))
    }

    /// With all that is needed to accept it.
    pub(crate) fn of(image: World) -> Self {
        let mut chip = amd::up_to_date();
        chip.report.measurement = image.reference.measurement.snp_qemu.0;
        chip.report.host_data = Sha256::digest(&image.manifest).into();
        chip.report.report_data = bound(None, &image.manifest);
        let root = Some(chip.ark.sign());
        let (platform, policy) = (Platform::Snp, strict());
        Self { image, chip, platform, policy, certificates: 2, has_list: true, root }
    }

    /// The certificates come with the evidence.
    pub(crate) fn evidence(&self) -> Evidence {
        let mut report = self.chip.report;
        world::sign(&mut report);
        let chain = [self.chip.vek.sign(), self.chip.ask.sign(), self.chip.ark.sign()];
        let chain: Vec<&[u8]> = chain.iter().take(self.certificates).map(Vec::as_slice).collect();
        let endorsement = if chain.is_empty() { Vec::new() } else { pem::encode(&chain).unwrap() };
        evidence(self.platform, report.as_bytes(), &endorsement, &self.image.manifest)
    }

    fn verdict(&self) -> Verdict {
        let claim = self.image.signed(&self.evidence(), &super::super::world::Bend::default());
        self.with_hardware(|hardware| verdict(&self.image, &claim, hardware))
    }

    /// What a relying party knows of the machine; the list is its own.
    pub(crate) fn with_hardware<T>(&self, use_it: impl FnOnce(Hardware<'_>) -> T) -> T {
        let lists = self.chip.lists.iter().take(usize::from(self.has_list)).map(world::List::sign);
        let list = |bytes| Item { kind: Kind::RevocationList, bytes, within: Vec::new() };
        let items: Vec<Item> = lists.map(list).collect();
        let mut roots = TrustedRoots::of_vendors();
        if let Some(certificate) = &self.root {
            roots = roots.with_test_amd(Root { line: self.chip.line, certificate });
        }
        let at = self.chip.at.parse().unwrap();
        use_it(Hardware { items: &items, policy: &self.policy, at, roots })
    }
}

#[test]
fn a_claim_is_accepted_by_the_strict_policy() {
    let verdict = Case::good().verdict();
    assert!(verdict.is_accepted(), "{verdict:#?}");
    assert!(!verdict.simulated);
    let holds = |what: &str| verdict.checks.iter().any(|check| check.what == what && check.ok);
    for what in ["snp.launch.measurements", "instance key in REPORT_DATA", "manifest in HOST_DATA", "VMPL"] {
        assert!(holds(what), "{what}: {verdict:#?}");
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
fn what_the_report_says_is_compared() {
    assert_all(&[
        (
            "report of another key",
            |case| case.chip.report.report_data = [0x77; 64],
            &["REPORT_DATA"],
            ["", "77777777"],
        ),
        (
            "launched with another manifest",
            |case| case.chip.report.host_data = [0x77; 32],
            &["snp.launch.host_data", "manifest in HOST_DATA"],
            ["", "77777777"],
        ),
        (
            "another ROM",
            |case| case.chip.report.measurement = [0x77; 48],
            &["snp.launch.measurements", "measurement"],
            ["", "77777777"],
        ),
        (
            "debugging",
            |case| case.chip.report.policy = (POLICY | 1 << 19).into(),
            &["snp.guest_policy.debug", "guest policy", "debugging"],
            ["off", "on: the host may read the guest"],
        ),
        (
            "another privilege level",
            |case| case.chip.report.vmpl = 1.into(),
            &["snp.launch.vmpl_at_most", "VMPL"],
            ["0", "1"],
        ),
        (
            "reference values of another image",
            |case| case.image.reference.measurement.snp_qemu.0 = [0x77; 48],
            &["snp.launch.measurements", "measurement", "ROM measured for SEV-SNP"],
            ["77777777", ""],
        ),
        (
            "a report that is called a quote",
            |case| case.platform = Platform::Tdx,
            &["quote structure"],
            ["a TDX quote", ""],
        ),
    ]);
}

#[test]
fn who_signed_is_compared() {
    assert_all(&[
        (
            "AMD's own roots",
            |case| case.root = None,
            &["VEK chain: signature on SEV-Genoa"],
            ["ARK-Genoa", "not valid"],
        ),
        (
            "a root of its own that comes along",
            |case| (case.root, case.certificates) = (None, 3),
            &["root"],
            ["one that is pinned: ARK-Milan, ARK-Genoa, ARK-Turin", "with other bytes"],
        ),
        ("no certificate of the chip", |case| case.certificates = 0, &["VEK"], ["a VCEK or VLEK", "none"]),
        (
            "no revocation list",
            |case| case.has_list = false,
            &["snp.freshness.revocation_list"],
            ["required", "revocation-unchecked"],
        ),
        (
            "a policy that wants no SEV-SNP",
            |case| case.policy.snp = policy::Platform::Refused,
            &["snp"],
            ["no evidence of SEV-SNP", "some"],
        ),
    ]);
}

/// The reference values fill in what the policy leaves open, and replace nothing that it states.
#[test]
fn a_policy_that_names_another_image_stands() {
    for (stated, fields) in [([0x77; 48], &["snp.launch.measurements"][..]), (measured(), &[])] {
        let mut case = Case::good();
        let policy::Platform::Rules(rules) = &mut case.policy.snp else { panic!("strict refuses SEV-SNP") };
        rules.launch.measurements = only(stated);
        let verdict = case.verdict();
        let failed: Vec<&str> = verdict.failures().map(|check| check.what.as_ref()).collect();
        assert_eq!(failed, fields);
    }
    // Waived is open, too: a claim is always about one image.
    let mut case = Case::good();
    case.policy = Policy::parse(Preset::Development.text()).unwrap();
    assert!(case.verdict().is_accepted());
    case.chip.report.measurement = [0x77; 48];
    assert_refused("waived", &case.verdict(), &["snp.launch.measurements", "measurement"], ["", "77777777"]);
}

fn measured() -> [u8; 48] {
    Case::good().image.reference.measurement.snp_qemu.0
}

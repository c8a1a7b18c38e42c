//! Every status of a TCB, and how those of platform, module and quoting enclave make one.

use attestation_verify::tdx::{TcbAssessment, TcbStatus};
use serde_json::json;

use crate::bundle::{codes, trail};
use crate::pki::World;

const UP_TO_DATE: &str = "UpToDate";
const OUT_OF_DATE: &str = "OutOfDate";
const NOT_SUPPORTED: &str = "NotSupported";

/// What the evidence comes out as, the code and the assessment being one.
#[track_caller]
fn assess(world: &World) -> TcbAssessment {
    let outcome = world.verify();
    let assessment = outcome.as_ref().unwrap().evidence().tcb().unwrap().clone();
    let code = format!("tcb-status:{}", assessment.status);
    assert!(codes(&outcome, None).contains(code.as_str()), "{code}: {:?}", codes(&outcome, None));
    let statuses = trail(&outcome).findings().filter(|(code, _)| code.as_str().starts_with("tcb-status:"));
    assert_eq!(statuses.count(), 1);
    assessment
}

/// Gives the newest level of the platform a status.
fn platform(status: &str) -> World {
    let mut world = World::default();
    world.tcb_info()["tcbLevels"][0]["tcbStatus"] = json!(status);
    world
}

/// By status of the platform: alone, with a part that is out of date, with a part that is revoked.
const MERGED: [(&str, &str); 7] = [
    (UP_TO_DATE, OUT_OF_DATE),
    ("SWHardeningNeeded", OUT_OF_DATE),
    ("ConfigurationNeeded", "OutOfDateConfigurationNeeded"),
    ("ConfigurationAndSWHardeningNeeded", "OutOfDateConfigurationNeeded"),
    (OUT_OF_DATE, OUT_OF_DATE),
    ("OutOfDateConfigurationNeeded", "OutOfDateConfigurationNeeded"),
    ("Revoked", "Revoked"),
];

#[test]
fn parts_make_a_platform_worse_and_never_better() {
    for (status, with_out_of_date) in MERGED {
        assert_eq!(assess(&platform(status)).status.as_str(), status);
        let mut old_module = platform(status);
        old_module.body[0] = 4;
        let mut old_enclave = platform(status);
        old_enclave.qe_report[258] = 3;
        for world in [old_module, old_enclave] {
            assert_eq!(assess(&world).status.as_str(), with_out_of_date, "{status}");
        }
        let mut revoked_module = platform(status);
        revoked_module.tcb_info()["tdxModuleIdentities"][0]["tcbLevels"][0]["tcbStatus"] = json!("Revoked");
        let mut revoked_enclave = platform(status);
        revoked_enclave.qe_identity()["tcbLevels"][0]["tcbStatus"] = json!("Revoked");
        for world in [revoked_module, revoked_enclave] {
            assert_eq!(assess(&world).status, TcbStatus::Revoked, "{status}");
        }
    }
}

#[test]
fn what_reaches_no_level_is_not_supported() {
    let changes: [fn(&mut World); 6] = [
        |world| world.sgx.components[7] = 3,
        |world| world.sgx.pce_svn = 12,
        |world| world.body[0] = 3,
        |world| world.qe_report[258] = 1,
        |world| world.tcb_info()["tcbLevels"] = json!([]),
        |world| world.qe_identity()["tcbLevels"] = json!([]),
    ];
    for change in changes {
        let mut world = World::default();
        change(&mut world);
        let assessment = assess(&world);
        assert_eq!(assessment.status, TcbStatus::NotSupported);
        assert_eq!(assessment.launch.tcb_date, None);
    }
}

#[test]
fn one_component_decides_the_level() {
    for index in 0..16 {
        let mut world = World::default();
        world.sgx.components[index] = 4;
        let assessment = assess(&world);
        assert_eq!(assessment.status, TcbStatus::OutOfDate);
        assert_eq!(assessment.launch.advisory_ids, ["INTEL-SA-00001", "INTEL-SA-00002"]);
        let [shortfall] = assessment.shortfalls.as_slice() else { panic!("{:?}", assessment.shortfalls) };
        let number = index + 1;
        assert_eq!(shortfall.to_string(), format!("SGX component {number} (BIOS, Microcode): 4 of 5"));
    }
}

#[test]
fn components_of_the_module_count_in_its_identity_or_in_the_platform() {
    let needs = |index: usize, svn: u8| {
        let mut world = World::default();
        for level in world.tcb_info()["tcbLevels"].as_array_mut().unwrap() {
            level["tcb"]["tdxtcbcomponents"][index]["svn"] = json!(svn);
        }
        world
    };
    // The module of the evidence is 3.5, with 5 in its third component.
    for (index, svn, status) in
        [(0, 9, UP_TO_DATE), (1, 9, UP_TO_DATE), (2, 5, UP_TO_DATE), (2, 6, NOT_SUPPORTED)]
    {
        assert_eq!(assess(&needs(index, svn)).status.as_str(), status, "{index}");
    }
    // Before major versions, all of them count, and there is no module apart.
    for (index, svn, status) in [(0, 5, UP_TO_DATE), (0, 6, NOT_SUPPORTED), (1, 1, NOT_SUPPORTED)] {
        let mut world = needs(index, svn);
        world.body[1] = 0;
        let assessment = assess(&world);
        assert_eq!(assessment.status.as_str(), status, "{index}");
        assert_eq!(assessment.launch.module, None);
    }
}

#[test]
fn distance_names_each_part_that_is_behind() {
    let mut world = World::default();
    world.tcb_info()["tcbLevels"][0]["tcb"]["pcesvn"] = json!(15);
    world.tcb_info()["tcbLevels"][0]["tcb"]["tdxtcbcomponents"][2] = json!({ "svn": 7, "type": "SEAMLDR" });
    world.tcb_info()["tcbLevels"][1]["tcb"]["pcesvn"] = json!(13);
    world.body[0] = 4;
    world.qe_report[258] = 2;
    let assessment = assess(&world);
    let shortfalls: Vec<String> = assessment.shortfalls.iter().map(ToString::to_string).collect();
    assert_eq!(
        shortfalls,
        [
            "PCE: 13 of 15",
            "TDX component 3 (SEAMLDR): 5 of 7",
            "TDX module: 4 of 5",
            "quoting enclave: 2 of 4"
        ]
    );
    let ids = &assessment.launch.advisory_ids;
    assert_eq!(*ids, ["INTEL-SA-00001", "INTEL-SA-00002", "INTEL-SA-00003", "INTEL-SA-00004"]);
    assert_eq!(assessment.tcb_info.evaluation_number, 19);
    let date = assessment.launch.tcb_date.unwrap().to_string();
    assert_eq!(date, "2025-06-01T00:00:00Z");
}

#[test]
fn a_domain_under_an_updated_module_should_be_relaunched() {
    let relaunch = |status: &str, launch, now| {
        let mut world = World::relaunch(launch, now);
        world.tcb_info()["tcbLevels"][0]["tcbStatus"] = json!(status);
        assess(&world)
    };
    let needs_configuration = "TDRelaunchAdvisedConfigurationNeeded";
    for (status, advice) in [
        (UP_TO_DATE, "TDRelaunchAdvised"),
        ("SWHardeningNeeded", "TDRelaunchAdvised"),
        ("ConfigurationNeeded", needs_configuration),
        ("ConfigurationAndSWHardeningNeeded", needs_configuration),
        (OUT_OF_DATE, OUT_OF_DATE),
        ("OutOfDateConfigurationNeeded", "OutOfDateConfigurationNeeded"),
        ("Revoked", "Revoked"),
    ] {
        let assessment = relaunch(status, 4, 5);
        assert_eq!(assessment.status.as_str(), advice, "{status}");
        assert_eq!(assessment.current.unwrap().merged.as_str(), status);
    }
    for (launch, now, status) in [
        (5, 5, UP_TO_DATE),
        (4, 4, OUT_OF_DATE),
        (3, 5, NOT_SUPPORTED),
        (5, 3, NOT_SUPPORTED),
        // Intel's library looks at the launch alone here.
        (5, 4, OUT_OF_DATE),
    ] {
        assert_eq!(relaunch(UP_TO_DATE, launch, now).status.as_str(), status, "{launch} to {now}");
    }
}

#[test]
fn a_module_of_another_major_version_that_runs_now_needs_an_identity() {
    let mut world = World::relaunch(4, 9);
    world.body[585] = 1;
    assert_eq!(assess(&world).status, TcbStatus::TdRelaunchAdvised);
    world.body[585] = 2;
    assert_eq!(assess(&world).status, TcbStatus::NotSupported);
}

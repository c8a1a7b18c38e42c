//! Generated evidence of whole NVIDIA machines, and of one device as the SDK writes it, with one thing wrong at a time.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

#[path = "support/nvidia_der.rs"]
mod der;
#[path = "support/each.rs"]
mod each;
#[path = "support/nvidia_expect.rs"]
mod expect;
#[path = "support/nvidia_pki.rs"]
mod pki;

use std::collections::BTreeSet;

use attestation_verify::nvidia::{Challenge, DEVICES_MAX, SdkEvidence, verify_machine};
use attestation_verify::{Code, Rejection};
use base64ct::{Base64, Encoding};
use each::by_each;
use expect::{check, codes};
use pki::{AT, Built, NONCE, Plan, with_roots};

/// Two GPUs and a switch that name each other, `change`d before they are signed.
fn machine(change: impl FnOnce(&mut [Plan; 3])) -> [Built; 3] {
    let (own, gpus) = ([0x51; 8], [[0x61; 8], [0x62; 8]].concat());
    let mut plans = [Plan::gpu().with_chip(41), Plan::gpu().with_chip(42), Plan::switch().with_chip(43)];
    for gpu in &mut plans[..2] {
        gpu.report.set(21, &[0xAA]);
        gpu.report.set(22, &own.repeat(3));
        gpu.report.set(36, &[2, 0]);
    }
    plans[2].report.set(22, &own);
    plans[2].report.set(26, &[gpus, vec![0xFF; 64]].concat());
    change(&mut plans);
    plans.map(|plan| plan.build())
}

fn verify(devices: &[Built]) -> Result<BTreeSet<Code>, Rejection> {
    let mut evidence: Vec<_> = devices.iter().map(Built::evidence).collect();
    if let Some(switch) = evidence.get_mut(2) {
        switch.rims.driver = None;
    }
    let at = AT.parse().unwrap();
    with_roots(|roots| by_each(at, |by| verify_machine(&evidence, Challenge::Nonce(NONCE), roots, by)))
        .map(|verified| codes(verified.trail()))
}

#[test]
fn machines() {
    let usual = BTreeSet::from([Code::RevocationUnchecked, Code::RimMeasurementMatch]);
    assert_eq!(verify(&machine(|_| ())).unwrap(), usual);
    let torn: [fn(&mut [Plan; 3]); 4] = [
        |plans| plans[0].report.set(22, &[0x52; 24]),
        |plans| plans[1].report.set(22, &[[0x51; 8], [0x52; 8]].concat()),
        |plans| plans[2].report.set(22, &[0x52; 8]),
        |plans| plans[2].report.set(26, &[vec![0x61; 8], vec![0xFF; 64]].concat()),
    ];
    for change in torn {
        assert!(verify(&machine(change)).unwrap().contains(&Code::TopologyMismatch));
    }
    assert!(verify(&machine(|_| ())[..2]).unwrap().contains(&Code::TopologyMismatch));
    let other_nonce = machine(|plans| plans[1].report.nonce = [0x4F; 32]);
    check(&verify(&other_nonce).unwrap_err(), Code::NonceMismatch, "device 1", "4e4e", "4f4f");
    let repeated = machine(|plans| plans[1] = plans[0].clone());
    let code = Code::DeviceRepeated;
    check(&verify(&repeated).unwrap_err(), code, "device 1", "one of its own", "that of device 0");
    let code = Code::EvidenceMissing;
    check(&verify(&[]).unwrap_err(), code, "devices", "at least one", "0");
}

#[test]
fn one_nonce_even_where_nobody_asked() {
    let devices = machine(|plans| plans[1].report.nonce = [0x4F; 32]);
    let evidence = [devices[0].evidence(), devices[1].evidence()];
    let at = AT.parse().unwrap();
    let outcome = with_roots(|roots| {
        by_each(at, |by| verify_machine(&evidence, Challenge::NotPosed, roots, by)).map(drop)
    });
    check(&outcome.unwrap_err(), Code::NonceMismatch, "device 1", "4e4e", "4f4f");
}

fn verify_json(arch: &str, nonce: &str, more: &str) -> Result<(), Rejection> {
    let built = Plan::gpu().build();
    let [chain, report] = [&built.chain, &built.report].map(|bytes| Base64::encode_string(bytes));
    let json = format!(
        "[{{\"arch\":\"{arch}\",\"certificate\":\"{chain}\",\"evidence\":\"{report}\",\"nonce\":\"{nonce}\"{more}}}]"
    );
    let evidence = SdkEvidence::parse(json.as_bytes()).unwrap();
    let at = AT.parse().unwrap();
    with_roots(|roots| {
        by_each(at, |by| evidence.verify(|_| built.evidence().rims, Challenge::Nonce(NONCE), roots, by))
            .map(drop)
    })
}

#[test]
fn what_the_array_says_besides() {
    let nonce = "4E".repeat(32);
    let versions = ",\"driver_version\":\"550.01\",\"vbios_version\":\"96.00.5E.00.0A\",\"version\":\"1.0\"";
    assert_eq!(verify_json("HOPPER", &nonce, versions), Ok(()));
    let refused = |arch: &str, nonce: &str, more: &str, code, what: &str, expected: &str, found: &str| {
        check(&verify_json(arch, nonce, more).unwrap_err(), code, what, expected, found);
    };
    let code = Code::Malformed;
    refused("BLACKWELL", &nonce, "", code, "device 0: arch", "HOPPER", "BLACKWELL");
    refused("HOPPER", &"4f".repeat(32), "", Code::NonceMismatch, "nonce in the array", "4e4e", "4f4f");
    let more = ",\"driver_version\":\"550.02\"";
    refused("HOPPER", &nonce, more, code, "driver_version", "550.01", "550.02");
}

#[test]
fn arrays_that_are_not_read() {
    for (json, found) in [
        ("", "JSON array"),
        ("{}", "JSON array"),
        ("[] []", "trailing characters"),
        ("[{\"arch\":\"HOPPER\"}]", "JSON array"),
        ("[{\"deep\":[[[[]]]]}]", "JSON array"),
        (
            r#"[{"arch":"","certificate":"*","evidence":"","nonce":""}]"#,
            "device 0, certificate: expected base64",
        ),
        (
            r#"[{"arch":"","certificate":"","evidence":"AA","nonce":""}]"#,
            "device 0, evidence: expected base64",
        ),
        (
            r#"[{"arch":"","certificate":"","evidence":"","nonce":"00"}]"#,
            "nonce: expected 64 hexadecimal digits",
        ),
    ] {
        let error = SdkEvidence::parse(json.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(found), "{json}: {error}");
    }
    let entry = format!(r#"{{"arch":"","certificate":"","evidence":"","nonce":"{}"}}"#, "00".repeat(32));
    let parse =
        |count: usize| SdkEvidence::parse(format!("[{}]", vec![entry.as_str(); count].join(",")).as_bytes());
    assert_eq!(parse(DEVICES_MAX).unwrap().devices().len(), DEVICES_MAX);
    let error = parse(DEVICES_MAX + 1).unwrap_err().to_string();
    assert!(error.contains("at most 32 devices") && error.contains("found: 33 devices"), "{error}");
}

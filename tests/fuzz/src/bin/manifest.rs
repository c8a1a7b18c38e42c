//! `manifest.json`, as guest and verifier read it: fields in range, and the same again when written and read.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_manifest::{
    CALL_STACK_MAX_BYTES, CALL_STACK_MIN_BYTES, EGRESS_MAX, EgressPolicy, EgressScheme, LIST_MAX,
    MANIFEST_MAX_BYTES, MEMORY_MAX_MIB, MEMORY_MIN_MIB, METHODS_MAX, Manifest, OPEN_REQUESTS_MAX, Service,
    parse_manifest,
};
use tests_fuzz::{Budget, Target};

/// A [`Manifest`] keeps its lists inside; two are compared. A policy holds short copies of the rules.
const MANIFESTS_BYTES: usize = 4 * size_of::<Manifest<'_>>() + EGRESS_MAX * 1024;

fn main() -> ExitCode {
    let budget = Budget::with(MANIFESTS_BYTES);
    Target { name: "manifest", max_bytes: MANIFEST_MAX_BYTES + 1, budget, run }.drive()
}

fn run(input: &[u8]) {
    let parsed = match parse_manifest(input) {
        Ok(parsed) => parsed,
        Err(error) => return drop(error.to_string()),
    };
    check_ranges(&parsed);
    check_egress(&parsed);
    parsed.service.iter().for_each(check_service);
    let written = serde_json::to_vec(&parsed);
    let again = written.as_deref().map(parse_manifest);
    assert!(matches!(again, Ok(Ok(again)) if again == parsed));
}

fn check_ranges(manifest: &Manifest<'_>) {
    let memory_bytes = u64::from(manifest.memory_mib) << 20;
    assert!(
        manifest.memory_mib.is_multiple_of(2)
            && (MEMORY_MIN_MIB..=MEMORY_MAX_MIB).contains(&manifest.memory_mib)
    );
    assert!((1..memory_bytes).contains(&manifest.limits.component_memory_bytes));
    let limits = &manifest.limits;
    assert!(limits.fuel > 0 && limits.wall_ms > 0 && limits.transcript_bytes > 0);
    assert!((CALL_STACK_MIN_BYTES..=CALL_STACK_MAX_BYTES).contains(&limits.call_stack_bytes));
    let storage = &manifest.storage;
    assert!(storage.key_value_bytes < memory_bytes && storage.files_bytes < memory_bytes);
    assert_eq!(storage.persist, manifest.persistent_bytes() > 0);
    assert!(!manifest.keeps_files() || limits.transcript_bytes > storage.files_bytes);
    assert!(manifest.args.len() <= LIST_MAX && manifest.env.len() <= LIST_MAX);
    assert!(manifest.launch.snp.vmpl <= 3);
    let texts = manifest.args.iter().chain([&manifest.name, &manifest.artefact.engine]).copied();
    let variables = manifest.env.iter().flat_map(|variable| [variable.name, variable.value]);
    assert!(texts.chain(variables).all(|text| !text.contains(['\\', '"', '\n', '\0'])));
}

/// Each rule permits what it says, and the copy of them all permits the same.
fn check_egress(manifest: &Manifest<'_>) {
    assert!(manifest.egress.len() <= EGRESS_MAX);
    let policy = EgressPolicy::of(manifest);
    for rule in &manifest.egress {
        let (host, port) = (rule.host.replace('*', "a"), rule.port);
        assert!(port != 0 && (1..=METHODS_MAX).contains(&rule.methods.len()));
        assert!(manifest.permits_connection(&host, port) && policy.permits_connection(&host, port));
        for &method in &rule.methods {
            assert!(!method.is_empty() && method.bytes().all(|byte| byte.is_ascii_graphic()));
            let scheme = rule.scheme;
            assert!(
                manifest.permits(scheme, &host, port, method) && policy.permits(scheme, &host, port, method)
            );
        }
        for other in ["", "a", "a.b", "1.2.3.4", "a.b/.example.org", rule.host] {
            for scheme in [EgressScheme::Http, EgressScheme::Https] {
                let permitted = manifest.permits(scheme, other, port, "PUT");
                assert_eq!(permitted, policy.permits(scheme, other, port, "PUT"));
            }
        }
    }
}

fn check_service(service: &Service) {
    assert!(service.port != 0 && (1..=OPEN_REQUESTS_MAX).contains(&service.open_requests_max));
    assert!(service.request_wall_ms > 0 && service.request_fuel > 0 && service.request_memory_bytes > 0);
    assert!(service.request_body_bytes > 0 && service.response_body_bytes > 0);
}

//! A good manifest, and every way in which it can be bad.

use proptest::prelude::*;

use super::*;
use crate::diagnose::QUOTED_MAX_BYTES;
use crate::{
    CALL_STACK_DEFAULT_BYTES, EgressPolicy, EgressScheme, HexDigest, HexU64, Logs, READERS_MAX, WallClock,
};

pub(crate) const DIGEST: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
pub(crate) const EGRESS: &str = r#"[{"host":"192.0.2.7","port":443,"scheme":"https","methods":["GET","POST"]},
{"host":"*.example.org","port":1,"scheme":"http","methods":["*"]}]"#;
pub(crate) const TLS: &str = r#"{"roots":"mozilla","hosts":[{"host":"a.example.org","authorities":["MAA="],
"spki_sha256":["11112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"]}]}"#;
pub(crate) const TIME: &str = r#"[{"host":"time.example.org","port":2002,
"public_key":"01112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"},{"host":"192.0.2.1","port":2003,
"public_key":"02112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"},{"host":"192.0.2.2","port":2004,
"public_key":"03112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"}]"#;
pub(crate) const SERVICE: &str = r#"{"port":8080,"scheme":"https","open_requests_max":256,"request_wall_ms":30000,
"request_body_bytes":1,"response_body_bytes":2,"request_fuel":3,"request_memory_bytes":4}"#;
pub(crate) const STORAGE: &str = r#"{"key_value_bytes":1048576,"files_bytes":0,"persist":false}"#;

pub(crate) fn good() -> String {
    format!(
        r#"{{"version":1,"name":"audit-2","role":"workload","trust":"tee","component":{{"sha256":"{DIGEST}"}},
"artefact":{{"sha256":"{DIGEST}","engine":"wasmtime 1"}},
"launch":{{"snp":{{"policy":"0x30000","vmpl":0}},"tdx":{{"attributes":"0x10000000","xfam":"0xe7"}}}},
"memory_mib":128,"limits":{{"component_memory_bytes":67108864,"fuel":1000000,"input_bytes":7,
"output_bytes":8,"wall_ms":60000,"transcript_bytes":9,"call_stack_bytes":524288}},"wall_clock":"host",
"args":["--strict","é"],"env":[{{"name":"A","value":"b"}}],"egress":{EGRESS},"tls":{TLS},
"time":{TIME},"service":{SERVICE},
"storage":{STORAGE},"logs":"public","readers":[]}}"#
    )
}

/// The good manifest with one piece of text replaced by another.
pub(crate) fn with(from: &str, to: &str) -> String {
    let text = good();
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

pub(crate) fn refusal(text: &str) -> ManifestError {
    parse_manifest(text.as_bytes()).expect_err(text)
}

#[test]
fn good_manifests_parse_whole() {
    let text = good();
    let manifest = parse_manifest(text.as_bytes()).unwrap();
    assert_eq!((manifest.name, manifest.memory_mib, manifest.limits.wall_ms), ("audit-2", 128, 60_000));
    assert_eq!(manifest.launch.snp.policy, HexU64(0x3_0000));
    assert_eq!(manifest.component.sha256.0[..2], [0x00, 0x11]);
    assert_eq!(manifest.args, ["--strict", "é"]);
    assert_eq!((manifest.limits.transcript_bytes, manifest.limits.call_stack_bytes), (9, 524_288));
    assert_eq!(
        (manifest.env[0].name, manifest.wall_clock, manifest.logs),
        ("A", WallClock::Host, Logs::Public)
    );
    let rule = &manifest.egress[0];
    assert_eq!((rule.host, rule.port, &rule.methods[..]), ("192.0.2.7", 443, &["GET", "POST"][..]));
    let service = manifest.service.unwrap();
    assert_eq!((service.port, service.open_requests_max, service.request_memory_bytes), (8080, 256, 4));
    assert_eq!(service.scheme, EgressScheme::Https);
    assert_eq!(manifest.storage, Storage { key_value_bytes: 1 << 20, files_bytes: 0, persist: false });
    assert!(parse_manifest(format!(" \r\n\t{text}\n\n ").as_bytes()).is_ok());
    assert_ne!(manifest_digest(text.as_bytes()), manifest_digest(format!("{text}\n").as_bytes()));
}

#[test]
fn the_other_words_parse() {
    let text = with("\"host\",", "\"none\",").replace("\"public\"", "\"none\"");
    let manifest = parse_manifest(text.as_bytes()).unwrap();
    assert_eq!((manifest.wall_clock, manifest.logs), (WallClock::None, Logs::None));
    let sealed = with("\"public\"", "\"sealed\"");
    assert_eq!(parse_manifest(sealed.as_bytes()).unwrap().logs, Logs::Sealed);
    let text = with("\"wall_clock\":\"host\"", "\"wall_clock\":\"roughtime\"");
    assert_eq!(parse_manifest(text.as_bytes()).unwrap().wall_clock, WallClock::Roughtime);
}

#[test]
fn a_manifest_may_have_no_service_but_must_say_so() {
    let text = with(SERVICE, "null");
    assert_eq!(parse_manifest(text.as_bytes()).unwrap().service, None);
    let gone = refusal(&text.replace("\"service\":null,", ""));
    assert_eq!(gone, ManifestError::MissingField { object: "the manifest", field: "service" });
}

#[test]
fn a_manifest_permits_what_any_of_its_rules_does() {
    let text = with(SERVICE, "null");
    let manifest = parse_manifest(text.as_bytes()).unwrap();
    let policy = EgressPolicy::of(&manifest);
    use EgressScheme::{Http, Https};
    for (scheme, host, port, method, connects, sends) in [
        (Https, "192.0.2.7", 443, "GET", true, true),
        (Https, "192.0.2.7", 443, "POST", true, true),
        (Https, "192.0.2.7", 443, "PUT", true, false),
        (Https, "192.0.2.7", 1, "GET", false, false),
        (Http, "192.0.2.7", 443, "GET", true, false),
        (Http, "a.EXAMPLE.org", 1, "PUT", true, true),
        (Https, "a.EXAMPLE.org", 1, "PUT", true, false),
        (Http, "example.org", 1, "PUT", false, false),
    ] {
        let connections = (manifest.permits_connection(host, port), policy.permits_connection(host, port));
        assert_eq!(connections, (connects, connects), "{host}:{port}");
        let requests =
            (manifest.permits(scheme, host, port, method), policy.permits(scheme, host, port, method));
        assert_eq!(requests, (sends, sends), "{method} {host}:{port}");
    }
    assert!(!EgressPolicy::default().permits_connection("192.0.2.7", 443));
}

#[test]
fn a_network_is_for_egress_services_and_time() {
    let needs = |text: &str| parse_manifest(text.as_bytes()).unwrap().needs_network();
    assert!(needs(&good()) && needs(&with(SERVICE, "null")) && needs(&with(EGRESS, "[]")));
    let alone = with(SERVICE, "null").replace(EGRESS, "[]");
    assert!(needs(&alone) && !needs(&alone.replace(TIME, "[]")));
}

#[test]
fn nothing_follows_the_object() {
    let text = good();
    for tail in ["x", "{}", "\n}", "\0", ",", &good()] {
        let longer = format!("{text}{tail}");
        let refused = ManifestError::TrailingBytes { expected: text.len(), found: longer.len() };
        assert_eq!(refusal(&longer), refused, "{tail:?}");
    }
}

#[test]
fn escape_sequences_and_control_characters_are_refused() {
    for escape in [r"\n", r"\u0041", r"\\", "\\\""] {
        let text = with("--strict", escape);
        let offset = text.find('\\').unwrap();
        assert_eq!(refusal(&text), ManifestError::Escape { offset });
    }
    for control in ["\n", "\t", "\0", "\u{7f}", "\u{85}"] {
        for (field, from) in [("args", "--strict"), ("env", "b\"}"), ("artefact.engine", "wasmtime 1")] {
            let text = with(from, &format!("{control}{from}"));
            assert!(
                matches!(refusal(&text), ManifestError::OutOfRange { field: found, .. } if found == field)
            );
        }
    }
}

#[test]
fn every_range_has_two_ends() {
    let out_of_range = |from: &str, to: &str| match refusal(&with(from, to)) {
        ManifestError::OutOfRange { field, .. } => field,
        other => panic!("{to}: {other:?}"),
    };
    let memory = "\"memory_mib\":128";
    for bad in [0, 30, 33, 1025, 16_386, 32_768, u32::MAX] {
        assert_eq!(out_of_range(memory, &format!("\"memory_mib\":{bad}")), "memory_mib");
    }
    for good in [66, 1024, 1026, 16_384] {
        assert!(parse_manifest(with(memory, &format!("\"memory_mib\":{good}")).as_bytes()).is_ok());
    }
    for bad in ["0", "134217728", "18446744073709551615"] {
        assert_eq!(out_of_range("67108864", bad), "limits.component_memory_bytes");
    }
    assert!(parse_manifest(with("67108864", "134217727").as_bytes()).is_ok());
    for (object, field, good) in [
        ("limits", "fuel", 1_000_000),
        ("limits", "wall_ms", 60_000),
        ("limits", "transcript_bytes", 9),
        ("service", "request_wall_ms", 30_000),
        ("service", "request_body_bytes", 1),
        ("service", "response_body_bytes", 2),
        ("service", "request_fuel", 3),
        ("service", "request_memory_bytes", 4),
    ] {
        let (good, zero) = (format!("\"{field}\":{good}"), format!("\"{field}\":0"));
        assert_eq!(out_of_range(&good, &zero), format!("{object}.{field}"));
        let most = with(&good, &format!("\"{field}\":{}", u64::MAX));
        assert!(parse_manifest(most.as_bytes()).is_ok(), "{field}");
    }
    assert_eq!(out_of_range("\"vmpl\":0", "\"vmpl\":4"), "launch.snp.vmpl");
    for bad in ["0x10000", "0x70000", "0xb0000"] {
        assert_eq!(out_of_range("0x30000", bad), "launch.snp.policy");
    }
    for bad in ["0x10000001", "0x30000000", "0x8000000010000000"] {
        assert_eq!(out_of_range("0x10000000", bad), "launch.tdx.attributes");
    }
    assert!(parse_manifest(with("\"vmpl\":0", "\"vmpl\":3").as_bytes()).is_ok());
    let too_long = "a".repeat(65);
    for bad in ["", "Audit", "a b", "a_b", "é", &too_long] {
        assert_eq!(out_of_range("audit-2", bad), "name");
    }
    assert_eq!(refusal(&with("\"version\":1", "\"version\":2")), ManifestError::Version { found: 2 });
}

#[test]
fn ranges_of_stacks_services_and_storage_have_two_ends() {
    let field_of = |from: &str, to: &str| match parse_manifest(with(from, to).as_bytes()) {
        Ok(_) => "",
        Err(ManifestError::OutOfRange { field, .. }) => field,
        Err(other) => panic!("{to}: {other:?}"),
    };
    let stack =
        |bytes: u32| field_of("\"call_stack_bytes\":524288", &format!("\"call_stack_bytes\":{bytes}"));
    for bytes in
        [CALL_STACK_MIN_BYTES, CALL_STACK_MIN_BYTES + 1024, CALL_STACK_DEFAULT_BYTES, CALL_STACK_MAX_BYTES]
    {
        assert_eq!(stack(bytes), "", "{bytes}");
    }
    for bytes in [0, 15 * 1024, 16_383, 16_385, 524_289, 8_387_584 + 1, 8_389_632, u32::MAX] {
        assert_eq!(stack(bytes), "limits.call_stack_bytes", "{bytes}");
    }
    let requests =
        |most: u32| field_of("\"open_requests_max\":256", &format!("\"open_requests_max\":{most}"));
    assert_eq!([requests(1), requests(1024)], ["", ""]);
    assert_eq!([requests(0), requests(1025)], ["service.open_requests_max"; 2]);
    assert_eq!(field_of("\"port\":8080", "\"port\":0"), "service.port");
    assert_eq!(field_of("\"port\":8080", "\"port\":65535"), "");
    assert_eq!(field_of("\"port\":443", "\"port\":0"), "egress.port");
    for field in ["key_value_bytes\":1048576", "files_bytes\":0"] {
        let (name, _) = field.split_once('"').unwrap();
        let with_bytes = |bytes: u64| field_of(field, &format!("{name}\":{bytes}"));
        assert_eq!(with_bytes((128 << 20) - 1), "", "{name}");
        assert_eq!(with_bytes(128 << 20), format!("storage.{name}"));
        assert_eq!(with_bytes(u64::MAX), format!("storage.{name}"));
    }
    assert_eq!(field_of("\"key_value_bytes\":1048576", "\"key_value_bytes\":0"), "");
    let storage = |fields: &str| field_of(&STORAGE[1..STORAGE.len() - 1], fields);
    assert_eq!(storage(r#""key_value_bytes":1,"files_bytes":0,"persist":true"#), "");
    assert_eq!(storage(r#""key_value_bytes":0,"files_bytes":0,"persist":true"#), "storage.persist");
    // Files of a service are of one request, so they are nothing to keep.
    assert_eq!(storage(r#""key_value_bytes":0,"files_bytes":1,"persist":true"#), "storage.persist");
    assert_eq!(storage(r#""key_value_bytes":1,"files_bytes":1,"persist":true"#), "");
    assert_eq!(field_of("\"192.0.2.7\"", "\"192.0.2.07\""), "egress.host");
    assert_eq!(field_of("\"POST\"", "\"post\""), "egress.methods");
    assert_eq!(field_of("\"*.example.org\",\"port\":1", "\"192.0.2.7\",\"port\":443"), "egress");
}

#[test]
fn the_files_of_a_job_that_are_kept_fit_its_transcript() {
    let storage = r#"{"key_value_bytes":5,"files_bytes":1048576,"persist":true}"#;
    let job = good().replace(SERVICE, "null").replace(STORAGE, storage);
    let least = (1 << 20) + (1 << 12) + (1 << 16);
    let enough = job.replace("\"transcript_bytes\":9", &format!("\"transcript_bytes\":{least}"));
    let manifest = parse_manifest(enough.as_bytes()).unwrap();
    assert!(manifest.keeps_files());
    assert_eq!(manifest.persistent_bytes(), (1 << 20) + 5);
    let refused = refusal(&enough.replace(&least.to_string(), &(least - 1).to_string())).to_string();
    assert!(
        refused.contains("limits.transcript_bytes") && refused.contains("storage.files_bytes"),
        "{refused}"
    );

    let service = good().replace(STORAGE, storage);
    let manifest = parse_manifest(service.as_bytes()).unwrap();
    assert!(!manifest.keeps_files());
    assert_eq!(manifest.persistent_bytes(), 5);
    let forgets = job.replace("true", "false");
    let manifest = parse_manifest(forgets.as_bytes()).unwrap();
    assert!(!manifest.keeps_files());
    assert_eq!(manifest.persistent_bytes(), 0);
}

#[test]
fn readers_are_keys_that_differ() {
    let other = DIGEST.replace("00", "ff");
    let readers = |list: &str| with("\"readers\":[]", &format!("\"readers\":[{list}]"));
    let two = readers(&format!("\"{DIGEST}\", \"{other}\""));
    let manifest = parse_manifest(two.as_bytes()).unwrap();
    assert_eq!(manifest.readers.iter().map(HexDigest::to_string).collect::<Vec<_>>(), [DIGEST, &other]);
    let twice = refusal(&readers(&format!("\"{DIGEST}\",\"{DIGEST}\""))).to_string();
    assert!(twice.contains("`readers`: expected keys that differ"), "{twice}");
    for bad in ["1", "\"00\"", "null", &format!("\"{}\"", DIGEST.to_uppercase())] {
        let refused = refusal(&readers(bad)).to_string();
        assert!(
            refused.contains("`readers` of the manifest") && refused.contains("list of keys"),
            "{refused}"
        );
    }
    assert!(refusal(&with("\"readers\":[]", "\"readers\":null")).to_string().contains("a list of keys"));
    let many: Vec<_> = (10..19).map(|first| format!("\"{first}{}\"", &DIGEST[2..])).collect();
    let expected =
        ManifestError::TooMany { object: "the manifest", field: "readers", expected: READERS_MAX, found: 9 };
    assert_eq!(refusal(&readers(&many.join(","))), expected);
    assert!(parse_manifest(readers(&many[..8].join(",")).as_bytes()).is_ok());
}

#[test]
fn what_is_out_of_range_is_shown() {
    let message = |from: &str, to: &str| refusal(&with(from, to)).to_string();
    let found = message("\"memory_mib\":128", "\"memory_mib\":31");
    assert_eq!(found, "manifest field `memory_mib`: expected 32 to 16384, found 31");
    assert!(message("0x30000", "0xb0000").ends_with("found 0xb0000"));
    assert!(message("192.0.2.7", "Example.org").ends_with("or an IPv4 address, found Example.org"));
    let found = message("\"call_stack_bytes\":524288", "\"call_stack_bytes\":1024");
    assert_eq!(found, "manifest field `limits.call_stack_bytes`: expected 16384 to 8388608, found 1024");
    let nothing = STORAGE.replace("1048576", "0").replace("false", "true");
    let found = message(STORAGE, &nothing);
    assert!(found.contains("or something to keep") && found.ends_with("found true"), "{found}");
    let long = message("audit-2", &"A".repeat(100));
    assert!(long.ends_with(&format!("found {}", "A".repeat(QUOTED_MAX_BYTES))), "{long}");
}

#[test]
fn environments_mean_one_thing() {
    let is_bad = |from: &str, to: &str, field: &str| matches!(refusal(&with(from, to)), ManifestError::OutOfRange { field: found, .. } if found == field);
    let pair = r#"{"name":"A","value":"b"}"#;
    for bad in [r#"{"name":"","value":"b"}"#, r#"{"name":"A=","value":"b"}"#] {
        assert!(is_bad(pair, bad, "env"), "{bad}");
    }
    assert!(is_bad(pair, &format!("{pair},{pair}"), "env"));
}

/// Unlike numbers and texts, commas are the parser's business alone.
#[test]
fn commas_stand_between_elements() {
    for (from, to) in [
        ("[\"--strict\"", "[,\"--strict\""),
        ("[\"--strict\"", "[ \n,\"--strict\""),
        ("[\"GET\"", "[,\"GET\""),
        ("[{\"host\"", "[,{\"host\""),
        ("\"é\"]", "\"é\",]"),
        ("\"--strict\",", "\"--strict\",,"),
        ("{\"port\"", "{,\"port\""),
        ("\"persist\":false", "\"persist\":false,"),
    ] {
        refusal(&with(from, to));
    }
    assert!(parse_manifest(with("--strict", "[,[ ,").as_bytes()).is_ok());
}

#[test]
fn size_is_bounded() {
    let padded = |bytes: usize| format!("{}{}", good(), " ".repeat(bytes - good().len()));
    assert!(parse_manifest(padded(MANIFEST_MAX_BYTES).as_bytes()).is_ok());
    let refused = ManifestError::TooLong { found: MANIFEST_MAX_BYTES + 1 };
    assert_eq!(refusal(&padded(MANIFEST_MAX_BYTES + 1)), refused);
}

#[test]
fn deep_nesting_is_no_problem() {
    for open in ["[", "{", "{\"a\":", "[{\"env\":", "{\"env\":[", "{\"launch\":{\"snp\":"] {
        let nested = open.repeat(MANIFEST_MAX_BYTES / open.len());
        assert!(parse_manifest(nested.as_bytes()).is_err());
        let inside = with("[\"--strict\",\"é\"]", &nested[..MANIFEST_MAX_BYTES - 1024]);
        assert!(parse_manifest(inside.as_bytes()).is_err());
    }
}

#[test]
fn every_prefix_is_refused() {
    let text = good();
    for length in 0..text.len() {
        assert!(parse_manifest(&text.as_bytes()[..length]).is_err(), "{length}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2048)) {
        let _ = parse_manifest(&bytes);
    }

    #[test]
    fn no_changed_bytes_panic(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = good().into_bytes();
        for (place, value) in changes {
            let index = place.index(bytes.len());
            bytes[index] = value;
        }
        let _ = parse_manifest(&bytes);
    }

    #[test]
    fn what_this_parser_reads_others_read_alike(index in any::<prop::sample::Index>(), value in any::<u8>()) {
        let mut bytes = good().into_bytes();
        let index = index.index(bytes.len());
        bytes[index] = value;
        if let Ok(manifest) = parse_manifest(&bytes) {
            let ours = serde_json::to_value(&manifest).unwrap();
            let theirs: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            prop_assert_eq!(ours, theirs);
        }
    }
}

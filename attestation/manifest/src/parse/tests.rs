//! A good manifest, and every way in which it can be bad.

use proptest::prelude::*;

use super::*;
use crate::{HexU64, LIST_MAX};

const DIGEST: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn good() -> String {
    format!(
        r#"{{"version":1,"name":"audit-2","role":"workload","trust":"tee","component":{{"sha256":"{DIGEST}"}},
"artefact":{{"sha256":"{DIGEST}","engine":"wasmtime 1"}},
"launch":{{"snp":{{"policy":"0x30000","vmpl":0}},"tdx":{{"attributes":"0x10000000","xfam":"0xe7"}}}},
"memory_mib":128,"limits":{{"component_memory_bytes":67108864,"fuel":1000000,"input_bytes":7,
"output_bytes":8,"wall_ms":60000}},"args":["--strict","é"],"env":[{{"name":"A","value":"b"}}],
"egress":["192.0.2.7:443"]}}"#
    )
}

/// The good manifest with one piece of text replaced by another.
fn with(from: &str, to: &str) -> String {
    let text = good();
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

fn refusal(text: &str) -> ManifestError {
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
    assert_eq!((manifest.env[0].name, manifest.egress[0]), ("A", "192.0.2.7:443"));
    assert!(parse_manifest(format!(" \r\n\t{text}\n\n ").as_bytes()).is_ok());
    assert_ne!(manifest_digest(text.as_bytes()), manifest_digest(format!("{text}\n").as_bytes()));
}

#[test]
fn unknown_fields_are_named_with_their_place() {
    for (from, object) in [
        ("{\"version\"", "the manifest"),
        ("{\"snp\"", "launch"),
        ("{\"policy\"", "launch.snp"),
        ("{\"attributes\"", "launch.tdx"),
        ("{\"component_memory_bytes\"", "limits"),
        ("{\"name\":\"A\"", "env"),
    ] {
        let text = with(from, &from.replacen('{', "{\"nmae\":[{\"deep\":[1,\"}\"]}],", 1));
        let field = "nmae".try_into().unwrap();
        assert_eq!(refusal(&text), ManifestError::UnknownField { object, field }, "{from}");
    }
    let message = refusal(&with("\"fuel\"", "\"feul\"")).to_string();
    assert_eq!(message, "manifest: limits has no field `feul`");
}

#[test]
fn long_and_strange_names_are_quoted_safely() {
    let long = "é".repeat(1000);
    let ManifestError::UnknownField { field, .. } =
        refusal(&with("{\"version\"", &format!("{{\"{long}\":1,\"version\"")))
    else {
        panic!("another error");
    };
    assert_eq!(field.len(), QUOTED_MAX_BYTES);
    let message = refusal(&with("\"trust\"", "\"\u{1b}[31m\"")).to_string();
    assert!(!message.contains('\u{1b}'), "{message}");
}

#[test]
fn duplicate_and_missing_fields_are_named() {
    let twice = refusal(&with("\"memory_mib\":128", "\"memory_mib\":128,\"memory_mib\":128"));
    assert_eq!(twice, ManifestError::DuplicateField { object: "the manifest", field: "memory_mib" });
    let twice = refusal(&with("\"vmpl\":0", "\"vmpl\":0,\"vmpl\":1"));
    assert_eq!(twice, ManifestError::DuplicateField { object: "launch.snp", field: "vmpl" });
    let gone = refusal(&with("\"fuel\":1000000,", ""));
    assert_eq!(gone, ManifestError::MissingField { object: "limits", field: "fuel" });
    assert_eq!(refusal("{}"), ManifestError::MissingField { object: "the manifest", field: "version" });
}

#[test]
fn malformed_values_are_named() {
    let field_of = |text: String| match refusal(&text) {
        ManifestError::Malformed { field, .. } => field,
        other => panic!("{other:?}"),
    };
    assert_eq!(field_of(with("\"workload\"", "\"Workload\"")), "role");
    assert_eq!(field_of(with("\"tee\"", "\"zk\"")), "trust");
    assert_eq!(field_of(with(DIGEST, &DIGEST.to_uppercase())), "sha256");
    assert_eq!(field_of(with(DIGEST, &DIGEST[1..])), "sha256");
    for bad in ["30000", "0x030000", "0x", "0X30000", "0xABC", "0x10000000000000000", "0x0_1"] {
        assert_eq!(field_of(with("0x30000", bad)), "policy", "{bad}");
    }
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
    assert_eq!(out_of_range("\"fuel\":1000000", "\"fuel\":0"), "limits.fuel");
    assert_eq!(out_of_range("\"wall_ms\":60000", "\"wall_ms\":0"), "limits.wall_ms");
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
fn what_is_out_of_range_is_shown() {
    let message = |from: &str, to: &str| refusal(&with(from, to)).to_string();
    let found = message("\"memory_mib\":128", "\"memory_mib\":31");
    assert_eq!(found, "manifest field `memory_mib`: expected 32 to 16384, found 31");
    assert!(message("0x30000", "0xb0000").ends_with("found 0xb0000"));
    assert!(message("192.0.2.7:443", "example.org:443").ends_with("found example.org:443"));
    let long = message("audit-2", &"A".repeat(100));
    assert!(long.ends_with(&format!("found {}", "A".repeat(QUOTED_MAX_BYTES))), "{long}");
}

#[test]
fn destinations_and_environments_mean_one_thing() {
    let is_bad = |from: &str, to: &str, field: &str| matches!(refusal(&with(from, to)), ManifestError::OutOfRange { field: found, .. } if found == field);
    for bad in
        ["", "192.0.2.7", "192.0.2.7:0", "192.0.2.07:443", "[::1]:443", "example.org:443", "1.2.3.4:65536"]
    {
        assert!(is_bad("192.0.2.7:443", bad, "egress"), "{bad}");
    }
    let pair = r#"{"name":"A","value":"b"}"#;
    for bad in [r#"{"name":"","value":"b"}"#, r#"{"name":"A=","value":"b"}"#] {
        assert!(is_bad(pair, bad, "env"), "{bad}");
    }
    assert!(is_bad(pair, &format!("{pair},{pair}"), "env"));
}

#[test]
fn numbers_have_one_spelling_and_fit() {
    for bad in ["-1", "1.5", "1e3", "\"128\"", "null", "00", "4294967296", "0x80"] {
        let error = refusal(&with("\"memory_mib\":128", &format!("\"memory_mib\":{bad}")));
        assert!(matches!(error, ManifestError::Syntax(_)), "{bad}: {error:?}");
    }
}

#[test]
fn lists_are_bounded() {
    let args = |count: usize| with("\"--strict\",\"é\"", &vec!["\"x\""; count].join(","));
    assert!(parse_manifest(args(LIST_MAX).as_bytes()).is_ok());
    assert!(parse_manifest(args(LIST_MAX + 1).as_bytes()).is_err());
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

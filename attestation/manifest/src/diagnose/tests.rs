//! Every way in which a manifest is not even of the right shape, and what is said about it.

use alloc::string::String;

use super::QUOTED_MAX_BYTES;
use crate::parse::tests::{DIGEST, EGRESS, SERVICE, STORAGE, TIME, TLS, good, refusal, with};
use crate::{
    AUTHORITIES_MAX, EGRESS_MAX, LIST_MAX, METHODS_MAX, ManifestError, TIME_SERVERS_MAX, TLS_HOSTS_MAX,
    parse_manifest,
};

#[test]
fn unknown_fields_are_named_with_their_place() {
    for (from, object) in [
        ("{\"version\"", "the manifest"),
        ("{\"snp\"", "launch"),
        ("{\"policy\"", "launch.snp"),
        ("{\"attributes\"", "launch.tdx"),
        ("{\"component_memory_bytes\"", "limits"),
        ("{\"name\":\"A\"", "env"),
        ("{\"host\"", "egress"),
        ("{\"roots\"", "tls"),
        ("{\"host\":\"a.example.org\"", "tls.hosts"),
        ("{\"host\":\"time.example.org\"", "time"),
        ("{\"port\"", "service"),
        ("{\"key_value_bytes\"", "storage"),
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
fn duplicate_fields_are_named() {
    for (object, field, value) in [
        ("the manifest", "memory_mib", "128"),
        ("the manifest", "wall_clock", "\"host\""),
        ("the manifest", "logs", "\"public\""),
        ("launch.snp", "vmpl", "0"),
        ("limits", "transcript_bytes", "9"),
        ("limits", "call_stack_bytes", "524288"),
        ("egress", "methods", "[\"GET\",\"POST\"]"),
        ("tls", "roots", "\"mozilla\""),
        ("time", "port", "2002"),
        ("service", "request_fuel", "3"),
        ("storage", "persist", "false"),
    ] {
        let once = format!("\"{field}\":{value}");
        let twice = refusal(&with(&once, &format!("{once},{once}")));
        assert_eq!(twice, ManifestError::DuplicateField { object, field }, "{object}.{field}");
    }
}

/// No field has a default: every author's choice, or that of the program that wrote the file, stands there.
#[test]
fn missing_fields_are_named() {
    let names =
        |value: &serde_json::Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    let whole: serde_json::Value = serde_json::from_str(&good()).unwrap();
    let mut tried = 0;
    for (path, object) in [
        ("", "the manifest"),
        ("/component", "component"),
        ("/artefact", "artefact"),
        ("/launch", "launch"),
        ("/launch/snp", "launch.snp"),
        ("/launch/tdx", "launch.tdx"),
        ("/limits", "limits"),
        ("/env/0", "env"),
        ("/egress/1", "egress"),
        ("/tls", "tls"),
        ("/tls/hosts/0", "tls.hosts"),
        ("/time/2", "time"),
        ("/service", "service"),
        ("/storage", "storage"),
    ] {
        for name in names(whole.pointer(path).unwrap()) {
            let mut lacking = whole.clone();
            lacking.pointer_mut(path).unwrap().as_object_mut().unwrap().remove(&name);
            let refused = refusal(&lacking.to_string());
            let is_named = matches!(&refused, ManifestError::MissingField { object: found, field } if *found == object && *field == name);
            assert!(is_named, "{object}.{name}: {refused:?}");
            tried += 1;
        }
    }
    assert_eq!(tried, 49 + 3 + 2 + 3 + 3, "all of them");
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
    for bad in ["\"Host\"", "\"ntp\"", "\"\"", "null", "true", "{\"host\":null}", "[\"host\"]", "\"a\" \"b\""]
    {
        assert_eq!(field_of(with("\"host\",", &format!("{bad},"))), "wall_clock", "{bad}");
        assert_eq!(field_of(with("\"public\"", bad)), "logs", "{bad}");
    }
    for (field, word) in [("role", "workload"), ("trust", "tee"), ("wall_clock", "host"), ("logs", "public")]
    {
        let as_object = with(&format!("\"{field}\":\"{word}\""), &format!("\"{field}\":{{\"{word}\":null}}"));
        assert_eq!(field_of(as_object), field);
    }
    assert_eq!(field_of(with("\"audit-2\"", "\"audit\" \"2\"")), "name");
    for bad in ["\"false\"", "1", "null", "False", "falsetrue"] {
        assert_eq!(field_of(with("false", bad)), "persist", "{bad}");
    }
    for bad in ["5", "\"null\"", "[]", "nul", "nullnull", "false"] {
        assert_eq!(field_of(with(SERVICE, bad)), "service", "{bad}");
    }
    for bad in ["null", "{}", "\"192.0.2.7:443\"", "[\"192.0.2.7:443\"]", "[[]]", "[null]"] {
        assert_eq!(field_of(with(EGRESS, bad)), "egress", "{bad}");
    }
    for bad in ["\"GET\"", "null", "[1]", "[[\"GET\"]]", "{}"] {
        assert_eq!(field_of(with("[\"GET\",\"POST\"]", bad)), "methods", "{bad}");
    }
    assert_eq!(field_of(with("\"192.0.2.7\"", "7")), "host");
    assert_eq!(field_of(with(STORAGE, "null")), "storage");
}

#[test]
fn what_is_malformed_is_shown() {
    let message = |from: &str, to: &str| refusal(&with(from, to)).to_string();
    assert_eq!(
        message("\"host\",", "\"gps\" ,"),
        "manifest field `wall_clock` of the manifest: expected none, host or roughtime, found \"gps\""
    );
    assert_eq!(
        message("\"port\":443", "\"port\":65536"),
        "manifest field `port` of egress: expected a whole number up to 65535, found 65536"
    );
    let long = message("\"persist\":false", &format!("\"persist\":\"\u{1b}{}\"", "x".repeat(100)));
    assert!(long.ends_with(&format!("expected true or false, found \"\u{fffd}{}", "x".repeat(60))), "{long}");
}

#[test]
fn numbers_have_one_spelling_and_fit() {
    for (name, good, beyond) in [
        ("memory_mib", "128", "4294967296"),
        ("vmpl", "0", "4294967296"),
        ("fuel", "1000000", "18446744073709551616"),
        ("transcript_bytes", "9", "18446744073709551616"),
        ("call_stack_bytes", "524288", "4294967296"),
        ("port", "443", "65536"),
        ("port", "8080", "65536"),
        ("open_requests_max", "256", "4294967296"),
        ("key_value_bytes", "1048576", "18446744073709551616"),
    ] {
        for bad in ["-1", "1.5", "1e3", "\"128\"", "null", "00", "0x80", "+1", "1_0", "true", "[1]", beyond] {
            let error = refusal(&with(&format!("\"{name}\":{good}"), &format!("\"{name}\":{bad}")));
            let ManifestError::Malformed { field, found, .. } = error else { panic!("{bad}: {error:?}") };
            assert_eq!((field, found.as_str()), (name, bad));
        }
    }
}

#[test]
fn lists_are_bounded() {
    let many = |count: usize, entry: &dyn Fn(usize) -> String| {
        format!("[{}]", (0..count).map(entry).collect::<Vec<_>>().join(","))
    };
    let key = |number: usize| format!("\"{number:02}{}\"", &DIGEST[2..]);
    let lists: [(_, _, _, &dyn Fn(usize) -> String, _); 7] = [
        ("the manifest", "args", LIST_MAX, &|_| "\"x\"".into(), "[\"--strict\",\"é\"]"),
        (
            "the manifest",
            "env",
            LIST_MAX,
            &|number| format!("{{\"name\":\"V{number}\",\"value\":\"\"}}"),
            "[{\"name\":\"A\",\"value\":\"b\"}]",
        ),
        (
            "the manifest",
            "egress",
            EGRESS_MAX,
            &|number| {
                format!("{{\"host\":\"a\",\"port\":{},\"scheme\":\"http\",\"methods\":[\"*\"]}}", number + 1)
            },
            EGRESS,
        ),
        ("egress", "methods", METHODS_MAX, &|number| format!("\"M{number}\""), "[\"GET\",\"POST\"]"),
        ("tls.hosts", "authorities", AUTHORITIES_MAX, &|_| "\"MAA=\"".into(), "[\"MAA=\"]"),
        (
            "tls",
            "hosts",
            TLS_HOSTS_MAX,
            &|number| format!("{{\"host\":\"h{number}\",\"authorities\":[\"MAA=\"],\"spki_sha256\":[]}}"),
            &TLS[TLS.find('[').unwrap()..TLS.len() - 1],
        ),
        (
            "the manifest",
            "time",
            TIME_SERVERS_MAX,
            &|number| format!("{{\"host\":\"a\",\"port\":1,\"public_key\":{}}}", key(number)),
            TIME,
        ),
    ];
    for (object, field, expected, entry, good) in lists {
        let most = with(good, &many(expected, entry));
        assert!(parse_manifest(most.as_bytes()).is_ok(), "{field}");
        let found = expected + 1;
        let too_many = ManifestError::TooMany { object, field, expected, found };
        assert_eq!(refusal(&with(good, &many(found, entry))), too_many);
    }
}

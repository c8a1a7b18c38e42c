//! Which entries are none, and whom an entry is for.

use super::*;
use crate::parse::tests::{DIGEST, TLS, good, refusal, with};
use crate::{ManifestError, parse_manifest};

const ENTRY: &str = r#"{"host":"a.example.org","authorities":["MAA="],"spki_sha256":[]}"#;

/// What is refused where the good entry is replaced.
fn refused(entries: &str) -> Option<(&'static str, String)> {
    let text = with(TLS, &format!(r#"{{"roots":"none","hosts":[{entries}]}}"#));
    match parse_manifest(text.as_bytes()) {
        Ok(_) => None,
        Err(ManifestError::OutOfRange { field, found, .. }) => Some((field, found.as_str().into())),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn entries_parse_whole() {
    let text = good();
    let manifest = parse_manifest(text.as_bytes()).unwrap();
    let [host] = &manifest.tls.hosts[..] else { panic!("one host") };
    assert_eq!(manifest.tls.roots, TlsRoots::Mozilla);
    assert_eq!((host.host, authority_der(host.authorities[0])), ("a.example.org", Some(vec![0x30, 0])));
    assert_eq!(host.spki_sha256[0].0[..2], [0x11, 0x11]);
    assert!(host.is_for("A.example.org") && !host.is_for("b.example.org"));
}

#[test]
fn an_entry_is_for_hosts_that_no_earlier_one_is_for() {
    let entry = |host: &str| ENTRY.replace("a.example.org", host);
    let two = |first: &str, second: &str| refused(&format!("{},{}", entry(first), entry(second)));
    assert_eq!(two("a.example.org", "*.example.org"), None);
    assert_eq!(two("example.org", "*.example.org"), None);
    assert_eq!(two("*.b.example.org", "*.example.org"), None);
    for (first, second) in [
        ("a.example.org", "a.example.org"),
        ("*.example.org", "a.example.org"),
        ("*.example.org", "*.example.org"),
        ("*.example.org", "*.b.example.org"),
    ] {
        assert_eq!(two(first, second), Some(("tls.hosts.host", second.into())), "{first}");
    }
}

#[test]
fn an_entry_says_whom_to_believe() {
    assert_eq!(refused(ENTRY), None);
    let empty = ENTRY.replace("[\"MAA=\"]", "[]");
    assert_eq!(refused(&empty), Some(("tls.hosts", "neither".into())));
    let keys = format!("[\"{DIGEST}\"]");
    assert_eq!(refused(&ENTRY.replace("[]", &keys)), None);
    assert_eq!(
        refused(&empty.replacen("[],\"spki_sha256\":[]", &format!("[],\"spki_sha256\":{keys}"), 1)),
        Some(("tls.hosts.authorities", "none".into()))
    );
    assert_eq!(
        refused(&ENTRY.replace("a.example.org", "Example")),
        Some(("tls.hosts.host", "Example".into()))
    );
    for bad in ["", "MAA", "MAA==", "MA-=", "MAB=", " MAA=", "MAA=MAA="] {
        assert_eq!(
            refused(&ENTRY.replace("MAA=", bad)),
            Some(("tls.hosts.authorities", bad.into())),
            "{bad}"
        );
    }
    let long = |bytes: usize| ENTRY.replace("MAA=", &Base64::encode_string(&vec![0x30; bytes]));
    assert_eq!(refused(&long(AUTHORITY_MAX_BYTES)), None);
    assert!(refused(&long(AUTHORITY_MAX_BYTES + 2)).is_some());
}

#[test]
fn roots_are_named() {
    let refused = refusal(&with("\"mozilla\"", "\"debian\"")).to_string();
    assert_eq!(refused, "manifest field `roots` of tls: expected mozilla or none, found \"debian\"");
}

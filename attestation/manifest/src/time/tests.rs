//! Who may not be a server, and who has to have some.

use crate::parse::tests::{EGRESS, TIME, with};
use crate::{ManifestError, parse_manifest};

/// What is refused of a text.
fn refused(text: &str) -> Option<(&'static str, String)> {
    match parse_manifest(text.as_bytes()) {
        Ok(_) => None,
        Err(ManifestError::OutOfRange { field, found, .. }) => Some((field, found.as_str().into())),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn servers_parse_whole() {
    let text = with(TIME, TIME);
    let manifest = parse_manifest(text.as_bytes()).unwrap();
    let server = manifest.time[1];
    assert_eq!(
        (manifest.time.len(), server.host, server.port, server.public_key.0[0]),
        (3, "192.0.2.1", 2003, 2)
    );
}

#[test]
fn servers_are_places_and_keys_that_differ() {
    for bad in ["*.example.org", "Time.example.org", "192.0.2.256", ""] {
        let found = Some(("time.host", bad.into()));
        assert_eq!(refused(&with("\"time.example.org\"", &format!("\"{bad}\""))), found, "{bad}");
    }
    assert_eq!(refused(&with("\"port\":2003", "\"port\":0")), Some(("time.port", "0".into())));
    let (field, _) = refused(&with("\"02112233", "\"01112233")).unwrap();
    assert_eq!(field, "time.public_key");
    // The same machine under two keys is its operator's affair.
    assert_eq!(refused(&with("\"192.0.2.1\"", "\"192.0.2.2\"")), None);
}

#[test]
fn there_are_none_or_enough() {
    let two = &TIME[..TIME.rfind(",{").unwrap()];
    assert_eq!(refused(&with(TIME, &format!("{two}]"))), Some(("time", "2".into())));
    let none = with(TIME, "[]");
    let missing = Some(("time", "none".into()));
    assert_eq!(refused(&none), missing, "https");
    let plain = none.replace("\"https\"", "\"http\"");
    assert_eq!(refused(&plain), None);
    assert_eq!(refused(&plain.replace(EGRESS, "[]")), None);
    assert_eq!(refused(&plain.replace("\"wall_clock\":\"host\"", "\"wall_clock\":\"roughtime\"")), missing);
}

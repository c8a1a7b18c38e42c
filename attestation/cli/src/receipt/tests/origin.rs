//! Who the server was.

use attestation_receipt::{TLS_1_2, Tls};

use super::super::Given;
use super::exchange::{
    Exchange, HOST, NOW_S, Setting, handshake, handshake_with_sha384, server_key_digest, tls13_message,
};
use super::{Case, bent};

const WHAT: &str = "server's certificates";

fn with_session(bend: impl FnOnce(&mut Tls)) -> Case {
    bent(|receipt| bend(&mut receipt.tls))
}

/// What a server signs in TLS 1.2.
fn tls12_message() -> Vec<u8> {
    let point = [&[4][..], &[0x77; 64]].concat();
    [&[0x41; 32][..], &[0x42; 32], &[3, 0, 0x17, 65], &point].concat()
}

#[test]
fn certificates_of_other_hosts_are_refused() {
    let exchange = Exchange::of(&Setting { name: "www.example.com", ..Setting::default() });
    let found = Case::of(&exchange).failure(WHAT);
    assert!(
        found.contains(&format!("expected the name {HOST}")) && found.contains("www.example.com"),
        "{found}"
    );
    let case = bent(|receipt| receipt.peer.host = "api.example.org".into());
    // Its entry in the manifest is for another host, whose roots nobody else has.
    assert_eq!(case.failures(), ["roots for the host", WHAT]);
    let case = bent(|receipt| receipt.peer.host = "-".into());
    assert_eq!(case.failure("host"), "-");
}

/// One that says so is caught by the receipt, one that does not by its certificate.
#[test]
fn certificates_are_valid_at_the_time_of_the_receipt() {
    for years in [(2020, 2025), (2026, 2030)] {
        let exchange = Exchange::of(&Setting { years, ..Setting::default() });
        let found = Case::of(&exchange).failure(WHAT);
        assert!(found.contains("when the path is valid"), "{found}");
        let mut receipt = exchange.receipt.clone();
        receipt.tls.validity.not_before_s = 0;
        receipt.tls.validity.not_after_s = u64::MAX;
        let found = Case::with(&exchange, &receipt).failure(WHAT);
        assert!(found.contains("expected all to be valid at 2025-06-15T15:06:"), "{found}");
    }
}

/// From its first second to its last.
#[test]
fn certificates_are_valid_all_through_the_interval() {
    let last_s = 1_893_455_999;
    let ends = |latest_s: u64| {
        let exchange = Exchange::good();
        let mut receipt = exchange.receipt.clone();
        receipt.time.latest_s = latest_s;
        receipt.tls.validity.not_after_s = u64::MAX;
        Case { proofs: vec![], commitments: vec![], ..Case::with(&exchange, &receipt) }.failure(WHAT)
    };
    assert!(ends(last_s + 1).contains("as stated, found valid from"), "{}", ends(last_s + 1));
    assert!(
        ends(last_s + 2).contains("found one that was until 2030-01-01T00:00:00Z"),
        "{}",
        ends(last_s + 2)
    );
    assert!(NOW_S < last_s);
}

#[test]
fn roots_are_those_of_the_manifest() {
    let case = with_session(|tls| tls.roots_digest[0] ^= 1);
    assert_eq!(case.failures(), ["roots for the host"]);
    assert!(!case.notes().iter().any(|note| note.contains("Mozilla")), "the manifest has none of Mozilla's");
    let exchange = Exchange::of(&Setting { default_roots: "mozilla", ..Setting::default() });
    assert_eq!(Case::of(&exchange).failures(), [""; 0]);
    let mut receipt = exchange.receipt.clone();
    receipt.tls.roots_digest[0] ^= 1;
    let case = Case::with(&exchange, &receipt);
    assert_eq!(case.failures(), ["roots for the host"]);
    assert!(case.notes()[0].contains("another version of the image has another list"), "{:?}", case.notes());
    // Vouched for by somebody whom another manifest trusts.
    let exchange = Exchange::good();
    let mut stranger = exchange.receipt.clone();
    stranger.tls.path = vec![0, 1];
    let found = Case::with(&exchange, &stranger).failure(WHAT);
    assert!(found.contains("expected an issuer that the manifest trusts"), "{found}");
}

#[test]
fn what_the_guest_says_of_the_path_is_computed_again() {
    let found = with_session(|tls| tls.root_spki_sha256 = [7; 32]).failure(WHAT);
    assert!(found.contains("expected a path to the root with key 0707"), "{found}");
    let found = with_session(|tls| tls.path = vec![0, 1, 2]).failure(WHAT);
    assert!(found.contains("expected a path of 3, as stated, found one of 2"), "{found}");
    let found = with_session(|tls| tls.validity.not_after_s -= 1).failure(WHAT);
    assert!(found.contains("valid from 2020-01-01T00:00:00Z to 2030-01-01T00:00:00Z"), "{found}");
    let found = with_session(|tls| tls.spki_sha256[0] ^= 1).failure(WHAT);
    assert!(found.contains("in its certificate"), "{found}");
}

#[test]
fn listed_keys_are_asked_for() {
    let own = server_key_digest();
    let pinned = |pins: &[[u8; 32]]| Exchange::of(&Setting { pins, ..Setting::default() });
    assert_eq!(Case::of(&pinned(&[own])).failures(), [""; 0]);
    assert_eq!(Case::of(&pinned(&[[1; 32], own])).failures(), [""; 0]);
    for pins in [&[[1; 32]][..], &[[1; 32], [2; 32]]] {
        assert_eq!(Case::of(&pinned(pins)).failures(), ["server's key"]);
    }
    let case = with_session(|tls| tls.was_pinned = true);
    assert_eq!(case.failures(), ["server's key pinned by the manifest"]);
}

#[test]
fn the_servers_key_signed_the_handshake() {
    let found = with_session(|tls| tls.signature.signature[20] ^= 1).failure(WHAT);
    assert!(found.contains("signature of the handshake: not by the key"), "{found}");
    let found = with_session(|tls| tls.signature.message[100] ^= 1).failure(WHAT);
    assert!(found.contains("signature of the handshake: not by the key"), "{found}");
    let found = with_session(|tls| tls.signature = handshake(b"a letter".to_vec())).failure(WHAT);
    assert!(found.contains("not what servers sign"), "{found}");
    for scheme in [0x0401, 0x0203, 0xFFFF] {
        let found = with_session(|tls| tls.signature.scheme = scheme).failure(WHAT);
        assert!(found.contains("not by the scheme"), "{found}");
    }
}

#[test]
fn schemes_of_tls13_say_which_curve() {
    let tls12 = |tls: &mut Tls| (tls.version, tls.cipher_suite, tls.group) = (TLS_1_2, 0xC02B, 0x17);
    let case = with_session(|tls| {
        tls12(tls);
        tls.signature = handshake(tls12_message());
    });
    assert_eq!(case.failures(), [""; 0]);
    let case = with_session(|tls| {
        tls12(tls);
        tls.signature = handshake_with_sha384(tls12_message());
    });
    assert_eq!(case.failures(), [""; 0]);
    let case = with_session(|tls| tls.signature = handshake_with_sha384(tls13_message()));
    assert!(case.failure(WHAT).contains("not by the key of the certificate, with scheme 0x0503"));
}

/// Nothing is checked then, and nothing passes.
#[test]
fn without_certificates_the_guest_alone_vouches() {
    let exchange = Exchange::good();
    let bytes = exchange.signed().without_certificates().encode();
    let case = Case { receipts: vec![Given { name: "receipt".into(), bytes }], ..Case::of(&exchange) };
    assert_eq!(case.failures(), [""; 0]);
    assert!(case.check().verdict.checks.iter().all(|check| check.what != WHAT));
    let notes = case.notes();
    assert!(notes[0].starts_with("server's certificates: not enclosed"), "{notes:?}");
    // What can be compared still is.
    let pinned = Exchange::of(&Setting { pins: &[[1; 32]], ..Setting::default() });
    let bytes = pinned.signed().without_certificates().encode();
    let case = Case { receipts: vec![Given { name: "receipt".into(), bytes }], ..Case::of(&pinned) };
    assert_eq!(case.failures(), ["server's key"]);
}

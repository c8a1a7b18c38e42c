//! Each check of the origin, with certificates that are none: who reads them is another crate.

use alloc::format;
use core::cell::RefCell;

use super::*;
use crate::fixtures::{bare, certificates, evidence, full, opening, receipt, sha256};
use crate::{Kind, Receipt};

const REASON: &str = "because";

/// Takes exactly what is in the fixtures, and notes what it was asked.
#[derive(Default)]
struct Checker {
    refuses: &'static str,
    asked: RefCell<Vec<String>>,
}

impl Checker {
    fn answer(&self, question: &'static str, details: String) -> Result<(), String> {
        self.asked.borrow_mut().push(format!("{question} {details}"));
        if self.refuses == question { Err(REASON.into()) } else { Ok(()) }
    }
}

impl CertificateChecker for Checker {
    fn check_path(
        &self,
        host: &str,
        chain: &[&[u8]],
        roots: &[u8; 32],
        interval: RangeInclusive<u64>,
    ) -> Result<(), String> {
        let chain: Vec<_> = chain.iter().map(|der| String::from_utf8_lossy(der)).collect();
        self.answer("path", format!("{host} {} {:x} {interval:?}", chain.join(" "), roots[0]))
    }

    fn check_signature(
        &self,
        leaf: &[u8],
        scheme: u16,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), String> {
        let leaf = String::from_utf8_lossy(leaf);
        self.answer("signature", format!("{leaf} {scheme:#06x} {} {}", message.len(), signature.len()))
    }

    fn public_key_info(&self, leaf: &[u8]) -> Result<Vec<u8>, String> {
        let key = format!("key of the {}", String::from_utf8_lossy(leaf));
        self.answer("key", key.clone()).map(|()| key.into())
    }
}

fn verified(receipt: &Receipt) -> VerifiedReceipt {
    let signed = bare(receipt).with_certificates(certificates()).unwrap();
    signed.verify_with(evidence()).unwrap()
}

fn check(change: impl FnOnce(&mut Receipt)) -> Result<OriginFinding, ReceiptError> {
    let mut receipt = receipt();
    change(&mut receipt);
    verify_origin(&verified(&receipt), &Checker::default())
}

#[test]
fn a_server_is_who_its_certificates_say() {
    let checker = Checker::default();
    let found = verify_origin(&full().verify().unwrap(), &checker);
    assert_eq!(found, Ok(OriginFinding::Checked));
    let asked = [
        "key key of the server",
        "path api.example.com server issuer 44 1750000000..=1750000003",
        "signature server 0x0403 130 70",
    ];
    assert_eq!(*checker.asked.borrow(), asked);
}

#[test]
fn without_certificates_nothing_was_checked() {
    let checker = Checker::default();
    let found = verify_origin(&full().without_certificates().verify().unwrap(), &checker);
    assert_eq!(found, Ok(OriginFinding::NotCheckable));
    assert!(checker.asked.borrow().is_empty());
}

#[test]
fn whatever_the_checker_refuses_is_refused() {
    let reason = REASON.to_owned();
    let path = ReceiptError::Path { reason: reason.clone() };
    for (refuses, refused) in
        [("key", path.clone()), ("path", path), ("signature", ReceiptError::HandshakeSignature { reason })]
    {
        let checker = Checker { refuses, ..Checker::default() };
        assert_eq!(verify_origin(&verified(&receipt()), &checker), Err(refused));
    }
}

#[test]
fn the_key_is_that_of_the_certificate() {
    let (expected, found) = (sha256(b"another key"), sha256(b"key of the server"));
    let refused = check(|receipt| receipt.tls.spki_sha256 = expected);
    assert_eq!(refused, Err(ReceiptError::PublicKey { expected, found }));
}

#[test]
fn the_path_is_valid_all_through_the_time() {
    let changes: [fn(&mut Receipt); 2] =
        [|receipt| receipt.time.earliest_s = 1_699_999_999, |receipt| receipt.time.latest_s = 1_800_000_001];
    for change in changes {
        let mut receipt = receipt();
        change(&mut receipt);
        let (expected, found) =
            (1_700_000_000..=1_800_000_000, receipt.time.earliest_s..=receipt.time.latest_s);
        assert_eq!(check(change), Err(ReceiptError::Validity { expected, found }));
    }
}

#[test]
fn the_host_that_was_asked_for_is_the_one_that_was_called() {
    let request = |receipt: &Receipt| {
        let authority = opening().disclose(|value| value.kind() == Kind::Authority);
        let signed = bare(receipt).with_disclosures(authority).unwrap();
        verify_origin(&signed.verify_with(evidence()).unwrap(), &Checker::default())
    };
    assert_eq!(request(&receipt()), Ok(OriginFinding::NotCheckable));
    let mut other = receipt();
    other.peer.host = "other.example".into();
    let (expected, found) = ("other.example".into(), "api.example.com".into());
    assert_eq!(request(&other), Err(ReceiptError::Authority { expected, found }));
    for (authority, is_host) in [
        ("api.example.com", true),
        ("API.example.com:443", true),
        ("api.example.com:", true),
        ("example.com", false),
        ("api.example.com.evil.example", false),
        ("user@api.example.com", false),
        ("api.example.com:443:443", false),
    ] {
        assert_eq!(names_host(authority, "api.example.com"), is_host, "{authority}");
    }
}

/// Message and whether it is one, for TLS 1.3.
#[test]
fn servers_sign_a_hash_in_tls_1_3() {
    let text = b"TLS 1.3, server CertificateVerify\0";
    let message =
        |spaces: usize, text: &[u8], hash: usize| [&vec![b' '; spaces][..], text, &vec![1; hash]].concat();
    let any_suite = 0x1A1A;
    for (suite, message, is_one) in [
        (0x1301, message(64, text, 32), true),
        (0x1302, message(64, text, 48), true),
        (0x1303, message(64, text, 32), true),
        (any_suite, message(64, text, 32), true),
        (any_suite, message(64, text, 48), true),
        (any_suite, message(64, text, 33), false),
        (0x1301, message(64, text, 48), false),
        (0x1302, message(64, text, 32), false),
        (0x1301, message(63, text, 32), false),
        (0x1301, message(65, text, 32), false),
        (0x1301, message(64, text, 0), false),
        (0x1301, message(64, b"TLS 1.3, client CertificateVerify\0", 32), false),
        (0x1301, message(64, &text[..33], 32), false),
        (0x1301, b"a document that the server signed".to_vec(), false),
    ] {
        let found = check(|receipt| {
            receipt.tls.cipher_suite = suite;
            receipt.tls.signature.message = message;
        });
        let refused = Err(ReceiptError::HandshakeMessage { version: TLS_1_3 });
        assert_eq!(found, if is_one { Ok(OriginFinding::Checked) } else { refused });
    }
}

#[test]
fn servers_sign_random_numbers_and_a_point_in_tls_1_2() {
    let [client, server] = [[0x41; 32], [0x51; 32]];
    let parameters = |group: u16, length: u8, point: usize| {
        [&[3][..], &group.to_be_bytes(), &[length], &vec![9; point]].concat()
    };
    let (x25519, right) = (29, parameters(29, 32, 32));
    for (message, random, is_one) in [
        ([&client[..], &server, &right].concat(), None, true),
        ([&client[..], &server, &right].concat(), Some(server), true),
        ([&client[..], &server, &right].concat(), Some(client), false),
        ([&server[..], &client, &right].concat(), None, false),
        ([&client[..], &server, &parameters(x25519, 32, 31)].concat(), None, false),
        ([&client[..], &server, &parameters(x25519, 32, 33)].concat(), None, false),
        ([&client[..], &server, &parameters(x25519, 0, 0)].concat(), None, false),
        ([&client[..], &server, &parameters(23, 32, 32)].concat(), None, false),
        ([&client[..], &server].concat(), None, false),
        (client.to_vec(), None, false),
        (receipt().tls.signature.message, None, false),
    ] {
        let found = check(|receipt| {
            (receipt.tls.version, receipt.tls.group) = (TLS_1_2, x25519);
            receipt.tls.server_random = random;
            receipt.tls.signature.message = message;
        });
        let refused = Err(ReceiptError::HandshakeMessage { version: TLS_1_2 });
        assert_eq!(found, if is_one { Ok(OriginFinding::Checked) } else { refused });
    }
    for found in [0x0302, 0x0305, 0xFEFC] {
        let refused = Err(ReceiptError::TlsVersion { found });
        assert_eq!(check(|receipt| receipt.tls.version = found), refused);
    }
}

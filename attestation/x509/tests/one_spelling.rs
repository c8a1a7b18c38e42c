//! Certificates and lists with one part of another spelling, or of a kind that no vendor writes: each is refused, and the
//! message names the part. The library reads the honest ones to the same bytes.
#![expect(clippy::unwrap_used, reason = "a test")]

use attestation_x509::{CERTIFICATE_MAX_BYTES, CRL_MAX_BYTES, Certificate, Crl};
use der::{Decode, Encode};
use x509_cert::crl::CertificateList;

const ECDSA_SHA256: &[u8] = b"\x30\x0A\x06\x08\x2A\x86\x48\xCE\x3D\x04\x03\x02";
const P256: &[u8] = b"\x30\x13\x06\x07\x2A\x86\x48\xCE\x3D\x02\x01\x06\x08\x2A\x86\x48\xCE\x3D\x03\x01\x07";
const VERSION_3: &[u8] = b"\xA0\x03\x02\x01\x02";
const UTC: &[u8] = b"\x17\x0D250101000000Z";
const GENERALIZED_2025: &[u8] = b"\x18\x0F20250101000000Z";
const GENERALIZED_2050: &[u8] = b"\x18\x0F20500101000000Z";
const CRITICAL: &[u8] = b"\x01\x01\xFF";

fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    let header = match content.len() {
        0..=0x7F => vec![tag, low],
        0x80..=0xFF => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [header, content].concat()
}

fn attribute(kind: u8, tag: u8, text: &[u8]) -> Vec<u8> {
    tlv(0x30, &[&tlv(0x06, &[&[0x55, 0x04, kind]]), &tlv(tag, &[text])])
}

fn name(attributes: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &[&tlv(0x31, attributes)])
}

fn extension(last_arc: u8, critical: &[u8]) -> Vec<u8> {
    tlv(0x30, &[&tlv(0x06, &[&[0x55, 0x1D, last_arc]]), critical, &tlv(0x04, &[b"value"])])
}

/// The parts of what is signed, in their order, and the signature.
#[derive(Clone)]
struct Parts {
    version: Vec<u8>,
    serial: Vec<u8>,
    issuer: Vec<u8>,
    dates: Vec<u8>,
    key: Vec<u8>,
    identifiers: Vec<u8>,
    extensions: Vec<Vec<u8>>,
    /// Behind everything, inside what is signed.
    more: Vec<u8>,
    signature: Vec<u8>,
    /// Behind everything.
    trailing: Vec<u8>,
}

fn parts() -> Parts {
    let point = [&[0, 4][..], &[7; 64]].concat();
    Parts {
        version: VERSION_3.to_vec(),
        serial: tlv(0x02, &[&[0x7F]]),
        issuer: name(&[&attribute(3, 0x0C, b"one")]),
        dates: tlv(0x30, &[UTC, UTC]),
        key: tlv(0x30, &[P256, &tlv(0x03, &[&point])]),
        identifiers: Vec::new(),
        extensions: vec![extension(15, CRITICAL), extension(14, b"")],
        more: Vec::new(),
        signature: tlv(0x03, &[&[0, 0x30, 0x00]]),
        trailing: Vec::new(),
    }
}

impl Parts {
    fn certificate(&self) -> Vec<u8> {
        let Self { version, serial, issuer, dates, key, identifiers, more, signature, .. } = self;
        let extensions = tlv(0xA3, &[&tlv(0x30, &[&self.extensions.concat()])]);
        let signed: [&[u8]; 10] =
            [version, serial, ECDSA_SHA256, issuer, dates, issuer, key, identifiers, &extensions, more];
        [tlv(0x30, &[&tlv(0x30, &signed), ECDSA_SHA256, signature]), self.trailing.clone()].concat()
    }
}

#[track_caller]
fn refused(change: impl FnOnce(&mut Parts), reason: &str) {
    let mut parts = parts();
    change(&mut parts);
    let error = Certificate::parse(&parts.certificate()).unwrap_err().to_string();
    assert!(error.contains(reason), "expected {reason:?}, found {error:?}");
}

#[test]
fn the_honest_certificate_is_the_librarys() {
    let bytes = parts().certificate();
    let ours = Certificate::parse(&bytes).unwrap();
    let theirs = x509_cert::Certificate::from_der(&bytes).unwrap();
    assert_eq!(theirs.to_der().unwrap(), bytes);
    assert_eq!(ours.subject().common_name(), Some("one"));
    assert_eq!(ours.serial(), [0x7F]);
}

#[test]
fn versions_and_numbers() {
    refused(|parts| parts.version = Vec::new(), "certificate version: expected V3, found V1");
    refused(|parts| parts.version = b"\xA0\x03\x02\x01\x00".to_vec(), "certificate version: expected V3");
    refused(|parts| parts.version = b"\xA0\x04\x02\x02\x00\x02".to_vec(), "certificate: expected DER");
    refused(|parts| parts.version = b"\xA0\x06\x02\x01\x02\x02\x01\x02".to_vec(), "expected nothing more");
    for serial in [&b""[..], b"\x00\x7F", b"\xFF\xFF"] {
        refused(
            |parts| parts.serial = tlv(0x02, &[serial]),
            "serial number: expected an INTEGER in its shortest form",
        );
    }
    refused(
        |parts| parts.serial = tlv(0x02, &[&[0x7F; 21]]),
        "serial number: expected at most 20 bytes, found 21",
    );
    refused(
        |parts| parts.serial = tlv(0x0A, &[&[1]]),
        "certificate: expected an element of tag 02, found an element of tag 0a",
    );
}

#[test]
fn names() {
    let (a, b) = (attribute(3, 0x0C, b"a"), attribute(3, 0x0C, b"b"));
    let canonical = "issuer: expected the one DER encoding";
    refused(|parts| parts.issuer = name(&[&b, &a]), canonical);
    refused(|parts| parts.issuer = name(&[&a, &a]), canonical);
    refused(|parts| parts.issuer = name(&[]), "issuer: expected another element");
    refused(|parts| parts.issuer = name(&[&attribute(3, 0x1E, b"\0a")]), "issuer: expected text");
    refused(|parts| parts.issuer = name(&[&attribute(3, 0x0C, b"\xFF")]), "issuer: expected text");
    refused(
        |parts| parts.issuer = name(&[&tlv(0x30, &[b"\x06\x01\x80", b"\x0C\x01a"])]),
        "an object identifier",
    );
    let longer = tlv(0x30, &[&tlv(0x06, &[b"\x55\x04\x03"]), b"\x0C\x01a", b"\x0C\x01b"]);
    refused(|parts| parts.issuer = name(&[&longer]), "issuer: expected nothing more");
}

#[test]
fn dates() {
    let certificate = |dates: &[&[u8]]| {
        let bytes = Parts { dates: tlv(0x30, dates), ..parts() }.certificate();
        Certificate::parse(&bytes).map(|certificate| certificate.validity())
    };
    let utc = certificate(&[UTC, UTC]).unwrap();
    // NVIDIA's reference values.
    assert_eq!(certificate(&[GENERALIZED_2025, GENERALIZED_2025]), Ok(utc));
    assert_eq!(certificate(&[UTC, GENERALIZED_2050]).unwrap().not_after.to_string(), "2050-01-01T00:00:00Z");
    for wrong in [
        &b"\x17\x0B2501010000Z"[..],
        b"\x17\x0D250101000000+",
        b"\x17\x0D251301000000Z",
        b"\x18\x1120250101000000.5Z",
        b"\x16\x0D250101000000Z",
    ] {
        assert!(certificate(&[UTC, wrong]).is_err(), "{wrong:?}");
    }
    assert!(certificate(&[UTC]).is_err() && certificate(&[UTC, UTC, UTC]).is_err());
}

#[test]
fn extensions() {
    let with = |extension: Vec<u8>| move |parts: &mut Parts| parts.extensions.push(extension);
    refused(with(extension(1, b"\x01\x01\x00")), "critical: expected the one DER encoding");
    refused(with(extension(1, b"\x01\x01\x01")), "extensions: expected DER");
    refused(with(extension(15, b"")), "extensions: expected each at most once, found 2.5.29.15");
    refused(with(tlv(0x30, &[b"\x06\x00", b"\x04\x00"])), "an object identifier");
    refused(
        with(tlv(0x30, &[b"\x06\x01\x01", b"\x05\x00"])),
        "expected an element of tag 04, found an element of tag 05",
    );
    refused(with([extension(1, b""), vec![0]].concat()), "extensions: expected another element");
    refused(
        |parts| parts.extensions.extend((20..83).map(|arc| extension(arc, b""))),
        "extensions: expected at most 64",
    );
    let most = Parts { extensions: (20..84).map(|arc| extension(arc, b"")).collect(), ..parts() };
    assert!(Certificate::parse(&most.certificate()).is_ok());
    for tag in [0x81, 0x82] {
        refused(
            |parts| parts.identifiers = tlv(tag, &[&[0, 1]]),
            "unique identifiers: expected none, found some",
        );
    }
    refused(|parts| parts.identifiers = tlv(0xA4, &[]), "certificate: expected an element of tag a3");
    refused(|parts| parts.more = vec![5, 0], "certificate: expected nothing more, found 2 bytes more");
}

#[test]
fn keys_and_signatures() {
    let key = |bits: &[u8]| tlv(0x30, &[P256, &tlv(0x03, &[bits])]);
    refused(|parts| parts.key = key(&[&[0, 2][..], &[7; 32]].concat()), "a point of its curve, uncompressed");
    refused(|parts| parts.key = key(&[&[0, 5][..], &[7; 64]].concat()), "a point of its curve, uncompressed");
    refused(|parts| parts.key = key(&[&[1, 4][..], &[6; 64]].concat()), "subject key: expected whole bytes");
    let p521 = b"\x30\x10\x06\x07\x2A\x86\x48\xCE\x3D\x02\x01\x06\x05\x2B\x81\x04\x00\x23";
    let point = tlv(0x03, &[&[0, 4], &[7; 64]]);
    refused(|parts| parts.key = tlv(0x30, &[p521, &point]), "subject key: expected RSA, P-256 or P-384");
    refused(|parts| parts.signature = tlv(0x03, &[&[1, 2]]), "signature value: expected whole bytes");
    refused(|parts| parts.trailing = vec![0], "certificate: expected nothing more");
    refused(|parts| parts.signature.extend([5, 0]), "certificate: expected nothing more");
}

#[test]
fn lengths() {
    let honest = parts().certificate();
    assert_eq!(honest[..2], [0x30, 0x81]);
    let needless = [&[0x30, 0x82, 0, honest[2]], &honest[3..]].concat();
    let indefinite = [&[0x30, 0x80], &honest[3..], &[0, 0]].concat();
    for wrong in [needless, indefinite, vec![0; CERTIFICATE_MAX_BYTES], Vec::new()] {
        assert!(Certificate::parse(&wrong).is_err());
    }
    for length in 0..honest.len() {
        assert!(Certificate::parse(&honest[..length]).is_err(), "{length}");
    }
    let pem = b"-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n";
    let error = Certificate::parse(pem).unwrap_err().to_string();
    assert_eq!(error, "certificate: expected DER, found PEM, in which DER is text");
    assert_eq!(
        Certificate::parse(&[]).unwrap_err().to_string(),
        "certificate: expected another element of DER, found nothing"
    );
    let error = Certificate::parse(&vec![0; CERTIFICATE_MAX_BYTES + 1]).unwrap_err().to_string();
    assert_eq!(error, "certificate: expected at most 8192 bytes, found 8193");
    let error = Crl::parse(&vec![0; CRL_MAX_BYTES + 1]).unwrap_err().to_string();
    assert_eq!(error, "CRL: expected at most 65536 bytes, found 65537");
}

/// Of a revocation list, in their order.
#[derive(Clone)]
struct ListParts {
    version: Vec<u8>,
    this_update: Vec<u8>,
    next_update: Vec<u8>,
    entries: Vec<Vec<u8>>,
    extensions: Vec<Vec<u8>>,
    more: Vec<u8>,
}

fn entry(serial: u8, date: &[u8], more: &[u8]) -> Vec<u8> {
    tlv(0x30, &[&tlv(0x02, &[&[serial]]), date, more])
}

fn list_parts() -> ListParts {
    let reason = tlv(0x30, &[&extension(21, b"")]);
    ListParts {
        version: b"\x02\x01\x01".to_vec(),
        this_update: UTC.to_vec(),
        next_update: GENERALIZED_2050.to_vec(),
        entries: vec![entry(1, UTC, b""), entry(2, UTC, &reason)],
        extensions: vec![extension(20, b"")],
        more: Vec::new(),
    }
}

impl ListParts {
    fn list(&self) -> Vec<u8> {
        let Self { version, this_update, next_update, more, .. } = self;
        let issuer = name(&[&attribute(3, 0x0C, b"one")]);
        let entries = tlv(0x30, &[&self.entries.concat()]);
        let extensions = tlv(0xA0, &[&tlv(0x30, &[&self.extensions.concat()])]);
        let signed: [&[u8]; 8] =
            [version, ECDSA_SHA256, &issuer, this_update, next_update, &entries, &extensions, more];
        tlv(0x30, &[&tlv(0x30, &signed), ECDSA_SHA256, &tlv(0x03, &[&[0, 1]])])
    }
}

#[track_caller]
fn list_refused(change: impl FnOnce(&mut ListParts), reason: &str) {
    let mut parts = list_parts();
    change(&mut parts);
    let error = Crl::parse(&parts.list()).unwrap_err().to_string();
    assert!(error.contains(reason), "expected {reason:?}, found {error:?}");
}

#[test]
fn lists() {
    let bytes = list_parts().list();
    let ours = Crl::parse(&bytes).unwrap();
    let theirs: CertificateList = CertificateList::from_der(&bytes).unwrap();
    assert_eq!(theirs.to_der().unwrap(), bytes);
    assert!(ours.revoked().eq([[1], [2]]));

    list_refused(|parts| parts.version = Vec::new(), "CRL version: expected V2, found V1");
    list_refused(|parts| parts.version = b"\x02\x01\x00".to_vec(), "CRL version: expected V2, found V1");
    list_refused(|parts| parts.version = b"\x02\x01\x02".to_vec(), "CRL version: expected V2, found V3");
    list_refused(|parts| parts.next_update = Vec::new(), "nextUpdate: expected a time, found none");
    let kind = "CRL: expected the one DER encoding";
    list_refused(|parts| parts.this_update = GENERALIZED_2025.to_vec(), kind);
    list_refused(|parts| parts.next_update = GENERALIZED_2025.to_vec(), kind);
    list_refused(
        |parts| parts.entries.push(entry(3, GENERALIZED_2025, b"")),
        "CRL entry: expected the one DER encoding",
    );
    list_refused(|parts| parts.entries.push(entry(3, b"", b"")), "CRL entry: expected another element");
    let critical = tlv(0x30, &[&extension(21, CRITICAL)]);
    list_refused(
        |parts| parts.entries.push(entry(3, UTC, &critical)),
        "CRL entry: expected no critical extension, found critical extension: expected one that is known, found 2.5.29.21",
    );
    let longer = [tlv(0x30, &[]), vec![5, 0]].concat();
    list_refused(|parts| parts.entries.push(entry(3, UTC, &longer)), "CRL entry: expected nothing more");
    // A delta list, for example.
    list_refused(
        |parts| parts.extensions.push(extension(27, CRITICAL)),
        "one that is known, found 2.5.29.27",
    );
    list_refused(|parts| parts.more = vec![5, 0], "CRL: expected nothing more");
}

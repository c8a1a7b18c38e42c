//! Real NVIDIA evidence, changed in one place at a time: every part is covered by a signature, and the code that a change
//! ends in is that of the object that it is in. Where there are fixtures.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

#[path = "support/each.rs"]
mod each;

use std::path::Path;

use attestation_verify::nvidia::{
    Challenge, Evidence, RimFiles, RimKind, Roots, SdkEvidence, read_report, verify,
};
use attestation_verify::{Code, Rejection};
use attestation_x509::{Instant, pem};
use base64ct::{Base64, Encoding};
use each::by_each;

/// What a change to the layout of a report ends in; any other change breaks its signature.
const PARSE: [Code; 3] = [Code::Truncated, Code::UnsupportedVersion, Code::Malformed];

#[derive(Clone)]
struct Files {
    report: Vec<u8>,
    chain: Vec<u8>,
    driver: Option<Vec<u8>>,
    vbios: Option<Vec<u8>>,
}

impl Files {
    fn read() -> Option<Self> {
        let folder = tests_needs::fixture("nvidia/h100-545-full")?;
        let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
        let (report, chain) = (read("report.bin"), read("chain.pem"));
        let [driver, vbios] = ["driver_rim.xml", "vbios_rim.xml"].map(|name| Some(read(name)));
        Some(Self { report, chain, driver, vbios })
    }

    /// For changes that have nothing to do with manifests, whose signatures take most of the time.
    fn without_manifests(self) -> Self {
        Self { driver: None, vbios: None, ..self }
    }

    fn verify(&self) -> Result<(), Rejection> {
        let rims = RimFiles { driver: self.driver.as_deref(), vbios: self.vbios.as_deref() };
        let evidence = Evidence { report: Some(&self.report), chain: Some(&self.chain), rims };
        by_each(at(), |by| verify(&evidence, Challenge::NotPosed, &Roots::default(), by)).map(drop)
    }

    /// The code that a changed copy is refused with.
    fn refusal(&self, change: impl FnOnce(&mut Self)) -> Code {
        let mut changed = self.clone();
        change(&mut changed);
        let rejection = changed.verify().unwrap_err();
        rejection.reason().unwrap().0
    }
}

fn at() -> Instant {
    "2024-06-01T00:00:00Z".parse().unwrap()
}

#[test]
fn every_part_of_a_report() {
    let Some(files) = Files::read().map(Files::without_manifests) else { return };
    assert_eq!(files.verify(), Ok(()));
    let (mut layout, mut signed) = (0, 0);
    for offset in places(&files.report) {
        let code = files.refusal(|files| files.report[offset] ^= 0x40);
        match code {
            Code::SignatureInvalid => signed += 1,
            code if PARSE.contains(&code) => layout += 1,
            code => panic!("byte {offset}: {code}"),
        }
    }
    // Codes, lengths and types: 3 of the request, 6 of the response, 6 of each block, 2 and 2 of each field and the opaque
    // data. A block's index and type, a slot or an identifier decide no layout.
    assert!(signed > 200 && layout > 64 * 5, "{signed} signed, {layout} of the layout");
}

/// A byte of every field of the messages: all of the fixed parts, and the first and last of what is longer.
fn places(report: &[u8]) -> Vec<usize> {
    let parsed = read_report(Some(report)).unwrap();
    let mut places: Vec<usize> = (0..8).chain([35]).chain(36..45).collect();
    let mut offset = 45;
    for measurement in parsed.measurements().iter() {
        places.extend(offset..offset + 8);
        offset += 7 + measurement.value.len();
        places.push(offset - 1);
    }
    places.extend([offset, offset + 31]);
    offset += 32;
    places.extend([offset, offset + 1]);
    offset += 2;
    for field in parsed.fields().iter() {
        places.extend(offset..offset + 5);
        offset += 4 + field.value.len();
        places.push(offset - 1);
    }
    assert_eq!(offset + 96, report.len());
    places.extend([offset, offset + 47, offset + 48, offset + 95]);
    places
}

#[test]
fn reports_cut_short_and_longer() {
    let Some(files) = Files::read() else { return };
    for length in 0..files.report.len() {
        let rejection = read_report(Some(&files.report[..length])).unwrap_err();
        assert_eq!(rejection.reason().unwrap().0, Code::Truncated, "{length}");
    }
    let longer = [files.report.as_slice(), &[1, 2, 3]].concat();
    assert_eq!(read_report(Some(&longer)).unwrap().trailing_bytes(), 3);
    let longest = [files.report.as_slice(), &[0; 1 << 14]].concat();
    assert_eq!(read_report(Some(&longest)).unwrap_err().reason().unwrap().0, Code::Malformed);
}

#[test]
fn every_certificate_of_a_device() {
    let Some(files) = Files::read().map(Files::without_manifests) else { return };
    let certificates = pem::certificates(&files.chain).unwrap();
    assert_eq!(certificates.len(), 5);
    let expected = [
        Code::CertificateEncoding,
        Code::CertificateSignatureInvalid,
        Code::ChainIncomplete,
        Code::ChainUntrustedRoot,
    ];
    for (position, certificate) in certificates.iter().enumerate() {
        for offset in (0..certificate.len()).step_by(13).chain([certificate.len() - 1]) {
            let mut changed = certificates.clone();
            changed[position][offset] ^= 1;
            let code = files.refusal(|files| files.chain = to_pem(&changed));
            assert!(expected.contains(&code), "certificate {position}, byte {offset}: {code}");
        }
        let mut others = certificates.clone();
        others.remove(position);
        assert_eq!(files.refusal(|files| files.chain = to_pem(&others)), Code::ChainIncomplete);
    }
    let reversed: Vec<_> = certificates.iter().rev().cloned().collect();
    assert_eq!(files.refusal(|files| files.chain = to_pem(&reversed)), Code::ChainIncomplete);
}

fn to_pem(certificates: &[Vec<u8>]) -> Vec<u8> {
    let mut text = String::new();
    for certificate in certificates {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        for line in Base64::encode_string(certificate).as_bytes().chunks(64) {
            text.push_str(str::from_utf8(line).unwrap());
            text.push('\n');
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text.into_bytes()
}

/// What stands before the character that is changed, and what the change ends in.
const PARTS: &[(&str, Code)] = &[
    // SignedInfo.
    ("<ds:DigestValue>", Code::RimSignatureInvalid),
    ("<ds:CanonicalizationMethod Algorithm=\"", Code::RimEncoding),
    ("<ds:SignatureMethod Algorithm=\"", Code::RimEncoding),
    ("<ds:Transform Algorithm=\"", Code::RimEncoding),
    ("<ds:DigestMethod Algorithm=\"", Code::RimEncoding),
    // SignatureValue and KeyInfo.
    ("<ds:SignatureValue>", Code::RimSignatureInvalid),
    ("<ds:X509Certificate>MII", Code::RimEncoding),
    // What is signed, in the order of the file.
    ("tagId=\"", Code::RimSignatureInvalid),
    ("<ns0:Entity name=\"", Code::RimSignatureInvalid),
    ("colloquialVersion=\"", Code::RimSignatureInvalid),
    ("index=\"", Code::RimSignatureInvalid),
    ("active=\"", Code::RimSignatureInvalid),
    ("Hash0=\"", Code::RimSignatureInvalid),
    ("</ns0:Payload>", Code::RimSignatureInvalid),
];

#[test]
fn every_part_of_a_manifest() {
    let Some(files) = Files::read() else { return };
    for kind in [RimKind::Driver, RimKind::Vbios] {
        let file = if kind == RimKind::Driver { &files.driver } else { &files.vbios };
        let text = str::from_utf8(file.as_deref().unwrap()).unwrap();
        for (before, expected) in PARTS {
            let place = text.find(before).unwrap_or_else(|| panic!("{kind} has {before}")) + before.len();
            let changed = with_other_digit(text, place);
            let code = files.refusal(|files| set(files, kind, changed.as_bytes()));
            assert_eq!(code, *expected, "{kind}: {before}");
        }
        certificates_of_a_manifest(&files, kind, text);
    }
}

/// With another digit in this place, or, where there is white space, with other space.
fn with_other_digit(text: &str, place: usize) -> String {
    let other = match text.as_bytes()[place] {
        b'B' => 'C',
        b'\n' => ' ',
        _ => 'B',
    };
    format!("{}{other}{}", &text[..place], &text[place + 1..])
}

fn certificates_of_a_manifest(files: &Files, kind: RimKind, text: &str) {
    let expected =
        [Code::RimEncoding, Code::RimSignatureInvalid, Code::RimChainIncomplete, Code::RimChainUntrustedRoot];
    let start = "<ds:X509Certificate>";
    let mut count = 0;
    for (place, _) in text.match_indices(start) {
        let end = place + text[place..].find("</").unwrap();
        for place in (place + start.len()..end).step_by(61) {
            if text.as_bytes()[place].is_ascii_alphanumeric() {
                let changed = with_other_digit(text, place);
                let code = files.refusal(|files| set(files, kind, changed.as_bytes()));
                assert!(expected.contains(&code), "{kind}, byte {place}: {code}");
            }
        }
        count += 1;
    }
    assert_eq!(count, 4, "{kind}: certificates");
}

fn set(files: &mut Files, kind: RimKind, bytes: &[u8]) {
    let file = if kind == RimKind::Driver { &mut files.driver } else { &mut files.vbios };
    *file = Some(bytes.to_vec());
}

/// Comments and references are where other verifiers were fooled: a value that is cut in two, or spelled otherwise.
#[test]
fn what_changes_a_manifest_without_changing_its_digest() {
    let Some(files) = Files::read() else { return };
    let text = str::from_utf8(files.driver.as_deref().unwrap()).unwrap();
    let same_content =
        text.replacen(" corpus=\"false\" name=\"GH100\"", "  name='GH100'\n corpus=\"false\"", 1);
    assert_ne!(same_content, text);
    assert_eq!(Files { driver: Some(same_content.into_bytes()), ..files.clone() }.verify(), Ok(()));
    for (from, to) in [
        ("<ns0:Payload ", "<!-- --><ns0:Payload "),
        ("name=\"GH100\"", "name=\"&#71;H100\""),
        ("\n", "\r\n"),
        ("<SoftwareIdentity ", "<SoftwareIdentity xmlns=\"u:other\" "),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        let code = files.refusal(|files| files.driver = Some(changed.into_bytes()));
        assert_eq!(code, Code::RimEncoding, "{to}");
    }
}

#[test]
fn a_machine_without_one_of_its_devices() {
    let Some(folder) = tests_needs::fixture("nvidia") else { return };
    let path: &Path = &folder.join("sdk-evidence/multi_gpu_hopper.json");
    let text = std::fs::read_to_string(path).unwrap();
    let verify = |text: &str| {
        let evidence = SdkEvidence::parse(text.as_bytes()).unwrap();
        let at = "2026-06-01T00:00:00Z".parse().unwrap();
        by_each(at, |by| evidence.verify(|_| RimFiles::default(), Challenge::NotPosed, &Roots::default(), by))
            .map(drop)
    };
    assert_eq!(verify(&text), Ok(()));
    let mut array: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    array.swap(0, 3);
    assert_eq!(verify(&serde_json::to_string(&array).unwrap()), Ok(()));
    array[1] = array[2].clone();
    let rejection = verify(&serde_json::to_string(&array).unwrap()).unwrap_err();
    assert_eq!(rejection.reason().unwrap().0, Code::DeviceRepeated);
}

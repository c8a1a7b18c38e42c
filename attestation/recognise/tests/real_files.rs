//! Every file of the shared evidence is what its folder says. Where there are fixtures.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};

use attestation_recognise::{Item, Kind, RecogniseError, recognise};
use base64ct::{Base64, Base64Url, Base64UrlUnpadded, Encoding};

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, into) } else { into.push(path) }
    }
}

/// What a file should hold, by its name; `None` for what is no evidence or collateral, or not in a form that is known.
fn expected(path: &str) -> Option<&'static [Kind]> {
    let name = path.rsplit('/').next().unwrap();
    Some(match name {
        _ if path.contains("/parse-only/") || path.contains("/fake-v1/") => return None,
        "report.bin" if path.contains("/snp/") => &[Kind::SnpReport],
        "report.bin" => &[Kind::SpdmReport],
        "quote.bin" | "quote.dat" => &[Kind::TdxQuote],
        "gpu_evidence.json" | "hopper_evidence.json" | "multi_gpu_hopper.json" => &[Kind::NvidiaEvidence],
        "host_amd_certificate.json" => &[Kind::Certificate, Kind::Certificate, Kind::Certificate],
        "evidence.json" => {
            &[Kind::HclReport, Kind::TpmQuote, Kind::TpmSignature, Kind::TpmRegisters, Kind::Certificate]
        }
        "quote-report.json" => &[Kind::TdxQuote, Kind::EventLog],
        "collateral.json" => &[
            Kind::TcbInfo,
            Kind::QeIdentity,
            Kind::Certificate,
            Kind::Certificate,
            Kind::RevocationList,
            Kind::RevocationList,
        ],
        "collateral_thim.json" => &[
            Kind::TcbInfo,
            Kind::TcbInfo,
            Kind::TcbInfo,
            Kind::QeIdentity,
            Kind::Certificate,
            Kind::Certificate,
            Kind::Certificate,
            Kind::Certificate,
            Kind::RevocationList,
            Kind::RevocationList,
        ],
        "ccel_data.dat" | "ccel_match.dat" | "ccel_mismatch.bin" => &[Kind::EventLog],
        _ if name.ends_with(".csr.der") => return None,
        _ if name.to_lowercase().contains("crl") => &[Kind::RevocationList],
        _ if name.ends_with(".der") || name.ends_with(".crt") => &[Kind::Certificate],
        _ if name.starts_with("tcb_info") || name == "tcbInfo.json" => &[Kind::TcbInfo],
        _ if name.contains("qe_identity") && name.ends_with(".json") || name == "qeIdentity.json" => {
            &[Kind::QeIdentity]
        }
        _ if name.ends_with(".swidtag") || name.ends_with(".xml") => &[Kind::Rim],
        _ => return None,
    })
}

fn kinds(items: &[Item]) -> Vec<Kind> {
    items.iter().map(|item| item.kind).collect()
}

#[test]
fn every_file_is_what_its_name_says() {
    let mut paths = Vec::new();
    for vendor in ["snp", "tdx", "nvidia"] {
        let Some(folder) = tests_needs::fixture(vendor) else { return };
        files(&folder, &mut paths);
    }
    let mut checked = 0;
    for path in paths {
        let name = path.to_string_lossy().into_owned();
        let bytes = fs::read(&path).unwrap();
        if name.ends_with(".pem") {
            let items = recognise(&bytes).unwrap();
            assert!(!items.is_empty() && items.iter().all(|item| item.kind == Kind::Certificate), "{name}");
            checked += 1;
        } else if let Some(expected) = expected(&name) {
            let items = recognise(&bytes).unwrap_or_else(|error| vec![error_item(&name, &error)]);
            assert_eq!(kinds(&items), expected, "{name}");
            checked += 1;
        }
    }
    assert!(checked > 100, "{checked}");
}

#[expect(clippy::panic, reason = "a test")]
fn error_item(name: &str, error: &RecogniseError) -> Item {
    panic!("{name}: {error}")
}

/// `an authority of few words` has revoked nothing.
const SHORT_LIST: &str = "3081aa3053020101300a06082a8648ce3d04030230243122302006035504030c19616e20617574686f72697479206f66\
    2066657720776f726473170d3235303130313030303030305a170d3236303130313030303030305a300a06082a8648ce\
    3d0403020347003044022011111111111111111111111111111111111111111111111111111111111111110220222222\
    2222222222222222222222222222222222222222222222222222222222";

#[test]
fn a_short_revocation_list_is_one() {
    for text in [SHORT_LIST.to_owned(), SHORT_LIST.to_uppercase()] {
        let items = recognise(text.as_bytes()).unwrap();
        assert_eq!(kinds(&items), [Kind::RevocationList]);
        assert!(items[0].bytes.starts_with(&[0x30, 0x81]));
    }
    let der: Vec<u8> = recognise(SHORT_LIST.as_bytes()).unwrap().remove(0).bytes;
    let body = Base64::encode_string(&der);
    let lines: Vec<&str> = body.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    let pem = format!("-----BEGIN X509 CRL-----\n{}\n-----END X509 CRL-----\n", lines.join("\n"));
    let items = recognise(pem.as_bytes()).unwrap();
    assert_eq!((kinds(&items), &items[0].bytes), (vec![Kind::RevocationList], &der));
}

/// Hexadecimal and base64 of a report, in lines and in one, in both alphabets.
#[test]
fn wrappers_come_off() {
    let Some(folder) = tests_needs::fixture("snp") else { return };
    let report = fs::read(folder.join("genoa-v5-oak/report.bin")).unwrap();
    let digits: Vec<String> = report.iter().map(|byte| format!("{byte:02x}")).collect();
    let hex = digits.concat();
    let lines = digits.chunks(32).map(|line| line.concat() + "\n").collect::<String>();
    for (text, wrapper) in
        [(hex.clone(), "hexadecimal"), (lines, "hexadecimal"), (format!("0x{hex}\n"), "hexadecimal")]
    {
        let items = recognise(text.as_bytes()).unwrap();
        assert_eq!(
            items[0],
            Item { kind: Kind::SnpReport, bytes: report.clone(), within: vec![wrapper.into()] }
        );
    }
    for text in [
        Base64::encode_string(&report),
        Base64Url::encode_string(&report),
        Base64UrlUnpadded::encode_string(&report),
    ] {
        let items = recognise(text.as_bytes()).unwrap();
        assert_eq!(
            (items[0].kind, items[0].within.as_slice()),
            (Kind::SnpReport, &["base64".to_owned()][..])
        );
        assert_eq!(items[0].bytes, report);
    }
    let twice = Base64::encode_string(hex.as_bytes());
    assert_eq!(recognise(twice.as_bytes()).unwrap()[0].within, ["base64", "hexadecimal"]);
    let mut deep = report;
    for _ in 0..5 {
        deep = Base64::encode_string(&deep).into_bytes();
    }
    assert_eq!(recognise(&deep), Err(RecogniseError::TooMuch));
}

#[test]
fn a_certificate_table_is_taken_apart() {
    let Some(folder) = tests_needs::fixture("snp") else { return };
    let file = |name: &str| fs::read(folder.join(name)).unwrap();
    let (report, vcek, ask) =
        (file("genoa-v5-oak/report.bin"), file("genoa-v5-oak/vcek.der"), file("certs/genoa/ask.der"));
    let mut bytes = report.clone();
    let entries = [
        (attestation_report::table::EntryKind::VCEK, &vcek),
        (attestation_report::table::EntryKind::ASK, &ask),
    ];
    let mut offset = 72_u32;
    for (kind, contents) in entries {
        let length = u32::try_from(contents.len()).unwrap();
        bytes.extend(kind.0);
        bytes.extend(offset.to_le_bytes());
        bytes.extend(length.to_le_bytes());
        offset += length;
    }
    bytes.extend([0; 24]);
    bytes.extend(&vcek);
    bytes.extend(&ask);
    let items = recognise(&bytes).unwrap();
    assert_eq!(kinds(&items), [Kind::SnpReport, Kind::Certificate, Kind::Certificate]);
    assert_eq!((&items[0].bytes, &items[1].bytes, &items[2].bytes), (&report, &vcek, &ask));
    assert_eq!(items[1].within, ["extended guest report", "certificate table"]);
}

/// Every entry of a table is all that follows the table.
fn repeated(contents: &[u8]) -> Vec<u8> {
    let mut report = vec![0; attestation_report::REPORT_BYTES];
    (report[0], report[0x34]) = (5, 1);
    let (offset, length) = (24 * 17_u32, u32::try_from(contents.len()).unwrap());
    let entry = [&[1; 16][..], &offset.to_le_bytes(), &length.to_le_bytes()].concat();
    [report, entry.repeat(16), vec![0; 24], contents.to_vec()].concat()
}

#[test]
fn tables_cannot_multiply_what_a_file_holds() {
    let blob = [&attestation_report::hcl::SIGNATURE[..], &[0; 4096]].concat();
    assert_eq!(recognise(&repeated(&blob[..512])).unwrap().len(), 17);
    for bytes in [repeated(&blob), repeated(&repeated(&blob))] {
        let limit = bytes.len() + attestation_recognise::ADDED_MAX_BYTES;
        assert_eq!(recognise(&bytes), Err(RecogniseError::Repeated { limit }));
    }
}

#[test]
fn what_is_not_known_is_said_with_its_beginning() {
    for (bytes, message) in [
        (&b""[..], "found an empty file"),
        (&[0xFF; 40], "40 bytes that begin with ffffffffffffffffffffffffffffffff"),
        (b"hello, world", "text that begins with \"hello, world\""),
        (b"{\"a\": 1}", "JSON: an object with none of the fields"),
        (b"[1, 2]", "JSON: an array"),
        (b"{\"a\": ", "JSON: EOF"),
        (
            b"-----BEGIN PUBLIC KEY-----\nAAEC\n-----END PUBLIC KEY-----\n",
            "PEM: PEM: expected -----BEGIN CERTIFICATE",
        ),
        (b"{\"platform\": \"az-snp\", \"evidence\": {}}", "virtual TPM: missing field `tpm_quote`"),
    ] {
        let error = recognise(bytes).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    let nested = "[".repeat(100_000);
    assert!(recognise(nested.as_bytes()).unwrap_err().to_string().contains("JSON: EOF"));
    let long = vec![b' '; attestation_recognise::FILE_MAX_BYTES + 1];
    assert!(recognise(&long).unwrap_err().to_string().contains("at most 8388608 bytes"));
}

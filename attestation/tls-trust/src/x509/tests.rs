//! Certificates of real authorities, and the same read by others.

use core::time::Duration;

use pem_rfc7468::decode_vec;
use proptest::prelude::*;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage};
use x509_cert::der::Encode as _;

use super::*;

/// When the certificates in the file begin and end, as OpenSSL prints it.
const ROOTS: [(&str, u64, u64); 6] = [
    ("ISRG Root X2", 1_599_177_600, 2_231_510_400),
    ("DigiCert Global Root G3", 1_375_358_400, 2_147_169_600),
    ("GTS Root R4", 1_466_553_600, 2_097_705_600),
    ("Amazon Root CA 3", 1_432_598_400, 2_221_603_200),
    ("COMODO ECC Certification Authority", 1_204_761_600, 2_147_471_999),
    ("Telekom Security TLS ECC Root 2020", 1_598_341_700, 2_387_318_399),
];
/// The last second of the year 9999, the last that can be written.
const LAST_SECOND: u64 = 253_402_300_799;

fn roots() -> Vec<Vec<u8>> {
    let certificates = include_str!("roots.pem").split_inclusive("-----END CERTIFICATE-----\n");
    certificates.map(|pem| decode_vec(pem.as_bytes()).unwrap().1).collect()
}

fn certificate(not_before: u64, not_after: u64) -> Vec<u8> {
    let since_1970 = |seconds| date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds);
    let mut params = CertificateParams::new(["a.example".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (since_1970(not_before), since_1970(not_after));
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

fn read_by_another(certificate: &[u8]) -> (Vec<u8>, Validity) {
    let read = x509_cert::Certificate::from_der(certificate).unwrap();
    let signed = read.tbs_certificate();
    let seconds = |time: x509_cert::time::Time| time.to_unix_duration().as_secs();
    let validity = signed.validity();
    let (not_before, not_after) = (seconds(validity.not_before), seconds(validity.not_after));
    (signed.issuer().to_der().unwrap(), Validity { not_before, not_after })
}

#[test]
fn certificates_of_real_authorities_are_read() {
    let roots = roots();
    assert_eq!(roots.len(), ROOTS.len());
    for (der, (name, not_before, not_after)) in roots.iter().zip(ROOTS) {
        let fields = Fields::read(der).unwrap();
        assert_eq!(fields.validity, Validity { not_before, not_after }, "{name}");
        let has_name = fields.issuer.windows(name.len()).any(|window| window == name.as_bytes());
        assert!(has_name, "{name}");
        let is_listed = |anchor: &rustls_pki_types::TrustAnchor<'_>| fields.issuer.ends_with(&anchor.subject);
        assert!(webpki_roots::TLS_SERVER_ROOTS.iter().any(is_listed), "{name}");
        assert_eq!((fields.issuer.to_vec(), fields.validity), read_by_another(der), "{name}");
    }
}

/// `UTCTime` ends with 2049.
#[test]
fn both_kinds_of_time_are_read() {
    for (not_before, not_after) in
        [(0, 1), (946_684_799, 946_684_800), (2_524_607_999, 2_524_608_000), (1_800_000_000, LAST_SECOND)]
    {
        let validity = Fields::read(&certificate(not_before, not_after)).unwrap().validity;
        assert_eq!(validity, Validity { not_before, not_after });
    }
}

#[test]
fn lengths_have_one_spelling() {
    let element = |bytes: &'static [u8]| Element::split(bytes).map(|(element, rest)| (element.content, rest));
    assert_eq!(element(b"\x04\x01ab"), Some((&b"a"[..], &b"b"[..])));
    for wrong in [&b"\x04\x81\x01a"[..], b"\x04\x82\x00\x01a", b"\x04\x80a\0\0", b"\x04\x83\0\0\x01a"] {
        assert_eq!(element(wrong), None, "{wrong:?}");
    }
    for short in [&b""[..], b"\x04", b"\x04\x02a", b"\x04\x81", b"\x04\x82\x01", b"\x1F\x81\x01\x00"] {
        assert_eq!(element(short), None, "{short:?}");
    }
}

#[test]
fn what_is_no_certificate_is_refused() {
    let der = certificate(0, 1);
    assert!(Fields::read(&der).is_some());
    assert!(Fields::read(&[&der[..], &[0]].concat()).is_none());
    for length in 0..der.len() {
        assert!(Fields::read(&der[..length]).is_none(), "{length}");
    }
}

#[test]
fn both_are_valid_in_the_narrower_of_two() {
    let (a, b) = (Validity { not_before: 1, not_after: 5 }, Validity { not_before: 3, not_after: 9 });
    assert_eq!(a.and(b), Validity { not_before: 3, not_after: 5 });
    assert_eq!(b.and(a), a.and(b));
}

/// What webpki read, as far as it tells: in its errors.
fn read_by_webpki(der: &[u8], at: u64) -> Result<(), webpki::Error> {
    let der = CertificateDer::from(der);
    let certificate = EndEntityCert::try_from(&der)?;
    let time = UnixTime::since_unix_epoch(Duration::from_secs(at));
    let usage = KeyUsage::server_auth();
    certificate.verify_for_usage(webpki::ALL_VERIFICATION_ALGS, &[], &[], time, usage, None, None).map(drop)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn times_are_those_that_others_read(begin in 1..LAST_SECOND / 2, length in 0..LAST_SECOND / 2) {
        let der = certificate(begin, begin + length);
        let fields = Fields::read(&der).unwrap();
        prop_assert_eq!(fields.validity, Validity { not_before: begin, not_after: begin + length });
        prop_assert_eq!((fields.issuer.to_vec(), fields.validity), read_by_another(&der));
        let not_yet = read_by_webpki(&der, begin - 1);
        let is_told = matches!(not_yet, Err(webpki::Error::CertNotValidYet { not_before, .. })
            if not_before.as_secs() == begin);
        prop_assert!(is_told, "{not_yet:?}");
        let expired = read_by_webpki(&der, begin + length + 1);
        let is_told = matches!(expired, Err(webpki::Error::CertExpired { not_after, .. })
            if not_after.as_secs() == begin + length);
        prop_assert!(is_told, "{expired:?}");
    }
}

proptest! {
    /// Where webpki takes a changed certificate for one, times are read as it reads them, or not at all.
    #[test]
    fn changed_certificates_never_have_two_readings(at in 0..500_usize, byte: u8) {
        let mut der = roots().swap_remove(0);
        if let Some(place) = der.get_mut(at) {
            *place = byte;
        }
        let fields = Fields::read(&der);
        if let Err(webpki::Error::CertExpired { not_after, .. }) = read_by_webpki(&der, LAST_SECOND + 1) {
            let read = fields.map(|fields| fields.validity.not_after);
            prop_assert!(read.is_none_or(|read| read == not_after.as_secs()));
        }
    }

    #[test]
    fn anything_may_come(bytes: Vec<u8>) {
        let _ = Fields::read(&bytes);
    }
}

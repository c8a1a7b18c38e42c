//! What authors write of keys, certificates and time servers.

use alloc::format;
use alloc::string::ToString;

use attestation_manifest::{HexDigest, TlsRoots};

use super::*;
use crate::AppToml;

/// ISRG Root X1's key as `openssl` prints it, and any other.
const KEY: &str = "0b9fa5a59eed715c26c1020c711b4f6ec42d58b0015e14337a39dad301c5afc3";
/// A certificate of P-256 that signed itself: `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 36500
/// -subj "/CN=Test CA"`.
const AUTHORITY: &str = include_str!("authority.pem");

fn app(rest: &str) -> Result<AppToml, AppTomlError> {
    AppToml::parse(&format!("name = \"a\"\n{rest}"))
}

fn refusal(rest: &str) -> String {
    app(rest).unwrap_err().to_string()
}

fn host(authorities: &str) -> String {
    format!("[[tls.hosts]]\nhost = \"a.example\"\nauthorities = [{authorities}]\n")
}

#[test]
fn browsers_roots_are_the_default() {
    assert_eq!(app("").unwrap().tls, AppTls { roots: TlsRoots::Mozilla, hosts: Vec::new() });
    assert_eq!(app("[tls]\nroots = \"none\"").unwrap().tls.roots, TlsRoots::None);
    assert!(refusal("[tls]\nroots = \"system\"").contains("unknown variant `system`"));
}

#[test]
fn authorities_are_certificates_in_pem() {
    let pem = format!("'''{AUTHORITY}'''");
    let parsed = app(&host(&pem)).unwrap();
    let [encoded] = &parsed.tls.hosts[0].authorities().unwrap()[..] else { panic!("one authority") };
    assert_eq!(
        Base64::decode_vec(encoded).unwrap(),
        pem_rfc7468::decode_vec(AUTHORITY.as_bytes()).unwrap().1
    );
    for (bad, problem) in [
        ("'ca.pem'".into(), "not one PEM block"),
        (format!("'''{AUTHORITY}{AUTHORITY}'''"), "not one PEM block"),
        (pem.replace("CERTIFICATE", "PUBLIC KEY"), "expected CERTIFICATE, found PUBLIC KEY"),
        ("'''-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----'''".into(), "BadDer"),
    ] {
        let error = refusal(&host(&bad));
        assert!(error.contains("`tls.hosts.authorities` of a.example, number 0"), "{error}");
        assert!(error.contains(problem), "{problem}: {error}");
    }
}

#[test]
fn keys_of_servers_have_two_spellings() {
    let server = |key: &str| app(&format!("time = [{{ host = \"a\", public_key = \"{key}\" }}]"));
    let hex = server(KEY).unwrap();
    let base64 = server("C5+lpZ7tcVwmwQIMcRtPbsQtWLABXhQzejna0wHFr8M=").unwrap();
    assert_eq!(hex.time, base64.time);
    assert_eq!((hex.time[0].port, hex.time[0].public_key), (5319, HexDigest::parse(KEY).unwrap()));
    for bad in ["", "C5+l", &KEY.to_uppercase(), &format!("{KEY}00")] {
        assert!(server(bad).unwrap_err().to_string().contains("44 characters of Base64"), "{bad}");
    }
}

#[test]
fn lists_are_bounded() {
    let hosts = format!("[[tls.hosts]]\nhost = \"a\"\nspki_sha256 = [\"{KEY}\"]\n").repeat(9);
    assert_eq!(refusal(&hosts), "app.toml field `tls.hosts`: expected at most 8 entries, found 9");
    let keys = format!("[[tls.hosts]]\nhost = \"a\"\nspki_sha256 = [{}]", format!("\"{KEY}\",").repeat(5));
    assert_eq!(refusal(&keys), "app.toml field `tls.hosts.spki_sha256`: expected at most 4 entries, found 5");
    let authorities = host(&"'',".repeat(5));
    assert!(refusal(&authorities).contains("`tls.hosts.authorities`: expected at most 4 entries, found 5"));
    let servers = format!("time = [{}]", format!("{{ host = \"a\", public_key = \"{KEY}\" }},").repeat(9));
    assert_eq!(refusal(&servers), "app.toml field `time`: expected at most 8 entries, found 9");
}

#[test]
fn texts_that_the_guest_cannot_read_are_refused() {
    assert!(refusal("[[tls.hosts]]\nhost = 'a\"b'").contains("`tls.hosts.host`"));
    assert!(refusal(&format!("time = [{{ host = 'a\\', public_key = '{KEY}' }}]")).contains("`time.host`"));
}

//! Entries that mean something, and those that do not.

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, GeneralSubtree, IsCa, KeyPair, NameConstraints,
};

use super::*;

fn authority(constraints: Option<NameConstraints>) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.name_constraints = constraints;
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

fn entry(host: &str, authorities: Vec<Vec<u8>>, keys: &[[u8; 32]]) -> HostTrust {
    HostTrust { host: host.into(), authorities, spki_sha256: keys.to_vec() }
}

fn host(text: &str) -> ServerHost {
    ServerHost::parse(text).unwrap()
}

fn refused(anchors: Anchors, entry: HostTrust) -> TrustError {
    Trust::new(anchors, vec![entry]).unwrap_err()
}

#[test]
fn the_first_entry_that_is_for_a_host_counts() {
    let (one, two) = (authority(None), authority(None));
    let entries = vec![
        entry("api.example.com", vec![one.clone()], &[]),
        entry("*.example.com", vec![two.clone()], &[[1; 32]]),
        entry("192.0.2.1", vec![], &[[2; 32]]),
    ];
    let trust = Trust::new(Anchors::Mozilla, entries).unwrap();
    let of = |text: &str| trust.applicable(&host(text));
    assert_eq!((of("api.example.com").anchors.len(), of("api.example.com").spki_sha256), (1, &[][..]));
    assert_eq!((of("www.example.com").anchors.len(), of("www.example.com").spki_sha256), (1, &[[1; 32]][..]));
    assert_ne!(of("api.example.com").roots_digest, of("www.example.com").roots_digest);
    let everybody = webpki_roots::TLS_SERVER_ROOTS.len();
    assert_eq!((of("192.0.2.1").anchors.len(), of("192.0.2.1").spki_sha256), (everybody, &[[2; 32]][..]));
    assert_eq!((of("example.com").anchors.len(), of("example.com").spki_sha256), (everybody, &[][..]));
}

#[test]
fn what_is_no_certificate_is_named() {
    let mut broken = authority(None);
    broken.truncate(100);
    let entry = entry("a.example", vec![authority(None), broken], &[]);
    let error = refused(Anchors::Mozilla, entry);
    assert_eq!(error, TrustError::Authority { host: "a.example".into(), index: 1 });
    assert_eq!(error.to_string(), "host a.example: authority 1 is not a certificate in DER");
}

#[test]
fn entries_that_mean_nothing_are_refused() {
    let name = String::from("a.example");
    assert_eq!(
        refused(Anchors::Mozilla, entry(&name, vec![], &[])),
        TrustError::Empty { host: name.clone() }
    );
    let key_only = entry(&name, vec![], &[[0; 32]]);
    assert_eq!(refused(Anchors::None, key_only), TrustError::NoAuthorities { host: name });
    for wrong in ["", "A.example", "*", "a.example:443", "a.example."] {
        let error = refused(Anchors::Mozilla, entry(wrong, vec![authority(None)], &[]));
        assert_eq!(error, TrustError::Host { host: wrong.into() });
    }
}

#[test]
fn digests_do_not_depend_on_the_order() {
    let (one, two) = (authority(None), authority(None));
    let digest = |authorities: &[&Vec<u8>]| {
        let authorities = authorities.iter().map(|&der| der.clone()).collect();
        let trust = Trust::new(Anchors::None, vec![entry("a.example", authorities, &[])]).unwrap();
        trust.roots_digest(&host("a.example"))
    };
    assert_eq!(digest(&[&one, &two]), digest(&[&two, &one]));
    assert_ne!(digest(&[&one, &two]), digest(&[&one]));
    assert_ne!(digest(&[&one, &one]), digest(&[&one]));
    let nobody = Trust::new(Anchors::None, vec![]).unwrap().roots_digest(&host("a.example"));
    assert_eq!(nobody, <[u8; 32]>::from(Sha256::digest(ROOTS_LABEL)));
    let everybody = Trust::new(Anchors::Mozilla, vec![]).unwrap().roots_digest(&host("a.example"));
    assert_ne!(nobody, everybody);
}

/// Name constraints are part of what an authority may vouch for.
#[test]
fn digests_have_the_form_that_is_written_down() {
    let subtree = GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([192, 0, 2, 0], 24));
    let constraints = NameConstraints { permitted_subtrees: vec![subtree], excluded_subtrees: vec![] };
    let der = CertificateDer::from(authority(Some(constraints)));
    let anchor = webpki::anchor_from_trusted_cert(&der).unwrap();
    let constraints = anchor.name_constraints.as_ref().unwrap();
    let field = |value: &[u8]| [&u32::try_from(value.len()).unwrap().to_be_bytes(), value].concat();
    let root = [field(&anchor.subject), field(&anchor.subject_public_key_info), field(constraints)].concat();
    let expected: [u8; 32] = Sha256::digest([ROOTS_LABEL, &field(&root)].concat()).into();
    let trust = Trust::new(Anchors::None, vec![entry("a.example", vec![der.to_vec()], &[])]).unwrap();
    assert_eq!(trust.roots_digest(&host("a.example")), expected);
}

//! Whose certificates are believed, and what is said of the others.

use std::sync::Arc;

use enclave_tls::{Anchors, Client, HostTrust, Interval, Signed, State, TlsError, Trust};
use rcgen::{ExtendedKeyUsagePurpose, IsCa, KeyPair};

use crate::authority::{Authority, DAY, HOST, Identity, NOW, VALID, now, trust_in, trust_of};
use crate::server::{BOTH, Setup, TLS12, TLS13, client, client_at, converse, host, open, refusal};

/// Why nobody believes `identity`, in either version.
fn refused(trust: &Arc<Trust>, identity: &Identity) -> TlsError {
    refused_at(trust, identity, now())
}

fn refused_at(trust: &Arc<Trust>, identity: &Identity, now: Interval) -> TlsError {
    let errors = [TLS13, TLS12].map(|versions| {
        let mut server = Setup::with_versions(identity, versions).start();
        refusal(&mut client_at(trust, HOST, now), &mut server)
    });
    let [newer, older] = errors;
    assert_eq!(newer, older);
    newer
}

fn believed(trust: &Arc<Trust>, identity: &Identity) -> Client {
    open(trust, Setup::with_versions(identity, BOTH).start()).0
}

#[test]
fn certificates_hold_all_through_the_interval() {
    let root = Authority::root("root");
    let trust = trust_in(&root);
    believed(&trust, &root.server_valid((NOW, NOW + 1)));

    let expired = refused(&trust, &root.server_valid((NOW - DAY, NOW - 1)));
    assert_eq!(expired, TlsError::Expired { not_after: NOW - 1, latest: NOW + 1 });
    let not_yet = refused(&trust, &root.server_valid((NOW + 2, NOW + DAY)));
    assert_eq!(not_yet, TlsError::NotYetValid { not_before: NOW + 2, earliest: NOW });
    let perhaps_expired = refused(&trust, &root.server_valid((NOW - DAY, NOW)));
    assert_eq!(perhaps_expired, TlsError::Expired { not_after: NOW, latest: NOW + 1 });
    let perhaps_not_yet = refused(&trust, &root.server_valid((NOW + 1, NOW + DAY)));
    assert_eq!(perhaps_not_yet, TlsError::NotYetValid { not_before: NOW + 1, earliest: NOW });
    let message = "certificate: valid until 1800000000, and it may be 1800000001 (seconds since 1970)";
    assert_eq!(perhaps_expired.to_string(), message);
}

/// Somebody who knows little of the time believes less.
#[test]
fn wide_intervals_refuse_what_narrow_ones_believe() {
    let root = Authority::root("root");
    let trust = trust_in(&root);
    let identity = root.server_valid(VALID);
    believed(&trust, &identity);
    let too_late = Interval::new(NOW, NOW + DAY + 1).unwrap();
    let expired = TlsError::Expired { not_after: NOW + DAY, latest: NOW + DAY + 1 };
    assert_eq!(refused_at(&trust, &identity, too_late), expired);
    let too_early = Interval::new(NOW - DAY - 1, NOW).unwrap();
    let not_yet = TlsError::NotYetValid { not_before: NOW - DAY, earliest: NOW - DAY - 1 };
    assert_eq!(refused_at(&trust, &identity, too_early), not_yet);
}

#[test]
fn intermediates_hold_all_through_the_interval_too() {
    let root = Authority::root("root");
    let trust = trust_in(&root);
    for (validity, is_expired) in [
        ((NOW - DAY, NOW - 1), true),
        ((NOW - DAY, NOW), true),
        ((NOW + 1, NOW + DAY), false),
        ((NOW + 2, NOW + DAY), false),
    ] {
        let between = root.below("between", validity);
        let error = refused(&trust, &between.server(&[HOST]).and(&[&between]));
        match error {
            TlsError::Expired { not_after, .. } if is_expired => assert_eq!(not_after, validity.1),
            TlsError::NotYetValid { not_before, .. } if !is_expired => assert_eq!(not_before, validity.0),
            other => panic!("{other}"),
        }
    }
}

/// One intermediate expires within the interval, another one with the same name and key does not.
#[test]
fn another_path_is_taken_where_one_does_not_hold() {
    let root = Authority::root("root");
    let key = KeyPair::generate().unwrap();
    let same_key = KeyPair::try_from(key.serialize_der()).unwrap();
    let ending = root.below_with_key("between", (NOW - DAY, NOW), key);
    let lasting = root.below_with_key("between", (NOW - 5, NOW + 5), same_key);
    let identity = lasting.server(&[HOST]).and(&[&ending, &lasting]);
    let client = believed(&trust_in(&root), &identity);
    assert_eq!(client.session().unwrap().peer.path, [0, 2]);
}

#[test]
fn paths_are_found_among_other_certificates() {
    let root = Authority::root("root");
    let upper = root.below("upper", (NOW - 9, NOW + 7));
    let lower = upper.below("lower", (NOW - 7, NOW + 9));
    let stranger = Authority::root("stranger");
    let identity = lower.server(&[HOST]).and(&[&stranger, &upper, &lower, &root]);
    let client = believed(&trust_in(&root), &identity);
    let peer = &client.session().unwrap().peer;
    assert_eq!(peer.path, [0, 3, 2]);
    assert_eq!(peer.chain, identity.presented());
    assert_eq!((peer.validity.not_before, peer.validity.not_after), (NOW - 7, NOW + 7));
    assert_eq!((peer.leaf_validity.not_before, peer.leaf_validity.not_after), VALID);

    let without = refused(&trust_in(&root), &lower.server(&[HOST]).and(&[&upper]));
    assert_eq!(without, TlsError::UnknownIssuer);
}

#[test]
fn strangers_are_not_believed() {
    let root = Authority::root("root");
    let trust = trust_in(&root);
    assert_eq!(refused(&trust, &Identity::self_signed()), TlsError::UnknownIssuer);
    let stranger = Authority::root("stranger");
    assert_eq!(refused(&trust, &stranger.server(&[HOST]).and(&[&stranger])), TlsError::UnknownIssuer);
    let impostor = Authority::root("root");
    let error = refused(&trust, &impostor.server(&[HOST]).and(&[&impostor]));
    assert_eq!(error, TlsError::BadSignature { on: Signed::Certificate });
}

/// A server that has a right certificate, and not its key.
#[test]
fn certificates_do_not_do_without_their_key() {
    let root = Authority::root("root");
    let (victim, thief) = (root.server(&[HOST]), root.server(&["thief.example"]));
    for versions in [TLS13, TLS12] {
        let stolen = thief.with_chain_of(&victim);
        let mut server = Setup::with_versions(&stolen, versions).start();
        let error = refusal(&mut client(&trust_in(&root)), &mut server);
        assert_eq!(error, TlsError::BadSignature { on: Signed::Handshake });
    }
}

#[test]
fn names_are_compared() {
    let root = Authority::root("root");
    let trust = trust_in(&root);
    for name in [HOST, "*.example.com", "API.example.COM"] {
        believed(&trust, &root.server(&["other.example", name]));
    }
    let names = ["a.example.com", "*.api.example.com", "example.com", "192.0.2.1", "*.com"];
    let error = refused(&trust, &root.server(&names));
    let TlsError::NameMismatch { expected, presented } = error else { panic!("{error}") };
    assert_eq!((expected.as_str(), presented.len()), (HOST, 4));
    assert!(presented[0].contains("a.example.com"), "{presented:?}");
    // A name in the subject alone is none.
    let error = refused(
        &trust,
        &root.server_with(|params| {
            params.subject_alt_names.clear();
            params.distinguished_name.push(rcgen::DnType::CommonName, HOST);
        }),
    );
    assert!(matches!(&error, TlsError::NameMismatch { presented, .. } if presented.is_empty()), "{error}");
}

#[test]
fn addresses_are_compared() {
    let root = Authority::root("root");
    let trust = trust_of("192.0.2.1", &root, &[]);
    let identity = root.server(&["192.0.2.1"]);
    let mut server = Setup::new(&identity).start();
    let mut client = client_at(&trust, "192.0.2.1", now());
    converse(&mut client, &mut server).unwrap();
    assert_eq!((client.state(), server.connection.server_name()), (State::Open, None));

    for other in ["192.0.2.2", HOST] {
        let other = root.server(&[other]);
        let error = refusal(&mut client_at(&trust, "192.0.2.1", now()), &mut Setup::new(&other).start());
        assert!(matches!(error, TlsError::NameMismatch { .. }), "{error}");
    }
}

#[test]
fn only_listed_keys_are_believed_where_some_are() {
    let root = Authority::root("root");
    let (right, wrong) = (root.server(&[HOST]), root.server(&[HOST]));
    let trust = trust_of(HOST, &root, &[[0; 32], right.spki_sha256()]);
    let client = believed(&trust, &right);
    assert_eq!(client.session().unwrap().peer.leaf_spki_sha256, right.spki_sha256());
    assert_eq!(refused(&trust, &wrong), TlsError::Pinned { found: wrong.spki_sha256() });
    // The key does not stand in for the rest.
    let stranger = Authority::root("stranger");
    let key = KeyPair::generate().unwrap();
    let vouched_for_by_others = stranger.server_with_key(key);
    let trust = trust_of(HOST, &root, &[vouched_for_by_others.spki_sha256()]);
    assert_eq!(refused(&trust, &vouched_for_by_others), TlsError::UnknownIssuer);
}

#[test]
fn authorities_count_for_their_hosts_only() {
    let (one, two) = (Authority::root("one"), Authority::root("two"));
    let entry = |host: &str, authority: &Authority| HostTrust {
        host: host.into(),
        authorities: vec![authority.der.to_vec()],
        spki_sha256: vec![],
    };
    let entries = vec![entry(HOST, &one), entry("*.example.com", &two)];
    let trust = Arc::new(Trust::new(Anchors::Mozilla, entries).unwrap());
    believed(&trust, &one.server(&[HOST]));
    assert_eq!(refused(&trust, &two.server(&[HOST])), TlsError::UnknownIssuer);

    let mut www = client_at(&trust, "www.example.com", now());
    converse(&mut www, &mut Setup::new(&two.server(&["www.example.com"])).start()).unwrap();
    let error = refusal(
        &mut client_at(&trust, "www.example.com", now()),
        &mut Setup::new(&one.server(&["www.example.com"])).start(),
    );
    assert_eq!(error, TlsError::UnknownIssuer);
}

#[test]
fn the_default_vouches_for_nobody_of_ours() {
    let root = Authority::root("root");
    let mozilla = Arc::new(Trust::new(Anchors::Mozilla, vec![]).unwrap());
    assert_eq!(refused(&mozilla, &root.server(&[HOST]).and(&[&root])), TlsError::UnknownIssuer);
    let nobody = Arc::new(Trust::new(Anchors::None, vec![]).unwrap());
    let error = Client::connect(&nobody, &host(HOST), now(), &[]).unwrap_err();
    assert_eq!(error, TlsError::NoAuthorities { host: HOST.into() });
}

#[test]
fn certificates_are_for_what_they_are_for() {
    let root = Authority::root("root");
    let trust = trust_in(&root);
    let for_clients = root.server_with(|params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    assert_eq!(refused(&trust, &for_clients), TlsError::Certificate("not for TLS servers"));
    let authority = root.server_with(|params| {
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    });
    let expected = TlsError::Certificate("an authority's, in place of the server's own");
    assert_eq!(refused(&trust, &authority), expected);
    let critical = root.server_with(|params| {
        let mut extension = rcgen::CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    });
    let expected = TlsError::Certificate("a critical extension that is not known");
    assert_eq!(refused(&trust, &critical), expected);
}

/// A server's certificate does not make its owner an authority.
#[test]
fn servers_vouch_for_nobody() {
    let root = Authority::root("root");
    let trust = trust_in(&root);
    let usurper = root.usurper("usurper");
    let error = refused(&trust, &usurper.server(&[HOST]).and(&[&usurper]));
    assert_eq!(error, TlsError::Certificate("issued by somebody who is no authority"));
}

#[test]
fn chains_have_a_limit() {
    let root = Authority::root("root");
    let trust = trust_in(&root);
    let others: Vec<_> = (0..10).map(|_| Authority::root("other")).collect();
    let others: Vec<_> = others.iter().collect();
    believed(&trust, &root.server(&[HOST]).and(&others[..9]));
    let error = refused(&trust, &root.server(&[HOST]).and(&others));
    assert_eq!(error, TlsError::ChainTooLong { unit: "certificates", limit: 10, found: 11 });
}

//! Known answers. That both ends of a session derive the same is tested with sessions.

use super::*;

/// P_hash of TLS 1.2 as the working group's list has it, of 2005 for MD5 and extended for the hashes of the standard.
#[test]
fn the_function_of_tls_1_2_gives_known_answers() {
    let answers = [
        (
            Hash::Sha256,
            "9bbe436ba940f017b17652849a71db35",
            "a0ba9f936cda311827a6f796ffd5198c",
            "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af\
             0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701\
             87347b66",
        ),
        (
            Hash::Sha384,
            "b80b733d6ceefcdc71566ea48e5567df",
            "cd665cf6a8447dd6ff8b27555edb7465",
            "7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cde9ca0faa60be9fe34f82b1233c9146a0\
             e534cb400fed2700884f9dc236f80edd8bfa961144c9e8d792eca722a7b32fc3d416d473ebc2c5fd4abfdad05d918425\
             9b5bf8cd4d90fa0d31e2dec479e4f1a26066f2eea9a69236a3e52655c9e9aee691c8f3a26854308d5eaa3be85e099070\
             3d73e56f",
        ),
    ];
    for (hash, secret, seed, expected) in answers {
        let (secret, seed) = (hex::decode(secret).unwrap(), hex::decode(seed).unwrap());
        let expected = hex::decode(expected).unwrap();
        let mut value = vec![0; expected.len()];
        pseudorandom(&hmac::Key::new(hash.hmac(), &secret), &[b"test label", &seed], &mut value);
        assert_eq!(value, expected, "{hash:?}");
    }
}

/// The secret derived from the early secret, from RFC 8448, section 3.
#[test]
fn labels_of_tls_1_3_give_known_answers() {
    let secret = hex::decode("33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a").unwrap();
    let expected = hex::decode("6f2615a108c702c5678f54fc9dbab69716c076189c48250cebeac3576c3611ba").unwrap();
    let nothing = digest::digest(&digest::SHA256, &[]);
    let mut value = [0; 32];
    expand_label(Hash::Sha256, &secret, b"derived", nothing.as_ref(), &mut value).unwrap();
    assert_eq!(value.as_slice(), expected);
}

#[test]
fn what_is_too_long_is_refused() {
    let secret = || Zeroizing::new(vec![7; 32]);
    let tls13 = Exporter::tls13(Hash::Sha256, secret());
    let tls12 = Exporter::tls12(Hash::Sha256, secret(), [0; 64]);
    for exporter in [&tls13, &tls12] {
        assert_eq!(exporter.export(b"label", None, &mut [0; 255 * 32]), Ok(()));
        assert_eq!(exporter.export(b"label", None, &mut [0; 255 * 32 + 1]), Err(ExporterError));
    }
    assert_eq!(tls13.export(&[b'a'; 249], None, &mut [0; 32]), Ok(()));
    assert_eq!(tls13.export(&[b'a'; 250], None, &mut [0; 32]), Err(ExporterError));
    assert_eq!(tls12.export(b"label", Some(&vec![0; 65_535]), &mut [0; 32]), Ok(()));
    assert_eq!(tls12.export(b"label", Some(&vec![0; 65_536]), &mut [0; 32]), Err(ExporterError));
}

#[test]
fn values_depend_on_label_context_and_secret() {
    for make in [
        |secret| Exporter::tls13(Hash::Sha384, secret),
        |secret| Exporter::tls12(Hash::Sha384, secret, [0; 64]),
    ] {
        let value = |first: u8, label: &[u8], context: Option<&[u8]>| {
            let mut value = [0; 48];
            make(Zeroizing::new(vec![first; 48])).export(label, context, &mut value).unwrap();
            value
        };
        let one = value(1, b"one", Some(b"a"));
        assert_eq!(one, value(1, b"one", Some(b"a")));
        for other in
            [value(2, b"one", Some(b"a")), value(1, b"two", Some(b"a")), value(1, b"one", Some(b"b"))]
        {
            assert_ne!(one, other);
        }
    }
}

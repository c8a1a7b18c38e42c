//! Certificates and revocation lists.

use attestation_verify::Code;

use crate::der::{amd_name, bit_string, integer, oid, pss, sequence, tlv};
use crate::keys::Signer;
use crate::world::{Certificate, Extension, ProductLine, World, authority, extension};
use crate::{CSP_ID, HARDWARE_ID, PRODUCT_NAME, Row, assert_all, genoa};

#[test]
fn roots() {
    let rows: &[Row] = &[
        (
            "a forged root with the right names, supplied",
            |world| {
                world.pinned = Some(world.ark.sign());
                world.ark.key = Signer::Stranger.public_key();
                (world.ark.signer, world.ask.signer) = (Signer::Stranger, Signer::Stranger);
            },
            Code::ChainUntrustedRoot,
            ["root", "ARK-Genoa", "with other bytes"],
        ),
        (
            "a forged root with the right names, not supplied",
            |world| {
                world.pinned = Some(world.ark.sign());
                world.ask.signer = Signer::Stranger;
                world.supplies_root = false;
            },
            Code::CertificateSignatureInvalid,
            ["SEV-Genoa", "by ", "not valid"],
        ),
        (
            "the pinned key under another serial number",
            |world| {
                world.pinned = Some(world.ark.sign());
                world.ark.serial += 1;
            },
            Code::ChainUntrustedRoot,
            ["root", "ARK-Genoa", "with other bytes"],
        ),
        (
            "a chain that ends elsewhere",
            |world| {
                world.pinned = Some(world.ark.sign());
                world.ask.issuer = amd_name("ARK-Venice");
                world.supplies_root = false;
            },
            Code::ChainUntrustedRoot,
            ["issuer of the ASK", "ARK-Genoa", "ARK-Venice"],
        ),
        (
            "an issuer that is missing",
            |world| world.vek.issuer = amd_name("SEV-Turin"),
            Code::ChainIncomplete,
            ["issuer of the VEK", "SEV-Turin", "2 others"],
        ),
        (
            "a leaf that somebody else signed",
            |world| world.vek.signer = Signer::Stranger,
            Code::CertificateSignatureInvalid,
            ["SEV-VCEK", "SEV-Genoa", "not valid"],
        ),
        (
            "an intermediate that the intermediate signed",
            |world| world.ask.signer = Signer::Intermediate,
            Code::CertificateSignatureInvalid,
            ["SEV-Genoa", "ARK-Genoa", "not valid"],
        ),
    ];
    assert_all(genoa, rows);
}

#[test]
fn rights_of_authorities() {
    fn constraints(certificate: &mut Certificate) -> &mut Extension {
        &mut certificate.extensions[0]
    }
    let rows: &[Row] = &[
        (
            "no basic constraints",
            |world| drop(world.ask.extensions.remove(0)),
            Code::CertificateProfile,
            ["rights of", "signs certificates", "none"],
        ),
        (
            "cA is false",
            |world| constraints(&mut world.ask).value = sequence(&[]),
            Code::CertificateProfile,
            ["rights of", "signs certificates", "basic constraints"],
        ),
        (
            "cA of the root is false",
            |world| constraints(&mut world.ark).value = sequence(&[]),
            Code::CertificateProfile,
            ["ARK-Genoa", "signs certificates", "basic constraints"],
        ),
        (
            "no key usage",
            |world| drop(world.ask.extensions.remove(1)),
            Code::CertificateProfile,
            ["rights of", "signs certificates", "key usage"],
        ),
        (
            "may sign lists only",
            |world| world.ask.extensions[1].value = vec![3, 2, 1, 2],
            Code::CertificateProfile,
            ["rights of", "signs certificates", "key usage"],
        ),
        (
            "may sign data too",
            |world| world.ask.extensions[1].value = vec![3, 2, 1, 0x86],
            Code::CertificateProfile,
            ["rights of", "signs certificates", "key usage"],
        ),
        (
            "the root's path length allows no ASK",
            |world| world.ark.extensions = authority(0),
            Code::CertificateProfile,
            ["ARK-Genoa", "1 authorities below", "at most 0"],
        ),
        (
            "an unknown critical extension of an authority",
            |world| {
                world.ask.extensions.push(Extension { is_critical: true, ..extension("1.2.3", vec![5, 0]) })
            },
            Code::CertificateProfile,
            ["rights of", "signs certificates", "1.2.3"],
        ),
        (
            "a critical extension of the leaf",
            |world| world.extension(PRODUCT_NAME).is_critical = true,
            Code::CertificateProfile,
            ["VEK extensions", "VCEK or VLEK", PRODUCT_NAME],
        ),
    ];
    assert_all(genoa, rows);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn names_and_kinds() {
    let rows: &[Row] = &[
        (
            "a subject that is no VEK's",
            |world| world.vek.subject = amd_name("SEV-VXEK"),
            Code::CertificateProfile,
            ["VEK subject", "SEV-VCEK", "SEV-VXEK"],
        ),
        (
            "a subject of another company",
            |world| {
                world.vek.subject = sequence(&[tlv(0x31, &sequence(&[oid("2.5.4.3"), tlv(12, b"SEV-VCEK")]))])
            },
            Code::CertificateProfile,
            ["VEK subject", "a name as AMD writes it", "CN=SEV-VCEK"],
        ),
        (
            "a VCEK by the authority of VLEKs",
            |world| {
                world.ask.subject = amd_name("SEV-VLEK-Genoa");
                world.vek.issuer = amd_name("SEV-VLEK-Genoa");
            },
            Code::CertificateProfile,
            ["ASK or ASVK subject", "SEV-Genoa", "SEV-VLEK-Genoa"],
        ),
        (
            "an ASK of another line",
            |world| {
                world.ask.subject = amd_name("SEV-Milan");
                world.vek.issuer = amd_name("SEV-Milan");
            },
            Code::CertificateProfile,
            ["ASK or ASVK subject", "SEV-Genoa", "SEV-Milan"],
        ),
        (
            "a VCEK with a provider",
            |world| world.vek.extensions.push(extension(CSP_ID, tlv(0x16, b"a cloud"))),
            Code::CertificateProfile,
            ["VEK extensions", "VCEK or VLEK", "a hardware id, a CSP id"],
        ),
        (
            "a VCEK without a chip",
            |world| world.vek.extensions.retain(|extension| extension.id != HARDWARE_ID),
            Code::CertificateProfile,
            ["VEK extensions", "VCEK or VLEK", "no hardware id, no CSP id"],
        ),
        (
            "a hardware id of another length",
            |world| world.extension(HARDWARE_ID).value = vec![0xC4; 8],
            Code::CertificateProfile,
            ["VEK extensions", "VCEK or VLEK", "expected 64 bytes"],
        ),
        (
            "a key on P-256",
            |world| {
                let point = p256::ecdsa::SigningKey::from_slice(&[1; 32]).unwrap();
                let point = point.verifying_key().to_sec1_point(false);
                let algorithm = sequence(&[oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")]);
                world.vek.key = sequence(&[algorithm, bit_string(point.as_bytes())]);
            },
            Code::CertificateProfile,
            ["VEK key", "P-384", "P-256"],
        ),
        (
            "a report signed by another kind of key",
            |world| world.report.key_info = (1 << 2).into(),
            Code::SigningKeyMismatch,
            ["KEY_INFO.SIGNING_KEY", "0", "1"],
        ),
        (
            "a report that nobody signed, by its own account",
            |world| world.report.key_info = (7 << 2).into(),
            Code::SigningKeyMismatch,
            ["KEY_INFO.SIGNING_KEY", "0", "7"],
        ),
    ];
    assert_all(genoa, rows);
    let rows: &[Row] = &[
        (
            "a VLEK by the authority of VCEKs",
            |world| {
                world.ask.subject = amd_name("SEV-Turin");
                world.vek.issuer = amd_name("SEV-Turin");
            },
            Code::CertificateProfile,
            ["ASK or ASVK subject", "SEV-VLEK-Turin", "SEV-Turin"],
        ),
        (
            "a VLEK with a chip",
            |world| world.vek.extensions.push(extension(HARDWARE_ID, vec![0xC4; 8])),
            Code::CertificateProfile,
            ["VEK extensions", "VCEK or VLEK", "a hardware id, a CSP id"],
        ),
        (
            "a report of the chip's own key",
            |world| world.report.key_info = 0.into(),
            Code::SigningKeyMismatch,
            ["KEY_INFO.SIGNING_KEY", "1", "0"],
        ),
    ];
    assert_all(|| World::vlek(ProductLine::Turin), rows);
}

#[test]
fn times() {
    let rows: &[Row] = &[
        (
            "a root that is past",
            |world| world.ark.not_after = "260501000000Z",
            Code::CertificateExpired,
            ["ARK-Genoa", "2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z"],
        ),
        (
            "an ASK that is past",
            |world| world.ask.not_after = "260531235959Z",
            Code::CertificateExpired,
            ["SEV-Genoa", "2026-05-31T23:59:59Z", "2026-06-01T00:00:00Z"],
        ),
        (
            "a VCEK that is past",
            |world| world.vek.not_after = "260531235959Z",
            Code::CertificateExpired,
            ["SEV-VCEK", "2026-05-31T23:59:59Z", "2026-06-01T00:00:00Z"],
        ),
        (
            "a root of the future",
            |world| world.ark.not_before = "260601000001Z",
            Code::CertificateNotYetValid,
            ["ARK-Genoa", "2026-06-01T00:00:01Z", "2026-06-01T00:00:00Z"],
        ),
        (
            "an ASK of the future",
            |world| world.ask.not_before = "260601000001Z",
            Code::CertificateNotYetValid,
            ["SEV-Genoa", "2026-06-01T00:00:01Z", "2026-06-01T00:00:00Z"],
        ),
        (
            "a VCEK of the future",
            |world| world.vek.not_before = "260601000001Z",
            Code::CertificateNotYetValid,
            ["SEV-VCEK", "2026-06-01T00:00:01Z", "2026-06-01T00:00:00Z"],
        ),
    ];
    assert_all(genoa, rows);
    let mut world = genoa();
    (world.vek.not_before, world.vek.not_after) = ("260601000000Z", "260601000000Z");
    world.verify().expect("both ends are included");
}

#[test]
fn revocation() {
    let rows: &[Row] = &[
        (
            "a revoked ASK",
            |world| world.lists[0].serials = vec![1, 0x20002],
            Code::CrlRevoked,
            ["SEV-Genoa", "020002 not listed", "020002 listed"],
        ),
        (
            "a revoked ASK on a list that is stale",
            |world| {
                world.lists[0].serials = vec![0x20002];
                world.lists[0].next_update = Some("260201000000Z");
            },
            Code::CrlRevoked,
            ["SEV-Genoa", "not listed", "listed"],
        ),
        (
            "a list by somebody else",
            |world| world.lists[0].signer = Signer::Stranger,
            Code::CrlSignatureInvalid,
            ["CRL signature", "ARK-Genoa", "not valid"],
        ),
        (
            "a list by an unknown authority",
            |world| world.lists[0].issuer = amd_name("ARK-Venice"),
            Code::CrlSignatureInvalid,
            ["CRL issuer", "pinned chain", "ARK-Venice"],
        ),
        (
            "a list by an authority that may sign none",
            |world| world.ark.extensions[1].value = vec![3, 2, 2, 4],
            Code::CrlSignatureInvalid,
            ["CRL issuer's rights", "may sign CRLs", "may not sign CRLs"],
        ),
        (
            "a list without a next update",
            |world| world.lists[0].next_update = None,
            Code::CrlEncoding,
            ["CRL encoding", "one CRL", "nextUpdate"],
        ),
        (
            "a stale list",
            |world| world.lists[0].next_update = Some("260531235959Z"),
            Code::CrlStale,
            ["ARK-Genoa", "2026-05-31T23:59:59Z", "2026-06-01T00:00:00Z"],
        ),
        (
            "a list of the future",
            |world| world.lists[0].this_update = "260601000001Z",
            Code::CrlNotYetValid,
            ["ARK-Genoa", "2026-06-01T00:00:01Z", "2026-06-01T00:00:00Z"],
        ),
        (
            "no list",
            |world| world.lists.clear(),
            Code::RevocationUnchecked,
            ["ARK-Genoa", "supplied", "none"],
        ),
        (
            "too many lists",
            |world| world.lists = vec![world.lists[0].clone(); 17],
            Code::CrlEncoding,
            ["number of CRLs", "16", "17"],
        ),
    ];
    assert_all(genoa, rows);
}

/// Whoever adds an older list hides nothing of the newer one, nor does it age.
#[test]
fn the_newest_list_counts() {
    let mut world = genoa();
    let mut stale = world.lists[0].clone();
    (stale.this_update, stale.next_update) = ("250101000000Z", Some("260101000000Z"));
    world.lists.push(stale);
    let verified = world.verify().unwrap();
    assert!(verified.trail().findings().next().is_none());
}

#[test]
fn encodings() {
    let rows: &[Row] = &[
        (
            "a version 1 certificate",
            |world| world.vek.version = 0,
            Code::CertificateEncoding,
            ["VEK encoding", "", ""],
        ),
        (
            "a version 2 certificate",
            |world| world.vek.version = 1,
            Code::CertificateEncoding,
            ["VEK encoding", "", "expected V3, found V2"],
        ),
        (
            "a salt of another length",
            |world| world.vek.algorithm = pss(32),
            Code::CertificateEncoding,
            ["VEK encoding", "", "48 bytes of salt"],
        ),
        (
            "two algorithms",
            |world| world.vek.outer_algorithm = Some(sequence(&[oid("1.2.840.10045.4.3.3")])),
            Code::CertificateEncoding,
            ["VEK encoding", "", "signature algorithm, signed copy"],
        ),
        (
            "an extension twice",
            |world| {
                let again = world.extension(PRODUCT_NAME).clone();
                world.vek.extensions.push(again);
            },
            Code::CertificateEncoding,
            ["VEK encoding", "", "each at most once"],
        ),
        (
            "a length in more bytes than it needs",
            |world| world.vek.subject = vec![0x30, 0x82, 0, 0],
            Code::CertificateEncoding,
            ["VEK encoding", "", "DER"],
        ),
        (
            "a small RSA key",
            |world| {
                let numbers = sequence(&[integer(&[0xC1; 256]), integer(&[1, 0, 1])]);
                let algorithm = sequence(&[oid("1.2.840.113549.1.1.1"), vec![5, 0]]);
                world.ask.key = sequence(&[algorithm, bit_string(&numbers)]);
            },
            Code::CertificateEncoding,
            ["chain encoding", "", "4096 bits"],
        ),
    ];
    assert_all(genoa, rows);
}

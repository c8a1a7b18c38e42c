//! A server with an authority behind it, servers of the time, and a guest that fetched something: all made here, in one
//! place. Tests bend one part and look what notices.

use attestation_cli::check::FileDigest;
use attestation_evidence::Evidence;
use attestation_manifest::{HexDigest, parse_manifest};
use attestation_receipt::{
    BodyEnd, BodySide, CommitmentOpening, Disclosure, Field, HandshakeSignature, Opening, Peer,
    RECEIPT_VERSION, Receipt, ReceiptSecret, Recorder, RequestHead, RequestOutcome, ResponseHead,
    ResponseOutcome, Run, SignedReceipt, TLS_1_3, Time, Tls, Validity, receipts_root, sign_receipt,
};
use attestation_ring::Ring;
use attestation_roughtime::{Measurement, Proof, ServerKey, commitment, response_digest};
use attestation_tls_trust::{ServerHost, Trust};
use base64ct::{Base64, Encoding};
use p256::ecdsa::signature::hazmat::PrehashSigner;
use p256::pkcs8::EncodePrivateKey;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PublicKeyData, date_time_ymd,
};
use sha2::{Digest, Sha256, Sha384};
use tests_servers::{Clock, TimeServer};

use super::world::{Bend, World, instance};

pub(crate) const HOST: &str = "api.example.com";
/// 2025-06-15T15:06:40Z.
pub(crate) const NOW_S: u64 = 1_750_000_000;
pub(crate) const REQUEST_BODY: &[u8] = b"{\"pair\":\"EURUSD\"}";
pub(crate) const RESPONSE_BODY: &[u8] = b"{\n\t\"rate\": \"1.1548\",\n\t\"note\": \"se\xC3\xB1al\"\n}\n";
/// In a field, and nowhere else.
pub(crate) const PASSWORD: &str = "Bearer 7Vd0mZ";

const SALT: [u8; 32] = [0x5A; 32];

/// What is different from an ordinary exchange.
pub(crate) struct Setting<'a> {
    /// The guest policy, as its manifest states it.
    pub(crate) policy: u64,
    /// Who is in the server's certificate.
    pub(crate) name: &'a str,
    /// When it is valid: from the first of January of the one to that of the other.
    pub(crate) years: (i32, i32),
    /// Whom the manifest trusts for other hosts.
    pub(crate) default_roots: &'a str,
    /// Keys that the manifest lists for the host.
    pub(crate) pins: &'a [[u8; 32]],
    pub(crate) response_body: &'a [u8],
}

impl Default for Setting<'_> {
    fn default() -> Self {
        let (name, years) = (HOST, (2020, 2030));
        let (default_roots, response_body) = ("none", RESPONSE_BODY);
        Self { policy: 0x3_0000, name, years, default_roots, pins: &[], response_body }
    }
}

/// Everything that a relying party may hold.
pub(crate) struct Exchange {
    pub(crate) world: World,
    pub(crate) evidence: Evidence,
    pub(crate) opening: Opening,
    pub(crate) chunks: Vec<Disclosure>,
    pub(crate) certificates: Vec<Vec<u8>>,
    /// With the response that the receipt names.
    pub(crate) before: Proof,
    /// Nobody has signed it yet.
    pub(crate) receipt: Receipt,
}

impl Exchange {
    pub(crate) fn good() -> Self {
        Self::of(&Setting::default())
    }

    pub(crate) fn of(setting: &Setting<'_>) -> Self {
        let authority = authority("Authority of a test", [0x21; 32]);
        let world = World::reaching(setting.policy, &outside(authority.der(), setting));
        let certificates = certificates(&authority, setting);
        let opening = opening(setting.response_body);
        let bodies = [(BodySide::Request, REQUEST_BODY), (BodySide::Response, setting.response_body)];
        let chunks = bodies.iter().flat_map(|(side, body)| {
            opening.disclose_body(*side, 0..u64::try_from(body.len()).unwrap(), body).unwrap()
        });
        let chunks = chunks.collect();
        let before = measure(NOW_S, &[[1; 32], [2; 32], [3; 32]]);
        let tls = tls(&world, &authority, &certificates, setting);
        let receipt = receipt(&world, &opening, tls, &before);
        let evidence = world.evidence_with(&Bend::default());
        Self { world, evidence, opening, chunks, certificates, before, receipt }
    }

    /// As a guest gives it away: with all that it can show, and without evidence.
    pub(crate) fn signed(&self) -> SignedReceipt {
        self.signed_as(&self.receipt)
    }

    /// The same of another receipt.
    pub(crate) fn signed_as(&self, receipt: &Receipt) -> SignedReceipt {
        let shown = self.opening.disclose(|_| true).into_iter().chain(self.chunks.iter().cloned());
        let signed = sign_receipt(receipt, &sha256(&self.evidence.encode()), &instance()).unwrap();
        let signed = signed.with_disclosures(shown).unwrap();
        signed.with_certificates(self.certificates.clone()).unwrap()
    }

    /// A proof that commits to these receipts a minute later, and what shows that for one of them.
    pub(crate) fn committed(receipts: &[&Receipt], index: usize) -> (Proof, CommitmentOpening) {
        let digests: Vec<[u8; 32]> = receipts.iter().map(|receipt| receipt.digest()).collect();
        let blind = commitment(&SALT, &receipts_root(&digests));
        let proof = measure(NOW_S + 60, &[[4; 32], blind, [6; 32]]);
        (proof, CommitmentOpening::new(SALT, &digests, index).unwrap())
    }

    /// The receipt after this one, which is alike.
    pub(crate) fn next(&self) -> Receipt {
        let number = self.receipt.number + 1;
        Receipt { number, previous: self.receipt.digest(), ..self.receipt.clone() }
    }
}

/// The servers of the manifest, one after the other, at this time.
pub(crate) fn measure(now_s: u64, blinds: &[[u8; 32]]) -> Proof {
    let servers: Vec<TimeServer> =
        (1..=3).map(|number| TimeServer::new(number, Clock::Still(now_s))).collect();
    measure_with(&servers, blinds)
}

pub(crate) fn measure_with(servers: &[TimeServer], blinds: &[[u8; 32]]) -> Proof {
    let mut measurement = Measurement::begin(None).unwrap();
    for (server, blind) in servers.iter().zip(blinds) {
        let request = measurement.next_request(&ServerKey(server.public_key()), blind).unwrap();
        measurement.accept(&Ring, &server.respond(&request).unwrap()).unwrap();
    }
    measurement.finish().unwrap()
}

/// SHA-256 of the server's SubjectPublicKeyInfo.
pub(crate) fn server_key_digest() -> [u8; 32] {
    sha256(&key_pair([0x22; 32]).subject_public_key_info())
}

/// What the server signs in TLS 1.3.
pub(crate) fn tls13_message() -> Vec<u8> {
    [&[b' '; 64][..], b"TLS 1.3, server CertificateVerify\0", &[0x45; 32]].concat()
}

/// By the server, with the scheme `ecdsa_secp256r1_sha256`.
pub(crate) fn handshake(message: Vec<u8>) -> HandshakeSignature {
    let signature = rcgen::SigningKey::sign(&key_pair([0x22; 32]), &message).unwrap();
    HandshakeSignature { scheme: 0x0403, message, signature }
}

/// By the same key, with SHA-384: in TLS 1.2 that scheme says nothing of the curve, in TLS 1.3 it is of another one.
pub(crate) fn handshake_with_sha384(message: Vec<u8>) -> HandshakeSignature {
    let key = p256::ecdsa::SigningKey::from_slice(&[0x22; 32]).unwrap();
    let signature: p256::ecdsa::Signature = key.sign_prehash(&Sha384::digest(&message)).unwrap();
    HandshakeSignature { scheme: 0x0503, message, signature: signature.to_der().as_bytes().to_vec() }
}

fn authority(name: &str, key: [u8; 32]) -> CertifiedIssuer<'static, KeyPair> {
    CertifiedIssuer::self_signed(authority_params(name), key_pair(key)).unwrap()
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

/// The server's own, one that has nothing to do with it, and the one between the server's and the root.
fn certificates(root: &CertifiedIssuer<'static, KeyPair>, setting: &Setting<'_>) -> Vec<Vec<u8>> {
    let between = authority_params("Between");
    let between = CertifiedIssuer::signed_by(between, key_pair([0x23; 32]), root).unwrap();
    let mut params = CertificateParams::new([setting.name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(setting.years.0, 1, 1);
    params.not_after = date_time_ymd(setting.years.1, 1, 1);
    let own = params.signed_by(&key_pair([0x22; 32]), &between).unwrap();
    let stranger = authority("Stranger", [0x24; 32]);
    [own.der().to_vec(), stranger.der().to_vec(), between.der().to_vec()].into()
}

/// What the manifest says of whom the guest reaches.
fn outside(authority: &[u8], setting: &Setting<'_>) -> String {
    let (authority, roots) = (Base64::encode_string(authority), setting.default_roots);
    let pins: Vec<String> = setting.pins.iter().map(|pin| format!("\"{}\"", HexDigest(*pin))).collect();
    let servers = (1..=3).map(|number| {
        let key = HexDigest(TimeServer::new(number, Clock::Still(0)).public_key());
        format!(r#"{{"host":"time-{number}.example.org","port":2002,"public_key":"{key}"}}"#)
    });
    let (servers, pins) = (servers.collect::<Vec<_>>().join(","), pins.join(","));
    format!(
        r#""egress":[{{"host":"{HOST}","port":443,"scheme":"https","methods":["*"]}}],
"tls":{{"roots":"{roots}","hosts":[{{"host":"{HOST}","authorities":["{authority}"],"spki_sha256":[{pins}]}}]}},
"time":[{servers}]"#
    )
}

fn opening(response_body: &[u8]) -> Opening {
    let field = |name: &str, value: &str| Field { name: name.into(), value: value.into() };
    let head = RequestHead {
        method: "POST".into(),
        scheme: "https".into(),
        authority: HOST.into(),
        path_with_query: "/v1/rates?day=2025-06-15".into(),
        fields: vec![field("accept", "application/json"), field("authorization", PASSWORD)],
    };
    let mut recorder = Recorder::new(ReceiptSecret::new([5; 32]), head);
    recorder.request_body(REQUEST_BODY);
    let fields =
        vec![field("content-type", "application/json"), field("date", "Sun, 15 Jun 2025 15:06:41 GMT")];
    recorder.response(ResponseHead { status: 200, fields }).unwrap();
    recorder.response_body(response_body);
    recorder.finish().unwrap()
}

fn tls(
    world: &World,
    authority: &CertifiedIssuer<'static, KeyPair>,
    certificates: &[Vec<u8>],
    setting: &Setting<'_>,
) -> Tls {
    let trust = Trust::of(&parse_manifest(&world.manifest).unwrap()).unwrap();
    let second = |year| u64::try_from(date_time_ymd(year, 1, 1).unix_timestamp()).unwrap();
    Tls {
        version: TLS_1_3,
        cipher_suite: 0x1301,
        group: 29,
        was_retried: false,
        alpn: Some(b"http/1.1".to_vec()),
        client_random: [0x41; 32],
        server_random: Some([0x42; 32]),
        exporter: [0x43; 32],
        spki_sha256: server_key_digest(),
        chain: certificates.iter().map(|der| sha256(der)).collect(),
        path: vec![0, 2],
        root_spki_sha256: sha256(&authority.key().subject_public_key_info()),
        roots_digest: trust.roots_digest(&ServerHost::parse(HOST).unwrap()),
        was_pinned: !setting.pins.is_empty(),
        validity: Validity { not_before_s: second(setting.years.0), not_after_s: second(setting.years.1) },
        signature: handshake(tls13_message()),
    }
}

fn receipt(world: &World, opening: &Opening, tls: Tls, before: &Proof) -> Receipt {
    let (component, manifest) = (world.reference.component.sha256.0, FileDigest::of(&world.manifest).sha256);
    Receipt {
        version: RECEIPT_VERSION,
        number: 0,
        previous: [0; 32],
        run: Run { component, manifest, sequence: 2, exchange: 1 },
        leaves: opening.leaves(),
        peer: Peer { host: HOST.into(), address: [192, 0, 2, 7].into(), port: 443 },
        tls,
        request: RequestOutcome::Sent,
        response: ResponseOutcome::Complete { end: BodyEnd::Chunked },
        time: Time {
            earliest_s: NOW_S - 2,
            latest_s: NOW_S + 3,
            roughtime: Some(response_digest(&before.exchanges()[2].response)),
            sent_us: 5_000_000,
            first_byte_us: 5_100_000,
            last_byte_us: 5_200_000,
        },
    }
}

fn key_pair(scalar: [u8; 32]) -> KeyPair {
    let key = p256::SecretKey::from_slice(&scalar).unwrap().to_pkcs8_der().unwrap();
    KeyPair::try_from(key.as_bytes()).unwrap()
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

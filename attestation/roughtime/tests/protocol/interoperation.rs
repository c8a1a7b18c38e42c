//! Another implementation reads what ours writes and writes what ours reads: roughenough 2.2.0.

use attestation_roughtime::{Midpoint, RESPONSE_MAX_BYTES, ServerKey, read_response, request};
use attestation_signature::RustCrypto;
use ed25519_dalek::{Signer, SigningKey};
use proptest::prelude::*;
use roughenough_protocol::cursor::ParseCursor;
use roughenough_protocol::protocol_ver::ProtocolVersion;
use roughenough_protocol::request::Request;
use roughenough_protocol::response::Response;
use roughenough_protocol::tags::{
    Certificate, Delegation, MerklePath, MerkleRoot, Nonce, PublicKey, Signature, SignedResponse,
    SrvCommitment, SupportedVersions,
};
use roughenough_protocol::{FromFrame, ToFrame, ToWire};

use crate::server::{Answer, NOW_S, RADIUS_S, Server, hash, nonce_of, tree};

#[test]
fn their_server_reads_our_request() {
    let key = ServerKey([7; 32]);
    let mut bytes = request(&key, &[9; 32]);
    let read = Request::from_frame(&mut ParseCursor::new(&mut bytes)).unwrap();
    assert_eq!(read.nonc(), &Nonce::from([9; 32]));
    assert_eq!(read.ver().versions(), [ProtocolVersion::RFC]);
    let srv = hash(&[SrvCommitment::HASH_PREFIX_SRV, &key.0]);
    assert_eq!(read.srv().unwrap().as_ref(), srv);
}

#[test]
fn their_client_reads_the_server_of_these_tests() {
    let server = Server::new(1);
    let asked = request(&server.key(), &[9; 32]);
    let mut bytes = Answer::to(&asked, &server).packet(&server);
    let read = Response::from_frame(&mut ParseCursor::new(&mut bytes)).unwrap();
    assert_eq!((read.srep().midp(), read.srep().radi()), (NOW_S, RADIUS_S));
    assert_eq!(read.as_frame_bytes().unwrap(), bytes);
}

/// A server that writes with their code: contexts of signatures, messages and frames are theirs.
struct Theirs {
    long_term: SigningKey,
    delegated: SigningKey,
}

impl Theirs {
    fn new() -> Self {
        Self { long_term: SigningKey::from_bytes(&[11; 32]), delegated: SigningKey::from_bytes(&[12; 32]) }
    }

    fn key(&self) -> ServerKey {
        ServerKey(self.long_term.verifying_key().to_bytes())
    }

    fn certificate(&self) -> Certificate {
        let mut delegation = Delegation::default();
        delegation.set_pubk(PublicKey::from(self.delegated.verifying_key().to_bytes()));
        delegation.set_mint(NOW_S - 100);
        delegation.set_maxt(NOW_S + 100);
        let context = ProtocolVersion::RFC.dele_prefix();
        Certificate::new(signature(&self.long_term, context, &delegation), delegation)
    }

    fn answer(&self, request: &[u8], (path, root): (Vec<[u8; 32]>, [u8; 32]), index: usize) -> Vec<u8> {
        let mut signed = SignedResponse::default();
        signed.set_ver(ProtocolVersion::RFC);
        signed.set_radi(RADIUS_S);
        signed.set_midp(NOW_S);
        signed.set_vers(&SupportedVersions::new(&[ProtocolVersion::RFC, ProtocolVersion::DRAFT]));
        signed.set_root(&MerkleRoot::from(root));
        let mut response = Response::default();
        response.set_sig(signature(&self.delegated, ProtocolVersion::RFC.srep_prefix(), &signed));
        response.set_nonc(Nonce::from(nonce_of(request)));
        response.set_path(MerklePath::try_from(path.concat().as_slice()).unwrap());
        response.set_srep(signed);
        response.set_cert(self.certificate());
        response.set_indx(u32::try_from(index).unwrap());
        response.as_frame_bytes().unwrap()
    }
}

fn signature(key: &SigningKey, context: &[u8], value: &impl ToWire) -> Signature {
    Signature::from(key.sign(&[context, &value.as_bytes().unwrap()].concat()).to_bytes())
}

/// Five requests to [7; 32], nonces [0; 32] to [4; 32]: root and paths by `MerkleTree` of roughenough-merkle 2.2.0, with
/// SHA-512 of RustCrypto under it.
const ROOT: &str = "61772f37199454b83296df081c4c46aee6d3a9d497a01106d360217a20196e40";
const PATHS: [[&str; 3]; 5] = [
    [
        "6b1102b9bebc31f6ce6ad0a667678b47f125c2f3c73a0733e3ae84cf0e128385",
        "b1d27ee1ce3af904801f5a40cb1166b656d8b2f8b0d10ea8a65aa11de086a644",
        "0ef8dbd3be1cf992bf24b456258813f25abbdfa25a3c24409b90c29868560a53",
    ],
    [
        "b26e1265c0ebab0ed7ab1069bef42f6dd4ef5f579d75a2e1c0b2d3c11ac54145",
        "b1d27ee1ce3af904801f5a40cb1166b656d8b2f8b0d10ea8a65aa11de086a644",
        "0ef8dbd3be1cf992bf24b456258813f25abbdfa25a3c24409b90c29868560a53",
    ],
    [
        "47f07b965688f9c7c71c0c010bcf036d3e098dfc1c14ad9fd1a79497c1b63bf1",
        "a6acd814cf5c62f7149eaa5060e3b6664ba3ef1055b771dd92f9850b200180e7",
        "0ef8dbd3be1cf992bf24b456258813f25abbdfa25a3c24409b90c29868560a53",
    ],
    [
        "7b5cfb61f0be4b66836ebbe268ebadb39eb44ddbae5776a91457cbb5cda8c4d5",
        "a6acd814cf5c62f7149eaa5060e3b6664ba3ef1055b771dd92f9850b200180e7",
        "0ef8dbd3be1cf992bf24b456258813f25abbdfa25a3c24409b90c29868560a53",
    ],
    [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "18764dd93deb03cc39a89da146a2e79c4bb7945f75d31006a7aac0a86f6fd842",
    ],
];

fn bytes(text: &str) -> [u8; 32] {
    hex::decode(text).unwrap().try_into().unwrap()
}

#[test]
fn our_client_finds_its_request_in_their_tree() {
    let server = Theirs::new();
    let requests: Vec<_> = (0..5).map(|number| request(&ServerKey([7; 32]), &[number; 32])).collect();
    for (index, (request, path)) in requests.iter().zip(PATHS).enumerate() {
        let theirs = (path.map(bytes).to_vec(), bytes(ROOT));
        assert_eq!(tree(&requests, index), theirs, "the tree of these tests");
        let response = server.answer(request, theirs, index);
        let midpoint = Midpoint { midpoint_s: NOW_S, radius_s: RADIUS_S };
        assert_eq!(read_response(&RustCrypto, &server.key(), request, &response), Ok(midpoint), "{index}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever we read, they read in the same way, and whatever they refuse, so do we.
    #[test]
    fn neither_reads_what_the_other_misreads(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let server = Server::new(1);
        let asked = request(&server.key(), &[9; 32]);
        let mut answer = Answer::to(&asked, &server);
        // Not signed, so that ours accepts some of the changes.
        answer.response.set(attestation_roughtime::Tag(*b"GREZ"), &[0; 128]);
        let mut changed = answer.packet(&server);
        for (place, value) in changes {
            let index = place.index(changed.len());
            changed[index] = value;
        }
        prop_assert!(changed.len() <= RESPONSE_MAX_BYTES);
        let ours = read_response(&RustCrypto, &server.key(), &asked, &changed);
        let theirs = Response::from_frame(&mut ParseCursor::new(&mut changed.clone()));
        if let Ok(midpoint) = ours {
            let theirs = theirs.unwrap();
            prop_assert_eq!(theirs.srep().midp(), midpoint.midpoint_s);
            prop_assert_eq!(theirs.srep().radi(), midpoint.radius_s);
        }
    }
}

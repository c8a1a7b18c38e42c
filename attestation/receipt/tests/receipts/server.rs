//! A server of time, written from RFC 10049.

use attestation_roughtime::{Measurement, ServerKey, Tag, Verified};
use attestation_signature::RustCrypto;
use ed25519_dalek::{Signer, SigningKey};
use sha2::{Digest, Sha512};

pub(crate) const RADIUS_S: u32 = 2;

/// Where the nonce is in a request: frame, head of five pairs, VER, SRV.
const NONCE_AT: usize = 12 + 8 * 5 + 4 + 32;

fn key() -> SigningKey {
    SigningKey::from_bytes(&[0x31; 32])
}

pub(crate) fn server_key() -> ServerKey {
    ServerKey(key().verifying_key().to_bytes())
}

/// One measurement with these blinds, at these seconds, after this response; and its last response.
pub(crate) fn measure(previous: Option<&[u8]>, exchanges: &[([u8; 32], u64)]) -> (Verified, Vec<u8>) {
    let mut measurement = Measurement::begin(previous).unwrap();
    for (blind, midpoint_s) in exchanges {
        let request = measurement.next_request(&server_key(), blind).unwrap();
        measurement.accept(&RustCrypto, &answer(&request, *midpoint_s)).unwrap();
    }
    let last = measurement.last_response().unwrap().to_vec();
    let proof = measurement.finish().unwrap();
    (proof.verify(&RustCrypto, &[server_key()]).unwrap(), last)
}

fn answer(request: &[u8], midpoint_s: u64) -> Vec<u8> {
    let delegated = SigningKey::from_bytes(&[0x32; 32]);
    let one = 1_u32.to_le_bytes();
    let delegation = message(&[
        (Tag::PUBK, delegated.verifying_key().as_bytes()),
        (Tag::MINT, &[0; 8]),
        (Tag::MAXT, &[0xFF; 8]),
    ]);
    let certificate = message(&[
        (Tag::SIG, &sign(&key(), b"Roughtime v1 delegation signature\0", &delegation)),
        (Tag::DELE, &delegation),
    ]);
    let root = &Sha512::new().chain_update([0]).chain_update(request).finalize()[..32];
    let signed = message(&[
        (Tag::VER, &one),
        (Tag::RADI, &RADIUS_S.to_le_bytes()),
        (Tag::MIDP, &midpoint_s.to_le_bytes()),
        (Tag::VERS, &one),
        (Tag::ROOT, root),
    ]);
    let response = message(&[
        (Tag::SIG, &sign(&delegated, b"Roughtime v1 response signature\0", &signed)),
        (Tag::NONC, &request[NONCE_AT..NONCE_AT + 32]),
        (Tag::TYPE, &one),
        (Tag::PATH, &[]),
        (Tag::SREP, &signed),
        (Tag::CERT, &certificate),
        (Tag::INDX, &[0; 4]),
    ]);
    [b"ROUGHTIM", &(response.len() as u32).to_le_bytes()[..], &response].concat()
}

fn sign(key: &SigningKey, context: &[u8], bytes: &[u8]) -> [u8; 64] {
    key.sign(&[context, bytes].concat()).to_bytes()
}

/// Number of pairs, where each value but the first begins, tags, values. Tags are in their order already.
fn message(pairs: &[(Tag, &[u8])]) -> Vec<u8> {
    let number = |value: usize| (value as u32).to_le_bytes();
    let ends = pairs.iter().scan(0, |end, (_, value)| {
        *end += value.len();
        Some(number(*end))
    });
    let head = [number(pairs.len())].into_iter().chain(ends.take(pairs.len() - 1));
    let tags = pairs.iter().map(|(tag, _)| tag.0);
    let values = pairs.iter().flat_map(|(_, value)| value.iter().copied());
    head.chain(tags).flatten().chain(values).collect()
}

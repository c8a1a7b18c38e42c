//! What is answered, and whether it may be believed (RFC 10049 §5.2 to §5.4).

use attestation_signature::SignatureVerifier;

use crate::fields::Fields;
use crate::hash::hash;
use crate::{Midpoint, Part, RESPONSE_MAX_BYTES, ROUGHTIME_VERSION, ResponseError, ServerKey, Tag};

/// Value of TYPE in responses.
const TYPE: u32 = 1;
/// What the signatures are over besides the value itself. Drafts of the protocol had a capital T in both.
const RESPONSE_CONTEXT: &[u8] = b"Roughtime v1 response signature\0";
const DELEGATION_CONTEXT: &[u8] = b"Roughtime v1 delegation signature\0";
/// Most numbers in VERS.
const VERSIONS_MAX: usize = 32;
/// Most hashes in PATH, and bits in INDX.
const PATH_MAX: usize = 32;

const _: () = assert!(RESPONSE_MAX_BYTES / 32 <= PATH_MAX, "longer responses need a check of PATH's length");

/// What time it was, by the server with this key, when it answered this request.
///
/// Both are packets, as sent and as received. That the server is right, or anybody else thinks so, nobody checks here; nor
/// how long the answer took. Tags that the protocol does not know are passed over, as it demands.
///
/// # Errors
/// The first thing that is wrong. The request may still be answered: anybody can send a response.
pub fn read_response(
    signatures: &dyn SignatureVerifier,
    key: &ServerKey,
    request: &[u8],
    response: &[u8],
) -> Result<Midpoint, ResponseError> {
    let found = response.len();
    if found > RESPONSE_MAX_BYTES {
        return Err(ResponseError::TooLong { found });
    }
    let asked = Fields::in_packet(Part::Request, request)?;
    let answer = Fields::in_packet(Part::Response, response)?;
    check_echo(&answer, asked.array(Tag::NONC)?)?;
    let signed_bytes = answer.value(Tag::SREP)?;
    let signed = Fields::parse(Part::SignedResponse, signed_bytes)?;
    check_versions(&signed)?;
    check_root(&answer, &signed, request)?;
    let delegation = Delegation::read(signatures, key, answer.value(Tag::CERT)?)?;
    let midpoint = Midpoint { midpoint_s: signed.u64(Tag::MIDP)?, radius_s: signed.u32(Tag::RADI)? };
    delegation.check(&midpoint)?;
    let signature = answer.array(Tag::SIG)?;
    if !signatures.ed25519(delegation.key, &[RESPONSE_CONTEXT, signed_bytes].concat(), signature) {
        return Err(ResponseError::ResponseSignature { key: *delegation.key });
    }
    Ok(midpoint)
}

fn check_echo(answer: &Fields<'_>, nonce: &[u8; 32]) -> Result<(), ResponseError> {
    let found = answer.u32(Tag::TYPE)?;
    if found != TYPE {
        return Err(ResponseError::Type { found });
    }
    let found = answer.array(Tag::NONC)?;
    if found != nonce {
        return Err(ResponseError::Nonce { expected: *nonce, found: *found });
    }
    Ok(())
}

fn check_versions(signed: &Fields<'_>) -> Result<(), ResponseError> {
    let found = signed.u32(Tag::VER)?;
    if found != ROUGHTIME_VERSION {
        return Err(ResponseError::Version { found });
    }
    let list = signed.value(Tag::VERS)?;
    let (numbers, rest) = list.as_chunks();
    if !rest.is_empty() || !(1..=VERSIONS_MAX).contains(&numbers.len()) {
        return Err(ResponseError::VersionListLength { limit: VERSIONS_MAX, found: list.len() });
    }
    // Only in requests must versions not be repeated.
    let mut before = 0;
    for number in numbers {
        let found = u32::from_le_bytes(*number);
        if found < before {
            return Err(ResponseError::VersionOrder { before, found });
        }
        before = found;
    }
    if numbers.contains(&ROUGHTIME_VERSION.to_le_bytes()) {
        Ok(())
    } else {
        Err(ResponseError::VersionUnlisted)
    }
}

/// That the request is a leaf of the tree whose root was signed (§5.3.1).
fn check_root(answer: &Fields<'_>, signed: &Fields<'_>, request: &[u8]) -> Result<(), ResponseError> {
    let (path, rest) = answer.value(Tag::PATH)?.as_chunks::<32>();
    if !rest.is_empty() {
        let found = path.len().saturating_mul(32).saturating_add(rest.len());
        return Err(ResponseError::PathLength { found });
    }
    let found = answer.u32(Tag::INDX)?;
    let (mut node, mut index) = (hash(&[&[0], request]), found);
    for sibling in path {
        let (left, right) = if index & 1 == 0 { (&node, sibling) } else { (sibling, &node) };
        node = hash(&[&[1], left, right]);
        index >>= 1;
    }
    if index != 0 {
        return Err(ResponseError::Index { path: path.len(), found });
    }
    let found = signed.array(Tag::ROOT)?;
    if *found != node {
        return Err(ResponseError::Root { expected: node, found: *found });
    }
    Ok(())
}

/// Which key may sign for the server, and for which times.
struct Delegation<'a> {
    key: &'a [u8; 32],
    least_s: u64,
    most_s: u64,
}

impl<'a> Delegation<'a> {
    /// Of a certificate by this server.
    fn read(
        signatures: &dyn SignatureVerifier,
        key: &ServerKey,
        certificate: &'a [u8],
    ) -> Result<Self, ResponseError> {
        let certificate = Fields::parse(Part::Certificate, certificate)?;
        let delegated = certificate.value(Tag::DELE)?;
        let signature = certificate.array(Tag::SIG)?;
        if !signatures.ed25519(&key.0, &[DELEGATION_CONTEXT, delegated].concat(), signature) {
            return Err(ResponseError::DelegationSignature { key: *key });
        }
        let fields = Fields::parse(Part::Delegation, delegated)?;
        Ok(Self {
            key: fields.array(Tag::PUBK)?,
            least_s: fields.u64(Tag::MINT)?,
            most_s: fields.u64(Tag::MAXT)?,
        })
    }

    fn check(&self, midpoint: &Midpoint) -> Result<(), ResponseError> {
        if midpoint.radius_s == 0 {
            return Err(ResponseError::Radius);
        }
        let (least, most, found) = (self.least_s, self.most_s, midpoint.midpoint_s);
        if !(least..=most).contains(&found) {
            return Err(ResponseError::Midpoint { least, most, found });
        }
        Ok(())
    }
}

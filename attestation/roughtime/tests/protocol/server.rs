//! A server that signs whatever a test wants, written from the RFC and without any code of the crate's.

use attestation_roughtime::{Part, ServerKey, Tag};
use ed25519_dalek::{Signer, SigningKey};
use sha2::{Digest, Sha512};

/// What servers here say the time is, if nothing else: an hour of 2026, and five seconds more or less.
pub(crate) const NOW_S: u64 = 1_791_158_400;
pub(crate) const RADIUS_S: u32 = 5;

/// Long-term and delegated key.
pub(crate) struct Server {
    long_term: SigningKey,
    delegated: SigningKey,
}

impl Server {
    pub(crate) fn new(number: u8) -> Self {
        let key = |kind| SigningKey::from_bytes(&[number, kind].repeat(16).try_into().unwrap());
        Self { long_term: key(1), delegated: key(2) }
    }

    pub(crate) fn key(&self) -> ServerKey {
        ServerKey(self.long_term.verifying_key().to_bytes())
    }

    pub(crate) fn delegated_key(&self) -> [u8; 32] {
        self.delegated.verifying_key().to_bytes()
    }

    /// The true answer to a request.
    pub(crate) fn answer(&self, request: &[u8]) -> Vec<u8> {
        self.answer_at(request, NOW_S)
    }

    pub(crate) fn answer_at(&self, request: &[u8], midpoint_s: u64) -> Vec<u8> {
        let mut answer = Answer::to(request, self);
        answer.signed.set(Tag::MIDP, &midpoint_s.to_le_bytes());
        answer.packet(self)
    }
}

/// Values by tag.
#[derive(Clone, Default)]
pub(crate) struct Pairs(Vec<(Tag, Vec<u8>)>);

impl Pairs {
    fn of<const N: usize>(pairs: [(Tag, &[u8]); N]) -> Self {
        Self(pairs.map(|(tag, value)| (tag, value.to_vec())).to_vec())
    }

    /// Puts it in the place of the one that is there.
    pub(crate) fn set(&mut self, tag: Tag, value: &[u8]) {
        self.0.retain(|(found, _)| *found != tag);
        self.0.push((tag, value.to_vec()));
        self.0.sort_by_key(|(tag, _)| u32::from_le_bytes(tag.0));
    }

    pub(crate) fn message(&self) -> Vec<u8> {
        let number = |value: usize| u32::try_from(value).unwrap().to_le_bytes();
        let ends = self.0.iter().scan(0, |end, (_, value)| {
            *end += value.len();
            Some(number(*end))
        });
        let header = [number(self.0.len())].into_iter().chain(ends.take(self.0.len() - 1));
        let header = header.chain(self.0.iter().map(|(tag, _)| tag.0)).flatten();
        header.chain(self.0.iter().flat_map(|(_, value)| value.clone())).collect()
    }
}

/// A response before it is signed: whatever is changed here is signed like that.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) response: Pairs,
    pub(crate) signed: Pairs,
    pub(crate) certificate: Pairs,
    pub(crate) delegation: Pairs,
    /// A value that is left out, or cut to another length, when its message is written.
    pub(crate) spoilt: Option<(Part, Tag, Option<usize>)>,
}

impl Answer {
    /// What is right, for a request that is alone.
    pub(crate) fn to(request: &[u8], server: &Server) -> Self {
        let (nonce, root) = (nonce_of(request), hash(&[&[0], request]));
        let one = 1_u32.to_le_bytes();
        Self {
            response: Pairs::of([
                (Tag::NONC, &nonce),
                (Tag::TYPE, &one),
                (Tag::PATH, &[]),
                (Tag::INDX, &[0; 4]),
            ]),
            signed: Pairs::of([
                (Tag::VER, &one),
                (Tag::RADI, &RADIUS_S.to_le_bytes()),
                (Tag::MIDP, &NOW_S.to_le_bytes()),
                (Tag::VERS, &one),
                (Tag::ROOT, &root),
            ]),
            certificate: Pairs::default(),
            delegation: Pairs::of([
                (Tag::PUBK, &server.delegated_key()),
                (Tag::MINT, &[0; 8]),
                (Tag::MAXT, &[0xFF; 8]),
            ]),
            spoilt: None,
        }
    }

    /// Puts the request into a tree with others: its number there, and its siblings up to the root.
    pub(crate) fn place(&mut self, index: u32, path: &[[u8; 32]], root: &[u8; 32]) {
        self.response.set(Tag::INDX, &index.to_le_bytes());
        self.response.set(Tag::PATH, &path.concat());
        self.signed.set(Tag::ROOT, root);
    }

    /// Signed by a server, and in its frame.
    pub(crate) fn packet(&self, server: &Server) -> Vec<u8> {
        let (mut response, mut certificate) = (self.response.clone(), self.certificate.clone());
        let delegation = self.written(Part::Delegation, &self.delegation);
        let context = b"Roughtime v1 delegation signature\0";
        certificate.set(Tag::SIG, &sign(&server.long_term, context, &delegation));
        certificate.set(Tag::DELE, &delegation);
        let signed = self.written(Part::SignedResponse, &self.signed);
        let context = b"Roughtime v1 response signature\0";
        response.set(Tag::SIG, &sign(&server.delegated, context, &signed));
        response.set(Tag::SREP, &signed);
        response.set(Tag::CERT, &self.written(Part::Certificate, &certificate));
        framed(&self.written(Part::Response, &response))
    }

    fn written(&self, part: Part, pairs: &Pairs) -> Vec<u8> {
        let mut pairs = pairs.clone();
        if let Some((spoilt, tag, length)) = self.spoilt
            && spoilt == part
        {
            match length {
                None => pairs.0.retain(|(found, _)| *found != tag),
                Some(length) => {
                    pairs.0.iter_mut().find(|(found, _)| *found == tag).unwrap().1.resize(length, 0)
                }
            }
        }
        pairs.message()
    }
}

pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_le_bytes();
    [b"ROUGHTIM", &length[..], message].concat()
}

/// One that no other number has.
pub(crate) fn blind(number: usize) -> [u8; 32] {
    [u8::try_from(number).unwrap(); 32]
}

/// NONC of requests of this crate.
pub(crate) fn nonce_of(request: &[u8]) -> [u8; 32] {
    request[88..120].try_into().unwrap()
}

/// The first 32 bytes of SHA-512.
pub(crate) fn hash(parts: &[&[u8]]) -> [u8; 32] {
    Sha512::digest(parts.concat())[..32].try_into().unwrap()
}

/// The root over these nodes and the siblings of one of them, on each level filled up with zeros if their number is odd.
pub(crate) fn tree(requests: &[Vec<u8>], index: usize) -> (Vec<[u8; 32]>, [u8; 32]) {
    let mut level: Vec<[u8; 32]> = requests.iter().map(|request| hash(&[&[0], request])).collect();
    let (mut path, mut place) = (Vec::new(), index);
    while level.len() > 1 {
        level.resize(level.len().next_multiple_of(2), [0; 32]);
        path.push(level[place ^ 1]);
        level = level.chunks(2).map(|pair| hash(&[&[1], &pair[0], &pair[1]])).collect();
        place /= 2;
    }
    (path, level[0])
}

fn sign(key: &SigningKey, context: &[u8], value: &[u8]) -> [u8; 64] {
    key.sign(&[context, value].concat()).to_bytes()
}

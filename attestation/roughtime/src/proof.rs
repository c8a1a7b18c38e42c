//! What remains of a measurement.

use alloc::vec::Vec;

use attestation_signature::SignatureVerifier;
use sha2::{Digest, Sha256};

use crate::{
    Midpoint, ProofError, ServerKey, chained_nonce, commitment, first_nonce, inconsistencies, read_response,
    request, response_digest,
};

/// A measurement for others. Whatever is in it is an allegation until [`Self::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    previous: Option<Vec<u8>>,
    /// One at least.
    exchanges: Vec<Exchange>,
}

/// One request and its answer. The request is not in it: key, blind and the answer before say what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exchange {
    /// Who was asked.
    pub server: ServerKey,
    /// What made the nonce new.
    pub blind: [u8; 32],
    /// The packet that came back.
    pub response: Vec<u8>,
}

/// A proof whose servers are trusted, and whose responses are theirs, in this order.
///
/// Nothing says that the servers are right. Where they contradict each other, one of them is not.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// Digest of the response that the first exchange hangs on; none at the beginning of a chain. Who wants to know whether
    /// two proofs are of one chain, and their exchanges in one order, compares it with the last one of the proof before.
    pub previous: Option<[u8; 32]>,
    /// In their order.
    pub exchanges: Vec<VerifiedExchange>,
    /// Numbers of exchanges that contradict each other, from 0: see [`inconsistencies`].
    pub inconsistencies: Vec<(usize, usize)>,
}

/// What a server said, and what that says of other objects: see the crate's documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifiedExchange {
    /// Who signed.
    pub server: ServerKey,
    /// What time it was.
    pub midpoint: Midpoint,
    /// What was there before the latest second of it.
    pub blind: [u8; 32],
    /// What was not there before the earliest second of it.
    pub response_digest: [u8; 32],
}

impl Proof {
    /// `None` without exchanges.
    pub(crate) fn of(previous: Option<Vec<u8>>, exchanges: Vec<Exchange>) -> Option<Self> {
        (!exchanges.is_empty()).then_some(Self { previous, exchanges })
    }

    /// Makes each request again and checks each answer. Nothing is asked of the order or number of servers.
    ///
    /// # Errors
    /// A server that is none of `servers`, or a response that does not verify. An exchange that was moved, repeated, put
    /// in or taken out is found at the one behind it: the nonce there is another.
    pub fn verify(
        &self,
        signatures: &dyn SignatureVerifier,
        servers: &[ServerKey],
    ) -> Result<Verified, ProofError> {
        let mut exchanges = Vec::with_capacity(self.exchanges.len());
        for (number, (exchange, request)) in self.requests().enumerate() {
            let Exchange { server, blind, response } = exchange;
            if !servers.contains(server) {
                return Err(ProofError::UnknownServer { exchange: number, server: *server });
            }
            let midpoint = read_response(signatures, server, &request, response)
                .map_err(|error| ProofError::Response { exchange: number, error })?;
            let response_digest = response_digest(response);
            exchanges.push(VerifiedExchange { server: *server, midpoint, blind: *blind, response_digest });
        }
        let midpoints: Vec<Midpoint> = exchanges.iter().map(|exchange| exchange.midpoint).collect();
        let previous = self.previous.as_deref().map(response_digest);
        Ok(Verified { previous, exchanges, inconsistencies: inconsistencies(&midpoints) })
    }

    /// SHA-256 of the encoding.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.encode()).into()
    }

    /// The last response of the measurement before. Nobody has verified it: it is in its own proof.
    #[must_use]
    pub fn previous(&self) -> Option<&[u8]> {
        self.previous.as_deref()
    }

    /// In their order; at least one.
    #[must_use]
    pub fn exchanges(&self) -> &[Exchange] {
        &self.exchanges
    }

    /// Each exchange with the request that it must have had.
    pub(crate) fn requests(&self) -> impl Iterator<Item = (&Exchange, Vec<u8>)> {
        self.exchanges.iter().scan(self.previous.as_deref(), |before, exchange| {
            let nonce = next_nonce(*before, &exchange.blind);
            *before = Some(&exchange.response);
            Some((exchange, request(&exchange.server, &nonce)))
        })
    }
}

impl VerifiedExchange {
    /// Whether the blind commits to this root, so that what is under it was there before the latest second.
    #[must_use]
    pub fn commits_to(&self, salt: &[u8; 32], root: &[u8; 32]) -> bool {
        self.blind == commitment(salt, root)
    }
}

/// The nonce after this response, or at the beginning of a chain.
pub(crate) fn next_nonce(before: Option<&[u8]>, blind: &[u8; 32]) -> [u8; 32] {
    before.map_or_else(|| first_nonce(blind), |response| chained_nonce(response, blind))
}

//! Proofs as deterministic CBOR.

use alloc::vec::Vec;
use core::convert::Infallible;

use minicbor::{Decoder, Encoder};

use crate::{EXCHANGES_MAX, Exchange, PROOF_VERSION, Proof, ProofError, RESPONSE_MAX_BYTES, ServerKey};

/// A response and its head.
const RESPONSE_ITEM_BYTES: usize = 3 + RESPONSE_MAX_BYTES;
/// A key or blind and its head.
const HASH_ITEM_BYTES: usize = 2 + 32;
/// Array, number of the server, blind, response.
const EXCHANGE_ITEM_BYTES: usize = 1 + 2 + HASH_ITEM_BYTES + RESPONSE_ITEM_BYTES;
/// The map, its four keys, the version, heads of both arrays; then all of each that there can be.
pub(crate) const PROOF_MAX_BYTES: usize =
    1 + 4 + 1 + 2 * 2 + RESPONSE_ITEM_BYTES + EXCHANGES_MAX * (HASH_ITEM_BYTES + EXCHANGE_ITEM_BYTES);

type Written = Result<(), minicbor::encode::Error<Infallible>>;

impl Proof {
    /// The one encoding of this proof.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let done = self.encode_to(&mut Encoder::new(&mut bytes));
        debug_assert!(done.is_ok(), "writing to a `Vec` is infallible");
        bytes
    }

    /// Reads [`Self::encode`]'s bytes and nothing else.
    ///
    /// # Errors
    /// Too long, not CBOR, another version, none or too many exchanges, or not the one encoding of its content.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProofError> {
        let found = bytes.len();
        if found > PROOF_MAX_BYTES {
            return Err(ProofError::TooLong { found });
        }
        let proof = Reader(Decoder::new(bytes)).proof()?;
        // Long forms, trailing bytes and servers that are repeated, unused or in another order end here.
        if proof.encode() != bytes {
            return Err(ProofError::NotDeterministic);
        }
        Ok(proof)
    }

    fn encode_to(&self, encoder: &mut Encoder<&mut Vec<u8>>) -> Written {
        let servers = self.servers();
        let entries = if self.previous().is_some() { 4 } else { 3 };
        encoder.map(entries)?.u8(0)?.u32(PROOF_VERSION)?;
        if let Some(previous) = self.previous() {
            encoder.u8(1)?.bytes(previous)?;
        }
        encoder.u8(2)?.array(length(&servers))?;
        for server in &servers {
            encoder.bytes(&server.0)?;
        }
        encoder.u8(3)?.array(length(self.exchanges()))?;
        for Exchange { server, blind, response } in self.exchanges() {
            let number = servers.iter().position(|listed| listed == server).unwrap_or(usize::MAX);
            encoder.array(3)?.u64(u64::try_from(number).unwrap_or(u64::MAX))?;
            encoder.bytes(blind)?.bytes(response)?;
        }
        Ok(())
    }

    /// Each once, in the order of their first exchange.
    fn servers(&self) -> Vec<ServerKey> {
        let mut servers = Vec::new();
        for exchange in self.exchanges() {
            if !servers.contains(&exchange.server) {
                servers.push(exchange.server);
            }
        }
        servers
    }
}

fn length<T>(list: &[T]) -> u64 {
    u64::try_from(list.len()).unwrap_or(u64::MAX)
}

struct Reader<'a>(Decoder<'a>);

impl Reader<'_> {
    fn proof(&mut self) -> Result<Proof, ProofError> {
        let entries = self.0.map().map_err(|error| self.malformed(&error))?;
        self.expect(matches!(entries, Some(3 | 4)))?;
        self.key(0)?;
        let found = u32::try_from(self.number()?).unwrap_or(u32::MAX);
        if found != PROOF_VERSION {
            return Err(ProofError::Version { found });
        }
        let previous = if entries == Some(4) { Some(self.previous()?) } else { None };
        let servers = self.servers()?;
        let exchanges = self.exchanges(&servers)?;
        Proof::of(previous, exchanges).ok_or(ProofError::ExchangeCount { found: 0 })
    }

    fn previous(&mut self) -> Result<Vec<u8>, ProofError> {
        self.key(1)?;
        self.response()
    }

    fn servers(&mut self) -> Result<Vec<ServerKey>, ProofError> {
        self.key(2)?;
        let count = self.count(|found| ProofError::ServerCount { found })?;
        (0..count).map(|_| self.hash().map(ServerKey)).collect()
    }

    fn exchanges(&mut self, servers: &[ServerKey]) -> Result<Vec<Exchange>, ProofError> {
        self.key(3)?;
        let count = self.count(|found| ProofError::ExchangeCount { found })?;
        (0..count).map(|number| self.exchange(number, servers)).collect()
    }

    fn exchange(&mut self, exchange: usize, servers: &[ServerKey]) -> Result<Exchange, ProofError> {
        let length = self.0.array().map_err(|error| self.malformed(&error))?;
        self.expect(length == Some(3))?;
        let found = self.number()?;
        let server = usize::try_from(found).ok().and_then(|number| servers.get(number));
        let unlisted = ProofError::ServerNumber { exchange, servers: servers.len(), found };
        let server = *server.ok_or(unlisted)?;
        Ok(Exchange { server, blind: self.hash()?, response: self.response()? })
    }

    /// Length of the array that is next, 1 to [`EXCHANGES_MAX`].
    fn count(&mut self, refused: impl FnOnce(u64) -> ProofError) -> Result<usize, ProofError> {
        let length = self.0.array().map_err(|error| self.malformed(&error))?;
        let found = length.ok_or(ProofError::NotDeterministic)?;
        let count = usize::try_from(found).ok().filter(|count| (1..=EXCHANGES_MAX).contains(count));
        count.ok_or_else(|| refused(found))
    }

    fn response(&mut self) -> Result<Vec<u8>, ProofError> {
        let bytes = self.0.bytes().map_err(|error| self.malformed(&error))?;
        match bytes.len() {
            1..=RESPONSE_MAX_BYTES => Ok(bytes.to_vec()),
            found => Err(ProofError::ResponseLength { found }),
        }
    }

    fn hash(&mut self) -> Result<[u8; 32], ProofError> {
        let bytes = self.0.bytes().map_err(|error| self.malformed(&error))?;
        bytes.try_into().map_err(|_| ProofError::Malformed { offset: self.0.position() })
    }

    fn number(&mut self) -> Result<u64, ProofError> {
        self.0.u64().map_err(|error| self.malformed(&error))
    }

    /// The key must be next.
    fn key(&mut self, key: u64) -> Result<(), ProofError> {
        let found = self.number()?;
        self.expect(found == key)
    }

    fn expect(&self, is_so: bool) -> Result<(), ProofError> {
        if is_so { Ok(()) } else { Err(ProofError::Malformed { offset: self.0.position() }) }
    }

    fn malformed(&self, error: &minicbor::decode::Error) -> ProofError {
        ProofError::Malformed { offset: error.position().unwrap_or_else(|| self.0.position()) }
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "numbers of a test are small")]
mod tests;

//! One server after the other.

use alloc::vec::Vec;

use attestation_signature::SignatureVerifier;

use crate::proof::next_nonce;
use crate::{
    EXCHANGES_MAX, Exchange, MeasurementError, Midpoint, Proof, RESPONSE_MAX_BYTES, ResponseError, ServerKey,
    read_response, request,
};

/// Exchanges of which each hangs on the answer to the one before.
///
/// RFC 10049 §8.2 asks three servers or more, all in one order, and then all again in the same order: only then is a
/// server that is late found out as well as one that is early. Who is asked, how often and how long one waits is for
/// the caller to say.
#[derive(Debug, Clone)]
pub struct Measurement {
    previous: Option<Vec<u8>>,
    exchanges: Vec<Exchange>,
    waiting: Option<Waiting>,
}

/// A request without an answer.
#[derive(Debug, Clone)]
struct Waiting {
    server: ServerKey,
    blind: [u8; 32],
    request: Vec<u8>,
}

impl Measurement {
    /// Begins after the last response of the measurement before, so that all measurements of a boot are one chain; without
    /// one, at the beginning of that chain.
    ///
    /// # Errors
    /// What was before is empty or longer than any response.
    pub fn begin(previous: Option<&[u8]>) -> Result<Self, MeasurementError> {
        let length = previous.map(<[u8]>::len);
        if let Some(found) = length.filter(|length| !(1..=RESPONSE_MAX_BYTES).contains(length)) {
            return Err(MeasurementError::Previous { found });
        }
        Ok(Self { previous: previous.map(<[u8]>::to_vec), exchanges: Vec::new(), waiting: None })
    }

    /// What to send to the server with this key. The blind is 32 random bytes or a [`commitment`](crate::commitment), and
    /// new each time. The request may be sent as often as one likes until it is answered.
    ///
    /// # Errors
    /// The request before still waits, or there were [`EXCHANGES_MAX`] exchanges.
    pub fn next_request(&mut self, key: &ServerKey, blind: &[u8; 32]) -> Result<Vec<u8>, MeasurementError> {
        if self.waiting.is_some() {
            return Err(MeasurementError::Waiting);
        }
        if self.exchanges.len() >= EXCHANGES_MAX {
            return Err(MeasurementError::Full);
        }
        let request = request(key, &next_nonce(self.last_response(), blind));
        self.waiting = Some(Waiting { server: *key, blind: *blind, request: request.clone() });
        Ok(request)
    }

    /// Takes the answer to the request that waits. One that is refused changes nothing: a carrier can make up what it likes,
    /// and the true answer may still come.
    ///
    /// # Errors
    /// As [`read_response`]; or nothing was asked.
    pub fn accept(
        &mut self,
        signatures: &dyn SignatureVerifier,
        response: &[u8],
    ) -> Result<Midpoint, ResponseError> {
        let waiting = self.waiting.as_ref().ok_or(ResponseError::NothingAsked)?;
        let midpoint = read_response(signatures, &waiting.server, &waiting.request, response)?;
        let (server, blind) = (waiting.server, waiting.blind);
        self.exchanges.push(Exchange { server, blind, response: response.to_vec() });
        self.waiting = None;
        Ok(midpoint)
    }

    /// Waits no longer. The next request hangs on the last answer that came; what the blind committed to is committed to by
    /// nothing.
    pub fn skip(&mut self) {
        self.waiting = None;
    }

    /// How many requests were answered: the number that the exchange with the next request will have.
    #[must_use]
    pub fn answered(&self) -> usize {
        self.exchanges.len()
    }

    /// What the next request hangs on.
    #[must_use]
    pub fn last_response(&self) -> Option<&[u8]> {
        self.exchanges.last().map(|exchange| exchange.response.as_slice()).or(self.previous.as_deref())
    }

    /// What remains of it. `None` where nobody answered.
    #[must_use]
    pub fn finish(self) -> Option<Proof> {
        Proof::of(self.previous, self.exchanges)
    }
}

//! One request, and its answer.

use core::fmt;

use examples_rate_report::{RATES_MAX_BYTES, Url};
use wasip2::http::outgoing_handler;
use wasip2::http::types::{ErrorCode, Fields, IncomingBody, IncomingResponse, OutgoingRequest, Scheme};
use wasip2::io::streams::StreamError;

/// How much of the body is asked for at once, in bytes.
const PIECE_BYTES: u64 = 64 * 1024;
/// The one status that comes with rates.
const OK: u16 = 200;

/// Why there are no rates.
pub(crate) enum NotFetched {
    /// The guest refuses the request, or the server could not be asked.
    Refused(ErrorCode),
    /// The address has a part that HTTP forbids.
    Request,
    /// Another status.
    Status(u16),
    /// A body that no rates have.
    TooLong,
    /// The connection broke off before the end of the body.
    Truncated,
}

impl fmt::Display for NotFetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(code) => write!(f, "{code:?}"),
            Self::Request => f.write_str("no request can have this address"),
            Self::Status(found) => write!(f, "expected status {OK}, found {found}"),
            Self::TooLong => write!(f, "the answer is longer than {RATES_MAX_BYTES} bytes"),
            Self::Truncated => f.write_str("the answer broke off"),
        }
    }
}

/// The body at an address.
pub(crate) fn get(url: &Url<'_>) -> Result<Vec<u8>, NotFetched> {
    let pending = outgoing_handler::handle(request(url)?, None).map_err(NotFetched::Refused)?;
    pending.subscribe().block();
    // It is ready by now, and nobody took it before.
    let answer = pending.get().and_then(Result::ok).ok_or(NotFetched::Truncated)?;
    let response: IncomingResponse = answer.map_err(NotFetched::Refused)?;
    match response.status() {
        OK => read(&response.consume().map_err(|()| NotFetched::Truncated)?),
        other => Err(NotFetched::Status(other)),
    }
}

fn request(url: &Url<'_>) -> Result<OutgoingRequest, NotFetched> {
    let refused = |()| NotFetched::Request;
    let headers = Fields::new();
    headers.set("accept", &[b"application/json".to_vec()]).map_err(|_| NotFetched::Request)?;
    let request = OutgoingRequest::new(headers);
    request.set_scheme(Some(&Scheme::Https)).map_err(refused)?;
    request.set_authority(Some(url.authority())).map_err(refused)?;
    request.set_path_with_query(Some(url.path_with_query())).map_err(refused)?;
    Ok(request)
}

/// All of a body: to its end, because only then has the exchange a receipt.
fn read(body: &IncomingBody) -> Result<Vec<u8>, NotFetched> {
    let stream = body.stream().map_err(|()| NotFetched::Truncated)?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(PIECE_BYTES) {
            Ok(piece) => bytes.extend_from_slice(&piece),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(_)) => return Err(NotFetched::Truncated),
        }
        if bytes.len() > RATES_MAX_BYTES {
            return Err(NotFetched::TooLong);
        }
    }
}

//! From an answer of HTTP to what is kept of it.

use attestation_x509::Instant;

use crate::chain_header::decode_issuer_chain;
use crate::entry::Entry;
use crate::names::beginning;
use crate::{Answer, FetchError, ObjectError, Request};

pub(super) const TOO_MANY_REQUESTS: u16 = 429;
const UNAVAILABLE: u16 = 503;

/// Whether the service wants to be left alone.
pub(super) const fn is_refusal(status: u16) -> bool {
    matches!(status, TOO_MANY_REQUESTS | UNAVAILABLE)
}

/// Whether the service is broken at the moment.
pub(super) const fn is_outage(status: u16) -> bool {
    matches!(status, 500 | 502 | 504)
}

/// Takes out of an answer what is kept. Whether that is the object, [`crate::Object::read`] says.
pub(super) fn accept(
    request: &Request,
    url: &str,
    answer: Answer,
    now: Instant,
) -> Result<Entry, FetchError> {
    check_status(request, url, &answer)?;
    check_content_type(request, url, answer.header("content-type"))?;
    let header = request.chain_header().and_then(|name| answer.header(name));
    let issuer_chain = header.map(decode_issuer_chain).transpose().map_err(|error| {
        FetchError::WrongObject { url: url.to_owned(), source: ObjectError::IssuerChain(error) }
    })?;
    Ok(Entry { fetched_at: now, body: answer.body, issuer_chain })
}

fn check_status(request: &Request, url: &str, answer: &Answer) -> Result<(), FetchError> {
    let url = || url.to_owned();
    match answer.status {
        200 => Ok(()),
        300..=399 => {
            let to = beginning(answer.header("location").unwrap_or_default());
            Err(FetchError::Redirected { url: url(), to })
        }
        404 => Err(FetchError::NotThere { url: url(), request: request.to_string() }),
        status => Err(FetchError::Status { url: url(), status }),
    }
}

/// Services name DER and PEM in many ways, and the parsers decide; but what is named JSON, or text for people, is neither.
fn check_content_type(request: &Request, url: &str, header: Option<&str>) -> Result<(), FetchError> {
    let Some(header) = header else { return Ok(()) };
    let kind = header.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json = kind == "application/json" || kind.ends_with("+json");
    let is_page =
        matches!(kind.as_str(), "text/html" | "application/xhtml+xml" | "text/xml" | "application/xml");
    if is_json == request.is_json() && !is_page {
        return Ok(());
    }
    let expected = if request.is_json() { "application/json" } else { "DER or PEM" };
    Err(FetchError::ContentType { url: url.to_owned(), expected, found: beginning(header) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_are_told_apart() {
        let is_ok = |request: &Request, header| check_content_type(request, "u", header).is_ok();
        for header in [None, Some("application/json"), Some("Application/JSON; charset=utf-8")] {
            assert!(is_ok(&Request::QeIdentity, header), "{header:?}");
        }
        for header in
            [None, Some("application/pkix-crl"), Some("application/octet-stream"), Some("text/plain")]
        {
            assert!(is_ok(&Request::RootCrl, header), "{header:?}");
        }
        for header in [Some("text/html; charset=utf-8"), Some("application/octet-stream"), Some("")] {
            assert!(!is_ok(&Request::QeIdentity, header), "{header:?}");
        }
        for header in [Some("text/html"), Some("application/json"), Some("application/problem+json")] {
            assert!(!is_ok(&Request::RootCrl, header), "{header:?}");
        }
    }
}

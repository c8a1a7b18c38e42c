//! Bounds on what one run can make the guest keep for `wasi:http`.

use enclave_http::{BodyLimits, Fields, HeadLimits};

use super::{HttpBody, HttpFailure, HttpResponse};

/// Most exchanges that go on at once. The next request is refused.
pub(crate) const EXCHANGES_MAX: usize = 32;

/// What is kept of a body whose head was not sent yet.
pub(crate) const KEPT_BODY_BYTES: usize = 64 * 1024;

/// Likewise, of all such bodies.
pub(crate) const KEPT_BYTES: usize = 128 * 1024;

/// Heads, fields and options that a component holds, with what the host keeps around them.
pub(crate) const HELD_BYTES: usize = 256 * 1024;

/// Most fields of one list; servers and clients take no more.
pub(crate) const FIELDS_MAX: usize = HeadLimits::DEFAULT.fields;

/// Names and values of one list.
pub(crate) const FIELDS_BYTES: usize = HeadLimits::DEFAULT.head_bytes;

/// The longest path with query.
pub(crate) const PATH_BYTES: usize = HeadLimits::DEFAULT.target_bytes;

/// A response, or the failure that it is too large.
pub(crate) fn of_response(response: HttpResponse) -> Result<HttpResponse, HttpFailure> {
    let fits = response.fields.len() <= FIELDS_MAX && text_bytes(&response.fields) <= FIELDS_BYTES;
    if fits { Ok(response) } else { Err(HttpFailure::ResponseHeaderSectionSize) }
}

/// A part of a body, or the failure that its trailers are too large.
pub(crate) fn of_body(body: HttpBody) -> HttpBody {
    match body {
        HttpBody::End(trailers)
            if trailers.len() > BodyLimits::DEFAULT.trailers
                || text_bytes(&trailers) > BodyLimits::DEFAULT.trailer_bytes =>
        {
            HttpBody::Failed(HttpFailure::ResponseTrailerSectionSize)
        }
        body => body,
    }
}

/// Names and values.
pub(crate) fn text_bytes(fields: &Fields) -> usize {
    fields.iter().map(|field| field.name().len().saturating_add(field.value().len())).sum()
}

#[cfg(test)]
mod tests {
    use enclave_http::{Field, StatusCode};

    use super::*;

    fn fields(count: usize, value_bytes: usize) -> Fields {
        (0..count).map(|_| Field::new("n", &alloc::vec![b'v'; value_bytes]).unwrap()).collect()
    }

    #[test]
    fn large_heads_and_trailers_are_failures() {
        let response = |count, bytes| HttpResponse { status: StatusCode::OK, fields: fields(count, bytes) };
        assert!(of_response(response(FIELDS_MAX, 10)).is_ok());
        assert!(of_response(response(1, FIELDS_BYTES - 1)).is_ok());
        for too_much in [response(FIELDS_MAX + 1, 0), response(1, FIELDS_BYTES)] {
            assert_eq!(of_response(too_much), Err(HttpFailure::ResponseHeaderSectionSize));
        }
        assert_eq!(of_body(HttpBody::End(fields(32, 10))), HttpBody::End(fields(32, 10)));
        for too_much in [fields(33, 0), fields(1, 4096)] {
            let failed = HttpBody::Failed(HttpFailure::ResponseTrailerSectionSize);
            assert_eq!(of_body(HttpBody::End(too_much)), failed);
        }
    }
}

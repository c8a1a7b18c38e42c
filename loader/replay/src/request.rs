//! The request of a claim, from its file.

use std::io::Read;

use attestation_claim::Claim;
use attestation_claim::message::{Field, parse_request};
use attestation_manifest::Service;
use bytes::Bytes;
use enclave_runtime::IncomingRequest;
use enclave_runtime::enclave_http::{Authority, Field as HttpField, Fields, Method, Scheme};
use sha2::{Digest, Sha256};

use crate::error::ReplayError;
use crate::replay::check_file;

/// What a request has besides its body, at most.
const HEAD_MAX_BYTES: u64 = 256 << 10;

/// A request with what the component can read of it.
pub(crate) struct ServedRequest {
    pub(crate) request: IncomingRequest,
    pub(crate) body: Bytes,
    /// `None`: the component did not read to the end, or there was none.
    pub(crate) trailers: Option<Fields>,
}

/// Reads the file whose hash the claim names.
pub(crate) fn read_request(
    claim: &Claim,
    service: &Service,
    input: &mut dyn Read,
) -> Result<ServedRequest, ReplayError> {
    let mut bytes = Vec::new();
    let most = service.request_body_bytes.saturating_add(HEAD_MAX_BYTES);
    input.take(most).read_to_end(&mut bytes).map_err(ReplayError::Input)?;
    check_file("input", claim.input.sha256, Sha256::digest(&bytes).into())?;
    let message = parse_request(&bytes)?;
    let head = &message.head;
    let request = IncomingRequest {
        method: Method::new(head.method).map_err(ReplayError::request)?,
        scheme: Scheme::of(head.scheme),
        authority: head.authority.map(Authority::parse).transpose().map_err(ReplayError::request)?,
        path_with_query: head.path_with_query.map(ToOwned::to_owned),
        fields: owned(&head.fields)?,
    };
    let trailers = message.trailers.as_deref().map(owned).transpose()?;
    Ok(ServedRequest { request, body: Bytes::copy_from_slice(message.body), trailers })
}

fn owned(fields: &[Field<'_>]) -> Result<Fields, ReplayError> {
    let field = |(name, value): &Field<'_>| HttpField::new(name, value).map_err(ReplayError::request);
    fields.iter().map(field).collect()
}

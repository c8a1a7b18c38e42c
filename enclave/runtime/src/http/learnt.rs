//! How messages are written into transcripts.

use alloc::string::ToString;
use alloc::vec::Vec;

use bytes::Bytes;
use enclave_http::{BodyPlan, Field, Fields, StatusCode};
use sha2::{Digest, Sha256};

use super::convert::scheme_name;
use super::{HttpBody, HttpFailure, HttpRequest, HttpResponse};
use crate::learnt::Learnt;

/// Separates digests of requests from every other use of SHA-256, and this version of them from the next.
const REQUEST_DOMAIN: &[u8] = b"redoubt http request 1\0";

impl Learnt for HttpFailure {
    fn write(&self, payload: &mut Vec<u8>) {
        payload.push(self.number());
    }

    fn read(payload: &[u8]) -> Option<Self> {
        match payload {
            [number] => Self::from_number(*number),
            _ => None,
        }
    }
}

/// Each field as the lengths of name and value, two bytes each, and both.
impl Learnt for Fields {
    fn write(&self, payload: &mut Vec<u8>) {
        for field in self {
            let (name, value) = (field.name().as_bytes(), field.value());
            for part in [name, value] {
                // Longer fields are refused before they are learnt.
                payload.extend_from_slice(&u16::try_from(part.len()).unwrap_or(u16::MAX).to_le_bytes());
            }
            payload.extend_from_slice(name);
            payload.extend_from_slice(value);
        }
    }

    fn read(mut payload: &[u8]) -> Option<Self> {
        let mut fields = Self::new();
        while !payload.is_empty() {
            let (lengths, rest) = payload.split_first_chunk::<4>()?;
            let [name_low, name_high, value_low, value_high] = *lengths;
            let (name, rest) = rest.split_at_checked(u16::from_le_bytes([name_low, name_high]).into())?;
            let (value, rest) = rest.split_at_checked(u16::from_le_bytes([value_low, value_high]).into())?;
            let field = Field::new(core::str::from_utf8(name).ok()?, value).ok()?;
            if (field.name().as_bytes(), field.value()) != (name, value) {
                return None;
            }
            fields.push(field);
            payload = rest;
        }
        Some(fields)
    }
}

/// The status as two bytes, and the fields.
impl Learnt for HttpResponse {
    fn write(&self, payload: &mut Vec<u8>) {
        payload.extend_from_slice(&self.status.get().to_le_bytes());
        self.fields.write(payload);
    }

    fn read(payload: &[u8]) -> Option<Self> {
        let (status, fields) = payload.split_first_chunk()?;
        let status = StatusCode::new(u16::from_le_bytes(*status))?;
        Some(Self { status, fields: Fields::read(fields)? })
    }
}

/// 0 for nothing yet, 1 and bytes, 2 and trailers, or 3 and the failure.
impl Learnt for HttpBody {
    fn write(&self, payload: &mut Vec<u8>) {
        match self {
            Self::Pending => payload.push(0),
            Self::Bytes(bytes) => {
                payload.push(1);
                payload.extend_from_slice(bytes);
            }
            Self::End(trailers) => {
                payload.push(2);
                trailers.write(payload);
            }
            Self::Failed(failure) => {
                payload.push(3);
                failure.write(payload);
            }
        }
    }

    fn read(payload: &[u8]) -> Option<Self> {
        match payload {
            [0] => Some(Self::Pending),
            [1, bytes @ ..] if !bytes.is_empty() => Some(Self::Bytes(Bytes::copy_from_slice(bytes))),
            [2, trailers @ ..] => Fields::read(trailers).map(Self::End),
            [3, failure @ ..] => HttpFailure::read(failure).map(Self::Failed),
            _ => None,
        }
    }
}

impl HttpRequest {
    /// Of everything that the component says about the request.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let Self { method, scheme, authority, path_with_query, fields, body, timeouts } = self;
        let mut rest = Vec::new();
        for wait_ns in [timeouts.connect_ns, timeouts.first_byte_ns, timeouts.between_bytes_ns] {
            push_part(&mut rest, &written(&wait_ns));
        }
        let (plan, length) = match body {
            BodyPlan::None => (0, 0),
            BodyPlan::Length(bytes) => (1, *bytes),
            BodyPlan::Unknown => (2, 0),
        };
        rest.push(plan);
        rest.extend_from_slice(&length.to_le_bytes());
        fields.write(&mut rest);
        let mut head = Vec::new();
        for part in [method.as_str(), scheme_name(scheme), &authority.to_string(), path_with_query] {
            push_part(&mut head, part.as_bytes());
        }
        Sha256::new().chain_update(REQUEST_DOMAIN).chain_update(head).chain_update(rest).finalize().into()
    }
}

fn push_part(out: &mut Vec<u8>, part: &[u8]) {
    out.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
    out.extend_from_slice(part);
}

fn written(value: &impl Learnt) -> Vec<u8> {
    let mut payload = Vec::new();
    value.write(&mut payload);
    payload
}

#[cfg(test)]
mod tests;

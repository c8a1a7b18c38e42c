//! Keys and values that both ends of a session derive from it, and nobody else can.
//!
//! Spec: RFC 8446, section 7.5, for TLS 1.3; RFC 5705 for TLS 1.2, where the extended master secret (RFC 7627) makes the
//! values belong to this session only. rustls derives them for its own connections with buffers, not for ours.

use alloc::vec::Vec;
use core::fmt;

use ring::{digest, hkdf, hmac};
use rustls::crypto::hash::HashAlgorithm;
use zeroize::Zeroizing;

/// Every label of TLS 1.3 begins so.
const LABEL_PREFIX: &[u8] = b"tls13 ";
/// Hashes that are put together for one value at most, as HKDF counts (RFC 5869, section 2.3).
const BLOCKS_MAX: usize = 255;

/// What was asked for is longer than the derivation allows: the value, the label or the context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("exporter: the value, the label or the context is too long")]
pub struct ExporterError;

/// The secret that values are derived from, and how.
pub(crate) struct Exporter {
    hash: Hash,
    secret: Secret,
}

enum Secret {
    Tls13(Zeroizing<Vec<u8>>),
    /// Master secret, and the client's random before the server's.
    Tls12(Zeroizing<Vec<u8>>, [u8; 64]),
}

/// Of a cipher suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sha384,
}

impl Hash {
    /// `None` for what no suite of ours has.
    pub(crate) const fn of(algorithm: HashAlgorithm) -> Option<Self> {
        match algorithm {
            HashAlgorithm::SHA256 => Some(Self::Sha256),
            HashAlgorithm::SHA384 => Some(Self::Sha384),
            _ => None,
        }
    }

    fn digest(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
        }
    }

    fn hkdf(self) -> hkdf::Algorithm {
        match self {
            Self::Sha256 => hkdf::HKDF_SHA256,
            Self::Sha384 => hkdf::HKDF_SHA384,
        }
    }

    fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha384 => hmac::HMAC_SHA384,
        }
    }
}

impl Exporter {
    pub(crate) const fn tls13(hash: Hash, secret: Zeroizing<Vec<u8>>) -> Self {
        Self { hash, secret: Secret::Tls13(secret) }
    }

    pub(crate) const fn tls12(hash: Hash, master_secret: Zeroizing<Vec<u8>>, randoms: [u8; 64]) -> Self {
        Self { hash, secret: Secret::Tls12(master_secret, randoms) }
    }

    /// Fills `value`. Its length is part of the derivation in TLS 1.3, and is not in TLS 1.2; no context and an empty one
    /// are the same in TLS 1.3, and are not in TLS 1.2.
    pub(crate) fn export(
        &self,
        label: &[u8],
        context: Option<&[u8]>,
        value: &mut [u8],
    ) -> Result<(), ExporterError> {
        if value.len() > self.hash.digest().output_len().saturating_mul(BLOCKS_MAX) {
            return Err(ExporterError);
        }
        match &self.secret {
            Secret::Tls13(secret) => {
                let context = context.unwrap_or_default();
                export_tls13(self.hash, secret, label, context, value)
            }
            Secret::Tls12(secret, randoms) => export_tls12(self.hash, secret, randoms, label, context, value),
        }
    }
}

/// Without the secret.
impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exporter")
    }
}

fn export_tls13(
    hash: Hash,
    secret: &[u8],
    label: &[u8],
    context: &[u8],
    value: &mut [u8],
) -> Result<(), ExporterError> {
    let nothing = digest::digest(hash.digest(), &[]);
    let mut derived = Zeroizing::new([0; digest::MAX_OUTPUT_LEN]);
    let derived = derived.get_mut(..hash.digest().output_len()).ok_or(ExporterError)?;
    expand_label(hash, secret, label, nothing.as_ref(), derived)?;
    let context = digest::digest(hash.digest(), context);
    expand_label(hash, derived, b"exporter", context.as_ref(), value)
}

/// HKDF-Expand-Label (RFC 8446, section 7.1).
fn expand_label(
    hash: Hash,
    secret: &[u8],
    label: &[u8],
    context: &[u8],
    value: &mut [u8],
) -> Result<(), ExporterError> {
    let label_length = LABEL_PREFIX.len().saturating_add(label.len());
    let value_length = u16::try_from(value.len()).map_err(|_| ExporterError)?.to_be_bytes();
    let label_length = [u8::try_from(label_length).map_err(|_| ExporterError)?];
    let context_length = [u8::try_from(context.len()).map_err(|_| ExporterError)?];
    let info = [&value_length[..], &label_length, LABEL_PREFIX, label, &context_length, context];
    hkdf::Prk::new_less_safe(hash.hkdf(), secret)
        .expand(&info, Length(value.len()))
        .and_then(|expanded| expanded.fill(value))
        .map_err(|_| ExporterError)
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn export_tls12(
    hash: Hash,
    secret: &[u8],
    randoms: &[u8; 64],
    label: &[u8],
    context: Option<&[u8]>,
    value: &mut [u8],
) -> Result<(), ExporterError> {
    let context_length = match context {
        Some(context) => Some(u16::try_from(context.len()).map_err(|_| ExporterError)?.to_be_bytes()),
        None => None,
    };
    let length = context_length.as_ref().map_or(&[][..], <[u8; 2]>::as_slice);
    let seed = [label, randoms, length, context.unwrap_or_default()];
    pseudorandom(&hmac::Key::new(hash.hmac(), secret), &seed, value);
    Ok(())
}

/// P_hash (RFC 5246, section 5) over parts of a seed.
fn pseudorandom(key: &hmac::Key, seed: &[&[u8]], value: &mut [u8]) {
    let authenticate = |first: &[u8], rest: &[&[u8]]| {
        let mut context = hmac::Context::with_key(key);
        context.update(first);
        rest.iter().for_each(|part| context.update(part));
        context.sign()
    };
    let block_bytes = key.algorithm().digest_algorithm().output_len();
    let mut chained = authenticate(&[], seed);
    for block in value.chunks_mut(block_bytes) {
        let output = authenticate(chained.as_ref(), seed);
        for (to, from) in block.iter_mut().zip(output.as_ref()) {
            *to = *from;
        }
        chained = authenticate(chained.as_ref(), &[]);
    }
}

#[cfg(test)]
mod tests;

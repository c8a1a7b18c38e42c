//! Who the server was, checked again by somebody who does not believe the guest.

use alloc::string::String;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use sha2::{Digest, Sha256};

use crate::{ReceiptError, TLS_1_2, TLS_1_3, Tls, Validity, Value, VerifiedReceipt};

/// What precedes the hash in a server's signature of TLS 1.3 (RFC 8446, section 4.4.3), after 64 spaces.
const SERVER_CONTEXT: &[u8] = b"TLS 1.3, server CertificateVerify\0";
const SPACES: [u8; 64] = [b' '; 64];
/// The suites of TLS 1.3 by the length of their hash (RFC 8446, appendix B.4).
const SHA_256_SUITES: [u16; 4] = [0x1301, 0x1303, 0x1304, 0x1305];
const SHA_384_SUITES: [u16; 1] = [0x1302];
/// `named_curve` (RFC 8422, section 5.4).
const NAMED_CURVE: u8 = 3;

/// Who reads certificates: another crate does, for those who want it.
///
/// What is wrong is said in words, which come out again in [`ReceiptError`].
pub trait CertificateChecker {
    /// Whether `chain`, the server's own certificate first, leads to a root, is valid all through `interval` in seconds
    /// since 1970, and is a server's with this name or address. `roots` is the digest of the list of roots that the guest had:
    /// whoever has another list decides what to think of that.
    ///
    /// # Errors
    /// Why not.
    fn check_path(
        &self,
        host: &str,
        chain: &[&[u8]],
        roots: &[u8; 32],
        interval: RangeInclusive<u64>,
    ) -> Result<(), String>;

    /// Whether the key of this certificate has signed this message, by the scheme with this number in IANA's list.
    ///
    /// # Errors
    /// Why not.
    fn check_signature(
        &self,
        leaf: &[u8],
        scheme: u16,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), String>;

    /// The SubjectPublicKeyInfo of this certificate, with its header.
    ///
    /// # Errors
    /// It has none.
    fn public_key_info(&self, leaf: &[u8]) -> Result<Vec<u8>, String>;
}

/// What is known of the server, beyond what the guest says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum OriginFinding {
    /// A certificate with the host's name was valid, and its key took part in a handshake. Of what was said afterwards it
    /// signed nothing.
    Checked,
    /// The certificates are not enclosed: there is only what the guest says.
    NotCheckable,
}

/// Whether the server was who the receipt says: see [`OriginFinding`].
///
/// Certificates are judged by the time at the end of the exchange. The guest judged them when it began: of an exchange during
/// which one expired, this says that it was not valid.
///
/// # Errors
/// The first thing that does not fit the certificates which are enclosed; or the request, where it is shown, went to another
/// host.
pub fn verify_origin(
    receipt: &VerifiedReceipt,
    checker: &dyn CertificateChecker,
) -> Result<OriginFinding, ReceiptError> {
    let tls = &receipt.receipt().tls;
    check_authority(receipt)?;
    check_message(tls)?;
    let Some(leaf) = receipt.certificates().first() else { return Ok(OriginFinding::NotCheckable) };
    let told = |reason| ReceiptError::Path { reason };
    let found: [u8; 32] = Sha256::digest(checker.public_key_info(leaf).map_err(told)?).into();
    if found != tls.spki_sha256 {
        return Err(ReceiptError::PublicKey { expected: tls.spki_sha256, found });
    }
    check_path(receipt, checker)?;
    let signed = &tls.signature;
    checker
        .check_signature(leaf, signed.scheme, &signed.message, &signed.signature)
        .map_err(|reason| ReceiptError::HandshakeSignature { reason })?;
    Ok(OriginFinding::Checked)
}

fn check_path(receipt: &VerifiedReceipt, checker: &dyn CertificateChecker) -> Result<(), ReceiptError> {
    let (tls, time) = (&receipt.receipt().tls, &receipt.receipt().time);
    let Validity { not_before_s, not_after_s } = tls.validity;
    if time.earliest_s < not_before_s || time.latest_s > not_after_s {
        let (expected, found) = (not_before_s..=not_after_s, time.earliest_s..=time.latest_s);
        return Err(ReceiptError::Validity { expected, found });
    }
    let presented = receipt.certificates();
    let used = tls.path.iter().filter_map(|index| presented.get(usize::from(*index)));
    let chain: Vec<&[u8]> = used.map(Vec::as_slice).collect();
    checker
        .check_path(&receipt.receipt().peer.host, &chain, &tls.roots_digest, time.earliest_s..=time.latest_s)
        .map_err(|reason| ReceiptError::Path { reason })
}

/// Whether the host that was asked for is the one whose certificate was checked.
fn check_authority(receipt: &VerifiedReceipt) -> Result<(), ReceiptError> {
    let expected = &receipt.receipt().peer.host;
    let shown = receipt.values().find_map(|value| match value {
        Value::Authority(authority) => Some(authority),
        _ => None,
    });
    let Some(authority) = shown else { return Ok(()) };
    if !names_host(authority, expected) {
        return Err(ReceiptError::Authority { expected: expected.clone(), found: authority.clone() });
    }
    Ok(())
}

fn names_host(authority: &str, host: &str) -> bool {
    authority.rsplit_once(':').map_or(authority, |(before, _port)| before).eq_ignore_ascii_case(host)
}

/// Whether what the server signed is what servers sign: otherwise the signature could be of anything.
fn check_message(tls: &Tls) -> Result<(), ReceiptError> {
    let message = &tls.signature.message;
    let is_of_a_server = match tls.version {
        TLS_1_3 => is_tls13_message(tls, message),
        TLS_1_2 => is_tls12_message(tls, message),
        found => return Err(ReceiptError::TlsVersion { found }),
    };
    if is_of_a_server { Ok(()) } else { Err(ReceiptError::HandshakeMessage { version: tls.version }) }
}

fn is_tls13_message(tls: &Tls, message: &[u8]) -> bool {
    let hash = message.strip_prefix(&SPACES).and_then(|rest| rest.strip_prefix(SERVER_CONTEXT));
    let lengths: &[usize] = match tls.cipher_suite {
        suite if SHA_256_SUITES.contains(&suite) => &[32],
        suite if SHA_384_SUITES.contains(&suite) => &[48],
        _ => &[32, 48],
    };
    hash.is_some_and(|hash| lengths.contains(&hash.len()))
}

/// Random numbers of both, then a curve and a point on it.
fn is_tls12_message(tls: &Tls, message: &[u8]) -> bool {
    let Some((client_random, rest)) = message.split_first_chunk::<32>() else { return false };
    let Some((server_random, parameters)) = rest.split_first_chunk::<32>() else { return false };
    let [high, low] = tls.group.to_be_bytes();
    let Some(point) = parameters.strip_prefix(&[NAMED_CURVE, high, low]) else { return false };
    let is_whole = point
        .split_first()
        .is_some_and(|(length, point)| usize::from(*length) == point.len() && !point.is_empty());
    is_whole
        && *client_random == tls.client_random
        && tls.server_random.is_none_or(|random| random == *server_random)
}

#[cfg(test)]
mod tests;

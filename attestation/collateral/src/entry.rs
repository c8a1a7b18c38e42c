//! Files of the cache: an answer as it came, the name of what was asked for, and a digest over both.
//!
//! The digest finds files that a crash, a full disk or a person cut short or changed. It protects from nobody who means to:
//! what comes out is checked like an answer of the network, and verified like one.

use attestation_x509::Instant;
use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};

const VERSION: u32 = 1;
const DIGEST_BYTES: usize = 32;
/// The longest file: the longest answer, its chain, and some bytes around them.
pub(crate) const ENTRY_MAX_BYTES: usize = 256 * 1024;

/// ```cddl
/// file = digest .. entry       ; SHA-256 of the entry, then its CBOR
/// entry = { 0: 1, 1: tstr, 2: uint, 3: bstr, ? 4: bstr }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct WireEntry<'a> {
    #[n(0)]
    version: u32,
    #[b(1)]
    name: &'a str,
    #[n(2)]
    fetched_at: u64,
    #[cbor(b(3), with = "minicbor::bytes")]
    body: &'a [u8],
    #[cbor(b(4), with = "minicbor::bytes")]
    issuer_chain: Option<&'a [u8]>,
}

/// An answer, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// When it came.
    pub(crate) fetched_at: Instant,
    /// Body as it came.
    pub(crate) body: Vec<u8>,
    /// Chain that came with it, PEM.
    pub(crate) issuer_chain: Option<Vec<u8>>,
}

impl Entry {
    pub(crate) fn encode(&self, name: &str) -> Vec<u8> {
        let wire = WireEntry {
            version: VERSION,
            name,
            fetched_at: self.fetched_at.unix_seconds(),
            body: &self.body,
            issuer_chain: self.issuer_chain.as_deref(),
        };
        let mut content = Vec::new();
        let done = minicbor::encode(&wire, &mut content);
        debug_assert!(done.is_ok(), "writing to a `Vec` is infallible");
        [Sha256::digest(&content).as_slice(), &content].concat()
    }

    /// `None` when the file is anything but a whole entry of this name.
    pub(crate) fn decode(file: &[u8], name: &str) -> Option<Self> {
        let (digest, content) = file.split_at_checked(DIGEST_BYTES)?;
        if Sha256::digest(content).as_slice() != digest {
            return None;
        }
        let wire: WireEntry<'_> = minicbor::decode(content).ok()?;
        (wire.version == VERSION && wire.name == name).then(|| Self {
            fetched_at: Instant::from_unix_seconds(wire.fetched_at),
            body: wire.body.to_vec(),
            issuer_chain: wire.issuer_chain.map(<[u8]>::to_vec),
        })
    }

    /// Name and time that a whole entry states.
    pub(crate) fn head(file: &[u8]) -> Option<(String, Instant)> {
        let (digest, content) = file.split_at_checked(DIGEST_BYTES)?;
        let is_whole = Sha256::digest(content).as_slice() == digest;
        let wire: WireEntry<'_> = minicbor::decode(content).ok().filter(|_| is_whole)?;
        Some((wire.name.to_owned(), Instant::from_unix_seconds(wire.fetched_at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_changed_byte_and_every_other_name_is_noticed() {
        let fetched_at = Instant::from_unix_seconds(7);
        for issuer_chain in [None, Some(b"chain".to_vec())] {
            let entry = Entry { fetched_at, body: b"body".to_vec(), issuer_chain };
            let file = entry.encode("crl-Milan");
            assert_eq!(Entry::decode(&file, "crl-Milan"), Some(entry));
            assert_eq!(Entry::head(&file), Some(("crl-Milan".to_owned(), fetched_at)));
            assert_eq!(Entry::decode(&file, "crl-Genoa"), None);
            for offset in 0..file.len() {
                assert_eq!(Entry::decode(&file[..offset], "crl-Milan"), None);
                let mut changed = file.clone();
                changed[offset] ^= 1;
                assert_eq!(Entry::decode(&changed, "crl-Milan"), None);
            }
        }
    }
}

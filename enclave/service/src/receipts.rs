//! Receipts: what a guest fetched, one after the other since boot.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use attestation_evidence::Evidence;
use attestation_receipt::{RECEIPT_VERSION, Receipt, ReceiptError, Run, SignedReceipt, Time, sign_receipt};
use attestation_roughtime::Proof;
use attestation_signature::P256Signer;
use enclave_platform::Identity;
use enclave_runtime::RunName;
use sha2::{Digest, Sha256};
use spin::Mutex;
use zeroize::Zeroizing;

use crate::recording::Recorded;
use crate::time::KnownTime;

/// The chain of this boot, for all runs.
#[derive(Clone)]
pub(crate) struct SharedReceipts(Arc<Mutex<Chain>>);

struct Chain {
    evidence_digest: [u8; 32],
    instance_key: Arc<dyn P256Signer>,
    /// Of the next one.
    number: u64,
    previous: [u8; 32],
}

/// A receipt that is in the chain. Nothing is signed yet: who wants it signed asks for that.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) receipt: Receipt,
    pub(crate) digest: [u8; 32],
    /// With the reply that it names.
    pub(crate) time_proof: Option<Arc<Proof>>,
    recorded: Recorded,
}

impl SharedReceipts {
    pub(crate) fn new(identity: &Identity) -> Self {
        let evidence_digest = digest_of(&identity.evidence);
        let instance_key = identity.instance_key.clone();
        Self(Arc::new(Mutex::new(Chain { evidence_digest, instance_key, number: 0, previous: [0; 32] })))
    }

    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        let instance_key = Arc::new(p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap());
        Self(Arc::new(Mutex::new(Chain {
            evidence_digest: [1; 32],
            instance_key,
            number: 0,
            previous: [0; 32],
        })))
    }

    /// Puts an exchange of a run into the chain.
    ///
    /// # Errors
    /// No receipt is like that; the chain is as before.
    pub(crate) fn issue(
        &self,
        run: RunName,
        exchange: u64,
        recorded: Recorded,
        time: KnownTime,
    ) -> Result<Issued, ReceiptError> {
        let mut chain = self.0.lock();
        let (reply_digest, time_proof) =
            time.beginning.map(|beginning| (beginning.reply_digest, beginning.proof)).unzip();
        let [sent_us, first_byte_us, last_byte_us] = recorded.times_us;
        let receipt = Receipt {
            version: RECEIPT_VERSION,
            number: chain.number,
            previous: chain.previous,
            run: Run { component: run.component, manifest: run.manifest, sequence: run.sequence, exchange },
            leaves: recorded.opening.leaves(),
            peer: recorded.peer.clone(),
            tls: recorded.tls.clone(),
            request: recorded.request,
            response: recorded.response,
            time: Time {
                earliest_s: time.interval.earliest_s,
                latest_s: time.interval.latest_s,
                roughtime: reply_digest,
                sent_us,
                first_byte_us,
                last_byte_us,
            },
        };
        receipt.check()?;
        let digest = receipt.digest();
        chain.number = chain.number.saturating_add(1);
        chain.previous = digest;
        Ok(Issued { receipt, digest, time_proof, recorded })
    }

    /// Signs a receipt; everything is shown in it that can be.
    ///
    /// # Errors
    /// No receipt is like that.
    pub(crate) fn sign(&self, issued: &Issued) -> Result<SignedReceipt, ReceiptError> {
        let chain = self.0.lock();
        let Recorded { opening, chunks, certificates, .. } = &issued.recorded;
        let signed = sign_receipt(&issued.receipt, &chain.evidence_digest, chain.instance_key.as_ref())?;
        let shown = opening.disclose(|_| true).into_iter().chain(chunks.iter().cloned());
        signed.with_disclosures(shown)?.with_certificates(certificates.clone())
    }
}

/// A receipt cannot be given away.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SignError {
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    #[error("expected at most {limit} bytes, found {found} with nothing but heads shown")]
    TooLong { limit: usize, found: usize },
}

impl SharedReceipts {
    /// Signs a receipt that must not be longer than this: without certificates, or without what it shows of bodies, if need
    /// be. Both are signed by their digests all the same.
    ///
    /// # Errors
    /// No receipt is like that, or even heads are too long.
    pub(crate) fn sign_within(&self, issued: &Issued, limit: usize) -> Result<Vec<u8>, SignError> {
        let signed = self.sign(issued)?;
        let whole = signed.encode();
        if whole.len() <= limit {
            return Ok(whole);
        }
        let signed = signed.redacted(|shown| shown.as_leaf().is_some());
        let with_certificates = signed.encode();
        if with_certificates.len() <= limit {
            return Ok(with_certificates);
        }
        let least = signed.without_certificates().encode();
        let found = least.len();
        if found <= limit { Ok(least) } else { Err(SignError::TooLong { limit, found }) }
    }
}

impl Issued {
    /// What shows more of a receipt than is in it, or less.
    pub(crate) fn opening(&self) -> Zeroizing<Vec<u8>> {
        self.recorded.opening.encode()
    }

    /// For the log.
    pub(crate) fn describe(&self) -> String {
        let Receipt { number, peer, .. } = &self.receipt;
        alloc::format!("receipt {number}: {}:{}", peer.host, peer.port)
    }
}

fn digest_of(evidence: &Evidence) -> [u8; 32] {
    Sha256::digest(evidence.encode()).into()
}

impl fmt::Debug for SharedReceipts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedReceipts").field("number", &self.0.lock().number).finish_non_exhaustive()
    }
}

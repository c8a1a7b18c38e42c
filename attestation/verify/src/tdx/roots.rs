//! Roots that are trusted: Intel's one, pinned as a whole certificate.
//!
//! Source: `https://certificates.trustedservices.intel.com/Intel_SGX_Provisioning_Certification_RootCA.cer`, DER; the
//! file is that of `Phala-Network/dcap-qvl` (MIT), commit 9bffe30b4da5, `src/TrustedRootCA.der`. SHA-256:
//! 44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3.

use alloc::vec::Vec;

use attestation_signature::SignatureVerifier;
use attestation_x509::Certificate;

/// A set of roots. It has at least one: an empty set cannot be written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roots<'a> {
    first: &'a [u8],
    more: &'a [&'a [u8]],
}

impl<'a> Roots<'a> {
    /// Roots other than Intel's, as DER, for tests of a whole chain. The command has no way to get here.
    #[must_use]
    pub const fn dangerous_other_than_intel(first: &'a [u8], more: &'a [&'a [u8]]) -> Self {
        Self { first, more }
    }

    /// All of them, as DER.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> {
        core::iter::once(self.first).chain(self.more.iter().copied())
    }

    /// The root that signed `last` of a chain, itself included; or else one that it names, or else any: a chain is
    /// always compared with something that we trust. A root and its successor may share a name, and only then are
    /// signatures looked at: that of the chain is verified anyhow.
    pub(super) fn of(&self, last: &Certificate, by: &dyn SignatureVerifier) -> Option<Certificate> {
        if self.iter().any(|der| der == last.der()) {
            return Some(last.clone());
        }
        let mut roots: Vec<Certificate> =
            self.iter().filter_map(|der| Certificate::parse(der).ok()).collect();
        let is_named = |root: &Certificate| root.subject() == last.issuer();
        let is_signer = |root: &Certificate| last.is_signed_by(root.key(), by);
        let is_one_of_many = roots.iter().filter(|root| is_named(root)).nth(1).is_some();
        let signer = roots.iter().position(|root| is_one_of_many && is_named(root) && is_signer(root));
        let index = signer.or_else(|| roots.iter().position(is_named)).unwrap_or_default();
        (index < roots.len()).then(|| roots.swap_remove(index))
    }
}

/// Intel's.
impl Default for Roots<'static> {
    fn default() -> Self {
        Self { first: include_bytes!("roots/intel-sgx-root-ca.der"), more: &[] }
    }
}

#[cfg(test)]
mod tests {
    use attestation_signature::RustCrypto;
    use attestation_x509::intel::Role;
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_pinned_root_is_intels_and_signed_itself() {
        let roots = Roots::default();
        assert_eq!(roots.iter().count(), 1);
        let der = roots.iter().next().unwrap();
        assert_eq!(Sha256::digest(der)[..4], [0x44, 0xA0, 0x19, 0x6B]);
        let certificate = Certificate::parse(der).unwrap();
        assert!(certificate.is_signed_by(certificate.key(), &RustCrypto) && certificate.is_self_issued());
        assert_eq!(Role::of(certificate.subject()).unwrap(), Role::Root);
        assert!(certificate.extensions().authority().unwrap().signs_crls);
    }
}

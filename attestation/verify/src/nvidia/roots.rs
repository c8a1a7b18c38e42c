//! Roots that are trusted: one of NVIDIA's for devices, one for manifests, pinned as whole certificates.
//!
//! Source: `NVIDIA/nvtrust` (Apache-2.0), commit 028173093d43,
//! `guest_tools/gpu_verifiers/local_gpu_verifier/src/verifier/certs/`, `verifier_device_root.pem` and
//! `verifier_RIM_root.pem`, as DER. SHA-256 of the DER: device 102bf659d5419614…, RIM 12977b5115acb038….
//! NVIDIA has a second device root ("L1B"); no device of ours has a chain below it, and it is not pinned.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use attestation_x509::Certificate;

/// A set of roots for one purpose, each a whole certificate as DER. It has at least one: an empty set cannot be written
/// down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RootSet<'a> {
    first: &'a [u8],
    more: &'a [&'a [u8]],
}

/// What chains have to end in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roots<'a> {
    /// Of devices.
    pub(super) device: RootSet<'a>,
    /// Of manifests.
    pub(super) rim: RootSet<'a>,
}

impl<'a> RootSet<'a> {
    /// These certificates.
    #[must_use]
    pub const fn new(first: &'a [u8], more: &'a [&'a [u8]]) -> Self {
        Self { first, more }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        core::iter::once(self.first).chain(self.more.iter().copied())
    }

    /// The root that a chain with this last certificate has to end in: the one that it names as its issuer, else the
    /// first, which it then fails to reach. Always our own copy.
    pub(super) fn for_chain(&self, last: Option<&Certificate>) -> Option<Certificate> {
        let mut roots = self.iter().filter_map(|root| Certificate::parse(root).ok());
        let first = roots.next()?;
        let names = |root: &Certificate| last.is_some_and(|last| last.issuer() == root.subject());
        if names(&first) {
            return Some(first);
        }
        Some(roots.find(names).unwrap_or(first))
    }

    pub(super) fn names(&self) -> String {
        let roots = self.iter().filter_map(|root| Certificate::parse(root).ok());
        let names: Vec<String> = roots.map(|root| format!("{}", root.subject())).collect();
        format!("one that is pinned: {}", names.join("; "))
    }
}

impl<'a> Roots<'a> {
    /// Roots other than NVIDIA's, for tests of whole chains. The command has no way to get here.
    #[must_use]
    pub const fn dangerous_other_than_nvidia(device: RootSet<'a>, rim: RootSet<'a>) -> Self {
        Self { device, rim }
    }

    /// Of devices.
    #[must_use]
    pub const fn device(&self) -> &RootSet<'a> {
        &self.device
    }

    /// Of manifests.
    #[must_use]
    pub const fn rim(&self) -> &RootSet<'a> {
        &self.rim
    }
}

/// NVIDIA's.
impl Default for Roots<'static> {
    fn default() -> Self {
        Self {
            device: RootSet::new(include_bytes!("roots/device.der"), &[]),
            rim: RootSet::new(include_bytes!("roots/rim.der"), &[]),
        }
    }
}

#[cfg(test)]
mod tests {
    use attestation_signature::RustCrypto;

    use super::*;

    #[test]
    fn every_pinned_root_signed_itself_and_has_its_name() {
        let roots = Roots::default();
        for (set, name) in
            [(roots.device, "NVIDIA Device Identity CA"), (roots.rim, "NVIDIA CoRIM signing Root CA")]
        {
            let root = Certificate::parse(set.first).unwrap();
            assert!(root.is_signed_by(root.key(), &RustCrypto) && root.is_self_issued(), "{name}");
            assert_eq!(root.subject().common_name(), Some(name));
            assert!(root.extensions().authority().is_ok(), "{name}");
            assert_eq!(set.iter().count(), 1);
        }
    }
}

//! Roots that evidence of hardware is verified up to.

use attestation_verify::{nvidia, snp, tdx};

/// A root per vendor. Outside of this crate's own tests there is one value: the roots that the vendors publish, pinned in
/// the program. No option, file or variable leads to others.
///
/// ```
/// use attestation_cli::appraise::TrustedRoots;
/// let pinned = TrustedRoots::of_vendors();
/// ```
/// ```compile_fail,E0451
/// # use attestation_cli::appraise::TrustedRoots;
/// let others = TrustedRoots { ..TrustedRoots::of_vendors() };
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustedRoots<'a> {
    pub(super) snp: snp::Roots<'a>,
    pub(super) tdx: tdx::Roots<'a>,
    pub(super) nvidia: nvidia::Roots<'a>,
}

impl TrustedRoots<'static> {
    /// AMD's, Intel's and NVIDIA's own.
    #[must_use]
    pub fn of_vendors() -> Self {
        Self { snp: snp::Roots::default(), tdx: tdx::Roots::default(), nvidia: nvidia::Roots::default() }
    }
}

/// For worlds with a vendor of the test's own. There is no such code in the command.
#[cfg(test)]
impl<'a> TrustedRoots<'a> {
    /// With this root in the place of AMD's.
    pub(crate) const fn with_test_amd(self, root: snp::Root<'a>) -> Self {
        Self { snp: snp::Roots::dangerous_other_than_amd(root, &[]), ..self }
    }

    /// With this root in the place of Intel's.
    pub(crate) const fn with_test_intel(self, root: &'a [u8]) -> Self {
        Self { tdx: tdx::Roots::dangerous_other_than_intel(root, &[]), ..self }
    }
}

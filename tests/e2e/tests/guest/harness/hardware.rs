//! Verdicts on simulated evidence, which need no collateral and ask no policy.

use std::sync::LazyLock;

use attestation_cli::appraise::TrustedRoots;
use attestation_cli::check::Hardware;
use attestation_policy::{Policy, Preset};
use attestation_x509::Instant;

/// Nothing to verify evidence of hardware with.
pub(crate) fn no_hardware() -> Hardware<'static> {
    static STRICT: LazyLock<Policy> =
        LazyLock::new(|| Policy::parse(Preset::Strict.text()).expect("a preset is a policy"));
    let (at, roots) = (Instant::from_unix_seconds(0), TrustedRoots::of_vendors());
    Hardware { items: &[], policy: &STRICT, at, roots }
}

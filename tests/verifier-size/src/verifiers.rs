//! Each verifier with everything that it can be given. The compiler knows nothing about the input, so it keeps all of it.

use core::hint::black_box;

use attestation_signature::RustCrypto;
use attestation_verify::{Verifier, nvidia as of_nvidia, snp as of_amd, tdx as of_intel};

const AT: &str = "2026-01-01T00:00:00Z";

fn input() -> Option<&'static [u8]> {
    black_box(None)
}

fn verifier() -> Option<Verifier<'static>> {
    let at = black_box(AT).parse().ok()?;
    Some(Verifier { signatures: &RustCrypto, at })
}

/// SEV-SNP: report and chain.
#[must_use]
pub fn snp() -> bool {
    let (bytes, roots) = (input().unwrap_or_default(), of_amd::Roots::default());
    let collateral = of_amd::Collateral { vek: input(), chain: &[bytes], crls: &[bytes] };
    let challenge = of_amd::Challenge::NotPosed;
    verifier().is_some_and(|by| of_amd::verify(input(), &collateral, challenge, &roots, by).is_ok())
}

/// TDX: quote and collateral, without an event log.
#[must_use]
pub fn tdx() -> bool {
    let (bytes, roots) = (input().unwrap_or_default(), of_intel::Roots::default());
    let issuer_chain = [bytes];
    let document = input().map(|body| of_intel::Document { body, issuer_chain: &issuer_chain });
    let collateral = of_intel::Collateral {
        pck_chain: &[bytes],
        tcb_info: document,
        qe_identity: document,
        crls: &[bytes],
        event_log: None,
    };
    let challenge = of_intel::Challenge::NotPosed;
    verifier().is_some_and(|by| of_intel::verify(input(), &collateral, challenge, &roots, by).is_ok())
}

/// A device of NVIDIA with its manifests.
#[must_use]
pub fn nvidia() -> bool {
    let rims = of_nvidia::RimFiles { driver: input(), vbios: input() };
    let evidence = of_nvidia::Evidence { report: input(), chain: input(), rims };
    let (challenge, roots) = (of_nvidia::Challenge::NotPosed, of_nvidia::Roots::default());
    verifier().is_some_and(|by| of_nvidia::verify(&evidence, challenge, &roots, by).is_ok())
}

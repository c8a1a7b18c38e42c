//! SEV-SNP evidence as a whole: nothing that a fuzzer makes is signed by AMD.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_signature::RustCrypto;
use attestation_verify::Verifier;
use attestation_verify::snp::{AUTHORITIES, Challenge, Collateral, Roots, verify};
use attestation_x509::Instant;
use tests_fuzz::{Budget, Target};

/// Longest piece that the input is cut into: its length has two bytes.
const PIECES_MAX: usize = 8;

fn main() -> ExitCode {
    // AMD's own authorities are read each time, and RSA prepares its arithmetic.
    let budget = Budget::with(64 * 1024);
    Target { name: "snp-verify", max_bytes: 16 * 1024, budget, run }.drive()
}

fn run(input: &[u8]) {
    let pieces = cut(input);
    let (report, rest) = pieces.split_first().map_or((None, &[][..]), |(first, rest)| (Some(*first), rest));
    let (vek, rest) = rest.split_first().map_or((None, &[][..]), |(first, rest)| (Some(*first), rest));
    let (lists, chain) = rest.split_at(rest.len().min(1));
    let chain: Vec<&[u8]> = chain.iter().copied().chain(AUTHORITIES).collect();
    let collateral = Collateral { vek, chain: &chain, crls: lists };
    let by = Verifier { signatures: &RustCrypto, at: Instant::from_unix_seconds(1_780_000_000) };
    match verify(report, &collateral, Challenge::NotPosed, &Roots::default(), by) {
        // Real evidence may be fed by hand.
        Ok(verified) => assert!(
            verified.trail().findings().all(|(code, _)| code.kind() != attestation_verify::Kind::Fatal)
        ),
        Err(rejection) => {
            let (_, check) = rejection.reason().unwrap_or_else(|| std::process::abort());
            assert!(!check.found.is_empty() || !check.expected.is_empty());
        }
    }
}

/// Length, bytes; length, bytes; …
fn cut(mut input: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    while let Some((length, rest)) = input.split_first_chunk::<2>() {
        let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
        let (piece, behind) = rest.split_at(length);
        pieces.push(piece);
        input = behind;
        if pieces.len() == PIECES_MAX {
            break;
        }
    }
    pieces
}

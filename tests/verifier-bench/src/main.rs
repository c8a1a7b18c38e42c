//! Times verification of real evidence, ours beside other people's, alternating in one process and on one core.
//!
//! Prints one JSON object per line: what, who, median and extremes in microseconds, most bytes held at once. Run by
//! `cargo xtask bench verification`, which writes the report.

#[cfg(test)]
mod agreement;
#[path = "../../fuzz/src/memory.rs"]
mod memory;
mod snp;
mod tdx;

use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;

/// Runs of each contender.
const RUNS: usize = 200;

const RUST_CRYPTO: &str = "RustCrypto";
const RING: &str = "ring";

/// What a contender is in the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Role {
    /// A whole verification of ours.
    Ours,
    /// Other people's.
    Peer,
    /// Part of one of ours.
    Part,
}

/// Somebody's verification of one piece of evidence. Panics when it does not verify: what fails early is fast.
struct Contender {
    what: &'static str,
    who: &'static str,
    role: Role,
    /// Whose arithmetic it verifies signatures with.
    cryptography: &'static str,
    verify: Box<dyn Fn()>,
}

fn main() {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let Some(folder) = folder else {
        eprintln!("usage: tests-verifier-bench FOLDER-OF-EVIDENCE");
        std::process::exit(2);
    };
    for contenders in [snp::contenders(&folder.join("snp")), tdx::contenders(&folder.join("tdx"))] {
        race(&contenders);
    }
}

/// One run of each in turn, so that whatever disturbs the machine disturbs all.
fn race(contenders: &[Contender]) {
    let mut micros: Vec<Vec<f64>> = contenders.iter().map(|_| Vec::new()).collect();
    for contender in contenders {
        (contender.verify)();
    }
    for _ in 0..RUNS {
        for (contender, micros) in contenders.iter().zip(&mut micros) {
            let begun = Instant::now();
            (contender.verify)();
            micros.push(begun.elapsed().as_secs_f64() * 1e6);
        }
    }
    for (contender, micros) in contenders.iter().zip(&mut micros) {
        micros.sort_by(f64::total_cmp);
        let (least, most) = (micros.first().unwrap_or(&0.0), micros.last().unwrap_or(&0.0));
        let median = micros.get(RUNS / 2).unwrap_or(&0.0);
        let peak_bytes = memory::peak_of(&contender.verify);
        let Contender { what, who, role, cryptography, .. } = contender;
        println!(
            "{}",
            serde_json::json!({
                "what": what, "who": who, "role": role, "cryptography": cryptography, "median_us": median,
                "least_us": least, "most_us": most, "peak_bytes": peak_bytes,
            })
        );
    }
}

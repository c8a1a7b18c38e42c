//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::collateral::arguments::CollateralCommand;

/// Checks evidence and claims of Redoubt guests. Checking reads files only: no network, no clock, no state. `collateral`
/// fetches beforehand what checks need.
#[derive(Debug, Parser)]
#[command(name = "redoubt-verify", version, arg_required_else_help = true, after_help = AFTER_HELP)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check a claim against the input, the output and the image that it should be about.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Box<CheckArguments>),
    /// Fetch, bundle and list what vendors publish about their machines.
    #[command(subcommand)]
    Collateral(CollateralCommand),
    /// Print a completion script for a shell.
    Completion {
        /// Which shell.
        shell: Shell,
    },
}

/// Files of one check.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// The claim, as `redoubt job` stored it.
    #[arg(value_name = "CLAIM")]
    pub claim: PathBuf,
    /// The input that the job was given.
    #[arg(long, value_name = "FILE")]
    pub input: PathBuf,
    /// The output that came back.
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,
    /// What the image is supposed to be; `cargo xtask image` writes it as dist/reference-values.json.
    #[arg(long, value_name = "FILE")]
    pub reference: PathBuf,
    /// Also compare this manifest with the one in the evidence.
    #[arg(long, value_name = "FILE")]
    pub manifest: Option<PathBuf>,
    /// Also measure this ROM and compare.
    #[arg(long, value_name = "FILE")]
    pub rom: Option<PathBuf>,
    /// Also compile this component and compare with the artefact that ran.
    #[arg(long, value_name = "FILE")]
    pub component: Option<PathBuf>,
    /// Accept evidence of the simulated platform, which protects nothing.
    #[arg(long)]
    pub allow_simulated: bool,
    /// Print the verdict as JSON, with every value in full.
    #[arg(long)]
    pub json: bool,
}

const AFTER_HELP: &str = "\
Exit status: 0 accepted, 1 refused, 2 wrong usage or a file that cannot be read.
Colours are for terminals only; NO_COLOR turns them off.

Example:
  redoubt-verify check claim.cbor --input ledger.csv --output report.json \\
      --reference dist/reference-values.json
  redoubt-verify collateral bundle report.bin --out evidence.bundle
  redoubt-verify completion bash > ~/.local/share/bash-completion/completions/redoubt-verify";

const CHECK_EXAMPLES: &str = "\
Exit status: 0 accepted, 1 refused, 2 wrong usage or a file that cannot be read.

Examples:
  What a relying party with the reference values checks:
    redoubt-verify check claim.cbor --input ledger.csv --output report.json \\
        --reference dist/reference-values.json

  The same, trusting nobody's reference values for what can be recomputed:
    redoubt-verify check claim.cbor --input ledger.csv --output report.json \\
        --reference dist/reference-values.json --rom dist/redoubt.rom \\
        --manifest dist/manifest.json --component dist/component.wasm

  During development, on a machine without SEV-SNP or TDX:
    redoubt-verify check … --allow-simulated";

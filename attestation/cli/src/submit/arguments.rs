//! The command line of `submit`.

use std::path::PathBuf;

use clap::Args;

/// A private job, and what has to be true of the guest before anything is sent to it.
#[derive(Debug, Args)]
pub struct SubmitArguments {
    /// Certificates, revocation lists, bundles and other collateral for the guest's evidence, in any order.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Where the guest's host takes private jobs, as `redoubt run --submissions` prints it. The host is not trusted.
    #[arg(long, value_name = "HOST:PORT")]
    pub to: String,
    /// What the image is supposed to be; `cargo xtask image` writes it as dist/reference-values.json.
    #[arg(long, value_name = "FILE")]
    pub reference: PathBuf,
    /// Also measure this ROM and compare, before anything is sent.
    #[arg(long, value_name = "FILE")]
    pub rom: Option<PathBuf>,
    /// Also compile this component and compare with the artefact in the guest's manifest, before anything is sent.
    #[arg(long, value_name = "FILE")]
    pub component: Option<PathBuf>,
    /// The input. It leaves this machine sealed for the guest, and only if the guest's evidence is accepted.
    #[arg(long, value_name = "FILE", help_heading = "Job")]
    pub input: PathBuf,
    /// Where the output goes, once the claim of it holds; a file that is there is replaced then, and not before.
    #[arg(long, value_name = "FILE", help_heading = "Job")]
    pub output: PathBuf,
    /// Where the signed claim goes, for `check` and `redoubt replay`.
    #[arg(long, value_name = "FILE", help_heading = "Job")]
    pub claim: Option<PathBuf>,
    /// Where the transcript goes, with which `redoubt replay` runs the job once more.
    #[arg(long, value_name = "FILE", help_heading = "Job")]
    pub transcript: Option<PathBuf>,
    /// Where the log goes, if the manifest lets it leave the guest. No claim signs it.
    #[arg(long, value_name = "FILE", help_heading = "Job")]
    pub log: Option<PathBuf>,
    /// Accept evidence of the simulated platform, which protects nothing: the host can read the job.
    #[arg(long, help_heading = "Hardware")]
    pub allow_simulated: bool,
    /// Which genuine hardware is wanted: strict, production, development, or a file that `policy init` made.
    #[arg(long, value_name = "POLICY", default_value = "strict", help_heading = "Hardware")]
    pub policy: String,
    /// For when to verify: `now`, `bundle` for the time that a bundle was made for, or a time like 2026-04-06T00:00:00Z.
    #[arg(long, value_name = "TIME", default_value = "now", help_heading = "Hardware")]
    pub at: String,
    /// Print the verdict as JSON, with every value in full.
    #[arg(long)]
    pub json: bool,
}

pub(crate) const SUBMIT_EXAMPLES: &str = "\
The evidence is checked as `check` does it, and nothing is sent if it is refused. What comes back is written only if its claim
is by the guest whose evidence that was, on this input, with this output.
Exit status: 0 done, and the component ended with code 0; 1 refused, nothing was written; 2 wrong usage, a file or a host that
cannot be reached; 3 the claim holds, and the component ended otherwise (no output is written where it trapped or exceeded a
limit).

Examples:
  redoubt-verify submit --to 203.0.113.5:8440 --reference reference-values.json --policy policy.toml machine.bundle \\
      --component component.wasm --input ledger.csv --output report.json --claim claim.cbor

  During development, on a machine without SEV-SNP or TDX:
    redoubt run dist --tee sim --submissions 127.0.0.1:8440 --detach
    redoubt-verify submit --to 127.0.0.1:8440 --reference dist/reference-values.json --allow-simulated \\
        --input ledger.csv --output report.json --claim claim.cbor --log job.log";

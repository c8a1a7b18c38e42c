//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::collateral::arguments::CollateralCommand;
use crate::connect::arguments::{CONNECT_EXAMPLES, ConnectArguments};
use crate::measure::arguments::{DIFF_EXAMPLES, DiffArguments, MEASURE_EXAMPLES, MeasureArguments};
use crate::receipt::arguments::{RECEIPT_EXAMPLES, REDACT_EXAMPLES, ReceiptArguments, RedactArguments};
use crate::submit::arguments::{SUBMIT_EXAMPLES, SubmitArguments};

/// Checks evidence of SEV-SNP, TDX and NVIDIA, and claims and receipts of Redoubt guests. Checking reads files only;
/// `collateral` fetches beforehand what checks need, `connect` asks a service that runs, and `submit` a guest's host.
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
    /// Check a claim against the input, the output and the image that it should be about, or evidence against a policy.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Box<CheckArguments>),
    /// Prove that a service's TLS ends in a guest, check its evidence, and open a port for programs to reach it through.
    #[command(after_help = CONNECT_EXAMPLES)]
    Connect(Box<ConnectArguments>),
    /// Check receipts of what a guest fetched over HTTPS: from whom, when and by which image; and show what it was.
    #[command(after_help = RECEIPT_EXAMPLES)]
    Receipt(Box<ReceiptArguments>),
    /// Make a receipt that shows less, and still verifies.
    #[command(after_help = REDACT_EXAMPLES)]
    Redact(RedactArguments),
    /// Find where two ROMs part: the first page that is measured and differs, and what lies there.
    #[command(after_help = DIFF_EXAMPLES)]
    Diff(DiffArguments),
    /// Predict what platforms will report of guests that are launched from a ROM.
    #[command(after_help = MEASURE_EXAMPLES)]
    Measure(MeasureArguments),
    /// Fetch, bundle and list what vendors publish about their machines.
    #[command(subcommand)]
    Collateral(CollateralCommand),
    /// Make and explain policies: which genuine hardware is wanted.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Show what files of evidence and collateral say, without verifying them.
    #[command(after_help = SHOW_EXAMPLES)]
    Show(ShowArguments),
    /// Make and show keys of readers, for whom guests seal transcripts.
    #[command(subcommand)]
    ReaderKey(ReaderKeyCommand),
    /// Give a guest a private job, whose host reads nothing of it: check its evidence, seal the input, verify the claim.
    #[command(after_help = SUBMIT_EXAMPLES)]
    Submit(Box<SubmitArguments>),
    /// Open what a guest sealed for its readers: a transcript, a log, or a request that was kept.
    #[command(after_help = OPEN_EXAMPLES)]
    Open(OpenArguments),
    /// Print a completion script for a shell.
    Completion {
        /// Which shell.
        shell: Shell,
    },
}

/// What to do with keys of readers.
#[derive(Debug, Subcommand)]
pub enum ReaderKeyCommand {
    /// Make a key in a new file, and print its public half, for `readers` in app.toml.
    #[command(after_help = READER_KEY_EXAMPLES)]
    New {
        /// Where the key goes; nothing is ever replaced.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the public half of a key.
    #[command(after_help = READER_KEY_EXAMPLES)]
    Show {
        /// The key: X25519, PKCS #8, PEM.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// What to open.
#[derive(Debug, Args)]
pub struct OpenArguments {
    /// What a guest sealed.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Key of one of its readers.
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Where what is in it goes, readable for you alone.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// What to check, and against what.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// A claim as `redoubt job` stored it, or evidence; and certificates, revocation lists and other collateral, in any
    /// order and form that `show` knows.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// The input that the job was given; a claim needs it.
    #[arg(long, value_name = "FILE", help_heading = "Claims")]
    pub input: Option<PathBuf>,
    /// The output that came back; a claim needs it.
    #[arg(long, value_name = "FILE", help_heading = "Claims")]
    pub output: Option<PathBuf>,
    /// What the image is supposed to be; `cargo xtask image` writes it as dist/reference-values.json. A claim needs it.
    #[arg(long, value_name = "FILE", help_heading = "Claims")]
    pub reference: Option<PathBuf>,
    /// Also compare this manifest with the one in the evidence.
    #[arg(long, value_name = "FILE", help_heading = "Claims")]
    pub manifest: Option<PathBuf>,
    /// Also measure this ROM and compare.
    #[arg(long, value_name = "FILE", help_heading = "Claims")]
    pub rom: Option<PathBuf>,
    /// Also compile this component and compare with the artefact that ran.
    #[arg(long, value_name = "FILE", help_heading = "Claims")]
    pub component: Option<PathBuf>,
    /// Accept evidence of the simulated platform, which protects nothing.
    #[arg(long, help_heading = "Claims")]
    pub allow_simulated: bool,
    /// Which genuine hardware is wanted: strict, production, development, or a file that `policy init` made.
    #[arg(long, value_name = "POLICY", default_value = "strict", help_heading = "Hardware")]
    pub policy: String,
    /// For when to verify: `now`, `bundle` for the time that a bundle was made for, or a time like 2026-04-06T00:00:00Z.
    #[arg(long, value_name = "TIME", default_value = "now", help_heading = "Hardware")]
    pub at: String,
    /// What the evidence has to answer, in hexadecimal: REPORT_DATA, or the nonce of a GPU or of a virtual TPM. Not for
    /// claims, whose reports answer for the key that signed them.
    #[arg(long, value_name = "HEX", help_heading = "Hardware")]
    pub challenge: Option<String>,
    /// Admit only this launch digest or MRTD, whatever the policy says. May be given several times.
    #[arg(long, value_name = "HEX", help_heading = "Hardware")]
    pub measurement: Vec<String>,
    /// Admit only what these reference values list for the platform, whatever the policy says: a CoRIM, as `cargo xtask
    /// image` and `measure --corim` write it. Not for claims, which have --reference.
    #[arg(long, value_name = "FILE", help_heading = "Hardware")]
    pub corim: Option<PathBuf>,
    /// Admit only this HOST_DATA, whatever the policy says. May be given several times.
    #[arg(long, value_name = "HEX", help_heading = "Hardware")]
    pub host_data: Vec<String>,
    /// Admit only this MRCONFIGID, whatever the policy says. May be given several times.
    #[arg(long, value_name = "HEX", help_heading = "Hardware")]
    pub mr_config_id: Vec<String>,
    /// Also write the verdict as an attestation result (EAR, a JWT signed with ES256), for other people's software.
    #[arg(long, value_name = "FILE", requires = "ear_key", help_heading = "Hardware")]
    pub ear: Option<PathBuf>,
    /// Key of this verifier: P-256, PKCS #8, PEM.
    #[arg(long, value_name = "FILE", requires = "ear", help_heading = "Hardware")]
    pub ear_key: Option<PathBuf>,
    /// Print the verdict as JSON, with every value in full.
    #[arg(long)]
    pub json: bool,
}

/// Files to show.
#[derive(Debug, Args)]
pub struct ShowArguments {
    /// Reports, quotes, certificates, lists, bundles, claims, receipts, manifests: binary, PEM, hexadecimal, base64 or
    /// JSON. `-` reads standard input.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Print JSON, for programs.
    #[arg(long)]
    pub json: bool,
}

/// What to do about policies.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Print a policy to start from, with a comment for each decision.
    #[command(after_help = POLICY_EXAMPLES)]
    Init {
        /// strict, production or development.
        #[arg(value_name = "PRESET", default_value = "strict")]
        preset: String,
    },
    /// Say what each field of a policy demands, and what it is about.
    #[command(after_help = POLICY_EXAMPLES)]
    Explain {
        /// strict, production, development, or a file.
        #[arg(value_name = "POLICY")]
        policy: String,
        /// Print JSON, for programs.
        #[arg(long)]
        json: bool,
    },
}

const AFTER_HELP: &str = "\
Exit status: 0 accepted, 1 refused, 2 wrong usage or a file that cannot be read.
Colours are for terminals only; NO_COLOR turns them off.

Examples:
  redoubt-verify show report.bin vcek.der
  redoubt-verify check claim.cbor --input ledger.csv --output report.json \\
      --reference dist/reference-values.json
  redoubt-verify connect https://ledger.example --reference dist/reference-values.json
  redoubt-verify receipt receipt-1.cbor --time time-1.cbor --evidence evidence.cbor \\
      --reference dist/reference-values.json
  redoubt-verify submit --to 127.0.0.1:8440 --reference dist/reference-values.json \\
      --input ledger.csv --output report.json
  redoubt-verify measure dist/redoubt.rom
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

  A claim of SEV-SNP or TDX, with what the vendor publishes about the machine, fetched beforehand:
    redoubt-verify collateral bundle claim.cbor --out claim.bundle
    redoubt-verify check claim.cbor claim.bundle --policy policy.toml --input ledger.csv \\
        --output report.json --reference dist/reference-values.json

  During development, on a machine without SEV-SNP or TDX:
    redoubt-verify check … --allow-simulated

  Evidence of hardware alone, with what came along:
    redoubt-verify check report.bin vcek.der ark.crl --policy policy.toml --challenge 9f2c…
    redoubt-verify check quote.bin tcb_info.json qe_identity.json signing.pem crls/* --policy production
    redoubt-verify check evidence.bundle --at bundle --policy policy.toml --ear result.jwt --ear-key key.pem
    redoubt-verify check gpu.bin chain.pem driver.xml vbios.xml --challenge 4cff7f53…";

const READER_KEY_EXAMPLES: &str = "\
Exit status: 0 done, 2 wrong usage, or a file that cannot be read or written.

Examples:
  redoubt-verify reader-key new auditor.pem
  echo \"readers = [\\\"$(redoubt-verify reader-key show auditor.pem)\\\"]\"     # a line for app.toml
  openssl genpkey -algorithm X25519 -out auditor.pem                      # makes one as well";

const OPEN_EXAMPLES: &str = "\
Whether what is in it is genuine is another question: hold it against a claim, with `redoubt replay` or `check`.
Exit status: 0 opened, 2 wrong usage, a file that cannot be read, is no envelope, or was sealed for others.

Examples:
  redoubt-verify open job.transcript --key auditor.pem --out opened.transcript
  redoubt-verify show opened.transcript";

const SHOW_EXAMPLES: &str = "\
Nothing is verified: this is what the files say, whoever wrote them.
Exit status: 0 shown, 2 wrong usage, or a file that cannot be read or is not known.

Examples:
  redoubt-verify show report.bin vcek.der
  redoubt-verify show claim.cbor --json | jq '.items[0].fields'
  redoubt-verify show dist/manifest.json                  # whom an image may reach, and whom it believes
  redoubt-verify show kept/boot-*/0.request               # what a service was asked
  base64 -d evidence.b64 | redoubt-verify show -";

const POLICY_EXAMPLES: &str = "\
Exit status: 0 done, 2 wrong usage or a file that is no policy.

Examples:
  redoubt-verify policy init strict > policy.toml
  redoubt-verify policy explain policy.toml
  redoubt-verify check report.bin vcek.der --policy policy.toml";

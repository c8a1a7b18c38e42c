//! The command line of `receipt` and `redact`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use crate::redact::What;

/// Receipts, and what to check them against.
#[derive(Debug, Args)]
pub struct ReceiptArguments {
    /// A receipt, as `redoubt job --receipts` stored it or `redact` made it. `-` reads standard input.
    #[arg(value_name = "RECEIPT")]
    pub receipt: PathBuf,
    /// More receipts of the same boot, in their order; and in any order proofs of the time, evidence or a claim that carries
    /// it, certificates, revocation lists and other collateral.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// What the image is supposed to be; `cargo xtask image` writes it as dist/reference-values.json.
    #[arg(long, value_name = "FILE")]
    pub reference: PathBuf,
    /// Evidence of the guest, or a claim that carries it, where it is not enclosed in the receipt.
    #[arg(long, value_name = "FILE")]
    pub evidence: Option<PathBuf>,
    /// Accept evidence of the simulated platform, which protects nothing.
    #[arg(long)]
    pub allow_simulated: bool,
    /// A proof of the time, as `redoubt job --receipts` stored it beside the receipts. May be given several times.
    #[arg(long, value_name = "FILE", help_heading = "Time")]
    pub time: Vec<PathBuf>,
    /// Show that a proof of the time commits to a receipt, which is older then: as `redoubt job --receipts` stored them beside
    /// the receipts with the same numbers.
    #[arg(long, value_name = "FILE", num_args = 1.., help_heading = "Time")]
    pub commitment: Vec<PathBuf>,
    /// What opens the receipt, for checking bodies that came apart from it. It is a secret: it can show everything.
    #[arg(long, value_name = "FILE", help_heading = "Bodies")]
    pub opening: Option<PathBuf>,
    /// Check that this file is the body of the request.
    #[arg(long, value_name = "FILE", requires = "opening", help_heading = "Bodies")]
    pub request_body: Option<PathBuf>,
    /// Check that this file is the body of the response.
    #[arg(long, value_name = "FILE", requires = "opening", help_heading = "Bodies")]
    pub response_body: Option<PathBuf>,
    /// Write the body of the response to a new file, if the receipt is accepted and shows all of it.
    #[arg(long, value_name = "FILE", help_heading = "Bodies")]
    pub out: Option<PathBuf>,
    /// Which genuine hardware is wanted: strict, production, development, or a file that `policy init` made.
    #[arg(long, value_name = "POLICY", default_value = "strict", help_heading = "Hardware")]
    pub policy: String,
    /// For when to verify the hardware: `now`, `bundle` for the time that a bundle was made for, or a time like
    /// 2026-04-06T00:00:00Z. Certificates of servers are judged by the time in the receipt.
    #[arg(long, value_name = "TIME", default_value = "now", help_heading = "Hardware")]
    pub at: String,
    /// Print the verdict and what was fetched as JSON, with every value in full.
    #[arg(long)]
    pub json: bool,
}

/// What to take out of a receipt.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").args(["hide", "show"]).required(true).multiple(true))]
pub struct RedactArguments {
    /// A receipt that shows more than others should see.
    #[arg(value_name = "RECEIPT")]
    pub receipt: PathBuf,
    /// Where the receipt goes that shows less; nothing is ever replaced.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Hide this, and keep everything else; with --show, hide this of what it names. May be given several times.
    #[arg(long, value_name = "WHAT")]
    pub hide: Vec<What>,
    /// Keep this, and hide everything else, certificates and evidence included. May be given several times.
    #[arg(long, value_name = "WHAT")]
    pub show: Vec<What>,
    /// Print JSON, for programs.
    #[arg(long)]
    pub json: bool,
}

/// After the help of `receipt`. Paragraphs are one line each, for the terminal's width.
pub const RECEIPT_EXAMPLES: &str = "\
A server signs its handshake, and nothing of what it says: that a body came from it is vouched for by the guest alone, \
so by hardware and image.

Exit status: 0 accepted, 1 refused, 2 wrong usage or a file that cannot be read or written.

Examples:
  What a job fetched, and when, as `redoubt job --receipts fetched --evidence evidence.cbor` stored it:
    redoubt-verify receipt fetched/receipt-1.cbor --time fetched/time-1.cbor \\
        --time fetched/time-2.cbor --commitment fetched/commitment-1.cbor \\
        --evidence evidence.cbor --reference dist/reference-values.json

  All receipts of a boot in their order, so that none is missing in between:
    redoubt-verify receipt $(ls -v fetched/receipt-*.cbor) fetched/time-*.cbor claim.cbor \\
        --commitment fetched/commitment-*.cbor --reference dist/reference-values.json

  On SEV-SNP or TDX, with what the vendor publishes about the machine; the body goes to a file:
    redoubt-verify collateral bundle evidence.cbor --out evidence.bundle
    redoubt-verify receipt receipt.cbor evidence.bundle --policy policy.toml \\
        --reference dist/reference-values.json --out rates.json

  A body that came apart, by what opens the receipt:
    redoubt-verify receipt receipt.cbor --evidence evidence.cbor \\
        --reference dist/reference-values.json --opening receipt.opening --response-body film.mp4

  During development, on a machine without SEV-SNP or TDX:
    redoubt-verify receipt … --allow-simulated";

/// After the help of `redact`.
pub const REDACT_EXAMPLES: &str = "\
WHAT is method, scheme, authority, path, request-fields, request-field:NAME, request-body, request-trailers, status, \
response-fields, response-field:NAME, response-body, response-trailers, certificates or evidence; or bytes of a body, \
response-body:FROM-TO or request-body:FROM-TO, counted from 0, both included: that is all chunks of 4,096 bytes which \
have some of them.

What is hidden cannot be guessed from what is left, and cannot be shown again without the receipt as it was, or what \
opens it. Host, address, TLS session, times, the run and the number of leaves are always seen, and the length of a body \
whose leaf is shown.

Exit status: 0 done, 2 wrong usage, a file that cannot be read or written, or something that this receipt does not show.

Examples:
  redoubt-verify redact receipt.cbor --hide request-field:authorization --hide path \\
      --out public.cbor
  redoubt-verify redact receipt.cbor --show status --show response-body:0-4095 \\
      --show certificates --out excerpt.cbor
  redoubt-verify receipt public.cbor --evidence evidence.cbor \\
      --reference dist/reference-values.json";

//! The command line of `connect`.

use core::net::SocketAddr;
use std::path::PathBuf;

use attestation_connect::ServiceUrl;
use clap::Args;

/// A service, and what its guest is checked against.
#[derive(Debug, Args)]
pub struct ConnectArguments {
    /// Where the service is: `https://HOST[:PORT]`.
    #[arg(value_name = "URL")]
    pub service: ServiceUrl,
    /// Certificates, revocation lists and other collateral, in any order and form that `show` knows.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// What the image is supposed to be; `cargo xtask image` writes it as dist/reference-values.json.
    #[arg(long, value_name = "FILE")]
    pub reference: PathBuf,
    /// Accept evidence of the simulated platform, which protects nothing.
    #[arg(long)]
    pub allow_simulated: bool,
    /// Where programs of this machine connect to: a loopback address, and a port, or 0 for any.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Prove one connection and end, without opening a port.
    #[arg(long)]
    pub check_only: bool,
    /// Write the guest's evidence to a new file, whatever the verdict on it: `collateral bundle` fetches what it
    /// needs.
    #[arg(long, value_name = "FILE")]
    pub save_evidence: Option<PathBuf>,
    /// Which genuine hardware is wanted: strict, production, development, or a file that `policy init` made.
    #[arg(long, value_name = "POLICY", default_value = "strict", help_heading = "Hardware")]
    pub policy: String,
    /// For when to verify: `now`, which moves on while the port is open, `bundle` for the time that a bundle was made for, or
    /// a time like 2026-04-06T00:00:00Z.
    #[arg(long, value_name = "TIME", default_value = "now", help_heading = "Hardware")]
    pub at: String,
    /// Print the verdict as JSON, with every value in full, and then the address of the port, as an object on a line.
    #[arg(long)]
    pub json: bool,
}

/// After the help of `connect`. Paragraphs are one line each, for the terminal's width.
pub const CONNECT_EXAMPLES: &str = "\
Every connection to the port gets one of its own to the guest, proven before the first byte passes. A guest that was \
started again, or evidence that was accepted an hour ago, is checked again. Where there is no proof, or the guest is \
refused, the program gets a 502 with the reason, and standard error a line; where the guest's side is cut, a reset.

What goes over the port is in the clear, so it is open to this machine alone, and it asks nobody who they are: every \
program, every user and every page in a browser of this machine can connect, a page by a request across sites, or by a \
name of its own that leads here. They get what the service gives to anybody. Bytes are passed on as they are, so nobody \
looks at Host or Origin but the service: do not leave the port open where that matters.

Exit status: 0 accepted (with --check-only; otherwise it runs until a signal ends it), 1 refused, 2 wrong usage, a file \
that cannot be read or written, or a service that cannot be reached.

Examples:
  Is it the image that it should be?
    redoubt-verify connect https://ledger.example:8443 --reference dist/reference-values.json \\
        --check-only

  The same, and curl through it:
    redoubt-verify connect https://ledger.example:8443 --reference dist/reference-values.json \\
        --listen 127.0.0.1:8080 &
    curl http://127.0.0.1:8080/audit --data-binary @ledger.csv

  On SEV-SNP or TDX, with what the vendor publishes about the machine:
    redoubt-verify connect https://ledger.example:8443 --reference dist/reference-values.json \\
        --check-only --save-evidence evidence.cbor
    redoubt-verify collateral bundle evidence.cbor --out evidence.bundle
    redoubt-verify connect https://ledger.example:8443 evidence.bundle --policy policy.toml \\
        --reference dist/reference-values.json

  During development, on a machine without SEV-SNP or TDX:
    redoubt-verify connect … --allow-simulated";

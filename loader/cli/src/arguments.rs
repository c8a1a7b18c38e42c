//! The command line.

use core::net::{SocketAddr, SocketAddrV4};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use loader_vmm::accel::{Accel, AccelChoice};
use loader_vmm::host::{Tee, TeeChoice};

use crate::examples;
use crate::place::DEFAULT_NAME;

/// Runs one program inside a confidential VM and lets anyone check what ran.
#[derive(Debug, Parser)]
#[command(name = "redoubt", version, after_help = examples::ALL, after_long_help = examples_and_codes(examples::ALL))]
pub(crate) struct Arguments {
    /// Folder with the sockets and logs of running guests [default: $XDG_RUNTIME_DIR/redoubt, or /tmp/redoubt-UID].
    #[arg(long, global = true, env = "REDOUBT_RUN_DIR", value_name = "FOLDER", hide_env_values = true)]
    pub(crate) run_dir: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say what this host can do, what is missing, and how to get it.
    #[command(after_help = examples::PREFLIGHT)]
    Preflight(PreflightArguments),
    /// Launch a guest and keep it until Ctrl-C or `redoubt stop`.
    #[command(after_help = examples::RUN)]
    Run(RunArguments),
    /// Give a running guest an input and fetch the output and the signed claim.
    #[command(after_help = examples_and_codes(examples::JOB))]
    Job(JobArguments),
    /// Run a claimed job once more, here, and say whether it is the same.
    #[command(after_help = examples_and_codes(examples::REPLAY))]
    Replay(ReplayArguments),
    /// Say how a running guest is.
    #[command(after_help = examples::STATUS)]
    Status(StatusArguments),
    /// Print what a guest logged, and why it ended.
    #[command(after_help = examples::LOGS)]
    Logs(LogsArguments),
    /// End a running guest.
    #[command(after_help = examples::STOP)]
    Stop(StopArguments),
    /// Let a running guest open a TCP connection and check the echo.
    #[command(after_help = examples::PROBE)]
    Probe(ProbeArguments),
    /// Print the completion script of a shell.
    #[command(after_help = examples::COMPLETION)]
    Completion {
        /// The shell.
        shell: Shell,
    },
}

fn examples_and_codes(examples: &str) -> String {
    format!("{examples}\n\n{}", examples::CODES)
}

/// Which guest.
#[derive(Debug, Args)]
pub(crate) struct Name {
    /// Name of the guest; several run side by side under different names.
    #[arg(long, default_value = DEFAULT_NAME)]
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct PreflightArguments {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// Folder of the image, as `cargo xtask image` makes it.
    pub(crate) dist: PathBuf,
    #[command(flatten)]
    pub(crate) guest: Name,
    /// What protects the guest.
    #[arg(long, value_enum, default_value_t = TeeArgument::Auto)]
    pub(crate) tee: TeeArgument,
    /// Let `--tee auto` run without protection where there is no hardware for it.
    #[arg(long)]
    pub(crate) allow_simulated: bool,
    /// How instructions are executed; `auto` takes KVM only where a trial guest runs.
    #[arg(long, value_enum, default_value_t = AccelArgument::Auto)]
    pub(crate) accel: AccelArgument,
    /// What the guest logs. The host reads the log: no level shows secrets.
    #[arg(long, value_enum, default_value_t = LogLevelArgument::Info)]
    pub(crate) log_level: LogLevelArgument,
    /// Give up when the guest is not ready after this many seconds.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) boot_timeout_s: u64,
    /// Where clients reach a service on this host, with port 0 for any that is free [default: the service's port on
    /// 127.0.0.1].
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) publish: Option<SocketAddrV4>,
    /// Where anybody may submit private jobs, with port 0 for any that is free: inputs that are sealed for the guest, as
    /// `redoubt-verify submit` does it. All that passes there is sealed or public.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) submissions: Option<SocketAddr>,
    /// Keep a service's requests, transcripts and signed claims in a new folder in this one, for `redoubt replay` and
    /// `redoubt-verify`. Without it nothing is signed.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) keep: Option<PathBuf>,
    /// Where what the program stores is kept, sealed by the guest, for the next run; made when it is not there. Needed for
    /// images with `storage.persist`, and for no others. Sealed for this machine's chip: a copy elsewhere does not open.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Return once the guest is ready and leave it running.
    #[arg(long)]
    pub(crate) detach: bool,
    /// Print one line of JSON once the guest is ready, with the fields of `redoubt status --json`.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct JobArguments {
    /// File with the input, or - for standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// File for the output, or - for standard output. It appears whole or not at all.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// File for the signed claim [default: the output's name and .claim.cbor]. Written also when the job trapped or
    /// exceeded a limit: the next claim refers to it.
    #[arg(long, value_name = "FILE")]
    pub(crate) claim: Option<PathBuf>,
    /// File for the transcript, with which `redoubt replay` runs the job once more [default: the output's name and
    /// .transcript]. Written with the claim, which names its root.
    #[arg(long, value_name = "FILE")]
    pub(crate) transcript: Option<PathBuf>,
    /// File for what the job writes to standard error and its log, instead of showing it. Sealed where the image says
    /// `logs = "sealed"`: `redoubt-verify open` opens it for a reader.
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
    /// File for the guest's evidence, which the claim contains too.
    #[arg(long, value_name = "FILE")]
    pub(crate) evidence: Option<PathBuf>,
    /// Folder for receipts of what the job fetches over HTTPS, and for proofs of the time, one before and one after them;
    /// made when absent. The job ends when time servers have answered once more, or do not. `redoubt-verify receipt` checks them. Nothing comes where the image has `readers`: then the program alone has
    /// receipts.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) receipts: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) guest: Name,
    /// Print a summary as JSON; on standard error when the output goes to standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArguments {
    /// File with the claim.
    pub(crate) claim: PathBuf,
    /// File with the transcript that the claim names.
    #[arg(long, value_name = "FILE")]
    pub(crate) transcript: PathBuf,
    /// Key of one of the readers, where the transcript is sealed (`readers` in app.toml), and a service's request with it.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// The WebAssembly component; it is compiled here.
    #[arg(long, value_name = "FILE")]
    pub(crate) component: PathBuf,
    /// File with the input of the job, or - for standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// File for the output of the replay, or - for standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// How the component is run. The result does not depend on it.
    #[arg(long, value_enum, default_value_t = TuningArgument::Guest)]
    pub(crate) engine: TuningArgument,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TuningArgument {
    /// Native code for processors like the guest's.
    Guest,
    /// Native code for any x86-64 processor.
    Baseline,
    /// The engine's interpreter: any processor, some ten times slower.
    Interpreter,
}

impl TuningArgument {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Baseline => "baseline",
            Self::Interpreter => "interpreter",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct StatusArguments {
    #[command(flatten)]
    pub(crate) guest: Name,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LogsArguments {
    #[command(flatten)]
    pub(crate) guest: Name,
    /// Go on until the guest ends.
    #[arg(long)]
    pub(crate) follow: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StopArguments {
    #[command(flatten)]
    pub(crate) guest: Name,
    /// Kill it instead of asking it.
    #[arg(long)]
    pub(crate) kill: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ProbeArguments {
    /// IPv4 address and port; must be in the manifest's egress list, and echo what it gets.
    #[arg(value_name = "HOST:PORT")]
    pub(crate) destination: SocketAddrV4,
    #[command(flatten)]
    pub(crate) guest: Name,
    /// Give up after this many milliseconds.
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..=600_000))]
    pub(crate) timeout_ms: u32,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TeeArgument {
    /// SEV-SNP or TDX, whichever this host has.
    Auto,
    /// AMD SEV-SNP.
    Snp,
    /// Intel TDX.
    Tdx,
    /// No protection: for development.
    Sim,
}

impl From<TeeArgument> for TeeChoice {
    fn from(argument: TeeArgument) -> Self {
        match argument {
            TeeArgument::Auto => Self::Auto,
            TeeArgument::Snp => Self::Only(Tee::Snp),
            TeeArgument::Tdx => Self::Only(Tee::Tdx),
            TeeArgument::Sim => Self::Only(Tee::Simulated),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AccelArgument {
    Auto,
    Kvm,
    Tcg,
}

impl From<AccelArgument> for AccelChoice {
    fn from(argument: AccelArgument) -> Self {
        match argument {
            AccelArgument::Auto => Self::Auto,
            AccelArgument::Kvm => Self::Only(Accel::Kvm),
            AccelArgument::Tcg => Self::Only(Accel::Tcg),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevelArgument {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl From<LogLevelArgument> for enclave_wire::boot::LogLevel {
    fn from(argument: LogLevelArgument) -> Self {
        match argument {
            LogLevelArgument::Error => Self::Error,
            LogLevelArgument::Warn => Self::Warn,
            LogLevelArgument::Info => Self::Info,
            LogLevelArgument::Debug => Self::Debug,
            LogLevelArgument::Trace => Self::Trace,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
        let help = Arguments::command().render_long_help().to_string();
        assert!(help.contains("Exit codes:") && help.contains("redoubt run dist"), "{help}");
    }

    #[test]
    fn every_command_has_examples_that_parse() {
        let mut top = Arguments::command();
        top.build();
        for command in top.get_subcommands().filter(|command| command.get_name() != "help") {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let mut count = 0;
            for line in help.lines().filter_map(|line| line.split_once("redoubt ")) {
                let words = line.1.split(['|', '<', '>', '&']).next().unwrap_or_default().split_whitespace();
                let parsed = Arguments::try_parse_from(core::iter::once("redoubt").chain(words));
                assert!(parsed.is_ok(), "{help}\n{parsed:?}");
                count += 1;
            }
            assert!(count > 0, "redoubt {} --help shows no example", command.get_name());
        }
    }
}

//! `redoubt-verify connect`: asks a service, and opens a port.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use attestation_connect::{ConnectError, Connector, Limits, Peer, Proxy, ProxyError, ProxyLimits, Refused};
use attestation_manifest::HexDigest;
use attestation_recognise::{Item, Kind, RecogniseError, recognise};

use super::arguments::ConnectArguments;
use super::judge::ENDS_IN_GUEST;
use super::{Judge, text};
use crate::check::{SimulatedEvidence, Verdict};
use crate::files::{FileError, read_item, read_reference, write_new};
use crate::progress::{Audience, Progress};
use crate::render::Colours;
use crate::terms::{self, TermError};

/// Why nothing was checked, or no port is open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectCommandError {
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is nothing that is known.
    #[error("{}: {source}\n  name certificates, lists or bundles", path.display())]
    Unknown {
        /// Where it is.
        path: PathBuf,
        /// What is there.
        source: RecogniseError,
    },
    /// Something that this command does not check, or that whoever is checked may have written.
    #[error("{}: expected collateral, found {found}\n  {next}", path.display())]
    NotCollateral {
        /// Where it is.
        path: PathBuf,
        /// What is there.
        found: &'static str,
        /// What to do about it.
        next: &'static str,
    },
    /// A word means nothing.
    #[error(transparent)]
    Term(#[from] TermError),
    /// Nobody is there to be checked.
    #[error(transparent)]
    Unreachable(#[from] ConnectError),
    /// No port.
    #[error("--listen {0}")]
    Listen(#[from] ProxyError),
}

/// What became of the first connection.
#[derive(Debug)]
pub struct Answer {
    /// For standard output.
    pub text: String,
    /// Whether the verdict accepts.
    pub is_accepted: bool,
    connector: Connector,
    clerk: Arc<Clerk>,
}

/// A port that is open; [`Door::serve`] begins to pass on.
#[derive(Debug)]
pub struct Door {
    /// For standard output.
    pub text: String,
    proxy: Proxy,
}

/// Makes one connection, and checks whether it is wanted.
///
/// # Errors
/// Nothing was checked.
pub fn prove(arguments: &ConnectArguments, colours: Colours) -> Result<Answer, ConnectCommandError> {
    let policy = terms::policy(&arguments.policy)?;
    if !arguments.listen.ip().is_loopback() {
        // Before anybody is asked.
        return Err(ProxyError::NotLoopback { address: arguments.listen }.into());
    }
    let reference = read_reference(&arguments.reference)?;
    let items = read_collateral(&arguments.files)?;
    let simulated =
        if arguments.allow_simulated { SimulatedEvidence::Allowed } else { SimulatedEvidence::Refused };
    terms::instant(&arguments.at, &items)?;
    let judge = Judge { reference, simulated, items, policy };
    let clerk = Arc::new(Clerk { judge, at: arguments.at.clone(), record: Mutex::default() });
    let asked = Arc::clone(&clerk);
    let service = arguments.service.clone();
    let connector = Connector::new(service, Limits::default(), move |peer| asked.appraise(peer))?;
    let progress = Progress::waiting("asking the service", Audience::of_json(arguments.json));
    let connected = connector.connect().map(drop);
    drop(progress);
    answer(arguments, colours, connector, clerk, connected)
}

fn answer(
    arguments: &ConnectArguments,
    colours: Colours,
    connector: Connector,
    clerk: Arc<Clerk>,
    connected: Result<(), ConnectError>,
) -> Result<Answer, ConnectCommandError> {
    let first = clerk.record().first.take();
    let (verdict, peer) = match (first, connected) {
        (Some((verdict, peer)), _) => (verdict, Some(peer)),
        // Who is not reached has not failed to prove anything.
        (
            None,
            Err(
                error
                @ (ConnectError::Resolve { .. } | ConnectError::Tcp { .. } | ConnectError::Local { .. }),
            ),
        ) => return Err(error.into()),
        (None, Err(error)) => (unproven(&error), None),
        (None, Ok(())) => (Verdict::default(), None),
    };
    if let (Some(path), Some(peer)) = (&arguments.save_evidence, &peer) {
        write_new(path, &peer.session().evidence().evidence().encode())?;
    }
    let colours = (!arguments.json).then_some(colours);
    let text = text::verdict(&verdict, &arguments.service, peer.as_ref(), colours);
    Ok(Answer { text, is_accepted: verdict.is_accepted(), connector, clerk })
}

/// The verdict on a service that was asked, and has not proven where its TLS ends.
fn unproven(error: &ConnectError) -> Verdict {
    let text = error.to_string();
    let mut lines = text.lines();
    let mut verdict = Verdict::default();
    verdict.fail("session", ENDS_IN_GUEST, lines.next().unwrap_or_default());
    lines.for_each(|line| verdict.note(line.trim()));
    verdict
}

impl Answer {
    /// Opens a port, for a service whose guest was accepted.
    ///
    /// # Errors
    /// There is none to be had.
    pub fn open(self, arguments: &ConnectArguments) -> Result<Door, ConnectCommandError> {
        self.clerk.record().is_open = true;
        let proxy = Proxy::bind(arguments.listen, self.connector, ProxyLimits::default())?;
        Ok(Door { text: text::listening(proxy.address(), arguments.json), proxy })
    }
}

impl Door {
    /// Passes on, until a signal ends the process. What goes wrong is a line each on standard error.
    pub fn serve(self) -> ! {
        self.proxy.serve(|event| say(&text::event(&event)))
    }
}

/// Asks the judge, and keeps a record.
#[derive(Debug)]
struct Clerk {
    judge: Judge,
    /// As it was typed: `now` moves on.
    at: String,
    record: Mutex<Record>,
}

#[derive(Debug, Default)]
struct Record {
    /// What is printed once.
    first: Option<(Verdict, Peer)>,
    /// Evidence that was accepted last.
    accepted: Option<[u8; 32]>,
    /// Whether the port is open: from then on there is nobody to print verdicts for.
    is_open: bool,
}

impl Clerk {
    fn appraise(&self, peer: &Peer) -> Result<(), Refused> {
        let instant = |word: &str| terms::instant(word, &self.judge.items);
        let times = instant(&self.at).and_then(|at| Ok((at, instant("now")?)));
        let (at, now) = times.map_err(|error| Refused(error.to_string()))?;
        let verdict = self.judge.judge(peer, at, now);
        let answer = if verdict.is_accepted() { Ok(()) } else { Err(Refused(text::refusal(&verdict))) };
        let mut record = self.record();
        let digest = *peer.session().evidence().digest();
        if record.is_open {
            if answer.is_ok() && record.accepted != Some(digest) {
                say(&format!("the guest is another one now, and accepted: evidence {}", HexDigest(digest)));
            }
        } else {
            record.first = Some((verdict, peer.clone()));
        }
        if answer.is_ok() {
            record.accepted = Some(digest);
        }
        answer
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nobody is left to tell when standard error is closed.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "redoubt-verify: {line}");
}

fn read_collateral(paths: &[PathBuf]) -> Result<Vec<Item>, ConnectCommandError> {
    let mut items = Vec::new();
    for path in paths {
        let unknown = |source| ConnectCommandError::Unknown { path: path.clone(), source };
        for item in recognise(&read_item(path)?).map_err(unknown)? {
            check_kind(path, item.kind)?;
            items.push(item);
        }
    }
    Ok(items)
}

fn check_kind(path: &Path, kind: Kind) -> Result<(), ConnectCommandError> {
    let next = match kind {
        Kind::ReferenceManifest => "--reference FILE names yours, and nobody else's count",
        Kind::Claim => "`redoubt-verify check` checks claims",
        Kind::Receipt | Kind::TimeProof => "`redoubt-verify receipt` checks receipts",
        // Bundles have the evidence that they were made for; what counts is what the guest sends.
        _ => return Ok(()),
    };
    Err(ConnectCommandError::NotCollateral { path: path.to_owned(), found: kind.title(), next })
}

//! `redoubt-verify collateral`: fetches, bundles and lists what vendors publish.

pub mod arguments;
pub mod evidence;
pub mod folder;
mod report;

use core::time::Duration;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use attestation_bundle::{Bundle, BundleError, Item};
use attestation_collateral::{
    Cache, CacheError, Endpoints, Environment, Event, FetchError, Fetcher, Found, Https, Limits, Mode,
    Request, System,
};
use attestation_x509::Instant;

use crate::progress::{Audience, Progress};
use arguments::{BundleArguments, CollateralCommand, FetchArguments, ListArguments, SourceArguments};
use evidence::{EvidenceError, Piece};
use folder::{NoFolder, cache_folder};
pub use report::Report;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CollateralError {
    /// Files that cannot be used.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// Nowhere to keep things.
    #[error(transparent)]
    NoFolder(#[from] NoFolder),
    /// The cache cannot be read.
    #[error("{0}\n  say --cache DIR with a folder that can be written to")]
    Cache(#[from] CacheError),
    /// The pieces do not make a bundle.
    #[error("{0}\n  name each report with all that came with it")]
    Bundle(#[from] BundleError),
    /// The bundle cannot be written.
    #[error("bundle {}: {source}\n  say --out FILE in a folder that can be written to", path.display())]
    Write {
        /// Where it should be.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// One object that was needed, and what came of it.
struct Outcome {
    request: Request,
    result: Result<Found, FetchError>,
}

/// Does what the command line says.
///
/// # Errors
/// Nothing was done. What could not be had is no error: the report says so.
pub fn run(command: &CollateralCommand) -> Result<Report, CollateralError> {
    match command {
        CollateralCommand::Fetch(arguments) => fetch(arguments),
        CollateralCommand::Bundle(arguments) => bundle(arguments),
        CollateralCommand::List(arguments) => list(arguments),
    }
}

fn fetch(arguments: &FetchArguments) -> Result<Report, CollateralError> {
    let pieces = evidence::read(&arguments.subject)?;
    let requests = evidence::plan(&pieces, &arguments.subject)?.requests;
    let cache = Cache::new(cache_folder(arguments.source.cache.as_deref())?);
    let at = arguments.source.at.unwrap_or_else(|| System.now());
    let outcomes = get_all(requests, &arguments.source, &cache, at, Audience::of_json(arguments.json));
    Ok(report::fetched(&outcomes, &cache, at, None, arguments.json))
}

fn bundle(arguments: &BundleArguments) -> Result<Report, CollateralError> {
    let pieces = evidence::read(&arguments.subject)?;
    let requests = evidence::plan(&pieces, &arguments.subject)?.requests;
    let cache = Cache::new(cache_folder(arguments.source.cache.as_deref())?);
    let at = arguments.source.at.unwrap_or_else(|| System.now());
    let outcomes = get_all(requests, &arguments.source, &cache, at, Audience::of_json(arguments.json));
    let written = match whole(&pieces, &outcomes) {
        Some(items) => {
            let bytes = Bundle { at, items }.encode()?;
            write(&arguments.out, &bytes)?;
            Some((arguments.out.as_path(), bytes.len()))
        }
        None => None,
    };
    Ok(report::fetched(&outcomes, &cache, at, written, arguments.json))
}

fn list(arguments: &ListArguments) -> Result<Report, CollateralError> {
    let cache = Cache::new(cache_folder(arguments.cache.as_deref())?);
    Ok(report::listed(&cache.list()?, &cache, arguments.json))
}

/// Asks for all, also when some are not to be had: the list of what is missing should be whole.
fn get_all(
    requests: Vec<Request>,
    arguments: &SourceArguments,
    cache: &Cache,
    at: Instant,
    audience: Audience,
) -> Vec<Outcome> {
    let progress = Progress::of_objects(u64::try_from(requests.len()).unwrap_or(u64::MAX), audience);
    let fetcher = Fetcher {
        endpoints: &endpoints(arguments),
        cache,
        transport: &Https::new(Limits::default()),
        environment: &System,
        mode: mode(arguments),
        patience: Duration::from_secs(arguments.wait),
        watcher: &|event| progress.say(&said(event)),
    };
    let outcomes = (1_u64..).zip(requests).map(|(count, request)| {
        let result = fetcher.get(&request, at);
        progress.set(count);
        Outcome { request, result }
    });
    outcomes.collect()
}

const fn mode(arguments: &SourceArguments) -> Mode {
    match (arguments.offline, arguments.refresh) {
        (true, _) => Mode::Offline,
        (false, true) => Mode::Refresh,
        (false, false) => Mode::Online,
    }
}

fn endpoints(arguments: &SourceArguments) -> Endpoints {
    let Endpoints { kds, pcs, intel_certificates, rim } = Endpoints::default();
    Endpoints {
        kds: arguments.kds_url.clone().unwrap_or(kds),
        pcs: arguments.pcs_url.clone().unwrap_or(pcs),
        intel_certificates: arguments.intel_certificates_url.clone().unwrap_or(intel_certificates),
        rim: arguments.rim_url.clone().unwrap_or(rim),
    }
}

fn said(event: &Event<'_>) -> String {
    match event {
        Event::Asking { request, .. } => request.to_string(),
        Event::Waiting { host, wait } => format!("waiting {} s for {host}", wait.as_secs()),
        _ => String::new(),
    }
}

/// Everything of a bundle; `None` when something is missing.
fn whole<'a>(pieces: &'a [Piece], outcomes: &'a [Outcome]) -> Option<Vec<Item<'a>>> {
    let brought = pieces.iter().map(|piece| Item { kind: piece.kind, contents: &piece.contents });
    let mut items: Vec<Item<'a>> = brought.collect();
    for Outcome { request, result } in outcomes {
        let object = &result.as_ref().ok()?.object;
        let (kind, chain_kind) = request.kinds();
        items.push(Item { kind, contents: object.contents() });
        items.extend(chain_kind.zip(object.issuer_chain()).map(|(kind, contents)| Item { kind, contents }));
    }
    Some(items)
}

/// Whole, or not at all.
fn write(path: &Path, bytes: &[u8]) -> Result<(), CollateralError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let write = || {
        let mut file = tempfile::NamedTempFile::new_in(parent.unwrap_or(Path::new(".")))?;
        file.write_all(bytes)?;
        file.persist(path).map_err(|error| error.error).map(drop)
    };
    write().map_err(|source| CollateralError::Write { path: path.to_owned(), source })
}

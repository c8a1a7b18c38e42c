//! The cache on disk.
//!
//! ```text
//! FOLDER/collateral-v1/objects/amd-kds/crl-Milan   one file per object, see `entry`
//! FOLDER/collateral-v1/hosts/kdsintf.amd.com       when the host may be asked again; its lock serialises all processes
//! ```
//! Files get their names when they are whole, so a reader never sees half of one; a file that is not whole all the same is
//! as good as none. Deleting the folder costs time and nothing else.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use attestation_x509::Instant;

use crate::backoff::HostState;
use crate::entry::{ENTRY_MAX_BYTES, Entry};
use crate::{Request, Service};

const LAYOUT: &str = "collateral-v1";
const SERVICES: [Service; 4] = [Service::Kds, Service::Pcs, Service::IntelCertificates, Service::Rim];
/// The longest state of a host that is read.
const HOST_MAX_BYTES: u64 = 128;

/// A folder that does not work. Whoever named it is guilty, or the disk.
#[derive(Debug, thiserror::Error)]
#[error("cache {}: {source}", path.display())]
pub struct CacheError {
    /// Which file or folder.
    pub path: PathBuf,
    /// Why not.
    pub source: io::Error,
}

/// Objects in a folder, used by any number of threads and processes at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    folder: PathBuf,
}

/// A file of the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// From which service.
    pub service: Service,
    /// Name of the object, as [`Request::name`].
    pub name: String,
    /// Bytes of the file.
    pub bytes: u64,
    /// When it came; `None` when the file is not whole, and will be fetched again when somebody asks.
    pub fetched_at: Option<Instant>,
}

impl Cache {
    /// The cache in this folder, which is made when something is kept.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Everything that is kept, by service and name.
    ///
    /// # Errors
    /// A folder that is there cannot be read.
    pub fn list(&self) -> Result<Vec<Kept>, CacheError> {
        let mut all = Vec::new();
        for service in SERVICES {
            let folder = self.objects(service);
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => return Err(CacheError { path: folder, source }),
            };
            for entry in entries {
                let path = entry.map_err(at(&folder))?.path();
                all.extend(kept(service, &path));
            }
        }
        all.sort_by(|one, other| (one.service.name(), &one.name).cmp(&(other.service.name(), &other.name)));
        Ok(all)
    }

    /// The answer to `request`, if a whole one is kept.
    pub(crate) fn read(&self, request: &Request) -> Result<Option<Entry>, CacheError> {
        let path = self.path(request);
        match read_bounded(&path) {
            Ok(file) => Ok(Entry::decode(&file, &request.name())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(CacheError { path, source }),
        }
    }

    /// Keeps an answer: whole or not at all.
    pub(crate) fn write(&self, request: &Request, entry: &Entry) -> Result<(), CacheError> {
        let folder = self.objects(request.service());
        fs::create_dir_all(&folder).map_err(at(&folder))?;
        let path = self.path(request);
        let write = || {
            let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(&folder)?;
            file.write_all(&entry.encode(&request.name()))?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error).map(drop)
        };
        write().map_err(at(&path))
    }

    /// The state of a host, for this process alone until it is dropped.
    pub(crate) fn lock_host(&self, host: &str) -> Result<HostLock, CacheError> {
        let folder = self.folder.join(LAYOUT).join("hosts");
        fs::create_dir_all(&folder).map_err(at(&folder))?;
        let path = folder.join(host.replace(':', "_"));
        let open = || {
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
            file.lock()?;
            Ok(file)
        };
        let file = open().map_err(at(&path))?;
        Ok(HostLock { file, path })
    }

    fn path(&self, request: &Request) -> PathBuf {
        self.objects(request.service()).join(request.name())
    }

    fn objects(&self, service: Service) -> PathBuf {
        self.folder.join(LAYOUT).join("objects").join(service.name())
    }
}

/// Held while a host is asked.
#[derive(Debug)]
pub(crate) struct HostLock {
    file: File,
    path: PathBuf,
}

impl HostLock {
    pub(crate) fn state(&mut self) -> Result<HostState, CacheError> {
        let mut text = String::new();
        let result =
            self.file.rewind().and_then(|()| (&self.file).take(HOST_MAX_BYTES).read_to_string(&mut text));
        match result {
            Err(source) if source.kind() != io::ErrorKind::InvalidData => {
                Err(CacheError { path: self.path.clone(), source })
            }
            _ => Ok(HostState::read(&text)),
        }
    }

    pub(crate) fn set_state(&mut self, state: HostState) -> Result<(), CacheError> {
        let mut write = || {
            self.file.rewind()?;
            self.file.set_len(0)?;
            self.file.write_all(state.write().as_bytes())
        };
        write().map_err(at(&self.path))
    }
}

fn kept(service: Service, path: &Path) -> Option<Kept> {
    let name = path.file_name()?.to_str().filter(|name| !name.starts_with('.'))?.to_owned();
    let file = read_bounded(path).ok()?;
    let head = Entry::head(&file).filter(|(stated, _)| *stated == name);
    let bytes = u64::try_from(file.len()).unwrap_or(u64::MAX);
    Some(Kept { service, name, bytes, fetched_at: head.map(|(_, fetched_at)| fetched_at) })
}

/// A longer file is none of ours; its beginning is not whole, and that is what it will be taken for.
fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(ENTRY_MAX_BYTES).unwrap_or(u64::MAX);
    let mut file = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut file)?;
    Ok(file)
}

fn at(path: &Path) -> impl Fn(io::Error) -> CacheError {
    let path = path.to_owned();
    move |source| CacheError { path: path.clone(), source }
}

/// When an answer came; a clock that was set back makes it new.
pub(crate) fn age_seconds(entry: &Entry, now: Instant) -> u64 {
    now.unix_seconds().saturating_sub(entry.fetched_at.unix_seconds())
}

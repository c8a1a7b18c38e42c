//! Keys of readers, and what is sealed for them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use attestation_envelope::{EnvelopeError, Head, KeyError, ReaderKey, open};
use attestation_manifest::HexDigest;
use tempfile::NamedTempFile;

use crate::arguments::{OpenArguments, ReaderKeyCommand};

/// As much as is read of a key, which has 119 bytes; a longer file is none.
const KEY_MAX_BYTES: u64 = 4096;

/// A key, or an envelope, that cannot be made or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReaderError {
    /// A file cannot be read or written.
    #[error("{what} {}: {source}", path.display())]
    File {
        /// What the file is.
        what: &'static str,
        /// Where it should be.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is a file already where a new key should go. It may be the only one that opens something.
    #[error("reader's key {}: there is a file already: it is never replaced, name another", path.display())]
    Exists {
        /// Where it is.
        path: PathBuf,
    },
    /// A file that holds no key.
    #[error("reader's key {}: {source}", path.display())]
    Key {
        /// Where it is.
        path: PathBuf,
        /// What is wrong.
        source: KeyError,
    },
    /// A file that holds no envelope, or one that does not open.
    #[error("{}: {source}", path.display())]
    Envelope {
        /// Where it is.
        path: PathBuf,
        /// What is wrong.
        source: EnvelopeError,
    },
    /// The system gives no randomness.
    #[error("no randomness for a new key: {0}")]
    Randomness(getrandom::Error),
}

/// Does what the command line says, and gives what it prints.
///
/// # Errors
/// [`ReaderError`].
pub fn run(command: &ReaderKeyCommand) -> Result<String, ReaderError> {
    let (key, json) = match command {
        ReaderKeyCommand::New { file, json } => (new_key(file)?, *json),
        ReaderKeyCommand::Show { file, json } => (read_key(file)?, *json),
    };
    let public = HexDigest(key.public_key()).to_string();
    Ok(if json { format!("{}\n", serde_json::json!({ "reader": public })) } else { format!("{public}\n") })
}

/// A new key in a new file, which only its owner can read.
fn new_key(path: &Path) -> Result<ReaderKey, ReaderError> {
    let mut seed = zeroize::Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(ReaderError::Randomness)?;
    let key = ReaderKey::generate(*seed);
    let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let written = created.and_then(|mut file| {
        file.write_all(key.to_pem().as_bytes())?;
        file.sync_all()
    });
    match written {
        Ok(()) => Ok(key),
        Err(source) if source.kind() == io::ErrorKind::AlreadyExists => {
            Err(ReaderError::Exists { path: path.to_owned() })
        }
        Err(source) => Err(at("reader's key", path)(source)),
    }
}

/// The key in a file.
///
/// # Errors
/// [`ReaderError::File`], [`ReaderError::Key`].
pub fn read_key(path: &Path) -> Result<ReaderKey, ReaderError> {
    let no_key = |source| ReaderError::Key { path: path.to_owned(), source };
    let file = File::open(path).map_err(at("reader's key", path))?;
    let mut bytes = zeroize::Zeroizing::new(Vec::new());
    file.take(KEY_MAX_BYTES).read_to_end(&mut bytes).map_err(at("reader's key", path))?;
    let text = str::from_utf8(&bytes).map_err(|_| no_key(KeyError::Private))?;
    ReaderKey::from_pem(text).map_err(no_key)
}

/// Opens an envelope, and puts what is in it into a file that appears whole or not at all.
///
/// # Errors
/// [`ReaderError`].
pub fn open_file(arguments: &OpenArguments) -> Result<String, ReaderError> {
    let OpenArguments { file, key, out } = arguments;
    let failed = |source| ReaderError::Envelope { path: file.clone(), source };
    let key = read_key(key)?;
    let envelope = fs::read(file).map_err(at("envelope", file))?;
    let content = Head::parse(&envelope).map_err(failed)?.content;
    let opened = open(envelope, &key, content).map_err(failed)?;
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Readable for its owner alone, as all temporary files: it was sealed for a reason.
    let mut draft = NamedTempFile::new_in(folder).map_err(at("file", out))?;
    draft.write_all(&opened).map_err(at("file", out))?;
    draft.persist(out).map_err(|error| at("file", out)(error.error))?;
    Ok(format!("{content}, {} bytes, in {}\n", opened.len(), out.display()))
}

fn at(what: &'static str, path: &Path) -> impl Fn(io::Error) -> ReaderError + use<> {
    let path = path.to_owned();
    move |source| ReaderError::File { what, path: path.clone(), source }
}

//! Reading what the command line names: bounded, and with errors that say what to do next.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use attestation_evidence::MANIFEST_MAX_BYTES;
use attestation_manifest::reference::ReferenceValues;
use attestation_measure::ROM_MAX_BYTES;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::arguments::CheckArguments;
use crate::check::{FileDigest, Hardware, Inputs, SimulatedEvidence};
use crate::progress::{Audience, Progress};

/// The longest reference values that are read.
const REFERENCE_MAX_BYTES: usize = 1024 * 1024;
/// The longest component that is read: the guest takes no longer one.
const COMPONENT_MAX_BYTES: usize = attestation_manifest::COMPONENT_MAX_BYTES;
/// Inputs and outputs are hashed in pieces: they may be larger than memory.
const PIECE_BYTES: usize = 64 * 1024;

/// A file that cannot be used. Whoever typed its name is guilty, or whoever wrote it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// It cannot be opened or read.
    #[error("{what} {}: {source}\n  {next}", path.display())]
    Read {
        /// What the file is.
        what: &'static str,
        /// Where it should be.
        path: PathBuf,
        /// What to do about it.
        next: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// It is longer than what it should be can be.
    #[error("{what} {}: expected at most {limit} bytes, found more\n  {next}", path.display())]
    TooLong {
        /// What the file should be.
        what: &'static str,
        /// Where it is.
        path: PathBuf,
        /// Most bytes.
        limit: usize,
        /// What to do about it.
        next: &'static str,
    },
    /// A file that a claim needs was not named.
    #[error("{option} is missing: a claim is checked against its {what}\n  {next}")]
    NotNamed {
        /// The option that names it.
        option: &'static str,
        /// What the file is.
        what: &'static str,
        /// What to do about it.
        next: &'static str,
    },
    /// There is a file already where a new one should go.
    #[error("{}: there is a file already: it is never replaced, name another", path.display())]
    Exists {
        /// Where it is.
        path: PathBuf,
    },
    /// A new file cannot be written.
    #[error("{}: {source}\n  name a file in a folder that can be written to", path.display())]
    Write {
        /// Where it should be.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The reference values are not what they should be.
    #[error("{what} {}: {source}\n  {next}", path.display())]
    Reference {
        /// What the file should be.
        what: &'static str,
        /// Where it is.
        path: PathBuf,
        /// What to do about it.
        next: &'static str,
        /// Where parsing stopped and why.
        source: serde_json::Error,
    },
}

/// What the files of one claim's check hold, besides the claim.
#[derive(Debug)]
pub struct ClaimFiles {
    input: FileDigest,
    output: FileDigest,
    reference: ReferenceValues,
    manifest: Option<Vec<u8>>,
    rom: Option<Vec<u8>>,
    component: Option<Vec<u8>>,
}

impl ClaimFiles {
    /// Reads all files, small ones first: a typing error shows before gigabytes are hashed.
    ///
    /// # Errors
    /// The first file that is not named and has to be, or that cannot be used.
    pub fn read(arguments: &CheckArguments) -> Result<Self, FileError> {
        let audience = Audience::of_json(arguments.json);
        let reference = REFERENCE.named("--reference", arguments.reference.as_deref())?;
        let output = OUTPUT.named("--output", arguments.output.as_deref())?;
        let input = INPUT.named("--input", arguments.input.as_deref())?;
        Ok(Self {
            reference: read_reference(reference)?,
            manifest: arguments.manifest.as_deref().map(|path| MANIFEST.read(path)).transpose()?,
            rom: arguments.rom.as_deref().map(|path| ROM.read(path)).transpose()?,
            component: arguments.component.as_deref().map(|path| COMPONENT.read(path)).transpose()?,
            output: OUTPUT.digest(output, audience)?,
            input: INPUT.digest(input, audience)?,
        })
    }

    /// The same, as the verdict logic takes it.
    #[must_use]
    pub fn inputs<'a>(
        &'a self,
        claim: &'a [u8],
        simulated: SimulatedEvidence,
        hardware: Hardware<'a>,
    ) -> Inputs<'a> {
        Inputs {
            claim,
            input: self.input,
            output: self.output,
            reference: &self.reference,
            manifest: self.manifest.as_deref(),
            rom: self.rom.as_deref(),
            component: self.component.as_deref(),
            simulated,
            hardware,
        }
    }
}

/// Reads a file of evidence or collateral, whichever it is; `-` is standard input.
///
/// # Errors
/// It cannot be read, or is longer than anything that is known.
pub fn read_item(path: &Path) -> Result<Vec<u8>, FileError> {
    ITEM.read_named(path)
}

/// Reads a ROM.
///
/// # Errors
/// It cannot be read, or is longer than firmware is.
pub fn read_rom(path: &Path) -> Result<Vec<u8>, FileError> {
    FileKind { next: "name a ROM, such as the redoubt.rom that `cargo xtask image` writes to dist/", ..ROM }
        .read(path)
}

/// Writes a file that appears whole or not at all, and never replaces one. Readable for its owner alone, as all temporary
/// files.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || {
        let mut draft = NamedTempFile::new_in(folder)?;
        draft.write_all(bytes)?;
        draft.persist_noclobber(path).map_err(|error| error.error).map(drop)
    };
    write().map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => FileError::Exists { path: path.to_owned() },
        _ => FileError::Write { path: path.to_owned(), source },
    })
}

/// A kind of file.
#[derive(Clone, Copy)]
pub(crate) struct FileKind {
    /// What it is called.
    pub(crate) what: &'static str,
    /// Most bytes of it.
    pub(crate) limit: usize,
    /// What to do where there is none.
    pub(crate) next: &'static str,
}

const REFERENCE: FileKind = FileKind {
    what: "reference values",
    limit: REFERENCE_MAX_BYTES,
    next: "name the reference-values.json of the image; `cargo xtask image` writes it to dist/",
};
const MANIFEST: FileKind = FileKind {
    what: "manifest",
    limit: MANIFEST_MAX_BYTES,
    next: "name the manifest.json of the image, or leave --manifest out",
};
pub(crate) const ROM: FileKind = FileKind {
    what: "ROM",
    limit: ROM_MAX_BYTES,
    next: "name the redoubt.rom of the image, or leave --rom out",
};
pub(crate) const COMPONENT: FileKind = FileKind {
    what: "component",
    limit: COMPONENT_MAX_BYTES,
    next: "name the .wasm file that the image was built from, or leave --component out",
};
pub(crate) const INPUT: FileKind = FileKind {
    what: "input",
    limit: usize::MAX,
    next: "name the file that was given to `redoubt job --input`",
};
const OUTPUT: FileKind =
    FileKind { what: "output", limit: usize::MAX, next: "name the file that `redoubt job --output` wrote" };

const ITEM: FileKind = FileKind {
    what: "evidence or collateral",
    limit: attestation_recognise::FILE_MAX_BYTES,
    next: "name the claim that `redoubt job` stored, or a report, quote, certificate, list or bundle",
};

impl FileKind {
    fn named<'a>(self, option: &'static str, path: Option<&'a Path>) -> Result<&'a Path, FileError> {
        path.ok_or(FileError::NotNamed { option, what: self.what, next: self.next })
    }

    /// `-` is standard input.
    pub(crate) fn read_named(self, path: &Path) -> Result<Vec<u8>, FileError> {
        if path == Path::new("-") { self.read_from(io::stdin().lock(), path) } else { self.read(path) }
    }

    pub(crate) fn read(self, path: &Path) -> Result<Vec<u8>, FileError> {
        let file = File::open(path).map_err(|source| self.read_error(path, source))?;
        self.read_from(file, path)
    }

    fn read_from(self, reader: impl Read, path: &Path) -> Result<Vec<u8>, FileError> {
        let past_limit = u64::try_from(self.limit).unwrap_or(u64::MAX).saturating_add(1);
        let mut bytes = Vec::new();
        let read = reader.take(past_limit).read_to_end(&mut bytes);
        read.map_err(|source| self.read_error(path, source))?;
        if bytes.len() > self.limit {
            let path = path.to_owned();
            return Err(FileError::TooLong { what: self.what, path, limit: self.limit, next: self.next });
        }
        Ok(bytes)
    }

    fn digest(self, path: &Path, audience: Audience) -> Result<FileDigest, FileError> {
        let digest = || {
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            let what = format!("of {} hashed", self.what);
            // What a pipe will bring nobody knows.
            let progress = if metadata.is_file() {
                Progress::of_bytes(metadata.len(), &what, audience)
            } else {
                Progress::of_stream(&what, audience)
            };
            digest_of(progress.counting(file))
        };
        digest().map_err(|source| self.read_error(path, source))
    }

    pub(crate) fn read_error(self, path: &Path, source: io::Error) -> FileError {
        FileError::Read { what: self.what, path: path.to_owned(), next: self.next, source }
    }
}

pub(crate) fn read_reference(path: &Path) -> Result<ReferenceValues, FileError> {
    let bytes = REFERENCE.read(path)?;
    serde_json::from_slice(&bytes).map_err(|source| FileError::Reference {
        what: REFERENCE.what,
        path: path.to_owned(),
        next: REFERENCE.next,
        source,
    })
}

fn digest_of(mut reader: impl Read) -> io::Result<FileDigest> {
    let mut hash = Sha256::new();
    let mut piece = vec![0; PIECE_BYTES];
    let mut bytes: u64 = 0;
    loop {
        match reader.read(&mut piece) {
            Ok(0) => return Ok(FileDigest { sha256: hash.finalize().into(), bytes }),
            Ok(count) => {
                hash.update(piece.get(..count).unwrap_or_default());
                bytes = bytes.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_files_are_hashed_in_pieces() {
        let bytes = vec![7; 3 * PIECE_BYTES + 5];
        assert_eq!(digest_of(bytes.as_slice()).unwrap(), FileDigest::of(&bytes));
        assert_eq!(digest_of([].as_slice()).unwrap(), FileDigest::of(&[]));
    }

    #[test]
    fn a_missing_file_is_named_with_what_to_do() {
        let error = read_item(Path::new("no/such.cbor")).unwrap_err().to_string();
        assert!(error.starts_with("evidence or collateral no/such.cbor: "), "{error}");
        assert!(error.contains("`redoubt job`"), "{error}");
    }

    #[test]
    fn a_file_past_its_limit_is_not_read_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.json");
        std::fs::write(&path, vec![b' '; MANIFEST_MAX_BYTES + 1]).unwrap();
        assert!(matches!(MANIFEST.read(&path), Err(FileError::TooLong { limit: MANIFEST_MAX_BYTES, .. })));
        std::fs::write(&path, vec![b' '; MANIFEST_MAX_BYTES]).unwrap();
        assert_eq!(MANIFEST.read(&path).unwrap().len(), MANIFEST_MAX_BYTES);
    }

    #[test]
    fn malformed_reference_values_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reference-values.json");
        std::fs::write(&path, "{\"version\": 1, \"nmae\": \"x\"}").unwrap();
        let error = read_reference(&path).unwrap_err().to_string();
        assert!(error.contains("unknown field `nmae`") && error.contains("cargo xtask image"), "{error}");
    }
}

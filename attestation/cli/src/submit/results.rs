//! What comes back: opened while it comes, into files that have no name yet.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use attestation_envelope::{Content, EnvelopeError, Opener, ReaderKey, open};
use attestation_manifest::Logs;
use attestation_submission::{End, Part, Stream};
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::arguments::SubmitArguments;
use crate::check::{FileDigest, Verdict};
use crate::files::FileError;

/// Everything that an answer has.
#[derive(Debug)]
pub(super) struct Results {
    reply_key: Arc<ReaderKey>,
    output: Draft,
    transcript: Option<Draft>,
    log: Log,
    pub(super) claim: Option<Vec<u8>>,
    pub(super) end: Option<End>,
}

/// Where the log goes.
#[derive(Debug)]
enum Log {
    /// Nothing may come.
    None,
    /// Nobody asked for it.
    Unwanted,
    Wanted(Box<Draft>),
}

/// A file that becomes one when the claim of it holds.
#[derive(Debug)]
pub(super) struct Draft {
    path: PathBuf,
    file: NamedTempFile,
    /// `None`: what comes is not sealed.
    opener: Option<Opener>,
    hash: Sha256,
    bytes: u64,
}

/// Why what came is not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfit {
    #[error("{0}")]
    Envelope(#[from] EnvelopeError),
    #[error("a log, which the manifest lets nobody read")]
    Log,
    #[error(transparent)]
    File(#[from] FileError),
}

impl Results {
    /// Begins the drafts. Fails early where nothing could be written at the end.
    pub(super) fn begin(
        arguments: &SubmitArguments,
        reply_key: ReaderKey,
        logs: Logs,
    ) -> Result<Self, FileError> {
        let key = Arc::new(reply_key);
        let sealed = |path: &Path, content| Draft::create(path, Some(Opener::new(Arc::clone(&key), content)));
        let transcript = arguments.transcript.as_deref().map(|path| sealed(path, Content::Transcript));
        let log = match (logs, arguments.log.as_deref()) {
            (Logs::Sealed, Some(path)) => Log::Wanted(Box::new(sealed(path, Content::Log)?)),
            (Logs::Public, Some(path)) => Log::Wanted(Box::new(Draft::create(path, None)?)),
            (Logs::Sealed | Logs::Public, None) => Log::Unwanted,
            _ => Log::None,
        };
        Ok(Self {
            output: sealed(&arguments.output, Content::PrivateOutput)?,
            transcript: transcript.transpose()?,
            log,
            claim: None,
            end: None,
            reply_key: key,
        })
    }

    /// Takes the next part.
    pub(super) fn take(&mut self, part: Part) -> Result<(), Unfit> {
        match part {
            Part::Bytes(Stream::Output, bytes) => self.output.take(&bytes),
            Part::Bytes(Stream::Transcript, bytes) => match &mut self.transcript {
                Some(transcript) => transcript.take(&bytes),
                None => Ok(()),
            },
            Part::Bytes(Stream::Log, bytes) => match &mut self.log {
                Log::None => Err(Unfit::Log),
                Log::Unwanted => Ok(()),
                Log::Wanted(log) => log.take(&bytes),
            },
            Part::Claim(sealed) => {
                self.claim = Some(open(sealed, &self.reply_key, Content::PrivateClaim)?);
                Ok(())
            }
            Part::End(end) => {
                self.end = Some(end);
                Ok(())
            }
        }
    }

    /// Whether each envelope came to its end.
    pub(super) fn check_ends(&self, verdict: &mut Verdict) {
        let log = if let Log::Wanted(log) = &self.log { Some(log.as_ref()) } else { None };
        let drafts = [
            ("sealed output", Some(&self.output)),
            ("sealed transcript", self.transcript.as_ref()),
            ("sealed log", log),
        ];
        for (what, draft) in drafts {
            let opener = draft.and_then(|draft| draft.opener.as_ref());
            match opener.map(Opener::finish) {
                None => {}
                Some(Ok(())) => verdict.pass(what, "an envelope for this job, whole", "yes"),
                Some(Err(error)) => verdict.fail(what, "an envelope for this job, whole", error),
            }
        }
    }

    pub(super) fn output(&self) -> FileDigest {
        FileDigest { sha256: self.output.hash.clone().finalize().into(), bytes: self.output.bytes }
    }

    /// What came of the transcript, if somebody wants it.
    pub(super) fn transcript(&self) -> Option<Result<Vec<u8>, FileError>> {
        self.transcript
            .as_ref()
            .map(|draft| std::fs::read(draft.file.path()).map_err(|source| draft.failed(source)))
    }

    /// Gives the files their names, the output last: one that is there has its claim.
    pub(super) fn keep(
        self,
        arguments: &SubmitArguments,
        is_output_whole: bool,
    ) -> Result<Vec<String>, FileError> {
        let claim = arguments.claim.as_deref().zip(self.claim).map(|(path, bytes)| {
            let mut draft = Draft::create(path, None)?;
            draft.write(&bytes).map(|()| draft)
        });
        let log = if let Log::Wanted(log) = self.log { Some(*log) } else { None };
        let output = Some(self.output).filter(|_| is_output_whole);
        let drafts = [claim.transpose()?, self.transcript, log, output];
        drafts.into_iter().flatten().map(Draft::keep).collect()
    }
}

impl Draft {
    fn create(path: &Path, opener: Option<Opener>) -> Result<Self, FileError> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Readable for its owner alone, as all temporary files: it was sealed for a reason.
        let file = NamedTempFile::new_in(folder);
        let file = file.map_err(|source| FileError::Write { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), file, opener, hash: Sha256::new(), bytes: 0 })
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Unfit> {
        let Some(opener) = &mut self.opener else { return Ok(self.write(bytes)?) };
        let mut opened = zeroize::Zeroizing::new(Vec::new());
        opener.push(bytes, &mut opened)?;
        Ok(self.write(&opened)?)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.hash.update(bytes);
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.file.write_all(bytes).map_err(|source| self.failed(source))
    }

    fn keep(self) -> Result<String, FileError> {
        let Self { path, file, .. } = self;
        let failed = |source| FileError::Write { path: path.clone(), source };
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
        Ok(path.display().to_string())
    }

    fn failed(&self, source: std::io::Error) -> FileError {
        FileError::Write { path: self.path.clone(), source }
    }
}

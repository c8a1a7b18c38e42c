//! Keeps what a service's guest gives out of its requests: each request, its transcript and its signed claim, as files.
//!
//! A file has its name only once a claim is signed that names its content; until then it is called `….part`. What the guest
//! can make us keep is bounded by its manifest. Panics: never on what the guest sends.

use core::mem;
use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use attestation_claim::{CLAIM_BESIDES_EVIDENCE_MAX_BYTES, SignedClaim, open_claims};
use attestation_envelope::envelope_bytes_max;
use attestation_manifest::{Manifest, OPEN_REQUESTS_MAX, Service};
use enclave_wire::frame::{Frame, FrameKind};
use tempfile::TempPath;

use crate::session::Violation;

/// Claims that may wait for their signature.
const UNSIGNED_MAX: usize = 4096;

/// A head and trailers, besides a body.
const HEAD_BYTES: u64 = 256 << 10;

/// What a transcript may be longer than its limit: the entry that goes beyond it, and its end.
const TRANSCRIPT_MARGIN_BYTES: u64 = 1 << 20;

/// Where the requests of one boot are kept, and those that are under way.
#[derive(Debug)]
pub struct Keeper {
    folder: PathBuf,
    request_max_bytes: u64,
    transcript_max_bytes: u64,
    open: HashMap<u32, Draft>,
    /// In the order of their claims.
    unsigned: Vec<(Vec<u8>, Draft)>,
}

#[derive(Debug)]
struct Draft {
    request: Part,
    transcript: Part,
}

/// A file that is not whole. It is removed unless it is kept. It is open only while something is written: there can be more
/// of them than a process may have open.
#[derive(Debug)]
struct Part {
    path: TempPath,
    bytes: u64,
    max_bytes: u64,
}

impl Keeper {
    /// Keeps the requests to this service in a new folder.
    ///
    /// # Errors
    /// The folder cannot be made, or is there already.
    pub fn create(folder: PathBuf, manifest: &Manifest<'_>, service: &Service) -> io::Result<Self> {
        if let Some(parent) = folder.parent() {
            fs::create_dir_all(parent)?;
        }
        let as_kept = |bytes| if manifest.readers.is_empty() { bytes } else { envelope_bytes_max(bytes) };
        // What clients send is nobody's business on this host but the operator's.
        DirBuilder::new().mode(0o700).create(&folder)?;
        Ok(Self {
            folder,
            request_max_bytes: as_kept(service.request_body_bytes.saturating_add(HEAD_BYTES)),
            transcript_max_bytes: as_kept(
                manifest.limits.transcript_bytes.saturating_add(TRANSCRIPT_MARGIN_BYTES),
            ),
            open: HashMap::new(),
            unsigned: Vec::new(),
        })
    }

    /// Where the files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether frames of this kind are for a keeper.
    pub(crate) const fn takes(kind: FrameKind) -> bool {
        matches!(
            kind,
            FrameKind::REQUEST
                | FrameKind::TRANSCRIPT
                | FrameKind::REQUEST_CLAIM
                | FrameKind::REQUEST_DROPPED
                | FrameKind::BATCH
        )
    }

    /// Takes a frame of the guest.
    ///
    /// # Errors
    /// The guest broke a rule, or a file cannot be written.
    pub fn on_frame(&mut self, frame: Frame) -> Result<(), Violation> {
        let Frame { kind, job: number, body } = frame;
        match kind {
            FrameKind::REQUEST => self.draft(number)?.request.write(&body),
            FrameKind::TRANSCRIPT => self.draft(number)?.transcript.write(&body),
            FrameKind::REQUEST_CLAIM => self.claim(number, body),
            FrameKind::REQUEST_DROPPED => {
                self.open.remove(&number);
                Ok(())
            }
            _ => self.sign(&body),
        }
    }

    fn draft(&mut self, number: u32) -> Result<&mut Draft, Violation> {
        if !self.open.contains_key(&number) {
            let limit = OPEN_REQUESTS_MAX as usize;
            if self.open.len() >= limit {
                return Err(unkept(format!("more than {limit} requests are open")));
            }
            let part = |end: &str, max_bytes| {
                Part::create(self.folder.join(format!("{number}.{end}.part")), max_bytes)
            };
            let request = part("request", self.request_max_bytes)?;
            let transcript = part("transcript", self.transcript_max_bytes)?;
            self.open.insert(number, Draft { request, transcript });
        }
        self.open.get_mut(&number).ok_or_else(|| unkept(format!("request {number} is not open")))
    }

    fn claim(&mut self, number: u32, claim: Vec<u8>) -> Result<(), Violation> {
        let (limit, found) = (CLAIM_BESIDES_EVIDENCE_MAX_BYTES, claim.len());
        if found > limit {
            let reason = format!("claim of request {number}: expected at most {limit} bytes, found {found}");
            return Err(unkept(reason));
        }
        let draft = self.open.remove(&number);
        let draft = draft.ok_or_else(|| unkept(format!("claim of request {number}, which is not open")))?;
        if self.unsigned.len() >= UNSIGNED_MAX {
            return Err(unkept(format!("more than {UNSIGNED_MAX} claims wait for a signature")));
        }
        self.unsigned.push((claim, draft));
        Ok(())
    }

    fn sign(&mut self, batch: &[u8]) -> Result<(), Violation> {
        let (claims, drafts): (Vec<_>, Vec<_>) = mem::take(&mut self.unsigned).into_iter().unzip();
        let files = open_claims(batch, &claims).map_err(|error| unkept(error.to_string()))?;
        for (file, draft) in files.zip(drafts) {
            let signed = SignedClaim::parse(&file).map_err(|error| unkept(error.to_string()))?;
            let number = signed.unverified_claim().sequence;
            let name = |end: &str| self.folder.join(format!("{number}.{end}"));
            draft.request.keep(name("request"))?;
            draft.transcript.keep(name("transcript"))?;
            // Last: whoever sees a claim finds the rest.
            let part = Part::create(name("claim.cbor.part"), u64::MAX)?;
            part.keep_with(name("claim.cbor"), &file)?;
        }
        Ok(())
    }
}

impl Part {
    fn create(path: PathBuf, max_bytes: u64) -> Result<Self, Violation> {
        File::create_new(&path).map_err(at(&path))?;
        let path = TempPath::try_from_path(path).map_err(|error| unkept(error.to_string()))?;
        Ok(Self { path, bytes: 0, max_bytes })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        if self.bytes > self.max_bytes {
            let (path, limit) = (self.path.display(), self.max_bytes);
            return Err(unkept(format!("{path}: expected at most {limit} bytes")));
        }
        let file = OpenOptions::new().append(true).open(&self.path);
        file.and_then(|mut file| file.write_all(bytes)).map_err(at(&self.path))
    }

    fn keep(self, path: PathBuf) -> Result<(), Violation> {
        self.path.persist_noclobber(&path).map_err(|error| at(&path)(error.error))
    }

    fn keep_with(mut self, path: PathBuf, bytes: &[u8]) -> Result<(), Violation> {
        self.write(bytes)?;
        self.keep(path)
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> Violation + '_ {
    move |error| unkept(format!("{}: {error}", path.display()))
}

const fn unkept(reason: String) -> Violation {
    Violation::Unkept { reason }
}

#[cfg(test)]
mod tests;

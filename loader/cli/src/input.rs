//! The input of a job: its length is announced first, so a pipe is spooled.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use attestation_cli::progress::{Audience, Progress};

/// An input of known length.
#[derive(Debug)]
pub(crate) struct Input {
    name: String,
    file: File,
    bytes: u64,
    sent_bytes: u64,
}

impl Input {
    /// Opens a file, or standard input for `-`. What has no length is spooled to a temporary file, up to the
    /// guest's own limit.
    pub(crate) fn open(path: &Path, limit_bytes: u64, audience: Audience) -> Result<Self> {
        if path == Path::new("-") {
            return spool("standard input".to_owned(), io::stdin().lock(), limit_bytes, audience);
        }
        let name = path.display().to_string();
        let file = File::open(path).with_context(|| format!("cannot read {name}"))?;
        let metadata = file.metadata().with_context(|| format!("cannot read {name}"))?;
        if metadata.is_dir() {
            bail!("cannot read {name}: expected a file, found a folder");
        }
        if !metadata.is_file() {
            return spool(name, file, limit_bytes, audience);
        }
        Ok(Self { name, file, bytes: metadata.len(), sent_bytes: 0 })
    }

    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) const fn sent_bytes(&self) -> u64 {
        self.sent_bytes
    }

    /// Exactly the next `count` bytes.
    pub(crate) fn next(&mut self, count: u64) -> Result<Vec<u8>> {
        let mut piece = Vec::new();
        let read = (&mut self.file).take(count).read_to_end(&mut piece);
        let read = read.with_context(|| format!("cannot read {}", self.name))? as u64;
        self.sent_bytes += read;
        if read < count {
            bail!("{} changed: it had {} bytes and ended after {}", self.name, self.bytes, self.sent_bytes);
        }
        Ok(piece)
    }
}

fn spool(name: String, from: impl Read, limit_bytes: u64, audience: Audience) -> Result<Input> {
    let mut file = tempfile::tempfile().context("cannot create a temporary file for the input")?;
    let progress = Progress::of_stream("of the input kept in a temporary file", audience);
    let mut from = progress.counting(from.take(limit_bytes.saturating_add(1)));
    let bytes =
        io::copy(&mut from, &mut file).with_context(|| format!("cannot keep {name} in a temporary file"))?;
    if bytes > limit_bytes {
        bail!(
            "{name}: expected at most {limit_bytes} bytes (limits.input_bytes of the manifest), found more"
        );
    }
    file.flush()?;
    file.rewind()?;
    Ok(Input { name, file, bytes, sent_bytes: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: Audience = Audience::Program;

    #[test]
    fn pipes_are_spooled_up_to_the_limit() {
        let mut input = spool("pipe".to_owned(), &b"12345"[..], 5, NOBODY).unwrap();
        assert_eq!((input.bytes(), input.next(3).unwrap()), (5, b"123".to_vec()));
        assert_eq!((input.next(2).unwrap(), input.sent_bytes()), (b"45".to_vec(), 5));
        let error = spool("pipe".to_owned(), &b"123456"[..], 5, NOBODY).unwrap_err().to_string();
        assert!(error.contains("expected at most 5 bytes (limits.input_bytes"), "{error}");
    }

    #[test]
    fn files_that_shrink_or_are_none_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("input");
        std::fs::write(&path, "0123456789").unwrap();
        let mut input = Input::open(&path, 0, NOBODY).unwrap();
        std::fs::write(&path, "01234").unwrap();
        let error = input.next(10).unwrap_err().to_string();
        assert!(error.contains("it had 10 bytes and ended after 5"), "{error}");
        assert!(Input::open(folder.path(), 0, NOBODY).unwrap_err().to_string().contains("found a folder"));
        assert!(
            Input::open(&folder.path().join("absent"), 0, NOBODY).unwrap_err().to_string().contains("absent")
        );
    }
}

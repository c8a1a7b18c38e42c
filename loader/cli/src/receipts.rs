//! Receipts of a job, the proofs of the time before and after them, and how the latter are about them, in a folder.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::output::Output;

/// A folder that receipts go into as they come. Whatever becomes of the job, they stay: what was fetched was fetched.
#[derive(Debug)]
pub(crate) struct Receipts {
    folder: PathBuf,
    receipts: u64,
    time_proofs: u64,
    commitments: u64,
}

impl Receipts {
    /// Makes the folder, if it is not there. What is in it of an earlier job would pass for this one's, so it must not be
    /// there.
    pub(crate) fn in_folder(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
        if let Some(found) = entries.flatten().find(|entry| is_ours(&entry.file_name())) {
            bail!(
                "{} is of an earlier job, and would pass for one of this: give --receipts a folder without any",
                found.path().display()
            );
        }
        Ok(Self { folder: folder.to_owned(), receipts: 0, time_proofs: 0, commitments: 0 })
    }

    pub(crate) fn receipt(&mut self, bytes: &[u8]) -> Result<()> {
        self.receipts += 1;
        self.write(&format!("receipt-{}.cbor", self.receipts), bytes)
    }

    pub(crate) fn time_proof(&mut self, bytes: &[u8]) -> Result<()> {
        self.time_proofs += 1;
        self.write(&format!("time-{}.cbor", self.time_proofs), bytes)
    }

    /// Of the receipt with the same number.
    pub(crate) fn commitment(&mut self, bytes: &[u8]) -> Result<()> {
        self.commitments += 1;
        self.write(&format!("commitment-{}.cbor", self.commitments), bytes)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let mut output = Output::create(&self.folder.join(name))?;
        output.write(bytes)?;
        output.settle()?;
        output.finish()
    }
}

/// Whether a file's name is one that a job gives.
fn is_ours(name: &OsStr) -> bool {
    let Some(stem) = name.to_str().and_then(|name| name.strip_suffix(".cbor")) else { return false };
    let number = ["receipt-", "time-", "commitment-"].iter().find_map(|kind| stem.strip_prefix(kind));
    number.is_some_and(|number| number.parse::<u64>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_jobs_are_not_mixed_with_this_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["notes.txt", "receipt-1.txt", "receipt-x.cbor", "time.cbor"] {
            fs::write(path(name), "").unwrap();
        }
        assert!(Receipts::in_folder(folder.path()).is_ok());
        for name in ["receipt-1.cbor", "time-2.cbor", "commitment-30.cbor"] {
            fs::write(path(name), "").unwrap();
            let error = Receipts::in_folder(folder.path()).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
            fs::remove_file(path(name)).unwrap();
        }
    }

    #[test]
    fn everything_gets_a_name_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let mut receipts = Receipts::in_folder(&folder.path().join("new/one")).unwrap();
        receipts.time_proof(b"first").unwrap();
        receipts.receipt(b"second").unwrap();
        receipts.receipt(b"third").unwrap();
        receipts.commitment(b"fourth").unwrap();
        let read = |name: &str| fs::read(folder.path().join("new/one").join(name)).unwrap();
        assert_eq!((read("time-1.cbor"), read("receipt-1.cbor")), (b"first".to_vec(), b"second".to_vec()));
        assert_eq!(
            (read("receipt-2.cbor"), read("commitment-1.cbor")),
            (b"third".to_vec(), b"fourth".to_vec())
        );
    }
}

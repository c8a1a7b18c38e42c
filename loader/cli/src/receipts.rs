//! Receipts of a job, the proofs of the time before and after them, and how the latter are about them, in a folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

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
    /// Makes the folder, if it is not there. What is in it of an earlier job is replaced by what comes under its name.
    pub(crate) fn in_folder(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
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

#[cfg(test)]
mod tests {
    use super::*;

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

//! Where the output, the claim and the evidence of a job go.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde::Serialize;

use crate::arguments::JobArguments;
use crate::output::Output;

/// Where everything goes.
#[derive(Debug)]
pub(crate) struct Files {
    claim: Option<PathBuf>,
    transcript: Option<PathBuf>,
    log: Option<PathBuf>,
    evidence: Option<PathBuf>,
}

/// What was signed about a job, and what belongs to it.
#[derive(Debug)]
pub(crate) struct Vouchers {
    /// Empty when the guest signed none.
    pub(crate) claim: Vec<u8>,
    /// Absent when nobody named a file for it.
    pub(crate) transcript: Option<Output>,
    /// Likewise.
    pub(crate) log: Option<Output>,
    pub(crate) evidence: Option<Vec<u8>>,
}

/// Where everything went.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Written {
    /// Absent when the job failed.
    pub(crate) output: Option<String>,
    /// Absent when nobody named a file for it, and when the guest signed none.
    pub(crate) claim: Option<String>,
    pub(crate) transcript: Option<String>,
    pub(crate) log: Option<String>,
    pub(crate) evidence: Option<String>,
}

impl Files {
    pub(crate) fn plan(arguments: &JobArguments) -> Result<Self> {
        let is_stream = arguments.output == Path::new("-");
        let is_device = std::fs::metadata(&arguments.output).is_ok_and(|metadata| !metadata.is_file());
        let beside_output = |named: &Option<PathBuf>, suffix| match named {
            Some(path) => Some(path.clone()),
            None if is_stream || is_device => None,
            None => Some(with_suffix(&arguments.output, suffix)),
        };
        let claim = beside_output(&arguments.claim, ".claim.cbor");
        let transcript = beside_output(&arguments.transcript, ".transcript");
        let JobArguments { log, evidence, .. } = arguments;
        let vouchers = [claim.as_ref(), transcript.as_ref(), log.as_ref(), evidence.as_ref()];
        let named = core::iter::once(Some(&arguments.output)).chain(vouchers);
        let named: Vec<_> = named.flatten().collect();
        for (index, path) in named.iter().enumerate() {
            if named.iter().skip(index + 1).any(|other| other == path) {
                bail!("{} is named for two different files: choose another name for one", path.display());
            }
        }
        Ok(Self { claim, transcript, log: log.clone(), evidence: evidence.clone() })
    }

    /// Begins the transcript, which comes while the job runs.
    pub(crate) fn begin_transcript(&self) -> Result<Option<Output>> {
        self.transcript.as_deref().map(Output::create).transpose()
    }

    /// Begins the log, if a file was named for it.
    pub(crate) fn begin_log(&self) -> Result<Option<Output>> {
        self.log.as_deref().map(Output::create).transpose()
    }

    /// Writes all drafts before it names the first: a disk that fills up leaves none of them. The output is named
    /// last: one that is there has its claim.
    pub(crate) fn write(self, mut output: Output, vouchers: Vouchers) -> Result<Written> {
        output.settle()?;
        let written = self.write_vouchers(vouchers)?;
        let name = output.name();
        output.finish()?;
        Ok(Written { output: Some(name), ..written })
    }

    /// Of a job that failed: what was signed about it is worth keeping, because the next claim refers to it; what it
    /// wrote is not. Nothing where nothing was signed.
    pub(crate) fn write_vouchers(self, vouchers: Vouchers) -> Result<Written> {
        if vouchers.claim.is_empty() {
            return Ok(Written::default());
        }
        let claim = self.claim.map(|path| draft(&path, &vouchers.claim)).transpose()?;
        let evidence = self.evidence.zip(vouchers.evidence);
        let evidence = evidence.map(|(path, bytes)| draft(&path, &bytes)).transpose()?;
        let (mut transcript, mut log) = (vouchers.transcript, vouchers.log);
        [&mut transcript, &mut log].into_iter().flatten().try_for_each(Output::settle)?;
        let name = |output: &Option<Output>| output.as_ref().map(Output::name);
        let written = Written {
            output: None,
            claim: name(&claim),
            transcript: name(&transcript),
            log: name(&log),
            evidence: name(&evidence),
        };
        [claim, transcript, log, evidence].into_iter().flatten().try_for_each(Output::finish)?;
        Ok(written)
    }
}

fn draft(path: &Path, bytes: &[u8]) -> Result<Output> {
    let mut output = Output::create(path)?;
    output.write(bytes)?;
    output.settle()?;
    Ok(output)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

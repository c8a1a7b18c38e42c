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
    evidence: Option<PathBuf>,
}

/// Where everything went.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Written {
    /// Absent when the job failed.
    pub(crate) output: Option<String>,
    /// Absent when nobody named a file for it, and when the guest signed none.
    pub(crate) claim: Option<String>,
    pub(crate) evidence: Option<String>,
}

impl Files {
    pub(crate) fn plan(arguments: &JobArguments) -> Result<Self> {
        let is_stream = arguments.output == Path::new("-");
        let is_device = std::fs::metadata(&arguments.output).is_ok_and(|metadata| !metadata.is_file());
        let claim = match &arguments.claim {
            Some(claim) => Some(claim.clone()),
            None if is_stream || is_device => None,
            None => Some(with_suffix(&arguments.output, ".claim.cbor")),
        };
        let named = [Some(&arguments.output), claim.as_ref(), arguments.evidence.as_ref()];
        let named: Vec<_> = named.into_iter().flatten().collect();
        for (index, path) in named.iter().enumerate() {
            if named.iter().skip(index + 1).any(|other| other == path) {
                bail!("{} is named for two different files: choose another name for one", path.display());
            }
        }
        Ok(Self { claim, evidence: arguments.evidence.clone() })
    }

    /// Writes all drafts before it names the first: a disk that fills up leaves none of them. The output is named
    /// last: one that is there has its claim.
    pub(crate) fn write(self, mut output: Output, claim: &[u8], evidence: Option<&[u8]>) -> Result<Written> {
        output.settle()?;
        let written = self.write_vouchers(claim, evidence)?;
        let name = output.name();
        output.finish()?;
        Ok(Written { output: Some(name), ..written })
    }

    /// Of a job that failed: what was signed about it is worth keeping, because the next claim refers to it; what it
    /// wrote is not. Nothing where nothing was signed.
    pub(crate) fn write_vouchers(self, claim: &[u8], evidence: Option<&[u8]>) -> Result<Written> {
        if claim.is_empty() {
            return Ok(Written::default());
        }
        let claim = self.claim.map(|path| draft(&path, claim)).transpose()?;
        let evidence = self.evidence.zip(evidence).map(|(path, bytes)| draft(&path, bytes)).transpose()?;
        let name = |output: &Option<Output>| output.as_ref().map(Output::name);
        let written = Written { output: None, claim: name(&claim), evidence: name(&evidence) };
        [claim, evidence].into_iter().flatten().try_for_each(Output::finish)?;
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

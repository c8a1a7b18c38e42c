//! The console of a replayed run: input from a reader, output to a writer, both hashed.

use std::io::{self, ErrorKind, Read, Write};

use attestation_claim::Digested;
use bytes::Bytes;
use enclave_runtime::{Console, InputRead, Output, Stop};
use sha2::{Digest, Sha256};

/// Output that is taken over at once.
const OUTPUT_SPACE_BYTES: usize = 64 * 1024;

/// A hash that counts.
#[derive(Debug, Default)]
pub(crate) struct RunningDigest {
    hash: Sha256,
    bytes: u64,
}

impl RunningDigest {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    pub(crate) fn digested(&self) -> Digested {
        Digested { sha256: self.hash.clone().finalize().into(), bytes: self.bytes }
    }
}

/// Input, outputs, and the first thing that went wrong with them.
pub(crate) struct ReplayConsole {
    input: Box<dyn Read + Send>,
    output: Box<dyn Write + Send>,
    error_output: Box<dyn Write + Send>,
    pub(crate) input_digest: RunningDigest,
    pub(crate) output_digest: RunningDigest,
    pub(crate) input_failure: Option<io::Error>,
    pub(crate) output_failure: Option<io::Error>,
}

impl ReplayConsole {
    pub(crate) fn new(
        input: Box<dyn Read + Send>,
        output: Box<dyn Write + Send>,
        error_output: Box<dyn Write + Send>,
    ) -> Self {
        Self {
            input,
            output,
            error_output,
            input_digest: RunningDigest::default(),
            output_digest: RunningDigest::default(),
            input_failure: None,
            output_failure: None,
        }
    }

    /// What the component left belongs to the input too.
    pub(crate) fn read_rest(&mut self) {
        while let InputRead::Bytes(_) = self.read_input(OUTPUT_SPACE_BYTES) {}
    }
}

impl Console for ReplayConsole {
    fn pump(&mut self) -> Result<(), Stop> {
        let is_broken = self.input_failure.is_some() || self.output_failure.is_some();
        if is_broken { Err(Stop::ConnectionLost) } else { Ok(()) }
    }

    fn read_input(&mut self, max_bytes: usize) -> InputRead {
        let mut piece = vec![0; max_bytes];
        loop {
            match self.input.read(&mut piece) {
                Ok(0) => return InputRead::End,
                Ok(count) => {
                    piece.truncate(count);
                    self.input_digest.update(&piece);
                    return InputRead::Bytes(Bytes::from(piece));
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.input_failure.get_or_insert(error);
                    return InputRead::End;
                }
            }
        }
    }

    fn output_space(&mut self, _output: Output) -> usize {
        OUTPUT_SPACE_BYTES
    }

    fn write_output(&mut self, output: Output, bytes: Bytes) {
        let written = match output {
            Output::Stdout => {
                self.output_digest.update(&bytes);
                self.output.write_all(&bytes)
            }
            Output::Stderr => self.error_output.write_all(&bytes),
        };
        if let Err(error) = written {
            self.output_failure.get_or_insert(error);
        }
    }
}

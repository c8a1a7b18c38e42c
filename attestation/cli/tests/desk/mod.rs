//! What a relying party got of an exchange, in a folder, and the binary that it runs there.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use attestation_manifest::reference::ReferenceValues;
use serde_json::Value;
use tempfile::TempDir;

use super::exchange::{Exchange, REQUEST_BODY, RESPONSE_BODY, Setting};
use super::world::Bend;

/// What a relying party got, in a folder.
pub(crate) struct Desk {
    folder: TempDir,
    pub(crate) exchange: Exchange,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self::with(&Setting::default())
    }

    /// As `redoubt job` and a program of the guest leave it.
    pub(crate) fn with(setting: &Setting<'_>) -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap(), exchange: Exchange::of(setting) };
        let exchange = &desk.exchange;
        let next = exchange.next();
        let (after, commitment) = Exchange::committed(&[&exchange.receipt, &next], 0);
        desk.write("receipt-1.cbor", &exchange.signed().encode());
        desk.write("receipt-2.cbor", &exchange.signed_as(&next).encode());
        desk.write("time-1.cbor", &exchange.before.encode());
        desk.write("time-2.cbor", &after.encode());
        desk.write("commitment.cbor", &commitment.encode());
        desk.write("evidence.cbor", &exchange.evidence.encode());
        desk.write("claim.cbor", &exchange.world.claim_with(&Bend::default()));
        desk.write("receipt.opening", &exchange.opening.encode());
        desk.write("asked.json", REQUEST_BODY);
        desk.write("rates.json", RESPONSE_BODY);
        desk.write_reference("reference-values.json", &exchange.world.reference);
        desk
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path().join(name), bytes).unwrap();
    }

    pub(crate) fn write_reference(&self, name: &str, reference: &ReferenceValues) {
        self.write(name, &serde_json::to_vec_pretty(reference).unwrap());
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path().join(name)).unwrap()
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path().join(name).exists()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let run = Command::new(env!("CARGO_BIN_EXE_redoubt-verify"))
            .current_dir(self.path())
            .args(arguments)
            .output();
        let Output { status, stdout, stderr } = run.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code().unwrap(), text(stdout), text(stderr))
    }

    /// The first receipt, simulated as it is, with more words.
    pub(crate) fn receipt(&self, more: &[&str]) -> (i32, String, String) {
        let usual =
            ["receipt", "receipt-1.cbor", "--reference", "reference-values.json", "--allow-simulated"];
        self.run(&[&usual[..], more].concat())
    }

    #[track_caller]
    pub(crate) fn accepted(&self, more: &[&str]) -> String {
        let (status, stdout, stderr) = self.receipt(more);
        assert_eq!(status, 0, "{stdout}{stderr}");
        stdout
    }

    #[track_caller]
    pub(crate) fn redacted(&self, more: &[&str]) -> String {
        let (status, stdout, stderr) = self.run(&[&["redact", "receipt-1.cbor"], more].concat());
        assert_eq!(status, 0, "{stdout}{stderr}");
        stdout
    }
}

pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

pub(crate) const EVIDENCE: [&str; 2] = ["--evidence", "evidence.cbor"];
pub(crate) const TIME: [&str; 6] =
    ["--time", "time-1.cbor", "--time", "time-2.cbor", "--commitment", "commitment.cbor"];

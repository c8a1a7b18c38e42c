//! A component that makes calls one after the other and says what each gave.

use core::fmt::Write as _;

/// Where texts begin in its memory.
const TEXTS_AT: usize = 1024;

/// Calls, and the texts that they pass.
#[derive(Debug, Default, Clone)]
pub(crate) struct Script {
    code: String,
    texts: Vec<u8>,
}

impl Script {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The component.
    pub(crate) fn component(&self) -> Vec<u8> {
        let texts = self.texts.iter().fold(String::new(), |mut data, byte| {
            let _ = write!(data, "\\{byte:02x}");
            data
        });
        let data = format!("(data (i32.const {TEXTS_AT}) \"{texts}\")");
        let text = include_str!("prelude.wat").replace(" DATA\n", &data).replace("SCRIPT", &self.code);
        wat::parse_str(text).expect("the test's text is valid")
    }

    pub(crate) fn open(self, bucket: &str) -> Self {
        self.call("open", &[bucket], "")
    }

    pub(crate) fn close(self) -> Self {
        self.call("close", &[], "")
    }

    pub(crate) fn get(self, key: &str) -> Self {
        self.call("get", &[key], "")
    }

    pub(crate) fn set(self, key: &str, value: &str) -> Self {
        self.call("set", &[key, value], "")
    }

    pub(crate) fn delete(self, key: &str) -> Self {
        self.call("delete", &[key], "")
    }

    pub(crate) fn exists(self, key: &str) -> Self {
        self.call("exists", &[key], "")
    }

    /// The first page, or the one where the last page said that the next begins.
    pub(crate) fn list(self, goes_on: bool) -> Self {
        let from = if goes_on { "(i32.const 1) (global.get $cursor)" } else { "(i32.const 0) (i64.const 0)" };
        self.call("list", &[], from)
    }

    pub(crate) fn increment(self, key: &str, delta: u64) -> Self {
        self.call("increment", &[key], &number(delta))
    }

    pub(crate) fn get_many(self, keys: &[&str]) -> Self {
        self.call_with_list("get-many", keys, 1)
    }

    /// Keys and values in turn.
    pub(crate) fn set_many(self, pairs: &[&str]) -> Self {
        self.call_with_list("set-many", pairs, 2)
    }

    pub(crate) fn delete_many(self, keys: &[&str]) -> Self {
        self.call_with_list("delete-many", keys, 1)
    }

    pub(crate) fn manifest(self) -> Self {
        self.call("manifest", &[], "")
    }

    pub(crate) fn attestation(self) -> Self {
        self.call("attestation", &[], "")
    }

    pub(crate) fn seal(self, context: &str, counter: u64, plaintext: &str) -> Self {
        let mut script = self;
        let (context, plaintext) = (script.text(context), script.text(plaintext));
        let _ = write!(script.code, "(call $seal {context} {} {plaintext})", number(counter));
        script
    }

    pub(crate) fn unseal(self, context: &str, least_counter: u64) -> Self {
        self.call("unseal", &[context], &number(least_counter))
    }

    /// Changes a bit of this byte of the blob.
    pub(crate) fn flip(self, byte: usize) -> Self {
        self.call("flip", &[], &format!("(i32.const {byte})"))
    }

    /// The functions that are not offered yet.
    pub(crate) fn not_yet(self) -> Self {
        self.call("complete", &["Once"], "").call("save", &[], "")
    }

    /// The newest receipt of this run.
    pub(crate) fn newest_receipt(self) -> Self {
        self.call("newest", &[], "")
    }

    /// What opens it.
    pub(crate) fn receipt_opening(self) -> Self {
        self.call("opening", &[], "")
    }

    /// The same several times.
    pub(crate) fn repeat(self, times: usize, part: impl Fn(Self, usize) -> Self) -> Self {
        (0..times).fold(self, part)
    }

    /// The code of a core function's body.
    pub(crate) fn code(mut self, code: &str) -> Self {
        self.code.push_str(code);
        self
    }

    fn call(mut self, function: &str, texts: &[&str], rest: &str) -> Self {
        let texts: Vec<String> = texts.iter().map(|text| self.text(text)).collect();
        let _ = write!(self.code, "(call ${function} {} {rest})", texts.join(" "));
        self
    }

    fn call_with_list(mut self, function: &str, texts: &[&str], texts_per_entry: usize) -> Self {
        let places: Vec<(usize, usize)> = texts.iter().map(|text| self.place(text.as_bytes())).collect();
        let words = places.iter().flat_map(|(at, bytes)| [*at, *bytes]);
        let list: Vec<u8> =
            words.flat_map(|word| u32::try_from(word).expect("it is small").to_le_bytes()).collect();
        self.texts.resize(self.texts.len().next_multiple_of(4), 0);
        let (at, _) = self.place(&list);
        let entries = texts.len() / texts_per_entry;
        let _ = write!(self.code, "(call ${function} (i32.const {at}) (i32.const {entries}))");
        self
    }

    fn text(&mut self, text: &str) -> String {
        let (at, bytes) = self.place(text.as_bytes());
        format!("(i32.const {at}) (i32.const {bytes})")
    }

    /// Long texts are there once.
    fn place(&mut self, bytes: &[u8]) -> (usize, usize) {
        let there = self.texts.windows(bytes.len().max(1)).position(|there| there == bytes);
        let at = there.filter(|_| bytes.len() >= 1000).unwrap_or_else(|| {
            self.texts.extend_from_slice(bytes);
            self.texts.len() - bytes.len()
        });
        (TEXTS_AT + at, bytes.len())
    }
}

fn number(number: u64) -> String {
    format!("(i64.const {number})")
}

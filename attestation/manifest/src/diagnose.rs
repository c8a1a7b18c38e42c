//! Names the field that is wrong.
//!
//! `serde-json-core` says only that something is wrong, and its feature for messages panics on long field names. So
//! after it has refused a manifest, and only then, this walks the text again along the known fields. What it finds
//! explains the refusal; it never decides one.

use core::fmt::{self, Write as _};

use heapless::String;

use crate::{
    AUTHORITIES_MAX, EGRESS_MAX, HexDigest, HexU64, LIST_MAX, METHODS_MAX, ManifestError, READERS_MAX,
    SPKI_MAX, TIME_SERVERS_MAX, TLS_HOSTS_MAX,
};

/// Longest part of a name or value that is quoted.
pub(crate) const QUOTED_MAX_BYTES: usize = 64;
/// As much of a name or value as an error shows, control characters replaced.
pub type Quoted = String<QUOTED_MAX_BYTES, u8>;

/// The first field that is unknown, repeated, missing or malformed.
pub(crate) fn diagnose(bytes: &[u8]) -> Option<ManifestError> {
    Cursor(bytes).object(&MANIFEST).err().flatten()
}

/// An object of the format.
struct Shape {
    name: &'static str,
    fields: &'static [(&'static str, Value)],
}

/// What a field holds.
enum Value {
    Object(&'static Shape),
    /// Or `null`.
    Nullable(&'static Shape),
    /// At most so many.
    Objects(&'static Shape, usize),
    /// At most so many.
    Texts(usize),
    /// At most so many.
    Digests(usize),
    Text,
    Digest,
    Hex,
    /// Up to this, which the text says too.
    Number(u64, &'static str),
    Flag,
    /// One of these, which the text says too.
    Word(&'static [&'static str], &'static str),
}

use Value::{Digest, Digests, Flag, Hex, Nullable, Number, Object, Objects, Text, Texts, Word};

const U16: Value = Number(u16::MAX as u64, "a whole number up to 65535");
const U32: Value = Number(u32::MAX as u64, "a whole number up to 4294967295");
const U64: Value = Number(u64::MAX, "a whole number up to 18446744073709551615");

const MANIFEST: Shape = Shape {
    name: "the manifest",
    fields: &[
        ("version", U32),
        ("name", Text),
        ("role", Word(&["workload"], "workload")),
        ("trust", Word(&["tee"], "tee")),
        ("component", Object(&Shape { name: "component", fields: &[("sha256", Digest)] })),
        ("artefact", Object(&Shape { name: "artefact", fields: &[("sha256", Digest), ("engine", Text)] })),
        ("launch", Object(&LAUNCH)),
        ("memory_mib", U32),
        ("limits", Object(&LIMITS)),
        ("wall_clock", Word(&["none", "host", "roughtime"], "none, host or roughtime")),
        ("args", Texts(LIST_MAX)),
        ("env", Objects(&Shape { name: "env", fields: &[("name", Text), ("value", Text)] }, LIST_MAX)),
        ("egress", Objects(&EGRESS, EGRESS_MAX)),
        ("tls", Object(&TLS)),
        ("time", Objects(&TIME, TIME_SERVERS_MAX)),
        ("service", Nullable(&SERVICE)),
        ("storage", Object(&STORAGE)),
        ("logs", Word(&["none", "sealed", "public"], "none, sealed or public")),
        ("readers", Digests(READERS_MAX)),
    ],
};

const LAUNCH: Shape = Shape {
    name: "launch",
    fields: &[
        ("snp", Object(&Shape { name: "launch.snp", fields: &[("policy", Hex), ("vmpl", U32)] })),
        ("tdx", Object(&Shape { name: "launch.tdx", fields: &[("attributes", Hex), ("xfam", Hex)] })),
    ],
};

const LIMITS: Shape = Shape {
    name: "limits",
    fields: &[
        ("component_memory_bytes", U64),
        ("fuel", U64),
        ("input_bytes", U64),
        ("output_bytes", U64),
        ("wall_ms", U64),
        ("transcript_bytes", U64),
        ("call_stack_bytes", U32),
    ],
};

const EGRESS: Shape = Shape {
    name: "egress",
    fields: &[
        ("host", Text),
        ("port", U16),
        ("scheme", Word(&["https", "http"], "https or http")),
        ("methods", Texts(METHODS_MAX)),
    ],
};

const TLS: Shape = Shape {
    name: "tls",
    fields: &[
        ("roots", Word(&["mozilla", "none"], "mozilla or none")),
        ("hosts", Objects(&TLS_HOST, TLS_HOSTS_MAX)),
    ],
};

const TLS_HOST: Shape = Shape {
    name: "tls.hosts",
    fields: &[("host", Text), ("authorities", Texts(AUTHORITIES_MAX)), ("spki_sha256", Digests(SPKI_MAX))],
};

const TIME: Shape = Shape { name: "time", fields: &[("host", Text), ("port", U16), ("public_key", Digest)] };

const SERVICE: Shape = Shape {
    name: "service",
    fields: &[
        ("port", U16),
        ("scheme", Word(&["https", "http"], "https or http")),
        ("open_requests_max", U32),
        ("request_wall_ms", U64),
        ("request_body_bytes", U64),
        ("response_body_bytes", U64),
        ("request_fuel", U64),
        ("request_memory_bytes", U64),
    ],
};

const STORAGE: Shape =
    Shape { name: "storage", fields: &[("key_value_bytes", U64), ("files_bytes", U64), ("persist", Flag)] };

/// A field and the object that it is of.
#[derive(Clone, Copy)]
struct Place {
    object: &'static str,
    field: &'static str,
}

impl Place {
    fn malformed(self, expected: &'static str, found: &str) -> Option<ManifestError> {
        let Self { object, field } = self;
        Some(ManifestError::Malformed { object, field, expected, found: quoted(found) })
    }
}

/// The rest of the text. `Err(None)`: not JSON of a known shape, which the parser has said already.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    /// Recursion is as deep as the shapes are, whatever the text does.
    fn object(&mut self, shape: &'static Shape) -> Result<(), Option<ManifestError>> {
        self.expect(b'{')?;
        let mut seen = 0_u32;
        while self.peek() != Some(b'}') {
            let key = self.string()?;
            self.expect(b':')?;
            let index = shape.fields.iter().position(|(name, _)| *name == key);
            let Some((index, (name, value))) =
                index.and_then(|index| Some((index, shape.fields.get(index)?)))
            else {
                return Err(Some(ManifestError::UnknownField { object: shape.name, field: quoted(key) }));
            };
            let bit = 1_u32 << index;
            if seen & bit != 0 {
                return Err(Some(ManifestError::DuplicateField { object: shape.name, field: name }));
            }
            seen |= bit;
            self.value(Place { object: shape.name, field: name }, value)?;
            if self.peek() == Some(b',') {
                self.expect(b',')?;
            }
        }
        self.expect(b'}')?;
        let missing = shape.fields.iter().enumerate().find(|(index, _)| seen & (1 << index) == 0);
        match missing {
            Some((_, (field, _))) => Err(Some(ManifestError::MissingField { object: shape.name, field })),
            None => Ok(()),
        }
    }

    fn value(&mut self, place: Place, value: &'static Value) -> Result<(), Option<ManifestError>> {
        let begins = self.peek().ok_or(None)?;
        match value {
            Object(shape) | Nullable(shape) if begins == b'{' => self.object(shape),
            Objects(shape, max) if begins == b'[' => self.list(place, *max, |list| match list.peek() {
                Some(b'{') => list.object(shape),
                _ => Err(place.malformed("a list of objects", list.simple()?)),
            }),
            Texts(max) if begins == b'[' => self.list(place, *max, |list| match list.simple()? {
                raw if text_of(raw).is_some() => Ok(()),
                raw => Err(place.malformed("a list of texts", raw)),
            }),
            Digests(max) if begins == b'[' => self.list(place, *max, |list| match list.simple()? {
                raw if is_digest(raw) => Ok(()),
                raw => Err(place.malformed("a list of keys, each 64 lower-case hexadecimal digits", raw)),
            }),
            _ => {
                let raw = self.simple()?;
                wanted(value, raw).map_or(Ok(()), |expected| Err(place.malformed(expected, raw)))
            }
        }
    }

    fn list(
        &mut self,
        Place { object, field }: Place,
        expected: usize,
        mut element: impl FnMut(&mut Self) -> Result<(), Option<ManifestError>>,
    ) -> Result<(), Option<ManifestError>> {
        self.expect(b'[')?;
        let mut found = 0_usize;
        while self.peek() != Some(b']') {
            element(self)?;
            found = found.saturating_add(1);
            if self.peek() == Some(b',') {
                self.expect(b',')?;
            }
        }
        self.expect(b']')?;
        let too_many = ManifestError::TooMany { object, field, expected, found };
        if found > expected { Err(Some(too_many)) } else { Ok(()) }
    }

    /// One value of any kind, up to what ends it.
    fn simple(&mut self) -> Result<&'a str, Option<ManifestError>> {
        self.peek();
        let before = self.0;
        self.skip()?;
        let length = before.len().saturating_sub(self.0.len());
        let raw = before.get(..length).unwrap_or_default().trim_ascii_end();
        core::str::from_utf8(raw).map_err(|_| None)
    }

    fn skip(&mut self) -> Result<(), Option<ManifestError>> {
        let mut depth = 0_usize;
        loop {
            match self.peek().ok_or(None)? {
                b'"' => {
                    self.string()?;
                }
                b'}' | b']' | b',' if depth == 0 => return Ok(()),
                other => {
                    match other {
                        b'{' | b'[' => depth = depth.saturating_add(1),
                        b'}' | b']' => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                    self.expect(other)?;
                }
            }
        }
    }

    /// A string without escapes: the parser refuses those before anything else.
    fn string(&mut self) -> Result<&'a str, Option<ManifestError>> {
        self.expect(b'"')?;
        let length = self.0.iter().position(|byte| *byte == b'"').ok_or(None)?;
        let (text, rest) = self.0.split_at_checked(length).ok_or(None)?;
        self.0 = rest;
        self.expect(b'"')?;
        core::str::from_utf8(text).map_err(|_| None)
    }

    fn expect(&mut self, expected: u8) -> Result<(), Option<ManifestError>> {
        if self.peek() != Some(expected) {
            return Err(None);
        }
        self.0 = self.0.get(1..).unwrap_or_default();
        Ok(())
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        self.0 = self.0.trim_ascii_start();
        self.0.first().copied()
    }
}

/// What should stand in place of `raw`; `None` when it will do.
fn wanted(value: &'static Value, raw: &str) -> Option<&'static str> {
    let text = text_of(raw);
    let (is_right, expected) = match value {
        Object(_) => (false, "an object"),
        Nullable(_) => (raw == "null", "an object or null"),
        Objects(..) => (false, "a list of objects"),
        Texts(_) => (false, "a list of texts"),
        Digests(_) => (false, "a list of keys"),
        Text => (text.is_some(), "a text"),
        Digest => (is_digest(raw), "64 lower-case hexadecimal digits"),
        Hex => {
            let expected = "0x and 1 to 16 lower-case hexadecimal digits without leading zeros";
            (text.and_then(HexU64::parse).is_some(), expected)
        }
        Number(max, expected) => (number_of(raw).is_some_and(|number| number <= *max), *expected),
        Flag => (matches!(raw, "true" | "false"), "true or false"),
        Word(words, expected) => (text.is_some_and(|text| words.contains(&text)), *expected),
    };
    (!is_right).then_some(expected)
}

fn is_digest(raw: &str) -> bool {
    text_of(raw).and_then(HexDigest::<32>::parse).is_some()
}

fn text_of(raw: &str) -> Option<&str> {
    raw.strip_prefix('"')?.strip_suffix('"').filter(|text| !text.contains('"'))
}

/// Of the one spelling that JSON has for it.
fn number_of(raw: &str) -> Option<u64> {
    let is_canonical = raw == "0" || raw.starts_with(|first: char| matches!(first, '1'..='9'));
    raw.parse().ok().filter(|_| is_canonical)
}

/// As much of a text as an error carries.
pub(crate) fn quoted(text: impl fmt::Display) -> Quoted {
    let mut cut = Cut(String::new());
    // An error says that the text was cut.
    let _ = write!(cut, "{text}");
    cut.0
}

/// Takes text as far as there is room, control characters replaced.
struct Cut(Quoted);

impl fmt::Write for Cut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|character| {
            let character = if character.is_control() { char::REPLACEMENT_CHARACTER } else { character };
            self.0.push(character).map_err(|_| fmt::Error)
        })
    }
}

#[cfg(test)]
mod tests;

//! Names the field that is wrong.
//!
//! `serde-json-core` says only that something is wrong, and its feature for messages panics on long field names. So
//! after it has refused a manifest, and only then, this walks the text again along the known fields. What it finds
//! explains the refusal; it never decides one.

use core::fmt::{self, Write as _};

use heapless::String;

use crate::{HexDigest, HexU64, ManifestError};

/// Longest part of a name or value that is quoted.
pub(crate) const QUOTED_MAX_BYTES: usize = 64;

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
    Objects(&'static Shape),
    Digest,
    Hex,
    Word(&'static str),
    Other,
}

use Value::{Digest, Hex, Object, Objects, Other, Word};

const MANIFEST: Shape = Shape {
    name: "the manifest",
    fields: &[
        ("version", Other),
        ("name", Other),
        ("role", Word("workload")),
        ("trust", Word("tee")),
        ("component", Object(&Shape { name: "component", fields: &[("sha256", Digest)] })),
        ("artefact", Object(&Shape { name: "artefact", fields: &[("sha256", Digest), ("engine", Other)] })),
        ("launch", Object(&LAUNCH)),
        ("memory_mib", Other),
        ("limits", Object(&LIMITS)),
        ("args", Other),
        ("env", Objects(&Shape { name: "env", fields: &[("name", Other), ("value", Other)] })),
        ("egress", Other),
    ],
};

const LAUNCH: Shape = Shape {
    name: "launch",
    fields: &[
        ("snp", Object(&Shape { name: "launch.snp", fields: &[("policy", Hex), ("vmpl", Other)] })),
        ("tdx", Object(&Shape { name: "launch.tdx", fields: &[("attributes", Hex), ("xfam", Hex)] })),
    ],
};

const LIMITS: Shape = Shape {
    name: "limits",
    fields: &[
        ("component_memory_bytes", Other),
        ("fuel", Other),
        ("input_bytes", Other),
        ("output_bytes", Other),
        ("wall_ms", Other),
    ],
};

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
            self.value(shape.name, name, value)?;
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

    fn value(
        &mut self,
        object: &'static str,
        field: &'static str,
        value: &'static Value,
    ) -> Result<(), Option<ManifestError>> {
        let malformed = |expected| Err(Some(ManifestError::Malformed { object, field, expected }));
        match value {
            Object(shape) => self.object(shape),
            Objects(shape) => self.objects(shape),
            Digest if HexDigest::<32>::parse(self.string()?).is_none() => {
                malformed("64 lower-case hexadecimal digits")
            }
            Hex if HexU64::parse(self.string()?).is_none() => {
                malformed("0x and 1 to 16 lower-case hexadecimal digits without leading zeros")
            }
            Word(word) if self.string()? != *word => malformed(word),
            Digest | Hex | Word(_) => Ok(()),
            Other => self.skip(),
        }
    }

    fn objects(&mut self, shape: &'static Shape) -> Result<(), Option<ManifestError>> {
        self.expect(b'[')?;
        while self.peek() != Some(b']') {
            self.object(shape)?;
            if self.peek() == Some(b',') {
                self.expect(b',')?;
            }
        }
        self.expect(b']')
    }

    /// Over one value of any kind, up to what ends it.
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

/// As much of a text as an error carries.
pub(crate) fn quoted(text: impl fmt::Display) -> String<QUOTED_MAX_BYTES> {
    let mut cut = Cut(String::new());
    // An error says that the text was cut.
    let _ = write!(cut, "{text}");
    cut.0
}

/// Takes text as far as there is room, control characters replaced.
struct Cut(String<QUOTED_MAX_BYTES>);

impl fmt::Write for Cut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|character| {
            let character = if character.is_control() { char::REPLACEMENT_CHARACTER } else { character };
            self.0.push(character).map_err(|_| fmt::Error)
        })
    }
}

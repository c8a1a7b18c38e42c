//! What can be wrong with sources and with finished images.

use alloc::string::String;
use std::path::PathBuf;

use attestation_artefact::CompileError;
use attestation_envelope::KeyError;
use attestation_manifest::ManifestError;
use attestation_measure::MeasureError;
use attestation_toml::ReadError;
use enclave_runtime::RuntimeError;
use image_rom::TablesError;

/// An `app.toml` that cannot be used. Its author is guilty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AppTomlError {
    /// Not TOML, more structure than any such file, an unknown or missing field, or a value of another type.
    #[error("app.toml: {0}")]
    Toml(ReadError),
    /// A list is too long.
    #[error("app.toml field `{field}`: expected at most {expected} entries, found {found}")]
    TooMany {
        /// Its name.
        field: &'static str,
        /// Most entries.
        expected: usize,
        /// Entries in the file.
        found: usize,
    },
    /// A text holds a quote, a backslash or a control character, which the guest's parser cannot read.
    #[error(
        "app.toml field `{field}`: expected text without quotes, backslashes and control characters, found {found:?}"
    )]
    Text {
        /// The field.
        field: &'static str,
        /// The text.
        found: String,
    },
    /// An authority is no certificate that the guest could take for one.
    #[error(
        "app.toml field `tls.hosts.authorities` of {host}, number {index}: expected a certificate as one PEM block, found none: {problem}"
    )]
    Authority {
        /// The host that it should vouch for.
        host: String,
        /// Its place in the list, from 0.
        index: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// The name of an environment variable is empty or has an equals sign.
    #[error("app.toml field `env`: expected a name without `=`, found {found:?}")]
    EnvName {
        /// The name.
        found: String,
    },
}

/// No image could be made of the sources.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The guest cannot run this component, such as for an import that it does not offer.
    #[error(transparent)]
    Component(RuntimeError),
    /// A part of the image is larger than guests read.
    #[error("{part}: expected at most {limit} bytes, found {found}")]
    TooLarge {
        /// Component or artefact.
        part: &'static str,
        /// Most bytes.
        limit: usize,
        /// Its length.
        found: usize,
    },
    /// The component could not be compiled.
    #[error(transparent)]
    Compile(CompileError),
    /// `app.toml` and the component make a manifest that the guest would refuse.
    #[error(transparent)]
    Manifest(ManifestError),
    /// `app.toml` was not made by [`AppToml::parse`](crate::AppToml::parse): a list is longer than it allows.
    #[error("app.toml field `{field}`: too many entries")]
    TooMany {
        /// Name of the list.
        field: &'static str,
    },
    /// `app.toml` was not made by [`AppToml::parse`](crate::AppToml::parse): it has an authority that is none.
    #[error(transparent)]
    AppToml(AppTomlError),
    /// Nothing can be sealed for one of the readers.
    #[error("app.toml field `readers`: {0}")]
    Reader(KeyError),
    /// The manifest's bytes do not say what went into them.
    #[error("manifest: reading it back gives another manifest")]
    ManifestRoundTrip,
    /// The manifest could not be written as JSON.
    #[error("manifest.json: {0}")]
    Json(serde_json::Error),
    /// The ROM is none that a VMM boots.
    #[error(transparent)]
    Rom(TablesError),
    /// The launch measurement of the ROM could not be predicted.
    #[error("redoubt.rom: {0}")]
    Measure(MeasureError),
}

impl BuildError {
    /// Whether a larger `memory_mib` would help.
    #[must_use]
    pub const fn wants_memory(&self) -> bool {
        matches!(self, Self::Component(RuntimeError::Memory { .. }))
    }
}

/// An image folder that cannot be written or must not be launched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// A file is not there: no image, or one whose writing was interrupted.
    #[error("{path}: not found, the image is incomplete")]
    Missing {
        /// Path of the file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot {verb} {path}: {source}")]
    Io {
        /// What was tried.
        verb: &'static str,
        /// Path of the file or folder.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// A file is larger than any image's.
    #[error("{file}: expected at most {limit} bytes, found more")]
    TooLarge {
        /// The file.
        file: &'static str,
        /// Most bytes.
        limit: u64,
    },
    /// `reference-values.json` is not what the builder writes.
    #[error("reference-values.json: {0}")]
    Reference(serde_json::Error),
    /// A file is not the one that the reference values describe.
    #[error("{file}: {field}: expected {expected}, found {found}")]
    Mismatch {
        /// The file.
        file: &'static str,
        /// What was compared.
        field: &'static str,
        /// The reference value.
        expected: String,
        /// The file's value.
        found: String,
    },
    /// The manifest is the one described, but no guest accepts it.
    #[error("manifest.json: {0}")]
    Manifest(ManifestError),
    /// The ROM is the one described, but cannot be measured.
    #[error("redoubt.rom: {0}")]
    Measure(MeasureError),
}

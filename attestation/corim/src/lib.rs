//! Reference values as a CoRIM (draft-ietf-rats-corim), for verifiers that are not ours.
//!
//! A manifest has one CoMID for each measurement, and in it a reference triple for each class of environment that
//! reports it. This is all of the format that is written, and all that is read:
//!
//! ```cddl
//! corim = #6.501({ 0: tstr, 1: [ + #6.506(bytes .cbor comid) ] })     ; id, tags
//! comid = { 1: { 0: tstr }, 4: { 0: [ + reference-triple ] } }        ; tag identity, triples
//! reference-triple = [ { 0: class }, [ { 0: mkey, 1: { 2: [ [ 7, bytes .size 48 ] ] } } ] ] ; 7: SHA-384
//! class = { 0: #6.111(bytes) } / { 1: tstr, 2: tstr }                 ; OID; vendor and model
//! mkey = 641 / 83                                                     ; MEASUREMENT of SNP; mrtee of TDX
//! ```
//! SEV-SNP follows draft-deeglaze-amd-sev-snp-corim-profile, TDX draft-cds-rats-intel-corim-profile; a CoRIM can state
//! one profile only, so none is stated. Panics: never on input.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;

mod decode;
mod encode;
mod environment;
mod error;
#[cfg(test)]
mod tests;

use alloc::string::String;
use alloc::vec::Vec;

pub use environment::Platform;
pub use error::CorimError;

/// The longest file that is read.
pub const CORIM_MAX_BYTES: usize = 64 * 1024;
/// The longest identifier, of the manifest or of a tag.
pub const ID_MAX_BYTES: usize = 256;
/// Most measurements in a file.
pub const VALUES_MAX: usize = 64;
/// Bytes of a measurement: SHA-384.
pub const DIGEST_BYTES: usize = 48;

/// What guests that were launched from one ROM may measure to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceManifest {
    /// Names the manifest; 1 to [`ID_MAX_BYTES`] bytes.
    pub id: String,
    /// One per way to launch; 1 to [`VALUES_MAX`].
    pub values: Vec<ReferenceValue>,
}

/// What guests measure to that were launched in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceValue {
    /// Names the tag; 1 to [`ID_MAX_BYTES`] bytes.
    pub id: String,
    /// Whose report it is compared with.
    pub platform: Platform,
    /// SNP launch digest or MRTD.
    pub digest: [u8; DIGEST_BYTES],
}

impl ReferenceManifest {
    /// For the ROM with this SHA-256. Each measurement comes with one word for the way of the launch.
    #[must_use]
    pub fn of_rom(
        rom_sha256: &[u8; 32],
        measurements: impl IntoIterator<Item = (Platform, String, [u8; DIGEST_BYTES])>,
    ) -> Self {
        let hex = rom_sha256.iter().map(|byte| alloc::format!("{byte:02x}")).collect::<String>();
        let id = alloc::format!("redoubt:rom:{hex}");
        let values = measurements.into_iter().map(|(platform, launch, digest)| ReferenceValue {
            id: alloc::format!("{id}:{launch}"),
            platform,
            digest,
        });
        Self { values: values.collect(), id }
    }

    /// Whether everything is within the limits of the format.
    ///
    /// # Errors
    /// [`CorimError::Length`] names what is empty or too long.
    pub fn check(&self) -> Result<(), CorimError> {
        check_length("id, bytes", ID_MAX_BYTES, self.id.len())?;
        check_length("tags", VALUES_MAX, self.values.len())?;
        self.values.iter().try_for_each(|value| check_length("tag id, bytes", ID_MAX_BYTES, value.id.len()))
    }
}

pub(crate) const fn check_length(field: &'static str, limit: usize, found: usize) -> Result<(), CorimError> {
    if found == 0 || found > limit { Err(CorimError::Length { field, limit, found }) } else { Ok(()) }
}

//! What objects are asked for by: chips, platforms, manifests. Each has one spelling, fit for addresses and file names.

use core::fmt;
use core::str::FromStr;

use attestation_report::{ProductLine, SnpReport, TcbParts, TcbVersion};

/// Something that no object can be asked for by. Whoever wrote it is guilty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Not an FMSPC.
    #[error("FMSPC: expected 12 hexadecimal digits, found {found:?}")]
    Fmspc {
        /// What was written, or its beginning.
        found: String,
    },
    /// Not the name of a RIM.
    #[error("RIM id: expected 1 to {RIM_ID_MAX_BYTES} letters, digits, '_', '-' and '.', found {found:?}")]
    RimId {
        /// What was written, or its beginning.
        found: String,
    },
    /// The report does not say which chip it is from.
    #[error(
        "report CHIP_ID: expected the identity of a chip, found {found}: bring the VCEK with the evidence"
    )]
    ChipId {
        /// What stands there.
        found: &'static str,
    },
    /// A product whose TCB versions are not known.
    #[error("product: expected Milan, Genoa or Turin, found {found}")]
    Product {
        /// Which product.
        found: ProductLine,
    },
    /// A TCB version that the product does not have.
    #[error("report REPORTED_TCB: expected zero in reserved bytes of {line}'s layout, found {found}")]
    Tcb {
        /// Which product.
        line: ProductLine,
        /// The number.
        found: TcbVersion,
    },
}

/// Which key of which chip: what a VCEK certificate is for. Certificates come anew with each request, keys do not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChipKey {
    line: ProductLine,
    hardware_id: Vec<u8>,
    tcb: TcbParts,
}

impl ChipKey {
    /// The key that signed a report: chip and `REPORTED_TCB`, read as `line` lays them out.
    ///
    /// # Errors
    /// The chip's identity is masked, or the product or its TCB version is not known.
    pub fn of_report(report: &SnpReport, line: ProductLine) -> Result<Self, NameError> {
        let layout = line.tcb_layout().ok_or(NameError::Product { found: line })?;
        let found = TcbVersion(report.reported_tcb.get());
        let tcb = found.parts(layout).ok_or(NameError::Tcb { line, found })?;
        // KDS knows Turin's chips by the 8 bytes that are not padding, and answers 404 to all 64.
        let (id, padding) = report.chip_id.split_at(if tcb.fmc.is_some() { 8 } else { 64 });
        if id.iter().all(|byte| *byte == 0) {
            return Err(NameError::ChipId { found: "zero, because it is masked" });
        }
        if padding.iter().any(|byte| *byte != 0) {
            return Err(NameError::ChipId { found: "64 bytes where this product has 8" });
        }
        Ok(Self { line, hardware_id: id.to_vec(), tcb })
    }

    /// Product.
    #[must_use]
    pub const fn line(&self) -> ProductLine {
        self.line
    }

    /// Identity of the chip: 64 bytes, 8 since Turin.
    #[must_use]
    pub fn hardware_id(&self) -> &[u8] {
        &self.hardware_id
    }

    /// Firmware that the key was derived for.
    #[must_use]
    pub const fn tcb(&self) -> TcbParts {
        self.tcb
    }
}

/// Family, model, stepping, platform and custom SKU of a platform of Intel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fmspc(pub [u8; 6]);

impl FromStr for Fmspc {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let mut bytes = [0; 6];
        match hex::decode_to_slice(text, &mut bytes) {
            Ok(()) => Ok(Self(bytes)),
            Err(_) => Err(NameError::Fmspc { found: beginning(text) }),
        }
    }
}

/// Twelve small digits, as in TCB info.
impl fmt::Display for Fmspc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// Which authority issued a PCK certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PckCa {
    /// For platforms with one package.
    Processor,
    /// For platforms with several; of all TDX quotes seen.
    Platform,
}

impl PckCa {
    /// The value of the parameter `ca`.
    #[must_use]
    pub const fn parameter(self) -> &'static str {
        match self {
            Self::Processor => "processor",
            Self::Platform => "platform",
        }
    }

    /// Common name of its certificate.
    #[must_use]
    pub const fn common_name(self) -> &'static str {
        match self {
            Self::Processor => "Intel SGX PCK Processor CA",
            Self::Platform => "Intel SGX PCK Platform CA",
        }
    }
}

/// The longest name of a RIM; real ones have some forty bytes.
const RIM_ID_MAX_BYTES: usize = 100;

/// Name of a reference integrity manifest, like `NV_GPU_DRIVER_GH100_535.104.05`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RimId(String);

impl RimId {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RimId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        // A name becomes part of an address and of a file name: a leading dot could be a folder.
        let is_name = !text.is_empty()
            && text.len() <= RIM_ID_MAX_BYTES
            && !text.starts_with('.')
            && text.bytes().all(is_fit);
        if is_name { Ok(Self(text.to_owned())) } else { Err(NameError::RimId { found: beginning(text) }) }
    }
}

impl fmt::Display for RimId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Enough of what a stranger wrote to recognise it.
pub(crate) fn beginning(text: &str) -> String {
    const CHARACTERS: usize = 60;
    let mut characters = text.chars();
    let mut short: String = characters.by_ref().take(CHARACTERS).collect();
    if characters.next().is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_spelling() {
        assert_eq!("90C06F000000".parse::<Fmspc>().unwrap().to_string(), "90c06f000000");
        for wrong in ["", "90c06f00000", "90c06f0000000", "90c06f00000g"] {
            assert!(wrong.parse::<Fmspc>().unwrap_err().to_string().contains("12 hexadecimal digits"));
        }
        assert!("NV_GPU_VBIOS_1010_0200_882_96005E0001".parse::<RimId>().is_ok());
        let long = "x".repeat(RIM_ID_MAX_BYTES + 1);
        for wrong in ["", "..", ".x", "a/b", "a?b", "a%2e", "a b", "ä", &long] {
            assert!(wrong.parse::<RimId>().is_err(), "{wrong}");
        }
    }
}

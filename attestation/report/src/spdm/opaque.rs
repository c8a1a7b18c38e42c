//! NVIDIA's opaque data: fields with a number and a length. Those without a meaning here survive.

use core::fmt;

use super::layout::OpaqueHeader;
use super::parse::{take, take_struct};
use super::{DIGEST_BYTES, SpdmError, VbiosVersion};

/// Bytes of a [`Pdi`].
const PDI_BYTES: usize = 8;
/// Ports of a switch. Behind the identities of GPUs stands one byte for each: which of them is connected there.
const SWITCH_PORTS: usize = 64;

/// Which field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldId(pub u16);

macro_rules! field_ids {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $text:literal;)*) => {
        impl FieldId {
            $($(#[$doc])* pub const $name: Self = Self($id);)*

            /// Its name in `nvtrust`, where it has one.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 { $($id => Some($text),)* _ => None }
            }
        }
    };
}

field_ids! {
    /// Issuer of the certificate.
    CERT_ISSUER_NAME = 1, "CERT_ISSUER_NAME";
    /// Identity of that issuer's key.
    CERT_AUTHORITY_KEY_IDENTIFIER = 2, "CERT_AUTHORITY_KEY_IDENTIFIER";
    /// Version of the driver: text.
    DRIVER_VERSION = 3, "DRIVER_VERSION";
    /// About the GPU.
    GPU_INFO = 4, "GPU_INFO";
    /// Stock keeping unit.
    SKU = 5, "SKU";
    /// Version of the VBIOS: [`VbiosVersion`].
    VBIOS_VERSION = 6, "VBIOS_VERSION";
    /// Manufacturer.
    MANUFACTURER_ID = 7, "MANUFACTURER_ID";
    /// Detection of tampering.
    TAMPER_DETECTION = 8, "TAMPER_DETECTION";
    /// Secure memory controller.
    SMC = 9, "SMC";
    /// Video protected region.
    VPR = 10, "VPR";
    /// First video decoder: [`Status`].
    NVDEC0_STATUS = 11, "NVDEC0_STATUS";
    /// How many parts each measurement has.
    MSRSCNT = 12, "MSRSCNT";
    /// About the compute protected region.
    CPRINFO = 13, "CPRINFO";
    /// Board.
    BOARD_ID = 14, "BOARD_ID";
    /// Part number of the chip: text.
    CHIP_SKU = 15, "CHIP_SKU";
    /// Modification of that: text.
    CHIP_SKU_MOD = 16, "CHIP_SKU_MOD";
    /// Project of the board: text.
    PROJECT = 17, "PROJECT";
    /// Variant of the project: text.
    PROJECT_SKU = 18, "PROJECT_SKU";
    /// Modification of that: text.
    PROJECT_SKU_MOD = 19, "PROJECT_SKU_MOD";
    /// Identity of the firmware that measures: SHA-384.
    FWID = 20, "FWID";
    /// Protected PCIe: [`Status`].
    PROTECTED_PCIE_STATUS = 21, "PROTECTED_PCIE_STATUS";
    /// GPU: the switch at the other end of each link. Switch: itself.
    SWITCH_PDI = 22, "SWITCH_PDI";
    /// Ports of a switch.
    FLOORSWEPT_PORTS = 23, "FLOORSWEPT_PORTS";
    /// Position of a switch.
    POSITION_ID = 24, "POSITION_ID";
    /// Whether a switch is locked.
    LOCK_SWITCH_STATUS = 25, "LOCK_SWITCH_STATUS";
    /// Switch: the GPUs, and which is at each port.
    GPU_LINK_CONN = 26, "GPU_LINK_CONN";
    /// State of links.
    LINK_STATUS = 32, "LINK_STATUS";
    /// Engines that are on.
    SYS_ENABLE_STATUS = 33, "SYS_ENABLE_STATUS";
    /// Version of the opaque data.
    OPAQUE_DATA_VERSION = 34, "OPAQUE_DATA_VERSION";
    /// About the chip, since Blackwell.
    CHIP_INFO = 35, "CHIP_INFO";
    /// How the GPU is passed through: [`FeatureFlag`].
    FEATURE_FLAG = 36, "FEATURE_FLAG";
}

impl fmt::Display for FieldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} {name}", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

/// Whether something is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(pub u8);

impl Status {
    /// Off.
    pub const DISABLED: Self = Self(0x55);
    /// On.
    pub const ENABLED: Self = Self(0xAA);
}

/// How a GPU is passed through to a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeatureFlag(pub u16);

impl FeatureFlag {
    /// Several GPUs, NVLink encrypted.
    pub const MULTI_PASSTHROUGH: Self = Self(0);
    /// One GPU.
    pub const SINGLE_PASSTHROUGH: Self = Self(1);
    /// All GPUs and switches of a machine, NVLink trusted.
    pub const PROTECTED_PCIE: Self = Self(2);
}

/// Per-device identity, of a GPU or a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pdi(pub [u8; PDI_BYTES]);

impl fmt::Display for Pdi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// One field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpaqueField<'a> {
    /// Which.
    pub id: FieldId,
    /// Its value.
    pub value: &'a [u8],
}

/// The fields of a report, in its order. Accessors answer `None` where a field is absent. What is there and has not its
/// form is `None` as well, which is why [`MeasurementReport::check_contents`](super::MeasurementReport::check_contents)
/// refuses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// Accepts bytes that fields fill exactly.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, SpdmError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            read_field(&mut rest)?;
        }
        Ok(Self(bytes))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = OpaqueField<'a>> + use<'a> {
        let mut rest = self.0;
        // Every field was read once already; an error is the end.
        core::iter::from_fn(move || read_field(&mut rest).ok())
    }

    /// The value of a field.
    #[must_use]
    pub fn get(&self, id: FieldId) -> Option<&'a [u8]> {
        self.iter().find(|field| field.id == id).map(|field| field.value)
    }

    /// A field whose value is text: printable ASCII, padded with zeros.
    #[must_use]
    pub fn text(&self, id: FieldId) -> Option<&'a str> {
        self.get(id).and_then(as_text)
    }

    /// Version of the driver.
    #[must_use]
    pub fn driver_version(&self) -> Option<&'a str> {
        self.text(FieldId::DRIVER_VERSION)
    }

    /// Version of the VBIOS of a GPU, of the BIOS of a switch.
    #[must_use]
    pub fn vbios_version(&self) -> Option<VbiosVersion<'a>> {
        self.get(FieldId::VBIOS_VERSION).and_then(VbiosVersion::read)
    }

    /// Project of the board.
    #[must_use]
    pub fn project(&self) -> Option<&'a str> {
        self.text(FieldId::PROJECT)
    }

    /// Variant of the project.
    #[must_use]
    pub fn project_sku(&self) -> Option<&'a str> {
        self.text(FieldId::PROJECT_SKU)
    }

    /// Part number of the chip.
    #[must_use]
    pub fn chip_sku(&self) -> Option<&'a str> {
        self.text(FieldId::CHIP_SKU)
    }

    /// First video decoder.
    #[must_use]
    pub fn nvdec0(&self) -> Option<Status> {
        self.status(FieldId::NVDEC0_STATUS)
    }

    /// Protected PCIe.
    #[must_use]
    pub fn protected_pcie(&self) -> Option<Status> {
        self.status(FieldId::PROTECTED_PCIE_STATUS)
    }

    /// Identity of the firmware that measures.
    #[must_use]
    pub fn fwid(&self) -> Option<&'a [u8; DIGEST_BYTES]> {
        self.get(FieldId::FWID)?.try_into().ok()
    }

    /// How the GPU is passed through.
    #[must_use]
    pub fn feature_flag(&self) -> Option<FeatureFlag> {
        self.get(FieldId::FEATURE_FLAG)?.try_into().ok().map(u16::from_le_bytes).map(FeatureFlag)
    }

    /// GPU: the switch at the other end of each link, so every switch several times. Switch: itself.
    pub fn switch_pdis(&self) -> impl Iterator<Item = Pdi> + use<'a> {
        pdis(self.get(FieldId::SWITCH_PDI).unwrap_or_default())
    }

    /// Switch: the GPUs that it connects.
    pub fn gpu_pdis(&self) -> impl Iterator<Item = Pdi> + use<'a> {
        let value = self.get(FieldId::GPU_LINK_CONN).unwrap_or_default();
        pdis(value.split_at_checked(value.len().saturating_sub(SWITCH_PORTS)).map_or(&[], |(ids, _)| ids))
    }

    fn status(&self, id: FieldId) -> Option<Status> {
        match self.get(id)? {
            [status] => Some(Status(*status)),
            _ => None,
        }
    }

    pub(super) fn check(&self) -> Result<(), SpdmError> {
        for (position, OpaqueField { id, value }) in self.iter().enumerate() {
            if self.iter().take(position).any(|earlier| earlier.id == id) {
                return Err(SpdmError::Repeated { id });
            }
            if let Some(expected) = wrong_form(id, value) {
                return Err(SpdmError::Field { id, expected, found: value.len() });
            }
        }
        Ok(())
    }
}

/// What the value of a field should have been; `None` when it is that, or when the field has no meaning here.
fn wrong_form(id: FieldId, value: &[u8]) -> Option<&'static str> {
    let (expected, holds) = match id {
        FieldId::DRIVER_VERSION
        | FieldId::CHIP_SKU
        | FieldId::CHIP_SKU_MOD
        | FieldId::PROJECT
        | FieldId::PROJECT_SKU
        | FieldId::PROJECT_SKU_MOD => ("text padded with zeros", as_text(value).is_some()),
        FieldId::VBIOS_VERSION => ("8 bytes, or text", VbiosVersion::read(value).is_some()),
        FieldId::NVDEC0_STATUS | FieldId::PROTECTED_PCIE_STATUS => ("1 byte", value.len() == 1),
        FieldId::FWID => ("48 bytes", value.len() == DIGEST_BYTES),
        FieldId::FEATURE_FLAG => ("2 bytes", value.len() == 2),
        FieldId::SWITCH_PDI => ("identities of 8 bytes", value.len().is_multiple_of(PDI_BYTES)),
        FieldId::GPU_LINK_CONN => {
            let ids = value.len().checked_sub(SWITCH_PORTS);
            ("identities of 8 bytes, then 64 ports", ids.is_some_and(|ids| ids.is_multiple_of(PDI_BYTES)))
        }
        _ => return None,
    };
    (!holds).then_some(expected)
}

/// Printable ASCII without spaces around it, then zeros.
pub(super) fn as_text(value: &[u8]) -> Option<&str> {
    let end = value.iter().position(|byte| *byte == 0).unwrap_or(value.len());
    let (text, padding) = value.split_at_checked(end)?;
    let is_text = text.iter().all(u8::is_ascii_graphic) && padding.iter().all(|byte| *byte == 0);
    core::str::from_utf8(text).ok().filter(|_| is_text)
}

fn pdis(bytes: &[u8]) -> impl Iterator<Item = Pdi> {
    bytes.chunks_exact(PDI_BYTES).filter_map(|id| id.try_into().ok().map(Pdi))
}

fn read_field<'a>(rest: &mut &'a [u8]) -> Result<OpaqueField<'a>, SpdmError> {
    let header: &OpaqueHeader = take_struct(rest, "opaque field")?;
    let value = take(rest, header.length.get().into(), "opaque value")?;
    Ok(OpaqueField { id: FieldId(header.id.get()), value })
}

//! AMD's certificates: names, and the extensions of VCEK and VLEK.
//!
//! Spec: AMD publication 57230 "Versioned Chip Endorsement Key (VCEK) Certificate and KDS Interface Specification",
//! table "VCEK Certificate Fields".

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use der::asn1::{Ia5StringRef, ObjectIdentifier};
use der::{Decode, Encode};

use crate::{Certificate, DistinguishedName, X509Error};

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

const STRUCT_VERSION: ObjectIdentifier = oid("1.3.6.1.4.1.3704.1.1");
const PRODUCT_NAME: ObjectIdentifier = oid("1.3.6.1.4.1.3704.1.2");
const BOOT_LOADER: ObjectIdentifier = oid("1.3.6.1.4.1.3704.1.3.1");
const TEE: ObjectIdentifier = oid("1.3.6.1.4.1.3704.1.3.2");
const SNP: ObjectIdentifier = oid("1.3.6.1.4.1.3704.1.3.3");
const SPARE: [ObjectIdentifier; 4] = [
    oid("1.3.6.1.4.1.3704.1.3.4"),
    oid("1.3.6.1.4.1.3704.1.3.5"),
    oid("1.3.6.1.4.1.3704.1.3.6"),
    oid("1.3.6.1.4.1.3704.1.3.7"),
];
const MICROCODE: ObjectIdentifier = oid("1.3.6.1.4.1.3704.1.3.8");
const FMC: ObjectIdentifier = oid("1.3.6.1.4.1.3704.1.3.9");
const HARDWARE_ID: ObjectIdentifier = oid("1.3.6.1.4.1.3704.1.4");
const CSP_ID: ObjectIdentifier = oid("1.3.6.1.4.1.3704.1.5");

/// Everything before the common name, as DER: `OU=Engineering, C=US, L=Santa Clara, ST=CA, O=Advanced Micro Devices`.
const NAME_PREFIX: &[u8] = b"\x31\x14\x30\x12\x06\x03\x55\x04\x0B\x0C\x0BEngineering\
    \x31\x0B\x30\x09\x06\x03\x55\x04\x06\x13\x02US\
    \x31\x14\x30\x12\x06\x03\x55\x04\x07\x0C\x0BSanta Clara\
    \x31\x0B\x30\x09\x06\x03\x55\x04\x08\x0C\x02CA\
    \x31\x1F\x30\x1D\x06\x03\x55\x04\x0A\x0C\x16Advanced Micro Devices";

/// The common name of `name`, when all its other attributes are those that AMD writes.
///
/// # Errors
/// Another name.
pub fn common_name(name: &DistinguishedName) -> Result<&str, X509Error> {
    name.common_name().filter(|common_name| is_amd(name.der(), common_name)).ok_or_else(|| {
        let expected =
            "OU=Engineering, C=US, L=Santa Clara, ST=CA, O=Advanced Micro Devices and a common name";
        X509Error::field("name", expected, name.to_string())
    })
}

fn is_amd(der: &[u8], common_name: &str) -> bool {
    let body = match der {
        [0x30, 0x81, _, body @ ..] => body,
        [0x30, length, body @ ..] if *length < 0x80 => body,
        _ => return false,
    };
    let [0x31, _, 0x30, _, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0C, _, text @ ..] =
        body.strip_prefix(NAME_PREFIX).unwrap_or_default()
    else {
        return false;
    };
    text == common_name.as_bytes()
}

/// Which kind of key a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// Versioned chip endorsement key.
    Vcek,
    /// Versioned loaded endorsement key, of a cloud provider.
    Vlek,
}

impl KeyKind {
    /// Common name of its certificates.
    #[must_use]
    pub const fn common_name(self) -> &'static str {
        match self {
            Self::Vcek => "SEV-VCEK",
            Self::Vlek => "SEV-VLEK",
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vcek => "VCEK",
            Self::Vlek => "VLEK",
        })
    }
}

/// `productName`: a line, and a stepping that only some certificates carry and none reliably.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductName(String);

impl ProductName {
    /// As it stands in the certificate.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Without the stepping: `Milan` of `Milan-B0`.
    #[must_use]
    pub fn line(&self) -> &str {
        self.0.split_once('-').map_or(&self.0, |(line, _)| line)
    }
}

/// Security version numbers of the firmware that a key was derived for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CertifiedTcb {
    /// Firmware mailbox controller; Turin only.
    pub fmc: Option<u8>,
    /// Boot loader.
    pub boot_loader: u8,
    /// Operating system of the secure processor.
    pub tee: u8,
    /// SNP firmware.
    pub snp: u8,
    /// Microcode.
    pub microcode: u8,
}

/// Whose key it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endorses {
    /// That of the chip with this identity: 64 bytes, 8 since Turin.
    Chip(Vec<u8>),
    /// That of the provider with this identity.
    Provider(String),
}

/// What a VCEK or VLEK certificate says in AMD's extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndorsementFields {
    /// Layout of the extensions: 0, and 1 since Turin.
    pub struct_version: u8,
    /// Product.
    pub product_name: ProductName,
    /// Firmware.
    pub tcb: CertifiedTcb,
    /// Chip or provider.
    pub endorses: Endorses,
}

impl EndorsementFields {
    /// Reads the extensions of a certificate for a key of `kind`.
    ///
    /// # Errors
    /// One is missing, malformed, of the other kind of key, or critical.
    pub fn read(certificate: &Certificate, kind: KeyKind) -> Result<Self, X509Error> {
        let fields = Fields(certificate);
        certificate.extensions().check_critical(&[])?;
        for spare in SPARE {
            fields.expect_zero(spare)?;
        }
        let struct_version = fields.number(STRUCT_VERSION, "struct version")?;
        Ok(Self {
            struct_version,
            product_name: fields.product_name()?,
            tcb: CertifiedTcb {
                fmc: fields.fmc(struct_version)?,
                boot_loader: fields.number(BOOT_LOADER, "boot loader SPL")?,
                tee: fields.number(TEE, "TEE SPL")?,
                snp: fields.number(SNP, "SNP SPL")?,
                microcode: fields.number(MICROCODE, "microcode SPL")?,
            },
            endorses: fields.endorses(kind, struct_version)?,
        })
    }
}

struct Fields<'a>(&'a Certificate);

impl Fields<'_> {
    fn value(&self, oid: ObjectIdentifier) -> Option<&[u8]> {
        self.0.extensions().value(oid)
    }

    fn number(&self, oid: ObjectIdentifier, field: &'static str) -> Result<u8, X509Error> {
        let value = self.value(oid);
        value.and_then(|value| u8::from_der(value).ok()).ok_or_else(|| {
            X509Error::field(
                field,
                "an INTEGER from 0 to 255",
                value.map_or_else(|| "none".into(), hex::encode),
            )
        })
    }

    /// A version number without a meaning would change what the others mean.
    fn expect_zero(&self, oid: ObjectIdentifier) -> Result<(), X509Error> {
        match self.value(oid).map(u8::from_der) {
            None | Some(Ok(0)) => Ok(()),
            Some(_) => {
                let found = self.value(oid).map(hex::encode).unwrap_or_default();
                Err(X509Error::field("spare SPL", "INTEGER 0 or none", found))
            }
        }
    }

    fn fmc(&self, struct_version: u8) -> Result<Option<u8>, X509Error> {
        match (struct_version, self.value(FMC)) {
            (0, None) => Ok(None),
            (1, Some(_)) => self.number(FMC, "FMC SPL").map(Some),
            (0 | 1, found) => {
                let expected = if struct_version == 0 { "none" } else { "an INTEGER" };
                Err(X509Error::field("FMC SPL", expected, found.map_or_else(|| "none".into(), hex::encode)))
            }
            _ => Err(X509Error::field("struct version", "0 or 1", struct_version.to_string())),
        }
    }

    fn text(&self, oid: ObjectIdentifier, field: &'static str) -> Result<String, X509Error> {
        let value = self.value(oid);
        let text = value.and_then(|value| {
            let text = Ia5StringRef::from_der(value).ok()?;
            text.to_der().ok().filter(|der| der == value && !text.as_str().is_empty())?;
            Some(text.as_str().into())
        });
        text.ok_or_else(|| {
            X509Error::field(field, "an IA5String", value.map_or_else(|| "none".into(), hex::encode))
        })
    }

    fn product_name(&self) -> Result<ProductName, X509Error> {
        let name = self.text(PRODUCT_NAME, "product name")?;
        let stepping = name.split_once('-').map(|(_, stepping)| stepping.as_bytes());
        match stepping {
            None | Some([b'A'..=b'Z', b'0'..=b'9']) => Ok(ProductName(name)),
            Some(_) => {
                Err(X509Error::field("product name", "a line, or a line and a stepping like B0", name))
            }
        }
    }

    fn endorses(&self, kind: KeyKind, struct_version: u8) -> Result<Endorses, X509Error> {
        let (hardware_id, csp_id) = (self.value(HARDWARE_ID), self.value(CSP_ID));
        match (kind, hardware_id, csp_id) {
            (KeyKind::Vcek, Some(value), None) => read_hardware_id(value, struct_version).map(Endorses::Chip),
            (KeyKind::Vlek, None, Some(_)) => self.text(CSP_ID, "CSP id").map(Endorses::Provider),
            _ => {
                let expected = match kind {
                    KeyKind::Vcek => "a hardware id and no CSP id",
                    KeyKind::Vlek => "a CSP id and no hardware id",
                };
                let has = |value: Option<&[u8]>| if value.is_some() { "a" } else { "no" };
                let found = alloc::format!("{} hardware id, {} CSP id", has(hardware_id), has(csp_id));
                Err(X509Error::field("endorsed subject", expected, found))
            }
        }
    }
}

/// Raw bytes without a DER tag, or an OCTET STRING. The length decides: a raw identity may begin like a tag.
fn read_hardware_id(value: &[u8], struct_version: u8) -> Result<Vec<u8>, X509Error> {
    let length: u8 = if struct_version == 0 { 64 } else { 8 };
    let bytes = match value {
        [4, tagged, rest @ ..] if *tagged == length && rest.len() == usize::from(length) => rest,
        raw => raw,
    };
    if bytes.len() == usize::from(length) {
        return Ok(bytes.to_vec());
    }
    Err(X509Error::field("hardware id", alloc::format!("{length} bytes"), hex::encode(value)))
}

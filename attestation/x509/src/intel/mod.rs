//! Intel's certificates for SGX and TDX: names, rights of end entities, and the extension of PCK certificates.
//!
//! Spec: "Intel SGX PCK Certificate and Certificate Revocation List Profile Specification", revision 1.5 and later.

mod pck;

use alloc::string::ToString;
use core::fmt;

use der::Decode;
use der::asn1::BitStringRef;

pub use self::pck::{PckFields, PlatformConfiguration, SgxType};

use crate::extensions::{BASIC_CONSTRAINTS, KEY_USAGE};
use crate::{Certificate, DistinguishedName, X509Error};

/// Everything behind the common name, as DER: `O=Intel Corporation, L=Santa Clara, ST=CA, C=US`.
const NAME_SUFFIX: &[u8] = b"\x31\x1A\x30\x18\x06\x03\x55\x04\x0A\x0C\x11Intel Corporation\
    \x31\x14\x30\x12\x06\x03\x55\x04\x07\x0C\x0BSanta Clara\
    \x31\x0B\x30\x09\x06\x03\x55\x04\x08\x0C\x02CA\
    \x31\x0B\x30\x09\x06\x03\x55\x04\x06\x13\x02US";
/// `digitalSignature` and `nonRepudiation`, and nothing else.
const END_ENTITY_USAGE: [bool; 9] = [true, true, false, false, false, false, false, false, false];

/// What a certificate is for, by its common name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Root of everything below.
    Root,
    /// Issues the certificates of multi-package platforms: all that do TDX so far.
    PlatformCa,
    /// Issues those of single-package platforms.
    ProcessorCa,
    /// A platform's provisioning certification key, which signs the report of its quoting enclave.
    Pck,
    /// Signs TCB info and identities.
    TcbSigning,
}

impl Role {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Root, Self::PlatformCa, Self::ProcessorCa, Self::Pck, Self::TcbSigning];

    /// Common name of its certificates.
    #[must_use]
    pub const fn common_name(self) -> &'static str {
        match self {
            Self::Root => "Intel SGX Root CA",
            Self::PlatformCa => "Intel SGX PCK Platform CA",
            Self::ProcessorCa => "Intel SGX PCK Processor CA",
            Self::Pck => "Intel SGX PCK Certificate",
            Self::TcbSigning => "Intel SGX TCB Signing",
        }
    }

    /// What the certificate whose subject is `name` is for.
    ///
    /// # Errors
    /// A name that is not one of these, byte for byte as Intel writes it.
    pub fn of(name: &DistinguishedName) -> Result<Self, X509Error> {
        let role = Self::ALL.into_iter().find(|role| is_intel(name.der(), role.common_name()));
        role.ok_or_else(|| {
            let expected = "CN=Intel SGX …, O=Intel Corporation, L=Santa Clara, ST=CA, C=US";
            X509Error::field("name", expected, name.to_string())
        })
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.common_name())
    }
}

fn is_intel(der: &[u8], common_name: &str) -> bool {
    let [0x30, _, 0x31, _, 0x30, _, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0C, _, rest @ ..] = der else {
        return false;
    };
    rest.strip_prefix(common_name.as_bytes()) == Some(NAME_SUFFIX)
}

/// Checks the rights of a certificate that signs evidence or collateral, and no certificates.
///
/// # Errors
/// It is an authority's, may sign other things, or has a critical extension that is not known.
pub fn check_end_entity(certificate: &Certificate) -> Result<(), X509Error> {
    let extensions = certificate.extensions();
    extensions.check_critical(&[BASIC_CONSTRAINTS, KEY_USAGE])?;
    let shown = |value: Option<&[u8]>| value.map_or_else(|| "none".into(), hex::encode);
    // `cA` is false by default, so that DER leaves it out.
    let constraints = extensions.value(BASIC_CONSTRAINTS);
    if constraints != Some(&[0x30, 0x00]) {
        return Err(X509Error::field("basic constraints", "no CA", shown(constraints)));
    }
    let usage = extensions.value(KEY_USAGE);
    let bits = usage.and_then(|value| BitStringRef::from_der(value).ok());
    let is_usual = bits.is_some_and(|bits| {
        let mut bits = bits.bits();
        END_ENTITY_USAGE.into_iter().all(|bit| bits.next().unwrap_or(false) == bit) && bits.next().is_none()
    });
    if !is_usual {
        return Err(X509Error::field("key usage", "to sign data, and nothing else", shown(usage)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn certificate(folder: &Path, name: &str) -> Certificate {
        Certificate::parse(&std::fs::read(folder.join(name)).unwrap()).unwrap()
    }

    /// Where there are fixtures.
    #[test]
    fn real_certificates_have_their_names_and_rights() {
        let Some(folder) = tests_needs::fixture("tdx") else { return };
        for (name, role, is_end_entity) in [
            ("certs/intel-sgx-root-ca.der", Role::Root, false),
            ("platform-outofdate/pck_platform_ca.der", Role::PlatformCa, false),
            ("platform-outofdate/pck.der", Role::Pck, true),
            ("platform-outofdate/tcb_signing.der", Role::TcbSigning, true),
        ] {
            let certificate = certificate(&folder, name);
            assert_eq!(Role::of(certificate.subject()), Ok(role));
            assert_eq!(check_end_entity(&certificate).is_ok(), is_end_entity, "{name}");
            assert_eq!(certificate.extensions().authority().is_ok(), !is_end_entity, "{name}");
            assert_eq!(PckFields::read(&certificate).is_ok(), role == Role::Pck, "{name}");
        }
        let Some(folder) = tests_needs::fixture("snp") else { return };
        let other = certificate(&folder, "certs/genoa/ask.der");
        assert!(Role::of(other.subject()).unwrap_err().to_string().contains("Advanced Micro Devices"));
    }
}

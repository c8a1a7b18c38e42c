//! Intel's certificates for SGX and TDX: names, rights of end entities, and the extension of PCK certificates.
//!
//! Spec: "Intel SGX PCK Certificate and Certificate Revocation List Profile Specification", revision 1.5 and later.

use alloc::string::ToString;
use core::fmt;

use der::asn1::{BitStringRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Reader, SliceReader, Tag};

use crate::envelope::hex;
use crate::extensions::{BASIC_CONSTRAINTS, KEY_USAGE};
use crate::{Certificate, DistinguishedName, X509Error};

const SGX_EXTENSION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113741.1.13.1");
const OBJECT: &str = "SGX extension";
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
    let shown = |value: Option<&[u8]>| value.map_or_else(|| "none".into(), hex);
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

/// `SGX Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SgxType {
    /// Memory with integrity by a tree: client processors.
    Standard,
    /// Memory without integrity.
    Scalable,
    /// Memory with integrity by MACs.
    ScalableWithIntegrity,
}

/// `Configuration` of a multi-package platform. `None`: unknown to Intel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlatformConfiguration {
    /// Packages may be added or replaced later.
    pub dynamic_platform: Option<bool>,
    /// Intel keeps the platform's root keys.
    pub cached_keys: Option<bool>,
    /// Simultaneous multithreading is on.
    pub smt_enabled: Option<bool>,
}

/// What a PCK certificate says of its platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PckFields {
    /// Platform provisioning identity: one platform, one number.
    pub ppid: [u8; 16],
    /// Security versions that the key was derived for.
    pub sgx_components: [u8; 16],
    /// Security version of the provisioning certification enclave.
    pub pce_svn: u16,
    /// The components as the processor has them.
    pub cpu_svn: [u8; 16],
    /// Which provisioning certification enclave.
    pub pce_id: [u8; 2],
    /// Family, model, stepping, platform type: which TCB info applies.
    pub fmspc: [u8; 6],
    /// How memory is protected.
    pub sgx_type: SgxType,
    /// Instance of a multi-package platform; `None` under the Processor CA.
    pub platform_instance_id: Option<[u8; 16]>,
    /// Configuration of a multi-package platform; `None` under the Processor CA.
    pub configuration: Option<PlatformConfiguration>,
}

impl PckFields {
    /// Reads the extension of a PCK certificate: its fields in their order, each once, nothing besides.
    ///
    /// # Errors
    /// The extension or a field is missing, malformed, or one that is not known.
    pub fn read(certificate: &Certificate) -> Result<Self, X509Error> {
        let value = certificate.extensions().value(SGX_EXTENSION);
        Self::parse(value.ok_or_else(|| X509Error::field(OBJECT, SGX_EXTENSION.to_string(), "none"))?)
    }

    fn parse(value: &[u8]) -> Result<Self, X509Error> {
        let mut fields = Fields::open(value)?;
        let ppid = fields.octets(&[1], "PPID")?;
        let mut tcb = Fields::open(fields.expect(&[2], "TCB")?)?;
        let mut sgx_components = [0; 16];
        for (number, component) in (1..).zip(sgx_components.iter_mut()) {
            *component = tcb.number(&[2, number], "SGX TCB component", u8::MAX.into())?.to_le_bytes()[0];
        }
        let pce_svn = tcb.number(&[2, 17], "PCESVN", u16::MAX)?;
        let cpu_svn = tcb.octets(&[2, 18], "CPUSVN")?;
        tcb.finish()?;
        let pce_id = fields.octets(&[3], "PCE-ID")?;
        let fmspc = fields.octets(&[4], "FMSPC")?;
        let sgx_type = fields.sgx_type()?;
        let (platform_instance_id, configuration) = match fields.is_done() {
            true => (None, None),
            false => {
                let id = fields.octets(&[6], "platform instance id")?;
                (Some(id), Some(read_configuration(fields.expect(&[7], "configuration")?)?))
            }
        };
        fields.finish()?;
        Ok(Self {
            ppid,
            sgx_components,
            pce_svn,
            cpu_svn,
            pce_id,
            fmspc,
            sgx_type,
            platform_instance_id,
            configuration,
        })
    }
}

fn read_configuration(value: &[u8]) -> Result<PlatformConfiguration, X509Error> {
    let mut fields = Fields::open(value)?;
    let configuration = PlatformConfiguration {
        dynamic_platform: fields.flag(&[7, 1])?,
        cached_keys: fields.flag(&[7, 2])?,
        smt_enabled: fields.flag(&[7, 3])?,
    };
    fields.finish()?;
    Ok(configuration)
}

/// `SEQUENCE OF SEQUENCE { OBJECT IDENTIFIER, value }`, read from front to back.
struct Fields<'a>(SliceReader<'a>);

impl<'a> Fields<'a> {
    fn open(value: &'a [u8]) -> Result<Self, X509Error> {
        let encoding = X509Error::encoding(OBJECT);
        let body = contents(value, Tag::Sequence)?;
        SliceReader::new(body).map(Self).map_err(encoding)
    }

    fn is_done(&self) -> bool {
        self.0.is_finished()
    }

    fn finish(self) -> Result<(), X509Error> {
        self.0.finish().map_err(X509Error::encoding(OBJECT))
    }

    /// The value of the field with the number `arcs` below the extension's, when it is the next one.
    fn next(&mut self, arcs: &[u32]) -> Result<Option<&'a [u8]>, X509Error> {
        let encoding = X509Error::encoding(OBJECT);
        if self.is_done() {
            return Ok(None);
        }
        let mut ahead = self.0.clone();
        let pair = ahead.tlv_bytes().map_err(&encoding)?;
        let mut pair = SliceReader::new(contents(pair, Tag::Sequence)?).map_err(&encoding)?;
        let oid = ObjectIdentifier::decode(&mut pair).map_err(&encoding)?;
        if oid != numbered(arcs)? {
            return Ok(None);
        }
        let value = pair.tlv_bytes().map_err(&encoding)?;
        pair.finish().map_err(&encoding)?;
        self.0 = ahead;
        Ok(Some(value))
    }

    fn expect(&mut self, arcs: &[u32], field: &'static str) -> Result<&'a [u8], X509Error> {
        let expected = numbered(arcs)?;
        self.next(arcs)?.ok_or_else(|| X509Error::field(field, expected.to_string(), "another field or none"))
    }

    fn octets<const N: usize>(&mut self, arcs: &[u32], field: &'static str) -> Result<[u8; N], X509Error> {
        let value = self.expect(arcs, field)?;
        let octets =
            <&OctetStringRef>::from_der(value).ok().and_then(|octets| octets.as_bytes().try_into().ok());
        octets.ok_or_else(|| X509Error::field(field, alloc::format!("an OCTET STRING of {N}"), hex(value)))
    }

    fn number(&mut self, arcs: &[u32], field: &'static str, limit: u16) -> Result<u16, X509Error> {
        let value = self.expect(arcs, field)?;
        let number = u16::from_der(value).ok().filter(|number| *number <= limit);
        number.ok_or_else(|| {
            X509Error::field(field, alloc::format!("an INTEGER from 0 to {limit}"), hex(value))
        })
    }

    fn sgx_type(&mut self) -> Result<SgxType, X509Error> {
        let value = self.expect(&[5], "SGX type")?;
        match value {
            [0x0A, 1, 0] => Ok(SgxType::Standard),
            [0x0A, 1, 1] => Ok(SgxType::Scalable),
            [0x0A, 1, 2] => Ok(SgxType::ScalableWithIntegrity),
            found => Err(X509Error::field("SGX type", "an ENUMERATED from 0 to 2", hex(found))),
        }
    }

    fn flag(&mut self, arcs: &[u32]) -> Result<Option<bool>, X509Error> {
        match self.next(arcs)? {
            None => Ok(None),
            Some([1, 1, 0]) => Ok(Some(false)),
            Some([1, 1, 0xFF]) => Ok(Some(true)),
            Some(found) => Err(X509Error::field("configuration", "a BOOLEAN", hex(found))),
        }
    }
}

fn contents(value: &[u8], tag: Tag) -> Result<&[u8], X509Error> {
    let encoding = X509Error::encoding(OBJECT);
    let mut reader = SliceReader::new(value).map_err(&encoding)?;
    let header = der::Header::decode(&mut reader).map_err(&encoding)?;
    if header.tag() != tag {
        return Err(X509Error::field(OBJECT, tag.to_string(), header.tag().to_string()));
    }
    let body = reader.read_slice(header.length()).map_err(&encoding)?;
    reader.finish().map_err(&encoding)?;
    Ok(body)
}

fn numbered(arcs: &[u32]) -> Result<ObjectIdentifier, X509Error> {
    let mut oid = SGX_EXTENSION;
    for arc in arcs {
        oid = oid.push_arc(*arc).map_err(|_| X509Error::field(OBJECT, "a short OID", arc.to_string()))?;
    }
    Ok(oid)
}

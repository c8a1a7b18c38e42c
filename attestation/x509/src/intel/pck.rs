//! The extension of PCK certificates.
//!
//! Spec: as for the module above, section "SGX Extensions".

use alloc::string::ToString;

use der::asn1::{ObjectIdentifier, OctetStringRef};
use der::{Decode, Reader, SliceReader, Tag};

use crate::{Certificate, X509Error};

const SGX_EXTENSION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113741.1.13.1");
const OBJECT: &str = "SGX extension";

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
        octets.ok_or_else(|| {
            X509Error::field(field, alloc::format!("an OCTET STRING of {N}"), hex::encode(value))
        })
    }

    fn number(&mut self, arcs: &[u32], field: &'static str, limit: u16) -> Result<u16, X509Error> {
        let value = self.expect(arcs, field)?;
        let number = u16::from_der(value).ok().filter(|number| *number <= limit);
        number.ok_or_else(|| {
            X509Error::field(field, alloc::format!("an INTEGER from 0 to {limit}"), hex::encode(value))
        })
    }

    fn sgx_type(&mut self) -> Result<SgxType, X509Error> {
        let value = self.expect(&[5], "SGX type")?;
        match value {
            [0x0A, 1, 0] => Ok(SgxType::Standard),
            [0x0A, 1, 1] => Ok(SgxType::Scalable),
            [0x0A, 1, 2] => Ok(SgxType::ScalableWithIntegrity),
            found => Err(X509Error::field("SGX type", "an ENUMERATED from 0 to 2", hex::encode(found))),
        }
    }

    fn flag(&mut self, arcs: &[u32]) -> Result<Option<bool>, X509Error> {
        match self.next(arcs)? {
            None => Ok(None),
            Some([1, 1, 0]) => Ok(Some(false)),
            Some([1, 1, 0xFF]) => Ok(Some(true)),
            Some(found) => Err(X509Error::field("configuration", "a BOOLEAN", hex::encode(found))),
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

#[cfg(test)]
mod tests {
    use der::Encode;

    use super::*;

    const INTEGER: u8 = 0x02;
    const OCTETS: u8 = 0x04;
    const SEQUENCE: u8 = 0x30;

    fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
        let length = u16::try_from(contents.len()).unwrap();
        let length = match length.to_be_bytes() {
            [0, short @ ..=0x7F] => vec![short],
            [0, long] => vec![0x81, long],
            long => vec![0x82, long[0], long[1]],
        };
        [&[tag], length.as_slice(), contents].concat()
    }

    fn field(arcs: &[u32], value: &[u8]) -> Vec<u8> {
        let oid: ObjectIdentifier = numbered(arcs).unwrap();
        tlv(SEQUENCE, &[oid.to_der().unwrap(), value.to_vec()].concat())
    }

    /// The fields in their order, each as it should be.
    fn fields() -> Vec<Vec<u8>> {
        let components = (1..)
            .zip((15..=240_u16).step_by(15))
            .map(|(number, svn)| field(&[2, number], &svn.to_der().unwrap()));
        let tcb: Vec<Vec<u8>> = components
            .chain([field(&[2, 17], &0x1234_u16.to_der().unwrap()), field(&[2, 18], &tlv(OCTETS, &[9; 16]))])
            .collect();
        let flags = [field(&[7, 1], &[1, 1, 0xFF]), field(&[7, 3], &[1, 1, 0])].concat();
        vec![
            field(&[1], &tlv(OCTETS, &[8; 16])),
            field(&[2], &tlv(SEQUENCE, &tcb.concat())),
            field(&[3], &tlv(OCTETS, &[0, 1])),
            field(&[4], &tlv(OCTETS, &[1, 2, 3, 4, 5, 6])),
            field(&[5], &[0x0A, 1, 1]),
            field(&[6], &tlv(OCTETS, &[7; 16])),
            field(&[7], &tlv(SEQUENCE, &flags)),
        ]
    }

    fn parse(fields: &[Vec<u8>]) -> Result<PckFields, X509Error> {
        PckFields::parse(&tlv(SEQUENCE, &fields.concat()))
    }

    #[test]
    fn fields_are_read_under_either_authority() {
        let platform = parse(&fields()).unwrap();
        assert_eq!((platform.sgx_components[0], platform.sgx_components[15]), (15, 240));
        assert_eq!((platform.pce_svn, platform.pce_id, platform.cpu_svn), (0x1234, [0, 1], [9; 16]));
        assert_eq!((platform.ppid, platform.fmspc), ([8; 16], [1, 2, 3, 4, 5, 6]));
        assert_eq!((platform.sgx_type, platform.platform_instance_id), (SgxType::Scalable, Some([7; 16])));
        let configuration = PlatformConfiguration {
            dynamic_platform: Some(true),
            cached_keys: None,
            smt_enabled: Some(false),
        };
        assert_eq!(platform.configuration, Some(configuration));
        let processor = parse(&fields()[..5]).unwrap();
        let expected = PckFields { platform_instance_id: None, configuration: None, ..platform };
        assert_eq!(processor, expected);
    }

    #[test]
    fn every_field_stands_once_in_its_place_and_form() {
        for index in 0..7 {
            let mut without = fields();
            without.remove(index);
            // Without the configuration, the instance is alone; without both, the platform is another kind.
            assert!(parse(&without).is_err(), "{index}");
            let mut twice = fields();
            twice.insert(index, fields()[index].clone());
            assert!(parse(&twice).is_err(), "{index}");
            if index < 6 {
                let mut swapped = fields();
                swapped.swap(index, index + 1);
                assert!(parse(&swapped).is_err(), "{index}");
            }
        }
        let wrong: [(usize, Vec<u8>, &str); 7] = [
            (0, field(&[1], &tlv(OCTETS, &[8; 15])), "PPID: expected an OCTET STRING of 16"),
            (0, field(&[1], &tlv(INTEGER, &[8; 16])), "PPID"),
            (3, field(&[4], &tlv(OCTETS, &[1; 7])), "FMSPC"),
            (4, field(&[5], &[0x0A, 1, 3]), "ENUMERATED from 0 to 2"),
            (6, field(&[7], &tlv(SEQUENCE, &field(&[7, 1], &[1, 1, 1]))), "BOOLEAN"),
            (6, field(&[7], &tlv(SEQUENCE, &field(&[7, 4], &[1, 1, 0]))), "SGX extension"),
            (1, field(&[2], &tlv(SEQUENCE, &field(&[2, 1], &256_u16.to_der().unwrap()))), "from 0 to 255"),
        ];
        for (index, value, expected) in wrong {
            let mut changed = fields();
            changed[index] = value;
            let error = parse(&changed).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let whole = tlv(SEQUENCE, &fields().concat());
        for length in 0..whole.len() {
            assert!(PckFields::parse(&whole[..length]).is_err(), "{length}");
        }
        assert!(PckFields::parse(&[whole, vec![0]].concat()).is_err());
    }
}

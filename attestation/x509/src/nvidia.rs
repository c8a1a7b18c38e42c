//! NVIDIA's certificates: what the leaf of a device's chain says of the device and of the firmware that holds its key.
//!
//! Spec: DMTF DSP0274, "Identity certificate" (subject alternative name with device information); TCG "DICE Certificate
//! Profiles" 1.0, "TCB Info Evidence", on Blackwell; Microsoft "Device Identity with DICE and RIoT: Keys and
//! Certificates" (`CompositeDeviceID`), which Hopper and LS10 put under the same arc of TCG.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use der::asn1::{AnyRef, ContextSpecific, ObjectIdentifier, OctetStringRef, UintRef, Utf8StringRef};
use der::{Decode, Reader, SliceReader, Tag, TagNumber, Tagged};

use crate::extensions::{BASIC_CONSTRAINTS, KEY_USAGE};
use crate::{Certificate, PublicKey, X509Error};

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

const SUBJECT_ALTERNATIVE_NAME: ObjectIdentifier = oid("2.5.29.17");
/// DMTF: manufacturer, product and serial number, with colons between them.
const DEVICE_INFO: ObjectIdentifier = oid("1.3.6.1.4.1.412.274.1");
/// `CompositeDeviceID` on Hopper and LS10.
const COMPOSITE_DEVICE_ID: ObjectIdentifier = oid("2.23.133.5.4.1");
/// `DiceTcbInfo` on Blackwell.
const TCB_INFO: ObjectIdentifier = oid("2.23.133.5.4.1.1");
const SHA384: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.2");
/// `digitalSignature`, and nothing else.
const DIGITAL_SIGNATURE: &[u8] = &[0x03, 0x02, 0x07, 0x80];
/// `BasicConstraints` with `cA` at its default.
const NO_AUTHORITY: &[u8] = &[0x30, 0x00];
/// `fwids` of `DiceTcbInfo`.
const FWIDS: TagNumber = TagNumber(6);

/// Which device, by the account of whoever made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceInfo {
    /// `NVIDIA`.
    pub manufacturer: String,
    /// `GH100`, `GB100`, `LS_10`.
    pub product: String,
    /// Serial number of the chip.
    pub serial_number: String,
}

/// What the leaf of a device's chain says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceFields {
    /// Which device.
    pub info: DeviceInfo,
    /// Identities of its firmware, SHA-384. The first is that of the firmware that holds the key; Blackwell adds a second.
    pub fwids: Vec<[u8; 48]>,
    /// The key that identifies the device, with which the leaf is signed; Blackwell does not repeat it here.
    pub device_key: Option<PublicKey>,
}

impl DeviceFields {
    /// Reads the extensions of a leaf.
    ///
    /// # Errors
    /// One is missing, malformed, or critical and not known; or the key may do something else than sign.
    pub fn read(certificate: &Certificate) -> Result<Self, X509Error> {
        let extensions = certificate.extensions();
        extensions.check_critical(&[KEY_USAGE])?;
        let usage = extensions.value(KEY_USAGE);
        if usage != Some(DIGITAL_SIGNATURE) {
            return Err(X509Error::field("key usage", "to sign, and nothing else", shown(usage)));
        }
        let info = read_info(extensions.value(SUBJECT_ALTERNATIVE_NAME))?;
        let tcb = match (extensions.value(COMPOSITE_DEVICE_ID), extensions.value(TCB_INFO)) {
            (Some(value), None) => CompositeDeviceId::read(value),
            (None, Some(value)) => CompositeDeviceId::read_tcb_info(value),
            (composite, tcb_info) => {
                let found = alloc::format!("{} and {}", shown(composite), shown(tcb_info));
                return Err(X509Error::field("DICE extension", "either of two", found));
            }
        };
        let CompositeDeviceId { device_key, fwids } = tcb?;
        Ok(Self { info, fwids, device_key })
    }
}

/// Refuses a certificate that signs anything but manifests: critical extensions that are not known, an authority, a key
/// that may do something else than sign.
///
/// # Errors
/// The first of these.
pub fn check_rim_signer(certificate: &Certificate) -> Result<(), X509Error> {
    let extensions = certificate.extensions();
    extensions.check_critical(&[BASIC_CONSTRAINTS, KEY_USAGE])?;
    let constraints = extensions.value(BASIC_CONSTRAINTS);
    if constraints.is_some_and(|value| value != NO_AUTHORITY) {
        return Err(X509Error::field("basic constraints", "no CA", shown(constraints)));
    }
    let usage = extensions.value(KEY_USAGE);
    if usage != Some(DIGITAL_SIGNATURE) {
        return Err(X509Error::field("key usage", "to sign, and nothing else", shown(usage)));
    }
    Ok(())
}

struct CompositeDeviceId {
    device_key: Option<PublicKey>,
    fwids: Vec<[u8; 48]>,
}

impl CompositeDeviceId {
    /// `SEQUENCE { version INTEGER (1), deviceID SubjectPublicKeyInfo, fwid FWID }`.
    fn read(value: &[u8]) -> Result<Self, X509Error> {
        const FIELD: &str = "CompositeDeviceID";
        let encoding = X509Error::encoding(FIELD);
        let mut reader = SliceReader::new(value).map_err(&encoding)?;
        let parts = reader.sequence(|body| {
            let version = UintRef::decode(body)?.as_bytes() == [1];
            Ok::<_, der::Error>((version, body.tlv_bytes()?, read_fwid(body)?))
        });
        let (is_version_1, device_key, fwid) = parts.map_err(&encoding)?;
        reader.finish().map_err(&encoding)?;
        if !is_version_1 {
            return Err(X509Error::field(FIELD, "version 1", hex::encode(value)));
        }
        let fwid = fwid.ok_or_else(|| X509Error::field(FIELD, "a FWID of SHA-384", hex::encode(value)))?;
        Ok(Self { device_key: Some(PublicKey::read(device_key)?), fwids: Vec::from([fwid]) })
    }

    /// `SEQUENCE` of optional fields `[0]` to `[9]`, of which only `fwids` is of interest here. Their order is what makes
    /// the encoding DER.
    fn read_tcb_info(value: &[u8]) -> Result<Self, X509Error> {
        const FIELD: &str = "DiceTcbInfo";
        let encoding = X509Error::encoding(FIELD);
        let mut reader = SliceReader::new(value).map_err(&encoding)?;
        let mut fwids = None;
        let is_ordered = reader.sequence(|body| {
            let (mut last, mut is_ordered) = (None, true);
            while !body.is_finished() {
                let field = AnyRef::decode(body)?;
                let Tag::ContextSpecific { number, .. } = field.tag() else {
                    return Err(field.tag().unexpected_error(None).into());
                };
                is_ordered &= last.is_none_or(|last| number > last);
                last = Some(number);
                if number == FWIDS {
                    fwids = read_fwids(field.value())?;
                }
            }
            Ok::<_, der::Error>(is_ordered)
        });
        let is_ordered = is_ordered.map_err(&encoding)?;
        reader.finish().map_err(&encoding)?;
        let fwids = fwids.filter(|fwids| is_ordered && !fwids.is_empty());
        let fwids = fwids.ok_or_else(|| X509Error::field(FIELD, "FWIDs of SHA-384", hex::encode(value)))?;
        Ok(Self { device_key: None, fwids })
    }
}

/// `None` when one is of another algorithm.
fn read_fwids(bytes: &[u8]) -> Result<Option<Vec<[u8; 48]>>, der::Error> {
    let mut reader = SliceReader::new(bytes)?;
    let mut fwids = Vec::new();
    while !reader.is_finished() {
        match read_fwid(&mut reader)? {
            Some(fwid) => fwids.push(fwid),
            None => return Ok(None),
        }
    }
    Ok(Some(fwids))
}

/// `FWID ::= SEQUENCE { hashAlg OBJECT IDENTIFIER, digest OCTET STRING }`.
fn read_fwid<'r>(reader: &mut impl Reader<'r>) -> Result<Option<[u8; 48]>, der::Error> {
    let (algorithm, digest) = reader.sequence(|body| {
        Ok::<_, der::Error>((ObjectIdentifier::decode(body)?, <&OctetStringRef>::decode(body)?))
    })?;
    Ok(digest.as_bytes().try_into().ok().filter(|_| algorithm == SHA384))
}

/// `GeneralNames` with one `otherName [0] { type-id, value [0] EXPLICIT UTF8String }`.
fn read_info(extension: Option<&[u8]>) -> Result<DeviceInfo, X509Error> {
    let wrong = || {
        X509Error::field("subject alternative name", "manufacturer, product, serial number", shown(extension))
    };
    let text = extension.and_then(|value| other_name(value).ok()).ok_or_else(wrong)?;
    let mut parts = text.split(':').map(ToString::to_string);
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(manufacturer), Some(product), Some(serial_number), None)
            if text.bytes().all(|byte| byte.is_ascii_graphic()) =>
        {
            Ok(DeviceInfo { manufacturer, product, serial_number })
        }
        _ => Err(wrong()),
    }
}

fn other_name(value: &[u8]) -> Result<&str, der::Error> {
    let mut reader = SliceReader::new(value)?;
    let name = reader.sequence(AnyRef::decode)?;
    reader.finish()?;
    let is_other_name = name.tag() == Tag::ContextSpecific { constructed: true, number: TagNumber(0) };
    let mut reader = SliceReader::new(name.value())?;
    let id = ObjectIdentifier::decode(&mut reader)?;
    let text = ContextSpecific::<Utf8StringRef<'_>>::decode(&mut reader)?;
    reader.finish()?;
    if is_other_name && id == DEVICE_INFO && text.tag_number == TagNumber(0) {
        return Ok(text.value.as_str());
    }
    Err(name.tag().unexpected_error(None).into())
}

fn shown(value: Option<&[u8]>) -> String {
    value.map_or_else(|| "none".into(), hex::encode)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
        [&[tag, u8::try_from(value.len()).unwrap()][..], value].concat()
    }

    fn fwid(digest: &[u8]) -> Vec<u8> {
        let algorithm = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02".to_vec();
        tlv(0x30, &[algorithm, tlv(0x04, digest)].concat())
    }

    fn read(fields: &[&[u8]]) -> Result<Vec<[u8; 48]>, X509Error> {
        CompositeDeviceId::read_tcb_info(&tlv(0x30, &fields.concat())).map(|info| info.fwids)
    }

    #[test]
    fn tcb_info_has_its_fields_in_order_and_fwids_of_sha_384() {
        let (vendor, flags) = (tlv(0x80, b"NVIDIA"), tlv(0x87, &[0, 0]));
        let fwids = tlv(0xA6, &fwid(&[1; 48]));
        assert_eq!(read(&[&vendor, &fwids, &flags]), Ok(vec![[1; 48]]));
        assert!(read(&[&vendor, &flags]).unwrap_err().to_string().contains("FWIDs of SHA-384"));
        assert!(read(&[&fwids, &vendor]).is_err(), "order");
        assert!(read(&[&fwids, &fwids]).is_err(), "twice");
        assert!(read(&[&tlv(0xA6, &[])]).is_err(), "empty");
        assert!(read(&[&tlv(0xA6, &fwid(&[1; 47]))]).is_err(), "length");
        assert!(read(&[&tlv(0xA6, &fwid(&[1; 48])[..60])]).is_err(), "cut short");
        assert!(read(&[&tlv(0x02, &[1])]).is_err(), "another tag");
        assert!(CompositeDeviceId::read_tcb_info(&[tlv(0x30, &fwids), vec![0]].concat()).is_err(), "longer");
        let mut sha256 = fwids;
        sha256[13] = 1;
        assert!(read(&[&sha256]).is_err(), "algorithm");
    }

    #[test]
    fn device_information_has_three_parts() {
        let name = |tag, text: &[u8]| {
            let id = b"\x06\x0A\x2B\x06\x01\x04\x01\x83\x1C\x82\x12\x01".to_vec();
            tlv(0x30, &tlv(tag, &[id, tlv(0xA0, &tlv(0x0C, text))].concat()))
        };
        let info = read_info(Some(&name(0xA0, b"NVIDIA:LS_10:48B0"))).unwrap();
        assert_eq!((&*info.manufacturer, &*info.product, &*info.serial_number), ("NVIDIA", "LS_10", "48B0"));
        for text in ["", "NVIDIA:LS_10", "NVIDIA:LS_10:1:2", "NVIDIA:LS 10:1"] {
            assert!(read_info(Some(&name(0xA0, text.as_bytes()))).is_err(), "{text}");
        }
        assert!(read_info(Some(&name(0x81, b"NVIDIA:LS_10:48B0"))).is_err());
        assert!(read_info(None).unwrap_err().to_string().ends_with("found none"));
    }
}

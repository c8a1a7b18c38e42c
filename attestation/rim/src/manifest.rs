//! The content of a RIM.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use roxmltree::Node;

use crate::RimError;
use crate::elements::{attribute, children, elements, expect, no_attributes};

const SWID: &str = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd";
const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
/// Namespace of `Hash0`, `Hash1`, …
const SHA384: &str = "http://www.w3.org/2001/04/xmlenc#sha384";
/// Namespace of the attributes of `Meta` that TCG defines.
const TCG_RIM: &str =
    "https://trustedcomputinggroup.org/resource/tcg-reference-integrity-manifest-rim-information-model/";
const DIGEST_BYTES: usize = 48;
/// The most values that one measurement may have; known RIMs have up to 4.
const ALTERNATIVES_MAX: usize = 16;

/// What a key signed: the measurements of one version of one component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rim {
    /// Identity of the tag.
    pub tag_id: String,
    /// Version of the component, `colloquialVersion`: `550.144.03`, `96.00.74.00.1F`.
    pub version: String,
    /// `GPU` or `SWITCH`.
    pub edition: String,
    /// Product: `GH100`, `GB100`, `LS10`.
    pub product: String,
    /// Revision of the manifest.
    pub revision: String,
    /// Manufacturer of the firmware.
    pub firmware_manufacturer: String,
    /// Measurements, by index.
    pub measurements: Vec<Measurement>,
}

/// What one measurement may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measurement {
    /// Index, from 0: that of the report's block less one.
    pub index: u8,
    /// Whether it is to be compared.
    pub is_active: bool,
    /// Name.
    pub name: String,
    /// The values of which one has to be measured. At least one.
    pub alternatives: Vec<[u8; DIGEST_BYTES]>,
}

impl Rim {
    /// Measurements that are to be compared.
    pub fn active(&self) -> impl Iterator<Item = &Measurement> {
        self.measurements.iter().filter(|measurement| measurement.is_active)
    }

    pub(crate) fn read(root: Node<'_, '_>) -> Result<Self, RimError> {
        if !root.has_tag_name((SWID, "SoftwareIdentity")) {
            return Err(RimError::field("root", "SoftwareIdentity", root.tag_name().name()));
        }
        let parts = [(SWID, "Entity"), (SWID, "Meta"), (SWID, "Payload"), (DSIG, "Signature")];
        let [_, meta, payload, _] = children(root, "SoftwareIdentity", parts)?;
        let [] = children(meta, "Meta", [])?;
        expect("PayloadType", "direct", attribute(meta, "PayloadType")?)?;
        let product = attribute(meta, "product")?;
        expect("name of the tag", product, attribute(root, "name")?)?;
        Ok(Self {
            tag_id: attribute(root, "tagId")?.to_string(),
            version: attribute(meta, "colloquialVersion")?.to_string(),
            edition: attribute(meta, "edition")?.to_string(),
            product: product.to_string(),
            revision: attribute(meta, "revision")?.to_string(),
            firmware_manufacturer: tcg_attribute(meta, "FirmwareManufacturer")?.to_string(),
            measurements: read_payload(payload)?,
        })
    }
}

fn tcg_attribute<'a>(meta: Node<'a, '_>, field: &'static str) -> Result<&'a str, RimError> {
    meta.attribute((TCG_RIM, field)).ok_or_else(|| RimError::field(field, "an attribute", "none"))
}

fn read_payload(payload: Node<'_, '_>) -> Result<Vec<Measurement>, RimError> {
    no_attributes(payload, "Payload")?;
    let mut measurements: Vec<Measurement> = Vec::new();
    for resource in elements(payload, "Payload")? {
        if !resource.has_tag_name((SWID, "Resource")) {
            return Err(RimError::field("Payload", "Resource", resource.tag_name().name()));
        }
        let measurement = Measurement::read(resource)?;
        // Ascending, so each index once: nothing has to be searched.
        if let Some(last) = measurements.last().filter(|last| last.index >= measurement.index) {
            let expected = alloc::format!("more than {}", last.index);
            return Err(RimError::field("index", expected, measurement.index.to_string()));
        }
        measurements.push(measurement);
    }
    Ok(measurements)
}

impl Measurement {
    fn read(resource: Node<'_, '_>) -> Result<Self, RimError> {
        let [] = children(resource, "Resource", [])?;
        expect("type", "Measurement", attribute(resource, "type")?)?;
        expect("size", "48", attribute(resource, "size")?)?;
        let index = attribute(resource, "index")?;
        let number = index.parse::<u8>().ok().filter(|number| number.to_string() == index);
        let is_active = match attribute(resource, "active")? {
            "True" => true,
            "False" => false,
            found => return Err(RimError::field("active", "True or False", found)),
        };
        Ok(Self {
            index: number.ok_or_else(|| RimError::field("index", "0 to 255", index))?,
            is_active,
            name: attribute(resource, "name")?.to_string(),
            alternatives: read_alternatives(resource)?,
        })
    }
}

/// `Hash0` to the last one that `alternatives` announces, and no other attributes of their namespace.
fn read_alternatives(resource: Node<'_, '_>) -> Result<Vec<[u8; DIGEST_BYTES]>, RimError> {
    let announced = attribute(resource, "alternatives")?;
    let hashes = || resource.attributes().filter(|attribute| attribute.namespace() == Some(SHA384));
    let count = hashes().count();
    let is_announced = count.to_string() == announced && (1..=ALTERNATIVES_MAX).contains(&count);
    if !is_announced {
        let expected = alloc::format!("as many as there are Hash attributes, 1 to {ALTERNATIVES_MAX}");
        return Err(RimError::field("alternatives", expected, alloc::format!("{announced} and {count}")));
    }
    let read = |number: usize| {
        let name = alloc::format!("Hash{number}");
        let found = hashes().find(|hash| hash.name() == name).map(|hash| hash.value());
        let digest = found.and_then(digest);
        digest.ok_or_else(|| RimError::field("Hash", "96 hexadecimal digits", found.unwrap_or("none")))
    };
    (0..count).map(read).collect()
}

/// Lower-case hexadecimal.
fn digest(text: &str) -> Option<[u8; DIGEST_BYTES]> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    if pairs.len() != DIGEST_BYTES {
        return None;
    }
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => digit.checked_sub(b'0'),
        b'a'..=b'f' => digit.checked_sub(b'a')?.checked_add(10),
        _ => None,
    };
    let mut bytes = [0; DIGEST_BYTES];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(bytes)
}

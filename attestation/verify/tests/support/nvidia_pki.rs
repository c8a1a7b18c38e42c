//! A device, its manifests and the authorities above both, generated: what NVIDIA would have to sign for a test.
//!
//! A [`Plan`] says what goes into each object, a test changes one thing, and everything is signed anew from keys with fixed
//! scalars. Manifests are written in canonical form to begin with, so their digests do not depend on the code under test.

use std::collections::BTreeMap;
use std::sync::Mutex;

use attestation_verify::nvidia::{Evidence, RimFiles, RootSet, Roots};
use base64ct::{Base64, Encoding};
use p384::ecdsa::signature::Signer;
use p384::ecdsa::{Signature, SigningKey};
use sha2::{Digest, Sha384};

use crate::der::{self, tlv};

pub(crate) const AT: &str = "2026-06-01T00:00:00Z";
pub(crate) const NONCE: [u8; 32] = [0x4E; 32];
pub(crate) const FWID: [u8; 48] = [0xF1; 48];

#[derive(Clone)]
pub(crate) struct CertificatePlan {
    pub(crate) name: String,
    pub(crate) issuer: String,
    /// Scalars of its key, and of the key that signs it.
    pub(crate) key: u8,
    pub(crate) signer: u8,
    pub(crate) not_before: &'static str,
    pub(crate) not_after: &'static str,
    pub(crate) is_authority: bool,
    pub(crate) path_length: Option<u8>,
    pub(crate) extensions: Vec<Vec<u8>>,
}

#[derive(Clone)]
pub(crate) struct ReportPlan {
    pub(crate) request_param2: u8,
    pub(crate) response_slot: u8,
    pub(crate) nonce: [u8; 32],
    pub(crate) blocks: Vec<(u8, [u8; 48])>,
    pub(crate) fields: Vec<(u16, Vec<u8>)>,
    pub(crate) signer: u8,
    pub(crate) trailing: usize,
}

#[derive(Clone)]
pub(crate) struct RimPlan {
    pub(crate) version: String,
    pub(crate) product: String,
    pub(crate) edition: String,
    /// Index, whether it is active, alternatives.
    pub(crate) measurements: Vec<(String, bool, Vec<String>)>,
    pub(crate) transform: String,
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) signer: u8,
    /// Done to the file once it is signed.
    pub(crate) edit: fn(String) -> String,
}

#[derive(Clone)]
pub(crate) struct Plan {
    /// Leaf, boot ROM, provisioner, product, root.
    pub(crate) device: Vec<CertificatePlan>,
    pub(crate) device_info: String,
    pub(crate) device_key: u8,
    pub(crate) certified_fwid: [u8; 48],
    pub(crate) report: ReportPlan,
    /// Signer, two authorities, root.
    pub(crate) rim_chain: Vec<CertificatePlan>,
    pub(crate) driver: RimPlan,
    pub(crate) vbios: RimPlan,
}

pub(crate) struct Built {
    pub(crate) report: Vec<u8>,
    pub(crate) chain: Vec<u8>,
    pub(crate) driver: Vec<u8>,
    pub(crate) vbios: Vec<u8>,
}

impl Plan {
    /// An H100 with a driver and a VBIOS, all of it honest.
    pub(crate) fn gpu() -> Self {
        let names = ["GH100 A01 GSP FMC LF", "GH100 A01 GSP BROM", "ICA 1", "GH100 Identity", "Device Root"];
        let rim_names = ["RIM Signer", "RIM L3", "RIM CA", "RIM Root"];
        Self {
            device: chain(&names, 1),
            device_info: "NVIDIA:GH100:48B02D51C9C10070".into(),
            device_key: 2,
            certified_fwid: FWID,
            report: ReportPlan {
                request_param2: 0xFF,
                response_slot: 0,
                nonce: NONCE,
                blocks: (1..=40).map(|index| (index, [index; 48])).collect(),
                fields: vec![
                    (3, b"550.01\0".to_vec()),
                    (6, vec![0, 0x5E, 0, 0x96, 0x0A, 0, 0, 0]),
                    (11, vec![0x55]),
                    (20, FWID.to_vec()),
                    (999, b"later".to_vec()),
                ],
                signer: 1,
                trailing: 0,
            },
            rim_chain: chain(&rim_names, 11),
            driver: RimPlan::new("550.01", &[4, 5, 35]),
            vbios: RimPlan::new("96.00.5E.00.0A", &[0, 9]),
        }
    }

    /// A switch with a BIOS.
    pub(crate) fn switch() -> Self {
        let mut plan = Self::gpu();
        plan.rename_device("LS_10");
        plan.report.fields = vec![(6, b"96.10.55.00.01".to_vec()), (20, FWID.to_vec())];
        plan.vbios = RimPlan { version: "96.10.55.00.01".into(), product: "LS10".into(), ..plan.vbios };
        plan.vbios.edition = "SWITCH".into();
        plan
    }

    /// The same kind of device with another key of its own, under the same authorities.
    pub(crate) fn with_chip(mut self, brom_key: u8) -> Self {
        self.device[1].key = brom_key;
        self.device[0].signer = brom_key;
        self.device_key = brom_key;
        self
    }

    pub(crate) fn rename_device(&mut self, product: &str) {
        self.device_info = format!("NVIDIA:{product}:48B02D51C9C10070");
        self.device[0].name = format!("{product} A01 GSP FMC LF");
        self.device[1].name = format!("{product} A01 GSP BROM");
        self.device[0].issuer = self.device[1].name.clone();
    }

    pub(crate) fn build(&self) -> Built {
        let mut device = self.device.clone();
        if let Some(leaf) = device.first_mut() {
            leaf.extensions.push(der::device_info(&self.device_info));
            leaf.extensions.push(der::composite_device_id(&key(self.device_key), &self.certified_fwid));
        }
        let pem = |certificate: &CertificatePlan| {
            let text = Base64::encode_string(&certificate.build());
            let lines: Vec<&str> =
                text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
            format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
        };
        Built {
            report: self.report.build(),
            chain: device.iter().map(pem).collect::<String>().into_bytes(),
            driver: self.driver.build(&self.rim_chain).into_bytes(),
            vbios: self.vbios.build(&self.rim_chain).into_bytes(),
        }
    }
}

impl Built {
    pub(crate) fn evidence(&self) -> Evidence<'_> {
        let rims = RimFiles { driver: Some(&self.driver), vbios: Some(&self.vbios) };
        Evidence { report: Some(&self.report), chain: Some(&self.chain), rims }
    }
}

/// The roots of an unchanged plan.
pub(crate) fn with_roots<T>(use_them: impl FnOnce(&Roots<'_>) -> T) -> T {
    let plan = Plan::gpu();
    let roots = [&plan.device, &plan.rim_chain].map(|chain| chain.last().unwrap().build());
    let [device, rim] = roots.each_ref().map(|root| RootSet::new(root, &[]));
    use_them(&Roots::dangerous_other_than_nvidia(device, rim))
}

pub(crate) fn key(scalar: u8) -> SigningKey {
    static KEYS: Mutex<BTreeMap<u8, SigningKey>> = Mutex::new(BTreeMap::new());
    let make = || SigningKey::from_slice(&[scalar; 48]).unwrap();
    KEYS.lock().unwrap().entry(scalar).or_insert_with(make).clone()
}

/// Most objects are the same in every plan, so what was signed once is kept.
fn sign(scalar: u8, message: &[u8]) -> Signature {
    static SIGNED: Mutex<BTreeMap<(u8, Vec<u8>), Signature>> = Mutex::new(BTreeMap::new());
    let make = || key(scalar).sign(message);
    *SIGNED.lock().unwrap().entry((scalar, message.to_vec())).or_insert_with(make)
}

/// A leaf, then authorities, the last its own issuer; keys with scalars from `first_key` on.
fn chain(names: &[&str], first_key: u8) -> Vec<CertificatePlan> {
    let last = names.len() - 1;
    let plan = |(index, name): (usize, &&str)| {
        let issuer = last.min(index + 1);
        let scalar = |index: usize| first_key + u8::try_from(index).unwrap();
        CertificatePlan {
            name: (*name).into(),
            issuer: names[issuer].into(),
            key: scalar(index),
            signer: scalar(issuer),
            not_before: "20200101000000Z",
            not_after: "99991231235959Z",
            is_authority: index != 0,
            path_length: None,
            extensions: Vec::new(),
        }
    };
    names.iter().enumerate().map(plan).collect()
}

impl CertificatePlan {
    pub(crate) fn build(&self) -> Vec<u8> {
        let algorithm = der::ecdsa_sha384();
        let mut extensions = vec![der::key_usage(if self.is_authority { 0x04 } else { 0x80 })];
        if self.is_authority {
            extensions.push(der::authority(self.path_length));
        }
        extensions.extend(self.extensions.clone());
        let validity = [self.not_before, self.not_after].map(der::time).concat();
        let fields = [
            tlv(0xA0, &tlv(0x02, &[2])),
            tlv(0x02, &[self.key]),
            algorithm.clone(),
            der::name(&self.issuer),
            tlv(0x30, &validity),
            der::name(&self.name),
            der::public_key(&key(self.key)),
            tlv(0xA3, &tlv(0x30, &extensions.concat())),
        ];
        let signed = tlv(0x30, &fields.concat());
        let signature = sign(self.signer, &signed);
        let signature = der::bit_string(signature.to_der().as_bytes());
        tlv(0x30, &[signed, algorithm, signature].concat())
    }
}

impl ReportPlan {
    pub(crate) fn set(&mut self, id: u16, value: &[u8]) {
        self.fields.retain(|field| field.0 != id);
        self.fields.push((id, value.to_vec()));
    }

    fn build(&self) -> Vec<u8> {
        let mut bytes = vec![0x11, 0xE0, 0x01, self.request_param2];
        bytes.extend(self.nonce);
        bytes.push(0);
        let record: Vec<u8> = self
            .blocks
            .iter()
            .flat_map(|(index, value)| [&[*index, 1, 51, 0, 1, 48, 0][..], value].concat())
            .collect();
        let [low, middle, high, _] = u32::try_from(record.len()).unwrap().to_le_bytes();
        let count = u8::try_from(self.blocks.len()).unwrap();
        bytes.extend([0x11, 0x60, 0, self.response_slot, count, low, middle, high]);
        bytes.extend(record);
        bytes.extend([0x52; 32]);
        let length = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap().to_le_bytes();
        let field = |(id, value): &(u16, Vec<u8>)| [&id.to_le_bytes()[..], &length(value), value].concat();
        let opaque: Vec<u8> = self.fields.iter().flat_map(field).collect();
        bytes.extend(length(&opaque));
        bytes.extend(opaque);
        let signature = sign(self.signer, &bytes);
        bytes.extend(signature.to_bytes());
        bytes.extend(vec![0; self.trailing]);
        bytes
    }
}

const SWID: &str = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd";
const TCG: &str =
    "https://trustedcomputinggroup.org/resource/tcg-reference-integrity-manifest-rim-information-model/";
const SHA384: &str = "http://www.w3.org/2001/04/xmlenc#sha384";
const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
const C14N: &str = "http://www.w3.org/2006/12/xml-c14n11";

impl RimPlan {
    /// The value at each of `active` is the one of [`Plan::gpu`]'s report; the other indexes up to 39 are inactive.
    fn new(version: &str, active: &[u8]) -> Self {
        let value = |index: u8| format!("{:02x}", index + 1).repeat(48);
        Self {
            version: version.into(),
            product: "GH100".into(),
            edition: "GPU".into(),
            measurements: (0..40)
                .map(|index| (index.to_string(), active.contains(&index), vec![value(index)]))
                .collect(),
            transform: C14N.into(),
            method: "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384".into(),
            uri: String::new(),
            signer: 11,
            edit: |file| file,
        }
    }

    /// In canonical form, but for the two places where the signature goes and is signed.
    fn build(&self, chain: &[CertificatePlan]) -> String {
        let scope = format!(" xmlns=\"{SWID}\" xmlns:h=\"{SHA384}\"");
        let start = format!(
            "<SoftwareIdentity{scope} name=\"{0}\" tagId=\"test\"><Entity name=\"NVIDIA Corporation\"></Entity>\
             <Meta xmlns:t=\"{TCG}\" PayloadType=\"direct\" colloquialVersion=\"{1}\" edition=\"{2}\" product=\"{0}\" \
             revision=\"r1\" t:FirmwareManufacturer=\"NVIDIA Corporation\"></Meta><Payload>{3}</Payload>",
            self.product,
            self.version,
            self.edition,
            self.resources(),
        );
        let end = "</SoftwareIdentity>";
        let digest = Base64::encode_string(&Sha384::digest(format!("{start}{end}")));
        let signed_info = |scope: &str| {
            format!(
                "<ds:SignedInfo{scope}><ds:CanonicalizationMethod Algorithm=\"{C14N}\"></ds:CanonicalizationMethod>\
                 <ds:SignatureMethod Algorithm=\"{}\"></ds:SignatureMethod><ds:Reference URI=\"{}\"><ds:Transforms>\
                 <ds:Transform Algorithm=\"{DSIG}enveloped-signature\"></ds:Transform>\
                 <ds:Transform Algorithm=\"{}\"></ds:Transform></ds:Transforms>\
                 <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#sha384\"></ds:DigestMethod>\
                 <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>",
                self.method, self.uri, self.transform
            )
        };
        let in_scope = format!(" xmlns=\"{SWID}\" xmlns:ds=\"{DSIG}\" xmlns:h=\"{SHA384}\"");
        let value = sign(self.signer, signed_info(&in_scope).as_bytes());
        let certificate = |certificate: &CertificatePlan| {
            let text = Base64::encode_string(&certificate.build());
            format!("<ds:X509Certificate>{text}</ds:X509Certificate>")
        };
        let certificates: String = chain.iter().map(certificate).collect();
        let signature = format!(
            "<ds:Signature xmlns:ds=\"{DSIG}\">{}<ds:SignatureValue>{}</ds:SignatureValue><ds:KeyInfo><ds:X509Data>\
             {certificates}</ds:X509Data></ds:KeyInfo></ds:Signature>",
            signed_info(""),
            Base64::encode_string(&value.to_bytes())
        );
        (self.edit)(format!("{start}{signature}{end}"))
    }

    fn resources(&self) -> String {
        let resource = |(index, is_active, values): &(String, bool, Vec<String>)| {
            let active = if *is_active { "True" } else { "False" };
            let hashes: String = values
                .iter()
                .enumerate()
                .map(|(number, value)| format!(" h:Hash{number}=\"{value}\""))
                .collect();
            format!(
                "<Resource active=\"{active}\" alternatives=\"{}\" index=\"{index}\" name=\"M\" size=\"48\" \
                 type=\"Measurement\"{hashes}></Resource>",
                values.len()
            )
        };
        self.measurements.iter().map(resource).collect()
    }
}

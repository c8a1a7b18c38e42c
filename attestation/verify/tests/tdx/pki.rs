//! A platform of ours under a root of ours: evidence that is genuine in every respect, until a test changes one thing
//! before all is signed.

use attestation_verify::tdx::{Challenge, Roots};
use attestation_x509::Instant;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::bundle::{Bundle, Log, Outcome, SignedDocument};
use super::der::{bits, boolean, ecdsa_sha256, integer, name, octets, oid, sequence, tlv, utc_time};
use super::documents::{qe_identity, tcb_info};

pub(crate) const AT: &str = "2026-01-15T00:00:00Z";
const SGX_EXTENSION: [u32; 7] = [1, 2, 840, 113_741, 1, 13, 1];
const FROM: &str = "2025-01-01T00:00:00Z";
const TO: &str = "2032-01-01T00:00:00Z";
/// `digitalSignature`, `nonRepudiation`.
pub(crate) const SIGNS_DATA: [u8; 2] = [6, 0xC0];
/// `keyCertSign`, `cRLSign`.
pub(crate) const SIGNS_CERTIFICATES: [u8; 2] = [1, 0x06];

/// A key by its number: the scalar is that number in every byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key(pub(crate) u8);

pub(crate) const ROOT: Key = Key(1);
pub(crate) const CA: Key = Key(2);
pub(crate) const PCK: Key = Key(3);
pub(crate) const TCB_SIGNING: Key = Key(4);
pub(crate) const ATTESTATION: Key = Key(5);
pub(crate) const STRANGER: Key = Key(6);

impl Key {
    fn secret(self) -> SigningKey {
        SigningKey::from_slice(&[self.0; 32]).unwrap()
    }

    /// X and Y.
    pub(crate) fn public(self) -> Vec<u8> {
        self.secret().verifying_key().to_sec1_point(false).as_bytes()[1..].to_vec()
    }

    /// R and S.
    pub(crate) fn sign(self, message: &[u8]) -> Vec<u8> {
        let signature: Signature = self.secret().sign(message);
        signature.to_bytes().to_vec()
    }

    /// `SIGNED{…}`.
    fn envelope(self, content: Vec<u8>) -> Vec<u8> {
        let signature: Signature = self.secret().sign(&content);
        sequence(&[content, ecdsa_sha256(), bits(signature.to_der().as_bytes())])
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Certificate {
    pub(crate) subject: &'static str,
    pub(crate) issuer: &'static str,
    pub(crate) serial: u16,
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
    pub(crate) key: Key,
    pub(crate) signer: Key,
    /// Contents of the basic constraints.
    pub(crate) constraints: Vec<u8>,
    pub(crate) usage: [u8; 2],
    /// Contents of Intel's extension.
    pub(crate) sgx: Option<Vec<u8>>,
}

impl Certificate {
    fn authority(subject: &'static str, serial: u16, key: Key, below: u16) -> Self {
        let constraints = [boolean(true), integer(below)].concat();
        let usage = SIGNS_CERTIFICATES;
        Self { constraints, usage, ..Self::end_entity(subject, "Intel SGX Root CA", serial, key, ROOT) }
    }

    fn end_entity(subject: &'static str, issuer: &'static str, serial: u16, key: Key, signer: Key) -> Self {
        let (from, to, usage) = (FROM, TO, SIGNS_DATA);
        Self { subject, issuer, serial, from, to, key, signer, constraints: Vec::new(), usage, sgx: None }
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        let critical = |arc, value: &[u8]| sequence(&[oid(&[2, 5, 29, arc]), boolean(true), octets(value)]);
        let sgx = self.sgx.as_ref().map(|value| sequence(&[oid(&SGX_EXTENSION), octets(value)]));
        let extensions = [
            critical(15, &tlv(0x03, &self.usage)),
            critical(19, &tlv(0x30, &self.constraints)),
            sgx.unwrap_or_default(),
        ];
        let algorithm = sequence(&[oid(&[1, 2, 840, 10045, 2, 1]), oid(&[1, 2, 840, 10045, 3, 1, 7])]);
        let content = sequence(&[
            tlv(0xA0, &integer(2)),
            integer(self.serial),
            ecdsa_sha256(),
            name(self.issuer),
            sequence(&[utc_time(self.from), utc_time(self.to)]),
            name(self.subject),
            sequence(&[algorithm, bits(&[vec![4], self.key.public()].concat())]),
            tlv(0xA3, &sequence(&extensions)),
        ]);
        self.signer.envelope(content)
    }
}

/// What Intel's extension says.
#[derive(Debug, Clone)]
pub(crate) struct Sgx {
    pub(crate) components: [u8; 16],
    pub(crate) pce_svn: u16,
    pub(crate) pce_id: [u8; 2],
    pub(crate) fmspc: [u8; 6],
    pub(crate) has_instance: bool,
}

impl Sgx {
    pub(crate) fn der(&self) -> Vec<u8> {
        let field = |arcs: &[u32], value| sequence(&[oid(&[&SGX_EXTENSION, arcs].concat()), value]);
        let components = (1..).zip(self.components);
        let mut tcb: Vec<Vec<u8>> =
            components.map(|(number, svn)| field(&[2, number], integer(svn.into()))).collect();
        tcb.push(field(&[2, 17], integer(self.pce_svn)));
        tcb.push(field(&[2, 18], octets(&self.components)));
        let mut fields = vec![
            field(&[1], octets(&[0x11; 16])),
            field(&[2], sequence(&tcb)),
            field(&[3], octets(&self.pce_id)),
            field(&[4], octets(&self.fmspc)),
            field(&[5], tlv(0x0A, &[1])),
        ];
        if self.has_instance {
            let flags = [(1, true), (2, false), (3, false)];
            let flags = flags.map(|(number, flag)| field(&[7, number], boolean(flag)));
            fields.extend([field(&[6], octets(&[0x22; 16])), field(&[7], sequence(&flags))]);
        }
        sequence(&fields)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Crl {
    pub(crate) issuer: &'static str,
    pub(crate) signer: Key,
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
    pub(crate) revoked: Vec<u16>,
}

impl Crl {
    fn of(issuer: &'static str, signer: Key) -> Self {
        Self { issuer, signer, from: "2026-01-01T00:00:00Z", to: "2026-02-01T00:00:00Z", revoked: Vec::new() }
    }

    fn der(&self) -> Vec<u8> {
        let entries = self.revoked.iter().map(|serial| sequence(&[integer(*serial), utc_time(self.from)]));
        let entries: Vec<Vec<u8>> = entries.collect();
        let entries = if entries.is_empty() { Vec::new() } else { sequence(&entries) };
        let content =
            [integer(1), ecdsa_sha256(), name(self.issuer), utc_time(self.from), utc_time(self.to), entries];
        self.signer.envelope(sequence(&content))
    }
}

/// A document, and who signs it.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) member: &'static str,
    pub(crate) body: Value,
    /// In place of the body as it is written.
    pub(crate) text: Option<String>,
    pub(crate) signer: Key,
    pub(crate) chain: Vec<Certificate>,
}

impl Document {
    fn signed(&self) -> SignedDocument {
        let text = self.text.clone().unwrap_or_else(|| self.body.to_string());
        let signature: String =
            self.signer.sign(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        let body = format!("{{\"{}\":{text},\"signature\":\"{signature}\"}}", self.member);
        let issuer_chain = self.chain.iter().map(Certificate::der).collect();
        SignedDocument { body: body.into_bytes(), issuer_chain }
    }
}

/// Everything that a test may change.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) root: Certificate,
    pub(crate) ca: Certificate,
    pub(crate) pck: Certificate,
    pub(crate) sgx: Sgx,
    /// The chain in the quote: indexes into PCK, CA, root.
    pub(crate) chain: Vec<usize>,
    pub(crate) certification_data_type: u16,
    pub(crate) header: Vec<u8>,
    pub(crate) body: Vec<u8>,
    pub(crate) qe_report: Vec<u8>,
    /// Second half of the quoting enclave's `REPORTDATA`.
    pub(crate) qe_report_tail: [u8; 32],
    pub(crate) authentication_data: Vec<u8>,
    /// Whose digest the quoting enclave reports.
    pub(crate) vouched: Key,
    pub(crate) qe_signer: Key,
    pub(crate) quote_signer: Key,
    /// In place of the public key of who signs the quote; the quoting enclave vouches for it.
    pub(crate) attestation_key: Option<Vec<u8>>,
    pub(crate) trailing: Vec<u8>,
    pub(crate) crls: Vec<Crl>,
    pub(crate) tcb_info: Option<Document>,
    pub(crate) qe_identity: Option<Document>,
    pub(crate) event_log: Option<Log>,
    pub(crate) challenge: Challenge,
}

impl Default for World {
    fn default() -> Self {
        let root = Certificate::authority("Intel SGX Root CA", 1, ROOT, 1);
        let signing =
            Certificate::end_entity("Intel SGX TCB Signing", "Intel SGX Root CA", 4, TCB_SIGNING, ROOT);
        let document = |member, body| {
            let chain = vec![signing.clone(), root.clone()];
            Some(Document { member, body, text: None, signer: TCB_SIGNING, chain })
        };
        Self {
            ca: Certificate::authority("Intel SGX PCK Platform CA", 2, CA, 0),
            pck: Certificate::end_entity(
                "Intel SGX PCK Certificate",
                "Intel SGX PCK Platform CA",
                3,
                PCK,
                CA,
            ),
            sgx: Sgx {
                components: [5; 16],
                pce_svn: 13,
                pce_id: [0, 0],
                fmspc: [0x90, 0xC0, 0x6F, 0, 0, 0],
                has_instance: true,
            },
            chain: vec![0, 1, 2],
            certification_data_type: 5,
            header: header(4),
            body: body(),
            qe_report: qe_report(),
            qe_report_tail: [0; 32],
            authentication_data: (0..32).collect(),
            vouched: ATTESTATION,
            qe_signer: PCK,
            quote_signer: ATTESTATION,
            attestation_key: None,
            trailing: Vec::new(),
            crls: vec![Crl::of("Intel SGX PCK Platform CA", CA), Crl::of("Intel SGX Root CA", ROOT)],
            tcb_info: document("tcbInfo", tcb_info()),
            qe_identity: document("enclaveIdentity", qe_identity()),
            event_log: None,
            challenge: Challenge::ReportData([0x77; 64]),
            root,
        }
    }
}

impl World {
    /// One whose quote is of version 5 with a TD report 1.5, launched under module version `launch` and now under
    /// `now`.
    pub(crate) fn relaunch(launch: u8, now: u8) -> Self {
        let mut world = Self { header: header(5), ..Self::default() };
        world.body[0] = launch;
        world.body.extend(world.body[..16].to_vec());
        world.body[584] = now;
        world.body.extend([0; 48]);
        world
    }

    pub(crate) fn tcb_info(&mut self) -> &mut Value {
        &mut self.tcb_info.as_mut().unwrap().body
    }

    pub(crate) fn qe_identity(&mut self) -> &mut Value {
        &mut self.qe_identity.as_mut().unwrap().body
    }

    /// Signs everything.
    pub(crate) fn bundle(&self) -> Bundle {
        Bundle {
            quote: Some(self.quote()),
            pck_chain: Vec::new(),
            tcb_info: self.tcb_info.as_ref().map(Document::signed),
            qe_identity: self.qe_identity.as_ref().map(Document::signed),
            crls: self.crls.iter().map(Crl::der).collect(),
            event_log: self.event_log.clone(),
        }
    }

    /// Verifies it under the root that every test pins.
    pub(crate) fn verify(&self) -> Outcome {
        let root = Self::default().root.der();
        let at: Instant = AT.parse().unwrap();
        self.bundle().verify(&Roots::dangerous_other_than_intel(&root, &[]), self.challenge, at)
    }

    pub(crate) fn certificates(&self) -> [Vec<u8>; 3] {
        let mut pck = self.pck.clone();
        pck.sgx = pck.sgx.or(Some(self.sgx.der()));
        [pck.der(), self.ca.der(), self.root.der()]
    }

    fn quote(&self) -> Vec<u8> {
        let mut signed = self.header.clone();
        if self.header[0] == 5 {
            let body_type: u16 = if self.body.len() == 648 { 3 } else { 2 };
            signed.extend(body_type.to_le_bytes());
            signed.extend(length_32(&self.body));
        }
        signed.extend(&self.body);
        let key = self.attestation_key.clone().unwrap_or(self.quote_signer.public());
        let vouched = self.attestation_key.clone().unwrap_or(self.vouched.public());
        let digest = Sha256::digest([vouched, self.authentication_data.clone()].concat());
        let mut report = self.qe_report.clone();
        report.extend(digest);
        report.extend(self.qe_report_tail);
        let auth_bytes = u16::try_from(self.authentication_data.len()).unwrap().to_le_bytes();
        let pem = self.pem();
        let inner = [
            report.clone(),
            self.qe_signer.sign(&report),
            auth_bytes.to_vec(),
            self.authentication_data.clone(),
            self.certification_data_type.to_le_bytes().to_vec(),
            length_32(&pem),
            pem,
        ]
        .concat();
        let outer = [self.quote_signer.sign(&signed), key, vec![6, 0], length_32(&inner), inner].concat();
        [signed, length_32(&outer), outer, self.trailing.clone()].concat()
    }

    fn pem(&self) -> Vec<u8> {
        let certificates = self.certificates();
        let blocks = self.chain.iter().map(|index| {
            let der = &certificates[*index];
            pem_rfc7468::encode_string("CERTIFICATE", pem_rfc7468::LineEnding::LF, der).unwrap()
        });
        blocks.collect::<String>().into_bytes()
    }
}

fn length_32(bytes: &[u8]) -> Vec<u8> {
    u32::try_from(bytes.len()).unwrap().to_le_bytes().to_vec()
}

fn header(version: u8) -> Vec<u8> {
    let vendor =
        [0x93, 0x9A, 0x72, 0x33, 0xF7, 0x9C, 0x4C, 0xA9, 0x94, 0x0A, 0x0D, 0xB3, 0x95, 0x7F, 0x06, 0x07];
    let start = [version, 0, 2, 0, 0x81, 0, 0, 0, 0, 0, 0, 0];
    [start.as_slice(), &vendor, &[0; 20]].concat()
}

/// Module version 3.5, SEPT_VE_DISABLE, registers that were never extended.
fn body() -> Vec<u8> {
    let mut body = vec![0; 584];
    body[..3].copy_from_slice(&[5, 3, 5]);
    body[123] = 0x10;
    body[128] = 0xE7;
    body[520..].fill(0x77);
    body
}

/// Without its `REPORTDATA`.
fn qe_report() -> Vec<u8> {
    let mut report = vec![0; 320];
    report[48] = 0x15;
    report[128..160].fill(0xDC);
    report[256] = 2;
    report[258] = 4;
    report
}

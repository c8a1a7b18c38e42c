//! The signature of a RIM: the one shape of XML-DSig that NVIDIA writes, and no other.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use attestation_signature::{P384Point, P384Signature, SignatureVerifier};
use roxmltree::{Document, Node, NodeId, ParsingOptions};
use sha2::{Digest, Sha384};

use crate::canonical::canonicalize;
use crate::elements::{base64, children, elements, expect, no_attributes, only_attribute};
use crate::limits::{self, TAGS_MAX};
use crate::{Rim, RimError};

const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
const C14N_1_1: &str = "http://www.w3.org/2006/12/xml-c14n11";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const ECDSA_SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384";
const SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#sha384";
/// The most certificates in `KeyInfo`; known RIMs have 2 to 4.
const CERTIFICATES_MAX: usize = 8;

/// A file with one signature over all of it. Nobody has checked the signature, and the rest was not looked at.
#[derive(Debug)]
pub struct SignedRim<'a> {
    document: Document<'a>,
    /// Of the document without its signature, as it is and as it was signed.
    digest: Vec<u8>,
    signed_digest: Vec<u8>,
    /// Canonical form of `SignedInfo`.
    signed_info: Vec<u8>,
    signature: Vec<u8>,
    certificates: Vec<Vec<u8>>,
}

impl<'a> SignedRim<'a> {
    /// Reads a file and its signature.
    ///
    /// # Errors
    /// More than a RIM has, not XML, or a signature that is not exactly: one `Signature`, last child of the root, that
    /// refers to the whole document (`URI=""`), removes itself, canonicalises with Canonical XML 1.1 without comments, and
    /// is ECDSA over SHA-384 with certificates in `KeyInfo`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, RimError> {
        let text = limits::check(bytes)?;
        // Each tag has one text behind it at most; one more for the document.
        let nodes_limit = u32::try_from(TAGS_MAX.saturating_mul(2).saturating_add(1)).unwrap_or(u32::MAX);
        let options = ParsingOptions { allow_dtd: false, nodes_limit, entity_resolver: None };
        let document = Document::parse_with_options(text, options)
            .map_err(|error| RimError::Xml { found: error.to_string() })?;
        let signature = find_signature(&document)?;
        no_attributes(signature, "Signature")?;
        let parts = [(DSIG, "SignedInfo"), (DSIG, "SignatureValue"), (DSIG, "KeyInfo")];
        let [signed_info, signature_value, key_info] = children(signature, "Signature", parts)?;
        let signed_digest = read_signed_info(signed_info)?;
        Ok(Self {
            digest: digest(document.root(), signature.id())?,
            signed_digest,
            signed_info: canonical(signed_info)?,
            signature: base64(signature_value, "SignatureValue")?,
            certificates: read_key_info(key_info)?,
            document,
        })
    }

    /// Certificates in `KeyInfo` as they stand there, which should be DER: the signer first, then its issuers. Whose they
    /// are, nothing here says.
    #[must_use]
    pub fn certificates(&self) -> &[Vec<u8>] {
        &self.certificates
    }

    /// What `key` signed, as `by` computes it. Only the document whose digest was signed is read.
    ///
    /// # Errors
    /// Another content than the signed one, another signer than `key`, or a content that no RIM has.
    pub fn verify(&self, key: &P384Point, by: &dyn SignatureVerifier) -> Result<Rim, RimError> {
        let signature = <&P384Signature>::try_from(self.signature.as_slice());
        let is_signed =
            signature.is_ok_and(|signature| by.ecdsa_p384_sha384(key, &self.signed_info, signature));
        if !is_signed {
            return Err(RimError::SignatureValue);
        }
        if self.digest != self.signed_digest {
            return Err(RimError::Digest {
                expected: hex::encode(&self.signed_digest),
                found: hex::encode(&self.digest),
            });
        }
        Rim::read(self.document.root_element())
    }
}

/// The only `Signature` of the document. A second one, or one elsewhere, could sign something that is not what is read.
fn find_signature<'a, 'input>(document: &'a Document<'input>) -> Result<Node<'a, 'input>, RimError> {
    let mut signatures = document.descendants().filter(|node| node.tag_name().name() == "Signature");
    let (first, second) = (signatures.next(), signatures.next());
    let wrong = |found: String| RimError::field("Signature", "one, the last child of the root", found);
    let signature = match (first, second) {
        (Some(signature), None) => signature,
        (None, _) => return Err(wrong("none".into())),
        (Some(_), Some(_)) => return Err(wrong(format!("{} of them", signatures.count().saturating_add(2)))),
    };
    let root = document.root_element();
    if signature.parent() != Some(root) || root.last_element_child() != Some(signature) {
        let parent = signature.parent().map_or("nothing", |parent| parent.tag_name().name());
        return Err(wrong(format!("one in {parent}, elsewhere")));
    }
    if !signature.has_tag_name((DSIG, "Signature")) {
        return Err(wrong("one of another namespace".into()));
    }
    Ok(signature)
}

/// The digest that was signed.
fn read_signed_info(signed_info: Node<'_, '_>) -> Result<Vec<u8>, RimError> {
    no_attributes(signed_info, "SignedInfo")?;
    let parts = [(DSIG, "CanonicalizationMethod"), (DSIG, "SignatureMethod"), (DSIG, "Reference")];
    let [canonicalization, method, reference] = children(signed_info, "SignedInfo", parts)?;
    check_algorithm(canonicalization, "CanonicalizationMethod", C14N_1_1)?;
    check_algorithm(method, "SignatureMethod", ECDSA_SHA384)?;
    let uri = only_attribute(reference, "Reference", "URI")?;
    expect("Reference URI", "", uri)?;
    let parts = [(DSIG, "Transforms"), (DSIG, "DigestMethod"), (DSIG, "DigestValue")];
    let [transforms, digest_method, digest_value] = children(reference, "Reference", parts)?;
    no_attributes(transforms, "Transforms")?;
    let parts = [(DSIG, "Transform"), (DSIG, "Transform")];
    let [enveloped, canonical] = children(transforms, "Transforms", parts)?;
    check_algorithm(enveloped, "first Transform", ENVELOPED)?;
    check_algorithm(canonical, "second Transform", C14N_1_1)?;
    check_algorithm(digest_method, "DigestMethod", SHA384)?;
    base64(digest_value, "DigestValue")
}

fn canonical(apex: Node<'_, '_>) -> Result<Vec<u8>, RimError> {
    let mut bytes = Vec::new();
    canonicalize(apex, None, |piece| bytes.extend_from_slice(piece.as_bytes()))?;
    Ok(bytes)
}

/// SHA-384 of the canonical form of `apex` without `omitted`.
fn digest(apex: Node<'_, '_>, omitted: NodeId) -> Result<Vec<u8>, RimError> {
    let mut hash = Sha384::new();
    canonicalize(apex, Some(omitted), |piece| hash.update(piece))?;
    Ok(hash.finalize().to_vec())
}

fn check_algorithm(node: Node<'_, '_>, field: &'static str, expected: &str) -> Result<(), RimError> {
    expect(field, expected, only_attribute(node, field, "Algorithm")?)?;
    let [] = children(node, field, [])?;
    Ok(())
}

fn read_key_info(key_info: Node<'_, '_>) -> Result<Vec<Vec<u8>>, RimError> {
    no_attributes(key_info, "KeyInfo")?;
    let [data] = children(key_info, "KeyInfo", [(DSIG, "X509Data")])?;
    no_attributes(data, "X509Data")?;
    let mut certificates = Vec::new();
    for element in elements(data, "X509Data")? {
        if !element.has_tag_name((DSIG, "X509Certificate")) {
            return Err(RimError::field("X509Data", "X509Certificate", element.tag_name().name()));
        }
        if certificates.len() == CERTIFICATES_MAX {
            let found = elements(data, "X509Data")?.count();
            return Err(RimError::TooMuch { what: "certificates", limit: CERTIFICATES_MAX, found });
        }
        certificates.push(base64(element, "X509Certificate")?);
    }
    Ok(certificates)
}

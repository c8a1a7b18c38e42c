//! Objects of AMD's Key Distribution Service.

use attestation_report::{ProductLine, TcbParts};
use attestation_x509::amd::{CertifiedTcb, EndorsementFields, Endorses, KeyKind, common_name};
use attestation_x509::{Certificate, Crl};

use super::{CHAIN_KEPT, Holds, ObjectError, expect};
use crate::ChipKey;
use crate::chain_header::read_chain;

/// A VCEK of this chip and this firmware.
pub(super) fn check_vcek(body: &[u8], key: &ChipKey) -> Result<Holds, ObjectError> {
    let certificate = Certificate::parse(body)?;
    expect("VCEK subject", KeyKind::Vcek.common_name(), common_name(certificate.subject())?)?;
    let fields = EndorsementFields::read(&certificate, KeyKind::Vcek)?;
    expect("VCEK product", key.line().name(), fields.product_name.line())?;
    let chip = match &fields.endorses {
        Endorses::Chip(id) => hex::encode(id),
        Endorses::Provider(name) => name.clone(),
    };
    expect("VCEK hardware id", &hex::encode(key.hardware_id()), &chip)?;
    expect("VCEK firmware", &shown(key.tcb()), &shown(parts(fields.tcb)))?;
    Ok(Holds::Always)
}

/// ASK or ASVK, then ARK.
pub(super) fn check_chain(body: &[u8], line: ProductLine, kind: KeyKind) -> Result<Holds, ObjectError> {
    let chain = read_chain(body)?;
    let [authority, root] = chain.as_slice() else {
        return Err(ObjectError::field("certificates", "2", chain.len().to_string()));
    };
    let name = match kind {
        KeyKind::Vcek => format!("SEV-{line}"),
        KeyKind::Vlek => format!("SEV-VLEK-{line}"),
    };
    expect("subject of the first certificate", &name, common_name(authority.subject())?)?;
    expect("subject of the second certificate", &ark(line), common_name(root.subject())?)?;
    Ok(Holds::For(CHAIN_KEPT))
}

/// The list of this line's ARK.
pub(super) fn check_crl(body: &[u8], line: ProductLine) -> Result<Holds, ObjectError> {
    let crl = Crl::parse(body)?;
    expect("CRL issuer", &ark(line), common_name(crl.issuer())?)?;
    Ok(Holds::of_crl(&crl))
}

fn ark(line: ProductLine) -> String {
    format!("ARK-{line}")
}

fn parts(tcb: CertifiedTcb) -> TcbParts {
    let CertifiedTcb { fmc, boot_loader, tee, snp, microcode } = tcb;
    TcbParts { fmc, boot_loader, tee, snp, microcode }
}

fn shown(tcb: TcbParts) -> String {
    let fmc = tcb.fmc.map(|fmc| format!("FMC {fmc}, ")).unwrap_or_default();
    let TcbParts { boot_loader, tee, snp, microcode, .. } = tcb;
    format!("{fmc}boot loader {boot_loader}, TEE {tee}, SNP {snp}, microcode {microcode}")
}

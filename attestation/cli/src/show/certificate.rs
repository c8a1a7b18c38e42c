//! Certificates and revocation lists.

use attestation_report::TcbParts;
use attestation_x509::amd::{self, CertifiedTcb, EndorsementFields, Endorses, KeyKind};
use attestation_x509::intel::{PckFields, Role};
use attestation_x509::nvidia::DeviceFields;
use attestation_x509::{Certificate, Crl};

use super::{Fields, hex};

pub(super) fn certificate(fields: &mut Fields, bytes: &[u8]) -> Result<(), String> {
    let certificate = Certificate::parse(bytes).map_err(|error| error.to_string())?;
    fields.explained("subject", certificate.subject(), role(&certificate));
    fields.plain("issuer", certificate.issuer());
    fields.plain("serial number", certificate.serial_hex());
    let validity = certificate.validity();
    fields.plain("not before", validity.not_before);
    fields.plain("not after", validity.not_after);
    fields.plain("key", certificate.key());
    fields.plain("signed with", certificate.signature_algorithm());
    if let Some(kind) = vek_kind(&certificate) {
        show_endorsement(fields, &certificate, kind);
    }
    if Role::of(certificate.subject()).is_ok_and(|role| role == Role::Pck) {
        show_platform(fields, &certificate);
    }
    if let Ok(device) = DeviceFields::read(&certificate) {
        show_device(fields, &device);
    }
    Ok(())
}

fn vek_kind(certificate: &Certificate) -> Option<KeyKind> {
    let name = amd::common_name(certificate.subject()).ok()?;
    [KeyKind::Vcek, KeyKind::Vlek].into_iter().find(|kind| kind.common_name() == name)
}

/// What a certificate is by its name, whoever signed it.
fn role(certificate: &Certificate) -> String {
    let name = certificate.subject().common_name().unwrap_or_default();
    if let Some(kind) = vek_kind(certificate) {
        return format!("{kind}: signs reports");
    }
    if let Ok(role) = Role::of(certificate.subject()) {
        return match role {
            Role::Pck => "PCK: signs reports of quoting enclaves".into(),
            Role::Root => "Intel root key".into(),
            Role::TcbSigning => "signs TCB info and QE identities".into(),
            _ => "signs PCK certificates".into(),
        };
    }
    match name {
        _ if name.starts_with("ARK-") => "AMD root key".into(),
        _ if name.starts_with("SEV-VLEK-") => "AMD signing key of VLEKs (ASVK)".into(),
        _ if name.starts_with("SEV-") => "AMD signing key of VCEKs (ASK)".into(),
        _ => String::new(),
    }
}

fn show_endorsement(fields: &mut Fields, certificate: &Certificate, kind: KeyKind) {
    let read = match EndorsementFields::read(certificate, kind) {
        Ok(read) => read,
        Err(error) => return fields.explained("extensions", "not those of its kind", error.to_string()),
    };
    fields.plain("product", read.product_name.as_str());
    fields.plain("struct version", read.struct_version);
    let CertifiedTcb { fmc, boot_loader, tee, snp, microcode } = read.tcb;
    fields.plain("TCB", TcbParts { fmc, boot_loader, tee, snp, microcode });
    match read.endorses {
        Endorses::Chip(id) => fields.plain("hardware id", hex(&id)),
        Endorses::Provider(name) => fields.plain("CSP id", name),
    }
}

fn show_platform(fields: &mut Fields, certificate: &Certificate) {
    let pck = match PckFields::read(certificate) {
        Ok(pck) => pck,
        Err(error) => return fields.explained("SGX extension", "not that of its kind", error.to_string()),
    };
    fields.hex("PPID", &pck.ppid);
    fields.hex("FMSPC", &pck.fmspc);
    fields.hex("PCE-ID", &pck.pce_id);
    let components: Vec<String> = pck.sgx_components.iter().map(ToString::to_string).collect();
    fields.plain("SGX components", components.join(" "));
    fields.plain("PCESVN", pck.pce_svn);
    fields.plain("SGX type", format!("{:?}", pck.sgx_type));
    let flag = |flag: Option<bool>| flag.map_or("not known", |flag| if flag { "yes" } else { "no" });
    if let Some(configuration) = pck.configuration {
        fields.plain("dynamic platform", flag(configuration.dynamic_platform));
        fields.plain("cached keys", flag(configuration.cached_keys));
        fields.plain("SMT", flag(configuration.smt_enabled));
    }
}

fn show_device(fields: &mut Fields, device: &DeviceFields) {
    fields.plain("product", &device.info.product);
    fields.plain("chip serial number", &device.info.serial_number);
    device.fwids.iter().for_each(|fwid| fields.hex("FWID", fwid));
}

pub(super) fn revocation_list(fields: &mut Fields, bytes: &[u8]) -> Result<(), String> {
    let list = Crl::parse(bytes).map_err(|error| error.to_string())?;
    fields.plain("issuer", list.issuer());
    fields.plain("this update", list.this_update());
    fields.plain("next update", list.next_update());
    let count = list.revoked().count();
    fields.plain("revoked", format!("{count} certificates"));
    list.revoked().for_each(|serial| fields.plain("serial number", hex(serial)));
    Ok(())
}

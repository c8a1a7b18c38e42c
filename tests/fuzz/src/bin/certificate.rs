//! Certificates: one spelling, and what AMD's, Intel's and NVIDIA's extensions make of arbitrary ones.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_signature::RustCrypto;
use attestation_x509::amd::{EndorsementFields, KeyKind, common_name};
use attestation_x509::{CERTIFICATE_MAX_BYTES, Certificate};
use tests_fuzz::{Budget, Target};

fn main() -> ExitCode {
    // What the arithmetic of RSA prepares, and tables of the elliptic curves.
    let budget = Budget::with(64 * 1024);
    Target { name: "certificate", max_bytes: CERTIFICATE_MAX_BYTES + 1, budget, run }.drive()
}

fn run(input: &[u8]) {
    let certificate = match Certificate::parse(input) {
        Ok(certificate) => certificate,
        Err(error) => return drop(error.to_string()),
    };
    let _shown =
        (certificate.subject().to_string(), certificate.issuer().to_string(), certificate.serial_hex());
    let _ordered = certificate.validity().not_before <= certificate.validity().not_after;
    if certificate.is_self_issued() {
        let _signed = certificate.is_signed_by(certificate.key(), &RustCrypto);
    }
    drop(certificate.extensions().authority().map_err(|error| error.to_string()));
    drop(common_name(certificate.subject()).map_err(|error| error.to_string()));
    for kind in [KeyKind::Vcek, KeyKind::Vlek] {
        if let Ok(fields) = EndorsementFields::read(&certificate, kind) {
            assert!(fields.struct_version <= 1 && fields.tcb.fmc.is_some() == (fields.struct_version == 1));
            assert!(!fields.product_name.line().is_empty() || fields.product_name.as_str().starts_with('-'));
        }
    }
}

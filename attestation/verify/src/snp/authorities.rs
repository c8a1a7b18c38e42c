//! AMD's ASKs and ASVKs, for evidence that comes without: hosts often supply no chain, and everybody can have these from
//! AMD. They are no roots; a chain through them is verified like any other.
//!
//! Source: `https://kdsintf.amd.com/{vcek,vlek}/v1/{Milan,Genoa,Turin}/cert_chain`, first certificate, DER; the files are
//! those of `confidential-dot-ai/attestation-rs` (MIT), commit 67ee36f86f16, `crates/attestation/certs/amd`.

/// ASK and ASVK of each line, DER. Genoa's is the second of its name; the first, serial number 0x20001, is revoked.
pub const AUTHORITIES: [&[u8]; 6] = [
    include_bytes!("authorities/ask-milan.der"),
    include_bytes!("authorities/asvk-milan.der"),
    include_bytes!("authorities/ask-genoa.der"),
    include_bytes!("authorities/asvk-genoa.der"),
    include_bytes!("authorities/ask-turin.der"),
    include_bytes!("authorities/asvk-turin.der"),
];

#[cfg(test)]
mod tests {
    use attestation_signature::RustCrypto;
    use attestation_x509::{Certificate, amd};

    use super::*;
    use crate::snp::Roots;

    #[test]
    fn each_is_signed_by_a_pinned_root() {
        let roots = Roots::default();
        let roots: Vec<Certificate> =
            roots.iter().map(|root| Certificate::parse(root.certificate).unwrap()).collect();
        let mut names = Vec::new();
        for bytes in AUTHORITIES {
            let certificate = Certificate::parse(bytes).unwrap();
            assert!(
                roots.iter().any(|root| certificate.is_signed_by(root.key(), &RustCrypto)),
                "{}",
                certificate.subject()
            );
            names.push(amd::common_name(certificate.subject()).unwrap().to_owned());
        }
        assert_eq!(
            names,
            ["SEV-Milan", "SEV-VLEK-Milan", "SEV-Genoa", "SEV-VLEK-Genoa", "SEV-Turin", "SEV-VLEK-Turin"]
        );
    }
}

//! Roots that are trusted: AMD's three, pinned as whole certificates.
//!
//! Source: `https://kdsintf.amd.com/vcek/v1/{Milan,Genoa,Turin}/cert_chain`, second certificate, DER; the files are those
//! of `confidential-dot-ai/attestation-rs` (MIT), commit 67ee36f86f16, `crates/attestation/certs/amd/*/ark.der`.
//! SHA-256: Milan 69d063b45344d26a…, Genoa 4c6598d19c18719c…, Turin 1f084161a44bb6d9….

use attestation_report::ProductLine;

/// A root: whose line it is, and its certificate as DER.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Root<'a> {
    /// Line of products below it.
    pub line: ProductLine,
    /// The whole certificate; another one for the same key is another root.
    pub certificate: &'a [u8],
}

/// A set of roots. It has at least one: an empty set cannot be written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roots<'a> {
    first: Root<'a>,
    more: &'a [Root<'a>],
}

impl<'a> Roots<'a> {
    /// Roots other than AMD's, for tests of a whole chain. The command has no way to get here.
    #[must_use]
    pub const fn dangerous_other_than_amd(first: Root<'a>, more: &'a [Root<'a>]) -> Self {
        Self { first, more }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Root<'a>> {
        core::iter::once(&self.first).chain(self.more)
    }
}

/// AMD's.
impl Default for Roots<'static> {
    fn default() -> Self {
        const MILAN: Root<'static> =
            Root { line: ProductLine::Milan, certificate: include_bytes!("roots/ark-milan.der") };
        const MORE: [Root<'static>; 2] = [
            Root { line: ProductLine::Genoa, certificate: include_bytes!("roots/ark-genoa.der") },
            Root { line: ProductLine::Turin, certificate: include_bytes!("roots/ark-turin.der") },
        ];
        Self { first: MILAN, more: &MORE }
    }
}

#[cfg(test)]
mod tests {
    use attestation_signature::RustCrypto;
    use attestation_x509::{Certificate, amd};

    use super::*;

    #[test]
    fn every_pinned_root_signed_itself_and_names_its_line() {
        let roots = Roots::default();
        assert_eq!(roots.iter().count(), 3);
        for root in roots.iter() {
            let certificate = Certificate::parse(root.certificate).unwrap();
            assert!(certificate.is_signed_by(certificate.key(), &RustCrypto), "{}", root.line);
            let name = amd::common_name(certificate.subject()).unwrap();
            assert_eq!(name, format!("ARK-{}", root.line));
            assert_eq!(certificate.subject(), certificate.issuer());
            assert!(certificate.extensions().authority().unwrap().signs_crls);
        }
    }
}

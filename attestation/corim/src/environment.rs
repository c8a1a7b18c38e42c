//! Whose measurement it is.

/// Whose report a measurement is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// AMD SEV-SNP: `MEASUREMENT`.
    Snp,
    /// Intel TDX: `MRTD`.
    Tdx,
}

/// `class-map` of an environment.
pub(crate) enum Class {
    /// `class-id`, alone.
    Oid(&'static [u8]),
    /// `vendor` and `model`.
    Named(&'static str, &'static str),
}

/// draft-deeglaze-amd-sev-snp-corim-profile, "AMD SEV-SNP Target Environment": 1.3.6.1.4.1.3704.3.1 for reports that a VCEK
/// signs, …3.2 for those of a VLEK. With the DER header, which RFC 9090 leaves out: the draft states these bytes, and
/// verifiers compare bytes.
const SNP_BY_CHIP: &[u8] = &[0x06, 0x09, 0x2B, 0x06, 0x01, 0x04, 0x01, 0x9C, 0x78, 0x03, 0x01];
const SNP_BY_CSP: &[u8] = &[0x06, 0x09, 0x2B, 0x06, 0x01, 0x04, 0x01, 0x9C, 0x78, 0x03, 0x02];

/// The same, "AMD SEV-SNP measurements".
const SNP_MKEY: u16 = 641;
/// draft-cds-rats-intel-corim-profile, "The tee.mrtee and tee.mrsigner Measurement Extension": the extension's code point
/// as the key of a plain `digests-type`.
const TDX_MKEY: u16 = 83;

impl Platform {
    /// Environments that report the measurement.
    pub(crate) const fn classes(self) -> &'static [Class] {
        match self {
            // Which key signs is not known before the report is there.
            Self::Snp => &[Class::Oid(SNP_BY_CHIP), Class::Oid(SNP_BY_CSP)],
            // Intel's profile assigns no OID to a trust domain.
            Self::Tdx => &[Class::Named("Intel Corporation", "TDX")],
        }
    }

    /// `mkey` of the measurement.
    pub(crate) const fn mkey(self) -> u16 {
        match self {
            Self::Snp => SNP_MKEY,
            Self::Tdx => TDX_MKEY,
        }
    }
}

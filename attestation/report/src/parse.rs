//! From bytes to a [`SnpReport`], in two steps: structure, and contents that the version prescribes.
//!
//! Structure is what has to hold before a signature can be checked. Contents are signed, so a verifier looks at them
//! after the signature: then a changed byte shows as what it is, a broken signature.

use zerocopy::{FromBytes, IntoBytes};

use crate::{
    GuestPolicy, NEWEST_VERSION, OLDEST_VERSION, PlatformInfo, REPORT_BYTES,
    SIGNATURE_ALGORITHM_ECDSA_P384_SHA384, SIGNATURE_PADDING_OFFSET, SIGNED_BYTES, SnpReport,
};

/// Bytes that are not a report. Whoever supplied them is guilty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// Too short.
    #[error("report: expected {REPORT_BYTES} bytes, found only {found}")]
    Truncated {
        /// Bytes found.
        found: usize,
    },
    /// Too long.
    #[error("report: expected {REPORT_BYTES} bytes, found {found}")]
    TrailingBytes {
        /// Bytes found.
        found: usize,
    },
    /// A version whose layout is not known here.
    #[error("report version: expected {OLDEST_VERSION} to {NEWEST_VERSION}, found {found}")]
    Version {
        /// Version found.
        found: u32,
    },
    /// Signed with something else than ECDSA P-384.
    #[error("report signature algorithm: expected {SIGNATURE_ALGORITHM_ECDSA_P384_SHA384}, found {found}")]
    SignatureAlgorithm {
        /// Algorithm found.
        found: u32,
    },
    /// A byte of the signature field that belongs neither to R nor to S is not zero.
    #[error("report byte {offset:#05x} pads the signature: expected 0, found {found:#04x}")]
    SignaturePadding {
        /// Offset in the report.
        offset: usize,
        /// Value found.
        found: u8,
    },
    /// A byte that the report's version reserves is not zero.
    #[error("report byte {offset:#05x} is reserved: expected 0, found {found:#04x}")]
    Reserved {
        /// Offset in the report.
        offset: usize,
        /// Value found.
        found: u8,
    },
}

/// CPUID signature of the chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuId {
    /// Family, extended and base added.
    pub family: u8,
    /// Model, extended and base combined.
    pub model: u8,
    /// Stepping.
    pub stepping: u8,
}

/// Which key signed: `SIGNING_KEY` of `KEY_INFO`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SigningKeyKind(pub u32);

impl SigningKeyKind {
    /// The chip's own key.
    pub const VCEK: Self = Self(0);
    /// A cloud provider's key, loaded into the chip.
    pub const VLEK: Self = Self(1);
    /// Nobody signed.
    pub const NONE: Self = Self(7);
}

impl SnpReport {
    /// Reads a report whose contents are what its version prescribes.
    ///
    /// # Errors
    /// See [`Self::parse_structure`] and [`Self::check_contents`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ReportError> {
        let report = Self::parse_structure(bytes)?;
        report.check_contents()?;
        Ok(report)
    }

    /// Reads a report: size, version, and the padding of the signature field, which no signature covers.
    ///
    /// # Errors
    /// Wrong length, a version outside 2 to 5, or padding that is not zero.
    pub fn parse_structure(bytes: &[u8]) -> Result<Self, ReportError> {
        let found = bytes.len();
        if found > REPORT_BYTES {
            return Err(ReportError::TrailingBytes { found });
        }
        let report = Self::read_from_bytes(bytes).map_err(|_| ReportError::Truncated { found })?;
        let version = report.version.get();
        if !(OLDEST_VERSION..=NEWEST_VERSION).contains(&version) {
            return Err(ReportError::Version { found: version });
        }
        match first_nonzero(bytes, SIGNATURE_PADDING_OFFSET, REPORT_BYTES) {
            Some((offset, found)) => Err(ReportError::SignaturePadding { offset, found }),
            None => Ok(report),
        }
    }

    /// Checks what the version prescribes about contents: the signature algorithm, and zero in reserved bytes. A report
    /// that is relabelled as an older version has fields where that one has reserved bytes.
    ///
    /// # Errors
    /// Another algorithm, or the first reserved byte that is not zero.
    pub fn check_contents(&self) -> Result<(), ReportError> {
        let algorithm = self.signature_algorithm.get();
        if algorithm != SIGNATURE_ALGORITHM_ECDSA_P384_SHA384 {
            return Err(ReportError::SignatureAlgorithm { found: algorithm });
        }
        check_reserved(self.as_bytes(), self.version.get())
    }

    /// The bytes that the signature covers.
    #[must_use]
    pub fn signed_bytes(&self) -> &[u8] {
        self.as_bytes().get(..SIGNED_BYTES).unwrap_or_default()
    }

    /// Guest policy.
    #[must_use]
    pub const fn guest_policy(&self) -> GuestPolicy {
        GuestPolicy(self.policy.get())
    }

    /// Bits on the machine.
    #[must_use]
    pub const fn platform(&self) -> PlatformInfo {
        PlatformInfo(self.platform_info.get())
    }

    /// Which kind of key signed.
    #[must_use]
    pub const fn signing_key(&self) -> SigningKeyKind {
        SigningKeyKind((self.key_info.get() >> 2) & 7)
    }

    /// CPUID signature of the chip, from version 3.
    #[must_use]
    pub const fn cpuid(&self) -> Option<CpuId> {
        if self.version.get() < 3 {
            return None;
        }
        Some(CpuId { family: self.cpuid_family, model: self.cpuid_model, stepping: self.cpuid_stepping })
    }

    /// Mitigation vectors at launch and now, from version 5.
    #[must_use]
    pub const fn mitigation_vectors(&self) -> Option<(u64, u64)> {
        if self.version.get() < 5 {
            return None;
        }
        Some((self.launch_mit_vector.get(), self.current_mit_vector.get()))
    }
}

fn check_reserved(bytes: &[u8], version: u32) -> Result<(), ReportError> {
    let cpuid_start = if version < 3 { 0x188 } else { 0x18B };
    let tail_start = if version < 5 { 0x1F8 } else { 0x208 };
    let reserved = [
        (0x04C, 0x050),
        (cpuid_start, 0x1A0),
        (0x1EB, 0x1EC),
        (0x1EF, 0x1F0),
        (tail_start, SIGNED_BYTES),
        // Above the numbers R and S. Not signed: without this check one report could be written in many ways.
        (0x2D0, 0x2E8),
        (0x318, SIGNATURE_PADDING_OFFSET),
    ];
    for (start, end) in reserved {
        if let Some((offset, found)) = first_nonzero(bytes, start, end) {
            return Err(ReportError::Reserved { offset, found });
        }
    }
    Ok(())
}

fn first_nonzero(bytes: &[u8], start: usize, end: usize) -> Option<(usize, u8)> {
    let range = bytes.get(start..end).unwrap_or_default();
    (start..end).zip(range).find(|(_, byte)| **byte != 0).map(|(offset, byte)| (offset, *byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use zerocopy::FromZeros;

    use super::*;

    fn report_bytes(version: u32) -> Vec<u8> {
        let mut report = SnpReport::new_zeroed();
        report.version = version.into();
        report.signature_algorithm = SIGNATURE_ALGORITHM_ECDSA_P384_SHA384.into();
        report.as_bytes().to_vec()
    }

    fn set(bytes: &mut [u8], offset: usize) -> Result<SnpReport, ReportError> {
        bytes[offset] = 0xA5;
        let parsed = SnpReport::parse(bytes);
        bytes[offset] = 0;
        parsed
    }

    #[test]
    fn only_the_exact_length_parses() {
        let bytes = report_bytes(5);
        assert!(SnpReport::parse(&bytes).is_ok());
        for length in [0, 1, REPORT_BYTES - 1] {
            assert_eq!(SnpReport::parse(&bytes[..length]), Err(ReportError::Truncated { found: length }));
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(SnpReport::parse(&longer), Err(ReportError::TrailingBytes { found: REPORT_BYTES + 1 }));
    }

    #[test]
    fn unknown_versions_and_algorithms_are_refused() {
        for version in [0, 1, 6, u32::MAX] {
            assert_eq!(
                SnpReport::parse(&report_bytes(version)),
                Err(ReportError::Version { found: version })
            );
        }
        let mut bytes = report_bytes(3);
        bytes[0x34] = 2;
        assert_eq!(SnpReport::parse(&bytes), Err(ReportError::SignatureAlgorithm { found: 2 }));
    }

    #[test]
    fn reserved_bytes_depend_on_the_version() {
        for (version, offset) in [
            (5, 0x4C),
            (5, 0x18B),
            (5, 0x19F),
            (5, 0x1EB),
            (5, 0x1EF),
            (5, 0x208),
            (5, 0x29F),
            (2, 0x188),
            (4, 0x1F8),
        ] {
            let refused = Err(ReportError::Reserved { offset, found: 0xA5 });
            assert_eq!(set(&mut report_bytes(version), offset), refused, "version {version}");
        }
        assert_eq!(set(&mut report_bytes(3), 0x188).unwrap().cpuid().unwrap().family, 0xA5);
        assert_eq!(set(&mut report_bytes(5), 0x1F8).unwrap().mitigation_vectors(), Some((0xA5, 0)));
        assert_eq!(SnpReport::parse(&report_bytes(2)).unwrap().cpuid(), None);
        assert_eq!(SnpReport::parse(&report_bytes(4)).unwrap().mitigation_vectors(), None);
    }

    #[test]
    fn structure_says_nothing_of_signed_contents() {
        for offset in (4..SIGNED_BYTES).chain([0x2D0, 0x32F]) {
            let mut bytes = report_bytes(2);
            bytes[offset] ^= 0xA5;
            assert!(SnpReport::parse_structure(&bytes).is_ok(), "{offset:#x}");
        }
    }

    #[test]
    fn unsigned_padding_cannot_vary() {
        let mut bytes = report_bytes(5);
        for offset in (0x2D0..0x2E8).chain(0x318..0x330) {
            assert_eq!(set(&mut bytes, offset), Err(ReportError::Reserved { offset, found: 0xA5 }));
        }
        for offset in 0x330..REPORT_BYTES {
            assert_eq!(set(&mut bytes, offset), Err(ReportError::SignaturePadding { offset, found: 0xA5 }));
        }
    }

    proptest! {
        #[test]
        fn whatever_parses_has_one_spelling(
            version in 2_u32..=5,
            changes in proptest::collection::vec((0..REPORT_BYTES, any::<u8>()), 0..8),
        ) {
            let mut bytes = report_bytes(version);
            for (offset, value) in changes {
                bytes[offset] = value;
            }
            if let Ok(report) = SnpReport::parse(&bytes) {
                prop_assert_eq!(report.as_bytes(), bytes.as_slice());
                let numbers = report.signature.to_big_endian().expect("parsing has checked the padding");
                prop_assert_eq!(crate::ReportSignature::from_big_endian(&numbers), report.signature);
            }
        }
    }

    #[test]
    fn signatures_change_byte_order_and_back() {
        let mut numbers = [0; 96];
        (0..).zip(numbers.iter_mut()).for_each(|(index, byte)| *byte = index);
        let signature = crate::ReportSignature::from_big_endian(&numbers);
        assert_eq!((signature.r[0], signature.r[47], signature.s[0]), (47, 0, 95));
        assert_eq!(signature.to_big_endian(), Some(numbers));
        let padded = crate::ReportSignature { reserved: [1; 368], ..signature };
        assert_eq!(padded.to_big_endian(), None);
    }
}

//! Evidence as deterministic CBOR (RFC 8949 §4.2.1): a map with small integers as keys.

use alloc::vec::Vec;

use minicbor::{Decode, Encode};

use crate::{
    ENDORSEMENT_MAX_BYTES, EVIDENCE_MAX_BYTES, Evidence, EvidenceError, HPKE_KEY_MAX_BYTES,
    INSTANCE_KEY_BYTES, MANIFEST_MAX_BYTES, Platform, REPORT_MAX_BYTES, states_every_length,
};

const VERSION: u32 = 1;

#[derive(Encode, Decode)]
#[cbor(map)]
struct WireEvidence<'a> {
    #[n(0)]
    version: u32,
    #[n(1)]
    platform: u8,
    #[cbor(b(2), with = "minicbor::bytes")]
    report: &'a [u8],
    #[cbor(b(3), with = "minicbor::bytes")]
    endorsement: &'a [u8],
    #[cbor(n(4), with = "minicbor::bytes")]
    instance_key: [u8; INSTANCE_KEY_BYTES],
    #[cbor(b(5), with = "minicbor::bytes")]
    hpke_key: Option<&'a [u8]>,
    #[cbor(b(6), with = "minicbor::bytes")]
    manifest: &'a [u8],
}

impl Evidence {
    /// The one encoding of this evidence.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode_wire(&WireEvidence {
            version: VERSION,
            platform: self.platform as u8,
            report: &self.report,
            endorsement: &self.endorsement,
            instance_key: self.instance_key,
            hpke_key: self.hpke_key.as_deref(),
            manifest: &self.manifest,
        })
    }

    /// Reads [`Self::encode`]'s bytes and nothing else. Copies only what is there and within the limits.
    ///
    /// # Errors
    /// Too long, not CBOR, another version or platform, or not the one encoding of its content.
    pub fn decode(bytes: &[u8]) -> Result<Self, EvidenceError> {
        check_length("evidence", EVIDENCE_MAX_BYTES, bytes)?;
        if !states_every_length(bytes) {
            return Err(EvidenceError::NotDeterministic);
        }
        let mut decoder = minicbor::Decoder::new(bytes);
        let wire: WireEvidence<'_> = decoder.decode().map_err(|error| EvidenceError::Malformed {
            offset: error.position().unwrap_or_else(|| decoder.position()),
        })?;
        if wire.version != VERSION {
            return Err(EvidenceError::Version { expected: VERSION, found: wire.version });
        }
        let platform = Platform::from_number(wire.platform)
            .ok_or(EvidenceError::UnknownPlatform { found: wire.platform })?;
        wire.check_lengths()?;
        // Unknown keys, repeated keys, long forms and trailing bytes all end here.
        if encode_wire(&wire) != bytes {
            return Err(EvidenceError::NotDeterministic);
        }
        Ok(Self {
            platform,
            report: wire.report.to_vec(),
            endorsement: wire.endorsement.to_vec(),
            instance_key: wire.instance_key,
            hpke_key: wire.hpke_key.map(<[u8]>::to_vec),
            manifest: wire.manifest.to_vec(),
        })
    }
}

impl WireEvidence<'_> {
    fn check_lengths(&self) -> Result<(), EvidenceError> {
        check_length("report", REPORT_MAX_BYTES, self.report)?;
        check_length("endorsement", ENDORSEMENT_MAX_BYTES, self.endorsement)?;
        check_length("manifest", MANIFEST_MAX_BYTES, self.manifest)?;
        check_length("HPKE key", HPKE_KEY_MAX_BYTES, self.hpke_key.unwrap_or_default())?;
        match self.hpke_key {
            // An empty key would hash like an absent one.
            Some([]) => Err(EvidenceError::NotDeterministic),
            _ => Ok(()),
        }
    }
}

fn check_length(field: &'static str, limit: usize, bytes: &[u8]) -> Result<(), EvidenceError> {
    match bytes.len() {
        found if found > limit => Err(EvidenceError::TooLong { field, limit, found }),
        _ => Ok(()),
    }
}

fn encode_wire(wire: &WireEvidence<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to a `Vec` is infallible, and the derived encoder has no failure of its own.
    let done = minicbor::encode(wire, &mut bytes);
    debug_assert!(done.is_ok(), "evidence failed to encode");
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn evidence() -> Evidence {
        Evidence {
            platform: Platform::Simulated,
            report: vec![1; 40],
            endorsement: vec![2; 30],
            instance_key: [3; INSTANCE_KEY_BYTES],
            hpke_key: None,
            manifest: b"{}".to_vec(),
        }
    }

    #[test]
    fn encoding_round_trips() {
        let with_key = Evidence { hpke_key: Some(vec![7; 32]), ..evidence() };
        for evidence in [evidence(), with_key] {
            assert_eq!(Evidence::decode(&evidence.encode()).unwrap(), evidence);
        }
    }

    #[test]
    fn no_prefix_and_no_suffix_decodes() {
        let bytes = evidence().encode();
        for length in 0..bytes.len() {
            assert!(Evidence::decode(&bytes[..length]).is_err(), "prefix of {length} bytes");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(Evidence::decode(&longer), Err(EvidenceError::NotDeterministic));
    }

    #[test]
    fn limits_hold_for_every_part() {
        let too_long = [
            ("report", Evidence { report: vec![0; REPORT_MAX_BYTES + 1], ..evidence() }),
            ("endorsement", Evidence { endorsement: vec![0; ENDORSEMENT_MAX_BYTES + 1], ..evidence() }),
            ("manifest", Evidence { manifest: vec![0; MANIFEST_MAX_BYTES + 1], ..evidence() }),
            ("HPKE key", Evidence { hpke_key: Some(vec![0; HPKE_KEY_MAX_BYTES + 1]), ..evidence() }),
            ("evidence", Evidence { manifest: vec![0; EVIDENCE_MAX_BYTES], ..evidence() }),
        ];
        for (part, evidence) in too_long {
            let refused = Evidence::decode(&evidence.encode());
            assert!(
                matches!(refused, Err(EvidenceError::TooLong { field, .. }) if field == part),
                "{part}: {refused:?}"
            );
        }
        let empty_key = Evidence { hpke_key: Some(Vec::new()), ..evidence() };
        assert_eq!(Evidence::decode(&empty_key.encode()), Err(EvidenceError::NotDeterministic));
    }

    #[test]
    fn other_encodings_of_the_same_content_are_refused() {
        let bytes = evidence().encode();
        // Map of six, then key 0 with value 1: `a6 00 01 …`.
        assert_eq!(bytes[..3], [0xA6, 0x00, 0x01]);
        let long_integer = [&[0xA6, 0x00, 0x18, 0x01], &bytes[3..]].concat();
        assert_eq!(Evidence::decode(&long_integer), Err(EvidenceError::NotDeterministic));
        let indefinite = [&[0xBF], &bytes[1..], &[0xFF]].concat();
        assert_eq!(Evidence::decode(&indefinite), Err(EvidenceError::NotDeterministic));
        let passed_over = [&[0xA7][..], &bytes[1..], &[0x18, 0x63, 0x81, 0x9F, 0xFF]].concat();
        assert_eq!(Evidence::decode(&passed_over), Err(EvidenceError::NotDeterministic));
        let repeated = [&[0xA7, 0x00, 0x01], &bytes[1..]].concat();
        assert!(Evidence::decode(&repeated).is_err());
        let unknown = [&[0xA7], &bytes[1..], &[0x18, 0x63, 0x00]].concat();
        assert_eq!(Evidence::decode(&unknown), Err(EvidenceError::NotDeterministic));
        let null_key =
            [&[0xA7], &bytes[1..bytes.len() - 4], &[0x05, 0xF6], &bytes[bytes.len() - 4..]].concat();
        assert_eq!(Evidence::decode(&null_key), Err(EvidenceError::NotDeterministic));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            let _ = Evidence::decode(&bytes);
        }

        #[test]
        fn whatever_decodes_has_one_encoding(
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        ) {
            let mut bytes = evidence().encode();
            for (place, value) in changes {
                let index = place.index(bytes.len());
                bytes[index] = value;
            }
            if let Ok(evidence) = Evidence::decode(&bytes) {
                prop_assert_eq!(evidence.encode(), bytes);
            }
        }
    }

    #[test]
    fn other_versions_and_platforms_are_named() {
        let mut bytes = evidence().encode();
        bytes[2] = 2;
        assert_eq!(Evidence::decode(&bytes), Err(EvidenceError::Version { expected: 1, found: 2 }));
        bytes[2] = 1;
        bytes[4] = 9;
        assert_eq!(Evidence::decode(&bytes), Err(EvidenceError::UnknownPlatform { found: 9 }));
    }

    #[test]
    fn a_length_field_allocates_nothing() {
        // Map of one, key 2, byte string that claims 2^63 bytes.
        let lie = [0xA1, 0x02, 0x5B, 0x80, 0, 0, 0, 0, 0, 0, 0];
        assert!(matches!(Evidence::decode(&lie), Err(EvidenceError::Malformed { .. })));
    }
}

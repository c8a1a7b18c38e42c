//! Bytes that an independent encoder makes too, and bytes that are refused.

use proptest::prelude::*;

use crate::{
    CORIM_MAX_BYTES, CorimError, ID_MAX_BYTES, Platform, ReferenceManifest, ReferenceValue, VALUES_MAX,
};

/// What this script prints, with names for the long parts; `cbor2` 5 from PyPI, nothing of ours takes part. The comments
/// are the names in the CDDL of draft-ietf-rats-corim.
/// ```python
/// import cbor2
/// from cbor2 import CBORTag
///
/// def comid(name, classes, mkey, digest):
///     measurement = {0: mkey, 1: {2: [[7, digest]]}}
///     triples = [[{0: environment}, [measurement]] for environment in classes]
///     return CBORTag(506, cbor2.dumps({1: {0: name}, 4: {0: triples}}, canonical=True))
///
/// oid = "06092b060104019c7803"
/// snp = [{0: CBORTag(111, bytes.fromhex(oid + last))} for last in ("01", "02")]
/// tdx = [{1: "Intel Corporation", 2: "TDX"}]
/// rom = "redoubt:rom:" + "ab" * 32
/// tags = [comid(rom + ":snp:qemu", snp, 641, bytes([0x51] * 48)), comid(rom + ":tdx:interleaved", tdx, 83, bytes([0x7D] * 48))]
/// print(cbor2.dumps(CBORTag(501, {0: rom, 1: tags}), canonical=True).hex())
/// ```
const GOLDEN: [&str; 18] = [
    "d901f5 a2",                                    // tagged-unsigned-corim-map, corim-map
    "00 784c ROM",                                  // id
    "01 82",                                        // tags
    "d901fa 590101 a2",                             // tagged-concise-mid-tag, concise-mid-tag
    "01 a1 00 7855 ROM3a736e703a71656d75",          // tag-identity: tag-id
    "04 a1 00 82",                                  // triples: reference-triples
    "82 a1 00 a1 00 d86f4b 06092b060104019c780301", // ref-env: class: class-id, by chip
    "81 a2 00 190281",                              // ref-claims: mkey 641
    "01 a1 02 81 82 07 5830 SNP",                   // mval: digests: SHA-384
    "82 a1 00 a1 00 d86f4b 06092b060104019c780302", // the same, by CSP
    "81 a2 00 190281",
    "01 a1 02 81 82 07 5830 SNP",
    "d901fa 58bf a2", // the second tag
    "01 a1 00 785c ROM3a7464783a696e7465726c6561766564",
    "04 a1 00 81",
    "82 a1 00 a2 01 71 496e74656c20436f72706f726174696f6e 02 63 544458", // ref-env: class: vendor, model
    "81 a2 00 1853",                                                     // ref-claims: mkey 83
    "01 a1 02 81 82 07 5830 TDX",                                        // mval: digests: SHA-384
];

fn golden() -> Vec<u8> {
    let rom: String =
        format!("redoubt:rom:{}", "ab".repeat(32)).bytes().map(|byte| format!("{byte:02x}")).collect();
    let hex = GOLDEN
        .concat()
        .replace("ROM", &rom)
        .replace("SNP", &"51".repeat(48))
        .replace("TDX", &"7d".repeat(48));
    from_hex(&hex)
}

fn from_hex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn manifest() -> ReferenceManifest {
    ReferenceManifest::of_rom(
        &[0xAB; 32],
        [
            (Platform::Snp, "snp:qemu".into(), [0x51; 48]),
            (Platform::Tdx, "tdx:interleaved".into(), [0x7D; 48]),
        ],
    )
}

#[test]
fn bytes_are_those_of_an_independent_encoder() {
    let encoded = manifest().encode();
    assert_eq!(encoded, golden());
    assert_eq!(ReferenceManifest::decode(&encoded), Ok(manifest()));
    assert_eq!(manifest().check(), Ok(()));
}

#[test]
fn no_prefix_and_no_suffix_is_read() {
    let bytes = golden();
    for length in 0..bytes.len() {
        assert!(ReferenceManifest::decode(&bytes[..length]).is_err(), "prefix of {length} bytes");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(ReferenceManifest::decode(&longer), Err(CorimError::NotDeterministic));
}

/// Identifiers and digests can change, and nothing else. The second digest of SEV-SNP cannot change alone.
#[test]
fn every_other_byte_counts() {
    let bytes = golden();
    for index in 0..bytes.len() {
        for change in [0x01, 0x20, 0x80, 0xFF] {
            let mut changed = bytes.clone();
            changed[index] ^= change;
            if let Ok(read) = ReferenceManifest::decode(&changed) {
                assert_ne!(read, manifest(), "byte {index} does not count");
                let is_free =
                    |value: &ReferenceValue| value.platform == Platform::Tdx || value.digest == [0x51; 48];
                assert!(read.values.iter().all(is_free), "byte {index}");
            }
        }
    }
}

#[test]
fn other_content_is_refused() {
    let replaced = |from: &str, to: &str| {
        let (from, to, bytes) = (from_hex(from), from_hex(to), golden());
        let place = bytes.windows(from.len()).position(|window| window == from).unwrap();
        let changed = [&bytes[..place], &to, &bytes[place + from.len()..]].concat();
        ReferenceManifest::decode(&changed).unwrap_err()
    };
    // Tag 18: a signed CoRIM. Another tag, and none.
    assert_eq!(replaced("d901f5", "d2"), CorimError::Tag { found: 18 });
    assert_eq!(replaced("d901f5", "d901fa"), CorimError::Tag { found: 506 });
    assert_eq!(replaced("d901f5", ""), CorimError::Malformed { part: "file", offset: 0 });
    for (what, from, to) in [
        ("open length of the map", "d901f5 a2 00", "d901f5 bf 00"),
        ("long form of a key", "784c", "79004c"),
        ("keys out of order", "a2 00 784c", "a2 01 784c"),
        ("open length of a digest's list", "02 81 82 07", "02 9f 82 07"),
        ("SHA-256", "81 82 07", "81 82 01"),
        ("another measurement", "190281", "190282"),
        ("another class", "9c780302", "9c780303"),
        ("another environment", "02 63 544458", "02 63 544459"),
        ("another tag for tags", "d901fa 58bf", "d901f9 58bf"),
    ] {
        assert_eq!(replaced(from, to), CorimError::NotDeterministic, "{what}");
    }
    // One byte less than there is.
    assert!(matches!(replaced("58bf", "58be"), CorimError::Malformed { .. }));
}

#[test]
fn limits_hold() {
    let length = |field, limit, found| Err(CorimError::Length { field, limit, found });
    let value = |id: String| ReferenceValue { id, platform: Platform::Tdx, digest: [0; 48] };
    let manifest = |id: &str, values: Vec<ReferenceValue>| ReferenceManifest { id: id.into(), values };
    let long = "x".repeat(ID_MAX_BYTES + 1);
    for (manifest, refused) in [
        (manifest("", vec![value("a".into())]), length("id, bytes", ID_MAX_BYTES, 0)),
        (manifest(&long, vec![value("a".into())]), length("id, bytes", ID_MAX_BYTES, ID_MAX_BYTES + 1)),
        (manifest("a", vec![]), length("tags", VALUES_MAX, 0)),
        (manifest("a", vec![value("b".into()); VALUES_MAX + 1]), length("tags", VALUES_MAX, VALUES_MAX + 1)),
        (manifest("a", vec![value(String::new())]), length("tag id, bytes", ID_MAX_BYTES, 0)),
        (manifest("a", vec![value(long.clone())]), length("tag id, bytes", ID_MAX_BYTES, ID_MAX_BYTES + 1)),
    ] {
        assert_eq!(manifest.check(), refused.clone());
        assert_eq!(ReferenceManifest::decode(&manifest.encode()), refused.map(|()| manifest));
    }
    let largest = manifest(&"x".repeat(ID_MAX_BYTES), vec![value("y".repeat(ID_MAX_BYTES)); VALUES_MAX]);
    assert_eq!(ReferenceManifest::decode(&largest.encode()), Ok(largest));
    let found = CORIM_MAX_BYTES + 1;
    assert_eq!(
        ReferenceManifest::decode(&vec![0; found]),
        length("file, bytes", CORIM_MAX_BYTES, found).map(|()| manifest("", vec![]))
    );
    assert_eq!(
        ReferenceManifest::decode(&[]),
        length("file, bytes", CORIM_MAX_BYTES, 0).map(|()| manifest("", vec![]))
    );
}

#[test]
fn lengths_that_lie_allocate_nothing() {
    // 2^63 tags, and an identifier of 2^63 bytes.
    let tags = from_hex("d901f5 a2 00 61 78 01 9b 8000000000000000");
    assert_eq!(
        ReferenceManifest::decode(&tags),
        Err(CorimError::Length { field: "tags", limit: VALUES_MAX, found: 1 << 63 })
    );
    let id = from_hex("d901f5 a2 00 7b 8000000000000000");
    assert!(matches!(ReferenceManifest::decode(&id), Err(CorimError::Malformed { .. })));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let _ = ReferenceManifest::decode(&bytes);
    }

    #[test]
    fn whatever_is_read_has_one_encoding(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut bytes = golden();
        for (place, value) in changes {
            let index = place.index(bytes.len());
            bytes[index] = value;
        }
        if let Ok(read) = ReferenceManifest::decode(&bytes) {
            prop_assert_eq!(read.encode(), bytes);
        }
    }
}

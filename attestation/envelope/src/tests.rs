//! Envelopes of ours and of another library, and what is none.

use proptest::prelude::*;

use super::*;

/// Made with the package `cryptography` 50.0.2 of PyPI, in Python 3.11. Private keys are 32 bytes of 1 and of 2.
///
/// ```text
/// suite = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)
///
/// def envelope(content, keys, secret, salt, pieces):
///     stanzas = b"".join(suite.encrypt(secret, key, b"redoubt envelope reader 1") for key in keys)
///     head = b"\x89RDBTE1\n" + bytes([content, len(keys)]) + stanzas + salt
///     cipher = AESGCM(HKDF(SHA256(), 32, salt, b"redoubt envelope 1" + head).derive(secret))
///     def record(number, plaintext, last):
///         nonce = number.to_bytes(11, "big") + bytes([last])
///         return struct.pack("<I", len(plaintext)) + cipher.encrypt(nonce, plaintext, b"")
///     records = [record(number, piece, 0) for number, piece in enumerate(pieces)]
///     return head + b"".join(records) + record(len(pieces), b"", 1)
///
/// envelope(1, [first, second], bytes(range(32)), bytes(range(32, 64)), [b"attack", b" at ", b"dawn"])
/// ```
const OTHERS: &str = "895244425445310a0102\
    e76117dbc4894e1d9ed5ff9109a51e92a8c2cecd5c090c21bf51d91b37c78e39646d5b53a553826fe18849e6d025e7be\
    53889753e2406ca556617aacc813358c21d09b4fbd10a26cae6d45a9203e5ebf\
    f26c514e319b150fb10750f51e643f4cf466e7a0f114c3addadfed332bbbfd419103a4e982071d9732305891d3d877d0\
    2d159a0e36e6bc55007cf2bd3d3f9d002fbc7c51aca7ab16775810490591a2da\
    202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f\
    060000004e586450f542c057c21610fed2667de40430cac26fa7\
    0400000099e16d71d19ced656ca65dd2e02601614f5b4624\
    0400000016b36c801bd85214c562d53a7ba66a2dd56ac77b\
    00000000767ce554d926c039dec4f04b197a6570";
/// The first key as the same package writes it, and its public key.
const PEM: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VuBCIEIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB\n\
    -----END PRIVATE KEY-----\n";
const PUBLIC: &str = "a4e09292b651c278b9772c569f5fa9bb13d906b46ab68c9df9dc2b4409f8a209";

fn others() -> Vec<u8> {
    hex::decode(OTHERS).unwrap()
}

pub(crate) fn key(seed: u8) -> ReaderKey {
    ReaderKey::generate([seed; 32])
}

pub(crate) fn readers(seeds: &[u8]) -> Readers {
    let keys: Vec<_> = seeds.iter().map(|seed| key(*seed).public_key()).collect();
    Readers::new(&keys, [77; 32]).unwrap()
}

/// Long enough for a record of its own.
pub(crate) fn long(text: &str) -> Vec<u8> {
    text.repeat(RECORD_LEAST_BYTES).into_bytes()
}

/// Where records begin that pieces have of their own, and the envelope.
pub(crate) fn sealed(readers: &Readers, pieces: &[&[u8]]) -> (Vec<usize>, Vec<u8>) {
    let (mut envelope, mut bytes) = readers.begin(Content::Transcript, [5; 32]);
    let mut places = vec![bytes.len()];
    for piece in pieces {
        bytes.extend(envelope.seal(piece));
        places.push(bytes.len());
    }
    bytes.extend(envelope.finish());
    (places, bytes)
}

fn opened(bytes: &[u8], seed: u8) -> Result<Vec<u8>, EnvelopeError> {
    open(bytes.to_vec(), &key(seed), Content::Transcript)
}

#[test]
fn what_another_library_sealed_opens() {
    let first = ReaderKey::from_pem(PEM).unwrap();
    assert_eq!(hex::encode(first.public_key()), PUBLIC);
    // Bits that mean nothing are not kept.
    let again = ReaderKey::from_pem(&first.to_pem()).unwrap();
    assert_eq!((hex::encode(again.public_key()).as_str(), again.to_pem()), (PUBLIC, first.to_pem()));
    assert_eq!(open(others(), &first, Content::Transcript).unwrap(), b"attack at dawn");
    let second = PEM.replace(
        "IAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB",
        "IAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC",
    );
    let second = ReaderKey::from_pem(&second).unwrap();
    assert_eq!(open(others(), &second, Content::Transcript).unwrap(), b"attack at dawn");
    assert_eq!(open(others(), &key(3), Content::Transcript), Err(EnvelopeError::NotAReader { readers: 2 }));
}

#[test]
fn every_reader_opens_and_nobody_else() {
    let (_, bytes) = sealed(&readers(&[1, 2, 3]), &[b"one", b"", b"two"]);
    for seed in [1, 2, 3] {
        assert_eq!(opened(&bytes, seed).unwrap(), b"onetwo");
    }
    assert_eq!(opened(&bytes, 4), Err(EnvelopeError::NotAReader { readers: 3 }));
    let head = Head::parse(&bytes).unwrap();
    assert_eq!((head.content, head.readers()), (Content::Transcript, 3));
    assert!(is_envelope(&bytes) && !is_envelope(b"\x89RDBTT1\n"));
    assert_eq!(
        open(bytes, &key(1), Content::Request),
        Err(EnvelopeError::OtherContent { expected: Content::Request, found: Content::Transcript })
    );
}

#[test]
fn the_same_is_sealed_otherwise_with_another_salt_or_secret() {
    let readers = readers(&[1]);
    let sealed = |readers: &Readers, salt| {
        let (mut envelope, head) = readers.begin(Content::Transcript, [salt; 32]);
        (head, envelope.seal(&[0; RECORD_LEAST_BYTES]))
    };
    let (head, record) = sealed(&readers, 1);
    assert_eq!(sealed(&readers, 1), (head.clone(), record.clone()));
    let (other_head, other_record) = sealed(&readers, 2);
    assert_eq!(head[..head.len() - 32], other_head[..head.len() - 32], "wrapped once");
    assert_ne!(record[4..], other_record[4..]);
    let again = Readers::new(&[key(1).public_key()], [78; 32]).unwrap();
    assert_ne!(record, sealed(&again, 1).1);
    // Records of one file differ, too.
    let (mut envelope, _) = readers.begin(Content::Transcript, [1; 32]);
    assert_ne!(envelope.seal(&long("same")), envelope.seal(&long("same")));
}

#[test]
fn every_changed_bit_is_refused() {
    let (_, bytes) = sealed(&readers(&[1]), &[b"one", b"two"]);
    for index in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[index] ^= 1 << bit;
            assert!(opened(&changed, 1).is_err(), "byte {index}, bit {bit}");
        }
    }
}

/// A stanza of one who cannot read it, or of another boot, takes nothing away from the others but the authenticity of the
/// head: the key of the file is made of all of it.
#[test]
fn a_changed_stanza_of_somebody_else_is_refused() {
    let (_, mut bytes) = sealed(&readers(&[1, 2]), &[b"one"]);
    bytes[10 + 80] ^= 1;
    assert_eq!(opened(&bytes, 1), Err(EnvelopeError::Record { record: 0, offset: 10 + 2 * 80 + 32 }));
}

#[test]
fn records_that_are_cut_off_removed_moved_or_repeated_are_named() {
    let pieces = ["one", "two", "three"].map(long);
    let (places, bytes) = sealed(&readers(&[1]), &[&pieces[0], &pieces[1], &pieces[2]]);
    let near =
        |length: &usize| places.iter().any(|place| place.abs_diff(*length) < 30) || *length < places[0];
    for length in (0..bytes.len()).filter(near) {
        let expected = match places.iter().rposition(|place| *place <= length) {
            _ if length < MAGIC.len() => EnvelopeError::NotAnEnvelope,
            None => {
                EnvelopeError::ShortHead { expected: if length < 10 { 10 } else { places[0] }, found: length }
            }
            Some(record) => EnvelopeError::CutOff { record: record as u64, offset: places[record] },
        };
        assert_eq!(opened(&bytes[..length], 1), Err(expected), "{length} bytes");
    }
    let [head, one, two, three, end] = [
        &bytes[..places[0]],
        &bytes[places[0]..places[1]],
        &bytes[places[1]..places[2]],
        &bytes[places[2]..places[3]],
        &bytes[places[3]..],
    ];
    let joined = |records: &[&[u8]]| opened(&[head, &records.concat()].concat(), 1);
    let at = |record, offset| Err(EnvelopeError::Record { record, offset });
    assert_eq!(joined(&[one, two, three, end]).unwrap(), pieces.concat());
    assert_eq!(joined(&[one, three, end]), at(1, places[1]));
    assert_eq!(joined(&[two, one, three, end]), at(0, places[0]));
    assert_eq!(joined(&[one, one, two, three, end]), at(1, places[1]));
    assert_eq!(joined(&[one, two, end]), at(2, places[2]), "the end is of another place");
    assert_eq!(joined(&[one, two, three, end, end]), Err(EnvelopeError::Trailing { offset: bytes.len() }));
    assert_eq!(joined(&[one, two, three]), Err(EnvelopeError::CutOff { record: 3, offset: places[3] }));
}

#[test]
fn heads_that_say_too_much_are_refused() {
    let (places, bytes) = sealed(&readers(&[1]), &[&long("one")]);
    let with = |index: usize, byte: u8| {
        let mut changed = bytes.clone();
        changed[index] = byte;
        opened(&changed, 1)
    };
    assert_eq!(with(8, 7), Err(EnvelopeError::UnknownContent { found: 7 }));
    assert_eq!(with(9, 0), Err(EnvelopeError::Readers { found: 0 }));
    assert_eq!(with(9, 10), Err(EnvelopeError::Readers { found: 10 }));
    let expected = 10 + 9 * 80 + 32;
    let short = [&bytes[..9], &[9], &bytes[10..300]].concat();
    assert_eq!(opened(&short, 1), Err(EnvelopeError::ShortHead { expected, found: 300 }));
    assert!(with(9, 9).is_err(), "records are taken for stanzas");
    let (found, limit) = (0xFF_3000, RECORD_MAX_BYTES);
    assert_eq!(
        with(places[0] + 2, 0xFF),
        Err(EnvelopeError::RecordTooLong { record: 0, offset: places[0], limit, found })
    );
}

/// The points of small order of RFC 7748: whoever seals for one shares a secret with everybody.
#[test]
fn nothing_is_sealed_for_points_of_small_order() {
    let eight = "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800";
    let other = "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157";
    let mut one = [0; 32];
    one[0] = 1;
    let decoded = |text| hex::decode(text).unwrap().try_into().unwrap();
    for small in [[0; 32], one, decoded(eight), decoded(other)] {
        let refused = Readers::new(&[key(1).public_key(), small], [7; 32]).map(drop);
        assert_eq!(refused, Err(KeyError::Public { index: 1 }));
    }
    assert_eq!(Readers::new(&[], [7; 32]).map(drop), Err(KeyError::Count { found: 0 }));
    let many = [key(1).public_key(); 10];
    assert_eq!(Readers::new(&many, [7; 32]).map(drop), Err(KeyError::Count { found: 10 }));
    let (_, head) = Readers::new(&many[..9], [7; 32]).unwrap().begin(Content::Request, [1; 32]);
    assert_eq!(head.len() + 2 * RECORD_OVERHEAD_BYTES, usize::try_from(envelope_bytes_max(0)).unwrap());
}

#[test]
fn files_that_hold_no_key_are_refused() {
    let certificate = PEM.replace("PRIVATE KEY", "CERTIFICATE");
    let of_ed25519 = PEM.replace("BQYDK2Vu", "BQYDK2Vw");
    for text in ["", "a key", &PEM[..60], &certificate, &of_ed25519, &PEM.replace("AQEB\n", "AQE=\n")] {
        assert_eq!(ReaderKey::from_pem(text).map(drop), Err(KeyError::Private), "{text}");
    }
    assert_eq!(format!("{:?}", key(1)), "ReaderKey { .. }");
}

proptest! {
    #[test]
    fn what_was_sealed_is_opened(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..5000), 0..9)) {
        let borrowed: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        let (_, bytes) = sealed(&readers(&[1]), &borrowed);
        let plaintext = pieces.concat();
        prop_assert!(bytes.len() as u64 <= envelope_bytes_max(plaintext.len() as u64));
        prop_assert_eq!(opened(&bytes, 1).unwrap(), plaintext);
    }

    #[test]
    fn other_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(opened(&bytes, 1).is_err());
        prop_assert!(opened(&[&MAGIC[..], &[1, 1], &bytes].concat(), 1).is_err());
    }
}

/// A piece longer than a record is cut.
#[test]
fn long_pieces_are_cut() {
    let piece = vec![9; 2 * RECORD_MAX_BYTES + 5];
    let (places, bytes) = sealed(&readers(&[1]), &[&piece]);
    assert_eq!(bytes.len(), places[0] + piece.len() + 4 * RECORD_OVERHEAD_BYTES);
    assert!(opened(&bytes, 1).unwrap() == piece);
}

//! Answers in every cut, and what is none.

use proptest::prelude::*;

use super::*;

fn answer() -> Vec<u8> {
    [
        encode_stream(Stream::Output, b"out"),
        encode_stream(Stream::Log, b"log"),
        encode_stream(Stream::Output, b"put"),
        encode_stream(Stream::Transcript, b"learnt"),
        encode_claim(b"claim"),
        encode_end(Ending::Claimed, ""),
    ]
    .concat()
}

fn read<'p>(pieces: impl IntoIterator<Item = &'p [u8]>) -> Result<Vec<Part>, AnswerError> {
    let (mut reader, mut parts) = (AnswerReader::new(), Vec::new());
    for piece in pieces {
        reader.push(piece);
        while let Some(part) = reader.next_part()? {
            parts.push(part);
        }
    }
    reader.finish().map(|()| parts)
}

#[test]
fn an_answer_is_read_in_every_cut() {
    let bytes = answer();
    let expected = read([&bytes[..]]).unwrap();
    assert_eq!(expected[3], Part::Bytes(Stream::Transcript, b"learnt".to_vec()));
    assert_eq!(expected[5], Part::End(End { ending: Ending::Claimed, text: String::new() }));
    for size in 1..bytes.len() {
        assert_eq!(read(bytes.chunks(size)), Ok(expected.clone()), "pieces of {size}");
    }
    for length in 0..bytes.len() {
        let found = read([&bytes[..length]]);
        assert!(matches!(found, Err(AnswerError::CutOff { .. })), "{length}: {found:?}");
    }
}

#[test]
fn what_breaks_a_rule_is_named_with_its_place() {
    let claim = encode_claim(b"claim");
    let offset = claim.len() as u64;
    let end = |ending, text| encode_end(ending, text);
    let joined = |parts: &[Vec<u8>]| read([&parts.concat()[..]]);
    assert_eq!(joined(&[claim.clone(), claim.clone()]), Err(AnswerError::SecondClaim { offset }));
    assert_eq!(joined(&[claim.clone(), end(Ending::Refused, "")]), Err(AnswerError::Claim { offset }));
    assert_eq!(joined(&[end(Ending::Claimed, "")]), Err(AnswerError::Claim { offset: 0 }));
    let over = end(Ending::Gone, "");
    let offset = over.len() as u64;
    assert_eq!(joined(&[over, b"x".to_vec()]), Err(AnswerError::Trailing { offset }));
    for kind in [0, 6, 255] {
        let offset = 0;
        assert_eq!(joined(&[vec![kind, 0, 0, 0, 0]]), Err(AnswerError::Kind { offset, found: kind }));
    }
    // Before any of it has come.
    let long = [&[1][..], &u32::MAX.to_le_bytes()].concat();
    assert_eq!(joined(&[long]), Err(AnswerError::PartTooLong { offset: 0, found: u32::MAX }));
    for wrong in [&[][..], &[5], &[1, 0xFF], &[&[1][..], &[b'x'; TEXT_MAX_BYTES + 1]].concat()] {
        let length = u32::try_from(wrong.len()).unwrap().to_le_bytes();
        let bytes = [&[END][..], &length, wrong].concat();
        assert_eq!(joined(&[bytes]), Err(AnswerError::End { offset: 0 }));
    }
}

#[test]
fn long_texts_are_cut_between_letters() {
    let text = "é".repeat(TEXT_MAX_BYTES);
    let Part::End(End { ending, text }) = &read([&encode_end(Ending::Refused, &text)[..]]).unwrap()[0] else {
        panic!("an end")
    };
    assert_eq!((*ending, text.len()), (Ending::Refused, TEXT_MAX_BYTES));
}

#[test]
fn long_streams_are_cut() {
    let bytes = vec![7; 200_000];
    let encoded = [encode_stream(Stream::Log, &bytes), encode_end(Ending::Failed, "no")].concat();
    let parts = read([&encoded[..]]).unwrap();
    let pieces = parts.iter().filter_map(|part| match part {
        Part::Bytes(Stream::Log, piece) => Some(piece.as_slice()),
        _ => None,
    });
    assert_eq!(pieces.collect::<Vec<_>>().concat(), bytes);
    assert_eq!(parts.len(), 5);
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_are_as_if_they_were_whole(
        bytes in proptest::collection::vec(0..8_u8, 0..300),
        size in 1..50_usize,
    ) {
        prop_assert_eq!(read(bytes.chunks(size)), read([&bytes[..]]));
    }
}

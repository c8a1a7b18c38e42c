//! Answers to private jobs: in pieces they are the same as whole, and what was written is read back.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_submission::{
    AnswerError, AnswerReader, End, Ending, Part, Stream, encode_claim, encode_end, encode_stream,
};
use tests_fuzz::{Budget, Target};

/// Each byte of the input may become a part of its own, and the target itself has the parts that it wrote beside those that it
/// read.
const BUDGET: Budget = Budget { factor: 512, ..Budget::DEFAULT };

fn main() -> ExitCode {
    Target { name: "answer", max_bytes: 16 << 10, budget: BUDGET, run }.drive()
}

/// The first byte says what the rest is: 0 an answer, else the length of the pieces that one is written in.
fn run(input: &[u8]) {
    let Some((size, rest)) = input.split_first() else { return };
    let whole = read(core::iter::once(rest));
    assert!(read(rest.chunks(usize::from(*size).max(1))) == whole);
    if let Err(error) = whole {
        drop(error.to_string());
    }
    write_and_read(usize::from(*size).max(1), rest);
}

fn read<'p>(pieces: impl Iterator<Item = &'p [u8]>) -> Result<Vec<Part>, AnswerError> {
    let (mut reader, mut parts) = (AnswerReader::new(), Vec::new());
    for piece in pieces {
        reader.push(piece);
        while let Some(part) = reader.next_part()? {
            parts.push(part);
        }
    }
    reader.finish().map(|()| parts)
}

fn write_and_read(size: usize, bytes: &[u8]) {
    let streams = [Stream::Output, Stream::Log, Stream::Transcript];
    let mut answer = Vec::new();
    let mut expected = Vec::new();
    for (piece, stream) in bytes.chunks(size).zip(streams.into_iter().cycle()) {
        answer.extend(encode_stream(stream, piece));
        expected.push(Part::Bytes(stream, piece.to_vec()));
    }
    answer.extend(encode_claim(bytes));
    expected.push(Part::Claim(bytes.to_vec()));
    answer.extend(encode_end(Ending::Claimed, "done"));
    expected.push(Part::End(End { ending: Ending::Claimed, text: "done".to_owned() }));
    assert!(read(answer.chunks(size)) == Ok(expected));
}

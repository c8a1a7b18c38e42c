//! Frames of the control stream, cut anywhere: the same frames as without cuts, and the same bytes when written.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use enclave_wire::frame::{FRAME_BODY_MAX_BYTES, Frame, FrameError, FrameReader, encode_frame};
use tests_fuzz::{Budget, Target};

/// An allocation per frame, and a frame may be a bare header of 12 bytes: both lists of frames, doubling as they grow.
const LISTS_BYTES: usize = 64 << 10;

fn main() -> ExitCode {
    let max_bytes = FRAME_BODY_MAX_BYTES + 4096;
    Target { name: "frames", max_bytes, budget: Budget::with(LISTS_BYTES), run }.drive()
}

/// The first byte says how many of the next ones are lengths of pieces; the rest is the stream.
fn run(input: &[u8]) {
    let Some((count, rest)) = input.split_first() else { return };
    let (cuts, stream) = rest.split_at(usize::from(*count).min(rest.len()));
    let whole = read(&[stream]);
    assert!(read(&pieces(cuts, stream)) == whole, "cuts change the frames");
    let (frames, _) = whole;
    let mut written = Vec::new();
    for frame in &frames {
        assert_eq!(encode_frame(frame.kind, frame.job, &frame.body, &mut written), Ok(()));
    }
    assert!(stream.starts_with(&written));
}

fn pieces<'a>(cuts: &[u8], mut stream: &'a [u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for cut in cuts {
        let (piece, rest) = stream.split_at(usize::from(*cut).min(stream.len()));
        pieces.push(piece);
        stream = rest;
    }
    pieces.push(stream);
    pieces
}

fn read(pieces: &[&[u8]]) -> (Vec<Frame>, Option<FrameError>) {
    let (mut reader, mut frames) = (FrameReader::new(), Vec::new());
    for piece in pieces {
        reader.push(piece);
        loop {
            match reader.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
    }
    (frames, None)
}

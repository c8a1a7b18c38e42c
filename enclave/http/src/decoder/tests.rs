//! Bodies in every cut, and those that break a rule.

use super::*;

/// Decodes `input` in pieces of `step` bytes: the body, what is left of the input, and the trailers.
fn decode(
    framing: Framing,
    limits: &BodyLimits,
    input: &[u8],
    step: usize,
) -> Result<(Vec<u8>, Vec<u8>, Fields), HttpError> {
    let mut decoder = BodyDecoder::new(framing, limits)?;
    let (mut body, mut rest) = (Vec::new(), Vec::new());
    for mut piece in input.chunks(step) {
        while !decoder.is_done() && !piece.is_empty() {
            let Decoded { consumed, data } = decoder.decode(piece)?;
            assert!(consumed > 0, "no progress");
            body.extend_from_slice(data);
            piece = &piece[consumed..];
        }
        rest.extend_from_slice(piece);
    }
    if !decoder.is_done() {
        decoder.end_of_stream()?;
    }
    Ok((body, rest, decoder.take_trailers()))
}

fn chunked(input: &str) -> Result<(Vec<u8>, Vec<u8>, Fields), HttpError> {
    let at_once = decode(Framing::Chunked, &BodyLimits::DEFAULT, input.as_bytes(), usize::MAX);
    for step in 1..input.len() {
        let cut = decode(Framing::Chunked, &BodyLimits::DEFAULT, input.as_bytes(), step);
        assert_eq!(cut, at_once, "{input:?} in steps of {step}");
    }
    at_once
}

fn chunked_error(input: &str) -> HttpError {
    chunked(input).unwrap_err()
}

#[test]
fn chunks_are_joined_and_extensions_read_over() {
    let text =
        "4\r\nWiki\r\n7;a=b;c=\"d;e\"\r\npedia i\r\n00B \t; x\r\nn \r\nchunks.\r\n0;last\r\n\r\nGET / ";
    let (body, rest, trailers) = chunked(text).unwrap();
    assert_eq!(body, b"Wikipedia in \r\nchunks.");
    assert_eq!((rest.as_slice(), trailers.len()), (&b"GET / "[..], 0));
}

#[test]
fn trailers_are_kept_apart() {
    let (body, rest, trailers) = chunked("1\r\nx\r\n0\r\nExpires: never\r\nX-Sum:  1 \r\n\r\nz").unwrap();
    assert_eq!((body.as_slice(), rest.as_slice()), (&b"x"[..], &b"z"[..]));
    assert_eq!((trailers.first("expires"), trailers.first("x-sum")), (Some(&b"never"[..]), Some(&b"1"[..])));
}

#[test]
fn sizes_are_hexadecimal_digits() {
    for text in
        ["\r\n", ";a\r\n", "g\r\n", "0x5\r\n", "+5\r\n", "-5\r\n", " 5\r\n", "5_0\r\n", "5\n", "5,\r\n"]
    {
        assert!(matches!(chunked_error(text), HttpError::Chunk { .. }), "{text:?}");
    }
    assert_eq!(chunked_error(&format!("{}5\r\n", "0".repeat(16))), HttpError::ChunkSize);
    assert!(chunked(&format!("{}1\r\nx\r\n0\r\n\r\n", "0".repeat(15))).is_ok());
    // As many bytes as 64 bits can count: nothing is reserved for them.
    assert_eq!(chunked_error("ffffffffffffffff\r\nx"), HttpError::Truncated);
    let twice = "8000000000000000\r\nx";
    assert_eq!(chunked_error(twice), HttpError::Truncated);
}

#[test]
fn borders_are_exactly_what_they_should_be() {
    let broken = [
        "1\r\nxx\r\n0\r\n\r\n",
        "1\r\nx\n0\r\n\r\n",
        "1\r\nx\r0\r\n\r\n",
        "1\r\nx0\r\n\r\n",
        "1\rx\r\n0\r\n\r\n",
        "1\nx\r\n0\r\n\r\n",
        "1 \r\nx\r\n0\r\n\r\n",
        "1;a\nx\r\n0\r\n\r\n",
        "1;a\rb\r\nx\r\n0\r\n\r\n",
        "1;\0\r\nx\r\n0\r\n\r\n",
    ];
    for text in broken {
        assert!(matches!(chunked_error(text), HttpError::Chunk { .. }), "{text:?}");
    }
}

#[test]
fn trailers_are_as_strict_as_heads() {
    let of = |trailers: &str| chunked_error(&format!("0\r\n{trailers}\r\n\r\n"));
    assert_eq!(of("a: b\nc: d"), HttpError::LineEnding);
    assert_eq!(of("a: b\r\n c"), HttpError::Folded);
    assert_eq!(of("a : b"), HttpError::Field(crate::FieldError::Name));
    assert_eq!(of("a: \0"), HttpError::ControlCharacter { found: 0 });
    for name in ["Content-Length", "Transfer-Encoding", "Host", "Trailer", "Connection", "Upgrade"] {
        let error = of(&format!("{name}: 5"));
        assert!(matches!(error, HttpError::ForbiddenTrailer { .. }), "{name}: {error:?}");
    }
}

#[test]
fn every_length_is_bounded() {
    let limits = BodyLimits { body_bytes: 8, chunk_line_bytes: 8, trailer_bytes: 16, trailers: 2 };
    let of = |text: &str| decode(Framing::Chunked, &limits, text.as_bytes(), usize::MAX);
    assert!(of("4\r\nabcd\r\n4\r\nabcd\r\n0\r\n\r\n").is_ok());
    assert_eq!(of("4\r\nabcd\r\n5\r\n"), Err(HttpError::BodyTooLong { limit: 8 }));
    assert!(of("1;abcdef\r\nx\r\n0;abcdef\r\n\r\n").is_ok());
    assert_eq!(of("1;abcdefg\r\n"), Err(HttpError::ChunkLineTooLong { limit: 8 }));
    assert!(of("0\r\na: bcdefghij\r\n\r\n").is_ok());
    assert_eq!(of("0\r\na: bcdefghijk\r\n\r\n"), Err(HttpError::TrailersTooLong { limit: 16 }));
    assert_eq!(of("0\r\na:\r\nb:\r\nc:\r\n\r\n"), Err(HttpError::TooManyTrailers { limit: 2 }));

    let of_length = |bytes| decode(Framing::Length(bytes), &limits, &[0; 9], 4).map(|(body, ..)| body.len());
    assert_eq!((of_length(8), of_length(9)), (Ok(8), Err(HttpError::BodyTooLong { limit: 8 })));
    let until_close = decode(Framing::UntilClose, &limits, &[0; 9], 4);
    assert_eq!(until_close, Err(HttpError::BodyTooLong { limit: 8 }));
}

#[test]
fn bodies_that_are_mostly_extensions_are_refused() {
    let chunk = format!("1;{}\r\nx\r\n", "a".repeat(200));
    assert!(chunked_at_once(&chunk.repeat(50)).is_ok());
    assert_eq!(chunked_at_once(&chunk.repeat(200)), Err(HttpError::ChunkOverhead));
    // Small chunks alone are slow, not suspicious.
    assert!(chunked_at_once(&"1\r\nx\r\n".repeat(100_000)).is_ok());
}

fn chunked_at_once(chunks: &str) -> Result<usize, HttpError> {
    let text = format!("{chunks}0\r\n\r\n");
    decode(Framing::Chunked, &BodyLimits::DEFAULT, text.as_bytes(), usize::MAX).map(|(body, ..)| body.len())
}

#[test]
fn a_length_ends_where_it_says() {
    let decoded = decode(Framing::Length(5), &BodyLimits::DEFAULT, b"helloGET", 3).unwrap();
    assert_eq!((decoded.0.as_slice(), decoded.1.as_slice()), (&b"hello"[..], &b"GET"[..]));
    assert_eq!(decode(Framing::None, &BodyLimits::DEFAULT, b"GET", 3).unwrap().1, b"GET");
}

#[test]
fn an_early_end_is_noticed() {
    let limits = BodyLimits::DEFAULT;
    assert_eq!(decode(Framing::Length(6), &limits, b"hello", 9), Err(HttpError::Truncated));
    let whole = "1\r\nx\r\n0\r\na: b\r\n\r\n";
    for end in 0..whole.len() {
        assert_eq!(chunked_error(&whole[..end]), HttpError::Truncated, "{end}");
    }
    let until_close = decode(Framing::UntilClose, &limits, b"hello", 2).unwrap();
    assert_eq!(until_close.0, b"hello");
    assert_eq!(BodyDecoder::new(Framing::Length(5), &limits).map(|decoder| decoder.left()), Ok(Some(5)));
}

//! Messages that two readers read differently, as published: each is refused, whoever else would take it.
//!
//! Sources: Linhart, Klein, Heled and Orrin, "HTTP Request Smuggling" (2005); Kettle, "HTTP Desync Attacks" (2019) and
//! "Browser-Powered Desync Attacks" (2022); Leblond and Grenfeldt's lists; "Funky chunks" (2025); RFC 9112, section 11.2.

use enclave_http::{
    BodyDecoder, BodyLimits, Framing, HeadLimits, HttpError, Method, RequestHead, ResponseHead,
};

/// Reads a request and its body as a server does. `Ok` is what is left of the stream.
fn serve(stream: &[u8]) -> Result<Vec<u8>, HttpError> {
    let (head, consumed) = RequestHead::parse(stream, &HeadLimits::DEFAULT)?.ok_or(HttpError::Truncated)?;
    let mut decoder = BodyDecoder::new(head.framing()?, &BodyLimits::DEFAULT)?;
    let mut rest = &stream[consumed..];
    while !decoder.is_done() && !rest.is_empty() {
        rest = &rest[decoder.decode(rest)?.consumed..];
    }
    if !decoder.is_done() {
        decoder.end_of_stream()?;
    }
    Ok(rest.to_vec())
}

fn with(lines: &str, body: &str) -> Result<Vec<u8>, HttpError> {
    serve(format!("POST / HTTP/1.1\r\nHost: a.example\r\n{lines}\r\n\r\n{body}").as_bytes())
}

#[test]
fn the_table_bites_only_on_what_is_wrong() {
    assert_eq!(with("Content-Length: 5", "helloGET "), Ok(b"GET ".to_vec()));
    assert_eq!(with("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\nGET "), Ok(b"GET ".to_vec()));
    assert_eq!(with("Transfer-Encoding:\tChunked \t", "0\r\n\r\n"), Ok(Vec::new()));
}

#[test]
fn two_framings_are_refused() {
    let bodies = ["0\r\n\r\nG", "8\r\nSMUGGLED\r\n0\r\n\r\n", ""];
    let lines = [
        "Content-Length: 6\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 3",
        "Content-Length: 0\r\nTransfer-Encoding: chunked",
        "content-length: 6\r\ntransfer-encoding: xchunked",
    ];
    for (lines, body) in lines.into_iter().flat_map(|lines| bodies.map(|body| (lines, body))) {
        assert_eq!(with(lines, body), Err(HttpError::ContentLengthAndTransferEncoding), "{lines}");
    }
}

#[test]
fn transfer_encodings_in_disguise_are_refused() {
    let lines = [
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding\t: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
        "Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        " Transfer-Encoding: chunked",
        "X: X\nTransfer-Encoding: chunked",
        "X: X\rTransfer-Encoding: chunked",
        "Transfer-Encoding\r\n : chunked",
        "Transfer-Encoding:\r\n chunked",
        "Transfer-Encoding: \u{b}chunked",
        "Transfer-Encoding: \u{c}chunked",
        "Transfer-Encoding: chunked\u{b}",
        "Transfer-Encoding: chunked\0",
        "Transfer-Encoding: chunked\r",
        "Transfer-Encoding: \u{a0}chunked",
        "Transfer-Encoding: chunk\u{212a}ed",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding: 'chunked'",
        "Transfer-Encoding: chunked;q=1",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: identity, chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked,",
        "Transfer-Encoding: , chunked",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, gzip",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: cow",
        "Transfer-Encoding:",
        "Transfer Encoding: chunked",
        "Transfer-Encoding",
        "Transfer-Encoding chunked",
        ": chunked",
        "\u{0}Transfer-Encoding: chunked",
        "X\u{0}Transfer-Encoding: chunked",
        "(Transfer-Encoding: chunked",
        "Transfer-Encoding\u{ff1a} chunked",
    ];
    for lines in lines {
        let refused = with(lines, "0\r\n\r\n");
        assert!(refused.is_err(), "{lines:?}");
        // An empty body after a Content-Length would hide that the field was overlooked.
        let refused = with(&format!("Content-Length: 5\r\n{lines}"), "0\r\n\r\n");
        assert!(refused.is_err(), "{lines:?}");
    }
}

#[test]
fn lengths_in_disguise_are_refused() {
    let lines = [
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length: 5, 5",
        "Content-Length: 5, 6",
        "Content-Length: 5 6",
        "Content-Length: +5",
        "Content-Length: -5",
        "Content-Length: 0x5",
        "Content-Length: 5.0",
        "Content-Length: 5e0",
        "Content-Length: 5_0",
        "Content-Length: \"5\"",
        "Content-Length: \u{b}5",
        "Content-Length: 5\u{c}",
        "Content-Length: 5\0",
        "Content-Length: \u{665}",
        "Content-Length: 18446744073709551621",
        "Content-Length: 99999999999999999999999999999999",
        "Content-Length:",
        "Content-Length: abc",
        "Content-Length : 5",
        "Content-Length\u{0}: 5",
        "Content-Length: 5\n",
        "Content-Length:\r\n 5",
        " Content-Length: 5",
        "X: y\nContent-Length: 5",
    ];
    for lines in lines {
        assert!(with(lines, "hello").is_err(), "{lines:?}");
    }
}

#[test]
fn chunks_whose_borders_are_elsewhere_for_others_are_refused() {
    let bodies = [
        // Lone line endings where a chunk's first line ends, and where its data does.
        "5\nhello\r\n0\r\n\r\n",
        "5\rhello\r\n0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello\r0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        // Line endings in extensions.
        "5;\nxx\r\n45\r\n0\r\n\r\nGET /admin HTTP/1.1\r\n",
        "5;\rxx\r\nhello\r\n0\r\n\r\n",
        "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n",
        "5;a=\0\r\nhello\r\n0\r\n\r\n",
        // More data than stated, or less.
        "5\r\nhelloAA0\r\n\r\n",
        "5\r\nhello \r\n0\r\n\r\n",
        "5\r\nhell\r\n0\r\n\r\n",
        // Sizes that are numbers elsewhere.
        "0x5\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "5 \r\nhello\r\n0\r\n\r\n",
        " 5\r\nhello\r\n0\r\n\r\n",
        "5\u{b}\r\nhello\r\n0\r\n\r\n",
        "5_\r\nhello\r\n0\r\n\r\n",
        "10000000000000005\r\nhello\r\n0\r\n\r\n",
        "-0\r\n\r\n",
        "\r\n5\r\nhello\r\n0\r\n\r\n",
        // Ends that are none.
        "5\r\nhello\r\n0\r\n",
        "5\r\nhello\r\n0\r\n\n",
        "5\r\nhello\r\n0\n\n",
        "5\r\nhello\r\n\r\n",
        "5\r\nhello\r\n0\r\nGET / HTTP/1.1\r\n\r\n",
        "5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n",
        "5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
    ];
    for body in bodies {
        assert!(with("Transfer-Encoding: chunked", body).is_err(), "{body:?}");
    }
}

#[test]
fn chunks_in_http_1_0_are_refused() {
    let request = b"POST / HTTP/1.0\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(serve(request), Err(HttpError::TransferEncoding));
}

#[test]
fn hosts_in_disguise_are_refused() {
    let requests = [
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n Host: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a:80:b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\u{0}b\r\n\r\n",
        "GET / HTTP/1.1\r\nX: y\r\n\r\n",
        "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://a@b/ HTTP/1.1\r\nHost: b\r\n\r\n",
        "GET a:b@c HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET //a HTTP/1.1\nHost: a\n\n",
    ];
    for request in requests {
        assert!(serve(request.as_bytes()).is_err(), "{request:?}");
    }
}

#[test]
fn responses_are_no_better_off() {
    let heads = [
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding: chunked, identity",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5, 5",
        "Content-Length: +5",
        "X: y\nContent-Length: 5",
        "X: y\r\n Content-Length: 5",
    ];
    for lines in heads {
        let response = format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\n");
        let framing = ResponseHead::parse(response.as_bytes(), &HeadLimits::DEFAULT)
            .and_then(|head| head.ok_or(HttpError::Truncated))
            .and_then(|(head, _)| head.framing(&Method::GET));
        assert!(framing.is_err(), "{lines:?}");
    }
    let good = ResponseHead::parse(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", &HeadLimits::DEFAULT);
    let (head, _) = good.unwrap().unwrap();
    assert_eq!(head.framing(&Method::GET), Ok(Framing::Length(5)));
}

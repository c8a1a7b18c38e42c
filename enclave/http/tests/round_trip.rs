//! What is written is read as the same message, however the bytes are cut, and whatever comes after it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use enclave_http::{
    Authority, BodyDecoder, BodyEncoder, BodyLimits, BodyPlan, Field, Fields, Framing, HeadLimits, Method,
    OutgoingRequest, OutgoingResponse, RequestFacts, RequestHead, StatusCode, parse_final_response,
};
use proptest::prelude::*;

const HEAD: HeadLimits = HeadLimits::DEFAULT;
/// What follows a message on its connection.
const NEXT: &[u8] = b"GET /next";

/// A stream that comes in pieces; what has come and was not taken is kept.
struct Stream<'a> {
    all: &'a [u8],
    cuts: Vec<usize>,
    taken: usize,
}

impl<'a> Stream<'a> {
    fn new(all: &'a [u8], cuts: &[prop::sample::Index]) -> Self {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(all.len() + 1)).collect();
        cuts.push(all.len());
        cuts.sort_unstable();
        Self { all, cuts, taken: 0 }
    }

    /// Asks `read` at each cut until it takes something.
    fn until<V>(&mut self, mut read: impl FnMut(&'a [u8]) -> Option<(V, usize)>) -> V {
        for cut in self.cuts.iter().filter(|cut| **cut >= self.taken) {
            if let Some((value, consumed)) = read(&self.all[self.taken..*cut]) {
                self.taken += consumed;
                return value;
            }
        }
        panic!("the stream ended first");
    }

    fn body(&mut self, framing: Framing) -> (Vec<u8>, Fields) {
        let mut decoder = BodyDecoder::new(framing, &BodyLimits::DEFAULT).unwrap();
        let mut body = Vec::new();
        for cut in self.cuts.clone() {
            while !decoder.is_done() && self.taken < cut {
                let decoded = decoder.decode(&self.all[self.taken..cut]).unwrap();
                assert!(decoded.consumed > 0, "no progress");
                body.extend_from_slice(decoded.data);
                self.taken += decoded.consumed;
            }
        }
        if !decoder.is_done() {
            decoder.end_of_stream().unwrap();
        }
        (body, decoder.take_trailers())
    }
}

fn write_body(mut encoder: BodyEncoder, pieces: &[Vec<u8>], trailers: &Fields, out: &mut Vec<u8>) -> Fields {
    for piece in pieces {
        encoder.encode(piece, out).unwrap();
    }
    let sent = if encoder.takes_trailers() { trailers.clone() } else { Fields::new() };
    encoder.finish(&sent, out).unwrap();
    sent
}

fn field() -> impl Strategy<Value = Field> {
    // No name that the layer writes itself.
    let (name, value) = ("x-[a-zA-Z0-9!#$%&'*+.^_`|~-]{0,12}", prop::collection::vec(any::<u8>(), 0..24));
    (name, value).prop_filter_map("control characters", |(name, value)| Field::new(&name, &value).ok())
}

fn printable_field() -> impl Strategy<Value = Field> {
    ("x-[a-z0-9-]{0,12}", "[ -~\t]{0,40}")
        .prop_map(|(name, value)| Field::new(&name, value.as_bytes()).unwrap())
}

fn fields() -> impl Strategy<Value = Fields> {
    prop::collection::vec(prop_oneof![field(), printable_field()], 0..8).prop_map(Fields::from_iter)
}

fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6)
}

fn cuts() -> impl Strategy<Value = Vec<prop::sample::Index>> {
    prop::collection::vec(any::<prop::sample::Index>(), 0..12)
}

fn plan(is_known: bool, pieces: &[Vec<u8>]) -> BodyPlan {
    let length = pieces.iter().map(Vec::len).sum::<usize>() as u64;
    if is_known { BodyPlan::Length(length) } else { BodyPlan::Unknown }
}

proptest! {
    #[test]
    fn requests(
        method in "[A-Z]{1,8}".prop_filter("tunnels", |method| method != "CONNECT"),
        path in "/[!-\"$-~]{0,40}",
        host in "[a-z][a-z0-9]{0,8}(\\.[a-z][a-z0-9]{0,8}){0,2}(:[1-9][0-9]{0,3})?",
        fields in fields(),
        trailers in fields(),
        pieces in pieces(),
        is_known: bool,
        persists: bool,
        cuts in cuts(),
    ) {
        let (method, authority) = (Method::new(&method).unwrap(), Authority::parse(&host).unwrap());
        let body = plan(is_known, &pieces);
        let request = OutgoingRequest {
            method: &method,
            path_with_query: &path,
            authority: &authority,
            fields: &fields,
            body,
            persists,
        };
        let mut stream = Vec::new();
        let encoder = request.encode(&HEAD, &mut stream).unwrap();
        let sent = write_body(encoder, &pieces, &trailers, &mut stream);
        let end = stream.len();
        stream.extend_from_slice(NEXT);

        let mut stream = Stream::new(&stream, &cuts);
        let head = stream.until(|bytes| RequestHead::parse(bytes, &HEAD).unwrap());
        prop_assert_eq!(head.method(), &method);
        prop_assert_eq!(head.target().path_with_query(), Some(path.as_str()));
        prop_assert_eq!(head.authority(), Some(&authority));
        prop_assert_eq!(head.persists(), persists);
        let others: Vec<_> = head.fields().iter().filter(|field| field.name().starts_with("x-")).collect();
        prop_assert_eq!(others, fields.iter().collect::<Vec<_>>());
        let (body, received) = stream.body(head.framing().unwrap());
        prop_assert_eq!((body, received), (pieces.concat(), sent));
        prop_assert_eq!(stream.taken, end);
    }

    #[test]
    fn responses(
        code in 200_u16..=999,
        is_head: bool,
        fields in fields(),
        trailers in fields(),
        pieces in pieces(),
        is_known: bool,
        minor in 0..=1,
        client_persists: bool,
        server_persists: bool,
        interim in 0_usize..3,
        cuts in cuts(),
    ) {
        let method = if is_head { Method::HEAD } else { Method::GET };
        let connection = if client_persists { "keep-alive" } else { "close" };
        let request = format!("{method} / HTTP/1.{minor}\r\nHost: a\r\nConnection: {connection}\r\n\r\n");
        let request = RequestHead::parse(request.as_bytes(), &HEAD).unwrap().unwrap().0;
        let status = StatusCode::new(code).unwrap();
        let pieces = if status.is_bodiless() { Vec::new() } else { pieces };
        let response =
            OutgoingResponse { status, fields: &fields, body: plan(is_known, &pieces), persists: server_persists };
        let mut stream = enclave_http::CONTINUE.repeat(interim);
        let start = response.encode(&RequestFacts::of(&request), &HEAD, &mut stream).unwrap();
        let sent = write_body(start.body, &pieces, &trailers, &mut stream);
        let end = stream.len();
        if start.persists {
            stream.extend_from_slice(NEXT);
        }

        let mut stream = Stream::new(&stream, &cuts);
        let head = stream.until(|bytes| parse_final_response(bytes, &HEAD).unwrap());
        prop_assert_eq!(head.status(), status);
        prop_assert_eq!(head.persists(&method), start.persists);
        prop_assert!(!start.persists || (client_persists && server_persists));
        let others: Vec<_> = head.fields().iter().filter(|field| field.name().starts_with("x-")).collect();
        prop_assert_eq!(others, fields.iter().collect::<Vec<_>>());
        let (body, received) = stream.body(head.framing(&method).unwrap());
        let expected = if is_head { Vec::new() } else { pieces.concat() };
        prop_assert_eq!((body, received), (expected, sent));
        prop_assert_eq!(stream.taken, end);
    }
}

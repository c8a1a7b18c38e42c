//! `wasi:http`, as far as nobody has to answer: fields, requests, responses and bodies that are composed, and a request that
//! is not permitted.

use core::fmt::Debug;

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, Method, OutgoingBody, OutgoingRequest, OutgoingResponse, RequestOptions, Scheme,
    http_error_code,
};

use crate::files::Root;
use crate::streams::failure;
use crate::{say_all, say_that};

pub(crate) fn check(root: &Root) {
    check_fields();
    check_request();
    check_options();
    check_response();
    check_bodies();
    check_handler();
    let error = failure(&root.create("http")).expect("an error of a stream");
    say_that(
        "wasi:http/types#http-error-code",
        "none: it is none of HTTP",
        http_error_code(&error).is_none(),
    );
}

/// Names as they are compared, and values as text.
fn entries(fields: &Fields) -> Vec<(String, String)> {
    let text = |(name, value): (String, Vec<u8>)| {
        (name.to_ascii_lowercase(), String::from_utf8_lossy(&value).into_owned())
    };
    let mut all: Vec<_> = fields.entries().into_iter().map(text).collect();
    // Which field comes first means nothing where names differ.
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

fn check_fields() {
    let fields = Fields::new();
    say_all("wasi:http/types#fields.constructor", &[&entries(&fields)]);
    let set = [
        fields.set("a", &[b"1".to_vec(), b"2".to_vec()]),
        fields.set("a b", &[]),
        fields.set("a", &[b"1\n2".to_vec()]),
        fields.set("connection", &[b"close".to_vec()]),
        fields.set("transfer-encoding", &[b"chunked".to_vec()]),
        fields.set("host", &[b"a".to_vec()]),
    ];
    say_all("wasi:http/types#fields.set", &[&set, &entries(&fields)]);
    say_all(
        "wasi:http/types#fields.append",
        &[&fields.append("A", b"3"), &fields.append("b c", b"3"), &entries(&fields)],
    );
    let got = ["a", "A", "none", "a b"].map(|name| fields.get(name).concat());
    say_all(
        "wasi:http/types#fields.get",
        &[&got.map(|values| String::from_utf8_lossy(&values).into_owned())],
    );
    say_all("wasi:http/types#fields.has", &[&fields.has("a"), &fields.has("A"), &fields.has("none")]);
    fields.set("b", &[b"x".to_vec()]).expect("a field");
    say_all("wasi:http/types#fields.entries", &[&entries(&fields)]);
    let clone = fields.clone();
    let deleted = [fields.delete("a"), fields.delete("none"), fields.delete("a b")];
    say_all("wasi:http/types#fields.delete", &[&deleted, &entries(&fields)]);
    say_all("wasi:http/types#fields.clone", &[&entries(&clone)]);
    let list =
        |name: &str| Fields::from_list(&[(name.to_owned(), b"1".to_vec()), ("z".to_owned(), b"2".to_vec())]);
    let from_list = ["x", "x y", "upgrade"].map(|name| list(name).map(|fields| entries(&fields)));
    say_all("wasi:http/types#fields.from-list", &[&from_list]);
}

fn check_request() {
    let request =
        OutgoingRequest::new(Fields::from_list(&[("n".to_owned(), b"v".to_vec())]).expect("fields"));
    say_all("wasi:http/types#outgoing-request.constructor", &[&"made"]);
    say_all("wasi:http/types#outgoing-request.method", &[&request.method()]);
    let set = [Method::Post, Method::Other("PURGE".into()), Method::Other("A B".into())]
        .map(|method| request.set_method(&method));
    say_all("wasi:http/types#outgoing-request.set-method", &[&set, &request.method()]);
    let paths = [Some("/a?b=c"), Some(""), None, Some("/a b")]
        .map(|path| (request.set_path_with_query(path), request.path_with_query()));
    say_all(
        "wasi:http/types#outgoing-request.set-path-with-query",
        &[&paths.each_ref().map(|(set, _)| *set)],
    );
    say_all("wasi:http/types#outgoing-request.path-with-query", &[&paths.each_ref().map(|(_, path)| path)]);
    let schemes = [
        None,
        Some(Scheme::Http),
        Some(Scheme::Https),
        Some(Scheme::Other("ftp".into())),
        Some(Scheme::Other("a b".into())),
    ];
    let schemes = schemes.map(|scheme| (request.set_scheme(scheme.as_ref()), request.scheme()));
    say_all("wasi:http/types#outgoing-request.set-scheme", &[&schemes.each_ref().map(|(set, _)| *set)]);
    say_all("wasi:http/types#outgoing-request.scheme", &[&schemes.each_ref().map(|(_, scheme)| scheme)]);
    let authorities = [Some("example.org"), Some("example.org:8080"), None, Some("a b")];
    let authorities = authorities.map(|authority| (request.set_authority(authority), request.authority()));
    say_all(
        "wasi:http/types#outgoing-request.set-authority",
        &[&authorities.each_ref().map(|(set, _)| *set)],
    );
    say_all(
        "wasi:http/types#outgoing-request.authority",
        &[&authorities.each_ref().map(|(_, authority)| authority)],
    );
    let headers = request.headers();
    say_all("wasi:http/types#outgoing-request.headers", &[&entries(&headers), &headers.append("m", b"w")]);
    let bodies = [request.body().is_ok(), request.body().is_ok()];
    say_all("wasi:http/types#outgoing-request.body", &[&bodies]);
}

fn check_options() {
    let options = RequestOptions::new();
    say_all("wasi:http/types#request-options.constructor", &[&"made"]);
    let before = [options.connect_timeout(), options.first_byte_timeout(), options.between_bytes_timeout()];
    let set = [
        options.set_connect_timeout(Some(1_000_000)),
        options.set_first_byte_timeout(Some(2_000_000)),
        options.set_between_bytes_timeout(Some(3_000_000)),
    ];
    let after = [options.connect_timeout(), options.first_byte_timeout(), options.between_bytes_timeout()];
    for (at, name) in ["connect", "first-byte", "between-bytes"].into_iter().enumerate() {
        say_all(&format!("wasi:http/types#request-options.set-{name}-timeout"), &[&set[at]]);
        say_all(&format!("wasi:http/types#request-options.{name}-timeout"), &[&before[at], &after[at]]);
    }
}

fn check_response() {
    let response =
        OutgoingResponse::new(Fields::from_list(&[("n".to_owned(), b"v".to_vec())]).expect("fields"));
    say_all("wasi:http/types#outgoing-response.constructor", &[&"made"]);
    let before = response.status_code();
    let set = [404, 99, 1000].map(|status| response.set_status_code(status));
    say_all("wasi:http/types#outgoing-response.set-status-code", &[&set]);
    say_all("wasi:http/types#outgoing-response.status-code", &[&before, &response.status_code()]);
    let headers = response.headers();
    say_all("wasi:http/types#outgoing-response.headers", &[&entries(&headers), &headers.delete("n")]);
    let bodies = [response.body().is_ok(), response.body().is_ok()];
    say_all("wasi:http/types#outgoing-response.body", &[&bodies]);
}

fn check_bodies() {
    let body = |fields: &[(&str, &str)]| {
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
        let response = OutgoingResponse::new(Fields::from_list(&fields).expect("fields"));
        let body = response.body().expect("a body");
        (response, body)
    };
    let (_response, written) = body(&[]);
    let stream = written.write();
    let again = written.write().is_ok();
    let room = stream.as_ref().is_ok_and(|stream| stream.check_write().is_ok_and(|room| room > 0));
    say_all("wasi:http/types#outgoing-body.write", &[&stream.is_ok(), &again, &room]);
    drop(stream);
    let finished: [Box<dyn Debug>; 3] = [
        Box::new(OutgoingBody::finish(written, None)),
        Box::new(OutgoingBody::finish(body(&[]).1, Some(Fields::new()))),
        Box::new(OutgoingBody::finish(body(&[("content-length", "5")]).1, None).is_err()),
    ];
    say_all("wasi:http/types#outgoing-body.finish", &[&finished]);
}

/// Nobody is permitted to be asked.
fn check_handler() {
    let request = OutgoingRequest::new(Fields::new());
    request.set_scheme(Some(&Scheme::Http)).expect("a scheme");
    request.set_authority(Some("example.org")).expect("an authority");
    request.set_path_with_query(Some("/")).expect("a path");
    let outcome = outgoing_handler::handle(request, Some(RequestOptions::new()));
    // At once, or when the response is there.
    let code = outcome.map(|response| {
        response.subscribe().block();
        response.get().and_then(Result::ok).and_then(Result::err)
    });
    let is_denied =
        matches!(code, Err(ErrorCode::HttpRequestDenied) | Ok(Some(ErrorCode::HttpRequestDenied)));
    say_that("wasi:http/outgoing-handler#handle", "denied", is_denied);
}

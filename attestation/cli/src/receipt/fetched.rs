//! A verdict on receipts and what was fetched, as JSON, nothing abbreviated.

use std::path::Path;

use attestation_manifest::HexDigest;
use attestation_receipt::{
    BodyEnd, BodySide, Content, Field, Piece, RequestOutcome, ResponseOutcome, Tls, Value, VerifiedReceipt,
};
use attestation_x509::Instant;
use base64ct::{Base64, Encoding};
use serde_json::{Value as Json, json};

use super::{Checked, Fetched, KnownBound, tls_names};
use crate::render;

/// The whole verdict and, if it accepts, every receipt as an object. `written` is where the body of the response went, and
/// how long it is.
#[must_use]
pub fn json(checked: &Checked, written: Option<(&Path, usize)>) -> String {
    let is_accepted = checked.verdict.is_accepted();
    let receipts: Vec<Json> = checked.fetched.iter().filter(|_| is_accepted).map(exchange).collect();
    let mut more = serde_json::Map::from_iter([("receipts".to_owned(), Json::from(receipts))]);
    if let Some((path, bytes)) = written {
        let file = json!({ "file": path.display().to_string(), "bytes": bytes });
        more.insert("written".to_owned(), file);
    }
    render::json_with(&checked.verdict, &more)
}

fn exchange(Fetched { name, receipt, bounds }: &Fetched) -> Json {
    let said = receipt.receipt();
    let time = &said.time;
    let bounds = bounds.as_ref();
    json!({
        "file": name,
        "number": said.number,
        "digest": hex(receipt.digest()),
        "previous": hex(&said.previous),
        "run": {
            "component": hex(&said.run.component),
            "manifest": hex(&said.run.manifest),
            "sequence": said.run.sequence,
            "exchange": said.run.exchange,
        },
        "host": said.peer.host,
        "address": said.peer.address.to_string(),
        "port": said.peer.port,
        "tls": session(&said.tls, !receipt.certificates().is_empty()),
        "time": {
            "earliest": utc(time.earliest_s),
            "latest": utc(time.latest_s),
            "roughtime_response": time.roughtime.as_ref().map(hex),
            "not_before": bounds.map(|bounds| bound(&bounds.not_before)),
            "not_after": bounds.map(|bounds| bound(&bounds.not_after)),
            "sent_us_since_boot": time.sent_us,
            "first_byte_us_since_boot": time.first_byte_us,
            "last_byte_us_since_boot": time.last_byte_us,
        },
        "request": request(receipt),
        "response": response(receipt),
        "leaves": { "root": hex(&said.leaves.root), "count": said.leaves.count, "hidden": hidden(receipt) },
    })
}

fn session(tls: &Tls, is_enclosed: bool) -> Json {
    let chain: Vec<String> = tls.chain.iter().map(hex).collect();
    json!({
        "version": tls_names::version(tls.version),
        "cipher_suite": tls_names::cipher_suite(tls.cipher_suite),
        "group": tls_names::group(tls.group),
        "was_retried": tls.was_retried,
        "alpn": tls.alpn.as_deref().map(|alpn| alpn.escape_ascii().to_string()),
        "exporter": hex(&tls.exporter),
        "spki_sha256": hex(&tls.spki_sha256),
        "was_pinned": tls.was_pinned,
        "certificates_enclosed": is_enclosed,
        "certificates_sha256": chain,
        "path": tls.path,
        "root_spki_sha256": hex(&tls.root_spki_sha256),
        "roots_digest": hex(&tls.roots_digest),
        "not_before": utc(tls.validity.not_before_s),
        "not_after": utc(tls.validity.not_after_s),
    })
}

fn bound(bound: &KnownBound) -> Json {
    let time = utc(bound.second());
    match bound {
        KnownBound::Proven { server, key, .. } => {
            json!({ "bound": "proven", "time": time, "server": server, "key": key.to_string() })
        }
        KnownBound::Asserted { .. } => json!({ "bound": "asserted", "time": time }),
    }
}

fn request(receipt: &VerifiedReceipt) -> Json {
    let text = |read: fn(&Value) -> Option<&str>| shown(receipt).find_map(read);
    json!({
        "outcome": match receipt.receipt().request {
            RequestOutcome::Sent => "sent",
            RequestOutcome::Cut => "cut",
        },
        "method": text(|value| if let Value::Method(text) = value { Some(text) } else { None }),
        "scheme": text(|value| if let Value::Scheme(text) = value { Some(text) } else { None }),
        "authority": text(|value| if let Value::Authority(text) = value { Some(text) } else { None }),
        "path": text(|value| if let Value::PathWithQuery(text) = value { Some(text) } else { None }),
        "fields": fields(receipt, |value| if let Value::RequestField(field) = value { Some(field) } else { None }),
        "body": body(receipt, BodySide::Request),
        "trailers":
            fields(receipt, |value| if let Value::RequestTrailer(field) = value { Some(field) } else { None }),
    })
}

fn response(receipt: &VerifiedReceipt) -> Json {
    let status =
        shown(receipt).find_map(|value| if let Value::Status(status) = value { Some(*status) } else { None });
    json!({
        "outcome": match receipt.receipt().response {
            ResponseOutcome::Complete { end: BodyEnd::Length } => "complete by length",
            ResponseOutcome::Complete { end: BodyEnd::Chunked } => "complete by chunks",
            ResponseOutcome::Complete { end: BodyEnd::Closed } => "complete by close_notify",
            ResponseOutcome::Truncated => "truncated",
        },
        "status": status,
        "fields": fields(receipt, |value| if let Value::ResponseField(field) = value { Some(field) } else { None }),
        "body": body(receipt, BodySide::Response),
        "trailers":
            fields(receipt, |value| if let Value::ResponseTrailer(field) = value { Some(field) } else { None }),
    })
}

fn shown(receipt: &VerifiedReceipt) -> impl Iterator<Item = &Value> {
    receipt.contents().into_iter().filter_map(|content| match content {
        Content::Shown { value, .. } => Some(value),
        Content::Hidden { .. } => None,
    })
}

/// Values that are no text are in Base64, under another name.
fn fields(receipt: &VerifiedReceipt, read: fn(&Value) -> Option<&Field>) -> Vec<Json> {
    let field = |Field { name, value }: &Field| match str::from_utf8(value) {
        Ok(value) => json!({ "name": name, "value": value }),
        Err(_) => json!({ "name": name, "value_base64": Base64::encode_string(value) }),
    };
    shown(receipt).filter_map(read).map(field).collect()
}

/// `null` where its leaf is hidden; otherwise its bytes in order, with gaps.
fn body(receipt: &VerifiedReceipt, side: BodySide) -> Json {
    let (Some(body), Some(pieces)) = (receipt.body(side), receipt.pieces(side)) else { return Json::Null };
    let piece = |piece: &Piece<'_>| match piece {
        Piece::Shown { offset, bytes } => {
            json!({ "offset": offset, "base64": Base64::encode_string(bytes) })
        }
        Piece::Hidden { offset, bytes } => json!({ "offset": offset, "hidden_bytes": bytes }),
    };
    let pieces: Vec<Json> = pieces.iter().map(piece).collect();
    json!({
        "bytes": body.bytes,
        "root": hex(&body.root),
        "base64": whole_body(receipt, side).map(|bytes| Base64::encode_string(&bytes)),
        "pieces": pieces,
    })
}

/// All of a body; `None` where something of it is hidden.
pub(super) fn whole_body(receipt: &VerifiedReceipt, side: BodySide) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    for piece in receipt.pieces(side)? {
        match piece {
            Piece::Shown { bytes, .. } => whole.extend_from_slice(bytes),
            Piece::Hidden { .. } => return None,
        }
    }
    Some(whole)
}

fn hidden(receipt: &VerifiedReceipt) -> Vec<Json> {
    let gap = |content| match content {
        Content::Hidden { first, count } => Some(json!({ "first": first, "count": count })),
        Content::Shown { .. } => None,
    };
    receipt.contents().into_iter().filter_map(gap).collect()
}

fn hex(digest: &[u8; 32]) -> String {
    HexDigest(*digest).to_string()
}

fn utc(second: u64) -> String {
    Instant::from_unix_seconds(second).to_string()
}

//! Receipts of Redoubt's guests, and proofs of the time.

use attestation_receipt::{
    BodySide, Disclosure, Field, RequestOutcome, ResponseOutcome, SignedReceipt, Tls, Value,
};
use attestation_recognise::Kind;
use attestation_ring::Ring;
use attestation_roughtime::{Midpoint, Proof, ServerKey, response_digest};
use attestation_x509::Instant;
use sha2::{Digest, Sha256};

use super::{Fields, hex};
use crate::receipt::tls_names;

pub(super) fn receipt(fields: &mut Fields, file: &str, bytes: &[u8]) -> Result<(), String> {
    let signed = SignedReceipt::parse(bytes).map_err(|error| error.to_string())?;
    let receipt = signed.unverified_receipt();
    fields.explained("receipt", receipt.number, "number since boot");
    fields.hex("previous digest", &receipt.previous);
    fields.hex("digest", &receipt.digest());
    fields.hex("component, SHA-256", &receipt.run.component);
    fields.hex("manifest, SHA-256", &receipt.run.manifest);
    fields.plain("sequence", receipt.run.sequence);
    fields.plain("exchange", receipt.run.exchange);
    fields.plain("host", &receipt.peer.host);
    fields.plain("address", format!("{}:{}", receipt.peer.address, receipt.peer.port));
    show_session(fields, &receipt.tls);
    let time = &receipt.time;
    fields.plain("earliest", utc(time.earliest_s));
    fields.plain("latest", utc(time.latest_s));
    match &time.roughtime {
        Some(digest) => fields.explained("Roughtime response", hex(digest), "what the earliest is from"),
        None => fields.plain("Roughtime response", "none"),
    }
    let outcome = if receipt.request == RequestOutcome::Sent { "sent whole" } else { "cut" };
    fields.plain("request", outcome);
    let is_whole = receipt.response != ResponseOutcome::Truncated;
    fields.plain("response", if is_whole { "complete" } else { "truncated" });
    show_leaves(fields, &signed);
    fields.hex("evidence, SHA-256", signed.evidence_digest());
    match signed.unverified_evidence() {
        Some(evidence) => fields.part(file, Kind::Evidence, &evidence.encode()),
        None => fields.plain("evidence", "not enclosed"),
    }
    Ok(())
}

fn show_session(fields: &mut Fields, tls: &Tls) {
    fields.plain("TLS version", tls_names::version(tls.version));
    fields.plain("cipher suite", tls_names::cipher_suite(tls.cipher_suite));
    fields.plain("group", tls_names::group(tls.group));
    fields.hex("server's key, SHA-256", &tls.spki_sha256);
    tls.chain.iter().for_each(|digest| fields.hex("certificate, SHA-256", digest));
    let path: Vec<String> = tls.path.iter().map(ToString::to_string).collect();
    fields.explained("path", path.join(" "), "which of the certificates lead to the root");
    fields.hex("root's key, SHA-256", &tls.root_spki_sha256);
    fields.hex("roots digest", &tls.roots_digest);
    fields.plain("not before", utc(tls.validity.not_before_s));
    fields.plain("not after", utc(tls.validity.not_after_s));
}

/// What is shown, leaf by leaf, and how much is not.
fn show_leaves(fields: &mut Fields, signed: &SignedReceipt) {
    let leaves = || signed.unverified_disclosures().iter().filter_map(Disclosure::as_leaf);
    for leaf in leaves() {
        match &leaf.value {
            Value::Method(text)
            | Value::Scheme(text)
            | Value::Authority(text)
            | Value::PathWithQuery(text) => fields.plain(leaf.value.kind().to_string(), text),
            Value::RequestField(Field { name, value })
            | Value::RequestTrailer(Field { name, value })
            | Value::ResponseField(Field { name, value })
            | Value::ResponseTrailer(Field { name, value }) => {
                let value = String::from_utf8_lossy(value);
                fields.plain(leaf.value.kind().to_string(), format!("{name}: {value}"));
            }
            Value::Status(status) => fields.plain("status", status),
            Value::RequestBody(body) => show_body(fields, signed, BodySide::Request, body.bytes),
            Value::ResponseBody(body) => show_body(fields, signed, BodySide::Response, body.bytes),
        }
    }
    let count = signed.unverified_receipt().leaves.count;
    let shown = u64::try_from(leaves().count()).unwrap_or(u64::MAX);
    fields.plain("hidden leaves", format!("{} of {count}", count.saturating_sub(shown)));
}

fn show_body(fields: &mut Fields, signed: &SignedReceipt, side: BodySide, bytes: u64) {
    let chunks = signed.unverified_disclosures().iter().filter_map(Disclosure::as_chunk);
    let shown: Vec<u8> =
        chunks.filter(|chunk| chunk.body == side).flat_map(|chunk| chunk.bytes.clone()).collect();
    let (name, digest) = match side {
        BodySide::Request => ("body of the request", "body sent, SHA-256"),
        BodySide::Response => ("body of the response", "body received, SHA-256"),
    };
    fields.explained(name, format!("{bytes} bytes"), format!("{} of them are shown", shown.len()));
    if !shown.is_empty() {
        fields.hex(digest, &Sha256::digest(&shown));
    }
}

/// The time is in what servers sign: it is read with the keys in the proof itself, which may be anybody's.
pub(super) fn time_proof(fields: &mut Fields, bytes: &[u8]) -> Result<(), String> {
    let proof = Proof::decode(bytes).map_err(|error| error.to_string())?;
    if let Some(previous) = proof.previous() {
        fields.explained("previous response", hex(&response_digest(previous)), "of the measurement before");
    }
    for exchange in proof.exchanges() {
        fields.explained("server", exchange.server, "key in Base64");
        fields.explained("response", hex(&response_digest(&exchange.response)), "as receipts name it");
    }
    let keys: Vec<ServerKey> = proof.exchanges().iter().map(|exchange| exchange.server).collect();
    match proof.verify(&Ring, &keys) {
        Ok(said) => {
            for exchange in &said.exchanges {
                let Midpoint { midpoint_s, radius_s } = exchange.midpoint;
                let by = format!("by {}", exchange.server);
                fields.explained("time", format!("{} ± {radius_s} s", utc(midpoint_s)), by);
            }
            fields.plain("contradictions", said.inconsistencies.len());
        }
        Err(error) => fields.explained("time", "not known", error.to_string()),
    }
    Ok(())
}

fn utc(second: u64) -> String {
    Instant::from_unix_seconds(second).to_string()
}

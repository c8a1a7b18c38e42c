//! Reports, read and verified by what the RFC says of them (§8.4.1) and by nothing of this crate.

use attestation_roughtime::report_json;
use base64ct::{Base64, Encoding};
use ed25519_dalek::{Signature, VerifyingKey};
use roughenough_protocol::cursor::ParseCursor;
use roughenough_protocol::protocol_ver::ProtocolVersion;
use roughenough_protocol::request::Request;
use roughenough_protocol::response::Response;
use roughenough_protocol::{FromFrame, ToWire};
use serde_json::Value;

use crate::proofs::measured;
use crate::server::{NOW_S, Server, hash};

fn decoded(exchange: &Value, name: &str) -> Option<Vec<u8>> {
    Some(Base64::decode_vec(exchange.get(name)?.as_str().unwrap()).unwrap())
}

/// MIDP - RADI and MIDP + RADI of a response that answers the request, by roughenough's parser.
fn verified(key: &[u8], request: &[u8], response: &[u8]) -> (u64, u64) {
    let asked = Request::from_frame(&mut ParseCursor::new(&mut request.to_vec())).unwrap();
    let answer = Response::from_frame(&mut ParseCursor::new(&mut response.to_vec())).unwrap();
    assert_eq!((asked.nonc(), answer.path().depth(), answer.indx()), (answer.nonc(), 0, 0));
    assert_eq!(*answer.srep().root().as_ref(), hash(&[&[0], request]));
    let version = ProtocolVersion::RFC;
    let delegation = answer.cert().dele();
    let long_term = VerifyingKey::from_bytes(key.try_into().unwrap()).unwrap();
    verify(&long_term, version.dele_prefix(), &delegation.as_bytes().unwrap(), answer.cert().sig().as_ref());
    let delegated = VerifyingKey::from_bytes(delegation.pubk().as_ref().try_into().unwrap()).unwrap();
    verify(&delegated, version.srep_prefix(), &answer.srep().as_bytes().unwrap(), answer.sig().as_ref());
    let (midpoint, radius) = (answer.srep().midp(), u64::from(answer.srep().radi()));
    (midpoint - radius, midpoint + radius)
}

fn verify(key: &VerifyingKey, context: &[u8], value: &[u8], signature: &[u8]) {
    let signature = Signature::from_slice(signature).unwrap();
    key.verify_strict(&[context, value].concat(), &signature).unwrap();
}

#[test]
fn a_report_proves_the_lie_to_others() {
    let (one, two, three) = (Server::new(1), Server::new(2), Server::new(3));
    let by = [(&one, NOW_S), (&two, NOW_S + 1000), (&three, NOW_S + 1), (&one, NOW_S + 2)];
    let report: Value = serde_json::from_str(&report_json(&measured(Some(b"what was before"), &by))).unwrap();
    assert_eq!(report.as_object().unwrap().len(), 1);
    let exchanges = report["responses"].as_array().unwrap();
    assert_eq!(exchanges.len(), by.len());
    let (mut before, mut intervals): (Option<Vec<u8>>, Vec<(u64, u64)>) = (None, Vec::new());
    for (exchange, (server, _)) in exchanges.iter().zip(by) {
        let member = |name| decoded(exchange, name).unwrap();
        let (key, request, response) = (member("publicKey"), member("request"), member("response"));
        assert_eq!(key, server.key().0);
        intervals.push(verified(&key, &request, &response));
        let rand = decoded(exchange, "rand");
        assert_eq!(rand.is_some(), before.is_some());
        if let (Some(rand), Some(before)) = (rand, before) {
            assert_eq!(request[88..120], hash(&[&before, &rand]));
        }
        before = Some(response);
    }
    let contradict = |i: usize, j: usize| intervals[i].0 > intervals[j].1;
    assert!(contradict(1, 2) && contradict(1, 3) && !contradict(0, 1) && !contradict(2, 3));
}

#[test]
fn a_report_has_the_members_of_the_format() {
    let server = Server::new(1);
    let proof = measured(Some(b"what was before"), &[(&server, NOW_S), (&server, NOW_S)]);
    let json = report_json(&proof);
    let report: Value = serde_json::from_str(&json).unwrap();
    let names = |number: usize| -> Vec<String> {
        report["responses"][number].as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(names(0), ["publicKey", "request", "response"]);
    assert_eq!(names(1), ["publicKey", "rand", "request", "response"]);
    assert!(json.starts_with(r#"{"responses":[{"publicKey":""#) && json.ends_with(r#""}]}"#), "{json}");
}

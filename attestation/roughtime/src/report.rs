//! Contradictions, for those who decide which servers are trusted.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use base64ct::{Base64, Encoding};

use crate::Proof;

/// A malfeasance report (RFC 10049 §8.4.1): all exchanges of a proof as `application/roughtime-malfeasance+json`.
///
/// Only of a proof that verifies and has inconsistencies: other reports are not to be sent (§8.4.2). The first exchange has
/// no "rand", as the format allows: what it hangs on is not in the report.
#[must_use]
pub fn report_json(proof: &Proof) -> String {
    let exchanges = proof.requests().enumerate().map(|(number, (exchange, request))| {
        let rand = (number > 0).then(|| member("rand", &exchange.blind));
        let members = [
            Some(member("publicKey", &exchange.server.0)),
            rand,
            Some(member("request", &request)),
            Some(member("response", &exchange.response)),
        ];
        let members: Vec<String> = members.into_iter().flatten().collect();
        format!("{{{}}}", members.join(","))
    });
    let exchanges: Vec<String> = exchanges.collect();
    format!(r#"{{"responses":[{}]}}"#, exchanges.join(","))
}

/// Neither names nor base64 have letters that JSON would escape.
fn member(name: &str, value: &[u8]) -> String {
    format!(r#""{name}":"{}""#, Base64::encode_string(value))
}

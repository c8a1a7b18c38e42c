//! What `connect` prints.

use core::net::SocketAddr;
use std::io::ErrorKind;

use attestation_connect::{ConnectError, Event, Peer, ServiceUrl};
use attestation_evidence::text::printable_line;
use attestation_manifest::HexDigest;
use serde_json::{Map, Value, json};

use crate::check::Verdict;
use crate::receipt::tls_names;
use crate::render::{self, Colours};

/// A verdict on a service, for people or as JSON.
pub(super) fn verdict(
    verdict: &Verdict,
    service: &ServiceUrl,
    peer: Option<&Peer>,
    colours: Option<Colours>,
) -> String {
    match colours {
        Some(colours) => render::table(verdict, colours),
        None => render::json_with(verdict, &about(service, peer)),
    }
}

/// What a verdict is about; of a connection that was not proven nothing but the service.
fn about(service: &ServiceUrl, peer: Option<&Peer>) -> Map<String, Value> {
    let mut about = Map::new();
    about.insert("service".to_owned(), service.to_string().into());
    if let Some(peer) = peer {
        let tls = peer.tls();
        let time = peer.session().statement().time;
        let session = json!({
            "tls": {
                "version": tls_names::version(tls.version),
                "cipher_suite": tls_names::cipher_suite(tls.cipher_suite),
                "group": tls_names::group(tls.group),
            },
            "spki_sha256": HexDigest(*peer.spki_digest()).to_string(),
            "evidence_sha256": HexDigest(*peer.session().evidence().digest()).to_string(),
            "time": time.map(|(earliest, latest)| json!({ "earliest_s": earliest, "latest_s": latest })),
        });
        about.insert("session".to_owned(), session);
    }
    about
}

/// Where programs connect to.
pub(super) fn listening(address: SocketAddr, json: bool) -> String {
    let url = format!("http://{address}");
    if json { format!("{}\n", json!({ "listening": url })) } else { format!("listening on {url}\n") }
}

/// Why a guest is refused, in a line for whoever wanted to talk to it.
pub(super) fn refusal(verdict: &Verdict) -> String {
    let failures = verdict.failures().count();
    let total = verdict.checks.len();
    let first = verdict.failures().next().map(|check| {
        let [what, expected, found] = [&*check.what, &check.expected, &check.found].map(printable_line);
        format!("{what}: expected {expected}, found {found}")
    });
    format!("{failures} of {total} checks failed, first: {}", first.unwrap_or_default())
}

/// What happened to one connection, in a line.
pub(super) fn event(event: &Event) -> String {
    match event {
        Event::NotConnected { error } => refused(error),
        Event::Cut { error } => {
            let how = match error.kind() {
                ErrorKind::UnexpectedEof => "the guest's side was cut off".to_owned(),
                ErrorKind::TimedOut => "nothing came for too long".to_owned(),
                _ => format!("the guest's side broke: {error}"),
            };
            printable_line(&format!("{how}; the local connection was reset"))
        }
        Event::TooMany { limit } => format!("{limit} connections are open already: one more got a 503"),
        Event::Local { error } => format!("this machine: {error}"),
        other => printable_line(&format!("{other:?}")),
    }
}

/// The same for a connection that there is not.
pub(super) fn refused(error: &ConnectError) -> String {
    let lines: Vec<String> = error.to_string().lines().map(|line| printable_line(line.trim())).collect();
    lines.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn a_line_is_a_line() {
        let error =
            ConnectError::Broken { service: "https://a".to_owned(), source: io::Error::other("\u{1b}[2J") };
        let line = event(&Event::NotConnected { error });
        assert!(
            line.starts_with("https://a: the connection broke before it was proven: \\u{1b}[2J; ask"),
            "{line}"
        );
        for (kind, words) in [
            (ErrorKind::UnexpectedEof, "was cut off; the local"),
            (ErrorKind::TimedOut, "for too long"),
            (ErrorKind::ConnectionReset, "broke: connection reset"),
        ] {
            let line = event(&Event::Cut { error: kind.into() });
            assert!(line.contains(words) && !line.contains('\n'), "{line}");
        }
        let mut verdict = Verdict::default();
        verdict.compare("name", "a", "b\nc");
        assert_eq!(refusal(&verdict), "1 of 1 checks failed, first: name: expected a, found b\\u{a}c");
    }

    #[test]
    fn an_address_is_for_people_or_programs() {
        let address = "127.0.0.1:80".parse().unwrap();
        assert_eq!(listening(address, false), "listening on http://127.0.0.1:80\n");
        assert_eq!(listening(address, true), "{\"listening\":\"http://127.0.0.1:80\"}\n");
        assert_eq!(listening("[::1]:80".parse().unwrap(), false), "listening on http://[::1]:80\n");
    }
}

//! A server that says anything: the guest's side of TLS never opens, and holds no more than it says.
#![forbid(unsafe_code)]
#![expect(clippy::expect_used, reason = "what it is set up from is valid, whatever the input")]

use std::process::ExitCode;
use std::sync::{Arc, LazyLock};

use enclave_tls::{ALPN_HTTP_1_1, Anchors, Client, Interval, ServerHost, State, Trust};
use tests_fuzz::{Budget, Target};

static TRUST: LazyLock<Arc<Trust>> =
    LazyLock::new(|| Arc::new(Trust::new(Anchors::Mozilla, Vec::new()).expect("nothing is listed")));

/// A session before its server has said anything: what it sends, what it hashes, its keys.
const SESSION_BYTES: usize = 128 << 10;

fn main() -> ExitCode {
    Target { name: "tls", max_bytes: 256 << 10, budget: Budget::with(SESSION_BYTES), run }.drive()
}

/// The first byte says how long the pieces are in which the others come.
fn run(input: &[u8]) {
    let Some((piece, mut rest)) = input.split_first() else { return };
    let piece = usize::from(*piece).saturating_mul(16).saturating_add(1);
    let host = ServerHost::parse("example.org").expect("a name");
    let now = Interval::new(1_800_000_000, 1_800_000_004).expect("it ends after it begins");
    let mut client = Client::connect(&TRUST, &host, now, &[ALPN_HTTP_1_1]).expect("Mozilla has authorities");
    assert_eq!(client.write(b"secret"), 6);
    while !rest.is_empty() {
        let (next, _) = rest.split_at_checked(piece).unwrap_or((rest, &[]));
        let taken = client.receive(next);
        rest = rest.get(taken..).unwrap_or_default();
        let is_stuck = client.step().is_err() || taken == 0;
        assert!(matches!(client.state(), State::Handshaking | State::Failed), "nobody signed");
        assert!(client.session().is_none() && client.plaintext().is_empty());
        assert!(!client.outgoing().windows(6).any(|bytes| bytes == b"secret"));
        if is_stuck {
            return;
        }
    }
    assert!(client.end_of_stream().is_err());
}

//! A client that says anything: the guest's own side of TLS never opens, and holds no more than it says.
#![forbid(unsafe_code)]
#![expect(clippy::expect_used, reason = "what it is set up from is valid, whatever the input")]

use std::process::ExitCode;
use std::sync::{Arc, LazyLock};

use enclave_tls::{ALPN_HTTP_1_1, Server, ServerIdentity, State};
use tests_fuzz::{Budget, Target};

static IDENTITY: LazyLock<Arc<ServerIdentity>> =
    LazyLock::new(|| Arc::new(ServerIdentity::self_issued("a guest").expect("a name")));

/// A session before its client has said anything, and all that is answered to a first word: a certificate, keys.
const SESSION_BYTES: usize = 128 << 10;

fn main() -> ExitCode {
    Target { name: "tls-server", max_bytes: 256 << 10, budget: Budget::with(SESSION_BYTES), run }.drive()
}

/// The first byte says how long the pieces are in which the others come. What would end a handshake is a secret of both
/// sides, so that no input can.
fn run(input: &[u8]) {
    let Some((piece, mut rest)) = input.split_first() else { return };
    let piece = usize::from(*piece).saturating_mul(16).saturating_add(1);
    let mut server = Server::accept(&IDENTITY, &[ALPN_HTTP_1_1]).expect("there is randomness");
    assert_eq!(server.write(b"secret"), 6);
    while !rest.is_empty() {
        let (next, _) = rest.split_at_checked(piece).unwrap_or((rest, &[]));
        let taken = server.receive(next);
        rest = rest.get(taken..).unwrap_or_default();
        let is_stuck = server.step().is_err() || taken == 0;
        assert!(matches!(server.state(), State::Handshaking | State::Failed), "nobody agreed");
        assert!(server.session().is_none() && server.plaintext().is_empty());
        assert!(!server.outgoing().windows(6).any(|bytes| bytes == b"secret"));
        if is_stuck {
            return;
        }
    }
    assert!(server.end_of_stream().is_err());
}

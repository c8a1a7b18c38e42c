//! The protocol, explored whole within bounds: everybody calls everybody, twice, and every proof that anybody can be
//! brought to sign is held against every connection.
//!
//! Three parties. Two of them, Alice and Bob, follow the protocol, as servers and as clients, and prove to whoever asks. The
//! third, Mallory, has genuine evidence too, as somebody has who got the key out of one machine, knows every proof, and
//! signs what it likes. What is assumed of TLS is what RFC 8446 promises: the ends of a connection export a value that
//! depends on the connection and the context, that nobody else knows, and that differs between connections.
//!
//! What must hold: whoever believes a proof talks to the holder of the evidence that came with it, in that very connection,
//! and the proof was made for the nonce of this time. Then one field at a time is left out, to see which attacks come of it.

#![expect(clippy::unwrap_used, reason = "tests")]

use attestation_evidence::{Evidence, Platform};
use attestation_session::{
    Connection, KnownEvidence, Role, SessionError, SignedSession, Statement, exporter_context, sign_session,
};
use attestation_signature::{P256Signer as _, RustCrypto};
use p256::ecdsa::SigningKey;
use sha2::{Digest as _, Sha256};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Party {
    Alice = 1,
    Bob = 2,
    Mallory = 3,
}
use Party::{Alice, Bob, Mallory};

const PARTIES: [Party; 3] = [Alice, Bob, Mallory];
/// Two connections of each pair: one may be an earlier one.
const TIMES: [u8; 2] = [1, 2];
/// Nonces that askers have used: of two times each.
const ASKED: [[u8; 32]; 2] = [[0x51; 32], [0x52; 32]];

/// A TLS connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tls {
    client: Party,
    server: Party,
    time: u8,
}

impl Tls {
    fn all() -> impl Iterator<Item = Self> {
        PARTIES.into_iter().flat_map(|client| {
            PARTIES.into_iter().flat_map(move |server| TIMES.map(|time| Self { client, server, time }))
        })
    }

    fn end(self, role: Role) -> Party {
        match role {
            Role::Server => self.server,
            Role::Client => self.client,
        }
    }

    fn export(self, context: &[u8; 64]) -> [u8; 32] {
        let secret = [self.client as u8, self.server as u8, self.time];
        Sha256::digest([&secret[..], context].concat()).into()
    }

    /// What this connection is to its ends, when the end with this role proves.
    fn seen(self, role: Role, prover_nonce: [u8; 32], asker_nonce: [u8; 32]) -> Connection {
        let spki = |role| [0x10 * self.end(role) as u8; 32];
        Connection {
            role,
            prover_nonce,
            asker_nonce,
            prover_spki: spki(role),
            asker_spki: spki(other(role)),
            exporter: self.export(&exporter_context(&prover_nonce, &asker_nonce)),
        }
    }
}

const fn other(role: Role) -> Role {
    match role {
        Role::Server => Role::Client,
        Role::Client => Role::Server,
    }
}

/// A protocol that lacks something: the same change is made to what is signed and to what is expected.
type Lacking = fn(&mut Connection);

struct Proof {
    bytes: Vec<u8>,
    /// In which connection it was made, and for which nonce.
    made: (Tls, [u8; 32]),
}

fn key(party: Party) -> SigningKey {
    SigningKey::from_slice(&[party as u8; 32]).unwrap()
}

fn evidence(party: Party) -> KnownEvidence {
    KnownEvidence::new(Evidence {
        platform: Platform::Simulated,
        report: vec![party as u8; 8],
        endorsement: Vec::new(),
        instance_key: key(party).public_key(),
        hpke_key: None,
        manifest: b"{}".to_vec(),
    })
}

/// Everything that anybody signs. Those who follow the protocol draw a nonce for each proof; Mallory uses one for all, says
/// that it is either end, and answers for each certificate.
fn proofs(lacking: Lacking) -> Vec<Proof> {
    let mut proofs = Vec::new();
    let mut drawn = 0_u8;
    for tls in Tls::all() {
        for (role, asker_nonce) in
            [Role::Server, Role::Client].into_iter().flat_map(|r| ASKED.map(|n| (r, n)))
        {
            drawn += 1;
            let honest = tls.end(role) != Mallory;
            let nonce = if honest { [drawn; 32] } else { [0xee; 32] };
            let seen = tls.seen(role, nonce, asker_nonce);
            let mut said = vec![seen];
            if !honest {
                said.push(Connection { role: other(role), ..seen });
                for spki in [0x10_u8, 0x20, 0x30] {
                    said.push(Connection { prover_spki: [spki; 32], ..seen });
                }
            }
            for mut connection in said {
                lacking(&mut connection);
                let statement = Statement { connection, manifest: Sha256::digest(b"{}").into(), time: None };
                let prover = tls.end(role);
                let bytes = sign_session(&statement, &evidence(prover), None, &key(prover)).unwrap();
                proofs.push(Proof { bytes, made: (tls, asker_nonce) });
            }
        }
    }
    proofs
}

/// What somebody believed that is not so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attack {
    /// The holder of the evidence is at neither end, or at one's own.
    Somebody,
    /// The proof was made in another connection of the same two.
    OtherConnection,
    /// It was made for another time's nonce.
    Old,
}

/// Every proof is sent to every end of every connection that asks.
fn attacks(lacking: Lacking) -> Vec<Attack> {
    let proofs = proofs(lacking);
    let mut found = Vec::new();
    let mut believed = 0;
    for tls in Tls::all() {
        for (role, asker_nonce) in
            [Role::Server, Role::Client].into_iter().flat_map(|r| ASKED.map(|n| (r, n)))
        {
            // What Mallory believes is nobody's loss.
            if tls.end(other(role)) == Mallory {
                continue;
            }
            for proof in &proofs {
                let Ok(evidence) = believe(tls, role, asker_nonce, &proof.bytes, lacking) else { continue };
                believed += 1;
                let holder = PARTIES.into_iter().find(|party| self::evidence(*party) == evidence).unwrap();
                let (made_in, made_for) = proof.made;
                if holder != tls.end(role) {
                    found.push(Attack::Somebody);
                } else if made_in != tls {
                    found.push(Attack::OtherConnection);
                } else if made_for != asker_nonce {
                    found.push(Attack::Old);
                }
            }
        }
    }
    assert!(believed > 0, "nothing is ever believed: this shows nothing");
    found
}

fn believe(
    tls: Tls,
    role: Role,
    asker_nonce: [u8; 32],
    proof: &[u8],
    lacking: Lacking,
) -> Result<KnownEvidence, SessionError> {
    let signed = SignedSession::parse(proof)?;
    let mut seen = tls.seen(role, *signed.prover_nonce(), asker_nonce);
    lacking(&mut seen);
    Ok(signed.verify(&seen, None, &RustCrypto)?.evidence().clone())
}

#[test]
fn whoever_is_believed_is_at_the_other_end_now() {
    assert_eq!(attacks(|_| {}), []);
}

#[test]
fn without_the_exporter_proofs_are_relayed() {
    let found = attacks(|connection| connection.exporter = [1; 32]);
    assert!(found.contains(&Attack::OtherConnection), "{found:?}");
}

/// Two that do not look at certificates either: then somebody in the middle passes for the one behind it.
#[test]
fn without_exporter_and_certificates_anybody_is_believed() {
    let found = attacks(|connection| {
        connection.exporter = [1; 32];
        (connection.prover_spki, connection.asker_spki) = ([0; 32], [0; 32]);
    });
    assert!(found.contains(&Attack::Somebody), "{found:?}");
}

/// Where nobody shows a certificate, as clients do not here, or both sides' are alike.
#[test]
fn without_roles_one_is_shown_ones_own_proof() {
    let found = attacks(|connection| {
        connection.role = Role::Server;
        (connection.prover_spki, connection.asker_spki) = ([0; 32], [0; 32]);
    });
    assert!(found.contains(&Attack::Somebody), "{found:?}");
    let with_roles = attacks(|connection| {
        (connection.prover_spki, connection.asker_spki) = ([0; 32], [0; 32]);
    });
    assert_eq!(with_roles, [], "roles and exporter do without certificates");
}

/// The exported value is the same for every request that names the same nonces: here the context is left out too.
#[test]
fn without_the_nonce_old_proofs_are_good() {
    let found = attacks(|connection| {
        connection.asker_nonce = [0; 32];
        connection.exporter = [connection.role as u8; 32];
    });
    assert!(found.contains(&Attack::Old), "{found:?}");
}

/// The nonces are in the context of the exported value as well: each place alone is enough.
#[test]
fn nonces_count_twice() {
    assert_eq!(attacks(|connection| connection.asker_nonce = [0; 32]), []);
}

//! A service against hostile clients: what they get begins as HTTP does, and every claim says what happened.
#![forbid(unsafe_code)]

use core::mem;
use core::net::Ipv4Addr;
use std::collections::{HashMap, VecDeque};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use attestation_claim::{SignedClaim, open_claims};
use attestation_evidence::Evidence;
use attestation_manifest::{Role, manifest_digest, parse_manifest};
use attestation_transcript::Root;
use enclave_platform::{ByteStream, ControlLink, DerivedKeys, Identity};
use enclave_service::{
    Broken, ClaimChain, Connection, ConnectionState, Ended, HeapFigures, NetworkFigures, ProbeAnswer, Query,
    Question, Sockets, Surroundings, Unresolved, Vault, serve,
};
use enclave_wire::control::{Serve, encode_body};
use enclave_wire::frame::{Frame, FrameKind, FrameReader, encode_frame};
use sha2::{Digest, Sha256};
use tests_fuzz::{Budget, Target, fixtures, programs};

const CLIENTS: usize = 4;
/// Requests that are answered at once: fewer than clients.
const OPEN_REQUESTS_MAX: usize = 3;

/// The memories, tables and stacks of instances, and besides: windows, evidence in claims, and what the loader here keeps.
const GUEST_BYTES: usize = OPEN_REQUESTS_MAX * (programs::MEMORY_BYTES as usize + (2 << 20)) + (1 << 20);

/// Turns of the guest after the last step of any client: enough for every limit of time to strike.
const LAST_TURNS: u32 = 600;

fn main() -> ExitCode {
    // Compiling it is not part of any input.
    if programs::service().is_none() {
        eprintln!("the service does not compile");
        return ExitCode::FAILURE;
    }
    Target { name: "requests", max_bytes: 8 << 10, budget: Budget::with(GUEST_BYTES), run }.drive()
}

/// The first byte says whether requests are kept, and how finely what comes is cut; the rest is what clients do.
fn run(input: &[u8]) {
    let (Some((manner, steps)), Some(program)) = (input.split_first(), programs::service()) else { return };
    let text = manifest_text();
    let Ok(manifest) = parse_manifest(text.as_bytes()) else { return };
    let digest = manifest_digest(text.as_bytes());
    let identity = Identity {
        evidence: evidence(),
        instance_key: Arc::new(fixtures::instance_key()),
        job_key: None,
        keys: DerivedKeys::derive(&[1; 32], &digest, Role::Workload),
    };
    let mut chain = ClaimChain::new(identity, &manifest, digest);
    let street = Street {
        steps: Step::read_all(steps),
        clients: core::array::from_fn(|_| Client::default()),
        is_open: false,
        now_ns: 0,
        turns_left: LAST_TURNS,
        cut_bytes: usize::from(manner >> 1) + 1,
    };
    let town = Town(Arc::new(Mutex::new(street)));
    let loader = Loader(Arc::new(Mutex::new(Desk {
        town: town.clone(),
        keep: manner & 1 == 1,
        reader: FrameReader::new(),
        to_guest: Vec::new(),
        has_ended: false,
        open: HashMap::new(),
        unsigned: Vec::new(),
    })));
    let vault = Vault::new(&manifest, chain.identity());
    let ended = serve(ControlLink::new(loader), town.clone(), program, &manifest, &mut chain, vault);
    assert_eq!(ended, Ok(Ended::Shutdown), "no client ends the guest");
    for client in &town.lock().clients {
        let begin = &b"HTTP/1.1 "[..];
        let length = client.got.len().min(begin.len());
        assert!(
            client.got.get(..length) == begin.get(..length),
            "a client got {:?}",
            client.got.escape_ascii()
        );
    }
}

/// Like the usual one with a service, but small and impatient.
fn manifest_text() -> &'static str {
    static MANIFEST: OnceLock<String> = OnceLock::new();
    MANIFEST.get_or_init(|| {
        let service = format!(
            r#""service":{{"port":80,"scheme":"http","open_requests_max":{OPEN_REQUESTS_MAX},"request_wall_ms":40,
"request_body_bytes":3000,"response_body_bytes":20000,"request_fuel":20000000,"request_memory_bytes":{}}}"#,
            programs::MEMORY_BYTES
        );
        fixtures::MANIFEST.replace("\"service\":null", &service)
    })
}

/// Signed once.
fn evidence() -> Evidence {
    static EVIDENCE: OnceLock<Evidence> = OnceLock::new();
    let manifest = manifest_text().as_bytes().to_vec();
    EVIDENCE.get_or_init(|| Evidence { manifest, ..fixtures::evidence() }).clone()
}

/// What one client does next.
enum Deed {
    Sends(Vec<u8>),
    /// Sends nothing more.
    Finishes,
    /// Goes away.
    Vanishes,
    /// Reads nothing for so many turns of the guest. So does nobody else do anything.
    Stalls(u32),
}

struct Step {
    client: usize,
    deed: Deed,
}

impl Step {
    /// A byte for client and deed, and where it sends or stalls, one for how much.
    fn read_all(mut bytes: &[u8]) -> VecDeque<Self> {
        let mut steps = VecDeque::new();
        while let Some((head, rest)) = bytes.split_first() {
            bytes = rest;
            let client = usize::from(head & 3);
            let mut count = || {
                let (count, rest) = bytes.split_first().unwrap_or((&0, &[]));
                bytes = rest;
                usize::from(*count)
            };
            let deed = match head >> 2 {
                0 => Deed::Finishes,
                1 => Deed::Vanishes,
                2 => Deed::Stalls(u32::try_from(count()).unwrap_or(0)),
                _ => {
                    let wanted = count();
                    let (sent, rest) = bytes.split_at(wanted.min(bytes.len()));
                    bytes = rest;
                    Deed::Sends(sent.to_vec())
                }
            };
            steps.push_back(Self { client, deed });
        }
        steps
    }
}

#[derive(Default)]
struct Client {
    /// On the way to the guest.
    sent: VecDeque<u8>,
    has_come: bool,
    is_accepted: bool,
    has_finished: bool,
    has_vanished: bool,
    reads_from_turn: u32,
    got: Vec<u8>,
    is_ended: bool,
    is_released: bool,
}

/// Clients, and time.
struct Street {
    steps: VecDeque<Step>,
    clients: [Client; CLIENTS],
    is_open: bool,
    now_ns: u64,
    turns_left: u32,
    cut_bytes: usize,
}

impl Street {
    /// One step of one client; when none is left, the end comes nearer.
    fn turn(&mut self) {
        if let Some(client) = self.clients.iter_mut().find(|client| client.reads_from_turn > 0) {
            client.reads_from_turn -= 1;
            return;
        }
        let Some(Step { client, deed }) = self.steps.pop_front() else {
            self.turns_left = self.turns_left.saturating_sub(1);
            return;
        };
        let Some(client) = self.clients.get_mut(client) else { return };
        client.has_come = true;
        match deed {
            Deed::Sends(bytes) => client.sent.extend(bytes),
            Deed::Finishes => client.has_finished = true,
            Deed::Vanishes => client.has_vanished = true,
            Deed::Stalls(turns) => client.reads_from_turn = turns,
        }
    }

    fn with<T: Default>(&mut self, connection: Connection, act: impl FnOnce(&mut Client) -> T) -> T {
        let client = usize::try_from(connection.0).ok().and_then(|index| self.clients.get_mut(index));
        client.map(act).unwrap_or_default()
    }
}

#[derive(Clone)]
struct Town(Arc<Mutex<Street>>);

impl Town {
    fn lock(&self) -> MutexGuard<'_, Street> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Surroundings for Town {
    fn now_ns(&mut self) -> u64 {
        let mut street = self.lock();
        street.now_ns += 20_000;
        street.now_ns
    }

    fn fill_random(&mut self, bytes: &mut [u8]) {
        bytes.fill(0x5A);
    }

    fn poll(&mut self) -> Result<(), String> {
        let mut street = self.lock();
        if street.is_open {
            street.turn();
        }
        Ok(())
    }

    fn heap(&mut self) -> HeapFigures {
        HeapFigures::default()
    }

    fn begin_job(&mut self) -> Result<(), String> {
        Ok(())
    }

    fn network(&mut self) -> Option<NetworkFigures> {
        None
    }

    fn sockets(&mut self) -> Option<&mut dyn Sockets> {
        Some(self)
    }

    fn start_probe(&mut self, _destination: &str, _payload: &[u8], _timeout_us: u64) -> Result<(), String> {
        Err("there are no probes here".into())
    }

    fn take_probe(&mut self) -> Option<ProbeAnswer> {
        None
    }
}

impl Sockets for Town {
    fn resolve(&mut self, _name: &str) -> Option<Query> {
        None
    }

    fn resolved(&mut self, _query: Query) -> Option<Result<Vec<Ipv4Addr>, Unresolved>> {
        None
    }

    fn forget(&mut self, _query: Query) {}

    fn ask(&mut self, _address: Ipv4Addr, _port: u16, _payload: &[u8]) -> Result<Question, Broken> {
        Err(Broken::Unreachable)
    }

    fn answered(&mut self, _question: Question) -> Option<Vec<u8>> {
        None
    }

    fn hang_up(&mut self, _question: Question) {}

    fn connect(&mut self, _address: Ipv4Addr, _port: u16) -> Result<Connection, Broken> {
        Err(Broken::Unreachable)
    }

    fn listen(&mut self, _port: u16, _backlog: usize) -> bool {
        self.lock().is_open = true;
        true
    }

    fn accept(&mut self) -> Option<Connection> {
        let mut street = self.lock();
        let next = street.clients.iter().position(|client| client.has_come && !client.is_accepted)?;
        street.clients.get_mut(next)?.is_accepted = true;
        Some(Connection(next as u64))
    }

    fn waiting(&mut self) -> usize {
        self.lock().clients.iter().filter(|client| client.has_come && !client.is_accepted).count()
    }

    fn state(&mut self, connection: Connection) -> ConnectionState {
        self.lock()
            .with(connection, |client| {
                State(match (client.has_vanished, client.has_finished) {
                    (true, _) => ConnectionState::Failed(Broken::Reset),
                    (false, true) => ConnectionState::PeerClosed,
                    (false, false) => ConnectionState::Open,
                })
            })
            .0
    }

    fn send_room(&mut self, _connection: Connection) -> usize {
        1000
    }

    fn send(&mut self, connection: Connection, bytes: &[u8]) -> usize {
        let mut street = self.lock();
        let cut_bytes = street.cut_bytes;
        street.with(connection, |client| {
            assert!(!client.is_released && !client.is_ended, "the guest sends after its end");
            let count = if client.reads_from_turn == 0 { bytes.len().min(8 * cut_bytes) } else { 0 };
            // What clients get is looked at from its beginning alone.
            let kept = count.min(16_usize.saturating_sub(client.got.len()));
            client.got.extend(bytes.get(..kept).unwrap_or_default());
            count
        })
    }

    fn unsent(&mut self, _connection: Connection) -> usize {
        0
    }

    fn receive(&mut self, connection: Connection, max_bytes: usize, into: &mut Vec<u8>) -> usize {
        let mut street = self.lock();
        let cut_bytes = street.cut_bytes;
        street.with(connection, |client| {
            let count = client.sent.len().min(max_bytes).min(cut_bytes);
            into.extend(client.sent.drain(..count));
            count
        })
    }

    fn shutdown(&mut self, connection: Connection) {
        self.lock().with(connection, |client| (client.is_ended, client.has_finished) = (true, true));
    }

    fn release(&mut self, connection: Connection) {
        self.lock().with(connection, |client| {
            assert!(!client.is_released, "released twice");
            client.is_released = true;
        });
    }
}

/// Of a connection that is none: closed.
struct State(ConnectionState);

impl Default for State {
    fn default() -> Self {
        Self(ConnectionState::Closed)
    }
}

/// A truthful loader, which checks what the guest gives it.
#[derive(Clone)]
struct Loader(Arc<Mutex<Desk>>);

struct Desk {
    town: Town,
    keep: bool,
    reader: FrameReader,
    to_guest: Vec<u8>,
    has_ended: bool,
    /// Requests and transcripts, by number.
    open: HashMap<u32, [Vec<u8>; 2]>,
    unsigned: Vec<(Vec<u8>, [Vec<u8>; 2])>,
}

impl ByteStream for Loader {
    fn receive(&mut self, consume: &mut dyn FnMut(&[u8])) -> Result<usize, String> {
        let mut desk = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = desk.town.lock().turns_left == 0;
        if is_over && !mem::replace(&mut desk.has_ended, true) {
            desk.push(FrameKind::SHUTDOWN, &[])?;
        }
        let bytes = mem::take(&mut desk.to_guest);
        consume(&bytes);
        Ok(bytes.len())
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut desk = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        desk.reader.push(bytes);
        loop {
            let frame = desk.reader.next_frame();
            assert!(frame.is_ok(), "the guest broke the framing: {frame:?}");
            let Ok(Some(frame)) = frame else { return Ok(()) };
            desk.take(frame)?;
        }
    }

    fn flush(&mut self) -> Result<(), String> {
        Ok(())
    }
}

impl Desk {
    fn push(&mut self, kind: FrameKind, body: &[u8]) -> Result<(), String> {
        encode_frame(kind, 0, body, &mut self.to_guest).map_err(|error| error.to_string())
    }

    fn take(&mut self, frame: Frame) -> Result<(), String> {
        let Frame { kind, job: number, body } = frame;
        assert!(self.keep || !is_kept(kind), "the guest sent {kind:?} though nothing is kept");
        match kind {
            FrameKind::READY => {
                let serve = Serve { wall_ns: 0, keep: self.keep };
                return self.push(FrameKind::SERVE, &encode_body(&serve));
            }
            FrameKind::REQUEST => self.open.entry(number).or_default()[0].extend(body),
            FrameKind::TRANSCRIPT => self.open.entry(number).or_default()[1].extend(body),
            FrameKind::REQUEST_DROPPED => drop(self.open.remove(&number)),
            FrameKind::REQUEST_CLAIM => {
                let draft = self.open.remove(&number);
                assert!(draft.is_some(), "a claim of request {number}, of which nothing came");
                self.unsigned.push((body, draft.unwrap_or_default()));
            }
            FrameKind::BATCH => self.check(&body),
            _ => {}
        }
        Ok(())
    }

    fn check(&mut self, batch: &[u8]) {
        let (claims, drafts): (Vec<_>, Vec<_>) = mem::take(&mut self.unsigned).into_iter().unzip();
        let files = open_claims(batch, &claims).map_err(|error| error.to_string());
        let refused = files.as_ref().err();
        assert!(refused.is_none(), "a batch is not of its claims: {refused:?}");
        for (file, [request, transcript]) in files.into_iter().flatten().zip(drafts) {
            let verified = SignedClaim::parse(&file).and_then(SignedClaim::verify);
            assert!(verified.is_ok(), "a claim does not verify: {verified:?}");
            let Ok(verified) = verified else { return };
            let claim = verified.claim();
            assert_eq!(claim.input.bytes, request.len() as u64);
            assert_eq!(claim.input.sha256, <[u8; 32]>::from(Sha256::digest(&request)));
            let summary = attestation_transcript::verify(&transcript, &Root(claim.transcript.root));
            assert!(summary.is_ok(), "a transcript is not its claim's: {summary:?}");
            let parsed = attestation_claim::message::parse_request(&request);
            assert!(parsed.is_ok(), "a request that was kept is none: {parsed:?}");
        }
    }
}

const fn is_kept(kind: FrameKind) -> bool {
    matches!(
        kind,
        FrameKind::REQUEST
            | FrameKind::TRANSCRIPT
            | FrameKind::REQUEST_CLAIM
            | FrameKind::REQUEST_DROPPED
            | FrameKind::BATCH
    )
}

//! The guest's network with clients who follow scripts, and the loader of a service.

use core::mem;
use core::net::Ipv4Addr;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use enclave_platform::ByteStream;
use enclave_service::{
    Broken, Connection, ConnectionState, HeapFigures, NetworkFigures, ProbeAnswer, Query, Question, Sockets,
    Surroundings, Unresolved,
};
use enclave_wire::control::{JobStart, Serve, encode_body};
use enclave_wire::frame::{Frame, FrameKind, FrameReader, encode_frame};
use rustls::SupportedProtocolVersion;

use crate::callers::Caller;
use crate::datagrams::Datagrams;

/// Turns after which a test that still waits has failed.
const PATIENCE_TURNS: u32 = 300_000;

/// What a client does next.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Sends this.
    Send(Vec<u8>),
    /// Waits until this has come, and reads over it.
    Expect(&'static str),
    /// Waits for the end of the guest's side.
    ExpectEnd,
    /// Sends this, whatever is below.
    SendRaw(Vec<u8>),
    /// Says under TLS that it says nothing more.
    Close,
    /// Sends nothing more.
    Finish,
    /// Goes away.
    Vanish,
    /// Lets so many turns of the guest pass.
    Wait(u32),
    /// Reads nothing from now on.
    StopReading,
}

#[derive(Debug)]
struct Client {
    steps: VecDeque<Step>,
    /// Between this and what is said.
    tls: Option<Caller>,
    is_accepted: bool,
    /// On the way to the guest.
    sent: VecDeque<u8>,
    has_finished: bool,
    has_vanished: bool,
    reads: bool,
    /// Everything that came.
    got: Vec<u8>,
    /// Of it, what was expected.
    seen_bytes: usize,
    is_ended: bool,
    is_released: bool,
}

impl Client {
    fn advance(&mut self) {
        self.follow_script();
        if let Some(tls) = &mut self.tls {
            self.sent.extend(tls.outgoing());
        }
    }

    fn follow_script(&mut self) {
        while let Some(step) = self.steps.front_mut() {
            match step {
                Step::Send(bytes) => match &mut self.tls {
                    Some(tls) => tls.say(bytes),
                    None => self.sent.extend(bytes.iter()),
                },
                Step::SendRaw(bytes) => self.sent.extend(bytes.iter()),
                Step::Close => self.tls.as_mut().expect("under TLS").close(),
                Step::Expect(text) => {
                    let rest = &self.got[self.seen_bytes..];
                    let Some(at) = rest.windows(text.len()).position(|window| window == text.as_bytes())
                    else {
                        return;
                    };
                    self.seen_bytes += at + text.len();
                }
                Step::ExpectEnd if self.is_ended || self.is_released => {}
                Step::ExpectEnd => return,
                Step::Finish => self.has_finished = true,
                Step::Vanish => self.has_vanished = true,
                Step::Wait(0) => {}
                Step::Wait(turns) => {
                    *turns -= 1;
                    return;
                }
                Step::StopReading => self.reads = false,
            }
            self.steps.pop_front();
        }
    }
}

/// Clients, servers of datagrams, and time.
#[derive(Debug)]
pub(crate) struct Street {
    clients: Vec<Client>,
    pub(crate) datagrams: Datagrams,
    is_open: bool,
    now_ns: u64,
    /// How far time moves with each look at it.
    look_ns: u64,
    turns: u32,
    pub(crate) most_accepted: usize,
}

/// A handle to it: surroundings of the guest, and its network.
#[derive(Debug, Clone)]
pub(crate) struct Town(Arc<Mutex<Street>>);

impl Town {
    pub(crate) fn new(scripts: Vec<Vec<Step>>, look_ns: u64) -> Self {
        Self::with(scripts, look_ns, || None)
    }

    /// All clients speak TLS of these versions.
    pub(crate) fn under_tls(
        scripts: Vec<Vec<Step>>,
        look_ns: u64,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Self {
        Self::with(scripts, look_ns, || Some(Caller::new(versions)))
    }

    fn with(scripts: Vec<Vec<Step>>, look_ns: u64, tls: impl Fn() -> Option<Caller>) -> Self {
        let client = |steps: Vec<Step>| Client {
            steps: steps.into(),
            tls: tls(),
            is_accepted: false,
            sent: VecDeque::new(),
            has_finished: false,
            has_vanished: false,
            reads: true,
            got: Vec::new(),
            seen_bytes: 0,
            is_ended: false,
            is_released: false,
        };
        Self(Arc::new(Mutex::new(Street {
            clients: scripts.into_iter().map(client).collect(),
            datagrams: Datagrams::default(),
            is_open: false,
            now_ns: 0,
            look_ns,
            turns: 0,
            most_accepted: 0,
        })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Street> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a client got, as text.
    pub(crate) fn got(&self, client: usize) -> String {
        String::from_utf8_lossy(&self.lock().clients[client].got).into_owned()
    }

    /// Looks at a client's side of TLS.
    pub(crate) fn caller<T>(&self, client: usize, look: impl FnOnce(&Caller) -> T) -> T {
        look(self.lock().clients[client].tls.as_ref().expect("under TLS"))
    }

    /// What a client got.
    pub(crate) fn got_bytes(&self, client: usize) -> Vec<u8> {
        self.lock().clients[client].got.clone()
    }

    /// How many connections were not given back.
    pub(crate) fn unreleased(&self) -> usize {
        self.lock().clients.iter().filter(|client| client.is_accepted && !client.is_released).count()
    }
}

impl Street {
    fn turn(&mut self) {
        self.turns += 1;
        self.clients.iter_mut().for_each(Client::advance);
        assert!(self.turns < PATIENCE_TURNS, "clients still wait: {}", self.waiting());
    }

    fn waiting(&self) -> String {
        let waiting = self.clients.iter().enumerate().filter(|(_, client)| !client.steps.is_empty());
        let told = waiting.map(|(number, client)| {
            let got = String::from_utf8_lossy(&client.got);
            format!("\n{number}: {:?} after {got:?}", client.steps)
        });
        told.collect()
    }

    fn is_done(&self) -> bool {
        self.clients.iter().all(|client| client.steps.is_empty())
    }

    fn client(&mut self, connection: Connection) -> &mut Client {
        &mut self.clients[usize::try_from(connection.0).expect("few clients")]
    }
}

impl Surroundings for Town {
    fn now_ns(&mut self) -> u64 {
        let mut street = self.lock();
        street.now_ns += street.look_ns;
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
        HeapFigures { used_bytes: 1, peak_bytes: 2, total_bytes: 3 }
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

    fn ask(&mut self, address: Ipv4Addr, port: u16, payload: &[u8]) -> Result<Question, Broken> {
        self.lock().datagrams.ask((address, port), payload)
    }

    fn answered(&mut self, question: Question) -> Option<Vec<u8>> {
        self.lock().datagrams.answered(question)
    }

    fn hang_up(&mut self, question: Question) {
        self.lock().datagrams.hang_up(question);
    }

    fn connect(&mut self, _address: Ipv4Addr, _port: u16) -> Result<Connection, Broken> {
        Err(Broken::Unreachable)
    }

    fn listen(&mut self, port: u16, _backlog: usize) -> bool {
        let mut street = self.lock();
        street.is_open = port == 80;
        street.is_open
    }

    fn accept(&mut self) -> Option<Connection> {
        let mut street = self.lock();
        let next = street.clients.iter().position(|client| !client.is_accepted)?;
        street.clients[next].is_accepted = true;
        let open = street.clients.iter().filter(|client| client.is_accepted && !client.is_released).count();
        street.most_accepted = street.most_accepted.max(open);
        Some(Connection(next as u64))
    }

    fn waiting(&mut self) -> usize {
        self.lock().clients.iter().filter(|client| !client.is_accepted).count()
    }

    fn state(&mut self, connection: Connection) -> ConnectionState {
        let mut street = self.lock();
        let client = street.client(connection);
        if client.has_vanished {
            ConnectionState::Failed(Broken::Reset)
        } else if client.has_finished {
            ConnectionState::PeerClosed
        } else {
            ConnectionState::Open
        }
    }

    fn send_room(&mut self, _connection: Connection) -> usize {
        1000
    }

    /// A thousand bytes at a time.
    fn send(&mut self, connection: Connection, bytes: &[u8]) -> usize {
        let mut street = self.lock();
        let client = street.client(connection);
        assert!(!client.is_released && !client.is_ended, "the guest sends after its end");
        let count = if client.reads { bytes.len().min(1000) } else { 0 };
        match &mut client.tls {
            Some(tls) => client.got.extend(tls.hear(&bytes[..count])),
            None => client.got.extend_from_slice(&bytes[..count]),
        }
        count
    }

    fn unsent(&mut self, _connection: Connection) -> usize {
        0
    }

    /// Seven bytes at a time: what comes may be cut anywhere.
    fn receive(&mut self, connection: Connection, max_bytes: usize, into: &mut Vec<u8>) -> usize {
        let mut street = self.lock();
        let client = street.client(connection);
        let count = client.sent.len().min(max_bytes).min(7);
        into.extend(client.sent.drain(..count));
        count
    }

    fn shutdown(&mut self, connection: Connection) {
        let mut street = self.lock();
        let client = street.client(connection);
        client.is_ended = true;
        // A client that is told so hangs up, too.
        client.has_finished = true;
    }

    fn release(&mut self, connection: Connection) {
        let mut street = self.lock();
        let client = street.client(connection);
        assert!(!client.is_released, "released twice");
        client.is_released = true;
    }
}

/// A loader that opens the service and ends the guest when all clients are done.
#[derive(Debug, Clone)]
pub(crate) struct ServiceLoader(Arc<Mutex<LoaderState>>);

#[derive(Debug)]
struct LoaderState {
    town: Town,
    keep: bool,
    job: Option<Vec<u8>>,
    reader: FrameReader,
    to_guest: Vec<u8>,
    has_ended: bool,
    frames: Vec<Frame>,
}

impl ServiceLoader {
    pub(crate) fn new(town: &Town, keep: bool) -> Self {
        Self::with_state(town, keep, None)
    }

    /// One that asks for a job besides.
    pub(crate) fn with_job(town: &Town, start: &JobStart) -> Self {
        Self::with_state(town, false, Some(encode_body(start)))
    }

    fn with_state(town: &Town, keep: bool, job: Option<Vec<u8>>) -> Self {
        Self(Arc::new(Mutex::new(LoaderState {
            town: town.clone(),
            keep,
            job,
            reader: FrameReader::new(),
            to_guest: Vec::new(),
            has_ended: false,
            frames: Vec::new(),
        })))
    }

    /// What the guest has sent.
    pub(crate) fn frames(&self) -> Vec<Frame> {
        self.0.lock().expect("one thread").frames.clone()
    }
}

impl LoaderState {
    fn push(&mut self, kind: FrameKind, job: u32, body: &[u8]) {
        encode_frame(kind, job, body, &mut self.to_guest).expect("short frames");
    }
}

impl ByteStream for ServiceLoader {
    fn receive(&mut self, consume: &mut dyn FnMut(&[u8])) -> Result<usize, String> {
        let mut state = self.0.lock().expect("one thread");
        if !state.has_ended && state.town.lock().is_done() {
            state.has_ended = true;
            state.push(FrameKind::STATUS_REQUEST, 0, &[]);
            state.push(FrameKind::SHUTDOWN, 0, &[]);
        }
        let bytes = mem::take(&mut state.to_guest);
        consume(&bytes);
        Ok(bytes.len())
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut state = self.0.lock().expect("one thread");
        state.reader.push(bytes);
        while let Some(frame) = state.reader.next_frame().expect("the guest keeps to the framing") {
            if frame.kind == FrameKind::READY {
                let serve = Serve { wall_ns: 1_700_000_000_000_000_000, keep: state.keep };
                state.push(FrameKind::SERVE, 0, &encode_body(&serve));
                if let Some(job) = state.job.take() {
                    state.push(FrameKind::JOB_START, 1, &job);
                }
            }
            state.frames.push(frame);
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), String> {
        Ok(())
    }
}

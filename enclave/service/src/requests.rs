//! The life of a guest whose component answers requests.

mod client;
mod host;
mod kept;
mod refusal;
mod wire;

use alloc::sync::Arc;
use alloc::vec::Vec;

use attestation_claim::Measured;
use attestation_manifest::{EgressPolicy, EgressScheme, Manifest, Service, WallClock};
use attestation_session::{CONTENT_TYPE, Request as SessionRequest, SESSION_PATH};
use attestation_signature::SigningError;
use enclave_platform::ByteStream;
use enclave_runtime::{Job, JobLimits, JobReport, Outcome, Program, Responded, Running, begin_request};
use enclave_tls::TlsError;
use enclave_wire::control::{JobStart, RequestFigures, Serve};
use enclave_wire::frame::{FRAME_BODY_MAX_BYTES, Frame, FrameKind};
use enclave_wire::network::{BACKLOG, SPARE_CONNECTIONS};

use self::client::{Begin, Client, Received};
use self::host::{Ended as RunEnd, Facilities, RequestHost, WritingStage};
use self::kept::Outbox;
use self::refusal::Refusal;
use self::wire::Wire;
use crate::claims::{ClaimChain, JobFacts};
use crate::error::ServiceError;
use crate::job::claim_outcome;
use crate::serve::{Ended, Guest, decode};
use crate::sessions::Sessions;
use crate::shared::Shared;
use crate::sockets::Connection;
use crate::surroundings::Surroundings;

/// Claims that are signed together at most: a signature costs as much as some small requests.
const BATCH_CLAIMS: usize = 256;

/// How long a claim waits for others.
const BATCH_WAIT_NS: u64 = 1_000_000_000;

/// How long what a request has stored may wait to be given to the loader.
const SAVE_WAIT_NS: u64 = 1_000_000_000;

/// How much longer the guest does other things than it took to save, so that a large store does not keep requests waiting.
const SAVE_SHARE: u64 = 10;

/// Answers requests until the loader asks for the end.
pub(crate) fn serve<S, E>(
    mut guest: Guest<S, Shared<E>>,
    program: &Program,
    manifest: &Manifest<'_>,
    service: &Service,
    chain: &mut ClaimChain,
) -> Result<Ended, ServiceError>
where
    S: ByteStream + Send + 'static,
    E: Surroundings,
{
    let mut args: Vec<&str> = alloc::vec![manifest.name];
    args.extend(manifest.args.iter());
    let env: Vec<(&str, &str)> = manifest.env.iter().map(|var| (var.name, var.value)).collect();
    let limits = JobLimits::of_request(manifest, service);
    let sessions = match service.scheme {
        EgressScheme::Https => Some(Sessions::of(manifest, chain.identity())?),
        EgressScheme::Http => None,
    };
    let component = Answers {
        program,
        job: Job { limits, args: &args, env: &env, keeps_files: false, run: chain.next_run() },
        facilities: Facilities {
            shared: guest.surroundings.clone(),
            egress: Arc::new(EgressPolicy::of(manifest)),
            security: guest.security.clone(),
            logs: manifest.logs,
            wall_clock: manifest.wall_clock,
            wall_offset_ns: None,
            vault: guest.vault.clone(),
            audience: guest.audience.clone(),
            outbox: None,
        },
        sessions,
        chain,
        batch: Batch::default(),
        figures: RequestFigures::default(),
    };
    let open_max = usize::try_from(service.open_requests_max).unwrap_or(usize::MAX);
    let mut desk = Desk { component, clients: Vec::new(), open_max, turn: 0, is_open: false };
    let mut next_save_ns = 0;
    loop {
        while let Some(frame) = guest.next_frame()? {
            handle(&mut guest, &mut desk, &frame, manifest, service)?;
        }
        desk.step();
        desk.component.sign(guest.is_shutdown_asked)?;
        desk.component.send(&mut guest)?;
        guest.requests = Some(desk.figures());
        save(&mut guest, &mut next_save_ns)?;
        if guest.is_shutdown_asked {
            guest.save_state()?;
            guest.say_goodbye()?;
            return Ok(Ended::Shutdown);
        }
    }
}

/// Gives the loader what requests have stored, now and then.
fn save<S, E>(guest: &mut Guest<S, Shared<E>>, next_ns: &mut u64) -> Result<(), ServiceError>
where
    S: ByteStream,
    E: Surroundings,
{
    if !guest.vault.must_save() {
        return Ok(());
    }
    let begun_ns = guest.surroundings.now_ns();
    if begun_ns >= *next_ns {
        guest.save_state()?;
        let ended_ns = guest.surroundings.now_ns();
        let took_ns = ended_ns.saturating_sub(begun_ns);
        *next_ns = ended_ns.saturating_add(took_ns.saturating_mul(SAVE_SHARE).max(SAVE_WAIT_NS));
    }
    Ok(())
}

fn handle<S, E>(
    guest: &mut Guest<S, Shared<E>>,
    desk: &mut Desk<'_, E>,
    frame: &Frame,
    manifest: &Manifest<'_>,
    service: &Service,
) -> Result<(), ServiceError>
where
    S: ByteStream + Send + 'static,
    E: Surroundings,
{
    match frame.kind {
        FrameKind::SERVE => {
            let serve: Serve = decode(frame)?;
            desk.open(&serve, manifest.wall_clock, service.port)
        }
        FrameKind::JOB_START => {
            let _start: JobStart = decode(frame)?;
            let detail =
                alloc::format!("this guest answers requests on port {}, it takes no jobs", service.port);
            guest.refuse_job(frame.job, detail)
        }
        _ => guest.handle_idle(frame),
    }
}

/// Everybody who is served.
struct Desk<'a, E> {
    component: Answers<'a, E>,
    clients: Vec<Client<E>>,
    /// Most requests that are answered at once.
    open_max: usize,
    /// Who comes first in the next turn.
    turn: usize,
    is_open: bool,
}

impl<E: Surroundings> Desk<'_, E> {
    /// The loader says what time it is, and that clients may come.
    fn open(&mut self, serve: &Serve, clock: WallClock, port: u16) -> Result<(), ServiceError> {
        let Facilities { shared, wall_offset_ns, outbox, security, .. } = &mut self.component.facilities;
        if clock == WallClock::Host {
            *wall_offset_ns = Some(serve.wall_ns.saturating_sub(shared.now_ns()));
        }
        if self.is_open {
            return Ok(());
        }
        *outbox = serve.keep.then(Outbox::default);
        self.is_open = shared.with_sockets(|sockets| sockets.listen(port, BACKLOG)) == Some(true);
        if !self.is_open {
            return Err(ServiceError::Port { port });
        }
        let how = if self.component.sessions.is_some() {
            // The first proofs will want to say what time it is.
            let _wanted = security.time.interval(shared.now_ns());
            "under TLS"
        } else {
            "in the clear"
        };
        log::info!("answers requests on port {port}, {how}");
        Ok(())
    }

    /// One turn for everybody.
    fn step(&mut self) {
        if !self.is_open {
            core::hint::spin_loop();
            return;
        }
        let mut shared = self.component.facilities.shared.clone();
        let now_ns = shared.now_ns();
        self.accept(&shared, now_ns);
        self.turn = self.turn.wrapping_add(1);
        let first = self.turn.checked_rem(self.clients.len()).unwrap_or(0);
        let (last, rest) = self.clients.split_at_mut(first);
        let mut open = rest.iter().chain(&*last).filter(|client| client.is_answering()).count();
        for client in rest.iter_mut().chain(last) {
            open -= usize::from(client.is_answering());
            client.step(&mut shared, now_ns, open < self.open_max, &mut self.component);
            open += usize::from(client.is_answering());
        }
        self.clients.retain(|client| !client.is_gone());
        if self.clients.is_empty() {
            core::hint::spin_loop();
        }
    }

    /// Takes those who wait, as long as there are places. Where there are none, one goes for each that waits: whoever has
    /// been idle for longest. Who comes when nobody is idle has to wait.
    fn accept(&mut self, shared: &Shared<E>, now_ns: u64) {
        let most = self.open_max.saturating_add(SPARE_CONNECTIONS);
        while self.clients.len() < most {
            let Some(connection) = shared.with_sockets(|sockets| sockets.accept()).flatten() else { return };
            match self.component.wire(connection) {
                Ok(wire) => self.clients.push(Client::new(wire, now_ns)),
                Err(error) => {
                    log::error!("a client was sent away: {error}");
                    shared.with_sockets(|sockets| sockets.release(connection));
                }
            }
        }
        let leaving = self.clients.iter().filter(|client| client.is_leaving()).count();
        if leaving >= shared.with_sockets(|sockets| sockets.waiting()).unwrap_or(0) {
            return;
        }
        let idle = self.clients.iter_mut().filter_map(|client| Some((client.idle_since_ns(now_ns)?, client)));
        if let Some((_, client)) = idle.min_by_key(|(since_ns, _)| *since_ns) {
            client.dismiss(now_ns);
        }
    }

    fn figures(&self) -> RequestFigures {
        let open = self.clients.iter().filter(|client| client.is_answering()).count();
        RequestFigures { open: u64::try_from(open).unwrap_or(u64::MAX), ..self.component.figures }
    }
}

/// The component, and what its runs need.
struct Answers<'a, E> {
    program: &'a Program,
    job: Job<'a>,
    facilities: Facilities<E>,
    /// Where clients come under TLS.
    sessions: Option<Sessions>,
    chain: &'a mut ClaimChain,
    batch: Batch,
    figures: RequestFigures,
}

/// Claims that are not signed yet.
#[derive(Debug, Default)]
struct Batch {
    claims: Vec<Vec<u8>>,
    /// When the first came.
    since_ns: u64,
}

impl<E: Surroundings> Answers<'_, E> {
    /// What a client that has just come is talked to through.
    fn wire(&self, connection: Connection) -> Result<Wire, TlsError> {
        match &self.sessions {
            Some(sessions) => Ok(Wire::under_tls(connection, sessions.accept()?)),
            None => Ok(Wire::new(connection)),
        }
    }

    /// Proves that a client's connection ends here.
    fn prove(&self, body: &[u8], wire: &Wire) -> Result<Vec<u8>, Refusal> {
        let session = self.sessions.as_ref().zip(wire.session());
        let (sessions, session) = session.ok_or_else(Refusal::no_session)?;
        let request = SessionRequest::decode(body).map_err(|error| Refusal::of_session(&error))?;
        let mut shared = self.facilities.shared.clone();
        let (now_ns, nonce) = (shared.now_ns(), shared.random());
        let time = &self.facilities.security.time;
        // Whoever asks does not wait for it: what is known is said, and what is too old is asked for anew.
        let _fresh = time.interval(now_ns);
        let time = time.last_known(now_ns).map(|known| known.interval);
        sessions.prove(&request, session, nonce, time).map_err(|error| Refusal::of_session(&error))
    }

    /// Signs what is claimed, when it is enough or has waited long enough, or is all that will come.
    fn sign(&mut self, is_last: bool) -> Result<(), SigningError> {
        let Some(outbox) = self.facilities.outbox.as_ref().filter(|_| !self.batch.claims.is_empty()) else {
            return Ok(());
        };
        let waited_ns = self.facilities.shared.now_ns().saturating_sub(self.batch.since_ns);
        if is_last || self.batch.claims.len() >= BATCH_CLAIMS || waited_ns >= BATCH_WAIT_NS {
            let signed = self.chain.sign_batch(&self.batch.claims)?;
            self.batch.claims.clear();
            outbox.push(FrameKind::BATCH, 0, signed.bytes);
        }
        Ok(())
    }

    /// Gives the loader what waits for it.
    fn send<S: ByteStream>(&self, guest: &mut Guest<S, Shared<E>>) -> Result<(), ServiceError> {
        let Some(outbox) = &self.facilities.outbox else { return Ok(()) };
        while let Some((kind, number, body)) = outbox.pop() {
            for piece in body.chunks(FRAME_BODY_MAX_BYTES).chain(body.is_empty().then_some(&[][..])) {
                guest.link.send(kind, number, piece)?;
            }
        }
        Ok(())
    }

    /// What is claimed of a run, where somebody keeps it.
    fn claim(&mut self, report: &JobReport, ended: &RunEnd) {
        let Some(outbox) = &self.facilities.outbox else { return };
        let number = ended.run.sequence;
        let signable = claim_outcome(&report.outcome).zip(report.transcript).zip(ended.messages);
        let Some(((outcome, transcript), (input, output))) = signable else {
            return outbox.push(FrameKind::REQUEST_DROPPED, number, Vec::new());
        };
        let heap_peak_bytes = self.facilities.shared.heap().peak_bytes;
        let measured = Measured { run_us: ended.run_us, heap_peak_bytes };
        let (usage, receipts_root) = (report.usage, ended.receipts_root);
        let facts = JobFacts { input, output, outcome, transcript, receipts_root, usage, measured };
        let claim = self.chain.claim(ended.run, facts).encode();
        outbox.push(FrameKind::REQUEST_CLAIM, number, claim.clone());
        if self.batch.claims.is_empty() {
            self.batch.since_ns = self.facilities.shared.now_ns();
        }
        self.batch.claims.push(claim);
    }
}

impl<E: Surroundings> Begin<E> for Answers<'_, E> {
    fn answer(&mut self, path: &str, body: &[u8], wire: &Wire) -> Result<(&'static str, Vec<u8>), Refusal> {
        match path {
            SESSION_PATH => self.prove(body, wire).map(|proof| (CONTENT_TYPE, proof)),
            _ => Err(Refusal::not_here()),
        }
    }

    fn begin(&mut self, received: Received, wire: Wire) -> Running<RequestHost<E>> {
        let Received { request, reading, facts } = received;
        let job = Job { run: self.chain.begin_run(), ..self.job };
        log::debug!("request {}: {} {:?}", job.run.sequence, request.method, request.path_with_query);
        let host = RequestHost::new(self.facilities.clone(), job.run, &request, wire, reading, facts);
        begin_request(self.program, &job, request, host)
    }

    fn ended(&mut self, report: &JobReport, ended: &RunEnd) {
        self.claim(report, ended);
        if matches!(ended.writing.stage, WritingStage::Complete { .. }) {
            self.figures.answered += 1;
        } else {
            self.figures.failed += 1;
        }
        log_end(report, ended);
    }

    fn body_max_bytes(&self) -> u64 {
        self.job.limits.input_bytes
    }
}

fn log_end(report: &JobReport, ended: &RunEnd) {
    let number = ended.run.sequence;
    match (&report.outcome, &report.response) {
        (Outcome::Exited { .. }, Responded::Refused { error }) => {
            log::info!("request {number}: no response: {error}");
        }
        (Outcome::Exited { .. }, _) => {}
        (Outcome::Trapped { message }, _) => log::warn!("request {number}: trapped: {message}"),
        (Outcome::LimitExceeded { limit }, _) => log::warn!("request {number}: {limit} exceeded"),
        (Outcome::Stopped { reason }, _) => log::debug!("request {number}: {reason}"),
        (Outcome::Failed { message }, _) => log::error!("request {number}: failed: {message}"),
    }
    if let WritingStage::Unfit { error, .. } = &ended.writing.stage {
        log::warn!("request {number}: unfit response: {error}");
    }
}

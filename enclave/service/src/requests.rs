//! The life of a guest whose component answers requests.

mod client;
mod host;
mod refusal;
mod wire;

use alloc::sync::Arc;
use alloc::vec::Vec;

use attestation_manifest::{EgressPolicy, Manifest, Service, WallClock};
use enclave_platform::ByteStream;
use enclave_runtime::{
    Job, JobLimits, JobReport, Outcome, Program, Responded, RunName, Running, begin_request,
};
use enclave_wire::control::{JobStart, RequestFigures, Serve};
use enclave_wire::frame::{Frame, FrameKind};

use self::client::{Begin, Client, Received};
use self::host::{Facilities, RequestHost, Writing, WritingStage};
use self::wire::Wire;
use crate::claims::ClaimChain;
use crate::error::ServiceError;
use crate::serve::{Ended, Guest, decode};
use crate::shared::Shared;
use crate::surroundings::Surroundings;

/// Connections besides those whose requests are answered: idle ones, and clients that wait for their turn.
pub const SPARE_CONNECTIONS: usize = 32;

/// Connections that nobody has accepted yet.
pub const BACKLOG: usize = 32;

/// Answers requests until the loader asks for the end.
pub(crate) fn serve<S, E>(
    guest: Guest<S, E>,
    program: &Program,
    manifest: &Manifest<'_>,
    service: &Service,
    chain: &mut ClaimChain,
) -> Result<Ended, ServiceError>
where
    S: ByteStream + Send + 'static,
    E: Surroundings,
{
    let mut guest = guest.share();
    let mut args: Vec<&str> = alloc::vec![manifest.name];
    args.extend(manifest.args.iter());
    let env: Vec<(&str, &str)> = manifest.env.iter().map(|var| (var.name, var.value)).collect();
    let component = Answers {
        program,
        job: Job {
            limits: JobLimits::of_request(manifest, service),
            args: &args,
            env: &env,
            run: chain.next_run(),
        },
        facilities: Facilities {
            shared: guest.surroundings.clone(),
            egress: Arc::new(EgressPolicy::of(manifest)),
            logs: manifest.logs,
            wall_offset_ns: None,
            persists: true,
        },
        answered: 0,
        failed: 0,
    };
    let open_max = usize::try_from(service.open_requests_max).unwrap_or(usize::MAX);
    let mut desk = Desk { component, clients: Vec::new(), open_max, turn: 0, is_open: false };
    loop {
        while let Some(frame) = guest.next_frame()? {
            handle(&mut guest, &mut desk, &frame, manifest, service)?;
        }
        desk.step();
        guest.requests = Some(desk.figures());
        if guest.is_shutdown_asked {
            guest.say_goodbye()?;
            return Ok(Ended::Shutdown);
        }
    }
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
            let Serve { wall_ns } = decode(frame)?;
            desk.open(wall_ns, manifest.wall_clock, service.port)
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
    fn open(&mut self, wall_ns: u64, clock: WallClock, port: u16) -> Result<(), ServiceError> {
        let shared = &mut self.component.facilities.shared;
        if clock == WallClock::Host {
            let offset_ns = wall_ns.saturating_sub(shared.now_ns());
            self.component.facilities.wall_offset_ns = Some(offset_ns);
        }
        if self.is_open {
            return Ok(());
        }
        self.is_open = shared.with_sockets(|sockets| sockets.listen(port, BACKLOG)) == Some(true);
        if !self.is_open {
            return Err(ServiceError::Port { port });
        }
        log::info!("answers requests on port {port}");
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
        self.accept(&mut shared, now_ns);
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

    /// Takes those who wait, as long as there are places. Where there are none, whoever has been idle for longest goes; who
    /// comes when nobody is idle has to wait.
    fn accept(&mut self, shared: &mut Shared<E>, now_ns: u64) {
        let most = self.open_max.saturating_add(SPARE_CONNECTIONS);
        while self.clients.len() < most {
            let Some(connection) = shared.with_sockets(|sockets| sockets.accept()).flatten() else { return };
            self.clients.push(Client::new(connection, now_ns));
        }
        let idle = self.clients.iter_mut().filter_map(|client| Some((client.idle_since_ns()?, client)));
        if let Some((_, client)) = idle.min_by_key(|(since_ns, _)| *since_ns) {
            client.dismiss(now_ns);
        }
    }

    fn figures(&self) -> RequestFigures {
        RequestFigures {
            open: self.clients.iter().filter(|client| client.is_answering()).count() as u64,
            answered: self.component.answered,
            failed: self.component.failed,
        }
    }
}

/// The component, and what its runs need.
struct Answers<'a, E> {
    program: &'a Program,
    job: Job<'a>,
    facilities: Facilities<E>,
    answered: u64,
    failed: u64,
}

impl<E: Surroundings> Answers<'_, E> {
    fn next_number(&mut self) -> u64 {
        let RunName { sequence, .. } = &mut self.job.run;
        let number = *sequence;
        *sequence = number.wrapping_add(1);
        number
    }
}

impl<E: Surroundings> Begin<E> for Answers<'_, E> {
    fn begin(&mut self, received: Received, wire: Wire) -> Running<RequestHost<E>> {
        let job = self.job;
        let number = self.next_number();
        let Received { request, reading, facts } = received;
        log::debug!("request {number}: {} {:?}", request.method, request.path_with_query);
        let host = RequestHost::new(self.facilities.clone(), number, wire, reading, facts);
        begin_request(self.program, &job, request, host)
    }

    fn ended(&mut self, report: &JobReport, writing: &Writing) {
        let is_whole = matches!(writing.stage, WritingStage::Complete { .. });
        if is_whole {
            self.answered += 1;
        } else {
            self.failed += 1;
        }
        match (&report.outcome, &report.response) {
            (Outcome::Exited { .. }, Responded::Refused { error }) => log::info!("no response: {error}"),
            (Outcome::Exited { .. }, _) => {}
            (Outcome::Trapped { message }, _) => log::warn!("trapped: {message}"),
            (Outcome::LimitExceeded { limit }, _) => log::warn!("{limit} exceeded"),
            (Outcome::Stopped { reason }, _) => log::debug!("{reason}"),
            (Outcome::Failed { message }, _) => log::error!("failed: {message}"),
        }
        if let WritingStage::Unfit { error, .. } = &writing.stage {
            log::warn!("unfit response: {error}");
        }
    }

    fn body_max_bytes(&self) -> u64 {
        self.job.limits.input_bytes
    }
}

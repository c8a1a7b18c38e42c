//! A host that keeps files, and runs that are repeated from their transcripts.

use attestation_artefact::CALL_STACK_DEFAULT_BYTES;
use attestation_transcript::{Header, Kind, MAGIC, Reader, Root, Run, Writer};
use bytes::Bytes;
use core::task::Poll;
use enclave_runtime::{
    Console, Files, InputRead, Job, JobHost, JobLimits, JobReport, Output, Parting, Program, Stop,
    Transcript, Tuning, replay_job, run_job,
};

/// The job of every test.
pub(crate) const JOB: Job<'static> = Job {
    limits: JobLimits {
        component_memory_bytes: 2 << 20,
        fuel: 100_000_000,
        input_bytes: 1,
        output_bytes: 1 << 20,
        transcript_bytes: 2 << 20,
        wall_ms: 1000,
        files_bytes: 1 << 20,
    },
    args: &[],
    env: &[],
    keeps_files: true,
    run: Run { component: [1; 32], manifest: [2; 32], sequence: 3 },
};

/// A host in memory.
#[derive(Debug, Default, Clone)]
pub(crate) struct Host {
    /// What is left of the input.
    pub(crate) input: Vec<u8>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) transcript: Vec<u8>,
    /// A snapshot.
    pub(crate) files: Vec<u8>,
    /// How often files were given to it.
    pub(crate) keeps: u64,
    /// Pieces of the transcript that it takes between two pumps; all when absent.
    pub(crate) pieces_per_pump: Option<u64>,
    /// Taken since the last.
    pub(crate) pieces_since_pump: u64,
    pub(crate) pumps: u64,
    /// Nanoseconds per pump.
    pub(crate) tick_ns: u64,
}

impl Console for Host {
    fn pump(&mut self) -> Result<(), Stop> {
        self.pumps += 1;
        self.pieces_since_pump = 0;
        Ok(())
    }

    fn read_input(&mut self, _max_bytes: usize) -> InputRead {
        self.input.pop().map_or(InputRead::End, |byte| InputRead::Bytes(vec![byte].into()))
    }

    fn output_space(&mut self, _output: Output) -> usize {
        usize::MAX
    }

    fn write_output(&mut self, _output: Output, bytes: Bytes) {
        self.stdout.extend_from_slice(&bytes);
    }
}

impl JobHost for Host {
    fn monotonic_ns(&mut self) -> u64 {
        self.pumps * self.tick_ns
    }

    fn wall_ns(&mut self) -> Poll<Option<u64>> {
        Poll::Ready(None)
    }

    fn fill_random(&mut self, buffer: &mut [u8]) {
        buffer.fill(0xa5);
    }

    fn can_record(&mut self) -> bool {
        self.pieces_per_pump.is_none_or(|pieces| self.pieces_since_pump < pieces)
    }

    fn record(&mut self, piece: &[u8]) {
        self.pieces_since_pump += 1;
        self.transcript.extend_from_slice(piece);
    }

    fn files(&mut self) -> Bytes {
        Bytes::copy_from_slice(&self.files)
    }

    fn keep_files(&mut self, files: Files) {
        self.keeps += 1;
        self.files = files.snapshot();
    }
}

fn load(tuning: Tuning) -> Program {
    let component = wat::parse_str(include_str!("tally.wat")).expect("the test's text is valid");
    Program::compile(&component, tuning, CALL_STACK_DEFAULT_BYTES, JOB.limits.component_memory_bytes)
        .expect("the test's component loads")
}

/// Runs the tally on the files of `host`.
pub(crate) fn run(command: u8, host: &Host) -> (JobReport, Host) {
    run_as(&JOB, command, host)
}

/// Likewise as another job, and then from its transcript, by every engine, on a host that has no files.
pub(crate) fn run_as(job: &Job<'_>, command: u8, host: &Host) -> (JobReport, Host) {
    let fresh = |host: Host| Host {
        input: vec![command],
        stdout: Vec::new(),
        transcript: Vec::new(),
        pumps: 0,
        ..host
    };
    let (report, after) = run_job(&load(Tuning::Guest), job, fresh(host.clone()));
    if let Some(transcript) = &report.transcript {
        for tuning in [Tuning::Guest, Tuning::Baseline, Tuning::Interpreter] {
            let read = Transcript::read(after.transcript.clone(), &transcript.root, &job.run);
            let console = fresh(Host::default());
            let (replayed, console) =
                replay_job(&load(tuning), job, read.expect("the transcript is whole"), console);
            assert_eq!(replayed.parting, None, "{tuning:?}");
            assert_eq!((replayed.usage, console.stdout), (report.usage, after.stdout.clone()), "{tuning:?}");
        }
    }
    (report, after)
}

/// What the entries of a transcript are about.
pub(crate) fn kinds(transcript: &[u8]) -> Vec<Kind> {
    let reader = Reader::new(transcript).expect("it is whole");
    reader.map(|entry| entry.expect("it is whole").kind).collect()
}

/// Kind, fuel and payload.
pub(crate) type Entry = (Kind, u64, Vec<u8>);

/// Other entries, under a root of their own: what a lying guest could sign.
pub(crate) fn forge(host: &Host, change: impl Fn(&mut Vec<Entry>)) -> (Vec<u8>, Root) {
    let mut reader = Reader::new(&host.transcript).expect("it is whole");
    let header: Header = *reader.header();
    let read = reader.by_ref().map(|entry| entry.expect("it is whole"));
    let mut entries = read.map(|entry| (entry.kind, entry.fuel, entry.payload.to_vec())).collect();
    change(&mut entries);
    let mut writer = Writer::new(&header);
    for (kind, fuel, payload) in &entries {
        writer.append(*kind, *fuel, payload).expect("the entry fits");
    }
    let finished = writer.finish().expect("nothing is too long");
    let mut bytes = MAGIC.to_vec();
    finished.segments.iter().for_each(|segment| bytes.extend_from_slice(segment));
    (bytes, finished.root)
}

/// Where the tally parts from a forged transcript.
pub(crate) fn part_from(command: u8, (bytes, root): (Vec<u8>, Root)) -> Option<Parting> {
    let transcript = Transcript::read(bytes, &root, &JOB.run).expect("it is whole");
    let console = Host { input: vec![command], ..Host::default() };
    replay_job(&load(Tuning::Guest), &JOB, transcript, console).0.parting
}

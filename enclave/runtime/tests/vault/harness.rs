//! A host with a store and a key, as far as tests need them, and runs that are repeated from their transcripts.

use core::task::Poll;
use std::collections::{BTreeMap, VecDeque};

use attestation_artefact::CALL_STACK_DEFAULT_BYTES;
use attestation_transcript::{Kind, Reader, Run, Writer, verify_run};
use bytes::Bytes;
use enclave_runtime::{
    Console, EnclaveFailure, InputRead, Job, JobHost, JobLimits, JobReport, KeyPage, KeyValueFailure,
    Outcome, Output, Parting, Program, Stop, Transcript, Tuning, Unsealed, VaultHost, replay_job, run_job,
};

use crate::script::Script;

/// The job of every test.
pub(crate) const JOB: Job<'static> = Job {
    limits: JobLimits {
        component_memory_bytes: 16 << 20,
        fuel: 100_000_000,
        input_bytes: 0,
        output_bytes: 1 << 20,
        transcript_bytes: 8 << 20,
        wall_ms: 1000,
        files_bytes: 0,
    },
    args: &[],
    env: &[],
    keeps_files: false,
    run: Run { component: [1; 32], manifest: [b'm'; 32], sequence: 3 },
};

/// Every bucket exists but these.
pub(crate) const MISSING: &str = "missing";
pub(crate) const CLOSED: &str = "closed";

/// A host with a store without limits, and a seal that a byte breaks and a child can forge.
#[derive(Debug, Default, Clone)]
pub(crate) struct Vault {
    pub(crate) values: BTreeMap<(String, String), Vec<u8>>,
    /// What the next listings give; then the truth, on one page.
    pub(crate) pages: VecDeque<KeyPage>,
    /// The store refuses whatever would change it, for this reason.
    pub(crate) refusal: Option<String>,
    pub(crate) evidence: Option<Vec<u8>>,
    /// Of the newest exchange.
    pub(crate) receipt: Option<Vec<u8>>,
    /// How often it was asked for anything.
    pub(crate) asked: u64,
    pub(crate) stdout: Vec<u8>,
    pub(crate) transcript: Vec<u8>,
}

impl Console for Vault {
    fn pump(&mut self) -> Result<(), Stop> {
        Ok(())
    }

    fn read_input(&mut self, _max_bytes: usize) -> InputRead {
        InputRead::End
    }

    fn output_space(&mut self, _output: Output) -> usize {
        usize::MAX
    }

    fn write_output(&mut self, _output: Output, bytes: Bytes) {
        self.stdout.extend_from_slice(&bytes);
    }
}

impl Vault {
    fn change(
        &mut self,
        change: impl FnOnce(&mut BTreeMap<(String, String), Vec<u8>>),
    ) -> Result<(), KeyValueFailure> {
        self.asked += 1;
        if let Some(reason) = &self.refusal {
            return Err(KeyValueFailure::Other(reason.clone()));
        }
        change(&mut self.values);
        Ok(())
    }
}

fn sum(context: &str, plaintext: &[u8]) -> u8 {
    context.bytes().chain(plaintext.iter().copied()).fold(0, u8::wrapping_add)
}

fn pair(bucket: &str, key: &str) -> (String, String) {
    (bucket.into(), key.into())
}

impl JobHost for Vault {
    fn monotonic_ns(&mut self) -> u64 {
        0
    }

    fn wall_ns(&mut self) -> Poll<Option<u64>> {
        Poll::Ready(None)
    }

    fn fill_random(&mut self, buffer: &mut [u8]) {
        buffer.fill(0xa5);
    }

    fn can_record(&mut self) -> bool {
        true
    }

    fn record(&mut self, piece: &[u8]) {
        self.transcript.extend_from_slice(piece);
    }

    fn receipt(&mut self) -> Result<Vec<u8>, EnclaveFailure> {
        self.asked += 1;
        self.receipt.clone().ok_or_else(|| EnclaveFailure::Invalid("nothing was fetched".into()))
    }

    fn receipt_opening(&mut self) -> Result<Vec<u8>, EnclaveFailure> {
        self.receipt().map(|receipt| [&b"opened "[..], &receipt].concat())
    }

    fn vault(&mut self) -> Option<&mut dyn VaultHost> {
        Some(self)
    }
}

impl VaultHost for Vault {
    fn open(&mut self, bucket: &str) -> Result<(), KeyValueFailure> {
        self.asked += 1;
        match bucket {
            MISSING => Err(KeyValueFailure::NoSuchStore),
            CLOSED => Err(KeyValueFailure::AccessDenied),
            _ => Ok(()),
        }
    }

    fn get(&mut self, bucket: &str, key: &str) -> Result<Option<Vec<u8>>, KeyValueFailure> {
        self.asked += 1;
        Ok(self.values.get(&pair(bucket, key)).cloned())
    }

    fn set(&mut self, bucket: &str, key: &str, value: &[u8]) -> Result<(), KeyValueFailure> {
        self.change(|values| drop(values.insert(pair(bucket, key), value.into())))
    }

    fn delete(&mut self, bucket: &str, key: &str) -> Result<(), KeyValueFailure> {
        self.change(|values| drop(values.remove(&pair(bucket, key))))
    }

    fn exists(&mut self, bucket: &str, key: &str) -> Result<bool, KeyValueFailure> {
        self.asked += 1;
        Ok(self.values.contains_key(&pair(bucket, key)))
    }

    fn list_keys(&mut self, bucket: &str, from: u64) -> Result<KeyPage, KeyValueFailure> {
        self.asked += 1;
        let keys = self.values.keys().filter(|(there, _)| there == bucket).map(|(_, key)| key.clone());
        let from = usize::try_from(from).expect("it is small");
        Ok(self
            .pages
            .pop_front()
            .unwrap_or_else(|| KeyPage { keys: keys.skip(from).collect(), cursor: None }))
    }

    fn increment(&mut self, bucket: &str, key: &str, delta: u64) -> Result<u64, KeyValueFailure> {
        let old = self.values.get(&pair(bucket, key)).map_or("0".into(), |value| value.clone());
        let sum = String::from_utf8_lossy(&old).parse::<u64>().expect("it is a number") + delta;
        self.change(|values| drop(values.insert(pair(bucket, key), sum.to_string().into())))?;
        Ok(sum)
    }

    fn evidence(&mut self) -> Option<Vec<u8>> {
        self.asked += 1;
        self.evidence.clone()
    }

    fn seal(
        &mut self,
        context: &str,
        counter: u64,
        plaintext: &[u8],
        salt: [u8; 32],
    ) -> Result<Vec<u8>, EnclaveFailure> {
        self.asked += 1;
        assert_eq!(salt, [0xa5; 32], "fresh from the host's generator");
        if context == CLOSED {
            return Err(EnclaveFailure::Forbidden("é".repeat(300)));
        }
        let counter = u8::try_from(counter).expect("it is small");
        Ok([&[sum(context, plaintext), counter][..], plaintext].concat())
    }

    fn unseal(&mut self, context: &str, least: u64, blob: &[u8]) -> Result<Unsealed, EnclaveFailure> {
        self.asked += 1;
        let [expected, counter, plaintext @ ..] = blob else { panic!("the test opens what it sealed") };
        if sum(context, plaintext) != *expected {
            return Err(EnclaveFailure::Invalid("not ours".into()));
        }
        if u64::from(*counter) < least {
            return Err(EnclaveFailure::Invalid("rolled back".into()));
        }
        Ok(Unsealed { counter: u64::from(*counter), plaintext: plaintext.to_vec() })
    }
}

pub(crate) fn load(component: &[u8], tuning: Tuning) -> Program {
    Program::compile(component, tuning, CALL_STACK_DEFAULT_BYTES, JOB.limits.component_memory_bytes)
        .expect("the test's component loads")
}

/// A run that was made.
pub(crate) struct Done {
    pub(crate) report: JobReport,
    pub(crate) host: Vault,
    component: Vec<u8>,
    job: Job<'static>,
}

/// Runs a script once, and twice more from its transcript, natively and in the interpreter, on a host that has nothing:
/// the same comes out.
pub(crate) fn run(script: &Script, host: Vault) -> Done {
    run_as(script, JOB, host)
}

/// Likewise, of another job.
pub(crate) fn run_as(script: &Script, job: Job<'static>, host: Vault) -> Done {
    let component = script.component();
    let (report, host) = run_job(&load(&component, Tuning::Guest), &job, host);
    let done = Done { report, host, component, job };
    for tuning in [Tuning::Guest, Tuning::Interpreter] {
        let program = load(&done.component, tuning);
        let (replayed, console) = replay_job(&program, &job, done.changed(|_| {}), Vault::default());
        assert_eq!(replayed.parting, None, "{:?}", done.report);
        let is_trap = matches!(done.report.outcome, Outcome::Trapped { .. });
        assert!(is_trap || replayed.outcome == done.report.outcome, "{replayed:?}");
        assert_eq!(replayed.usage, done.report.usage);
        assert_eq!((console.stdout, console.asked), (done.host.stdout.clone(), 0));
    }
    done
}

/// What a script says, of a run that ends well.
pub(crate) fn words(script: &Script, host: Vault) -> (String, Vault) {
    let Done { report, host, .. } = run(script, host);
    assert_eq!(report.outcome, Outcome::Exited { code: 0 });
    (String::from_utf8(host.stdout.clone()).expect("it is text"), host)
}

/// Kind, fuel and payload.
pub(crate) type Entry = (Kind, u64, Vec<u8>);

impl Done {
    /// The entries of the transcript.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let entries = Reader::new(&self.host.transcript).expect("it is whole");
        let entries = entries.map(|entry| entry.expect("it is whole"));
        entries.map(|entry| (entry.kind, entry.fuel, entry.payload.to_vec())).collect()
    }

    /// The entries, changed, in a transcript that is whole: what a lying guest could sign.
    pub(crate) fn changed(&self, change: impl FnOnce(&mut Vec<Entry>)) -> Transcript {
        let root = self.report.transcript.as_ref().expect("a run has a transcript").root;
        let header = verify_run(&self.host.transcript, &root, &JOB.run).expect("it is whole").header;
        let mut entries = self.entries();
        change(&mut entries);
        let mut writer = Writer::new(&header);
        for (kind, fuel, payload) in entries {
            writer.append(kind, fuel, &payload).expect("the entry fits");
        }
        let finished = writer.finish().expect("nothing is too long");
        let mut bytes = attestation_transcript::MAGIC.to_vec();
        finished.segments.iter().for_each(|segment| bytes.extend_from_slice(segment));
        Transcript::read(bytes, &finished.root, &JOB.run).expect("it is whole")
    }

    /// Where the component parts from a changed transcript.
    pub(crate) fn parting(&self, change: impl FnOnce(&mut Vec<Entry>)) -> Option<Parting> {
        let program = load(&self.component, Tuning::Guest);
        replay_job(&program, &self.job, self.changed(change), Vault::default()).0.parting
    }

    /// Where another script parts from the transcript.
    pub(crate) fn parting_of(&self, other: &Script) -> Option<Parting> {
        let program = load(&other.component(), Tuning::Guest);
        replay_job(&program, &self.job, self.changed(|_| {}), Vault::default()).0.parting
    }
}

//! What a hostile guest gives out of its requests: a claim is kept with all that it is about, as it came, or not at all.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::LazyLock;
use std::{env, fs};

use attestation_claim::{ChainPlace, Outcome, SignedClaim, sign_claims};
use attestation_evidence::Evidence;
use attestation_manifest::parse_manifest;
use enclave_wire::frame::{Frame, FrameKind};
use loader_vmm::keeper::Keeper;
use tests_fuzz::{Budget, Target, fixtures};

/// A manifest that is parsed; evidence, which is in each claim's file, while one is written, read and compared; names.
const KEEPING_BYTES: usize = 96 << 10;

/// Its report is signed once.
static EVIDENCE: LazyLock<Evidence> = LazyLock::new(fixtures::evidence);

/// The ends of the names of what belongs together.
const ENDS: [&str; 3] = ["request", "transcript", "claim.cbor"];

fn main() -> ExitCode {
    Target { name: "keeper", max_bytes: 4 << 10, budget: Budget::with(KEEPING_BYTES), run }.drive()
}

/// Steps of three bytes: what comes, of which request, and how many bytes that follow go with it.
fn run(input: &[u8]) {
    let folder = folder();
    let text = fixtures::service_manifest();
    let Ok(manifest) = parse_manifest(text.as_bytes()) else { return };
    let Some(service) = &manifest.service else { return };
    let keeper = Keeper::create(folder.clone(), &manifest, service);
    assert!(keeper.is_ok(), "{}: {keeper:?}", folder.display());
    let Ok(mut keeper) = keeper else { return };
    let (mut model, mut rest) = (Model::default(), input);
    while let Some(([choice, number, bytes], after)) = rest.split_first_chunk() {
        let (piece, after) = after.split_at(usize::from(*bytes).min(after.len()));
        rest = after;
        let (kind, body, expected) = model.step(*choice, *number, piece);
        let done = keeper.on_frame(Frame { kind, job: u32::from(*number), body });
        if let Some(expected) = expected {
            assert_eq!(done.is_ok(), expected, "{kind:?} of {number}: {done:?}");
        }
        if done.is_err() {
            break;
        }
        model.settle();
        assert_eq!(names(&folder), model.names());
    }
    drop(keeper);
    check_what_stays(&folder, &model);
    let _is_gone = fs::remove_dir_all(&folder);
}

/// In memory, where the system has such a place.
fn folder() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { memory.to_owned() } else { env::temp_dir() };
    let folder = place.join(format!("redoubt-fuzz-keeper-{}", std::process::id()));
    // Of an input that was stopped half way.
    let _was_there = fs::remove_dir_all(&folder);
    folder
}

/// Request and transcript.
type Given = [Vec<u8>; 2];

#[derive(Default)]
struct Model {
    /// By the number that its frames have.
    open: BTreeMap<u8, Given>,
    unsigned: Vec<Unsigned>,
    /// What has its name, by the number in its claim. Nothing of it may change any more.
    kept: BTreeMap<u64, Given>,
    /// Whether the frame at hand signs what is unsigned.
    is_batch: bool,
}

struct Unsigned {
    number: u8,
    claim: Vec<u8>,
    /// In the claim, where it is one.
    sequence: Option<u64>,
    given: Given,
}

impl Model {
    /// The next frame, and whether the keeper takes it; `None` where that is the keeper's affair.
    fn step(&mut self, choice: u8, number: u8, piece: &[u8]) -> (FrameKind, Vec<u8>, Option<bool>) {
        self.is_batch = false;
        let is_open = self.open.contains_key(&number);
        match choice % 8 {
            part @ (0 | 1) => {
                // The names of its parts are taken as long as an earlier request with this number waits.
                let takes = is_open || self.unsigned.iter().all(|unsigned| unsigned.number != number);
                let [request, transcript] = self.open.entry(number).or_default();
                let (kind, given) = if part == 0 {
                    (FrameKind::REQUEST, request)
                } else {
                    (FrameKind::TRANSCRIPT, transcript)
                };
                given.extend_from_slice(piece);
                (kind, piece.to_vec(), Some(takes))
            }
            2 => {
                let sequence = piece.first().copied().unwrap_or(number).into();
                let claim = fixtures::unsigned_claim(Outcome::Trapped, sequence).encode();
                self.claim(number, claim.clone(), Some(sequence));
                (FrameKind::REQUEST_CLAIM, claim, Some(is_open))
            }
            3 => {
                self.claim(number, piece.to_vec(), None);
                (FrameKind::REQUEST_CLAIM, piece.to_vec(), Some(is_open))
            }
            4 => {
                self.open.remove(&number);
                (FrameKind::REQUEST_DROPPED, piece.to_vec(), Some(true))
            }
            5 => (FrameKind::BATCH, self.sign(), Some(self.is_sound())),
            6 => {
                let mut batch = self.sign();
                let place = usize::from(number) * batch.len() / 256;
                batch.get_mut(place).into_iter().for_each(|byte| *byte ^= 1);
                (FrameKind::BATCH, batch, None)
            }
            _ => {
                self.is_batch = true;
                (FrameKind::BATCH, piece.to_vec(), None)
            }
        }
    }

    fn claim(&mut self, number: u8, claim: Vec<u8>, sequence: Option<u64>) {
        if let Some(given) = self.open.remove(&number) {
            self.unsigned.push(Unsigned { number, claim, sequence, given });
        }
    }

    fn sign(&mut self) -> Vec<u8> {
        self.is_batch = true;
        let claims: Vec<_> = self.unsigned.iter().map(|unsigned| unsigned.claim.clone()).collect();
        let batch = sign_claims(&claims, ChainPlace::default(), &EVIDENCE, &fixtures::instance_key());
        batch.map(|batch| batch.bytes).unwrap_or_default()
    }

    /// Whether what is unsigned are claims of runs of which none is kept, and none is there twice.
    fn is_sound(&self) -> bool {
        let sequences: BTreeMap<_, _> =
            self.unsigned.iter().map(|unsigned| (unsigned.sequence, ())).collect();
        let are_new =
            |sequence: &Option<u64>| sequence.is_some_and(|number| !self.kept.contains_key(&number));
        sequences.len() == self.unsigned.len() && sequences.keys().all(are_new)
    }

    /// The keeper took the frame.
    fn settle(&mut self) {
        if self.is_batch {
            for unsigned in self.unsigned.drain(..) {
                let earlier = unsigned.sequence.and_then(|number| self.kept.insert(number, unsigned.given));
                assert!(earlier.is_none() && unsigned.sequence.is_some(), "this was no batch");
            }
        }
    }

    /// Of all files.
    fn names(&self) -> Vec<String> {
        let waiting = self.open.keys().copied().chain(self.unsigned.iter().map(|unsigned| unsigned.number));
        let parts =
            waiting.flat_map(|number| ["request", "transcript"].map(|end| format!("{number}.{end}.part")));
        let kept = self.kept.keys().flat_map(|number| ENDS.map(|end| format!("{number}.{end}")));
        let mut names: Vec<_> = parts.chain(kept).collect();
        names.sort();
        names
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// Whatever the guest broke: no claim without all that it is about, nothing half, and what was kept is as it was.
fn check_what_stays(folder: &Path, model: &Model) {
    let names = names(folder);
    assert!(names.iter().all(|name| !name.ends_with(".part")), "{names:?}");
    for number in names.iter().filter_map(|name| name.strip_suffix(".claim.cbor")) {
        assert!(ENDS.iter().all(|end| names.contains(&format!("{number}.{end}"))), "{names:?}");
        let claim = fs::read(folder.join(format!("{number}.claim.cbor"))).unwrap_or_default();
        let said = SignedClaim::parse(&claim).map(|claim| claim.unverified_claim().sequence.to_string());
        assert_eq!(said.as_deref(), Ok(number));
    }
    for (number, [request, transcript]) in &model.kept {
        let read = |end| fs::read(folder.join(format!("{number}.{end}"))).unwrap_or_default();
        assert!(read("request") == *request && read("transcript") == *transcript, "{number}");
        assert!(names.contains(&format!("{number}.claim.cbor")), "{number}");
    }
}

//! Transcripts, also with chain values that fit: what is read is what the writer writes, and each segment can be shown.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_transcript::{
    Entry, InclusionProof, MAGIC, Reader, Summary, TranscriptError, Writer, describe, prove, verify,
    verify_proof,
};
use sha2::{Digest, Sha256};
use tests_fuzz::{Budget, Target};

/// Longer inputs only have more of the same segments.
const MAX_BYTES: usize = 64 * 1024;
/// The writer takes room for a segment beforehand, twice beyond what is written: for the header and for the last one.
const SEGMENTS_BYTES: usize = 3 * 4500;

fn main() -> ExitCode {
    Target { name: "transcript", max_bytes: MAX_BYTES, budget: Budget::with(SEGMENTS_BYTES), run }.drive()
}

fn run(input: &[u8]) {
    check(input);
    // Anybody can compute chain values, and without them nothing behind the first segment would be reached.
    check(&chained(input));
}

fn check(file: &[u8]) {
    let summary = match Reader::new(file).and_then(Reader::finish) {
        Ok(summary) => summary,
        Err(error) => return check_place(file, &error),
    };
    assert_eq!(summary.bytes, file.len());
    assert!(verify(file, &summary.root).as_ref() == Ok(&summary));
    rewrite(file, &summary);
    show(file, &summary);
}

fn check_place(file: &[u8], error: &TranscriptError) {
    assert!(error.place().is_none_or(|place| place.offset <= file.len()), "{error}");
    assert!(!error.to_string().is_empty());
}

/// The same entries are the same file.
fn rewrite(file: &[u8], summary: &Summary) {
    let mut writer = Writer::new(&summary.header);
    let mut rest = file.strip_prefix(&MAGIC).unwrap_or_default();
    let mut check = |segment: &[u8]| match rest.strip_prefix(segment) {
        Some(after) => rest = after,
        None => assert!(rest.is_empty() && segment.is_empty(), "written otherwise"),
    };
    for entry in Reader::new(file).into_iter().flatten().flatten() {
        let Entry { kind, fuel, payload, .. } = entry;
        assert!(!describe(&entry).to_string().is_empty());
        assert_eq!(writer.append(kind, fuel, payload), Ok(()));
        while let Some(segment) = writer.take_segment() {
            check(&segment);
        }
    }
    let finished = writer.finish();
    assert!(finished.is_ok_and(|finished| finished.root == summary.root && finished.segments.is_empty()));
    assert!(rest.is_empty(), "not all of it was written again");
}

/// One segment, chosen by the root.
fn show(file: &[u8], summary: &Summary) {
    let segment = u64::from(summary.root.0[0]) % summary.segments;
    let bytes = prove(file, segment).map(|proof| proof.encode()).unwrap_or_default();
    let shown = InclusionProof::decode(&bytes).and_then(|proof| verify_proof(&proof, &summary.root));
    assert!(shown.is_ok_and(|shown| (shown.index, shown.entries) == (segment, summary.entries)));
}

/// The input with the right start and the right chain values wherever a segment ends, by the description of the format.
fn chained(input: &[u8]) -> Vec<u8> {
    let mut file = input.to_vec();
    file.iter_mut().zip(MAGIC).for_each(|(byte, magic)| *byte = magic);
    let (mut start, mut previous) = (MAGIC.len(), [0; 32]);
    while let Some(length) = file.get(start..).and_then(leaf_bytes) {
        let (leaf, chain) = file.split_at_mut(start + length);
        let Some(chain) = chain.first_chunk_mut::<32>() else { break };
        let leaf = Sha256::new().chain_update([0]).chain_update(leaf.get(start..).unwrap_or_default());
        let label = Sha256::new().chain_update(b"redoubt transcript chain 1");
        previous = label.chain_update(previous).chain_update(leaf.finalize()).finalize().into();
        *chain = previous;
        start += length + 32;
    }
    file
}

fn leaf_bytes(segment: &[u8]) -> Option<usize> {
    let body = u32::from_le_bytes(*segment.get(16..)?.first_chunk()?);
    let length = usize::try_from(body).ok()?.checked_add(20)?;
    (length <= segment.len()).then_some(length)
}

//! What recording takes of a run. No run can be had without it, so it is timed by itself: the writer that runs use
//! writes the entries of a finished run once more.

use core::error::Error;
use core::hint::black_box;
use core::time::Duration;
use std::time::Instant;

use attestation_transcript::{Header, Kind, Reader, Writer};

/// How often a transcript is written; the median counts.
const ROUNDS: usize = 101;

/// A run, and the writing of its transcript.
pub(crate) struct Shares {
    pub(crate) run: Duration,
    pub(crate) recording: Duration,
    pub(crate) entries: usize,
    pub(crate) transcript_bytes: usize,
}

impl Shares {
    /// From the time of a run and its transcript.
    pub(crate) fn of(run: Duration, transcript: &[u8]) -> Result<Self, Box<dyn Error>> {
        let mut reader = Reader::new(transcript)?;
        let header = *reader.header();
        let entries = reader
            .by_ref()
            .map(|entry| entry.map(|entry| (entry.kind, entry.fuel, entry.payload)))
            .collect::<Result<Vec<_>, _>>()?;
        reader.finish()?;
        let mut times: Vec<_> = (0..ROUNDS).map(|_| write(&header, &entries)).collect::<Result<_, _>>()?;
        let (recording, entries) = (median(&mut times), entries.len());
        Ok(Self { run, recording, entries, transcript_bytes: transcript.len() })
    }

    /// One line for `cargo xtask bench services`.
    pub(crate) fn to_json(&self) -> String {
        let Self { run, recording, entries, transcript_bytes } = self;
        let us = |time: &Duration| time.as_secs_f64() * 1e6;
        format!(
            "{{\"run_us\":{:.3},\"recording_us\":{:.3},\"entries\":{entries},\"transcript_bytes\":{transcript_bytes}}}",
            us(run),
            us(recording)
        )
    }
}

/// The one in the middle.
pub(crate) fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Everything that a run does for its transcript, from the first byte to the root.
fn write(header: &Header, entries: &[(Kind, u64, &[u8])]) -> Result<Duration, Box<dyn Error>> {
    let started = Instant::now();
    let mut writer = Writer::new(header);
    for (kind, fuel, payload) in entries {
        writer.append(*kind, *fuel, payload)?;
        while let Some(segment) = writer.take_segment() {
            black_box(segment);
        }
    }
    black_box(writer.finish()?);
    Ok(started.elapsed())
}

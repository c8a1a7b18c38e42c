//! Launch measurements of a ROM file, as `redoubt-verify` predicts and compares them: every byte of the file counts.
#![forbid(unsafe_code)]

use std::num::NonZeroU16;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use attestation_measure::{Launch, PAGE_BYTES, PageOrder, RomMap, SnpProfile, difference};
use tests_fuzz::{Budget, Target};

const ROM_PAGES_MAX: usize = 4;
const ROM_MAX: usize = ROM_PAGES_MAX * PAGE_BYTES;
/// Transcripts of more pages would only be slower.
const TRANSCRIPT_PAGES_MAX: usize = 256;

/// The input is the end of the first, the second is another by one byte; not on the heap, so that they do not count.
static BUFFERS: Mutex<[[u8; ROM_MAX]; 2]> = Mutex::new([[0; ROM_MAX]; 2]);

fn main() -> ExitCode {
    Target { name: "measure", max_bytes: 4 + ROM_MAX, budget: Budget::DEFAULT, run }.drive()
}

/// Four bytes choose the number of pages, the byte that is changed, and the VMM; the rest is the end of the ROM.
fn run(input: &[u8]) {
    let Some(([pages, low, high, vmm], end)) = input.split_first_chunk() else { return };
    let mut buffers = BUFFERS.lock().unwrap_or_else(PoisonError::into_inner);
    let bytes = (usize::from(*pages) % ROM_PAGES_MAX + 1) * PAGE_BYTES;
    let place = usize::from(u16::from_le_bytes([*low, *high])) % bytes;
    let [before, after] = &mut *buffers;
    let (Some(before), Some(after)) = (before.get_mut(..bytes), after.get_mut(..bytes)) else { return };
    before.fill(0);
    before.iter_mut().rev().zip(end.iter().rev()).for_each(|(to, from)| *to = *from);
    after.copy_from_slice(before);
    after.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 1);
    if let Ok(map) = RomMap::parse(before) {
        drop(map.at(place).to_string());
    }
    compare_snp(before, after, place, profile(*vmm));
    for order in [PageOrder::Interleaved, PageOrder::TwoPass] {
        compare_tdx(before, after, order);
    }
}

fn profile(choice: u8) -> SnpProfile {
    let base = match choice % 3 {
        0 => SnpProfile::QEMU,
        1 => SnpProfile::GCE,
        _ => SnpProfile::EC2,
    };
    SnpProfile { vcpus: NonZeroU16::new(u16::from(choice / 3 % 3)).unwrap_or(NonZeroU16::MIN), ..base }
}

/// SNP measures the whole file, and before anything else.
fn compare_snp(before: &[u8], after: &[u8], place: usize, profile: SnpProfile) {
    let (Some(before), Some(after)) =
        (usable(Launch::snp(before, profile)), usable(Launch::snp(after, profile)))
    else {
        return;
    };
    assert!(before.measurement() != after.measurement(), "byte {place} does not count");
    let found = difference(&before, &after).map(|found| (found.index, found.byte.map(|byte| byte.offset)));
    assert_eq!(found, Some((place / PAGE_BYTES, Some(place % PAGE_BYTES))));
}

/// TDX measures what the tables say.
fn compare_tdx(before: &[u8], after: &[u8], order: PageOrder) {
    let (Some(before), Some(after)) = (usable(Launch::tdx(before, order)), usable(Launch::tdx(after, order)))
    else {
        return;
    };
    let is_same = before.measurement() == after.measurement();
    assert_eq!(difference(&before, &after).is_none(), is_same);
}

/// A launch whose transcript ends with its measurement.
fn usable(launch: Result<Launch<'_>, impl ToString>) -> Option<Launch<'_>> {
    let launch = match launch {
        Ok(launch) => launch,
        Err(error) => {
            drop(error.to_string());
            return None;
        }
    };
    if launch.pages().take(TRANSCRIPT_PAGES_MAX).count() < TRANSCRIPT_PAGES_MAX {
        let last = launch.transcript().last();
        assert_eq!(last.map(|line| line.running), launch.pages().next().map(|_| launch.measurement()));
    }
    Some(launch)
}

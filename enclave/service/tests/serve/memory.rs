//! What the key-value store charges is at least what it takes, however it is filled; and what is stored is in memory as
//! often as the guest's demands say, and not once more.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use std::alloc::System;

use attestation_manifest::parse_manifest;
use enclave_runtime::{Files, VaultHost as _};
use enclave_service::{KeyValueStore, SharedVault, Vault};

use crate::files::{FILES_BYTES, KEY_VALUE_BYTES, MANIFEST, many_files, one_file};
use crate::loader::chain_of;

std::thread_local! {
    /// Bytes that this thread has allocated and not freed, as the guest's allocator hands them out. It wraps: what another
    /// thread allocated may be freed here.
    static TAKEN_BYTES: Cell<u64> = const { Cell::new(0) };
    /// The most of it since a test asked.
    static PEAK_BYTES: Cell<u64> = const { Cell::new(0) };
}

/// Counts what was allocated; freed where it is below zero.
fn count(bytes: i64) {
    let _ = TAKEN_BYTES.try_with(|taken| {
        taken.set(taken.get().wrapping_add_signed(bytes));
        let _ = PEAK_BYTES.try_with(|peak| peak.set(peak.get().max(taken.get())));
    });
}

/// The system's allocator, counting by thread.
struct Counting;

/// A piece of the guest's heap has a mark of a word, and a length of whole pieces of four words.
fn piece_bytes(layout: Layout) -> i64 {
    i64::try_from(layout.size().saturating_add(8).next_multiple_of(32)).unwrap_or(i64::MAX)
}

// SAFETY: every call goes to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(piece_bytes(layout));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-piece_bytes(layout));
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Fills a store and compares.
fn compare(name: &str, fill: impl FnOnce(&mut KeyValueStore)) {
    let before = TAKEN_BYTES.get();
    let mut store = KeyValueStore::new(8 << 20);
    fill(&mut store);
    let taken = TAKEN_BYTES.get().wrapping_sub(before);
    let charged = store.used_bytes();
    drop(store);
    let left = TAKEN_BYTES.get().wrapping_sub(before);
    // Only now, because words take memory too.
    println!("{name}: charged {charged}, taken {taken}");
    assert!(charged > 1 << 20, "{name}: {charged} bytes say little");
    assert!(taken <= charged, "{name}: charged {charged}, taken {taken}");
    assert_eq!(left, 0, "{name}: all of it is given back");
}

fn until_full(mut set: impl FnMut(u32) -> bool) {
    let fitted = (0..u32::MAX).take_while(|number| set(*number)).count();
    assert!(fitted > 100, "{fitted}");
}

#[test]
fn what_is_charged_covers_what_is_taken() {
    compare("small entries by rising key", |store| {
        until_full(|key| store.set("a", &format!("{key:05}"), b"1").is_ok());
    });
    compare("small entries by falling key", |store| {
        until_full(|key| store.set("a", &format!("{:05}", 99_999 - key), b"1").is_ok());
    });
    compare("small entries in no order", |store| {
        until_full(|key| store.set("a", &key.wrapping_mul(0x9E37_79B9).to_string(), b"1").is_ok());
    });
    compare("what is left of them in nodes as empty as they can be", |store| {
        until_full(|key| store.set("a", &format!("{key:05}"), b"1").is_ok());
        (0..99_999).filter(|key| key % 11 >= 5).for_each(|key| store.delete("a", &format!("{key:05}")));
    });
    compare("a bucket for every entry", |store| {
        until_full(|name| store.set(&format!("{name:05}"), "k", b"1").is_ok());
    });
    compare("keys and values a byte longer than a piece", |store| {
        until_full(|key| store.set("a", &format!("{key:025}"), &[7; 25]).is_ok());
    });
    let value = vec![7; 60_000];
    compare("large values", |store| {
        until_full(|key| store.set("a", &key.to_string(), &value).is_ok());
    });
}

/// The most that is taken while `act` runs, beside what was there before.
fn peak_of<T>(act: impl FnOnce() -> T) -> (u64, T) {
    let before = TAKEN_BYTES.get();
    PEAK_BYTES.set(before);
    let done = act();
    (PEAK_BYTES.get().wrapping_sub(before), done)
}

/// Twice is what `enclave_runtime::Demands` counts.
#[test]
fn what_is_stored_is_in_memory_twice_at_most() {
    let most = 2 * (KEY_VALUE_BYTES + FILES_BYTES) + 64 * 1024;
    let pairs = [("one file", [0, 1].map(one_file)), ("many files", [0, 1].map(many_files))];
    for (name, snapshots) in pairs {
        let manifest = parse_manifest(MANIFEST.as_bytes()).expect("the test's manifest parses");
        let chain = chain_of(&MANIFEST, &manifest);
        let (used, (vault, blob)) = peak_of(|| {
            let mut vault = SharedVault::new(Vault::new(&manifest, chain.identity()));
            until_full(|key| vault.set("a", &key.to_string(), &[7; 3000]).is_ok());
            for snapshot in &snapshots {
                // What the run has, beside what the last one left.
                let files = Files::read(snapshot, FILES_BYTES).expect("they fit");
                vault.keep_files(&files);
            }
            let blob = vault.save([9; 32]).expect("there is memory");
            (vault, blob)
        });
        assert!(
            blob.len() as u64 > (KEY_VALUE_BYTES + FILES_BYTES) / 4,
            "{name}: {} bytes say little",
            blob.len()
        );
        drop(vault);
        let length = blob.len() as u64;
        let (restored, _vault) = peak_of(|| {
            let mut vault = Vault::new(&manifest, chain.identity());
            vault.restore(blob).expect("it is ours");
            vault
        });
        println!("{name}: {used} and {} of {most}", restored + length);
        assert!(
            used <= most && restored + length <= most,
            "{name}: {used} and {} of {most}",
            restored + length
        );
    }
}

//! What the key-value store charges is at least what it takes, however it is filled.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use std::alloc::System;

use enclave_service::KeyValueStore;

std::thread_local! {
    /// Bytes that this thread has allocated and not freed, as the guest's allocator hands them out. It wraps: what another
    /// thread allocated may be freed here.
    static TAKEN_BYTES: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, counting by thread.
struct Counting;

/// A piece of the guest's heap has a mark of a word, and a length of whole pieces of four words.
fn piece_bytes(layout: Layout) -> u64 {
    u64::try_from(layout.size()).unwrap_or(u64::MAX).saturating_add(8).next_multiple_of(32)
}

// SAFETY: every call goes to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = TAKEN_BYTES.try_with(|taken| taken.set(taken.get().wrapping_add(piece_bytes(layout))));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        let _ = TAKEN_BYTES.try_with(|taken| taken.set(taken.get().wrapping_sub(piece_bytes(layout))));
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

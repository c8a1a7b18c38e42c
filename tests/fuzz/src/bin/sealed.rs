//! Sealed blobs: what opens is exactly what the sealer makes, and no changed bit opens.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use enclave_sealing::{Context, Purpose, Sealer};
use tests_fuzz::{Budget, Target};

/// The seeds' too.
const SEAL_KEY: [u8; 32] = [7; 32];

fn main() -> ExitCode {
    Target { name: "sealed", max_bytes: 4096, budget: Budget::DEFAULT, run }.drive()
}

/// The first byte chooses the purpose and what the rest is.
fn run(input: &[u8]) {
    let Some((choice, rest)) = input.split_first() else { return };
    let purpose = match choice >> 1 & 3 {
        0 => Purpose::Storage,
        _ => Context::new("fuzz").map_or(Purpose::Storage, Purpose::Component),
    };
    let sealer = Sealer::new(&SEAL_KEY);
    if choice & 1 == 0 { open(&sealer, purpose, rest) } else { seal_and_change(&sealer, purpose, rest) }
}

fn open(sealer: &Sealer, purpose: Purpose<'_>, blob: &[u8]) {
    let opened = sealer.unseal(purpose, blob, 0).map(|opened| (opened.counter, opened.plaintext));
    let in_place = sealer.unseal_in_place(purpose, blob.to_vec(), 0);
    assert!(opened == in_place.map(|opened| (opened.counter, opened.plaintext)));
    let Ok((counter, plaintext)) = opened else { return };
    let salt = blob.get(16..).and_then(|rest| rest.first_chunk());
    let again = salt.map(|salt| sealer.seal(purpose, counter, &plaintext, *salt));
    assert!(again == Some(Ok(blob.to_vec())), "the sealer would make another blob");
    if let Some(next) = counter.checked_add(1) {
        assert!(sealer.unseal(purpose, blob, next).is_err(), "an old blob was opened");
    }
}

/// A bit to change, then the salt, then the plaintext.
fn seal_and_change(sealer: &Sealer, purpose: Purpose<'_>, input: &[u8]) {
    let Some((position, rest)) = input.split_first_chunk() else { return };
    let Some((salt, plaintext)) = rest.split_first_chunk() else { return };
    let position = u32::from_le_bytes(*position);
    let sealed = sealer.seal(purpose, position.into(), plaintext, *salt);
    assert!(sealed.is_ok(), "{sealed:?}");
    let mut blob = sealed.unwrap_or_default();
    let opened = sealer.unseal(purpose, &blob, position.into());
    assert!(opened.is_ok_and(|opened| opened.plaintext.as_slice() == plaintext));
    let bits = blob.len().saturating_mul(8);
    let bit = usize::try_from(position).unwrap_or_default().checked_rem(bits).unwrap_or_default();
    if let Some(byte) = blob.get_mut(bit >> 3) {
        *byte ^= 1 << (bit & 7);
    }
    assert!(sealer.unseal(purpose, &blob, 0).is_err(), "bit {bit} may be changed");
}

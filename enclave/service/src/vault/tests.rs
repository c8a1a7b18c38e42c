//! What the guest's vault answers.

use super::*;

fn vault(seal_key: u8) -> SharedVault {
    SharedVault::new(own(seal_key))
}

fn own(seal_key: u8) -> Vault {
    Vault {
        store: KeyValueStore::new(1 << 20),
        sealer: Sealer::new(&[seal_key; 32]),
        evidence: vec![1, 2, 3],
        files: KeptFiles::new(1 << 20),
        persists: true,
        saves: 0,
    }
}

fn reason(result: Result<Unsealed, EnclaveFailure>) -> String {
    match result {
        Err(EnclaveFailure::Invalid(text)) => text,
        other => panic!("expected a reason, found {other:?}"),
    }
}

#[test]
fn handles_are_of_the_same_vault() {
    let (mut one, mut other) = (vault(1), vault(1));
    let mut same = one.clone();
    one.set("a", "k", b"v").unwrap();
    assert_eq!(same.get("a", "k"), Ok(Some(b"v".to_vec())));
    assert_eq!((same.exists("a", "k"), same.exists("a", "j")), (Ok(true), Ok(false)));
    assert_eq!(same.increment("a", "n", 4), Ok(4));
    assert_eq!(one.list_keys("a", 1).unwrap().keys, ["n"]);
    same.delete("a", "k").unwrap();
    assert_eq!(one.get("a", "k"), Ok(None));
    assert_eq!(other.get("a", "n"), Ok(None));
    assert_eq!(one.evidence(), Some(vec![1, 2, 3]));
}

#[test]
fn a_blob_opens_in_its_context_not_below_its_counter_and_with_its_key() {
    let mut vault = vault(1);
    let blob = vault.seal("notes", 7, b"text", [9; 32]).unwrap();
    for least in [0, 7] {
        let opened = Unsealed { counter: 7, plaintext: b"text".to_vec() };
        assert_eq!(vault.unseal("notes", least, &blob), Ok(opened));
    }
    assert!(reason(vault.unseal("note", 7, &blob)).contains("expected one for component, context \"note\""));
    assert!(reason(vault.unseal("notes", 8, &blob)).contains("expected counter 8 or more, found 7"));
    assert!(reason(self::vault(2).unseal("notes", 7, &blob)).contains("not sealed by this image"));
    for byte in 0..blob.len() {
        let mut other = blob.clone();
        other[byte] ^= 1;
        reason(vault.unseal("notes", 7, &other));
    }
    assert!(reason(vault.unseal(&"c".repeat(65), 7, &blob)).contains("at most 64 bytes, found 65"));
    assert!(vault.seal(&"c".repeat(65), 7, b"", [9; 32]).is_err());
}

/// The door takes no longer blob.
#[test]
fn the_longest_plaintext_makes_no_too_long_a_blob() {
    use enclave_runtime::{PLAINTEXT_MAX_BYTES, SEAL_CONTEXT_MAX_BYTES, SEALED_MAX_BYTES};
    let context = "c".repeat(SEAL_CONTEXT_MAX_BYTES);
    let blob = vault(1).seal(&context, u64::MAX, &vec![0; PLAINTEXT_MAX_BYTES], [9; 32]).unwrap();
    assert!(blob.len() <= SEALED_MAX_BYTES, "{}", blob.len());
    assert_eq!(vault(1).unseal(&context, 0, &blob).unwrap().plaintext.len(), PLAINTEXT_MAX_BYTES);
}

/// What the guest seals on its own behalf is nothing that a component could ask for.
#[test]
fn blobs_of_the_guest_itself_do_not_open_for_components() {
    let mut vault = vault(1);
    let blob = Sealer::new(&[1; 32]).seal(Purpose::Storage, 7, b"text", [9; 32]).unwrap();
    assert!(reason(vault.unseal("", 0, &blob)).contains("expected one for component"));
}

#[test]
fn what_one_guest_saves_the_next_has() {
    let mut first = own(1);
    assert!(!first.must_save(), "nothing was stored");
    first.store.set("a", "k", b"v").unwrap();
    assert!(first.must_save());
    let blob = first.save([9; 32]).unwrap();
    assert!(!first.must_save(), "it is saved");

    let mut second = own(1);
    second.restore(blob.clone()).unwrap();
    assert_eq!((second.store.get("a", "k"), second.must_save()), (Some(&b"v"[..]), false));
    second.store.delete("a", "k");
    assert!(second.must_save());
    let emptied = second.save([9; 32]).unwrap();
    second.restore(emptied).unwrap();
    assert_eq!((second.store.get("a", "k"), second.saves), (None, 2));

    // An old one opens as well: nothing here knows of a newer.
    second.restore(blob).unwrap();
    assert_eq!(second.saves, 1);
}

#[test]
fn a_blob_of_somebody_else_changes_nothing() {
    let mut vault = own(1);
    vault.store.set("a", "k", b"v").unwrap();
    let mut blob = vault.save([9; 32]).unwrap();
    assert!(matches!(own(2).restore(blob.clone()), Err(RestoreError::Sealed(SealError::NotOurs))));
    let component = vault.sealer.seal(purpose("").unwrap(), 1, b"", [9; 32]).unwrap();
    assert!(matches!(vault.restore(component), Err(RestoreError::Sealed(_))), "for another purpose");
    let other = vault.sealer.seal(Purpose::Storage, 1, b"no store", [9; 32]).unwrap();
    assert!(matches!(vault.restore(other), Err(RestoreError::Saved(_))), "it opens, and is no store");
    *blob.last_mut().unwrap() ^= 1;
    assert!(matches!(vault.restore(blob), Err(RestoreError::Sealed(SealError::NotOurs))));
    assert!(vault.restore(Vec::new()).is_err());
    assert_eq!(vault.store.get("a", "k"), Some(&b"v"[..]));
}

#[test]
fn a_store_that_ends_with_its_guest_is_not_saved() {
    let mut vault = Vault { persists: false, ..own(1) };
    vault.store.set("a", "k", b"v").unwrap();
    assert!(!vault.must_save());
}

/// Files that a job could have ended with: those of a snapshot of one empty directory and so many files without a byte.
fn files(names: &[&str]) -> Files {
    let mut snapshot = b"redoubt-files-1\n\x01\x00".to_vec();
    snapshot.extend((names.len() as u64).to_le_bytes());
    for (name, record) in names.iter().zip(1_u64..) {
        snapshot.push(2);
        snapshot.extend(record.to_le_bytes());
        snapshot.extend((name.len() as u64).to_le_bytes());
        snapshot.extend(name.as_bytes());
    }
    names.iter().for_each(|_| snapshot.extend([&[2, 0][..], &[0; 16]].concat()));
    Files::read(&snapshot, 1 << 20).unwrap()
}

#[test]
fn files_are_saved_with_the_store_and_only_when_they_have_changed() {
    let mut first = own(1);
    first.files.keep(&files(&["a"]));
    assert!(first.must_save());
    first.store.set("a", "k", b"v").unwrap();
    let blob = first.save([9; 32]).unwrap();
    first.files.keep(&files(&["a"]));
    assert!(!first.must_save(), "they are the same");

    let mut second = own(1);
    second.restore(blob.clone()).unwrap();
    assert_eq!(second.files.snapshot(), &files(&["a"]).snapshot());
    assert_eq!((second.store.get("a", "k"), second.must_save()), (Some(&b"v"[..]), false));
    second.files.keep(&files(&["a"]));
    assert!(!second.must_save(), "they are what they were");
    second.files.keep(&files(&["a", "b"]));
    assert!(second.must_save());
    second.files.keep(&files(&[]));
    let emptied = second.save([9; 32]).unwrap();
    second.restore(emptied).unwrap();
    assert_eq!(second.files.snapshot(), &files(&[]).snapshot());

    // Of an image that keeps fewer, or none.
    let mut without = Vault { files: KeptFiles::new(0), ..own(1) };
    without.store.set("b", "k", b"w").unwrap();
    assert!(matches!(without.restore(blob), Err(RestoreError::Files(_))));
    assert_eq!((without.store.get("b", "k"), without.saves), (Some(&b"w"[..]), 0), "nothing has changed");
}

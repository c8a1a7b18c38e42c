//! Snapshots: one encoding of each tree, and nothing accepted but that.

use super::{CREATE, NONE, ROOMY, STAY, Sandbox, audit};
use crate::{
    BLOCK_BYTES, Datetime, ErrorCode, FILE_BYTES_MAX, FileSystem, Limits, NewTimestamp, SnapshotError,
    SnapshotField, SnapshotProblem,
};

use SnapshotField::{
    BlockBytes, BlockCount, BlockNumber, End, EntryCount, EntryKind, EntryName, EntryRecord, FileSize, Kind,
    LinkText, Magic, Time, TimeFlags,
};
use SnapshotProblem::{Block, Number, Order, Refused, Short, Text};

const HEAD: &[u8] = b"redoubt-files-1\n";

/// A number of 8 bytes.
fn n(number: u64) -> Vec<u8> {
    number.to_le_bytes().to_vec()
}

/// A length and as many bytes.
fn t(text: &str) -> Vec<u8> {
    [n(text.len() as u64), text.into()].concat()
}

fn entry(kind: u8, record: u64, name: &str) -> Vec<u8> {
    [vec![kind], n(record), t(name)].concat()
}

/// A root without times, with these entries, and what follows.
fn root(entries: &[Vec<u8>], rest: &[Vec<u8>]) -> Vec<u8> {
    [HEAD.to_vec(), vec![1, 0], n(entries.len() as u64), entries.concat(), rest.concat()].concat()
}

/// A file without times.
fn file(size: u64, blocks: &[(u64, &str)]) -> Vec<u8> {
    let list: Vec<u8> = blocks.iter().flat_map(|(number, bytes)| [n(*number), t(bytes)].concat()).collect();
    [vec![2, 0], n(size), n(blocks.len() as u64), list].concat()
}

/// One of everything, by the description of the format.
fn small_by_hand() -> Vec<u8> {
    [
        HEAD.to_vec(),
        // 0, the root: a time of modification, three entries.
        [vec![1, 2], n(5), n(6), n(3)].concat(),
        [entry(1, 1, "d"), entry(2, 2, "f"), entry(3, 3, "l")].concat(),
        // 1, `d`: another name of `f`, and a file of its own.
        [vec![1, 0], n(2), entry(2, 4, "own"), entry(2, 2, "ä")].concat(),
        // 2, `f`: both times; a hole between "abc" and "z", and one behind.
        [vec![2, 3], n(7), n(0), n(8), n(999_999_999), n(70_000), n(2)].concat(),
        [n(0), t("abc"), n(1), t("\0\0z")].concat(),
        // 3, `l`.
        [vec![3, 0], t("d/ä")].concat(),
        // 4, `d/own`: empty.
        file(0, &[]),
    ]
    .concat()
}

fn small() -> Sandbox {
    let mut sandbox = Sandbox::with(&["d/", "l -> d/ä"]);
    let root = sandbox.root;
    let own = sandbox.open("d/own", CREATE, "w").unwrap();
    sandbox.put("f", b"abc");
    let f = sandbox.open("f", NONE, "w").unwrap();
    sandbox.fs.write(f, b"z", BLOCK_BYTES as u64 + 2).unwrap();
    sandbox.fs.set_size(f, 70_000).unwrap();
    sandbox.fs.link_at(root, STAY, "f", root, "d/ä").unwrap();
    let time = |seconds, nanoseconds| NewTimestamp::Timestamp(Datetime { seconds, nanoseconds });
    sandbox.fs.set_times(f, time(7, 0), time(8, 999_999_999)).unwrap();
    sandbox.fs.set_times(root, NewTimestamp::NoChange, time(5, 6)).unwrap();
    for descriptor in [own, f] {
        sandbox.fs.close(descriptor).unwrap();
    }
    sandbox
}

fn decode(bytes: &[u8]) -> Result<FileSystem, SnapshotError> {
    FileSystem::decode(bytes, ROOMY)
}

#[test]
fn a_tree_is_written_as_described() {
    let mut sandbox = small();
    assert_eq!(sandbox.fs.encode(), small_by_hand());
    let decoded = decode(&small_by_hand()).unwrap();
    audit(&decoded);
    assert_eq!(decoded.encode(), small_by_hand());
    assert_eq!(decoded.digest(), sandbox.fs.digest());
    let mut again = Sandbox::of(decoded);
    for path in [".", "d", "f", "d/ä", "l", "d/own"] {
        let stat = |sandbox: &Sandbox| sandbox.fs.stat_at(sandbox.root, STAY, path).unwrap();
        assert_eq!(stat(&again), stat(&sandbox), "{path}");
    }
    assert_eq!(again.get("d/ä"), sandbox.get("f"));
    assert_eq!(again.fs.usage(), sandbox.fs.usage());
    let same = |sandbox: &mut Sandbox| {
        let [one, other] = ["f", "d/ä"].map(|path| sandbox.open(path, NONE, "r").unwrap());
        sandbox.fs.is_same_object(one, other)
    };
    assert!(same(&mut again) && same(&mut sandbox));
}

#[test]
fn the_digest_is_that_of_the_encoding() {
    use sha2::Digest;
    assert_eq!(small().fs.digest(), <[u8; 32]>::from(sha2::Sha256::digest(small_by_hand())));
    // Of `printf 'redoubt-files-1\n\1\0\0\0\0\0\0\0\0\0' | sha256sum`.
    let empty = FileSystem::new(ROOMY).digest();
    assert_eq!(empty[..8], EMPTY_DIGEST_START);
}

const EMPTY_DIGEST_START: [u8; 8] = [0x05, 0xa8, 0x35, 0x57, 0x89, 0x77, 0xa5, 0x6b];

#[test]
fn how_a_tree_came_about_does_not_matter() {
    let mut sandbox = small();
    // What goes again, also while it is open; zeros that are written; another order.
    let gone = sandbox.open("gone", CREATE, "w").unwrap();
    sandbox.fs.write(gone, &[1; 100], 0).unwrap();
    sandbox.fs.unlink_file_at(sandbox.root, "gone").unwrap();
    let f = sandbox.open("f", NONE, "w").unwrap();
    sandbox.fs.write(f, &[0; 1000], 3).unwrap();
    sandbox.fs.write(f, &[0; 500], 69_500).unwrap();
    let time = |seconds, nanoseconds| NewTimestamp::Timestamp(Datetime { seconds, nanoseconds });
    sandbox.fs.set_times(f, NewTimestamp::NoChange, time(8, 999_999_999)).unwrap();
    sandbox.rename("d/own", "d/other").unwrap();
    sandbox.rename("d/other", "d/own").unwrap();
    sandbox.fs.unlink_file_at(sandbox.root, "l").unwrap();
    sandbox.fs.symlink_at(sandbox.root, "d/ä", "l").unwrap();
    sandbox.fs.set_times(sandbox.root, NewTimestamp::NoChange, time(5, 6)).unwrap();
    assert_eq!(sandbox.fs.encode(), small_by_hand());
    assert!(sandbox.fs.usage().bytes > small().fs.usage().bytes);
}

#[test]
fn every_cut_is_noticed() {
    let bytes = small_by_hand();
    for length in 0..bytes.len() {
        let error = decode(&bytes[..length]).unwrap_err();
        assert!(error.offset <= length && matches!(error.problem, Short { .. }), "{length}: {error}");
    }
    let more = decode(&[&bytes[..], &[0]].concat()).unwrap_err();
    let expected = Number { expected: "no more bytes", found: 1 };
    assert_eq!((more.offset, more.field, more.problem), (bytes.len(), End, expected));
}

#[test]
fn every_flipped_bit_is_another_tree_or_none() {
    let bytes = small_by_hand();
    for place in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[place / 8] ^= 1 << (place % 8);
        if let Ok(decoded) = decode(&flipped) {
            audit(&decoded);
            assert_eq!(decoded.encode(), flipped, "bit {place}");
        }
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let number = |expected, found| Number { expected, found };
    let number_of_entry = "the next record, or one of this kind but no directory";
    let nanoseconds = "less than 10^9 nanoseconds after less than 2^63 seconds";
    let one_file = |size, blocks: &[_]| root(&[entry(2, 1, "f")], &[file(size, blocks)]);
    let one_link = |text: &[u8]| {
        let body = [vec![3, 0], n(text.len() as u64), text.to_vec()].concat();
        root(&[entry(3, 1, "l")], &[body])
    };
    let named = |name: &str| root(&[entry(2, 1, name)], &[file(0, &[])]);
    let long = "z".repeat(BLOCK_BYTES + 1);
    let far = u64::MAX / BLOCK_BYTES as u64 + 1;
    let table = [
        (b"redoubt-files-2\n\x01\0".to_vec(), 0, Magic, SnapshotProblem::Magic),
        (b"redoubt".to_vec(), 0, Magic, Short { expected: 16, found: 7 }),
        ([HEAD, &[2]].concat(), 16, Kind, number("the kind that the entry says", 2)),
        ([HEAD, &[0]].concat(), 16, Kind, number("1, 2 or 3", 0)),
        ([HEAD, &[1, 4]].concat(), 17, TimeFlags, number("0 to 3", 4)),
        ([HEAD, &[1, 1], &n(0), &n(1_000_000_000)].concat(), 26, Time, number(nanoseconds, 1_000_000_000)),
        ([HEAD, &[1, 1], &n(0), &n(1 << 32)].concat(), 26, Time, number(nanoseconds, 1 << 32)),
        ([HEAD, &[1, 2], &n(1 << 63), &n(0)].concat(), 26, Time, number(nanoseconds, 0)),
        ([HEAD, &[1, 0], &[9]].concat(), 18, EntryCount, Short { expected: 8, found: 1 }),
        // A count is a promise, which is not kept.
        ([HEAD, &[1, 0], &n(u64::MAX)].concat(), 26, EntryKind, Short { expected: 1, found: 0 }),
        (root(&[entry(4, 1, "f")], &[]), 26, EntryKind, number("1, 2 or 3", 4)),
        // Records are numbered as they are named.
        (root(&[entry(2, 2, "f")], &[]), 27, EntryRecord, number(number_of_entry, 2)),
        (root(&[entry(1, 0, "up")], &[]), 27, EntryRecord, number(number_of_entry, 0)),
        (root(&[entry(1, 1, "d"), entry(1, 1, "e")], &[]), 45, EntryRecord, number(number_of_entry, 1)),
        (root(&[entry(2, 1, "d"), entry(3, 1, "e")], &[]), 45, EntryRecord, number(number_of_entry, 1)),
        (root(&[entry(2, 1, "b"), entry(2, 2, "a")], &[]), 53, EntryName, Order),
        (root(&[entry(2, 1, "a"), entry(2, 2, "a")], &[]), 53, EntryName, Order),
        (named(""), 35, EntryName, Refused(ErrorCode::Invalid)),
        (named("."), 35, EntryName, Refused(ErrorCode::Invalid)),
        (named(".."), 35, EntryName, Refused(ErrorCode::Invalid)),
        (named("a/b"), 35, EntryName, Refused(ErrorCode::Invalid)),
        (named("a\0"), 35, EntryName, Refused(ErrorCode::Invalid)),
        (named(&"a".repeat(256)), 35, EntryName, Refused(ErrorCode::NameTooLong)),
        ([HEAD, &[1, 0], &n(1), &[2], &n(1), &n(2), b"\xC3\x28"].concat(), 35, EntryName, Text),
        (
            [HEAD, &[1, 0], &n(1), &[2], &n(1), &n(1 << 40), b"f"].concat(),
            35,
            EntryName,
            Short { expected: 1 << 40, found: 1 },
        ),
        (root(&[entry(2, 1, "f")], &[vec![1]]), 44, Kind, number("the kind that the entry says", 1)),
        (one_file(FILE_BYTES_MAX + 1, &[]), 46, FileSize, number("less than 2^63", 1 << 63)),
        (root(&[entry(2, 1, "f")], &[vec![2, 0], n(1)]), 54, BlockCount, Short { expected: 8, found: 0 }),
        (one_file(9, &[(0, "")]), 70, BlockBytes, Block),
        (one_file(9, &[(0, "a\0")]), 70, BlockBytes, Block),
        (one_file(1, &[(0, "ab")]), 70, BlockBytes, Block),
        (one_file(65536, &[(1, "a")]), 70, BlockBytes, Block),
        (one_file(FILE_BYTES_MAX, &[(far, "a")]), 70, BlockBytes, Block),
        (one_file(FILE_BYTES_MAX, &[(0, &long)]), 70, BlockBytes, Block),
        (one_file(1 << 20, &[(0, "a"), (0, "b")]), 79, BlockNumber, Order),
        (one_file(1 << 20, &[(2, "a"), (1, "b")]), 79, BlockNumber, Order),
        (one_link(b""), 46, LinkText, Refused(ErrorCode::NoEntry)),
        (one_link(b"/"), 46, LinkText, Refused(ErrorCode::NotPermitted)),
        (one_link(b"a\0"), 46, LinkText, Refused(ErrorCode::Invalid)),
        (one_link(&[b'a'; 4096]), 46, LinkText, Refused(ErrorCode::NameTooLong)),
        (one_link(b"\xFF"), 46, LinkText, Text),
    ];
    for (bytes, offset, field, problem) in table {
        assert_eq!(decode(&bytes).err(), Some(SnapshotError { offset, field, problem }));
    }
    let message = decode(&named("a/b")).unwrap_err().to_string();
    assert_eq!(message, "snapshot, name of entry at byte 35: refused: invalid");
}

#[test]
fn limits_bite_at_the_last_byte() {
    let bytes = small_by_hand();
    let held = small().fs.usage();
    let exact = Limits { bytes: held.bytes, inodes: held.inodes, ..ROOMY };
    assert!(FileSystem::decode(&bytes, exact).is_ok());
    for (limits, code) in [
        (Limits { bytes: held.bytes - 1, ..exact }, ErrorCode::InsufficientSpace),
        (Limits { inodes: held.inodes - 1, ..exact }, ErrorCode::InsufficientSpace),
        (Limits { name_bytes: 2, ..exact }, ErrorCode::NameTooLong),
        (Limits { path_bytes: 3, ..exact }, ErrorCode::NameTooLong),
        (Limits { path_depth: 1, ..exact }, ErrorCode::NameTooLong),
    ] {
        let error = FileSystem::decode(&bytes, limits).unwrap_err();
        assert_eq!(error.problem, Refused(code), "{limits:?}");
    }
    for bytes_max in 0..held.bytes {
        assert!(FileSystem::decode(&bytes, Limits { bytes: bytes_max, ..exact }).is_err());
    }
}

#[test]
fn depth_is_no_recursion() {
    const DEPTH: u32 = 20_000;
    let mut sandbox = Sandbox::within(Limits { descriptors: u32::MAX, ..ROOMY });
    let mut at = sandbox.root;
    for _ in 0..DEPTH {
        sandbox.fs.create_directory_at(at, "d").unwrap();
        let below = sandbox.fs.open_at(at, STAY, "d", NONE, super::descriptor_flags("r")).unwrap();
        sandbox.fs.close(at).unwrap();
        at = below;
    }
    let bytes = sandbox.fs.encode();
    let decoded = decode(&bytes).unwrap();
    assert_eq!(decoded.usage().inodes, DEPTH);
    assert_eq!(decoded.encode(), bytes);
}

#[test]
fn a_decoded_tree_can_be_used() {
    let mut sandbox = Sandbox::of(decode(&small_by_hand()).unwrap());
    let file = sandbox.open("d/own", NONE, "rw").unwrap();
    sandbox.fs.append(file, b"more").unwrap();
    sandbox.rename("d", "e").unwrap();
    assert_eq!(sandbox.get("e/own").as_deref(), Ok(b"more".as_slice()));
    assert_eq!(sandbox.fs.stat_at(sandbox.root, STAY, "e/../f").map(|stat| stat.size), Ok(70_000));
    // What it sees of hashes does not depend on what was there before.
    let hash = |fs: FileSystem| {
        let sandbox = Sandbox::of(fs);
        sandbox.fs.metadata_hash_at(sandbox.root, STAY, "f").unwrap()
    };
    let mut other = small();
    other.put("gone", b"");
    other.fs.unlink_file_at(other.root, "gone").unwrap();
    let time = NewTimestamp::Timestamp(Datetime { seconds: 5, nanoseconds: 6 });
    other.fs.set_times(other.root, NewTimestamp::NoChange, time).unwrap();
    assert_eq!(hash(decode(&other.fs.encode()).unwrap()), hash(decode(&small_by_hand()).unwrap()));
    audit(&sandbox.fs);
}

//! `rename-at`.

use super::{NONE, STAY, Sandbox, audit};
use crate::ErrorCode;

use ErrorCode::{Busy, Invalid, IsDirectory, Loop, NoEntry, NotDirectory, NotEmpty, NotPermitted};

const TREE: &[&str] = &[
    "dir/",
    "dir/nested/",
    "dir/nested/deep/",
    "dir/file",
    "empty/",
    "file",
    "other",
    "to-file -> file",
    "to-dir -> dir",
    "to-nothing -> nothing",
    "to-parent -> ..",
    "to-itself -> to-itself",
];

/// From, to, and what comes of it.
const TABLE: &[(&str, &str, Result<(), ErrorCode>)] = &[
    // To a new name.
    ("file", "new", Ok(())),
    ("file", "dir/new", Ok(())),
    ("dir/file", "new", Ok(())),
    ("dir", "new", Ok(())),
    ("dir", "empty/new", Ok(())),
    ("to-nothing", "new", Ok(())),
    ("to-dir", "new", Ok(())),
    ("file", "to-dir/new", Ok(())),
    ("to-dir/file", "new", Ok(())),
    ("nothing", "new", Err(NoEntry)),
    ("nothing", "file", Err(NoEntry)),
    ("nothing/x", "new", Err(NoEntry)),
    ("file", "nothing/new", Err(NoEntry)),
    ("file", "other/new", Err(NotDirectory)),
    ("file/x", "new", Err(NotDirectory)),
    ("", "new", Err(NoEntry)),
    ("file", "", Err(NoEntry)),
    // Over what exists.
    ("file", "other", Ok(())),
    ("file", "to-file", Ok(())),
    ("file", "to-dir", Ok(())),
    ("to-file", "other", Ok(())),
    ("file", "empty", Err(IsDirectory)),
    ("file", "dir", Err(IsDirectory)),
    ("to-dir", "empty", Err(IsDirectory)),
    ("dir", "empty", Ok(())),
    ("empty", "dir/nested/deep", Ok(())),
    ("empty", "dir", Err(NotEmpty)),
    ("dir", "file", Err(NotDirectory)),
    ("dir", "to-dir", Err(NotDirectory)),
    // To itself.
    ("file", "file", Ok(())),
    ("file", "./dir/../file", Ok(())),
    ("dir", "dir", Ok(())),
    ("to-file", "to-file", Ok(())),
    // Around itself.
    ("dir", "dir/new", Err(Invalid)),
    ("dir", "dir/nested", Err(Invalid)),
    ("dir", "dir/nested/deep/new", Err(Invalid)),
    ("dir", "to-dir/nested/new", Err(Invalid)),
    ("dir/nested/deep", "dir", Err(NotEmpty)),
    ("dir/file", "dir", Err(NotEmpty)),
    ("dir/nested", "dir", Err(NotEmpty)),
    // Slashes.
    ("dir/", "new", Ok(())),
    ("dir", "new/", Ok(())),
    ("dir//", "new///", Ok(())),
    ("dir/", "empty/", Ok(())),
    ("file/", "new", Err(NotDirectory)),
    ("to-dir/", "new", Err(NotDirectory)),
    ("nothing/", "new", Err(NoEntry)),
    ("file", "new/", Ok(())),
    // Dots.
    (".", "new", Err(Busy)),
    ("./", "new", Err(Busy)),
    ("dir/.", "new", Err(Busy)),
    ("dir/..", "new", Err(Busy)),
    ("file", ".", Err(Busy)),
    ("file", "dir/..", Err(Busy)),
    ("dir/./file", "./dir/./new", Ok(())),
    // Out.
    ("..", "new", Err(NotPermitted)),
    ("file", "..", Err(NotPermitted)),
    ("file", "../new", Err(NotPermitted)),
    ("file", "/new", Err(NotPermitted)),
    ("/file", "new", Err(NotPermitted)),
    ("file", "to-parent/new", Err(NotPermitted)),
    ("to-parent/file", "new", Err(NotPermitted)),
    ("to-itself/x", "new", Err(Loop)),
    ("file", "to-itself/x", Err(Loop)),
    ("file\0", "new", Err(Invalid)),
    ("file", "new\0", Err(Invalid)),
];

#[test]
fn names_move_by_the_rules_of_posix() {
    for (from, to, expected) in TABLE {
        let mut sandbox = Sandbox::with(TREE);
        let before = sandbox.fs.clone();
        let moved = before.metadata_hash_at(sandbox.root, STAY, from.trim_end_matches('/'));
        assert_eq!(sandbox.rename(from, to), *expected, "{from:?} to {to:?}");
        audit(&sandbox.fs);
        if expected.is_err() {
            assert_eq!(sandbox.fs.digest(), before.digest(), "{from:?} to {to:?}");
            continue;
        }
        let to = to.trim_end_matches('/');
        let found = sandbox.fs.metadata_hash_at(sandbox.root, STAY, to);
        assert_eq!(found.map(|hash| hash.lower), moved.map(|hash| hash.lower), "{from:?} to {to:?}");
        let is_same = before.metadata_hash_at(sandbox.root, STAY, to).map(|hash| hash.lower)
            == moved.map(|hash| hash.lower);
        let left = sandbox.fs.stat_at(sandbox.root, STAY, from).err();
        assert_eq!(left, (!is_same).then_some(NoEntry), "{from:?} to {to:?}");
    }
}

#[test]
fn two_names_of_a_file_stay_both() {
    let mut sandbox = Sandbox::with(&["file"]);
    sandbox.fs.link_at(sandbox.root, STAY, "file", sandbox.root, "other").unwrap();
    assert_eq!(sandbox.rename("file", "other"), Ok(()));
    assert_eq!(sandbox.names("."), ["file", "other"]);
}

#[test]
fn what_is_replaced_lives_while_it_is_open() {
    let mut sandbox = Sandbox::with(&["file", "other", "dir/", "empty/"]);
    let other = sandbox.open("other", NONE, "r").unwrap();
    let empty = sandbox.open("empty", NONE, "r").unwrap();
    sandbox.rename("file", "other").unwrap();
    sandbox.rename("dir", "empty").unwrap();
    assert_eq!(sandbox.get_opened(other), b"other");
    assert_eq!(sandbox.fs.stat(other).unwrap().link_count, 0);
    assert_eq!(sandbox.fs.stat(empty).unwrap().link_count, 0);
    assert_eq!(sandbox.fs.create_directory_at(empty, "x"), Err(NoEntry));
    assert_eq!(sandbox.fs.rename_at(sandbox.root, "other", empty, "x"), Err(NoEntry));
    assert_eq!(sandbox.fs.rename_at(sandbox.root, "other/", empty, "x"), Err(NoEntry));
    audit(&sandbox.fs);
    sandbox.fs.close(other).unwrap();
    sandbox.fs.close(empty).unwrap();
    assert_eq!(sandbox.fs.usage().inodes, 2);
    audit(&sandbox.fs);
}

#[test]
fn names_move_between_descriptors() {
    let mut sandbox = Sandbox::with(&["dir/", "file"]);
    let dir = sandbox.open("dir", NONE, "r").unwrap();
    let root = sandbox.root;
    sandbox.fs.rename_at(root, "file", dir, "whatever").unwrap();
    assert_eq!(sandbox.rename("whatever", "whatever"), Err(NoEntry));
    assert_eq!(sandbox.fs.rename_at(dir, "whatever", root, "file"), Ok(()));
    assert_eq!(sandbox.fs.rename_at(dir, "whatever", root, "file"), Err(NoEntry));
    assert_eq!(sandbox.fs.rename_at(root, "dir", dir, "x"), Err(Invalid));
    assert_eq!(sandbox.fs.rename_at(dir, ".", root, "x"), Err(Busy));
}

#[test]
fn links_of_directories_follow_their_children() {
    let mut sandbox = Sandbox::with(&["a/", "a/child/", "a/child/file", "b/"]);
    let links = |sandbox: &Sandbox, path| {
        sandbox.fs.stat_at(sandbox.root, STAY, path).map(|stat| stat.link_count).unwrap()
    };
    assert_eq!([links(&sandbox, "."), links(&sandbox, "a"), links(&sandbox, "b")], [4, 3, 2]);
    sandbox.rename("a/child", "b/child").unwrap();
    assert_eq!([links(&sandbox, "."), links(&sandbox, "a"), links(&sandbox, "b")], [4, 2, 3]);
    sandbox.rename("b", "a").unwrap();
    assert_eq!([links(&sandbox, "."), links(&sandbox, "a")], [3, 3]);
    // `..` of what moved is where it is now.
    assert_eq!(sandbox.fs.stat_at(sandbox.root, STAY, "a/child/../child/file").unwrap().link_count, 1);
}

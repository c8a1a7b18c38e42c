//! `unlink-file-at`, `remove-directory-at`, and what lives on while it is open.

use super::{CREATE, DIRECTORY, NONE, STAY, Sandbox, audit, descriptor_flags};
use crate::{ErrorCode, Usage};

use ErrorCode::{Invalid, IsDirectory, Loop, NoEntry, NotDirectory, NotEmpty, NotPermitted};

const TREE: &[&str] = &[
    "dir/",
    "dir/nested/",
    "dir/file",
    "empty/",
    "file",
    "to-file -> file",
    "to-empty -> empty",
    "to-nothing -> nothing",
    "to-parent -> ..",
    "to-itself -> to-itself",
];

#[test]
fn files_are_unlinked() {
    for (path, expected) in [
        ("file", Ok(())),
        ("dir/file", Ok(())),
        ("dir/../file", Ok(())),
        ("to-file", Ok(())),
        ("to-empty", Ok(())),
        ("to-nothing", Ok(())),
        ("to-itself", Ok(())),
        ("to-parent", Ok(())),
        ("file/", Err(NotDirectory)),
        ("file/.", Err(NotDirectory)),
        ("to-file/", Err(NotDirectory)),
        ("to-empty/", Err(IsDirectory)),
        ("to-itself/", Err(Loop)),
        ("dir", Err(IsDirectory)),
        ("dir/", Err(IsDirectory)),
        ("dir/.", Err(IsDirectory)),
        ("empty", Err(IsDirectory)),
        (".", Err(IsDirectory)),
        ("dir/..", Err(IsDirectory)),
        ("", Err(NoEntry)),
        ("nothing", Err(NoEntry)),
        ("nothing/", Err(NoEntry)),
        ("..", Err(NotPermitted)),
        ("../", Err(NotPermitted)),
        ("/", Err(NotPermitted)),
        ("/etc/passwd", Err(NotPermitted)),
        ("to-parent/x", Err(NotPermitted)),
        ("file\0", Err(Invalid)),
    ] {
        let mut sandbox = Sandbox::with(TREE);
        assert_eq!(sandbox.fs.unlink_file_at(sandbox.root, path), expected, "{path:?}");
        audit(&sandbox.fs);
        if expected.is_ok() {
            assert_eq!(sandbox.fs.stat_at(sandbox.root, STAY, path).err(), Some(NoEntry));
        }
    }
}

#[test]
fn empty_directories_are_removed() {
    for (path, expected) in [
        ("empty", Ok(())),
        ("empty/", Ok(())),
        ("empty////", Ok(())),
        ("dir/../empty/", Ok(())),
        ("dir/nested", Ok(())),
        ("dir", Err(NotEmpty)),
        ("dir/", Err(NotEmpty)),
        ("file", Err(NotDirectory)),
        ("file/", Err(NotDirectory)),
        ("to-empty", Err(NotDirectory)),
        ("to-empty/", Err(Invalid)),
        ("to-nothing/", Err(NoEntry)),
        ("to-parent", Err(NotDirectory)),
        ("to-parent/", Err(NotPermitted)),
        ("to-itself/", Err(Loop)),
        ("", Err(NoEntry)),
        ("nothing", Err(NoEntry)),
        ("nothing/", Err(NoEntry)),
        (".", Err(Invalid)),
        ("./", Err(Invalid)),
        ("empty/.", Err(Invalid)),
        ("empty/./", Err(Invalid)),
        ("empty/..", Err(Invalid)),
        ("empty/../", Err(Invalid)),
        ("..", Err(NotPermitted)),
        ("/", Err(NotPermitted)),
        ("../empty", Err(NotPermitted)),
        ("empty/../../empty", Err(NotPermitted)),
        ("empty\0", Err(Invalid)),
    ] {
        let mut sandbox = Sandbox::with(TREE);
        assert_eq!(sandbox.fs.remove_directory_at(sandbox.root, path), expected, "{path:?}");
        audit(&sandbox.fs);
        if expected.is_ok() {
            let path = path.trim_end_matches('/');
            assert_eq!(sandbox.fs.stat_at(sandbox.root, STAY, path).err(), Some(NoEntry));
        }
    }
}

#[test]
fn an_unlinked_file_lives_until_it_is_closed() {
    let mut sandbox = Sandbox::new();
    let empty = sandbox.fs.usage();
    let file = sandbox.open("file", CREATE, "rw").unwrap();
    sandbox.fs.write(file, b"still here", 0).unwrap();
    let mut stream = sandbox.fs.read_via_stream(file, 6).unwrap();
    sandbox.fs.unlink_file_at(sandbox.root, "file").unwrap();

    assert_eq!(sandbox.get("file"), Err(NoEntry));
    assert_eq!(sandbox.fs.stat(file).unwrap().link_count, 0);
    sandbox.fs.set_size(file, 8).unwrap();
    sandbox.fs.append(file, b"ad").unwrap();
    assert_eq!(sandbox.get_opened(file), b"still head");
    // The name is free, and another file is another file.
    sandbox.put("file", b"new");
    assert_eq!(sandbox.get_opened(file), b"still head");
    sandbox.fs.unlink_file_at(sandbox.root, "file").unwrap();
    audit(&sandbox.fs);

    sandbox.fs.close(file).unwrap();
    assert_eq!(sandbox.fs.read_stream(&mut stream, 9).as_deref(), Ok(b"head".as_slice()));
    assert_eq!(sandbox.fs.usage().inodes, 1);
    sandbox.fs.close(stream).unwrap();
    assert_eq!(sandbox.fs.usage(), empty);
    audit(&sandbox.fs);
}

#[test]
fn nothing_gets_into_a_removed_directory() {
    let mut sandbox = Sandbox::with(&["dir/", "file"]);
    let dir = sandbox.open("dir", DIRECTORY, "r").unwrap();
    sandbox.fs.remove_directory_at(sandbox.root, "dir").unwrap();
    let (root, fs) = (sandbox.root, &mut sandbox.fs);
    assert_eq!(fs.open_at(dir, STAY, "new", CREATE, descriptor_flags("w")), Err(NoEntry));
    assert_eq!(fs.create_directory_at(dir, "new"), Err(NoEntry));
    assert_eq!(fs.symlink_at(dir, "text", "new"), Err(NoEntry));
    assert_eq!(fs.link_at(root, STAY, "file", dir, "new"), Err(NoEntry));
    assert_eq!(fs.rename_at(root, "file", dir, "new"), Err(NoEntry));
    assert_eq!(fs.stat_at(dir, STAY, "..").err(), Some(NotPermitted));
    assert_eq!(fs.stat_at(dir, STAY, ".").map(|stat| stat.link_count), Ok(0));
    let mut stream = fs.read_directory(dir).unwrap();
    assert_eq!(fs.read_directory_entry(&mut stream), Ok(None));
    fs.close(dir).unwrap();
    fs.close(stream).unwrap();
    audit(fs);
    // Another one of its name is another one.
    sandbox.fs.create_directory_at(root, "dir").unwrap();
    assert_eq!(sandbox.names("dir"), [""; 0]);
}

#[test]
fn all_that_is_removed_is_given_back() {
    let mut sandbox = Sandbox::with(TREE);
    for path in ["dir/file", "file", "to-file", "to-empty", "to-nothing", "to-parent", "to-itself"] {
        sandbox.fs.unlink_file_at(sandbox.root, path).unwrap();
    }
    for path in ["dir/nested", "dir", "empty"] {
        sandbox.fs.remove_directory_at(sandbox.root, path).unwrap();
    }
    assert_eq!(sandbox.fs.usage(), Usage { descriptors: 2, ..Usage::default() });
    assert_eq!(sandbox.open(".", NONE, "").map(drop), Ok(()));
}

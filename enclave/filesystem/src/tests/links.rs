//! Hard and symbolic links, and directories that are made.

use super::{FOLLOW, NONE, STAY, Sandbox, audit};
use crate::{DescriptorType, ErrorCode};

use ErrorCode::{Exist, Invalid, Loop, NoEntry, NotDirectory, NotPermitted};

const TREE: &[&str] = &[
    "dir/",
    "dir/file",
    "file",
    "other",
    "to-dir -> dir",
    "to-nothing -> nothing",
    "to-parent -> ..",
    "to-itself -> to-itself",
];

#[test]
fn files_get_more_names() {
    let table: &[(&str, &str, Result<(), ErrorCode>)] = &[
        ("file", "new", Ok(())),
        ("file", "dir/new", Ok(())),
        ("file", "to-dir/new", Ok(())),
        ("to-dir/file", "new", Ok(())),
        ("file", "file", Err(Exist)),
        ("file", "other", Err(Exist)),
        ("file", "dir", Err(Exist)),
        ("file", "dir/", Err(Exist)),
        ("file", ".", Err(Exist)),
        ("file", "to-nothing", Err(Exist)),
        ("dir", "other", Err(Exist)),
        ("", "new", Err(NoEntry)),
        ("", "", Err(NoEntry)),
        ("file", "", Err(NoEntry)),
        ("nothing", "new", Err(NoEntry)),
        ("nothing", "other", Err(NoEntry)),
        ("file", "nothing/new", Err(NoEntry)),
        ("file", "new/", Err(NoEntry)),
        ("file", "other/", Err(NotDirectory)),
        ("file/", "new", Err(NotDirectory)),
        ("file", "other/new", Err(NotDirectory)),
        ("dir", "new", Err(NotPermitted)),
        ("dir/", "new", Err(NotPermitted)),
        (".", "new", Err(NotPermitted)),
        ("/", "new", Err(NotPermitted)),
        ("..", "new", Err(NotPermitted)),
        ("file", "/", Err(NotPermitted)),
        ("file", "/file", Err(NotPermitted)),
        ("file", "..", Err(NotPermitted)),
        ("to-parent/x", "new", Err(NotPermitted)),
        ("file", "to-parent/new", Err(NotPermitted)),
        ("to-itself/x", "new", Err(Loop)),
        ("file\0", "new", Err(Invalid)),
    ];
    for (from, to, expected) in table {
        let mut sandbox = Sandbox::with(TREE);
        let before = sandbox.fs.digest();
        let linked = sandbox.fs.link_at(sandbox.root, STAY, from, sandbox.root, to);
        assert_eq!(linked, *expected, "{from:?} {to:?}");
        assert_eq!(sandbox.fs.digest() == before, expected.is_err(), "{from:?} {to:?}");
        let followed = Sandbox::with(TREE).fs.link_at(sandbox.root, FOLLOW, from, sandbox.root, to);
        assert_eq!(followed, Err(Invalid));
        audit(&sandbox.fs);
    }
}

#[test]
fn all_names_of_a_file_are_alike() {
    let mut sandbox = Sandbox::with(TREE);
    let root = sandbox.root;
    let dir = sandbox.open("dir", NONE, "r").unwrap();
    sandbox.fs.link_at(root, STAY, "file", dir, "link").unwrap();
    sandbox.put("dir/link", b"written");
    assert_eq!(sandbox.get("file").as_deref(), Ok(b"written".as_slice()));
    assert_eq!(sandbox.fs.stat_at(root, STAY, "file"), sandbox.fs.stat_at(dir, STAY, "link"));
    assert_eq!(sandbox.fs.stat_at(root, STAY, "file").unwrap().link_count, 2);
    sandbox.fs.unlink_file_at(root, "file").unwrap();
    assert_eq!(sandbox.fs.stat_at(dir, STAY, "link").unwrap().link_count, 1);
    assert_eq!(sandbox.get("dir/link").as_deref(), Ok(b"written".as_slice()));
}

#[test]
fn names_of_a_file_are_counted_to_an_end() {
    let mut sandbox = Sandbox::with(TREE);
    let root = sandbox.root;
    let number = sandbox.fs.lookup(crate::inode::ROOT, "file", crate::resolve::Ending::STAY).unwrap();
    sandbox.fs.inode_mut(number).unwrap().links = u32::MAX - 1;
    assert_eq!(sandbox.fs.link_at(root, STAY, "file", root, "last"), Ok(()));
    assert_eq!(sandbox.fs.link_at(root, STAY, "file", root, "more"), Err(ErrorCode::TooManyLinks));
    assert_eq!(sandbox.fs.stat_at(root, STAY, "more").err(), Some(NoEntry));
}

#[test]
fn symbolic_links_can_be_linked_to() {
    let mut sandbox = Sandbox::with(TREE);
    let root = sandbox.root;
    for name in ["to-nothing", "to-itself", "to-dir"] {
        sandbox.fs.link_at(root, STAY, name, root, "new").unwrap();
        let stat = sandbox.fs.stat_at(root, STAY, "new").unwrap();
        assert_eq!((stat.kind, stat.link_count), (DescriptorType::SymbolicLink, 2));
        sandbox.fs.unlink_file_at(root, "new").unwrap();
    }
}

#[test]
fn symbolic_links_are_made_and_read() {
    let table: &[(&str, &str, Result<(), ErrorCode>)] = &[
        ("file", "new", Ok(())),
        ("anything at all/..//", "dir/new", Ok(())),
        ("../../out", "new", Ok(())),
        ("/", "new", Err(NotPermitted)),
        ("/file", "nothing/new", Err(NotPermitted)),
        ("", "new", Err(NoEntry)),
        ("", "file", Err(NoEntry)),
        ("text\0", "new", Err(Invalid)),
        ("text", "", Err(NoEntry)),
        ("text", "new/", Err(NoEntry)),
        ("text", "nothing/new", Err(NoEntry)),
        ("text", "dir", Err(Exist)),
        ("text", "dir/", Err(Exist)),
        ("text", "file", Err(Exist)),
        ("text", "file/", Err(NotDirectory)),
        ("text", "to-nothing", Err(Exist)),
        ("text", ".", Err(Exist)),
        ("text", "..", Err(NotPermitted)),
        ("text", "/new", Err(NotPermitted)),
        ("text", "to-parent/new", Err(NotPermitted)),
    ];
    for (text, path, expected) in table {
        let mut sandbox = Sandbox::with(TREE);
        assert_eq!(sandbox.fs.symlink_at(sandbox.root, text, path), *expected, "{text:?} {path:?}");
        if expected.is_ok() {
            assert_eq!(sandbox.fs.readlink_at(sandbox.root, path).as_deref(), Ok(*text));
            let stat = sandbox.fs.stat_at(sandbox.root, STAY, path).unwrap();
            assert_eq!((stat.size, stat.link_count), (text.len() as u64, 1));
        }
        audit(&sandbox.fs);
    }
}

#[test]
fn only_symbolic_links_are_read() {
    let sandbox = Sandbox::with(TREE);
    for (path, expected) in [
        ("to-dir", Ok("dir")),
        ("./to-itself", Ok("to-itself")),
        ("to-dir/../to-parent", Ok("..")),
        ("to-dir/", Err(Invalid)),
        ("to-dir/.", Err(Invalid)),
        ("to-nothing/", Err(NoEntry)),
        ("file", Err(Invalid)),
        ("file/", Err(NotDirectory)),
        ("dir", Err(Invalid)),
        (".", Err(Invalid)),
        ("nothing", Err(NoEntry)),
        ("", Err(NoEntry)),
        ("..", Err(NotPermitted)),
    ] {
        assert_eq!(sandbox.fs.readlink_at(sandbox.root, path).as_deref(), expected.as_deref(), "{path}");
    }
}

#[test]
fn directories_are_made() {
    for (path, expected) in [
        ("new", Ok(())),
        ("new/", Ok(())),
        ("new/////", Ok(())),
        ("dir/new", Ok(())),
        ("to-dir/new", Ok(())),
        ("dir/../new", Ok(())),
        ("", Err(NoEntry)),
        (".", Err(Exist)),
        ("./", Err(Exist)),
        ("dir", Err(Exist)),
        ("dir/", Err(Exist)),
        ("dir/.", Err(Exist)),
        ("dir/..", Err(Exist)),
        ("file", Err(Exist)),
        ("file/", Err(Exist)),
        ("to-nothing", Err(Exist)),
        ("to-nothing/", Err(Exist)),
        ("nothing/new", Err(NoEntry)),
        ("nothing/.", Err(NoEntry)),
        ("file/new", Err(NotDirectory)),
        ("..", Err(NotPermitted)),
        ("../new", Err(NotPermitted)),
        ("/", Err(NotPermitted)),
        ("to-parent/new", Err(NotPermitted)),
        ("to-itself/new", Err(Loop)),
        ("new\0", Err(Invalid)),
    ] {
        let mut sandbox = Sandbox::with(TREE);
        assert_eq!(sandbox.fs.create_directory_at(sandbox.root, path), expected, "{path:?}");
        audit(&sandbox.fs);
        if expected.is_ok() {
            let stat = sandbox.fs.stat_at(sandbox.root, STAY, path).unwrap();
            assert_eq!((stat.kind, stat.link_count, stat.size), (DescriptorType::Directory, 2, 0));
        }
    }
}

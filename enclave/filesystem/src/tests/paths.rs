//! Where paths lead, and that they do not lead out.

use super::{FOLLOW, NONE, STAY, Sandbox, descriptor_flags};
use crate::{DescriptorType, ErrorCode, PathFlags};

use DescriptorType::{Directory, RegularFile, SymbolicLink};
use ErrorCode::{Invalid, Loop, NameTooLong, NoEntry, NotDirectory, NotPermitted};

fn tree() -> Sandbox {
    Sandbox::with(&[
        "dir/",
        "dir/nested/",
        "dir/nested/file",
        "file",
        "to-file -> file",
        "to-dir -> dir",
        "to-nested -> dir/nested",
        "to-slash -> dir/",
        "to-file-slash -> file/",
        "to-dot -> .",
        "to-parent -> ..",
        "to-nothing -> nothing",
        "to-itself -> to-itself",
        "dir/up -> ../file",
        "dir/up-and-out -> ../../file",
        "dir/up-to-itself -> ../dir/up-to-itself",
    ])
}

fn kind_at(sandbox: &Sandbox, flags: PathFlags, path: &str) -> Result<DescriptorType, ErrorCode> {
    let stat = sandbox.fs.stat_at(sandbox.root, flags, path).map(|stat| stat.kind);
    // The other operation on metadata, and opening, resolve the same way.
    let hash = sandbox.fs.metadata_hash_at(sandbox.root, flags, path);
    assert_eq!(hash.err(), stat.err(), "{path}");
    stat
}

#[test]
fn paths_lead_where_they_say() {
    let mut sandbox = tree();
    // Without and with following a link at the end.
    let table = [
        (".", Ok(Directory), Ok(Directory)),
        ("./", Ok(Directory), Ok(Directory)),
        ("file", Ok(RegularFile), Ok(RegularFile)),
        ("./file", Ok(RegularFile), Ok(RegularFile)),
        (".//.//file", Ok(RegularFile), Ok(RegularFile)),
        ("file/", Err(NotDirectory), Err(NotDirectory)),
        ("file///", Err(NotDirectory), Err(NotDirectory)),
        ("file/.", Err(NotDirectory), Err(NotDirectory)),
        ("file/..", Err(NotDirectory), Err(NotDirectory)),
        ("file/x", Err(NotDirectory), Err(NotDirectory)),
        ("dir/nested", Ok(Directory), Ok(Directory)),
        ("dir/nested/", Ok(Directory), Ok(Directory)),
        ("dir//nested///.", Ok(Directory), Ok(Directory)),
        ("dir/.//nested/../../dir/nested/../nested///./file", Ok(RegularFile), Ok(RegularFile)),
        ("dir/..", Ok(Directory), Ok(Directory)),
        ("to-file", Ok(SymbolicLink), Ok(RegularFile)),
        ("to-file/", Err(NotDirectory), Err(NotDirectory)),
        ("to-dir", Ok(SymbolicLink), Ok(Directory)),
        ("to-dir/", Ok(Directory), Ok(Directory)),
        ("to-dir/.", Ok(Directory), Ok(Directory)),
        ("to-dir/nested", Ok(Directory), Ok(Directory)),
        ("to-nested/..", Ok(Directory), Ok(Directory)),
        ("to-nested/../nested/file", Ok(RegularFile), Ok(RegularFile)),
        ("to-slash", Ok(SymbolicLink), Ok(Directory)),
        ("to-slash/nested", Ok(Directory), Ok(Directory)),
        ("to-file-slash", Ok(SymbolicLink), Err(NotDirectory)),
        ("to-dot", Ok(SymbolicLink), Ok(Directory)),
        ("to-dot/to-dot/file", Ok(RegularFile), Ok(RegularFile)),
        ("dir/up", Ok(SymbolicLink), Ok(RegularFile)),
        ("nothing", Err(NoEntry), Err(NoEntry)),
        ("nothing/", Err(NoEntry), Err(NoEntry)),
        ("nothing/x", Err(NoEntry), Err(NoEntry)),
        ("nothing/..", Err(NoEntry), Err(NoEntry)),
        ("to-nothing", Ok(SymbolicLink), Err(NoEntry)),
        ("to-nothing/", Err(NoEntry), Err(NoEntry)),
        ("to-itself", Ok(SymbolicLink), Err(Loop)),
        ("to-itself/", Err(Loop), Err(Loop)),
        ("to-itself/x", Err(Loop), Err(Loop)),
        ("dir/up-to-itself", Ok(SymbolicLink), Err(Loop)),
        ("", Err(NoEntry), Err(NoEntry)),
        ("file\0", Err(Invalid), Err(Invalid)),
        ("\0", Err(Invalid), Err(Invalid)),
    ];
    for (path, stays, follows) in table {
        assert_eq!(kind_at(&sandbox, STAY, path), stays, "{path:?}, not followed");
        assert_eq!(kind_at(&sandbox, FOLLOW, path), follows, "{path:?}, followed");
        let opened =
            sandbox.fs.open_at(sandbox.root, FOLLOW, path, NONE, descriptor_flags("r")).map(|found| {
                let kind = sandbox.fs.get_type(found).unwrap();
                sandbox.fs.close(found).unwrap();
                kind
            });
        assert_eq!(opened, follows, "{path:?}, opened");
    }
}

#[test]
fn paths_do_not_lead_out() {
    let mut sandbox = tree();
    let out = [
        "..",
        "../",
        "../x",
        "/",
        "//",
        "/file",
        "/dir/nested/file",
        "dir/../..",
        "dir/nested/../../../dir/nested/file",
        "dir/../../sandbox/file",
        "to-parent/x",
        "dir/up-and-out/x",
        "to-nested/../../..",
    ];
    for path in out {
        assert_eq!(kind_at(&sandbox, STAY, path), Err(NotPermitted), "{path}");
        assert_eq!(sandbox.open(path, NONE, "r"), Err(NotPermitted), "{path}");
        assert_eq!(sandbox.fs.readlink_at(sandbox.root, path), Err(NotPermitted), "{path}");
        assert_eq!(sandbox.fs.unlink_file_at(sandbox.root, path), Err(NotPermitted), "{path}");
        assert_eq!(sandbox.fs.remove_directory_at(sandbox.root, path), Err(NotPermitted), "{path}");
        assert_eq!(sandbox.rename(path, "new"), Err(NotPermitted), "{path}");
        assert_eq!(sandbox.rename("file", path), Err(NotPermitted), "{path}");
        assert_eq!(sandbox.fs.symlink_at(sandbox.root, "text", path), Err(NotPermitted), "{path}");
        assert_eq!(sandbox.fs.create_directory_at(sandbox.root, path), Err(NotPermitted), "{path}");
    }
    // A slash makes a link be followed, but not by those who only need the name.
    for path in ["to-parent/", "dir/up-and-out/", "to-dir/up-and-out/"] {
        assert_eq!(kind_at(&sandbox, STAY, path), Err(NotPermitted), "{path}");
        assert_eq!(sandbox.open(path, NONE, "r"), Err(NotPermitted), "{path}");
        assert_eq!(sandbox.fs.readlink_at(sandbox.root, path), Err(NotPermitted), "{path}");
        assert_eq!(sandbox.fs.unlink_file_at(sandbox.root, path), Err(NotPermitted), "{path}");
        assert_eq!(sandbox.fs.remove_directory_at(sandbox.root, path), Err(NotPermitted), "{path}");
        assert_eq!(sandbox.fs.create_directory_at(sandbox.root, path), Err(ErrorCode::Exist), "{path}");
        assert_eq!(sandbox.rename(path, "new"), Err(NotDirectory), "{path}");
    }
    for path in ["to-parent", "dir/up-and-out", "to-dir/up-and-out"] {
        assert_eq!(kind_at(&sandbox, STAY, path), Ok(SymbolicLink));
        assert_eq!(kind_at(&sandbox, FOLLOW, path), Err(NotPermitted));
    }
}

#[test]
fn a_base_is_as_tight_as_the_root() {
    let mut sandbox = tree();
    let dir = sandbox.open("dir", NONE, "r").unwrap();
    for (path, expected) in [
        ("nested/file", Ok(RegularFile)),
        ("nested/..", Ok(Directory)),
        ("../file", Err(NotPermitted)),
        ("../dir", Err(NotPermitted)),
        ("nested/../..", Err(NotPermitted)),
        ("up", Err(NotPermitted)),
    ] {
        let found = sandbox.fs.stat_at(dir, FOLLOW, path).map(|stat| stat.kind);
        assert_eq!(found, expected, "{path}");
    }
    // Moving it elsewhere does not open it.
    sandbox.fs.create_directory_at(sandbox.root, "deep").unwrap();
    sandbox.rename("dir", "deep/dir").unwrap();
    assert_eq!(sandbox.fs.stat_at(dir, STAY, "..").err(), Some(NotPermitted));
    assert_eq!(sandbox.fs.stat_at(dir, STAY, "nested").map(|stat| stat.kind), Ok(Directory));
}

#[test]
fn files_are_no_bases() {
    let mut sandbox = tree();
    let (root, file) = (sandbox.root, sandbox.open("file", NONE, "r").unwrap());
    for path in [".", "x", "..", ""] {
        assert_eq!(sandbox.fs.stat_at(file, STAY, path).err(), Some(NotDirectory));
        assert_eq!(
            sandbox.fs.open_at(file, STAY, path, NONE, descriptor_flags("r")).err(),
            Some(NotDirectory)
        );
        assert_eq!(sandbox.fs.create_directory_at(file, path), Err(NotDirectory));
        assert_eq!(sandbox.fs.rename_at(root, "file", file, path), Err(NotDirectory));
        assert_eq!(sandbox.fs.rename_at(file, path, root, "x"), Err(NotDirectory));
        assert_eq!(sandbox.fs.link_at(root, STAY, "file", file, path), Err(NotDirectory));
    }
    assert_eq!(sandbox.fs.read_directory(file).err(), Some(NotDirectory));
}

#[test]
fn forty_links_may_be_followed() {
    let mut sandbox = Sandbox::with(&["l0", "d0/", "d0/file"]);
    for link in 1..=41 {
        for kind in ["l", "d"] {
            let (text, name) = (format!("{kind}{}", link - 1), format!("{kind}{link}"));
            sandbox.fs.symlink_at(sandbox.root, &text, &name).unwrap();
        }
    }
    assert_eq!(kind_at(&sandbox, FOLLOW, "l40"), Ok(RegularFile));
    assert_eq!(kind_at(&sandbox, FOLLOW, "l41"), Err(Loop));
    assert_eq!(kind_at(&sandbox, STAY, "d40/file"), Ok(RegularFile));
    assert_eq!(kind_at(&sandbox, STAY, "d41/file"), Err(Loop));
    // They are counted along the whole path.
    assert_eq!(kind_at(&sandbox, FOLLOW, "d20/../l20"), Ok(RegularFile));
    assert_eq!(kind_at(&sandbox, FOLLOW, "d20/../l21"), Err(Loop));
}

#[test]
fn names_and_paths_have_limits() {
    let limits = crate::Limits { name_bytes: 5, path_bytes: 12, path_depth: 3, ..super::ROOMY };
    let mut sandbox = Sandbox::within(limits);
    let root = sandbox.root;
    let table = [
        ("äöx", Ok(())),
        ("äöü", Err(NameTooLong)),
        ("äöü/x", Err(NameTooLong)),
        ("none/abcdef", Err(NoEntry)),
        ("././././././", Err(ErrorCode::Exist)),
        ("./././././././", Err(NameTooLong)),
        ("äöx/b", Ok(())),
        ("äöx/b/c", Ok(())),
        ("äöx/b/./c", Err(ErrorCode::Exist)),
        ("äöx/../x/y", Err(NameTooLong)),
    ];
    for (path, expected) in table {
        assert_eq!(sandbox.fs.create_directory_at(root, path), expected, "{path}");
    }
    let text_at_the_limit = sandbox.fs.symlink_at(root, "123456789012", "l1");
    assert_eq!(text_at_the_limit, Ok(()));
    assert_eq!(sandbox.fs.symlink_at(root, "1234567890123", "l2"), Err(NameTooLong));
    assert_eq!(sandbox.fs.symlink_at(root, "a/b/c/d", "l2"), Err(NameTooLong));
    // Names are also counted along the links of a path.
    sandbox.fs.symlink_at(root, "äöx/b", "l3").unwrap();
    assert_eq!(sandbox.fs.stat_at(root, FOLLOW, "l3").map(|stat| stat.kind), Ok(Directory));
    assert_eq!(sandbox.fs.stat_at(root, FOLLOW, "l3/c").err(), Some(Loop));
}

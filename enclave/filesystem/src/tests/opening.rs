//! `open-at`: what is opened, created, cut, and for what.

use super::{
    CREATE, DIRECTORY, FOLLOW, NEW, NONE, STAY, Sandbox, TRUNCATE, audit, descriptor_flags, letters_of,
};
use crate::{Access, DescriptorFlags, ErrorCode, Limits, OpenFlags};

use ErrorCode::{
    BadDescriptor, Exist, Invalid, IsDirectory, Loop, NoEntry, NotDirectory, NotPermitted, Unsupported,
};

fn tree() -> Sandbox {
    Sandbox::with(&[
        "dir/",
        "file",
        "to-file -> file",
        "to-dir -> dir",
        "to-new -> dir/new",
        "to-new-slash -> dir/new/",
        "to-missing -> missing/new",
        "to-parent -> ..",
        "to-itself -> to-itself",
    ])
}

/// What `get-flags` says of what was opened.
type Opened = Result<&'static str, ErrorCode>;

#[test]
fn open_flags_do_what_they_say() {
    let table: &[(OpenFlags, &str, &str, Opened)] = &[
        // What is asked for, and what is implied.
        (NONE, "", "file", Ok("r")),
        (NONE, "r", "file", Ok("r")),
        (NONE, "w", "file", Ok("w")),
        (NONE, "rw", "file", Ok("rw")),
        (NONE, "m", "file", Ok("r")),
        (NONE, "wm", "file", Ok("w")),
        (CREATE, "", "new", Ok("rw")),
        (CREATE, "r", "new", Ok("rw")),
        (CREATE, "w", "new", Ok("w")),
        (CREATE, "r", "file", Ok("rw")),
        (TRUNCATE, "", "file", Ok("rw")),
        (TRUNCATE, "w", "file", Ok("w")),
        (NONE, "", "dir", Ok("r")),
        (NONE, "", ".", Ok("r")),
        (NONE, "m", "dir", Ok("rm")),
        (DIRECTORY, "rm", ".", Ok("rm")),
        // Directories.
        (DIRECTORY, "r", "dir", Ok("r")),
        (DIRECTORY, "r", "dir/", Ok("r")),
        (DIRECTORY, "r", "file", Err(NotDirectory)),
        (DIRECTORY, "w", "file", Err(NotDirectory)),
        (DIRECTORY, "r", "nothing", Err(NoEntry)),
        (NONE, "w", "dir", Err(IsDirectory)),
        (DIRECTORY, "rw", ".", Err(IsDirectory)),
        (TRUNCATE, "r", "dir", Err(IsDirectory)),
        (CREATE, "r", "dir", Err(IsDirectory)),
        (CREATE, "r", ".", Err(IsDirectory)),
        (CREATE, "r", "dir/..", Err(IsDirectory)),
        // Creation.
        (NONE, "rw", "nothing", Err(NoEntry)),
        (TRUNCATE, "rw", "nothing", Err(NoEntry)),
        (CREATE, "rw", "nothing/new", Err(NoEntry)),
        (CREATE, "rw", "file/new", Err(NotDirectory)),
        (CREATE, "rw", "dir/new", Ok("rw")),
        (NEW, "rw", "new", Ok("rw")),
        (NEW, "rw", "file", Err(Exist)),
        (NEW, "rw", "dir", Err(Exist)),
        (NEW, "rw", ".", Err(Exist)),
        (OpenFlags { exclusive: true, ..NONE }, "", "file", Ok("r")),
        (OpenFlags { truncate: true, ..NEW }, "", "new", Ok("rw")),
        // A slash asks for a directory, which is not created here.
        (CREATE, "rw", "new/", Err(IsDirectory)),
        (CREATE, "rw", "file/", Err(IsDirectory)),
        (CREATE, "rw", "dir/", Err(IsDirectory)),
        (NEW, "rw", "new/", Err(IsDirectory)),
        (NONE, "r", "file/", Err(NotDirectory)),
        (NONE, "r", "nothing/", Err(NoEntry)),
        // Flags that exclude each other.
        (OpenFlags { create: true, ..DIRECTORY }, "r", "dir", Err(Invalid)),
        (OpenFlags { exclusive: true, ..DIRECTORY }, "r", "dir", Err(Invalid)),
        (OpenFlags { truncate: true, ..DIRECTORY }, "r", "nothing", Err(Invalid)),
    ];
    for (open_flags, flags, path, expected) in table {
        let mut sandbox = tree();
        let opened = sandbox.open(path, *open_flags, flags);
        let found = opened.map(|file| letters_of(sandbox.fs.get_flags(file).unwrap()));
        let expected = expected.map(Into::into);
        assert_eq!(found, expected, "{path:?} {flags:?} {open_flags:?}");
        audit(&sandbox.fs);
    }
}

#[test]
fn links_are_followed_where_asked() {
    type Outcome = Result<(), ErrorCode>;
    // Without and with following.
    let table: &[(OpenFlags, &str, Outcome, Outcome)] = &[
        (NONE, "to-file", Err(Loop), Ok(())),
        (DIRECTORY, "to-file", Err(Loop), Err(NotDirectory)),
        (NONE, "to-dir", Err(Loop), Ok(())),
        (DIRECTORY, "to-dir", Err(Loop), Ok(())),
        (DIRECTORY, "to-dir/", Ok(()), Ok(())),
        (NONE, "to-new", Err(Loop), Err(NoEntry)),
        (CREATE, "to-new", Err(Loop), Ok(())),
        (CREATE, "to-file", Err(Loop), Ok(())),
        (CREATE, "to-dir", Err(Loop), Err(IsDirectory)),
        (CREATE, "to-new-slash", Err(Loop), Err(IsDirectory)),
        (CREATE, "to-missing", Err(Loop), Err(NoEntry)),
        (NEW, "to-new", Err(Exist), Err(Exist)),
        (NEW, "to-file", Err(Exist), Err(Exist)),
        (NONE, "to-parent", Err(Loop), Err(NotPermitted)),
        (CREATE, "to-parent", Err(Loop), Err(NotPermitted)),
        (NONE, "to-itself", Err(Loop), Err(Loop)),
        (CREATE, "to-itself", Err(Loop), Err(Loop)),
    ];
    for (open_flags, path, stays, follows) in table {
        for (flags, expected) in [(STAY, stays), (FOLLOW, follows)] {
            let mut sandbox = tree();
            let found = sandbox.fs.open_at(sandbox.root, flags, path, *open_flags, descriptor_flags("r"));
            assert_eq!(found.map(drop), *expected, "{path:?} {open_flags:?} {flags:?}");
        }
    }
    let mut sandbox = tree();
    sandbox.fs.open_at(sandbox.root, FOLLOW, "to-new", CREATE, descriptor_flags("w")).unwrap();
    assert_eq!(sandbox.get("dir/new"), Ok(vec![]));
}

#[test]
fn truncation_cuts_only_what_is_opened() {
    let mut sandbox = tree();
    assert_eq!(sandbox.open("file/", TRUNCATE, "w"), Err(NotDirectory));
    assert_eq!(sandbox.open("to-file", TRUNCATE, "w"), Err(Loop));
    let all = OpenFlags { truncate: true, ..NEW };
    assert_eq!(sandbox.open("file", all, "w"), Err(Exist));
    assert_eq!(sandbox.get("file").as_deref(), Ok(b"file".as_slice()));

    let open_already = sandbox.open("file", NONE, "r").unwrap();
    sandbox.open("file", TRUNCATE, "w").unwrap();
    assert_eq!(sandbox.get_opened(open_already), b"");
    audit(&sandbox.fs);
}

#[test]
fn nothing_changes_below_what_may_only_be_read() {
    let mut sandbox = tree();
    let (root, read_only) = (sandbox.root, sandbox.read_only);
    let before = sandbox.fs.digest();
    let table: &[(OpenFlags, &str, &str, Result<(), ErrorCode>)] = &[
        (NONE, "r", "file", Ok(())),
        (NONE, "", "dir", Ok(())),
        (NONE, "w", "file", Err(NotPermitted)),
        (NONE, "m", "dir", Err(NotPermitted)),
        (TRUNCATE, "r", "file", Err(NotPermitted)),
        (CREATE, "r", "file", Err(NotPermitted)),
        (CREATE, "r", "new", Err(NotPermitted)),
        // Before the path is looked at, and after the flags are.
        (CREATE, "r", "..", Err(NotPermitted)),
        (NONE, "w", "nothing", Err(NotPermitted)),
        (OpenFlags { create: true, ..DIRECTORY }, "r", "dir", Err(Invalid)),
    ];
    for (open_flags, flags, path, expected) in table {
        let found = sandbox.fs.open_at(read_only, FOLLOW, path, *open_flags, descriptor_flags(flags));
        assert_eq!(found.map(drop), *expected, "{path:?} {flags:?} {open_flags:?}");
    }
    // What is opened below is no better, however it is reached.
    let dir = sandbox.fs.open_at(read_only, STAY, "dir", NONE, descriptor_flags("r")).unwrap();
    let no_change = crate::NewTimestamp::NoChange;
    let fs = &mut sandbox.fs;
    for base in [read_only, dir] {
        assert_eq!(fs.create_directory_at(base, "new"), Err(NotPermitted));
        assert_eq!(fs.symlink_at(base, "text", "new"), Err(NotPermitted));
        assert_eq!(fs.unlink_file_at(base, "file"), Err(NotPermitted));
        assert_eq!(fs.remove_directory_at(base, "dir"), Err(NotPermitted));
        assert_eq!(fs.rename_at(base, "file", root, "new"), Err(NotPermitted));
        assert_eq!(fs.rename_at(root, "file", base, "new"), Err(NotPermitted));
        assert_eq!(fs.link_at(base, STAY, "file", root, "new"), Err(NotPermitted));
        assert_eq!(fs.link_at(root, FOLLOW, "file", base, "new"), Err(NotPermitted));
        assert_eq!(fs.set_times_at(base, STAY, "file", no_change, no_change), Err(NotPermitted));
        assert_eq!(fs.set_times(base, no_change, no_change), Err(NotPermitted));
    }
    let file = fs.open_at(read_only, STAY, "file", NONE, descriptor_flags("r")).unwrap();
    assert_eq!(fs.write(file, b"x", 0), Err(NotPermitted));
    assert_eq!(fs.append(file, b"x"), Err(NotPermitted));
    assert_eq!(fs.set_size(file, 0), Err(NotPermitted));
    assert_eq!(fs.set_times(file, no_change, no_change), Err(NotPermitted));
    assert_eq!(fs.write_via_stream(file, 0).err(), Some(NotPermitted));
    assert_eq!(fs.append_via_stream(file).err(), Some(NotPermitted));
    assert_eq!(letters_of(fs.get_flags(read_only).unwrap()), "r");
    assert_eq!(letters_of(fs.get_flags(root).unwrap()), "rm");
    assert_eq!(sandbox.fs.digest(), before);
}

#[test]
fn the_right_to_change_a_directory_comes_with_the_preopen() {
    let mut sandbox = tree();
    // As libc opens a directory.
    let dir = sandbox.open("dir", DIRECTORY, "r").unwrap();
    sandbox.fs.create_directory_at(dir, "new").unwrap();
    assert_eq!(sandbox.names("dir"), ["new"]);
}

#[test]
fn any_directory_can_be_preopened() {
    let mut sandbox = tree();
    let dir = sandbox.fs.preopen("to-dir", Access::ReadWrite).unwrap();
    sandbox.fs.create_directory_at(dir, "new").unwrap();
    assert_eq!(sandbox.fs.stat_at(dir, STAY, "../file").err(), Some(NotPermitted));
    assert_eq!(sandbox.names("dir"), ["new"]);
    assert_eq!(sandbox.fs.preopen("file", Access::ReadOnly), Err(NotDirectory));
    assert_eq!(sandbox.fs.preopen("nothing", Access::ReadOnly), Err(NoEntry));
    assert_eq!(sandbox.fs.preopen("..", Access::ReadOnly), Err(NotPermitted));
    for (path, same) in [("/", sandbox.root), (".", sandbox.root), ("/dir", dir), ("dir/", dir)] {
        let opened = sandbox.fs.preopen(path, Access::ReadOnly).unwrap();
        assert!(sandbox.fs.is_same_object(opened, same), "{path}");
    }
}

#[test]
fn synchronised_descriptors_are_not_offered() {
    let mut sandbox = tree();
    let none = DescriptorFlags::default();
    for flags in [
        DescriptorFlags { file_integrity_sync: true, ..none },
        DescriptorFlags { data_integrity_sync: true, ..none },
        DescriptorFlags { requested_write_sync: true, ..none },
    ] {
        for base in [sandbox.root, sandbox.read_only] {
            assert_eq!(sandbox.fs.open_at(base, STAY, "file", CREATE, flags), Err(Unsupported));
        }
    }
}

#[test]
fn closed_descriptors_are_no_use() {
    let mut sandbox = tree();
    let file = sandbox.open("file", NONE, "rw").unwrap();
    sandbox.fs.close(file).unwrap();
    let fs = &mut sandbox.fs;
    assert_eq!(fs.close(file), Err(BadDescriptor));
    assert_eq!(fs.read(file, 1, 0), Err(BadDescriptor));
    assert_eq!(fs.write(file, b"x", 0), Err(BadDescriptor));
    assert_eq!(fs.stat(file).err(), Some(BadDescriptor));
    assert_eq!(fs.get_flags(file), Err(BadDescriptor));
    assert_eq!(fs.get_type(file), Err(BadDescriptor));
    assert_eq!(fs.sync(file), Err(BadDescriptor));
    assert_eq!(fs.stat_at(file, STAY, ".").err(), Some(BadDescriptor));
    assert!(!fs.is_same_object(file, file));
    // Its key is not used again.
    let again = sandbox.open("file", NONE, "r").unwrap();
    assert_ne!(again, file);
}

#[test]
fn descriptors_have_a_limit() {
    let mut sandbox = Sandbox::within(Limits { descriptors: 4, ..super::ROOMY });
    let (root, full) = (sandbox.root, ErrorCode::InsufficientMemory);
    let file = sandbox.open("file", CREATE, "rw").unwrap();
    let stream = sandbox.fs.read_via_stream(file, 0).unwrap();
    assert_eq!(sandbox.fs.usage().descriptors, 4);
    // Nothing is created or cut for a descriptor that cannot be had.
    sandbox.fs.write(file, b"kept", 0).unwrap();
    assert_eq!(sandbox.open("new", CREATE, "rw"), Err(full));
    assert_eq!(sandbox.open("file", TRUNCATE, "rw"), Err(full));
    assert_eq!(sandbox.fs.stat_at(root, STAY, "new").err(), Some(NoEntry));
    assert_eq!(sandbox.get_opened(file), b"kept");
    assert_eq!(sandbox.fs.read_directory(root).err(), Some(full));
    assert_eq!(sandbox.fs.append_via_stream(file).err(), Some(full));
    assert_eq!(sandbox.fs.preopen(".", Access::ReadOnly).err(), Some(full));
    sandbox.fs.close(stream).unwrap();
    assert!(sandbox.open("new", CREATE, "rw").is_ok());
    audit(&sandbox.fs);
}

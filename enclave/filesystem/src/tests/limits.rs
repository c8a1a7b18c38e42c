//! Limits bite at the last byte.

use super::{CREATE, ROOMY, STAY, Sandbox, audit};
use crate::{BLOCK_OVERHEAD_BYTES, ErrorCode, INODE_BYTES, Limits, NAME_BYTES};

use ErrorCode::InsufficientSpace;

type Operation = fn(&mut Sandbox) -> Result<(), ErrorCode>;

/// Each costs what it says beyond what [`prepared`] holds: with one byte less it fails, and leaves everything as it was.
#[test]
fn operations_cost_what_they_say() {
    let table: &[(&str, u64, Operation)] = &[
        ("create a directory", INODE_BYTES + NAME_BYTES + 3, |sandbox| {
            sandbox.fs.create_directory_at(sandbox.root, "dir/new/")
        }),
        ("create a file", INODE_BYTES + NAME_BYTES + 3, |sandbox| sandbox.open("new", CREATE, "w").map(drop)),
        ("create a symbolic link", INODE_BYTES + NAME_BYTES + 3 + 5, |sandbox| {
            sandbox.fs.symlink_at(sandbox.root, "12345", "new")
        }),
        ("create a hard link", NAME_BYTES + 3, |sandbox| {
            sandbox.fs.link_at(sandbox.root, STAY, "file", sandbox.root, "new")
        }),
        ("rename to a longer name", 2, |sandbox| sandbox.rename("file", "longer")),
        ("write the first byte", BLOCK_OVERHEAD_BYTES + 64, |sandbox| {
            let file = sandbox.open("file", CREATE, "w")?;
            sandbox.fs.write(file, b"x", 0).map(drop)
        }),
        ("append over the edge of a block", 2 * BLOCK_OVERHEAD_BYTES + 65536 + 64, |sandbox| {
            let file = sandbox.open("file", CREATE, "w")?;
            sandbox.fs.set_size(file, 65535)?;
            sandbox.fs.append(file, b"xy").map(drop)
        }),
    ];
    let held = prepared(ROOMY).fs.usage().bytes;
    for (what, cost, operation) in table {
        let mut enough = prepared(Limits { bytes: held + cost, ..ROOMY });
        assert_eq!(operation(&mut enough), Ok(()), "{what}");
        assert_eq!(enough.fs.usage().bytes, held + cost, "{what}");
        audit(&enough.fs);

        let mut short = prepared(Limits { bytes: held + cost - 1, ..ROOMY });
        let tree = short.fs.digest();
        assert_eq!(operation(&mut short), Err(InsufficientSpace), "{what}");
        assert_eq!(short.fs.usage().bytes, held, "{what}");
        // A hole costs nothing, so it may be there.
        assert!(short.fs.digest() == tree || what.starts_with("append"), "{what}");
        audit(&short.fs);
    }
}

fn prepared(limits: Limits) -> Sandbox {
    let mut sandbox = Sandbox::within(limits);
    sandbox.fs.create_directory_at(sandbox.root, "dir").unwrap();
    let file = sandbox.open("file", CREATE, "w").unwrap();
    sandbox.fs.close(file).unwrap();
    sandbox
}

#[test]
fn operations_that_make_room_need_none() {
    let held = prepared(ROOMY).fs.usage().bytes;
    let mut sandbox = prepared(Limits { bytes: held, ..ROOMY });
    sandbox.rename("file", "f").unwrap();
    assert_eq!(sandbox.fs.usage().bytes, held - 3);
    sandbox.rename("f", "dir/file").unwrap();
    sandbox.rename("dir/file", "file").unwrap();
    sandbox.rename("dir", "d").unwrap();
    sandbox.fs.unlink_file_at(sandbox.root, "file").unwrap();
    sandbox.fs.remove_directory_at(sandbox.root, "d").unwrap();
    assert_eq!(sandbox.fs.usage().bytes, 0);
}

#[test]
fn inodes_have_a_limit() {
    let mut sandbox = Sandbox::within(Limits { inodes: 2, ..ROOMY });
    let root = sandbox.root;
    sandbox.fs.create_directory_at(root, "dir").unwrap();
    let file = sandbox.open("file", CREATE, "rw").unwrap();
    assert_eq!(sandbox.fs.create_directory_at(root, "new"), Err(InsufficientSpace));
    assert_eq!(sandbox.fs.symlink_at(root, "text", "new"), Err(InsufficientSpace));
    assert_eq!(sandbox.open("new", CREATE, "rw"), Err(InsufficientSpace));
    // A name is no inode.
    sandbox.fs.link_at(root, STAY, "file", root, "new").unwrap();
    // One that is open and has no name still is.
    sandbox.fs.unlink_file_at(root, "new").unwrap();
    sandbox.fs.unlink_file_at(root, "file").unwrap();
    assert_eq!(sandbox.fs.create_directory_at(root, "new"), Err(InsufficientSpace));
    sandbox.fs.close(file).unwrap();
    sandbox.fs.create_directory_at(root, "new").unwrap();
    audit(&sandbox.fs);
}

#[test]
fn nothing_at_all_still_has_a_root() {
    let nothing = Limits {
        bytes: 0,
        inodes: 0,
        descriptors: 2,
        name_bytes: u32::MAX,
        path_bytes: u32::MAX,
        path_depth: u32::MAX,
    };
    let mut sandbox = Sandbox::within(nothing);
    assert_eq!(sandbox.fs.usage().bytes, 0);
    assert_eq!(sandbox.fs.create_directory_at(sandbox.root, "x"), Err(InsufficientSpace));
    assert!(crate::FileSystem::decode(&sandbox.fs.encode(), nothing).is_ok());
}

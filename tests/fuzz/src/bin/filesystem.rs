//! Snapshots of the file system: one spelling of each tree, within its limits, and a tree that can be used.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use enclave_filesystem::{Access, DescriptorFlags, DescriptorType, FileSystem, Limits, OpenFlags, PathFlags};
use tests_fuzz::{Budget, Target};

/// Longer inputs only repeat what shorter ones do.
const MAX_BYTES: usize = 64 * 1024;
/// More than any input of that length can fill.
const LIMITS: Limits = Limits::of_linux(16 << 20, 1 << 16);

fn main() -> ExitCode {
    Target { name: "filesystem", max_bytes: MAX_BYTES, budget: Budget::DEFAULT, run }.drive()
}

fn run(input: &[u8]) {
    let system = match FileSystem::decode(input, LIMITS) {
        Ok(system) => system,
        Err(error) => {
            assert!(error.offset <= input.len());
            return drop(error.to_string());
        }
    };
    check_encoding(&system, input);
    let usage = system.usage();
    check_use(system);
    // What it holds is what it needs.
    let exact = Limits { bytes: usage.bytes, inodes: usage.inodes, ..LIMITS };
    assert!(FileSystem::decode(input, exact).is_ok_and(|again| again.usage() == usage));
    if let Some(bytes) = usage.bytes.checked_sub(1) {
        assert!(FileSystem::decode(input, Limits { bytes, ..exact }).is_err());
    }
}

fn check_encoding(system: &FileSystem, input: &[u8]) {
    let mut left = Some(input);
    system.encode_to(&mut |part| left = left.and_then(|left| left.strip_prefix(part)));
    assert_eq!(left, Some(&[][..]));
}

/// Looks at everything in the root, and removes what is no directory.
fn check_use(mut system: FileSystem) {
    let (none, inodes) = (OpenFlags::default(), system.usage().inodes);
    let root = system.preopen(".", Access::ReadWrite);
    assert!(root.is_ok(), "a root is always there");
    let Ok(root) = root else { return };
    let entries = system.read_directory(root);
    assert!(entries.is_ok(), "a root is a directory");
    let Ok(mut entries) = entries else { return };
    let mut last = String::new();
    while let Ok(Some(entry)) = system.read_directory_entry(&mut entries) {
        assert!(last < entry.name);
        let stat = system.stat_at(root, PathFlags::default(), &entry.name);
        assert!(stat.is_ok_and(|stat| stat.kind == entry.kind && stat.link_count > 0));
        let follow = PathFlags { symlink_follow: true };
        if let Ok(file) = system.open_at(root, follow, &entry.name, none, DescriptorFlags::default()) {
            let read = system.read(file, 16, 0);
            assert!(read.is_ok() || system.get_type(file) == Ok(DescriptorType::Directory));
            assert!(system.close(file).is_ok());
        }
        let unlinked = system.unlink_file_at(root, &entry.name);
        assert_eq!(unlinked.is_ok(), entry.kind != DescriptorType::Directory);
        last = entry.name;
    }
    assert!(system.usage().inodes <= inodes);
}

//! Snapshots of file systems.

use enclave_filesystem::{
    Access, Datetime, Descriptor, DescriptorFlags, FileSystem, Limits, NewTimestamp, OpenFlags, PathFlags,
};

/// By name.
pub(super) fn snapshots() -> Vec<(&'static str, Vec<u8>)> {
    vec![("many", many_files()), ("one-of-everything", files())]
}

/// A directory, a file with two names, times and a hole, a file without bytes, a symbolic link.
fn files() -> Vec<u8> {
    let (mut system, root) = file_system();
    system.create_directory_at(root, "d").unwrap();
    system.symlink_at(root, "d/two", "link").unwrap();
    let file = create(&mut system, root, "one");
    system.write(file, b"start", 0).unwrap();
    system.write(file, b"behind a hole", 200_000).unwrap();
    system.link_at(root, PathFlags::default(), "one", root, "d/two").unwrap();
    create(&mut system, root, "d/empty");
    let time = NewTimestamp::Timestamp(Datetime { seconds: 1_775_437_323, nanoseconds: 5 });
    system.set_times(file, time, time).unwrap();
    system.encode()
}

/// What costs most for its length: files of one byte in each of two blocks.
fn many_files() -> Vec<u8> {
    let (mut system, root) = file_system();
    for name in 0..200 {
        let file = create(&mut system, root, &format!("{name:02x}"));
        system.write(file, b"x", 0).unwrap();
        system.write(file, b"x", 65_536).unwrap();
    }
    system.encode()
}

fn file_system() -> (FileSystem, Descriptor) {
    let mut system = FileSystem::new(Limits::of_linux(1 << 20, 1024));
    let root = system.preopen(".", Access::ReadWrite).unwrap();
    (system, root)
}

fn create(system: &mut FileSystem, root: Descriptor, path: &str) -> Descriptor {
    let new = OpenFlags { create: true, ..OpenFlags::default() };
    system.open_at(root, PathFlags::default(), path, new, DescriptorFlags::default()).unwrap()
}

//! Reading and writing.

use super::{CREATE, NONE, Sandbox, audit};
use crate::{
    Advice, BLOCK_BYTES, ErrorCode, FILE_BYTES_MAX, INODE_BYTES, Limits, NAME_BYTES, READ_BYTES_MAX,
};

use ErrorCode::{BadDescriptor, FileTooLarge, InsufficientSpace, Invalid, IsDirectory};

#[test]
fn reads_are_where_and_as_long_as_asked() {
    let mut sandbox = Sandbox::new();
    sandbox.put("file", b"test-a\n");
    let file = sandbox.open("file", NONE, "r").unwrap();
    for (length, offset, bytes) in [
        (1, 0, b"t".as_slice()),
        (1, 1, b"e"),
        (1, 6, b"\n"),
        (7, 0, b"test-a\n"),
        (100, 2, b"st-a\n"),
        (u64::MAX, 0, b"test-a\n"),
    ] {
        assert_eq!(sandbox.fs.read(file, length, offset), Ok((bytes.to_vec(), false)));
    }
    // The end is where nothing is read, as in wasmtime-wasi.
    for (length, offset) in [(1, 7), (1, 17), (0, 0), (0, 7), (9, FILE_BYTES_MAX)] {
        assert_eq!(sandbox.fs.read(file, length, offset), Ok((vec![], true)));
    }
    for offset in [FILE_BYTES_MAX + 1, u64::MAX] {
        assert_eq!(sandbox.fs.read(file, 1, offset), Err(Invalid));
    }
}

#[test]
fn one_read_is_bounded() {
    let mut sandbox = Sandbox::new();
    sandbox.put("file", &vec![7; 2 * READ_BYTES_MAX]);
    let file = sandbox.open("file", NONE, "r").unwrap();
    let (bytes, ended) = sandbox.fs.read(file, u64::MAX, 5).unwrap();
    assert_eq!((bytes, ended), (vec![7; READ_BYTES_MAX], false));
}

#[test]
fn writes_are_where_they_say() {
    let mut sandbox = Sandbox::new();
    let file = sandbox.open("file", CREATE, "rw").unwrap();
    assert_eq!(sandbox.fs.write(file, &[0, 1, 2, 3], 0), Ok(4));
    assert_eq!(sandbox.fs.write(file, &[1, 0], 2), Ok(2));
    assert_eq!(sandbox.get_opened(file), [0, 1, 1, 0]);
    assert_eq!(sandbox.fs.append(file, &[9]), Ok(1));
    assert_eq!(sandbox.fs.write(file, &[8], 7), Ok(1));
    assert_eq!(sandbox.get_opened(file), [0, 1, 1, 0, 9, 0, 0, 8]);
    // Nothing is nothing, wherever.
    assert_eq!(sandbox.fs.write(file, &[], 1000), Ok(0));
    assert_eq!(sandbox.fs.append(file, &[]), Ok(0));
    assert_eq!(sandbox.fs.stat(file).unwrap().size, 8);
    // Over the edges of blocks.
    let long: Vec<u8> = (0..3 * BLOCK_BYTES).map(|place| u8::try_from(place % 251).unwrap()).collect();
    assert_eq!(sandbox.fs.write(file, &long, 5), Ok(long.len() as u64));
    assert_eq!(sandbox.get_opened(file)[5..], long);
    audit(&sandbox.fs);
}

#[test]
fn offsets_end_where_those_of_posix_do() {
    let mut sandbox = Sandbox::new();
    let file = sandbox.open("file", CREATE, "rw").unwrap();
    assert_eq!(sandbox.fs.write(file, b"x", FILE_BYTES_MAX - 1), Ok(1));
    assert_eq!(sandbox.fs.stat(file).unwrap().size, FILE_BYTES_MAX);
    assert_eq!(sandbox.fs.write(file, b"xy", FILE_BYTES_MAX - 1), Err(FileTooLarge));
    assert_eq!(sandbox.fs.write(file, b"x", FILE_BYTES_MAX), Err(FileTooLarge));
    assert_eq!(sandbox.fs.write(file, b"x", FILE_BYTES_MAX + 1), Err(Invalid));
    assert_eq!(sandbox.fs.append(file, b"x"), Err(FileTooLarge));
    assert_eq!(sandbox.fs.set_size(file, FILE_BYTES_MAX), Ok(()));
    assert_eq!(sandbox.fs.set_size(file, FILE_BYTES_MAX + 1), Err(Invalid));
    assert_eq!(sandbox.fs.set_size(file, u64::MAX), Err(Invalid));
    assert_eq!(sandbox.fs.read(file, 9, FILE_BYTES_MAX - 2), Ok((b"\0x".to_vec(), false)));
    audit(&sandbox.fs);
}

#[test]
fn descriptors_do_what_they_were_opened_for() {
    let mut sandbox = Sandbox::with(&["file"]);
    let reader = sandbox.open("file", NONE, "r").unwrap();
    let writer = sandbox.open("file", NONE, "w").unwrap();
    assert_eq!(sandbox.fs.write(reader, b"x", 0), Err(BadDescriptor));
    assert_eq!(sandbox.fs.write(reader, b"", 0), Err(BadDescriptor));
    assert_eq!(sandbox.fs.append(reader, b"x"), Err(BadDescriptor));
    assert_eq!(sandbox.fs.set_size(reader, 0), Err(Invalid));
    assert_eq!(sandbox.fs.read(writer, 1, 0), Err(BadDescriptor));
    // Each sees what the other does.
    sandbox.fs.write(writer, b"F", 0).unwrap();
    sandbox.fs.set_size(writer, 6).unwrap();
    assert_eq!(sandbox.get_opened(reader), b"File\0\0");
}

#[test]
fn directories_are_no_files() {
    let mut sandbox = Sandbox::new();
    let (root, fs) = (sandbox.root, &mut sandbox.fs);
    assert_eq!(fs.read(root, 1, 0), Err(BadDescriptor));
    assert_eq!(fs.write(root, b"x", 0), Err(BadDescriptor));
    assert_eq!(fs.append(root, b"x"), Err(BadDescriptor));
    assert_eq!(fs.set_size(root, 0), Err(BadDescriptor));
    assert_eq!(fs.advise(root, 0, 0, Advice::Normal), Err(BadDescriptor));
    assert_eq!(fs.read_via_stream(root, 0).err(), Some(IsDirectory));
    assert_eq!(fs.write_via_stream(root, 0).err(), Some(BadDescriptor));
    assert_eq!(fs.append_via_stream(root).err(), Some(BadDescriptor));
    assert_eq!((fs.sync(root), fs.sync_data(root)), (Ok(()), Ok(())));
}

#[test]
fn streams_keep_their_own_place() {
    let mut sandbox = Sandbox::new();
    let file = sandbox.open("file", CREATE, "rw").unwrap();
    let mut write = sandbox.fs.write_via_stream(file, 5).unwrap();
    let mut append = sandbox.fs.append_via_stream(file).unwrap();
    let mut read = sandbox.fs.read_via_stream(file, 0).unwrap();
    sandbox.fs.close(file).unwrap();
    assert_eq!(sandbox.fs.read_stream(&mut read, 9), Ok(vec![]));
    sandbox.fs.write_stream(&mut write, b"Hello, ").unwrap();
    sandbox.fs.write_stream(&mut append, b"end").unwrap();
    sandbox.fs.write_stream(&mut write, b"World!").unwrap();
    sandbox.fs.write_stream(&mut append, b"!").unwrap();
    assert_eq!(sandbox.fs.read_stream(&mut read, 0), Ok(vec![]));
    assert_eq!(sandbox.fs.read_stream(&mut read, 7).as_deref(), Ok(b"\0\0\0\0\0He".as_slice()));
    let rest = sandbox.fs.read_stream(&mut read, 99);
    assert_eq!(rest.as_deref(), Ok(b"llo, World!!".as_slice()));
    assert_eq!(sandbox.fs.read_stream(&mut read, 99), Ok(vec![]));
    for stream in [write.into(), append.into(), read.into()] {
        let stream: crate::Descriptor = stream;
        sandbox.fs.close(stream).unwrap();
    }
    audit(&sandbox.fs);
}

#[test]
fn streams_fail_where_they_are_used() {
    let mut sandbox = Sandbox::with(&["file"]);
    let reader = sandbox.open("file", NONE, "r").unwrap();
    let writer = sandbox.open("file", NONE, "w").unwrap();
    let mut read = sandbox.fs.read_via_stream(writer, 0).unwrap();
    assert_eq!(sandbox.fs.read_stream(&mut read, 1), Err(BadDescriptor));
    let mut write = sandbox.fs.write_via_stream(reader, 0).unwrap();
    assert_eq!(sandbox.fs.write_stream(&mut write, b"x"), Err(BadDescriptor));
    let mut append = sandbox.fs.append_via_stream(reader).unwrap();
    assert_eq!(sandbox.fs.write_stream(&mut append, b"x"), Err(BadDescriptor));
    let mut beyond = sandbox.fs.read_via_stream(reader, u64::MAX).unwrap();
    assert_eq!(sandbox.fs.read_stream(&mut beyond, 1), Err(Invalid));
    let mut beyond = sandbox.fs.write_via_stream(writer, u64::MAX).unwrap();
    assert_eq!(sandbox.fs.write_stream(&mut beyond, b"x"), Err(Invalid));
}

#[test]
fn a_write_that_does_not_fit_writes_nothing() {
    let bytes = INODE_BYTES + NAME_BYTES + 4 + crate::BLOCK_OVERHEAD_BYTES + 128;
    let mut sandbox = Sandbox::within(Limits { bytes, ..super::ROOMY });
    let file = sandbox.open("file", CREATE, "rw").unwrap();
    sandbox.fs.write(file, b"kept", 0).unwrap();
    assert_eq!(sandbox.fs.write(file, &[1; 129], 0), Err(InsufficientSpace));
    assert_eq!(sandbox.fs.write(file, b"x", 128), Err(InsufficientSpace));
    // An offset is no reason to take memory.
    assert_eq!(sandbox.fs.write(file, b"x", 1 << 40), Err(InsufficientSpace));
    assert_eq!(sandbox.get_opened(file), b"kept");
    assert_eq!(sandbox.fs.write(file, &[1; 128], 0), Ok(128));
    assert_eq!(sandbox.fs.usage().bytes, bytes);
    assert_eq!(sandbox.fs.append(file, b"x"), Err(InsufficientSpace));
    // A hole costs nothing, and what is cut off is given back.
    sandbox.fs.set_size(file, 1 << 40).unwrap();
    sandbox.fs.set_size(file, 64).unwrap();
    assert_eq!(sandbox.fs.usage().bytes, bytes - 64);
    audit(&sandbox.fs);
}

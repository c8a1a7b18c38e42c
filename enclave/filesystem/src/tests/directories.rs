//! `read-directory`, also while the directory changes.

use super::{NONE, STAY, Sandbox, audit, rest_of};
use crate::{DescriptorType, DirectoryEntry};

#[test]
fn entries_come_in_the_order_of_their_bytes() {
    let mut sandbox =
        Sandbox::with(&["b/", "a", "B", "ä -> a", "a.txt", "ab", "10", "9", "z", ".hidden", "b/inside"]);
    assert_eq!(sandbox.names("."), [".hidden", "10", "9", "B", "a", "a.txt", "ab", "b", "z", "ä"]);
    let mut stream = sandbox.fs.read_directory(sandbox.root).unwrap();
    let mut kind_of = |wanted: &str| loop {
        let DirectoryEntry { kind, name } = sandbox.fs.read_directory_entry(&mut stream).unwrap().unwrap();
        if name == wanted {
            return kind;
        }
    };
    assert_eq!(kind_of("a"), DescriptorType::RegularFile);
    assert_eq!(kind_of("b"), DescriptorType::Directory);
    assert_eq!(kind_of("ä"), DescriptorType::SymbolicLink);
    assert_eq!(sandbox.fs.read_directory_entry(&mut stream), Ok(None));
    assert_eq!(sandbox.fs.read_directory_entry(&mut stream), Ok(None));
}

#[test]
fn streams_do_not_interfere() {
    let mut sandbox = Sandbox::with(&["a", "b", "c"]);
    let mut one = sandbox.fs.read_directory(sandbox.root).unwrap();
    assert_eq!(sandbox.fs.read_directory_entry(&mut one).unwrap().unwrap().name, "a");
    let mut other = sandbox.fs.read_directory(sandbox.root).unwrap();
    assert_eq!(rest_of(&sandbox.fs, &mut other), ["a", "b", "c"]);
    assert_eq!(rest_of(&sandbox.fs, &mut one), ["b", "c"]);
}

#[test]
fn what_is_added_or_renamed_meanwhile_does_not_appear() {
    let mut sandbox = Sandbox::with(&["a", "b", "c", "d"]);
    let mut stream = sandbox.fs.read_directory(sandbox.root).unwrap();
    let mut seen = vec![];
    // Would never end if each new name appeared.
    while let Some(entry) = sandbox.fs.read_directory_entry(&mut stream).unwrap() {
        sandbox.rename(&entry.name, &format!("{}x", entry.name)).unwrap();
        sandbox.put(&format!("{}z", entry.name), b"");
        seen.push(entry.name);
    }
    assert_eq!(seen, ["a", "b", "c", "d"]);
    assert_eq!(sandbox.names("."), ["ax", "az", "bx", "bz", "cx", "cz", "dx", "dz"]);
}

#[test]
fn what_is_removed_meanwhile_does_not_appear() {
    let mut sandbox = Sandbox::with(&["a", "b", "c", "d"]);
    let root = sandbox.root;
    let mut stream = sandbox.fs.read_directory(root).unwrap();
    assert_eq!(sandbox.fs.read_directory_entry(&mut stream).unwrap().unwrap().name, "a");
    for name in ["a", "b", "d"] {
        sandbox.fs.unlink_file_at(root, name).unwrap();
    }
    // Back, but as a new name.
    sandbox.put("d", b"");
    assert_eq!(rest_of(&sandbox.fs, &mut stream), ["c"]);
}

#[test]
fn a_name_that_gets_another_file_is_there_all_the_time() {
    let mut sandbox = Sandbox::with(&["a", "b", "dir/"]);
    let mut stream = sandbox.fs.read_directory(sandbox.root).unwrap();
    sandbox.put("new", b"contents");
    sandbox.rename("new", "b").unwrap();
    assert_eq!(rest_of(&sandbox.fs, &mut stream), ["a", "b", "dir"]);
}

#[test]
fn a_tree_is_removed_while_it_is_read() {
    let mut sandbox = Sandbox::with(&["t/", "t/a", "t/b/", "t/b/c", "t/d -> a"]);
    let directory = sandbox.open("t", NONE, "r").unwrap();
    let mut stream = sandbox.fs.read_directory(directory).unwrap();
    while let Some(entry) = sandbox.fs.read_directory_entry(&mut stream).unwrap() {
        if entry.kind == DescriptorType::Directory {
            sandbox.fs.unlink_file_at(directory, "b/c").unwrap();
            sandbox.fs.remove_directory_at(directory, &entry.name).unwrap();
        } else {
            sandbox.fs.unlink_file_at(directory, &entry.name).unwrap();
        }
    }
    sandbox.fs.remove_directory_at(sandbox.root, "t").unwrap();
    // The stream keeps the directory.
    sandbox.fs.close(directory).unwrap();
    assert_eq!(sandbox.fs.read_directory_entry(&mut stream), Ok(None));
    assert_eq!(sandbox.fs.usage().inodes, 1);
    sandbox.fs.close(stream).unwrap();
    assert_eq!(sandbox.fs.usage().inodes, 0);
    audit(&sandbox.fs);
    assert!(sandbox.fs.stat_at(sandbox.root, STAY, "t").is_err());
}

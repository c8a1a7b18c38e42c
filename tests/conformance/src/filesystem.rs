//! `wasi:filesystem`: contents, folders, links, times.

use wasip2::clocks::wall_clock::Datetime;
use wasip2::filesystem::types::{
    Advice, Descriptor, DescriptorFlags, DescriptorStat, ErrorCode, NewTimestamp, OpenFlags, PathFlags,
};

use crate::files::{Root, content, named};
use crate::{say_all, say_that};

const FOLLOW: PathFlags = PathFlags::SYMLINK_FOLLOW;

pub(crate) fn check(root: &Root) {
    say_all("wasi:filesystem/preopens#get-directories", &[&root.count, &root.path]);
    check_opening(root);
    check_contents(root);
    check_streams(root);
    check_times(root);
    check_folders(root);
    check_links(root);
    check_names(root);
    check_identity(root);
}

fn check_opening(root: &Root) {
    let at = |path: &str, open| {
        named(root.descriptor.open_at(FOLLOW, path, open, DescriptorFlags::READ).map(|_| ()))
    };
    root.create("there");
    let outcomes = [
        at("there", OpenFlags::empty()),
        at("missing", OpenFlags::empty()),
        at("there", OpenFlags::CREATE | OpenFlags::EXCLUSIVE),
    ];
    say_all("wasi:filesystem/types#descriptor.open-at", &[&outcomes, &at("there", OpenFlags::DIRECTORY)]);
    let file = root.open_as("there", OpenFlags::empty(), DescriptorFlags::READ);
    let both = root.open_as("there", OpenFlags::empty(), DescriptorFlags::READ | DescriptorFlags::WRITE);
    let rights = |file: &Descriptor| {
        file.get_flags()
            .map(|flags| (flags.contains(DescriptorFlags::READ), flags.contains(DescriptorFlags::WRITE)))
    };
    say_all("wasi:filesystem/types#descriptor.get-flags", &[&rights(&file), &rights(&both)]);
    say_all("wasi:filesystem/types#descriptor.get-type", &[&file.get_type(), &root.descriptor.get_type()]);
}

fn check_contents(root: &Root) {
    let file = root.create("contents");
    let written = (file.write(b"hello, world", 0), file.write(b"W", 7));
    say_all("wasi:filesystem/types#descriptor.write", &[&written, &content(&file)]);
    let read = |length, offset| {
        file.read(length, offset).map(|(bytes, _)| String::from_utf8_lossy(&bytes).into_owned())
    };
    let at_end = file.read(10, 12);
    say_all("wasi:filesystem/types#descriptor.read", &[&read(5, 0), &read(3, 7), &at_end]);
    say_all("wasi:filesystem/types#descriptor.advise", &[&file.advise(0, 0, Advice::Sequential)]);
    say_all("wasi:filesystem/types#descriptor.sync-data", &[&file.sync_data()]);
    say_all("wasi:filesystem/types#descriptor.sync", &[&file.sync()]);
    let (cut, grown) = (file.set_size(4).map(|()| content(&file)), file.set_size(6).map(|()| content(&file)));
    say_all("wasi:filesystem/types#descriptor.set-size", &[&cut, &grown]);
}

fn check_streams(root: &Root) {
    let file = root.create_with("streamed", b"0123456789");
    let from = file.read_via_stream(8).expect("a stream");
    let mut read = Vec::new();
    while let Ok(piece) = from.blocking_read(10) {
        read.extend(piece);
    }
    say_all("wasi:filesystem/types#descriptor.read-via-stream", &[&String::from_utf8_lossy(&read)]);
    let written = file.write_via_stream(4).expect("a stream").blocking_write_and_flush(b"xy");
    say_all("wasi:filesystem/types#descriptor.write-via-stream", &[&written.is_ok(), &content(&file)]);
    let written = file.append_via_stream().expect("a stream").blocking_write_and_flush(b"z");
    say_all("wasi:filesystem/types#descriptor.append-via-stream", &[&written.is_ok(), &content(&file)]);
}

fn check_times(root: &Root) {
    let at = |seconds| NewTimestamp::Timestamp(Datetime { seconds, nanoseconds: 0 });
    let times = |stat: Result<DescriptorStat, ErrorCode>| {
        let seconds = |time: Option<Datetime>| time.map(|time| time.seconds);
        stat.map(|stat| (seconds(stat.data_access_timestamp), seconds(stat.data_modification_timestamp)))
    };
    let file = root.create_with("timed", b"12345");
    let set = file.set_times(at(1_000_000_000), at(1_100_000_000));
    say_all("wasi:filesystem/types#descriptor.set-times", &[&set, &times(file.stat())]);
    let set = root.descriptor.set_times_at(FOLLOW, "timed", NewTimestamp::NoChange, at(1_200_000_000));
    say_all("wasi:filesystem/types#descriptor.set-times-at", &[&set, &times(file.stat())]);
    let known = |stat: DescriptorStat| (stat.type_, stat.link_count, stat.size);
    say_all(
        "wasi:filesystem/types#descriptor.stat",
        &[&file.stat().map(known), &root.descriptor.stat().map(|stat| stat.type_)],
    );
    let stat_at = |path: &str| named(root.descriptor.stat_at(FOLLOW, path).map(known));
    say_all(
        "wasi:filesystem/types#descriptor.stat-at",
        &[&stat_at("timed"), &stat_at("missing"), &stat_at("timed/x")],
    );
}

fn check_folders(root: &Root) {
    let folder = &root.descriptor;
    let made = [
        folder.create_directory_at("folder"),
        folder.create_directory_at("folder"),
        folder.create_directory_at("no/folder"),
    ];
    say_all("wasi:filesystem/types#descriptor.create-directory-at", &[&made.map(named)]);
    root.create("folder/b");
    root.create("folder/a");
    folder.create_directory_at("folder/c").expect("a folder in a folder");
    let inner = root.open_as("folder", OpenFlags::DIRECTORY, DescriptorFlags::READ);
    let entries = inner.read_directory();
    say_all("wasi:filesystem/types#descriptor.read-directory", &[&entries.is_ok()]);
    let (entries, mut found) = (entries.expect("entries"), Vec::new());
    while let Some(entry) = entries.read_directory_entry().expect("an entry") {
        found.push((entry.name, entry.type_));
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    say_all("wasi:filesystem/types#directory-entry-stream.read-directory-entry", &[&found]);
    let removed = [
        folder.remove_directory_at("folder"),
        folder.remove_directory_at("folder/c"),
        folder.remove_directory_at("folder/c"),
    ];
    say_all("wasi:filesystem/types#descriptor.remove-directory-at", &[&removed.map(named)]);
    let unlinked = [
        folder.unlink_file_at("folder/a"),
        folder.unlink_file_at("folder/a"),
        folder.unlink_file_at("folder"),
    ];
    say_all("wasi:filesystem/types#descriptor.unlink-file-at", &[&unlinked.map(named)]);
}

fn check_links(root: &Root) {
    let folder = &root.descriptor;
    let file = root.create_with("linked", b"same");
    let linked = folder.link_at(PathFlags::empty(), "linked", folder, "hard");
    let count = file.stat().map(|stat| stat.link_count);
    let again = folder.link_at(PathFlags::empty(), "linked", folder, "hard");
    say_all("wasi:filesystem/types#descriptor.link-at", &[&linked, &count, &named(again)]);
    let types = [PathFlags::empty(), FOLLOW].map(|flags| {
        let _first = folder.symlink_at("linked", "soft");
        folder.stat_at(flags, "soft").map(|stat| stat.type_)
    });
    say_all(
        "wasi:filesystem/types#descriptor.symlink-at",
        &[&types, &named(folder.symlink_at("linked", "soft"))],
    );
    say_all(
        "wasi:filesystem/types#descriptor.readlink-at",
        &[&named(folder.readlink_at("soft")), &named(folder.readlink_at("linked"))],
    );
}

fn check_names(root: &Root) {
    let folder = &root.descriptor;
    let file = root.create_with("old", b"renamed");
    root.create("victim");
    let renamed = [
        folder.rename_at("old", folder, "new"),
        folder.rename_at("old", folder, "new"),
        folder.rename_at("new", folder, "victim"),
    ];
    let now = root.open_as("victim", OpenFlags::empty(), DescriptorFlags::READ);
    say_all(
        "wasi:filesystem/types#descriptor.rename-at",
        &[&renamed.map(named), &content(&now), &file.is_same_object(&now)],
    );
}

fn check_identity(root: &Root) {
    let (file, other) = (root.create("one"), root.create("other"));
    let again = root.open_as("one", OpenFlags::empty(), DescriptorFlags::READ);
    say_all(
        "wasi:filesystem/types#descriptor.is-same-object",
        &[&file.is_same_object(&again), &file.is_same_object(&other)],
    );
    let hash = |file: &Descriptor| file.metadata_hash().map(|hash| (hash.upper, hash.lower));
    let is_name = hash(&file).is_ok() && hash(&file) == hash(&again) && hash(&file) != hash(&other);
    say_that(
        "wasi:filesystem/types#descriptor.metadata-hash",
        "equal for the same file, another for another",
        is_name,
    );
    let at = root.descriptor.metadata_hash_at(FOLLOW, "one").map(|hash| (hash.upper, hash.lower));
    say_that(
        "wasi:filesystem/types#descriptor.metadata-hash-at",
        "the same",
        at.is_ok() && at == hash(&file),
    );
}

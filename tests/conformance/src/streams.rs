//! `wasi:io/streams` on files, where every byte is known. What does not block is asked until it has done all.

use wasip2::filesystem::types::{Descriptor, filesystem_error_code};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

use crate::files::{Root, content};
use crate::{say_all, say_that};

const TEXT: &[u8] = b"abcdefghijklmnop";

pub(crate) fn check(root: &Root) {
    let file = root.create_with("streams-in", TEXT);
    check_input(&file);
    check_output(root, &file);
    check_error(&file);
}

fn check_input(file: &Descriptor) {
    let stream = file.read_via_stream(2).expect("a stream");
    let pollable = stream.subscribe();
    pollable.block();
    say_all("wasi:io/streams#input-stream.subscribe", &[&"ready"]);
    drop(pollable);
    say_all("wasi:io/streams#input-stream.read", &[&text(&read(&stream, 3))]);
    let mut skipped = 0;
    while skipped < 2 {
        stream.subscribe().block();
        skipped += stream.skip(2 - skipped).expect("more to skip");
    }
    say_all("wasi:io/streams#input-stream.skip", &[&skipped, &text(&read(&stream, 1))]);
    let skipped = stream.blocking_skip(2);
    say_all("wasi:io/streams#input-stream.blocking-skip", &[&skipped.is_ok_and(|skipped| skipped > 0)]);
    let stream = file.read_via_stream(TEXT.len() as u64 - 3).expect("a stream");
    let (mut all, mut end) = (Vec::new(), None);
    while end.is_none() {
        match stream.blocking_read(2) {
            Ok(piece) => all.extend_from_slice(&piece),
            Err(error) => end = Some(matches!(error, StreamError::Closed)),
        }
    }
    say_all("wasi:io/streams#input-stream.blocking-read", &[&text(&all), &"closed", &end]);
}

fn check_output(root: &Root, source: &Descriptor) {
    let file = root.create("streams-out");
    let stream = file.write_via_stream(0).expect("a stream");
    let pollable = stream.subscribe();
    pollable.block();
    say_all("wasi:io/streams#output-stream.subscribe", &[&"ready"]);
    drop(pollable);
    say_that("wasi:io/streams#output-stream.check-write", "more than nothing", room(&stream) > 0);
    let written = stream.write(b"one,");
    let flushed = stream.flush();
    let waited = stream.blocking_flush();
    say_all("wasi:io/streams#output-stream.write", &[&written.is_ok(), &content(&file)]);
    say_all("wasi:io/streams#output-stream.flush", &[&flushed.is_ok()]);
    say_all("wasi:io/streams#output-stream.blocking-flush", &[&waited.is_ok()]);
    let written = stream.blocking_write_and_flush(b"two,");
    say_all("wasi:io/streams#output-stream.blocking-write-and-flush", &[&written.is_ok(), &content(&file)]);
    room(&stream);
    let written = stream.write_zeroes(2).and_then(|()| stream.blocking_flush());
    say_all("wasi:io/streams#output-stream.write-zeroes", &[&written.is_ok(), &content(&file)]);
    let written = stream.blocking_write_zeroes_and_flush(1);
    say_all(
        "wasi:io/streams#output-stream.blocking-write-zeroes-and-flush",
        &[&written.is_ok(), &content(&file)],
    );
    check_splice(&file, &stream, source);
}

fn check_splice(file: &Descriptor, stream: &OutputStream, source: &Descriptor) {
    let from = source.read_via_stream(0).expect("a stream");
    let mut moved = 0;
    while moved < 3 {
        from.subscribe().block();
        room(stream);
        moved += stream.splice(&from, 3 - moved).expect("more to move");
    }
    stream.blocking_flush().expect("flushed");
    say_all("wasi:io/streams#output-stream.splice", &[&moved, &content(file)]);
    let mut moved = 0;
    while moved < 2 {
        moved += stream.blocking_splice(&from, 2 - moved).expect("more to move");
    }
    stream.blocking_flush().expect("flushed");
    say_all("wasi:io/streams#output-stream.blocking-splice", &[&moved, &content(file)]);
}

/// No file ends where this writes.
fn check_error(file: &Descriptor) {
    let error = failure(file);
    let is_text = error.as_ref().is_some_and(|error| !error.to_debug_string().is_empty());
    say_that("wasi:io/error#error.to-debug-string", "some text", is_text);
    let has_code = error.as_ref().is_some_and(|error| filesystem_error_code(error).is_some());
    say_that("wasi:filesystem/types#filesystem-error-code", "there is one", has_code);
}

/// An error of a stream, with its reason.
pub(crate) fn failure(file: &Descriptor) -> Option<wasip2::io::error::Error> {
    let stream = file.write_via_stream(u64::MAX - 10).expect("a stream");
    match stream.blocking_write_and_flush(b"x") {
        Err(StreamError::LastOperationFailed(error)) => Some(error),
        _ => None,
    }
}

fn read(stream: &InputStream, count: u64) -> Vec<u8> {
    let mut all = Vec::new();
    while (all.len() as u64) < count {
        stream.subscribe().block();
        all.extend(stream.read(count - all.len() as u64).expect("more to read"));
    }
    all
}

/// Waits until a stream takes something; says how much.
fn room(stream: &OutputStream) -> u64 {
    loop {
        stream.subscribe().block();
        match stream.check_write().expect("it can be written") {
            0 => {}
            room => return room,
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

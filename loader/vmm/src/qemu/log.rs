//! The guest's log on disk, bounded: a guest that never stops talking must not fill the host.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::end::LogTail;

/// A log file that grows to this many bytes becomes the old one.
pub const LOG_FILE_MAX_BYTES: u64 = 8 * 1024 * 1024;
/// Lines that an error shows.
const TAIL_LINES: usize = 12;
/// Characters of such a line.
const TAIL_LINE_MAX_BYTES: usize = 240;

/// Where the log goes once [`LOG_FILE_MAX_BYTES`] are full: `guest.log` becomes `guest.log.1`.
#[must_use]
pub fn older_log(path: &Path) -> PathBuf {
    let mut older = path.as_os_str().to_owned();
    older.push(".1");
    older.into()
}

/// Writes the log and remembers its end.
#[derive(Debug)]
pub(crate) struct LogWriter {
    path: PathBuf,
    file: File,
    written_bytes: u64,
    tail: VecDeque<String>,
    line: Vec<u8>,
}

impl LogWriter {
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        match fs::remove_file(older_log(path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let (path, file) = (path.to_owned(), open(path)?);
        Ok(Self { path, file, written_bytes: 0, tail: VecDeque::new(), line: Vec::new() })
    }

    /// Adds bytes as they come. A disk that is full costs the file, not the guest and not the tail.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        if self.written_bytes >= LOG_FILE_MAX_BYTES {
            self.rotate();
        }
        let _ = self.file.write_all(bytes);
        self.written_bytes += bytes.len() as u64;
        for byte in bytes {
            match byte {
                b'\n' => self.end_line(),
                b'\r' => {}
                _ if self.line.len() < TAIL_LINE_MAX_BYTES => self.line.push(*byte),
                _ => {}
            }
        }
    }

    pub(crate) fn tail(&self) -> LogTail {
        let unfinished = (!self.line.is_empty()).then(|| String::from_utf8_lossy(&self.line).into_owned());
        LogTail(self.tail.iter().cloned().chain(unfinished).collect())
    }

    fn end_line(&mut self) {
        let line = core::mem::take(&mut self.line);
        if !line.is_empty() {
            self.tail.push_back(String::from_utf8_lossy(&line).into_owned());
        }
        if self.tail.len() > TAIL_LINES {
            self.tail.pop_front();
        }
    }

    fn rotate(&mut self) {
        let renamed = fs::rename(&self.path, older_log(&self.path));
        if let (Ok(()), Ok(file)) = (renamed, open(&self.path)) {
            self.file = file;
        }
        // When that failed the file goes on for another stretch.
        self.written_bytes = 0;
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_remembered_and_the_files_stay_small() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("guest.log");
        let mut log = LogWriter::create(&path).unwrap();
        let block = vec![b'x'; 1024 * 1024];
        for _ in 0..30 {
            log.write(&block);
        }
        log.write(b"\nlast\r\nunfinished");
        let LogTail(lines) = log.tail();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0].len(), TAIL_LINE_MAX_BYTES);
        assert_eq!(lines[1..], ["last", "unfinished"]);
        let size = |path: &Path| fs::metadata(path).unwrap().len();
        assert!(size(&path) + size(&older_log(&path)) <= 2 * (LOG_FILE_MAX_BYTES + 1024 * 1024));

        for number in 0..50 {
            log.write(format!("line {number}\n").as_bytes());
        }
        assert_eq!(log.tail().0.len(), TAIL_LINES);
        assert_eq!(log.tail().0.last().unwrap(), "line 49");
    }
}

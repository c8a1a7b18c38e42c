//! Other programs' ends of connections, over the loopback interface.

use core::time::Duration;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Instant;

use enclave_tls::{Connection, Side, TlsError};

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const LABEL: &str = "EXPORTER-redoubt";

/// Whether a program can be run; says so otherwise.
pub(crate) fn is_there(program: &str) -> bool {
    let version = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let is_there = version.is_ok();
    if !is_there {
        // Not `eprintln!`, which the test harness keeps to itself when the test passes. Without standard error there is
        // nobody to tell.
        let _ = writeln!(io::stderr(), "skipped: no {program} on PATH");
    }
    is_there
}

/// A program that runs. What it prints, in either way, can be waited for, and it ends with this.
pub(crate) struct Program {
    process: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl Program {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut process =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        tell_lines(process.stdout.take().unwrap(), sender.clone());
        tell_lines(process.stderr.take().unwrap(), sender);
        let input = process.stdin.take().unwrap();
        Self { process, input, lines }
    }

    /// What follows `start` in the next line that has it.
    pub(crate) fn line_with(&self, start: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap();
            if let Some((_, rest)) = line.split_once(start) {
                return rest.to_owned();
            }
        }
    }

    /// All lines until it ends.
    pub(crate) fn rest(&self) -> Vec<String> {
        let start = Instant::now();
        self.lines.iter().inspect(|_| assert!(start.elapsed() < PATIENCE, "a program does not end")).collect()
    }

    pub(crate) fn type_in(&mut self, text: &str) {
        self.input.write_all(text.as_bytes()).unwrap();
        self.input.flush().unwrap();
    }

    pub(crate) fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

fn tell_lines(output: impl io::Read + Send + 'static, to: Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if to.send(line).is_err() {
                return;
            }
        }
    });
}

/// Carries bytes until `is_done`, or the connection fails.
pub(crate) fn carry<S: Side>(
    side: &mut Connection<S>,
    stream: &mut TcpStream,
    is_done: impl Fn(&mut Connection<S>) -> bool,
) -> Result<(), TlsError> {
    let start = Instant::now();
    let mut buffer = [0; 4096];
    loop {
        let result = side.step();
        let outgoing = core::mem::take(side.outgoing());
        // A peer that has had enough is found out by reading.
        let _ = stream.write_all(&outgoing);
        result?;
        if is_done(side) {
            return Ok(());
        }
        assert!(start.elapsed() < PATIENCE, "the other program says nothing");
        let room = side.receive_room().min(buffer.len());
        match stream.read(&mut buffer[..room]) {
            Ok(0) => return side.end_of_stream(),
            Ok(count) => assert_eq!(side.receive(&buffer[..count]), count),
            Err(error) if is_timeout(&error) => {}
            Err(_) => return side.end_of_stream(),
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// Reads that wait a little, so that there is time for other things.
pub(crate) fn impatient(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    stream
}

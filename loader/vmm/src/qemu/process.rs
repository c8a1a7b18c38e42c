//! One QEMU process, from its start to its reaping.
//!
//! A thread of its own starts QEMU, reads what it prints until it closes its output, and reaps it. Should the loader
//! be killed, the kernel kills QEMU: it is started through `setpriv --pdeathsig KILL` where that exists. The signal
//! is tied to the thread that starts the process, one more reason for that thread to live as long as QEMU does.

use core::time::Duration;
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use enclave_wire::boot::ExitCode;

use super::find_program;
use super::log::LogWriter;
use crate::end::{GuestEnd, LogTail};

/// How often a process that has closed its output is looked at.
const REAP_INTERVAL: Duration = Duration::from_millis(2);

/// A running or ended process. Clones are handles on the same one; dropping them does not end it.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    shared: Arc<Shared>,
    id: u32,
}

#[derive(Debug)]
struct Shared {
    child: Mutex<Child>,
    outcome: Mutex<Outcome>,
    changed: Condvar,
    log: Mutex<LogWriter>,
}

#[derive(Debug, Default)]
struct Outcome {
    status: Option<ExitStatus>,
    was_killed_by_us: bool,
}

/// The program that ties QEMU's life to ours, if this host has it.
pub(crate) fn find_setpriv() -> Option<PathBuf> {
    find_program(Path::new("setpriv"))
}

impl Process {
    pub(crate) fn start(qemu: &Path, arguments: Vec<OsString>, log: LogWriter) -> io::Result<Self> {
        let mut command = match find_setpriv() {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command.args(["--pdeathsig", "KILL", "--"]).arg(qemu);
                command
            }
            None => Command::new(qemu),
        };
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own: Ctrl-C on the terminal is for the loader, which shuts the guest down.
        command.process_group(0);
        let (started, wait_started) = mpsc::channel();
        thread::Builder::new().name("qemu".to_owned()).spawn(move || supervise(command, log, &started))?;
        wait_started.recv().unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))
    }

    pub(crate) const fn id(&self) -> u32 {
        self.id
    }

    /// Ends the process at once. One that ended already keeps its status.
    pub(crate) fn kill(&self) {
        let mut child = lock(&self.shared.child);
        let mut outcome = lock(&self.shared.outcome);
        if outcome.status.is_none() {
            outcome.was_killed_by_us = true;
            // Fails only for a process that is gone already.
            let _ = child.kill();
        }
    }

    /// Waits until the process is gone.
    pub(crate) fn wait(&self, timeout: Duration) -> bool {
        let outcome = lock(&self.shared.outcome);
        let wait =
            self.shared.changed.wait_timeout_while(outcome, timeout, |outcome| outcome.status.is_none());
        wait.unwrap_or_else(PoisonError::into_inner).0.status.is_some()
    }

    pub(crate) fn tail(&self) -> LogTail {
        lock(&self.shared.log).tail()
    }

    /// Why the process ended; `None` while it runs.
    pub(crate) fn end(&self) -> Option<GuestEnd> {
        let log = self.tail();
        let outcome = lock(&self.shared.outcome);
        let status = outcome.status?;
        Some(match (status.code(), status.signal()) {
            (Some(code), _) => match ExitCode::from_qemu_status(code) {
                Some(ExitCode::Shutdown) => GuestEnd::Stopped,
                Some(code) => GuestEnd::Exited { code, log },
                None => GuestEnd::Qemu { status: code, log },
            },
            (None, _) if outcome.was_killed_by_us => GuestEnd::KilledByLoader { log },
            (None, signal) => GuestEnd::Killed { signal: signal.unwrap_or_default(), log },
        })
    }
}

/// Runs on the process's own thread.
fn supervise(mut command: Command, log: LogWriter, started: &mpsc::Sender<io::Result<Process>>) {
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return drop(started.send(Err(error))),
    };
    let (stdout, stderr, id) = (child.stdout.take(), child.stderr.take(), child.id());
    let shared = Arc::new(Shared {
        child: Mutex::new(child),
        outcome: Mutex::new(Outcome::default()),
        changed: Condvar::new(),
        log: Mutex::new(log),
    });
    let complaints = stderr.map(|stderr| copy_in_background(stderr, Arc::clone(&shared)));
    let process = Process { shared: Arc::clone(&shared), id };
    if started.send(Ok(process.clone())).is_err() {
        process.kill();
    }
    if let Some(stdout) = stdout {
        copy(stdout, &shared);
    }
    if let Some(complaints) = complaints {
        let _ = complaints.join();
    }
    let status = reap(&shared);
    lock(&shared.outcome).status = Some(status);
    shared.changed.notify_all();
}

fn reap(shared: &Shared) -> ExitStatus {
    loop {
        match lock(&shared.child).try_wait() {
            Ok(Some(status)) => return status,
            Ok(None) => {}
            // Somebody else reaped it: there is nothing left to learn.
            Err(_) => return ExitStatus::default(),
        }
        thread::sleep(REAP_INTERVAL);
    }
}

fn copy_in_background(stderr: ChildStderr, shared: Arc<Shared>) -> thread::JoinHandle<()> {
    thread::spawn(move || copy(stderr, &shared))
}

fn copy(mut from: impl Read, shared: &Shared) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        match from.read(&mut bytes) {
            Ok(0) => return,
            Ok(count) => lock(&shared.log).write(bytes.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    fn shell(script: &str) -> (Process, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let log = LogWriter::create(&folder.path().join("log")).unwrap();
        let arguments = vec!["-c".into(), script.into()];
        (Process::start(Path::new("/bin/sh"), arguments, log).unwrap(), folder)
    }

    fn end_of(script: &str) -> GuestEnd {
        let (process, _folder) = shell(script);
        assert!(process.wait(SOON));
        process.end().unwrap()
    }

    #[test]
    fn exit_codes_are_told_apart() {
        let panicked = end_of("echo booting; echo panic >&2; exit 69");
        assert!(matches!(panicked, GuestEnd::Exited { code: ExitCode::Panic, .. }), "{panicked}");
        assert!(panicked.to_string().contains("booting"), "{panicked}");
        assert!(panicked.to_string().contains("panic"), "{panicked}");
        assert!(end_of("exit 33").is_clean());
        assert!(matches!(end_of("exit 1"), GuestEnd::Qemu { status: 1, .. }));
        assert!(matches!(end_of("exit 0"), GuestEnd::Qemu { status: 0, .. }));
        assert!(matches!(end_of("kill -SEGV $$"), GuestEnd::Killed { signal: 11, .. }));
    }

    #[test]
    fn killing_ends_and_reaps() {
        let (process, _folder) = shell("exec sleep 60");
        assert!(process.end().is_none());
        process.kill();
        assert!(process.wait(SOON));
        assert!(matches!(process.end(), Some(GuestEnd::KilledByLoader { .. })));
        assert!(!Path::new(&format!("/proc/{}", process.id())).exists(), "a zombie is left");
        process.kill();
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error_or_a_status() {
        let folder = tempfile::tempdir().unwrap();
        let log = LogWriter::create(&folder.path().join("log")).unwrap();
        // Through setpriv the start succeeds and the status tells.
        if let Ok(process) = Process::start(Path::new("/no/such/program"), Vec::new(), log) {
            assert!(process.wait(SOON));
            assert!(matches!(process.end(), Some(GuestEnd::Qemu { .. })));
        }
    }
}

//! Two connections made one: what comes from either goes to the other, both ways at once.
//!
//! An end is passed on as an end, and a cut as a cut: where the guest's side broke off, the local program's connection is
//! reset, so that half an answer does not look like a whole one.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use rustix::net::sockopt::set_socket_linger;

use crate::handshake::timed_out;
use crate::{Connection, ReadHalf, WriteHalf};

const PIECE_BYTES: usize = 32 * 1024;
/// How often somebody who waits looks whether it is for nothing.
const TICK: Duration = Duration::from_secs(2);

/// Passes on until both sides have ended, or one broke.
///
/// # Errors
/// What the guest's side broke with, or that nothing came for too long. A local program that breaks off is no error.
pub(super) fn splice(
    local: &TcpStream,
    remote: Connection,
    idle: Duration,
    half_closed: Duration,
) -> io::Result<()> {
    let tick = TICK.min(idle).min(half_closed);
    local.set_nodelay(true)?;
    local.set_read_timeout(Some(tick))?;
    local.set_write_timeout(Some(tick))?;
    remote.set_timeout(tick)?;
    let (mut from_guest, mut to_guest) = remote.split();
    let course = Course::new(idle, half_closed);
    thread::scope(|scope| {
        let up = || {
            if pass_up(local, &mut to_guest, &course) == Up::Broken {
                course.break_off();
                // Wakes the other direction.
                to_guest.abort();
            }
        };
        thread::Builder::new().name("to the guest".to_owned()).spawn_scoped(scope, up)?;
        let passed = pass_down(&mut from_guest, local, &course);
        if passed.is_err() || course.is_broken() {
            course.break_off();
            cut(local, &from_guest);
        }
        passed
    })
}

/// Resets the local connection once it is dropped, and wakes whoever waits for something.
fn cut(local: &TcpStream, from_guest: &ReadHalf) {
    let _ = set_socket_linger(local, Some(Duration::ZERO));
    // Reading only: for the other direction this would send the end that there is not.
    let _ = local.shutdown(Shutdown::Read);
    from_guest.abort();
}

/// What both directions know of each other.
struct Course {
    idle: Duration,
    half_closed: Duration,
    last: Mutex<Instant>,
    guest_ended: AtomicBool,
    broken: AtomicBool,
}

impl Course {
    fn new(idle: Duration, half_closed: Duration) -> Self {
        Self {
            idle,
            half_closed,
            last: Mutex::new(Instant::now()),
            guest_ended: AtomicBool::new(false),
            broken: AtomicBool::new(false),
        }
    }

    /// Something passed, whichever way.
    fn touch(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn break_off(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// Called when a wait is over in which nothing came: whether to go on waiting.
    fn go_on(&self) -> io::Result<()> {
        if self.is_broken() {
            return Err(ErrorKind::ConnectionAborted.into());
        }
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = if self.guest_ended.load(Ordering::Relaxed) { self.half_closed } else { self.idle };
        if last.elapsed() < limit { Ok(()) } else { Err(ErrorKind::TimedOut.into()) }
    }
}

/// How the way to the guest ended.
#[derive(PartialEq, Eq)]
enum Up {
    /// With an end that was passed on.
    Whole,
    /// The guest takes no more. What it still says decides what becomes of the connection.
    Unwanted,
    /// The local program broke off, or nothing came for too long.
    Broken,
}

fn pass_up(mut local: &TcpStream, to_guest: &mut WriteHalf, course: &Course) -> Up {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match patiently(course, || local.read(&mut piece)) {
            // Not an end if it was this side that stopped reading.
            Ok(0) if course.is_broken() => return Up::Broken,
            Ok(0) => {
                let closed = patiently(course, || to_guest.close());
                return if closed.is_ok() { Up::Whole } else { Up::Unwanted };
            }
            Ok(count) => {
                let bytes = piece.get(..count).unwrap_or_default();
                if send(to_guest, bytes, course).is_err() {
                    return Up::Unwanted;
                }
            }
            // After the guest has ended nobody waits for the rest.
            Err(_) if course.guest_ended.load(Ordering::Relaxed) => return Up::Unwanted,
            Err(_) => return Up::Broken,
        }
    }
}

fn pass_down(from_guest: &mut ReadHalf, mut local: &TcpStream, course: &Course) -> io::Result<()> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match patiently(course, || from_guest.read(&mut piece)) {
            Ok(0) => {
                course.touch();
                course.guest_ended.store(true, Ordering::Relaxed);
                let _ = local.shutdown(Shutdown::Write);
                return Ok(());
            }
            Ok(count) => {
                if send(&mut local, piece.get(..count).unwrap_or_default(), course).is_err() {
                    // The local program is gone: nobody is left to be told.
                    course.break_off();
                    return Ok(());
                }
            }
            // It was the other direction that broke, and knows why.
            Err(_) if course.is_broken() => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

fn send(to: &mut impl Write, mut bytes: &[u8], course: &Course) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = patiently(course, || to.write(bytes))?;
        if count == 0 {
            return Err(ErrorKind::WriteZero.into());
        }
        bytes = bytes.get(count..).unwrap_or_default();
    }
    patiently(course, || to.flush())
}

/// Waits again and again, for as long as it makes sense.
fn patiently<T>(course: &Course, mut does: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match does().map_err(timed_out) {
            Ok(done) => {
                course.touch();
                return Ok(done);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::TimedOut => course.go_on()?,
            Err(error) => return Err(error),
        }
    }
}

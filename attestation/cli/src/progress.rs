//! What people see on standard error while something takes long: here and in `redoubt`.

use core::time::Duration;
use std::io::{self, IsTerminal, Read};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What is done sooner shows no progress.
const DELAY: Duration = Duration::from_secs(2);
const TICK: Duration = Duration::from_millis(100);

/// Who watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// A person, if standard error is a terminal.
    Person,
    /// A program, with `--json`.
    Program,
}

impl Audience {
    /// Whether `--json` was given.
    #[must_use]
    pub const fn of_json(json: bool) -> Self {
        if json { Self::Program } else { Self::Person }
    }
}

/// Shown until dropped.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    /// Dropped to end the thread; both are absent when nobody watches.
    over: Option<mpsc::Sender<()>>,
    shower: Option<JoinHandle<()>>,
}

impl Progress {
    /// Of something that says nothing of itself until it is done.
    #[must_use]
    pub fn waiting(what: &str, audience: Audience) -> Self {
        Self::start(None, "{spinner} {msg}, {elapsed}", what, audience)
    }

    /// Of bytes that come to an end nobody knows.
    #[must_use]
    pub fn of_stream(what: &str, audience: Audience) -> Self {
        Self::start(None, "{spinner} {bytes} {msg}, {elapsed}", what, audience)
    }

    /// Of this many bytes.
    #[must_use]
    pub fn of_bytes(total: u64, what: &str, audience: Audience) -> Self {
        Self::start(Some(total), "{bar:30} {bytes} of {total_bytes} {msg}, {elapsed}", what, audience)
    }

    /// Of this many objects; [`Self::say`] tells which one.
    #[must_use]
    pub fn of_objects(total: u64, audience: Audience) -> Self {
        Self::start(Some(total), "{bar:30} {pos} of {len}, {elapsed}: {msg}", "", audience)
    }

    /// Says what is going on.
    pub fn say(&self, what: &str) {
        self.bar.set_message(what.to_owned());
    }

    /// Says how far it is.
    pub fn set(&self, position: u64) {
        self.bar.set_position(position);
    }

    /// Counts what is read.
    pub fn counting<R: Read>(&self, from: R) -> impl Read + use<R> {
        self.bar.wrap_read(from)
    }

    /// Does something with the progress out of the way.
    pub fn aside<T>(&self, does: impl FnOnce() -> T) -> T {
        self.bar.suspend(does)
    }

    fn start(total: Option<u64>, template: &str, what: &str, audience: Audience) -> Self {
        let is_watched = audience == Audience::Person && io::stderr().is_terminal();
        let target = is_watched.then(ProgressDrawTarget::stderr);
        Self::start_on(target, DELAY, total, template, what)
    }

    fn start_on(
        target: Option<ProgressDrawTarget>,
        delay: Duration,
        total: Option<u64>,
        template: &str,
        what: &str,
    ) -> Self {
        let mut bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        // A template that is wrong costs the looks.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar = bar.with_style(style);
        }
        let bar = bar.with_message(what.to_owned());
        let (over, wait_over) = mpsc::channel();
        let shower = target.and_then(|target| {
            let bar = bar.clone();
            let show = move || show_after(delay, &wait_over, &bar, target);
            // Without the thread there is no progress to see, and everything else works.
            thread::Builder::new().name("progress".to_owned()).spawn(show).ok()
        });
        Self { bar, over: Some(over), shower }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.over.take());
        if let Some(shower) = self.shower.take() {
            let _ = shower.join();
        }
        self.bar.finish_and_clear();
    }
}

fn show_after(delay: Duration, over: &mpsc::Receiver<()>, bar: &ProgressBar, target: ProgressDrawTarget) {
    if over.recv_timeout(delay) == Err(mpsc::RecvTimeoutError::Timeout) {
        bar.set_draw_target(target);
        bar.enable_steady_tick(TICK);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use indicatif::TermLike;

    use super::*;

    /// Remembers what was drawn.
    #[derive(Debug, Clone, Default)]
    struct Paper(Arc<Mutex<String>>);

    impl TermLike for Paper {
        fn width(&self) -> u16 {
            80
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            self.write_str("<cleared>")
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn drawn(delay: Duration, does: impl FnOnce(&Progress)) -> String {
        let paper = Paper::default();
        let target = ProgressDrawTarget::term_like(Box::new(paper.clone()));
        let template = "{bytes} of {total_bytes} {msg}";
        let progress = Progress::start_on(Some(target), delay, Some(1024), template, "of input");
        does(&progress);
        drop(progress);
        let text = paper.0.lock().unwrap();
        text.clone()
    }

    #[test]
    fn what_takes_long_is_shown_and_cleared() {
        let text = drawn(Duration::ZERO, |progress| {
            io::copy(&mut progress.counting(&[0; 512][..]), &mut io::sink()).unwrap();
            thread::sleep(Duration::from_millis(500));
        });
        assert!(text.contains("512 B of 1.00 KiB of input") && text.ends_with("<cleared>"), "{text}");
    }

    #[test]
    fn what_is_short_is_not() {
        assert_eq!(drawn(Duration::from_secs(60), |progress| progress.set(1024)), "");
    }
}

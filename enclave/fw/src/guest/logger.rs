//! The log: lines with time and level on the serial port.

use core::fmt::Write;

use enclave_wire::boot::LogLevel;
use enclave_x86::serial::Serial;
use enclave_x86::tsc::Clock;
use log::{Level, LevelFilter, Log, Metadata, Record};

static CLOCK: spin::Once<Clock> = spin::Once::new();
static LOGGER: SerialLogger = SerialLogger;

struct SerialLogger;

impl Log for SerialLogger {
    /// Libraries speak at every level of detail about themselves: below warnings only our own crates are heard.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Warn || metadata.target().starts_with("enclave")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let now_us = CLOCK.get().map_or(0, Clock::now_us);
        let (seconds, micros) = (now_us / 1_000_000, now_us % 1_000_000);
        // The serial port never fails, it only loses text.
        let _ = writeln!(Serial, "[{seconds:4}.{micros:06}] {:5} {}", record.level(), record.args());
    }

    fn flush(&self) {}
}

/// Starts the log at the default level.
pub(super) fn install(clock: Clock) {
    CLOCK.call_once(|| clock);
    // Fails only when called twice.
    let _ = log::set_logger(&LOGGER);
    set_level(LogLevel::Info);
}

/// Changes what is shown.
pub(super) fn set_level(level: LogLevel) {
    log::set_max_level(match level {
        LogLevel::Error => LevelFilter::Error,
        LogLevel::Warn => LevelFilter::Warn,
        LogLevel::Info => LevelFilter::Info,
        LogLevel::Debug => LevelFilter::Debug,
        LogLevel::Trace => LevelFilter::Trace,
    });
}

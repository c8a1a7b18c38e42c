//! `wasi:clocks`, and `wasi:io/poll`, which waits for them.

use wasip2::clocks::{monotonic_clock, wall_clock};
use wasip2::io::poll;

use crate::{say_all, say_that};

const MS_NS: u64 = 1_000_000;
const HOUR_NS: u64 = 3_600_000 * MS_NS;
const NS_PER_S: u32 = 1_000_000_000;
/// 2020-01-01.
const LONG_AGO_S: u64 = 1_577_836_800;

pub(crate) fn check() {
    let begun = monotonic_clock::now();
    say_that("wasi:clocks/monotonic-clock#now", "not earlier than before", monotonic_clock::now() >= begun);
    let resolution = monotonic_clock::resolution();
    say_that("wasi:clocks/monotonic-clock#resolution", "more than nothing", resolution > 0);
    let now = monotonic_clock::now();
    monotonic_clock::subscribe_instant(now + MS_NS).block();
    let is_late = monotonic_clock::now() >= now + MS_NS;
    say_that("wasi:clocks/monotonic-clock#subscribe-instant", "ready when it is time", is_late);
    let now = monotonic_clock::now();
    monotonic_clock::subscribe_duration(MS_NS).block();
    let is_late = monotonic_clock::now() >= now + MS_NS;
    say_that("wasi:clocks/monotonic-clock#subscribe-duration", "ready after a while", is_late);

    let wall = wall_clock::now();
    let is_time = wall.seconds > LONG_AGO_S && wall.nanoseconds < NS_PER_S;
    say_that("wasi:clocks/wall-clock#now", "after 2019", is_time);
    let resolution = wall_clock::resolution();
    let is_fine = resolution.seconds == 0 && resolution.nanoseconds > 0;
    say_that("wasi:clocks/wall-clock#resolution", "finer than a second", is_fine);
    check_poll();
}

fn check_poll() {
    let past = monotonic_clock::subscribe_instant(0);
    let later = monotonic_clock::subscribe_duration(HOUR_NS);
    past.block();
    say_all("wasi:io/poll#pollable.block", &[&"returned"]);
    say_all("wasi:io/poll#pollable.ready", &[&past.ready(), &later.ready()]);
    say_all("wasi:io/poll#poll", &[&poll::poll(&[&later, &past]), &poll::poll(&[&past, &later, &past])]);
}

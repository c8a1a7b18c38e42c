//! `wasi:random`: how much there is of it, and that it is not always the same.

use wasip2::random::{insecure, insecure_seed, random};

use crate::say_that;

pub(crate) fn check() {
    let sizes =
        |bytes: fn(u64) -> Vec<u8>| [0, 1, 64, 4096].iter().all(|&size| bytes(size).len() as u64 == size);
    let differ = |bytes: fn(u64) -> Vec<u8>| bytes(32) != bytes(32);
    let as_asked = "as many as asked for, and others than before";
    let bytes = random::get_random_bytes;
    say_that("wasi:random/random#get-random-bytes", as_asked, sizes(bytes) && differ(bytes));
    let numbers = [random::get_random_u64(), random::get_random_u64(), random::get_random_u64()];
    say_that(
        "wasi:random/random#get-random-u64",
        "another than before",
        numbers[0] != numbers[1] || numbers[1] != numbers[2],
    );
    let bytes = insecure::get_insecure_random_bytes;
    say_that("wasi:random/insecure#get-insecure-random-bytes", as_asked, sizes(bytes) && differ(bytes));
    let numbers = [
        insecure::get_insecure_random_u64(),
        insecure::get_insecure_random_u64(),
        insecure::get_insecure_random_u64(),
    ];
    say_that(
        "wasi:random/insecure#get-insecure-random-u64",
        "another than before",
        numbers[0] != numbers[1] || numbers[1] != numbers[2],
    );
    // It may be the same every time.
    let seed = insecure_seed::insecure_seed();
    say_that(
        "wasi:random/insecure-seed#insecure-seed",
        "not nothing, and the same each time",
        seed != (0, 0) && seed == insecure_seed::insecure_seed(),
    );
}

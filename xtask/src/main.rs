//! The only build door: images, tests, lints, benchmarks.
fn main() {}

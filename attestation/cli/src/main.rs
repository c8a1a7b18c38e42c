//! redoubt-verify: checks evidence and claims.
fn main() {}

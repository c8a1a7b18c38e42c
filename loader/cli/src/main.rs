//! redoubt: the operator's command.
fn main() {}

//! Connections to servers that follow the rules, break them, or are somebody else.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod authority;
mod certificates;
mod endings;
mod evidence;
mod flow;
mod hostile;
mod openssl;
mod program;
mod server;
mod versions;

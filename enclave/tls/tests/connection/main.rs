//! Connections to servers that follow the rules, break them, or are somebody else.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod authority;
mod caller;
mod certificates;
mod endings;
mod evidence;
mod flow;
mod hostile;
mod hostile_clients;
mod openssl;
mod openssl_calls;
mod own_certificate;
mod program;
mod python_calls;
mod server;
mod serving;
mod versions;

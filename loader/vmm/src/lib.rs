//! Launches and drives one guest under QEMU.
//!
//! [`launch()`] checks nothing of an image that [`ImageFiles::check`] has not checked already, starts QEMU with a
//! [`loader_psp::SoftwarePsp`], and returns a [`Guest`] once the guest has shown its evidence. A [`Guest`] is a
//! [`Session`](session::Session): jobs, status, probes, the end. The guest is not trusted: whatever it sends is
//! bounded and checked, and a guest that breaks a rule is ended with an error that names it.
//! Panics: never on what the guest or the files say.
#![forbid(unsafe_code)]

pub mod accel;
pub mod end;
pub mod error;
mod files;
mod guest;
mod hardware;
pub mod host;
pub mod keeper;
mod launch;
mod qemu;
pub mod session;
pub mod state_file;
pub mod time_reports;

pub use attestation_evidence::text;
pub use files::ImageFiles;
pub use guest::{Guest, GuestInfo};
pub use launch::{
    ControlTap, LaunchConfig, NetworkDevice, Overrides, SOCKET_PATH_MAX_BYTES, TapHook, check_socket_path,
    launch,
};
pub use qemu::log::{LOG_FILE_MAX_BYTES, older_log};
pub use qemu::{OLDEST_VERSION, QEMU_VARIABLE, Qemu};

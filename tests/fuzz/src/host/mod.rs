//! The host's side of the guest's devices: a transport, rings, and memory that both sides write.
//!
//! Guest-physical addresses are this process's own, as the drivers expect. One thread only, so nothing here races.

mod device;
mod memory;
mod ring;
mod script;

pub use device::Device;
pub use memory::{read_pool, reset_pool, write_pool};
pub use ring::Ring;
pub use script::{Script, Step};

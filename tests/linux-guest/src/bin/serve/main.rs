//! `/init` of the Linux guest that answers requests: drivers, an address, then `wasmtime serve`.

mod address;
mod drivers;

use std::path::Path;

use clap::Parser as _;
use tests_linux_guest::{COMPONENT_FILE, MARK, SERVICE_PORT};
use wasmtime::Result;
use wasmtime::error::Context as _;
use wasmtime_cli::commands::ServeCommand;

/// Where the initramfs holds the drivers, to be loaded in the order of their names.
const DRIVERS: &str = "/drivers";

fn main() {
    // What follows the end of this program is a kernel panic, which ends the machine.
    if let Err(error) = serve() {
        println!("{MARK} failed: {error:#}");
    }
}

fn serve() -> Result<()> {
    drivers::load(Path::new(DRIVERS)).context("drivers")?;
    address::set().context("address")?;
    let address = format!("0.0.0.0:{SERVICE_PORT}");
    // `cli`: components of the standard library import arguments and environment as well.
    let arguments = ["serve", "-Scli", "--addr", &address, COMPONENT_FILE];
    ServeCommand::try_parse_from(arguments)?.execute()
}

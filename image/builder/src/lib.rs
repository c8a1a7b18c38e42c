//! Builds images: ROM, artefact, manifest, reference values; and reads them back, trusting nothing.
//!
//! [`build`] turns a component, its `app.toml` and a ROM into an [`Image`]. It reads no clock, path, user or
//! environment: the same sources give the same bytes. [`Image::write`] puts six files into a folder, the reference
//! values last; [`Image::load`] compares each of them with the reference values and names what differs.
//!
//! | file | what |
//! | --- | --- |
//! | `redoubt.rom` | the guest, for every platform |
//! | `component.wasm` | the program, for whoever wants to recompile it |
//! | `artefact.cwasm` | the program as native code, what the guest runs |
//! | `manifest.json` | what runs, under which limits, on which launch policy |
//! | `reference-values.corim` | the launch measurements, for verifiers that are not ours |
//! | `reference-values.json` | sizes, digests and launch measurements of all of these |
#![forbid(unsafe_code)]

extern crate alloc;

mod app_toml;
mod builder;
mod error;
mod files;
mod image;
mod manifest_json;
mod measurement;
mod summary;
#[cfg(test)]
mod tests;

pub use app_toml::{
    AppEgressRule, AppLaunch, AppLimits, AppService, AppSnp, AppStorage, AppTdx, AppTimeServer, AppTls,
    AppTlsHost, AppToml,
};
pub use builder::{Sources, build};
pub use error::{AppTomlError, BuildError, ImageError};
pub use image::{Image, ImageFile};
pub use summary::Summary;

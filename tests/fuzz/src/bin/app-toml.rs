//! `app.toml`, as the image builder reads it: what is accepted fits a manifest.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_manifest::{EGRESS_MAX, LIST_MAX, METHODS_MAX};
use attestation_toml::SPARE_BYTES;
use image_builder::AppToml;
use tests_fuzz::{Budget, Target};

fn main() -> ExitCode {
    // As many tables and words as a text of any length may have, and no more than that.
    let budget = Budget::with(SPARE_BYTES);
    Target { name: "app-toml", max_bytes: 16 << 10, budget, run }.drive()
}

fn run(input: &[u8]) {
    let Ok(text) = core::str::from_utf8(input) else { return };
    let app = match AppToml::parse(text) {
        Ok(app) => app,
        Err(error) => return drop(error.to_string()),
    };
    assert!(app.args.len() <= LIST_MAX && app.env.len() <= LIST_MAX && app.egress.len() <= EGRESS_MAX);
    assert!(app.egress.iter().all(|rule| rule.methods.len() <= METHODS_MAX));
    let texts = app.args.iter().chain(app.env.values()).chain(app.env.keys()).chain([&app.name]);
    let texts = texts.chain(app.egress.iter().flat_map(|rule| rule.methods.iter().chain([&rule.host])));
    assert!(texts.into_iter().all(|text| !text.contains(['"', '\\', '\n', '\0'])));
    assert!(app.env.keys().all(|name| !name.is_empty() && !name.contains('=')));
    let _limits = app.limits();
}

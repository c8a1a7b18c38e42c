//! `app.toml`, as the image builder reads it: what is accepted fits a manifest.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use attestation_manifest::{EGRESS_MAX, LIST_MAX};
use image_builder::AppToml;
use tests_fuzz::{Budget, SPARE_BYTES, Target};

/// Every dot makes a table, which takes a kilobyte. Whoever writes this file is the one who builds, so this only
/// keeps an eye on growth that is not linear. Errors quote their line and draw under it.
const BUDGET: Budget = Budget { factor: 2048, spare_bytes: 4 * SPARE_BYTES };

fn main() -> ExitCode {
    Target { name: "app-toml", max_bytes: 16 << 10, budget: BUDGET, run }.drive()
}

fn run(input: &[u8]) {
    let Ok(text) = core::str::from_utf8(input) else { return };
    let app = match AppToml::parse(text) {
        Ok(app) => app,
        Err(error) => return drop(error.to_string()),
    };
    assert!(app.args.len() <= LIST_MAX && app.env.len() <= LIST_MAX && app.egress.len() <= EGRESS_MAX);
    let texts = app.args.iter().chain(app.env.values()).chain(app.env.keys()).chain([&app.name]);
    assert!(texts.into_iter().all(|text| !text.contains(['"', '\\', '\n', '\0'])));
    assert!(app.env.keys().all(|name| !name.is_empty() && !name.contains('=')));
    let _limits = app.limits();
}

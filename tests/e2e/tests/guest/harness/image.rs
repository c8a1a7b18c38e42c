//! Images around the tests' components.

use image_builder::{AppToml, Image, Sources, build};

use super::components::component;

/// What most tests run with: the smallest guest that has room, and limits that no honest job of theirs reaches.
pub(crate) const APP: &str = r#"name = "test"
memory_mib = 64
egress = []
[env]
[limits]
component_memory_bytes = 4194304
fuel = 10000000000
input_bytes = 16777216
output_bytes = 16777216
wall_ms = 30000
"#;

/// An image of [`APP`] around the fields of a core module.
pub(crate) fn build_image(rom: &[u8], fields: &str) -> Image {
    build_image_as(rom, fields, APP)
}

/// An image with another `app.toml`.
pub(crate) fn build_image_as(rom: &[u8], fields: &str, app: &str) -> Image {
    build_image_of(rom, &component(fields), app)
}

/// An image around a component.
pub(crate) fn build_image_of(rom: &[u8], component: &[u8], app: &str) -> Image {
    let app = AppToml::parse(app).expect("the test's app.toml is valid");
    build(Sources { component, app: &app, rom }).expect("the test's component builds")
}

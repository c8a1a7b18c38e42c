//! `wasi:logging`: every level.

use self::bindings::wasi::logging::logging::{Level, log};
use crate::say_all;

mod bindings {
    wit_bindgen::generate!({
        inline: "
            package tests:conformance;
            world logs { import wasi:logging/logging@0.1.0-draft; }
        ",
        path: "../../enclave/runtime/wit/deps/logging.wit",
        world: "tests:conformance/logs",
        generate_all,
    });
}

pub(crate) fn check() {
    let levels = [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Critical];
    for level in levels {
        log(level, "context", "message");
    }
    say_all("wasi:logging/logging#log", &[&levels]);
}

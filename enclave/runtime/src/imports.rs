//! Which interfaces a component may import, by name.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use wasmtime::Engine;
use wasmtime::component::Component;

/// Every interface that the guest offers, without version: all of them are WASI 0.2.
const OFFERED: &[&str] = &[
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/stderr",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:cli/terminal-stderr",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/random",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
];

/// Names of the imports that the guest does not offer, in the component's order.
pub(crate) fn unsupported_imports(engine: &Engine, component: &Component) -> Vec<String> {
    let component_type = component.component_type();
    let names = component_type.imports(engine).map(|(name, _)| name);
    names.filter(|name| !is_offered(name)).map(ToString::to_string).collect()
}

fn is_offered(import: &str) -> bool {
    import.split_once('@').is_some_and(|(interface, version)| OFFERED.contains(&interface) && is_0_2(version))
}

/// Whether an export is the entry point of a command.
pub(crate) fn is_command(export: &str) -> bool {
    export.split_once('@').is_some_and(|(interface, version)| interface == "wasi:cli/run" && is_0_2(version))
}

fn is_0_2(version: &str) -> bool {
    version == "0.2" || version.starts_with("0.2.")
}

/// Says at image build what the guest would say at load: whether it offers everything that `component` imports, and
/// what its jobs take.
///
/// # Errors
/// [`RuntimeError::UnsupportedImports`](crate::RuntimeError::UnsupportedImports) with every name; other variants for
/// bytes that are no component, for functions the guest does not know inside an interface that it does, and for a
/// component that is no `wasi:cli/command`.
#[cfg(feature = "compiler")]
pub fn inspect(component: &[u8]) -> Result<crate::Footprint, crate::RuntimeError> {
    let mut config = attestation_artefact::base_config();
    // The code is thrown away.
    config.cranelift_opt_level(wasmtime::OptLevel::None);
    let engine = Engine::new(&config).map_err(crate::RuntimeError::settings)?;
    let component = Component::from_binary(&engine, component).map_err(crate::RuntimeError::component)?;
    crate::Program::link(&engine, &component)?;
    crate::Footprint::of(&component)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_offered_interfaces_of_wasi_0_2_pass() {
        assert!(is_offered("wasi:cli/stdin@0.2.0"));
        assert!(is_offered("wasi:io/streams@0.2.12"));
        assert!(!is_offered("wasi:cli/stdin@0.3.0"));
        assert!(!is_offered("wasi:cli/stdin"));
        assert!(!is_offered("wasi:cli/stdin-x@0.2.0"));
        assert!(!is_offered("wasi:sockets/tcp@0.2.0"));
        assert!(is_command("wasi:cli/run@0.2.3"));
        assert!(!is_command("wasi:cli/run@0.20.0"));
        assert!(!is_command("wasi:cli/runner@0.2.0"));
    }
}

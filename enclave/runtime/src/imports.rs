//! Which interfaces a component may import, by name.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use wasmtime::Engine;
use wasmtime::component::Component;

#[cfg(feature = "compiler")]
use crate::absent::absent_imports;
use crate::absent::is_absent;

/// Every interface that the guest offers: its name and the beginning of the versions that fit.
const OFFERED: &[(&str, &str)] = &[
    ("wasi:cli/environment", "0.2"),
    ("wasi:cli/exit", "0.2"),
    ("wasi:cli/stdin", "0.2"),
    ("wasi:cli/stdout", "0.2"),
    ("wasi:cli/stderr", "0.2"),
    ("wasi:cli/terminal-input", "0.2"),
    ("wasi:cli/terminal-output", "0.2"),
    ("wasi:cli/terminal-stdin", "0.2"),
    ("wasi:cli/terminal-stdout", "0.2"),
    ("wasi:cli/terminal-stderr", "0.2"),
    ("wasi:clocks/monotonic-clock", "0.2"),
    ("wasi:clocks/wall-clock", "0.2"),
    ("wasi:filesystem/types", "0.2"),
    ("wasi:filesystem/preopens", "0.2"),
    ("wasi:http/types", "0.2"),
    ("wasi:http/outgoing-handler", "0.2"),
    ("wasi:io/error", "0.2"),
    ("wasi:io/poll", "0.2"),
    ("wasi:io/streams", "0.2"),
    ("wasi:keyvalue/store", "0.2.0-draft"),
    ("wasi:keyvalue/atomics", "0.2.0-draft"),
    ("wasi:keyvalue/batch", "0.2.0-draft"),
    ("wasi:logging/logging", "0.1.0-draft"),
    ("wasi:random/random", "0.2"),
    ("wasi:random/insecure", "0.2"),
    ("wasi:random/insecure-seed", "0.2"),
    ("redoubt:enclave/failures", "0.1.0"),
    ("redoubt:enclave/evidence", "0.1.0"),
    ("redoubt:enclave/sealing", "0.1.0"),
    ("redoubt:enclave/receipts", "0.1.0"),
    ("redoubt:enclave/inference", "0.1.0"),
    ("redoubt:enclave/checkpoint", "0.1.0"),
];

/// Names of the imports that the guest does not offer, in the component's order; not those that it tolerates.
pub(crate) fn unsupported_imports(engine: &Engine, component: &Component) -> Vec<String> {
    let component_type = component.component_type();
    let names = component_type.imports(engine).map(|(name, _)| name);
    names.filter(|name| !is_offered(name) && !is_absent(name)).map(ToString::to_string).collect()
}

fn is_offered(import: &str) -> bool {
    import.split_once('@').is_some_and(|(interface, version)| {
        OFFERED.iter().any(|(name, start)| *name == interface && is_version(version, start))
    })
}

/// The entry point of a job.
pub(crate) const JOB_EXPORT: &str = "wasi:cli/run";

/// The entry point of a service.
pub(crate) const SERVICE_EXPORT: &str = "wasi:http/incoming-handler";

/// Whether an export is this entry point.
pub(crate) fn is_entry(export: &str, entry: &str) -> bool {
    export
        .split_once('@')
        .is_some_and(|(interface, version)| interface == entry && is_version(version, "0.2"))
}

pub(crate) fn is_version(version: &str, start: &str) -> bool {
    version.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// What there is to know about a component before it is run.
#[cfg(feature = "compiler")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspected {
    /// What it is for.
    pub kind: crate::ProgramKind,
    /// What its runs take.
    pub footprint: crate::Footprint,
    /// Imports whose functions trap when they are called, in the component's order: `wasi:sockets`.
    pub trapping_imports: Vec<String>,
}

/// Says at image build what the guest would say at load: whether it offers everything that `component` imports, and
/// what its jobs take, and which of its imports it must not call.
///
/// # Errors
/// [`RuntimeError::UnsupportedImports`](crate::RuntimeError::UnsupportedImports) with every name; other variants for
/// bytes that are no component, for functions the guest does not know inside an interface that it does, and for a
/// component that is no `wasi:cli/command`.
#[cfg(feature = "compiler")]
pub fn inspect(component: &[u8]) -> Result<Inspected, crate::RuntimeError> {
    let mut config = attestation_artefact::base_config(attestation_artefact::CALL_STACK_DEFAULT_BYTES);
    // The code is thrown away.
    config.cranelift_opt_level(wasmtime::OptLevel::None);
    let engine = Engine::new(&config).map_err(crate::RuntimeError::settings)?;
    let component = Component::from_binary(&engine, component).map_err(crate::RuntimeError::component)?;
    let kind = crate::linked::Linked::of(&engine, &component)?.kind();
    let trapping_imports = absent_imports(&engine, &component);
    Ok(Inspected { kind, footprint: crate::Footprint::of(&component)?, trapping_imports })
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
        assert!(is_offered("wasi:logging/logging@0.1.0-draft"));
        assert!(!is_offered("wasi:logging/logging@0.1.0-draft2"));
        assert!(is_offered("wasi:keyvalue/store@0.2.0-draft"));
        assert!(!is_offered("wasi:keyvalue/store@0.2.0-draft2"));
        assert!(!is_offered("wasi:keyvalue/watch@0.2.0-draft"));
        assert!(is_offered("redoubt:enclave/sealing@0.1.0"));
        assert!(!is_offered("redoubt:enclave/sealing@0.2.0"));
        assert!(!is_offered("wasi:sockets/tcp@0.2.0"));
        assert!(is_entry("wasi:cli/run@0.2.3", JOB_EXPORT));
        assert!(!is_entry("wasi:cli/run@0.20.0", JOB_EXPORT));
        assert!(!is_entry("wasi:cli/runner@0.2.0", JOB_EXPORT));
        assert!(is_entry("wasi:http/incoming-handler@0.2.0", SERVICE_EXPORT));
    }
}

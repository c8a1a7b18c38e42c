//! Which interfaces a component may import, by name, and what stands behind them.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use wasmtime::Engine;
use wasmtime::component::{Component, HasSelf, Linker};

use crate::RuntimeError;
#[cfg(feature = "compiler")]
use crate::absent::absent_imports;
use crate::absent::{self, is_absent};
use crate::bindings::redoubt::enclave;
use crate::bindings::wasi::{cli, clocks, filesystem, http, io, keyvalue, logging, random};
use crate::state::State;

/// An interface that the guest offers.
struct Offer {
    interface: &'static str,
    /// The beginning of the versions that fit.
    version: &'static str,
    /// Defines its functions and resources.
    add: fn(&mut Linker<State>) -> wasmtime::Result<()>,
}

macro_rules! offer {
    ($interface:literal, $version:literal, $module:ident :: $name:ident) => {
        Offer {
            interface: $interface,
            version: $version,
            add: |linker| $module::$name::add_to_linker::<_, HasSelf<_>>(linker, |state| state),
        }
    };
}

/// All of them.
const OFFERED: &[Offer] = &[
    offer!("wasi:cli/environment", "0.2", cli::environment),
    offer!("wasi:cli/exit", "0.2", cli::exit),
    offer!("wasi:cli/stdin", "0.2", cli::stdin),
    offer!("wasi:cli/stdout", "0.2", cli::stdout),
    offer!("wasi:cli/stderr", "0.2", cli::stderr),
    offer!("wasi:cli/terminal-input", "0.2", cli::terminal_input),
    offer!("wasi:cli/terminal-output", "0.2", cli::terminal_output),
    offer!("wasi:cli/terminal-stdin", "0.2", cli::terminal_stdin),
    offer!("wasi:cli/terminal-stdout", "0.2", cli::terminal_stdout),
    offer!("wasi:cli/terminal-stderr", "0.2", cli::terminal_stderr),
    offer!("wasi:clocks/monotonic-clock", "0.2", clocks::monotonic_clock),
    offer!("wasi:clocks/wall-clock", "0.2", clocks::wall_clock),
    offer!("wasi:filesystem/types", "0.2", filesystem::types),
    offer!("wasi:filesystem/preopens", "0.2", filesystem::preopens),
    Offer {
        interface: "wasi:http/types",
        version: "0.2",
        add: |linker| {
            let stable = http::types::LinkOptions::default();
            http::types::add_to_linker::<_, HasSelf<_>>(linker, &stable, |state| state)
        },
    },
    offer!("wasi:http/outgoing-handler", "0.2", http::outgoing_handler),
    offer!("wasi:io/error", "0.2", io::error),
    offer!("wasi:io/poll", "0.2", io::poll),
    offer!("wasi:io/streams", "0.2", io::streams),
    offer!("wasi:keyvalue/store", "0.2.0-draft", keyvalue::store),
    offer!("wasi:keyvalue/atomics", "0.2.0-draft", keyvalue::atomics),
    offer!("wasi:keyvalue/batch", "0.2.0-draft", keyvalue::batch),
    offer!("wasi:logging/logging", "0.1.0-draft", logging::logging),
    offer!("wasi:random/random", "0.2", random::random),
    offer!("wasi:random/insecure", "0.2", random::insecure),
    offer!("wasi:random/insecure-seed", "0.2", random::insecure_seed),
    offer!("redoubt:enclave/failures", "0.1.0", enclave::failures),
    offer!("redoubt:enclave/evidence", "0.1.0", enclave::evidence),
    offer!("redoubt:enclave/sealing", "0.1.0", enclave::sealing),
    offer!("redoubt:enclave/receipts", "0.1.0", enclave::receipts),
    offer!("redoubt:enclave/inference", "0.1.0", enclave::inference),
    offer!("redoubt:enclave/checkpoint", "0.1.0", enclave::checkpoint),
];

/// Offers a component what it imports, and only that: the guest does this while somebody waits for it to boot.
pub(crate) fn linker_for(engine: &Engine, component: &Component) -> Result<Linker<State>, RuntimeError> {
    let mut linker = Linker::new(engine);
    let component_type = component.component_type();
    // Once: the engine describes each import's type on the way to its name.
    let names: Vec<&str> = component_type.imports(engine).map(|(name, _)| name).collect();
    let wanted = |offer: &&Offer| names.iter().any(|name| offer.is(name));
    for offer in OFFERED.iter().filter(wanted) {
        (offer.add)(&mut linker).map_err(RuntimeError::settings)?;
    }
    absent::add_to_linker(&mut linker, engine, component)?;
    Ok(linker)
}

/// Names of the imports that the guest does not offer, in the component's order; not those that it tolerates.
pub(crate) fn unsupported_imports(engine: &Engine, component: &Component) -> Vec<String> {
    let component_type = component.component_type();
    let names = component_type.imports(engine).map(|(name, _)| name);
    names.filter(|name| !is_offered(name) && !is_absent(name)).map(ToString::to_string).collect()
}

fn is_offered(import: &str) -> bool {
    OFFERED.iter().any(|offer| offer.is(import))
}

impl Offer {
    /// Whether an import is this interface.
    fn is(&self, import: &str) -> bool {
        import.split_once('@').is_some_and(|(interface, version)| {
            interface == self.interface && is_version(version, self.version)
        })
    }
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
/// [`RuntimeError::UnsupportedImports`] with every name; other variants for
/// bytes that are no component, for functions the guest does not know inside an interface that it does, and for a
/// component that is no `wasi:cli/command`.
#[cfg(feature = "compiler")]
pub fn inspect(component: &[u8]) -> Result<Inspected, RuntimeError> {
    // No code is run, so none is compiled: that takes a minute for a language's runtime.
    let outline = attestation_artefact::outline(component).map_err(RuntimeError::not_compiled)?;
    let config = attestation_artefact::base_config(attestation_artefact::CALL_STACK_DEFAULT_BYTES);
    let engine = Engine::new(&config).map_err(RuntimeError::settings)?;
    let component = Component::from_binary(&engine, &outline).map_err(RuntimeError::component)?;
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

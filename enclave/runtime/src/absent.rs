//! Imports that a component may have and must not call: `wasi:sockets`, which the guest does not offer.
//!
//! The C libraries that languages bring along import sockets whether or not a program uses them. So these are linked as
//! functions that trap, always and everywhere in the same way.

use alloc::format;
#[cfg(feature = "compiler")]
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use wasmtime::component::types::{ComponentInstance, ComponentItem};
use wasmtime::component::{Component, Linker, LinkerInstance, ResourceType};
use wasmtime::{Engine, Error};

use crate::RuntimeError;
use crate::imports::is_version;
use crate::state::State;

/// The package and its versions.
const PACKAGE: (&str, &str) = ("wasi:sockets/", "0.2");

/// Whether this is the name of an import that is linked as traps.
pub(crate) fn is_absent(import: &str) -> bool {
    let (package, start) = PACKAGE;
    import.strip_prefix(package).and_then(|rest| rest.split_once('@')).is_some_and(|(interface, version)| {
        !interface.is_empty() && !interface.contains('/') && is_version(version, start)
    })
}

/// The names of those that a component has, in its order.
#[cfg(feature = "compiler")]
pub(crate) fn absent_imports(engine: &Engine, component: &Component) -> Vec<String> {
    let component_type = component.component_type();
    let names = component_type.imports(engine).map(|(name, _)| name.to_string());
    names.filter(|name| is_absent(name)).collect()
}

/// Defines all of them: a call is a trap that names the function.
pub(crate) fn add_to_linker(
    linker: &mut Linker<State>,
    engine: &Engine,
    component: &Component,
) -> Result<(), RuntimeError> {
    let mut known = Vec::new();
    for (name, import) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(interface) = import.ty else { continue };
        if is_absent(name) {
            let mut instance = linker.instance(name).map_err(RuntimeError::mismatch)?;
            define(&mut instance, name, &interface, engine, &mut known)?;
        } else {
            known.extend(resources(&interface, engine).map(|(_, resource)| resource));
        }
    }
    Ok(())
}

/// Defines what one interface has. A resource that an earlier one brought, such as a stream, is that one's.
fn define(
    instance: &mut LinkerInstance<'_, State>,
    interface_name: &str,
    interface: &ComponentInstance,
    engine: &Engine,
    known: &mut Vec<ResourceType>,
) -> Result<(), RuntimeError> {
    for (name, resource) in resources(interface, engine) {
        if !known.contains(&resource) {
            known.push(resource);
            let nothing = ResourceType::host::<Socket>();
            instance.resource(name, nothing, |_, _| Ok(())).map_err(RuntimeError::mismatch)?;
        }
    }
    for (name, export) in interface.exports(engine) {
        match export.ty {
            ComponentItem::ComponentFunc(_) => {
                let message = format!("`{interface_name}#{name}` was called: the guest offers no sockets");
                let defined = instance.func_new(name, move |_, _, _, _| Err(Error::msg(message.clone())));
                defined.map_err(RuntimeError::mismatch)?;
            }
            ComponentItem::Resource(_) | ComponentItem::Type(_) => {}
            _ => {
                let reason = format!("import `{interface_name}`: `{name}` is neither a function nor a type");
                return Err(RuntimeError::Mismatch { reason });
            }
        }
    }
    Ok(())
}

/// What no component ever holds: every way to get one traps.
struct Socket;

fn resources<'a>(
    interface: &'a ComponentInstance,
    engine: &'a Engine,
) -> impl Iterator<Item = (&'a str, ResourceType)> {
    interface.exports(engine).filter_map(|(name, export)| match export.ty {
        ComponentItem::Resource(resource) => Some((name, resource)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sockets_of_wasi_0_2_are_absent() {
        assert!(is_absent("wasi:sockets/tcp@0.2.0"));
        assert!(is_absent("wasi:sockets/ip-name-lookup@0.2.12"));
        for other in [
            "wasi:sockets/tcp@0.3.0",
            "wasi:sockets/tcp@0.20.0",
            "wasi:sockets/tcp",
            "wasi:sockets/@0.2.0",
            "wasi:sockets/tcp/x@0.2.0",
            "wasi:sockets@0.2.0",
            "wasi:socket/tcp@0.2.0",
            "other:sockets/tcp@0.2.0",
        ] {
            assert!(!is_absent(other), "{other}");
        }
    }
}

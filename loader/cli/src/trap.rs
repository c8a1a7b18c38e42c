//! Where a job trapped, as places in the component that its author has: the guest knows only what was compiled.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use attestation_manifest::parse_manifest;
use loader_replay::in_component;
use loader_vmm::ImageFiles;

/// The longest text in which places are looked up: an honest guest says no more. Each takes reading a function.
const DETAIL_MAX_BYTES: usize = 8 * 1024;

/// The component of the guest.
#[derive(Debug)]
pub(crate) struct Component {
    path: PathBuf,
    call_stack_bytes: u32,
}

impl Component {
    #[cfg(test)]
    pub(crate) const fn at(path: PathBuf) -> Self {
        Self { path, call_stack_bytes: 1 << 16 }
    }

    pub(crate) fn of(image: &ImageFiles) -> anyhow::Result<Self> {
        let manifest = parse_manifest(image.manifest()).context("manifest.json")?;
        Ok(Self { path: image.component(), call_stack_bytes: manifest.limits.call_stack_bytes })
    }

    /// What the guest says of a trap, with this component's places in the backtrace.
    pub(crate) fn places(&self, detail: String) -> String {
        if detail.len() > DETAIL_MAX_BYTES {
            return detail;
        }
        // Compared with its reference values at launch. If it went away since, the guest's own words are better than none.
        let Ok(component) = fs::read(&self.path) else { return detail };
        in_component(&detail, &component, self.call_stack_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_looked_up_in_the_component_as_long_as_it_is_there() {
        const DETAIL: &str = "wasm trap\nwasm backtrace:\n    0:   0x2f1c - <unknown>!look\n";
        let folder = tempfile::tempdir().unwrap();
        let component = Component::at(folder.path().join("component.wasm"));
        assert_eq!(component.places(DETAIL.to_owned()), DETAIL, "nothing is there");
        // A component without anything, so that no place is its own.
        fs::write(&component.path, b"\0asm\x0d\0\x01\0").unwrap();
        let placed = component.places(DETAIL.to_owned());
        assert_eq!(placed, DETAIL.replace("0x2f1c", "added"));
        let long = DETAIL.repeat(DETAIL_MAX_BYTES / DETAIL.len() + 1);
        assert_eq!(component.places(long.clone()), long, "no honest guest says so much");
        fs::write(&component.path, b"no component").unwrap();
        assert_eq!(component.places(DETAIL.to_owned()), DETAIL, "it is another file now");
    }
}

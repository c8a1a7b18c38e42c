//! Sections of components and modules, as they are taken over without a look at what is in them.

use wasm_encoder::{Component, Module, RawSection};
use wasmparser::{BinaryReader, Payload};

use crate::CompileError;

/// The sections of a component in their order: the number of each, and its contents.
pub(crate) fn component_sections(
    component: &[u8],
) -> impl Iterator<Item = Result<(u8, &[u8]), CompileError>> {
    let contents = component.get(Component::HEADER.len()..).unwrap_or_default();
    let mut reader = BinaryReader::new(contents, 0);
    core::iter::from_fn(move || (!reader.eof()).then(|| next_section(&mut reader)))
}

fn next_section<'a>(reader: &mut BinaryReader<'a>) -> Result<(u8, &'a [u8]), CompileError> {
    let id = reader.read_u8()?;
    let length = reader.read_var_u32()?;
    Ok((id, reader.read_bytes(length as usize)?))
}

/// Copies a section of a core module, if the payload is one.
pub(crate) fn copy_section(
    to: &mut Module,
    module: &[u8],
    payload: &Payload<'_>,
) -> Result<(), CompileError> {
    if let Some((id, range)) = payload.as_section() {
        let data = module.get(range).ok_or_else(|| CompileError::component("a section ends early"))?;
        to.section(&RawSection { id, data });
    }
    Ok(())
}

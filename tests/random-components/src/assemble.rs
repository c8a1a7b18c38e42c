//! Puts core modules in binary form where the text has empty ones.

use wasm_encoder::{Component, ComponentSectionId, RawSection};
use wasmparser::BinaryReader;

/// Which of the text's core modules are empty: those after `$Memory` and `$Outside`.
const RANDOM: usize = 2;
const WITNESS: usize = 3;

/// The component of `world.wat` around `random`, which `witness` calls.
pub(crate) fn assemble(random: &[u8], witness: &[u8]) -> Vec<u8> {
    let world = wat::parse_str(include_str!("world.wat")).expect("the text is valid");
    let mut assembled = Component::new();
    let mut sections = BinaryReader::new(&world[Component::HEADER.len()..], 0);
    let mut modules = 0;
    while let Some((id, data)) = next_section(&mut sections) {
        let data = match modules {
            RANDOM if id == ComponentSectionId::CoreModule as u8 => random,
            WITNESS if id == ComponentSectionId::CoreModule as u8 => witness,
            _ => data,
        };
        modules += usize::from(id == ComponentSectionId::CoreModule as u8);
        assembled.section(&RawSection { id, data });
    }
    assembled.finish()
}

fn next_section<'a>(sections: &mut BinaryReader<'a>) -> Option<(u8, &'a [u8])> {
    if sections.eof() {
        return None;
    }
    let (id, length) = (sections.read_u8(), sections.read_var_u32());
    let (id, length) = (id.expect("the encoder writes whole sections"), length.expect("likewise"));
    Some((id, sections.read_bytes(length as usize).expect("likewise")))
}

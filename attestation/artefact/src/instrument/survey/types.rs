//! Types inside types: bounds their nesting before the validator, which reads them by recursion, sees them.

use alloc::vec::Vec;

use wasmparser::{BinaryReader, ComponentType, ComponentTypeDeclaration};

use crate::CompileError;
use crate::config::WASM_FEATURES;
use crate::instrument::MAX_NESTING;

/// Binary format of components, `componenttype` and `instancetype`: both are lists of declarations.
const LISTS: [u8; 2] = [0x41, 0x42];
/// A declaration of a type.
const TYPE_DECLARATION: u8 = 0x01;

/// Refuses a section of component types in which component and instance types are nested too deep.
pub(super) fn check(section: &[u8]) -> Result<(), CompileError> {
    let mut reader = BinaryReader::new(section, 0);
    reader.set_features(WASM_FEATURES);
    // Of each list that is being read, outermost first, how many entries are to come. The section is the first.
    let mut left = Vec::from([reader.read_var_u32()?]);
    while let Some(entries) = left.pop() {
        let Some(entries) = entries.checked_sub(1) else { continue };
        let is_declaration = !left.is_empty();
        left.push(entries);
        let mut ahead = reader.clone();
        let is_type = !is_declaration || ahead.read_u8()? == TYPE_DECLARATION;
        if is_type && LISTS.contains(&ahead.read_u8()?) {
            if left.len() > MAX_NESTING {
                return Err(CompileError::Nesting { most: MAX_NESTING });
            }
            left.push(ahead.read_var_u32()?);
            reader = ahead;
        } else if is_declaration {
            reader.read::<ComponentTypeDeclaration<'_>>()?;
        } else {
            reader.read::<ComponentType<'_>>()?;
        }
    }
    Ok(())
}

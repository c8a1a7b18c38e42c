//! What takes the space in the ROM, by crate.

use core::fmt::Write as _;
use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SectionFlags};

/// Crates that get a row of their own.
const ROWS: usize = 16;
/// `SHF_ALLOC`: the section is part of the running program.
const ALLOCATED: u64 = 2;

/// A Markdown table of the linked guest's bytes.
pub(super) fn table(elf: &Path) -> Result<String> {
    let bytes = read(elf)?;
    let file = parse(elf, &bytes)?;
    let sections = sections(&file);
    let mut crates: BTreeMap<String, u64> = BTreeMap::new();
    for symbol in file.symbols().filter(|symbol| symbol.size() > 0) {
        if symbol.section_index().is_some_and(|index| sections.contains_key(&index.0)) {
            let name = format!("{:#}", rustc_demangle::demangle(symbol.name().unwrap_or_default()));
            *crates.entry(crate_of(&name)).or_default() += symbol.size();
        }
    }
    let total = sections.values().sum();
    Ok(render(crates, total))
}

/// Bytes of a linked program that lie in memory and come from its file.
pub(super) fn linked_bytes(elf: &Path) -> Result<u64> {
    let bytes = read(elf)?;
    Ok(sections(&parse(elf, &bytes)?).values().sum())
}

fn read(elf: &Path) -> Result<Vec<u8>> {
    std::fs::read(elf).with_context(|| format!("cannot read {}", elf.display()))
}

fn parse<'a>(elf: &Path, bytes: &'a [u8]) -> Result<object::File<'a>> {
    object::File::parse(bytes).with_context(|| format!("{} is no ELF file", elf.display()))
}

/// Index and size of each section that is part of the running program and has bytes in the file.
fn sections(file: &object::File<'_>) -> BTreeMap<usize, u64> {
    let in_rom = |section: &object::Section<'_, '_>| {
        let is_allocated =
            matches!(section.flags(), SectionFlags::Elf { sh_flags } if sh_flags & ALLOCATED != 0);
        is_allocated && section.file_range().is_some()
    };
    file.sections().filter(in_rom).map(|section| (section.index().0, section.size())).collect()
}

fn render(crates: BTreeMap<String, u64>, total: u64) -> String {
    let named: u64 = crates.values().sum();
    let mut rows: Vec<(String, u64)> = crates.into_iter().collect();
    rows.sort_by(|(name_a, a), (name_b, b)| b.cmp(a).then(name_a.cmp(name_b)));
    let rest: u64 = rows.iter().skip(ROWS).map(|(_, bytes)| bytes).sum();
    rows.truncate(ROWS);
    rows.push(("other crates".to_owned(), rest));
    // Constants that the compiler merged have no symbol.
    rows.push(("constants without a name".to_owned(), total.saturating_sub(named)));
    rows.push(("all".to_owned(), total));
    let mut table = String::from("| crate | bytes |\n| --- | ---: |\n");
    for (name, bytes) in rows {
        // Writing to a `String` cannot fail.
        let _infallible = writeln!(table, "| {name} | {bytes} |");
    }
    table
}

/// The crate that a demangled name belongs to: the first path in it.
fn crate_of(name: &str) -> String {
    let mut rest = name;
    loop {
        let before = rest;
        for prefix in ["<", "&", "[", "(", "*", "mut ", "const ", "dyn ", "impl "] {
            rest = rest.strip_prefix(prefix).unwrap_or(rest);
        }
        if rest == before {
            break;
        }
    }
    match rest.split_once("::") {
        Some((first, _)) if first.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') => {
            first.to_owned()
        }
        // A trait implemented for a primitive type: `<u8 as core::fmt::Debug>::fmt`.
        Some((first, _)) if first.contains(" as ") => {
            crate_of(first.rsplit(" as ").next().unwrap_or_default())
        }
        _ if rest.contains(|letter: char| letter.is_whitespace()) => "other".to_owned(),
        _ => "assembly and C names".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_belong_to_crates() {
        assert_eq!(crate_of("core::fmt::write"), "core");
        assert_eq!(crate_of("<alloc::vec::Vec<u8> as core::fmt::Debug>::fmt"), "alloc");
        assert_eq!(crate_of("<&mut dyn wasmtime::Trait as x::Y>::z"), "wasmtime");
        assert_eq!(crate_of("memcpy"), "assembly and C names");
    }

    #[test]
    fn rows_add_up() {
        let crates = (0..20_u64).map(|index| (format!("crate{index:02}"), index)).collect();
        let table = render(crates, 1000);
        assert!(table.contains("| crate19 | 19 |") && table.contains("| other crates | 6 |"), "{table}");
        assert!(
            table.contains("| constants without a name | 810 |") && table.ends_with("| all | 1000 |\n"),
            "{table}"
        );
    }
}

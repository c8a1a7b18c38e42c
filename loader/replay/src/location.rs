//! Where in the component a run trapped or parted: places in what is compiled, as places in the file that its author has.

use attestation_artefact::{Position, Positions};

/// The frames of a backtrace, as places in `component` itself, which was compiled with room for `call_stack_bytes`. Frames
/// in what was added to it say so; whatever else the text says stays.
///
/// Rewrites the component once more, so it takes as long as that.
#[must_use]
pub fn in_component(backtrace: &str, component: &[u8], call_stack_bytes: u32) -> String {
    // What the engine compiled can be rewritten once more, so this does not fail; the text is better than none.
    let Ok(positions) = Positions::of(component, call_stack_bytes) else { return backtrace.to_owned() };
    backtrace.lines().map(|line| frame(line, |offset| positions.original(offset)) + "\n").collect()
}

/// A line of a backtrace, such as `    3:   0x2f1c - app.wasm!<wasm function 12>`; any other line as it is.
fn frame(line: &str, original: impl FnOnce(usize) -> Option<Position>) -> String {
    let parts = line.split_once("0x").and_then(|(before, rest)| Some((before, rest.split_once(" - ")?)));
    let Some((before, (digits, name))) = parts else { return line.to_owned() };
    let Ok(offset) = usize::from_str_radix(digits, 16) else { return line.to_owned() };
    match original(offset) {
        Some(Position { offset, function }) => {
            format!("{before}{offset:#x} - {}", renumbered(name, function))
        }
        None => format!("{before}added - {name}"),
    }
}

/// A name in which the number of a function stands for one.
fn renumbered(name: &str, function: u32) -> String {
    const BEGIN: &str = "<wasm function ";
    let parts = name.split_once(BEGIN).and_then(|(module, rest)| Some((module, rest.split_once('>')?.1)));
    parts.map_or_else(|| name.to_owned(), |(module, after)| format!("{module}{BEGIN}{function}>{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_get_other_places_and_numbers() {
        let to = |position| move |offset| (offset == 0x2f1c).then_some(position).flatten();
        let here = Some(Position { offset: 0x10, function: 7 });
        for (line, expected) in [
            ("    3:   0x2f1c - app!<wasm function 12>", "    3:   0x10 - app!<wasm function 7>"),
            ("    3:   0x2f1c - app!look", "    3:   0x10 - app!look"),
            ("    3:   0x2f1d - app!look", "    3:   added - app!look"),
            ("    3:   0x2f1c", "    3:   0x2f1c"),
            ("   at 0xzz - somewhere", "   at 0xzz - somewhere"),
            (
                "note: using the `WASMTIME_BACKTRACE_DETAILS=1` environment variable",
                "note: using the `WASMTIME_BACKTRACE_DETAILS=1` environment variable",
            ),
            ("", ""),
        ] {
            assert_eq!(frame(line, to(here)), expected);
        }
    }
}

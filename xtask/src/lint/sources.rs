//! Rules on the text of single files.

use super::Finding;
use super::tree::Tree;

const LINES_MAX: usize = 800;
/// Files that may be longer, each for a reason that stands next to it.
const LONG_FILES: [&str; 0] = [];

const CODE: &[&str] = &[".rs", ".s", ".ld", ".sh", "Cargo.toml"];
const RUST: &[&str] = &[".rs"];

/// `file-size`
pub(super) fn file_size(tree: &Tree) -> Vec<Finding> {
    let long = tree.ending(CODE).filter(|(path, _)| !LONG_FILES.contains(path));
    long.map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, count)| *count > LINES_MAX)
        .map(|(path, count)| Finding::file(path, format!("{count} lines")))
        .collect()
}

/// `module-doc`
pub(super) fn module_doc(tree: &Tree) -> Vec<Finding> {
    let bare = tree.ending(RUST).filter(|(_, text)| !text.starts_with("//!"));
    bare.map(|(path, _)| Finding::line(path, 0, "does not open with //!")).collect()
}

/// `to-do-id`
pub(super) fn to_do_id(tree: &Tree) -> Vec<Finding> {
    // Spelled in two parts, because this file is checked too.
    let markers = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    each_line(tree.ending(CODE), |line| {
        let (marker, at) = markers.iter().find_map(|marker| Some((marker, find_word(line, marker)?)))?;
        let rest = line.get(at + marker.len()..).unwrap_or_default();
        let id = rest.strip_prefix("(#").and_then(|rest| rest.split_once(')')).map(|(id, _)| id);
        let has_id = id.is_some_and(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()));
        (!has_id).then(|| format!("{marker} without an issue: write {marker}(#12)"))
    })
}

/// `machine-path`
pub(super) fn machine_path(tree: &Tree) -> Vec<Finding> {
    let places = [
        concat!("/ho", "me/"),
        concat!("/Us", "ers/"),
        concat!("/ro", "ot/"),
        concat!("/wo", "rk/"),
        concat!("C:\\Us", "ers"),
    ];
    each_line(tree.files(), |line| {
        let found = places.iter().find(|place| {
            line.match_indices(**place)
                .any(|(at, _)| !line.get(..at).unwrap_or_default().ends_with(continues_a_path))
        });
        found.map(|place| format!("names a place on one machine: {place}"))
    })
}

/// `wire-size`
pub(super) fn wire_size(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.ending(RUST) {
        let lines: Vec<&str> = text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let Some(name) = declared_struct(line) else { continue };
            let is_header = |line: &&&str| {
                let line = line.trim();
                line.starts_with('#')
                    || line.starts_with("///")
                    || line.starts_with("//")
                    || line.ends_with(")]")
            };
            let attributes: String = lines.iter().take(index).rev().take_while(is_header).copied().collect();
            let is_wire = attributes.contains("#[repr(C") && attributes.contains("Bytes");
            if is_wire && !text.contains(&format!("size_of::<{name}>()")) {
                findings.push(Finding::line(
                    path,
                    index,
                    format!("{name} has no size assertion in this file"),
                ));
            }
        }
    }
    findings
}

fn each_line<'a>(
    files: impl Iterator<Item = (&'a str, &'a str)>,
    check: impl Fn(&str) -> Option<String>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in files {
        for (index, line) in text.lines().enumerate() {
            findings.extend(check(line).map(|message| Finding::line(path, index, message)));
        }
    }
    findings
}

/// Position of `word` where no letter or digit touches it.
fn find_word(line: &str, word: &str) -> Option<usize> {
    let touches = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    line.match_indices(word).map(|(at, _)| at).find(|at| {
        let (before, after) =
            (line.get(..*at).unwrap_or_default(), line.get(at + word.len()..).unwrap_or_default());
        !before.ends_with(touches) && !after.starts_with(touches)
    })
}

/// Whether a path that stands behind this letter is only the rest of a longer, relative one.
fn continues_a_path(letter: char) -> bool {
    letter.is_alphanumeric() || "._-})>]/".contains(letter)
}

/// The name in `pub(crate) struct Name<T> {`.
fn declared_struct(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = match line.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(')')?.1,
        Some(rest) => rest,
        None => line,
    };
    let name = line.trim_start().strip_prefix("struct ")?;
    let end = name.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(name.len());
    name.get(..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(findings: &[Finding]) -> Vec<usize> {
        findings.iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn file_size_bites() {
        let (fits, long) = ("//\n".repeat(LINES_MAX), "//\n".repeat(LINES_MAX + 1));
        let tree = Tree::of(&[("a/fits.rs", &fits), ("a/long.rs", &long), ("a/long.md", &long)]);
        assert_eq!(file_size(&tree), [Finding::file("a/long.rs", "801 lines")]);
    }

    #[test]
    fn module_doc_bites() {
        let tree = Tree::of(&[("a.rs", "//! Says.\n"), ("b.rs", "use x;\n//! late\n"), ("c.s", "nop")]);
        assert_eq!(module_doc(&tree).len(), 1);
        assert_eq!(module_doc(&tree)[0].path, "b.rs");
    }

    #[test]
    fn to_do_id_bites() {
        let marker = concat!("TO", "DO");
        let text = format!(
            "// {marker}: later\n// {marker}(#): no\n// {marker}(#12): yes\n// METODO{marker}\n// {marker}(me)\n"
        );
        assert_eq!(lines(&to_do_id(&Tree::of(&[("a.rs", &text)]))), [1, 2, 5]);
        assert!(to_do_id(&Tree::of(&[("a.md", &text)])).is_empty());
    }

    #[test]
    fn machine_path_bites() {
        let text =
            concat!("see /ho", "me/me/x\nin target/wo", "rk/x\n\"/ro", "ot/.cargo\"\nC:\\Us", "ers\\me\n");
        assert_eq!(lines(&machine_path(&Tree::of(&[("a.md", text)]))), [1, 3, 4]);
    }

    #[test]
    fn wire_size_bites() {
        let wire = "/// Doc.\n#[derive(FromBytes)]\n#[repr(C)]\npub struct Header<T> {\n}\n";
        assert_eq!(lines(&wire_size(&Tree::of(&[("a.rs", wire)]))), [4]);
        let checked = format!("{wire}const _: () = assert!(size_of::<Header>() == 4);\n");
        assert!(wire_size(&Tree::of(&[("a.rs", &checked)])).is_empty());
        let plain = "#[repr(C)]\nstruct NotWire;\n#[derive(IntoBytes)]\nstruct NotC;\n";
        assert!(wire_size(&Tree::of(&[("a.rs", plain)])).is_empty());
    }
}

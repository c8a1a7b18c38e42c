//! Rules on the top level.

use std::collections::BTreeSet;

use super::Finding;
use super::tree::Tree;

/// `room-readme`
pub(super) fn room_readme(tree: &Tree) -> Vec<Finding> {
    let rooms: BTreeSet<&str> = tree.files().filter_map(|(path, _)| Some(path.split_once('/')?.0)).collect();
    rooms
        .into_iter()
        .filter(|room| !room.starts_with('.'))
        .map(|room| format!("{room}/README.md"))
        .filter(|readme| tree.get(readme).is_none_or(|text| text.trim().is_empty()))
        .map(|readme| Finding::file(&readme, "is missing or empty"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_readme_bites() {
        let files = [
            ("a/README.md", "# a"),
            ("a/x.rs", ""),
            ("b/x.rs", ""),
            ("c/README.md", " \n"),
            (".ci/run", ""),
            ("x.md", ""),
        ];
        let found: Vec<String> =
            room_readme(&Tree::of(&files)).into_iter().map(|finding| finding.path).collect();
        assert_eq!(found, ["b/README.md", "c/README.md"]);
    }
}

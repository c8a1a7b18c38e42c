//! What a file may hold, checked on its bytes before anything is built from them.
//!
//! `roxmltree` refuses document types unless asked, so there are no entities to expand, and it walks nested elements
//! without recursion. It still reserves a node for each `<` and an attribute for each `=`, compares the attributes of an
//! element pairwise, and copies the namespaces in scope for each element that declares one: its memory and its time grow
//! faster than the file. Outside of comments, CDATA sections and instructions, which are refused as well, each of these
//! needs the characters that are counted here. The limits are at least twice what the largest published RIM has.

use crate::RimError;

/// Bytes of a file. The largest known RIM has 25 698.
pub const FILE_MAX_BYTES: usize = 60 * 1024;
/// Tags: `<`. Known RIMs have up to 99.
pub const TAGS_MAX: usize = 512;
/// Attributes: `=`. Known RIMs have up to 537.
pub const ATTRIBUTES_MAX: usize = 2048;
/// Namespace declarations: `xmlns`. Known RIMs have 6.
pub const NAMESPACES_MAX: usize = 16;

/// The file as text, when it stays within the limits and has nothing but elements and text.
pub(crate) fn check(bytes: &[u8]) -> Result<&str, RimError> {
    let at_most = |what, limit, found| {
        if found <= limit { Ok(()) } else { Err(RimError::TooMuch { what, limit, found }) }
    };
    at_most("bytes", FILE_MAX_BYTES, bytes.len())?;
    let text =
        core::str::from_utf8(bytes).map_err(|error| RimError::Xml { found: alloc::format!("{error}") })?;
    at_most("tags", TAGS_MAX, text.matches('<').count())?;
    at_most("attributes", ATTRIBUTES_MAX, text.matches('=').count())?;
    at_most("namespaces", NAMESPACES_MAX, text.matches("xmlns").count())?;
    // Comments split text, CDATA and references spell it in other ways, carriage returns are read as something else: none
    // of that is in a RIM, and each has fooled a verifier somewhere.
    for (what, sign) in [
        ("comment, CDATA section or document type", "<!"),
        ("XML declaration or processing instruction", "<?"),
        ("reference", "&"),
        ("carriage return", "\r"),
        ("byte order mark", "\u{feff}"),
    ] {
        if text.contains(sign) {
            return Err(RimError::field("markup", "elements and text only", alloc::format!("a {what}")));
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_has_a_limit_and_a_name() {
        let refused = |text: &str| check(text.as_bytes()).unwrap_err().to_string();
        for (piece, limit, found) in [
            ("<", TAGS_MAX, "RIM: expected at most 512 tags, found 513"),
            ("=", ATTRIBUTES_MAX, "RIM: expected at most 2048 attributes, found 2049"),
            ("xmlns ", NAMESPACES_MAX, "RIM: expected at most 16 namespaces, found 17"),
            (" ", FILE_MAX_BYTES, "RIM: expected at most 61440 bytes, found 61441"),
        ] {
            assert!(check(piece.repeat(limit).as_bytes()).is_ok(), "{piece}");
            assert_eq!(refused(&piece.repeat(limit.saturating_add(1))), found);
        }
        assert!(check(&[0xFF]).unwrap_err().to_string().contains("in UTF-8, found: invalid utf-8"));
        for markup in ["<!-- -->", "<![CDATA[]]>", "<?x?>", "&amp;", "\r", "\u{feff}"] {
            assert!(refused(markup).starts_with("markup: expected elements and text only"), "{markup}");
        }
    }
}

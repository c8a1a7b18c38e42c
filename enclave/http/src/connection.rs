//! Whether a connection goes on after a message (RFC 9112, section 9.3).

use crate::{Fields, Version};

/// Names of the fields that are about the connection and not about the message (RFC 9110, section 7.6.1). Nobody above
/// this layer writes them.
pub(crate) const OWNED: [&str; 7] =
    ["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade", "http2-settings"];

/// What the sender of these fields wants: `close` ends the connection in any version, without a word 1.1 goes on and 1.0
/// does not.
pub(crate) fn persists(version: Version, fields: &Fields) -> bool {
    if fields.lists("connection", "close") {
        return false;
    }
    version == Version::Http11 || fields.lists("connection", "keep-alive")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Field;

    #[test]
    fn versions_differ_in_what_they_do_without_a_word() {
        let table = [
            (Version::Http11, &[][..], true),
            (Version::Http11, &["keep-alive"], true),
            (Version::Http11, &["close"], false),
            (Version::Http11, &["Close"], false),
            (Version::Http11, &["x, close"], false),
            (Version::Http11, &["x", "keep-alive,CLOSE"], false),
            (Version::Http11, &["closed"], true),
            (Version::Http10, &[], false),
            (Version::Http10, &["Keep-Alive"], true),
            (Version::Http10, &["keep-alive", "close"], false),
            (Version::Http10, &["x"], false),
        ];
        for (version, values, expected) in table {
            let fields: Fields =
                values.iter().map(|value| Field::new("Connection", value.as_bytes()).unwrap()).collect();
            assert_eq!(persists(version, &fields), expected, "{version:?} {values:?}");
        }
    }
}

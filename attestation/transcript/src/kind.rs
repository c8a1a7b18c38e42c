//! What an entry can be about.

use core::fmt;

/// What an entry is about. Numbers are part of the format: they are never given to something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(pub u8);

impl Kind {
    /// The monotonic clock was read.
    pub const MONOTONIC_NOW: Self = Self(1);
    /// The wall clock was read.
    pub const WALL_NOW: Self = Self(2);
    /// Which of the polled things are ready.
    pub const READY: Self = Self(3);
    /// Bytes of a stream, or its end.
    pub const STREAM_READ: Self = Self(4);
    /// How much a stream takes.
    pub const STREAM_WRITABLE: Self = Self(5);
    /// A request came in.
    pub const HTTP_REQUEST: Self = Self(6);
    /// A response came in.
    pub const HTTP_RESPONSE: Self = Self(7);
    /// The key-value store was asked something, or told to keep something.
    pub const KEYVALUE: Self = Self(8);
    /// Files that the run began with.
    pub const FILES: Self = Self(9);
    /// A limit of time struck, at this fuel.
    pub const STRUCK: Self = Self(10);
    /// Nothing comes after it.
    pub const END: Self = Self(11);
    /// The guest showed its evidence, or sealed or opened something.
    pub const ENCLAVE: Self = Self(12);

    /// All, by rising number, with their names.
    const NAMES: [(Self, &'static str); 12] = [
        (Self::MONOTONIC_NOW, "monotonic-now"),
        (Self::WALL_NOW, "wall-now"),
        (Self::READY, "ready"),
        (Self::STREAM_READ, "stream-read"),
        (Self::STREAM_WRITABLE, "stream-writable"),
        (Self::HTTP_REQUEST, "http-request"),
        (Self::HTTP_RESPONSE, "http-response"),
        (Self::KEYVALUE, "keyvalue"),
        (Self::FILES, "files"),
        (Self::STRUCK, "struck"),
        (Self::END, "end"),
        (Self::ENCLAVE, "enclave"),
    ];

    /// Its name, where this build knows one. Entries of other kinds are neither written nor read.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        Self::NAMES.into_iter().find(|(kind, _)| *kind == self).map(|(_, name)| name)
    }

    /// Whether this build knows it. On the path of every entry, so the names are left alone.
    #[must_use]
    pub const fn is_known(self) -> bool {
        Self::MONOTONIC_NOW.0 <= self.0 && self.0 <= Self::ENCLAVE.0
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "kind {:#04x}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_the_formats() {
        for number in 0..=u8::MAX {
            assert_eq!(Kind(number).is_known(), Kind(number).name().is_some(), "{number}");
        }
        // Written down a second time, so that a renumbering does not pass unseen.
        let listed = Kind::NAMES.map(|(kind, name)| format!("{} {name}", kind.0)).join(", ");
        assert_eq!(
            listed,
            "1 monotonic-now, 2 wall-now, 3 ready, 4 stream-read, 5 stream-writable, 6 http-request, \
             7 http-response, 8 keyvalue, 9 files, 10 struck, 11 end, 12 enclave"
        );
        assert_eq!((Kind(0).to_string(), Kind(13).to_string()), ("kind 0x00".into(), "kind 0x0d".into()));
    }
}

//! The files that streams and the file system are tried on.

use core::fmt;

use wasip2::filesystem::preopens;
use wasip2::filesystem::types::{Descriptor, DescriptorFlags, ErrorCode, OpenFlags, PathFlags};

/// The one folder that a program has from the start.
pub(crate) struct Root {
    pub(crate) descriptor: Descriptor,
    pub(crate) path: String,
    pub(crate) count: usize,
}

impl Root {
    pub(crate) fn open() -> Self {
        let mut all = preopens::get_directories();
        let count = all.len();
        let (descriptor, path) = all.remove(0);
        Self { descriptor, path, count }
    }

    /// A file to read and write, empty at first.
    pub(crate) fn create(&self, path: &str) -> Descriptor {
        let flags = OpenFlags::CREATE | OpenFlags::TRUNCATE;
        self.open_as(path, flags, DescriptorFlags::READ | DescriptorFlags::WRITE)
    }

    /// Likewise, with this in it.
    pub(crate) fn create_with(&self, path: &str, content: &[u8]) -> Descriptor {
        let file = self.create(path);
        assert_eq!(file.write(content, 0), Ok(content.len() as u64), "{path}");
        file
    }

    pub(crate) fn open_as(&self, path: &str, open: OpenFlags, flags: DescriptorFlags) -> Descriptor {
        self.descriptor
            .open_at(PathFlags::empty(), path, open, flags)
            .unwrap_or_else(|code| panic!("{path}: {code:?}"))
    }
}

/// What is in a file.
pub(crate) fn content(file: &Descriptor) -> String {
    let mut bytes = Vec::new();
    loop {
        let (piece, is_end) = file.read(4096, bytes.len() as u64).expect("the file can be read");
        bytes.extend_from_slice(&piece);
        if is_end || piece.is_empty() {
            return String::from_utf8_lossy(&bytes).into_owned();
        }
    }
}

/// An error code that is shown by its name.
pub(crate) struct Named(ErrorCode);

impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

/// The same, with names for codes.
pub(crate) fn named<T>(result: Result<T, ErrorCode>) -> Result<T, Named> {
    result.map_err(Named)
}

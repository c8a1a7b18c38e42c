//! Writes an initramfs: a cpio archive in the "newc" format (Linux, Documentation/driver-api/early-userspace/
//! buffer-format.rst), uncompressed, because unpacking would count as boot time.

/// File type and permission bits of the entries.
const DIRECTORY: u32 = 0o040_755;
const EXECUTABLE: u32 = 0o100_755;
const CHARACTER_DEVICE: u32 = 0o020_600;

/// An archive in the making.
#[derive(Debug, Default)]
pub(super) struct Initramfs {
    bytes: Vec<u8>,
    entries: u32,
}

/// What an entry is besides its name and contents.
#[derive(Debug, Clone, Copy, Default)]
struct Meta {
    mode: u32,
    /// Major and minor number of a device.
    device: (u32, u32),
}

impl Initramfs {
    /// An archive with the devices that a program expects: a console for its output, and randomness.
    pub(super) fn new() -> Self {
        let mut archive = Self::default();
        archive.entry("dev", Meta { mode: DIRECTORY, device: (0, 0) }, &[]);
        for (name, device) in [("dev/console", (5, 1)), ("dev/random", (1, 8)), ("dev/urandom", (1, 9))] {
            archive.entry(name, Meta { mode: CHARACTER_DEVICE, device }, &[]);
        }
        archive
    }

    /// Adds a file that everybody may read and run. `path` has no leading slash.
    pub(super) fn file(mut self, path: &str, contents: &[u8]) -> Self {
        self.entry(path, Meta { mode: EXECUTABLE, device: (0, 0) }, contents);
        self
    }

    /// Adds a folder for files that come after it.
    pub(super) fn folder(mut self, path: &str) -> Self {
        self.entry(path, Meta { mode: DIRECTORY, device: (0, 0) }, &[]);
        self
    }

    /// The archive.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", Meta::default(), &[]);
        self.bytes
    }

    fn entry(&mut self, name: &str, meta: Meta, contents: &[u8]) {
        self.entries += 1;
        let (major, minor) = meta.device;
        let size = u32::try_from(contents.len()).unwrap_or(u32::MAX);
        let name_size = u32::try_from(name.len() + 1).unwrap_or(u32::MAX);
        // inode, mode, uid, gid, links, mtime, size, device, device number, name size, checksum
        let fields = [self.entries, meta.mode, 0, 0, 1, 0, size, 0, 0, major, minor, name_size, 0];
        self.bytes.extend_from_slice(b"070701");
        fields.iter().for_each(|field| self.bytes.extend_from_slice(format!("{field:08X}").as_bytes()));
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.align();
        self.bytes.extend_from_slice(contents);
        self.align();
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_aligned_and_in_order() {
        let archive = Initramfs::new().file("init", b"12345").finish();
        assert_eq!(archive.len() % 4, 0);
        let text = String::from_utf8(archive).unwrap();
        let headers: Vec<usize> = text.match_indices("070701").map(|(at, _)| at).collect();
        assert_eq!(headers.len(), 6);
        assert!(headers.iter().all(|at| at % 4 == 0));
        let init = &text[headers[4]..];
        assert_eq!(&init[6 + 8..6 + 16], "000081ED", "mode");
        assert_eq!(&init[6 + 6 * 8..6 + 7 * 8], "00000005", "size");
        assert_eq!(&init[110..115], "init\0");
        assert_eq!(&init[116..121], "12345");
        let console = &text[headers[1]..];
        assert_eq!(&console[6 + 9 * 8..6 + 11 * 8], "0000000500000001", "device number");
    }
}

//! The table of certificates that a host hands out with an extended guest request (GHCB specification 56421, section
//! "SNP Extended Guest Request", table "Certificate Data Structure"). Nothing in it is believed because it is there.

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

/// Most entries that are read; hosts supply three.
pub const ENTRIES_MAX: usize = 16;

/// What an entry holds, by its GUID in the byte order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryKind(pub [u8; 16]);

impl EntryKind {
    /// `63da758d-e664-4564-adc5-f4b93be8accd`
    pub const VCEK: Self = Self::of(0x63da_758d_e664_4564_adc5_f4b9_3be8_accd);
    /// `a8074bc2-a25a-483e-aae6-39c045a0b8a1`
    pub const VLEK: Self = Self::of(0xa807_4bc2_a25a_483e_aae6_39c0_45a0_b8a1);
    /// `4ab7b379-bbac-4fe4-a02f-05aef327c782`: ASK or ASVK.
    pub const ASK: Self = Self::of(0x4ab7_b379_bbac_4fe4_a02f_05ae_f327_c782);
    /// `c0b406a4-a803-4952-9743-3fb6014cd0ae`
    pub const ARK: Self = Self::of(0xc0b4_06a4_a803_4952_9743_3fb6_014c_d0ae);

    /// A GUID as it is written, in the mixed byte order in which it is stored: the first three groups little-endian.
    const fn of(guid: u128) -> Self {
        let [a, b, c, d, e, f, g, h, rest @ ..] = guid.to_be_bytes();
        let [i, j, k, l, m, n, o, p] = rest;
        Self([d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p])
    }
}

/// One certificate of the table, as DER or PEM, whatever the host put there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// What it is said to be.
    pub kind: EntryKind,
    /// The bytes.
    pub bytes: &'a [u8],
}

/// A table that is none. The host is guilty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The entry of zeros that ends the table is missing.
    #[error("certificate table: expected an entry of zeros after at most {ENTRIES_MAX} entries, found none")]
    Endless,
    /// An entry that reaches beyond the end, or into the table itself.
    #[error(
        "certificate table entry {index}: expected contents inside {limit} bytes, found offset {offset}, length {length}"
    )]
    Outside {
        /// Which entry.
        index: usize,
        /// Bytes that there are.
        limit: usize,
        /// Offset in the table.
        offset: u32,
        /// Bytes.
        length: u32,
    },
}

/// The entries of a table.
///
/// # Errors
/// No end, or an entry outside the bytes.
pub fn entries(bytes: &[u8]) -> Result<impl Iterator<Item = Entry<'_>>, TableError> {
    let limit = bytes.len();
    let (headers, _) = <[Header]>::ref_from_prefix_with_elems(bytes, headers_that_fit(limit))
        .map_err(|_| TableError::Endless)?;
    let is_end = |header: &Header| header.kind == [0; 16];
    let count = headers.iter().position(is_end).ok_or(TableError::Endless)?;
    let headers = headers.get(..count).unwrap_or_default();
    for (index, header) in headers.iter().enumerate() {
        let (offset, length) = (header.offset.get(), header.length.get());
        header.contents(bytes).ok_or(TableError::Outside { index, limit, offset, length })?;
    }
    Ok(headers
        .iter()
        .filter_map(|header| Some(Entry { kind: EntryKind(header.kind), bytes: header.contents(bytes)? })))
}

fn headers_that_fit(bytes: usize) -> usize {
    bytes.checked_div(size_of::<Header>()).map_or(0, |count| count.min(ENTRIES_MAX + 1))
}

#[derive(Debug, Clone, Copy, FromBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Header {
    kind: [u8; 16],
    offset: U32,
    length: U32,
}

const _: () = assert!(size_of::<Header>() == 24, "56421: an entry of the certificate table has 24 bytes");

impl Header {
    fn contents<'a>(&self, table: &'a [u8]) -> Option<&'a [u8]> {
        let start = usize::try_from(self.offset.get()).ok()?;
        let length = usize::try_from(self.length.get()).ok()?;
        table.get(start..)?.get(..length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(entries: &[(EntryKind, u32, u32)], contents: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (kind, offset, length) in entries {
            bytes.extend(kind.0);
            bytes.extend(offset.to_le_bytes());
            bytes.extend(length.to_le_bytes());
        }
        bytes.extend([0; 24]);
        bytes.extend(contents);
        bytes
    }

    #[test]
    fn guids_are_stored_in_mixed_byte_order() {
        let stored = "8d75da6364e66445adc5f4b93be8accd";
        let written: String = EntryKind::VCEK.0.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(written, stored);
    }

    #[test]
    fn entries_are_found_where_they_say() {
        let bytes = table(&[(EntryKind::VCEK, 72, 3), (EntryKind::ASK, 75, 2)], b"abcde");
        let found: Vec<Entry<'_>> = entries(&bytes).unwrap().collect();
        assert_eq!(found[0], Entry { kind: EntryKind::VCEK, bytes: b"abc" });
        assert_eq!(found[1], Entry { kind: EntryKind::ASK, bytes: b"de" });
        assert_eq!(entries(&table(&[], &[])).unwrap().count(), 0);
    }

    #[test]
    fn tables_without_an_end_and_entries_outside_are_refused() {
        let bytes = table(&[(EntryKind::VCEK, 48, 1)], b"a");
        for length in 0..48 {
            assert!(entries(&bytes[..length]).is_err(), "{length}");
        }
        for (offset, length) in [(49, 1), (48, 2), (u32::MAX, 1), (0, u32::MAX)] {
            let bytes = table(&[(EntryKind::VCEK, offset, length)], b"a");
            let error = entries(&bytes).err().unwrap().to_string();
            assert!(error.contains("entry 0") && error.contains(&offset.to_string()), "{error}");
        }
        let many = table(&[(EntryKind::VCEK, 0, 0); ENTRIES_MAX + 1], &[]);
        assert_eq!(entries(&many).err(), Some(TableError::Endless));
    }
}

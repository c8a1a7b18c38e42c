//! How a platform adds a page to its measurement.
//!
//! Sources: AMD 56860 §8.17.2, `PAGE_INFO`; Intel TDX module ABI, `TDH.MEM.PAGE.ADD` and `TDH.MR.EXTEND`.

use sha2::{Digest, Sha384};

use crate::MEASUREMENT_BYTES;
use crate::page::{MeasuredPage, Operation, PageType};

/// A measurement in the making.
#[derive(Debug, Clone)]
pub(crate) enum Chain {
    /// Each page's `PAGE_INFO` is hashed with the digest before it.
    Snp([u8; MEASUREMENT_BYTES]),
    /// One hash over the records of all operations.
    Tdx(Sha384),
}

impl Chain {
    pub(crate) const SNP: Self = Self::Snp([0; MEASUREMENT_BYTES]);

    pub(crate) fn tdx() -> Self {
        Self::Tdx(Sha384::new())
    }

    /// An operation of the other platform leaves a chain as it is; a launch has none.
    pub(crate) fn extend(&mut self, page: &MeasuredPage<'_>) {
        match (self, page.operation) {
            (Self::Snp(digest), Operation::SnpLaunchUpdate(page_type)) => {
                *digest = launch_update(digest, page_type, page);
            }
            (Self::Tdx(hash), Operation::TdhMemPageAdd) => add_record(hash, b"MEM.PAGE.ADD", page.gpa),
            (Self::Tdx(hash), Operation::TdhMrExtend) => extend_chunks(hash, page),
            (Self::Snp(_), _) | (Self::Tdx(_), Operation::SnpLaunchUpdate(_)) => {}
        }
    }

    pub(crate) fn value(&self) -> [u8; MEASUREMENT_BYTES] {
        match self {
            Self::Snp(digest) => *digest,
            Self::Tdx(hash) => hash.clone().finalize().into(),
        }
    }
}

pub(crate) fn sha384(bytes: &[u8]) -> [u8; MEASUREMENT_BYTES] {
    Sha384::digest(bytes).into()
}

/// Length field of `PAGE_INFO`.
const PAGE_INFO_BYTES: u16 = 0x70;

fn launch_update(
    before: &[u8; MEASUREMENT_BYTES],
    page_type: PageType,
    page: &MeasuredPage<'_>,
) -> [u8; MEASUREMENT_BYTES] {
    let contents = page.contents.bytes().map_or([0; MEASUREMENT_BYTES], |bytes| sha384(&*bytes));
    let mut hash = Sha384::new();
    hash.update(before);
    hash.update(contents);
    hash.update(PAGE_INFO_BYTES.to_le_bytes());
    // Type; not an initial migration image; no permissions for VMPL 3, 2 and 1; reserved.
    hash.update([page_type as u8, 0, 0, 0, 0, 0]);
    hash.update(page.gpa.to_le_bytes());
    hash.finalize().into()
}

/// What one `TDH.MR.EXTEND` covers.
const CHUNK_BYTES: usize = 256;

fn extend_chunks(hash: &mut Sha384, page: &MeasuredPage<'_>) {
    let Some(bytes) = page.contents.bytes() else { return };
    for (gpa, chunk) in (page.gpa..).step_by(CHUNK_BYTES).zip(bytes.chunks_exact(CHUNK_BYTES)) {
        add_record(hash, b"MR.EXTEND", gpa);
        hash.update(chunk);
    }
}

/// 128 bytes: the operation's name, zero-padded to 16; the address; zeros.
fn add_record(hash: &mut Sha384, operation: &[u8], gpa: u64) {
    let mut record = [0; 128];
    record.iter_mut().zip(operation).for_each(|(to, from)| *to = *from);
    record.iter_mut().skip(16).zip(gpa.to_le_bytes()).for_each(|(to, from)| *to = from);
    hash.update(record);
}

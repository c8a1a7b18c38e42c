//! The measurement record.

use super::SpdmError;
use super::layout::{BlockHeader, DMTF, DmtfHeader};
use super::parse::{expect_layout, take, take_struct};

/// Bit 7 of a value's type: raw bytes instead of a digest.
const RAW: u8 = 0x80;

/// One measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measurement<'a> {
    /// Index of its block, from 1.
    pub index: u8,
    /// What was measured in bits 6:0; bit 7 for raw bytes instead of a digest.
    pub value_type: u8,
    /// The value.
    pub value: &'a [u8],
}

impl Measurement<'_> {
    /// Whether the value is raw bytes, and not a digest.
    #[must_use]
    pub const fn is_raw(&self) -> bool {
        self.value_type & RAW != 0
    }
}

/// The measurements of a report, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measurements<'a> {
    record: &'a [u8],
    count: u8,
}

impl<'a> Measurements<'a> {
    /// Accepts a record that `count` blocks as DMTF lays them out fill exactly.
    pub(super) fn parse(record: &'a [u8], count: u8) -> Result<Self, SpdmError> {
        let mut rest = record;
        for _ in 0..count {
            read_block(&mut rest)?;
        }
        match rest.len() {
            0 => Ok(Self { record, count }),
            left => Err(SpdmError::Unused { field: "measurement record", left }),
        }
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> u8 {
        self.count
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Measurement<'a>> + use<'a> {
        let mut rest = self.record;
        // Every block was read once already; an error is the end of the record.
        core::iter::from_fn(move || read_block(&mut rest).ok())
    }

    /// The measurement with this index.
    #[must_use]
    pub fn get(&self, index: u8) -> Option<Measurement<'a>> {
        self.iter().find(|measurement| measurement.index == index)
    }

    pub(super) fn check_order(&self) -> Result<(), SpdmError> {
        let mut after = 0;
        for Measurement { index, .. } in self.iter() {
            if index <= after {
                return Err(SpdmError::Order { after, found: index });
            }
            after = index;
        }
        Ok(())
    }
}

fn read_block<'a>(rest: &mut &'a [u8]) -> Result<Measurement<'a>, SpdmError> {
    let block: &BlockHeader = take_struct(rest, "measurement block")?;
    expect_layout("measurement specification", DMTF, block.measurement_specification)?;
    let mut measurement = take(rest, block.measurement_size.get().into(), "measurement")?;
    let header: &DmtfHeader = take_struct(&mut measurement, "measurement header")?;
    let value = take(&mut measurement, header.value_size.get().into(), "measurement value")?;
    match measurement.len() {
        0 => Ok(Measurement { index: block.index, value_type: header.value_type, value }),
        left => Err(SpdmError::Unused { field: "measurement", left }),
    }
}

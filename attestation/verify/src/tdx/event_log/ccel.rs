//! The log of the firmware.
//!
//! Spec: "TCG PC Client Platform Firmware Profile Specification", sections "TCG_PCR_EVENT", "TCG_PCR_EVENT2" and
//! "Specification ID Version Event"; "Guest-Host Communication Interface for Intel TDX", section "CC event log": the
//! index of an event is 0 for MRTD and 1 to 4 for RTMR0 to RTMR3.

use sha2::{Digest, Sha384};
use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{EventLogError, Rtmrs, extend};

/// Event that describes the log or the machine, and extends nothing.
const EV_NO_ACTION: u32 = 3;
const SPEC_ID: &[u8; 16] = b"Spec ID Event03\0";
/// `TPM_ALG_SHA384`.
const SHA384: u16 = 0x000C;
const SHA384_BYTES: u16 = 48;
/// Index of what is no event: the rest of the region was never written.
const UNWRITTEN: u32 = u32::MAX;
/// Most algorithms that a log may use; those of TDX use one, and TPMs know five.
const ALGORITHMS_MAX: usize = 8;

/// `TCG_PCR_EVENT`, in which only the first event is written, without its data.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct FirstEvent {
    index: U32,
    event_type: U32,
    digest: [u8; 20],
    data_bytes: U32,
}

/// `TCG_EfiSpecIDEventStruct` up to its algorithms.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct SpecId {
    signature: [u8; 16],
    platform_class: U32,
    version_minor: u8,
    version_major: u8,
    errata: u8,
    uintn_size: u8,
    algorithms: U32,
}

/// `TCG_EfiSpecIdEventAlgorithmSize`.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Algorithm {
    id: U16,
    digest_bytes: U16,
}

/// `TCG_PCR_EVENT2` up to its digests.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct EventStart {
    index: U32,
    event_type: U32,
    digests: U32,
}

const _: () = assert!(size_of::<FirstEvent>() == 32, "TCG: TCG_PCR_EVENT has 32 bytes before its data");
const _: () =
    assert!(size_of::<SpecId>() == 28, "TCG: the specification id has 28 bytes before its algorithms");
const _: () = assert!(size_of::<Algorithm>() == 4, "TCG: an algorithm and its size have 4 bytes");
const _: () = assert!(size_of::<EventStart>() == 12, "TCG: TCG_PCR_EVENT2 has 12 bytes before its digests");

/// One event of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// 0 for MRTD, 1 to 4 for RTMR0 to RTMR3.
    pub index: u32,
    /// Type, as TCG numbers them.
    pub event_type: u32,
    /// SHA-384 digest that the register was extended with.
    pub digest: &'a [u8; 48],
    /// What the firmware says it was the digest of, or a description of that.
    pub data: &'a [u8],
}

impl Event<'_> {
    /// Whether the digest is that of the data as they stand. Where it is not, the data are hearsay, even in a log that
    /// leads to the registers of a genuine quote.
    #[must_use]
    pub fn is_digest_of_data(&self) -> bool {
        Sha384::digest(self.data).as_slice() == self.digest
    }

    /// Whether it extended its register.
    #[must_use]
    pub const fn is_extended(&self) -> bool {
        self.event_type != EV_NO_ACTION
    }
}

/// The events of a log behind the first one, in order. It ends behind the first error.
#[derive(Debug, Clone)]
pub struct CcelEvents<'a> {
    input: Input<'a>,
    algorithms: &'a [Algorithm],
    is_done: bool,
}

impl<'a> CcelEvents<'a> {
    /// Reads the first event, which says how the others are written.
    ///
    /// # Errors
    /// The first event is not a specification id of the crypto-agile format with SHA-384 among its algorithms.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, EventLogError> {
        let mut input = Input { bytes, offset: 0 };
        let first: &FirstEvent = input.structure("first event")?;
        if first.event_type.get() != EV_NO_ACTION {
            return Err(input.field("type of the first event", "3, EV_NO_ACTION", first.event_type.get()));
        }
        let mut data = input.part("specification id", first.data_bytes.get())?;
        let id: &SpecId = data.structure("specification id")?;
        if id.signature != *SPEC_ID {
            let found = u32::from(id.signature.first().copied().unwrap_or_default());
            return Err(data.field("signature of the specification id", "Spec ID Event03", found));
        }
        let algorithms = data.algorithms(id.algorithms.get())?;
        let vendor: &[u8; 1] = data.structure("vendor information")?;
        data.part("vendor information", u32::from(vendor[0]))?;
        data.finish("bytes behind the specification id")?;
        Ok(Self { input, algorithms, is_done: false })
    }

    fn read(&mut self) -> Result<Option<Event<'a>>, EventLogError> {
        if self.input.is_at_end() {
            return Ok(None);
        }
        let start: &EventStart = self.input.structure("event")?;
        let (index, event_type, count) = (start.index.get(), start.event_type.get(), start.digests.get());
        if index == 0 && event_type == 0 && count == 0 {
            return Ok(None);
        }
        let digest = self.digest(count)?;
        let bytes: &U32 = self.input.structure("size of the event's data")?;
        let data = self.input.part("event's data", bytes.get())?.bytes;
        Ok(Some(Event { index, event_type, digest, data }))
    }

    /// Reads the digests of an event, one for each algorithm of the log; returns that of SHA-384.
    fn digest(&mut self, count: u32) -> Result<&'a [u8; 48], EventLogError> {
        if usize::try_from(count) != Ok(self.algorithms.len()) {
            return Err(self.input.field("number of digests", "one for each algorithm of the log", count));
        }
        let mut sha384 = None;
        for _ in self.algorithms {
            let id: &U16 = self.input.structure("algorithm of a digest")?;
            let algorithm = self.algorithms.iter().find(|algorithm| algorithm.id == *id);
            let unknown = self.input.field("algorithm of a digest", "one of the log's", id.get());
            let bytes = algorithm.ok_or(unknown)?.digest_bytes.get();
            let digest = self.input.part("digest", bytes.into())?.bytes;
            if id.get() == SHA384 && sha384.replace(digest).is_some() {
                return Err(self.input.field("algorithm of a digest", "each once", SHA384));
            }
        }
        let none = self.input.field("digests of an event", "one of SHA-384", count);
        sha384.and_then(|digest| <&[u8; 48]>::try_from(digest).ok()).ok_or(none)
    }
}

impl<'a> Iterator for CcelEvents<'a> {
    type Item = Result<Event<'a>, EventLogError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let event = self.read().transpose();
        self.is_done = !matches!(event, Some(Ok(_)));
        event
    }
}

/// Extends the registers with every event of the log.
pub(super) fn replay(bytes: &[u8]) -> Result<Rtmrs, EventLogError> {
    let mut rtmrs = [[0; 48]; 4];
    let mut events = CcelEvents::parse(bytes)?;
    while let Some(event) = events.next() {
        let event = event?;
        if !event.is_extended() {
            continue;
        }
        // MRTD is complete before the first instruction of the firmware that writes the log.
        let other = events.input.field("register of the event before", "1 to 4", event.index);
        let register = usize::try_from(event.index).ok().and_then(|index| index.checked_sub(1));
        register.and_then(|register| extend(&mut rtmrs, register, event.digest)).ok_or(other)?;
    }
    Ok(rtmrs)
}

/// What is left to read, and where that is.
#[derive(Debug, Clone)]
struct Input<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Input<'a> {
    fn structure<T: FromBytes + KnownLayout + Immutable + Unaligned>(
        &mut self,
        field: &'static str,
    ) -> Result<&'a T, EventLogError> {
        let truncated = EventLogError::Truncated { field, offset: self.offset };
        let (value, rest) = T::ref_from_prefix(self.bytes).map_err(|_| truncated)?;
        self.advance(rest);
        Ok(value)
    }

    fn part(&mut self, field: &'static str, count: u32) -> Result<Self, EventLogError> {
        let truncated = EventLogError::Truncated { field, offset: self.offset };
        // A count that does not fit an address is beyond every end.
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let (bytes, rest) = self.bytes.split_at_checked(count).ok_or(truncated)?;
        let part = Self { bytes, offset: self.offset };
        self.advance(rest);
        Ok(part)
    }

    fn algorithms(&mut self, count: u32) -> Result<&'a [Algorithm], EventLogError> {
        let limit = self.field("number of algorithms", "1 to 8", count);
        let truncated = EventLogError::Truncated { field: "algorithms", offset: self.offset };
        let count = usize::try_from(count).ok().filter(|count| (1..=ALGORITHMS_MAX).contains(count));
        let list = <[Algorithm]>::ref_from_prefix_with_elems(self.bytes, count.ok_or(limit)?);
        let (algorithms, rest) = list.map_err(|_| truncated)?;
        self.advance(rest);
        let is_sha384 = |algorithm: &Algorithm| {
            algorithm.id.get() == SHA384 && algorithm.digest_bytes.get() == SHA384_BYTES
        };
        if !algorithms.iter().any(is_sha384) {
            let first = algorithms.first().map_or(0, |algorithm| algorithm.id.get());
            return Err(self.field("algorithms", "SHA-384 among them", first));
        }
        Ok(algorithms)
    }

    fn is_at_end(&self) -> bool {
        self.bytes.is_empty() || self.bytes.starts_with(&UNWRITTEN.to_le_bytes())
    }

    fn finish(&self, field: &'static str) -> Result<(), EventLogError> {
        match u32::try_from(self.bytes.len()) {
            Ok(0) => Ok(()),
            found => Err(self.field(field, "none", found.unwrap_or(u32::MAX))),
        }
    }

    fn field(&self, field: &'static str, expected: &'static str, found: impl Into<u64>) -> EventLogError {
        EventLogError::Field { field, offset: self.offset, expected, found: found.into() }
    }

    fn advance(&mut self, rest: &'a [u8]) {
        let read = self.bytes.len().saturating_sub(rest.len());
        self.offset = self.offset.saturating_add(read);
        self.bytes = rest;
    }
}

//! Reports as `go-sev-guest` writes them: each field of the report is a field of its own.
//!
//! Source: `google/go-sev-guest`, `proto/sevsnp.proto`, commit 0c2ba277c52b; layout: 56860, table "ATTESTATION_REPORT".

use alloc::format;
use alloc::string::String;

use attestation_report::SnpReport;
use zerocopy::{FromZeros, IntoBytes};

use crate::protobuf::{Field, Value, fields};

/// Fields of `Report` that tell it from other messages, and their sizes in bytes.
const MARKS: [(u32, usize); 2] = [(12, 48), (28, 512)];
/// All of them, from 1 on.
const NAMES: [&str; 31] = [
    "version",
    "guest_svn",
    "policy",
    "family_id",
    "image_id",
    "vmpl",
    "signature_algo",
    "current_tcb",
    "platform_info",
    "signer_info",
    "report_data",
    "measurement",
    "host_data",
    "id_key_digest",
    "author_key_digest",
    "report_id",
    "report_id_ma",
    "reported_tcb",
    "chip_id",
    "committed_tcb",
    "current_build",
    "current_minor",
    "current_major",
    "committed_build",
    "committed_minor",
    "committed_major",
    "launch_tcb",
    "signature",
    "cpuid1eax_fms",
    "launch_mit_vector",
    "current_mit_vector",
];

/// Whether `bytes` are a message with the marks of a report.
pub(super) fn is_report(bytes: &[u8]) -> bool {
    let is_message = fields(bytes).all(|field| field.is_ok());
    let is_there = |(number, length): (u32, usize)| {
        let is_it = |field: Field<'_>| {
            field.number == number && matches!(field.value, Value::Bytes(bytes) if bytes.len() == length)
        };
        fields(bytes).any(|field| field.is_ok_and(is_it))
    };
    is_message && MARKS.into_iter().all(is_there)
}

/// The report, as 56860 lays it out.
pub(super) fn report(message: &[u8]) -> Result<SnpReport, String> {
    let mut report = SnpReport::new_zeroed();
    let mut seen = 0_u64;
    for field in fields(message) {
        let Field { number, value } = field.map_err(|problem| format!("{problem}"))?;
        let name = usize::try_from(number).ok().and_then(|number| NAMES.get(number.checked_sub(1)?));
        let name = name.ok_or_else(|| format!("field {number} of a report is not known"))?;
        let bit = 1_u64.checked_shl(number).unwrap_or_default();
        if seen & bit != 0 {
            return Err(format!("{name}: expected once, found again"));
        }
        seen |= bit;
        set(&mut report, number, value).map_err(|problem| format!("{name}: {problem}"))?;
    }
    Ok(report)
}

fn set(report: &mut SnpReport, number: u32, value: Value<'_>) -> Result<(), String> {
    match number {
        1 => report.version = at_most(value, u32::MAX)?.into(),
        2 => report.guest_svn = at_most(value, u32::MAX)?.into(),
        3 => report.policy = at_most(value, u64::MAX)?.into(),
        4 => report.family_id = exact(value)?,
        5 => report.image_id = exact(value)?,
        6 => report.vmpl = at_most(value, u32::MAX)?.into(),
        7 => report.signature_algorithm = at_most(value, u32::MAX)?.into(),
        8 => report.current_tcb = at_most(value, u64::MAX)?.into(),
        9 => report.platform_info = at_most(value, u64::MAX)?.into(),
        10 => report.key_info = at_most(value, u32::MAX)?.into(),
        11 => report.report_data = exact(value)?,
        12 => report.measurement = exact(value)?,
        13 => report.host_data = exact(value)?,
        14 => report.id_key_digest = exact(value)?,
        15 => report.author_key_digest = exact(value)?,
        16 => report.report_id = exact(value)?,
        17 => report.report_id_ma = exact(value)?,
        18 => report.reported_tcb = at_most(value, u64::MAX)?.into(),
        19 => report.chip_id = exact(value)?,
        20 => report.committed_tcb = at_most(value, u64::MAX)?.into(),
        21 => report.current_build = at_most(value, u8::MAX)?,
        22 => report.current_minor = at_most(value, u8::MAX)?,
        23 => report.current_major = at_most(value, u8::MAX)?,
        24 => report.committed_build = at_most(value, u8::MAX)?,
        25 => report.committed_minor = at_most(value, u8::MAX)?,
        26 => report.committed_major = at_most(value, u8::MAX)?,
        27 => report.launch_tcb = at_most(value, u64::MAX)?.into(),
        28 => report.signature.as_mut_bytes().copy_from_slice(&exact::<512>(value)?),
        29 => set_processor(report, at_most(value, u32::MAX)?)?,
        30 => report.launch_mit_vector = at_most(value, u64::MAX)?.into(),
        _ => report.current_mit_vector = at_most(value, u64::MAX)?.into(),
    }
    Ok(())
}

/// Family, model and stepping out of `CPUID[1].EAX`, where the family is the sum of two fields (APM volume 3, appendix E).
fn set_processor(report: &mut SnpReport, eax: u32) -> Result<(), String> {
    let bits = |low: u32, mask: u8| {
        eax.checked_shr(low).unwrap_or_default().to_le_bytes().first().map_or(0, |byte| byte & mask)
    };
    let family = bits(8, 0x0F).checked_add(bits(20, 0xFF));
    report.cpuid_family = family.ok_or_else(|| format!("expected a family below 256, found {eax:#x}"))?;
    report.cpuid_model = bits(16, 0x0F) << 4 | bits(4, 0x0F);
    report.cpuid_stepping = bits(0, 0x0F);
    Ok(())
}

/// A number of the size that `limit` is the greatest of.
fn at_most<T: TryFrom<u64> + core::fmt::Display>(value: Value<'_>, limit: T) -> Result<T, String> {
    match value {
        Value::Number(number) => {
            T::try_from(number).map_err(|_| format!("expected at most {limit}, found {number}"))
        }
        Value::Bytes(bytes) => Err(format!("expected a number, found {} bytes", bytes.len())),
    }
}

fn exact<const N: usize>(value: Value<'_>) -> Result<[u8; N], String> {
    match value {
        Value::Bytes(bytes) => {
            bytes.try_into().map_err(|_| format!("expected {N} bytes, found {}", bytes.len()))
        }
        Value::Number(number) => Err(format!("expected {N} bytes, found the number {number}")),
    }
}

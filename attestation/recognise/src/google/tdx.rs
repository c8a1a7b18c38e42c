//! Quotes as `go-tdx-guest` writes them.
//!
//! Source: `google/go-tdx-guest`, `proto/tdx.proto`, commit 082099f56c76. The tables stand in the order of Intel's
//! layout, so that a quote is put together by writing one row after the other in the sizes that Intel gives them.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::protobuf::{Field, Value, fields};

/// What a field becomes.
#[derive(Debug, Clone, Copy)]
enum Part {
    /// A number of so many bytes, little-endian. Where it is zero the message leaves it out.
    Number(usize),
    /// So many bytes.
    Exact(usize),
    /// So many fields of so many bytes each.
    Repeated(usize, usize),
    /// As many bytes as there are.
    Any,
    /// A message of its own.
    Message(&'static [Row]),
}

/// Its number, its name and what it becomes.
type Row = (u32, &'static str, Part);

/// Most fields of one number: the registers.
const VALUES_MAX: usize = 4;
/// TDX, where the header has its number.
const TEE_TYPE: u64 = 0x81;

const QUOTE_V4: &[Row] = &[
    (1, "header", Part::Message(HEADER)),
    (2, "td_quote_body", Part::Message(BODY)),
    (3, "signed_data_size", Part::Number(4)),
    (4, "signed_data", Part::Message(SIGNED_DATA)),
    (5, "extra_bytes", Part::Any),
];
const QUOTE_V5: &[Row] = &[
    (1, "header", Part::Message(HEADER)),
    (2, "td_quote_body_descriptor", Part::Message(BODY_DESCRIPTOR)),
    (3, "signed_data_size", Part::Number(4)),
    (4, "signed_data", Part::Message(SIGNED_DATA)),
    (5, "extra_bytes", Part::Any),
];
const HEADER: &[Row] = &[
    (1, "version", Part::Number(2)),
    (2, "attestation_key_type", Part::Number(2)),
    (3, "tee_type", Part::Number(4)),
    (5, "pce_svn", Part::Exact(2)),
    (4, "qe_svn", Part::Exact(2)),
    (6, "qe_vendor_id", Part::Exact(16)),
    (7, "user_data", Part::Exact(20)),
];
const BODY: &[Row] = BODY_V5.split_at(12).0;
const BODY_DESCRIPTOR: &[Row] = &[
    (1, "td_quote_body_type", Part::Number(2)),
    (2, "td_quote_body_size", Part::Number(4)),
    (3, "td_quote_body_v5", Part::Message(BODY_V5)),
];
/// Of a TD report 1.5; one of 1.0 leaves the last two out, and `QuoteV4` has no place for them.
const BODY_V5: &[Row] = &[
    (1, "tee_tcb_svn", Part::Exact(16)),
    (2, "mr_seam", Part::Exact(48)),
    (3, "mr_signer_seam", Part::Exact(48)),
    (4, "seam_attributes", Part::Exact(8)),
    (5, "td_attributes", Part::Exact(8)),
    (6, "xfam", Part::Exact(8)),
    (7, "mr_td", Part::Exact(48)),
    (8, "mr_config_id", Part::Exact(48)),
    (9, "mr_owner", Part::Exact(48)),
    (10, "mr_owner_config", Part::Exact(48)),
    (11, "rtmrs", Part::Repeated(4, 48)),
    (12, "report_data", Part::Exact(64)),
    (13, "tee_tcb_svn2", Part::Any),
    (14, "mr_service_td", Part::Any),
];
const SIGNED_DATA: &[Row] = &[
    (1, "signature", Part::Exact(64)),
    (2, "ecdsa_attestation_key", Part::Exact(64)),
    (3, "certification_data", Part::Message(CERTIFICATION_DATA)),
];
const CERTIFICATION_DATA: &[Row] = &[
    (1, "certificate_data_type", Part::Number(2)),
    (2, "size", Part::Number(4)),
    (3, "qe_report_certification_data", Part::Message(QE_REPORT_CERTIFICATION_DATA)),
];
const QE_REPORT_CERTIFICATION_DATA: &[Row] = &[
    (1, "qe_report", Part::Message(ENCLAVE_REPORT)),
    (2, "qe_report_signature", Part::Exact(64)),
    (3, "qe_auth_data", Part::Message(QE_AUTH_DATA)),
    (4, "pck_certificate_chain_data", Part::Message(PCK_CHAIN)),
];
const ENCLAVE_REPORT: &[Row] = &[
    (1, "cpu_svn", Part::Exact(16)),
    (2, "misc_select", Part::Number(4)),
    (3, "reserved1", Part::Exact(28)),
    (4, "attributes", Part::Exact(16)),
    (5, "mr_enclave", Part::Exact(32)),
    (6, "reserved2", Part::Exact(32)),
    (7, "mr_signer", Part::Exact(32)),
    (8, "reserved3", Part::Exact(96)),
    (9, "isv_prod_id", Part::Number(2)),
    (10, "isv_svn", Part::Number(2)),
    (11, "reserved4", Part::Exact(60)),
    (12, "report_data", Part::Exact(64)),
];
const QE_AUTH_DATA: &[Row] = &[(1, "parsed_data_size", Part::Number(2)), (2, "data", Part::Any)];
const PCK_CHAIN: &[Row] = &[
    (1, "certificate_data_type", Part::Number(2)),
    (2, "size", Part::Number(4)),
    (3, "pck_cert_chain", Part::Any),
];

/// What is wrong with a message, and in which of its fields.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub(super) struct WrongQuote {
    /// Names, outermost first.
    path: String,
    problem: String,
}

impl WrongQuote {
    fn new(path: &str, problem: String) -> Self {
        Self { path: path.into(), problem }
    }

    fn within(self, name: &str) -> Self {
        let path = if self.path.is_empty() { name.into() } else { format!("{name}.{}", self.path) };
        Self { path, ..self }
    }
}

/// Whether `bytes` are a message with a header that speaks of TDX.
pub(super) fn is_quote(bytes: &[u8]) -> bool {
    header(bytes).is_some_and(|header| number_of(header, 3) == Some(TEE_TYPE))
        && fields(bytes)
            .all(|field| field.is_ok_and(|field| QUOTE_V4.iter().any(|row| row.0 == field.number)))
}

/// The quote, as Intel lays it out.
pub(super) fn quote(bytes: &[u8]) -> Result<Vec<u8>, WrongQuote> {
    let version = header(bytes).and_then(|header| number_of(header, 1));
    let rows = match version {
        Some(4) => QUOTE_V4,
        Some(5) => QUOTE_V5,
        found => {
            let problem = format!("expected 4 or 5, found {}", found.unwrap_or_default());
            return Err(WrongQuote::new("header.version", problem));
        }
    };
    let mut quote = Vec::new();
    write(&mut quote, bytes, rows)?;
    Ok(quote)
}

fn header(quote: &[u8]) -> Option<&[u8]> {
    fields(quote).find_map(|field| match field.ok()? {
        Field { number: 1, value: Value::Bytes(header) } => Some(header),
        _ => None,
    })
}

fn number_of(message: &[u8], wanted: u32) -> Option<u64> {
    fields(message).find_map(|field| match field.ok()? {
        Field { number, value: Value::Number(value) } if number == wanted => Some(value),
        _ => None,
    })
}

/// Appends `message` field by field.
fn write(into: &mut Vec<u8>, message: &[u8], rows: &[Row]) -> Result<(), WrongQuote> {
    for field in fields(message) {
        let field = field.map_err(|problem| WrongQuote::new("", format!("{problem}")))?;
        if rows.iter().all(|row| row.0 != field.number) {
            return Err(WrongQuote::new("", format!("field {} is not known", field.number)));
        }
    }
    for (number, name, part) in rows {
        let values = fields(message).filter_map(Result::ok).filter(|field| field.number == *number);
        // One more than any row wants: enough to know that there are too many.
        let values: Vec<Value<'_>> = values.map(|field| field.value).take(VALUES_MAX + 1).collect();
        match (part, values.as_slice()) {
            (Part::Message(rows), [Value::Bytes(message)]) => {
                write(into, message, rows).map_err(|wrong| wrong.within(name))?;
            }
            (part, values) => {
                write_part(into, values, *part).map_err(|problem| WrongQuote::new(name, problem))?;
            }
        }
    }
    Ok(())
}

fn write_part(into: &mut Vec<u8>, values: &[Value<'_>], part: Part) -> Result<(), String> {
    match (part, values) {
        (Part::Number(_), []) => write_number(into, 0, part),
        (Part::Number(_), [Value::Number(number)]) => write_number(into, *number, part),
        (Part::Exact(size), [Value::Bytes(bytes)]) if bytes.len() == size => {
            into.extend_from_slice(bytes);
            Ok(())
        }
        (Part::Repeated(count, size), values) if values.len() == count => {
            values.iter().try_for_each(|value| write_part(into, &[*value], Part::Exact(size)))
        }
        (Part::Any, []) => Ok(()),
        (Part::Any, [Value::Bytes(bytes)]) => {
            into.extend_from_slice(bytes);
            Ok(())
        }
        (part, values) => Err(format!("expected {}, found {}", part.expected(), found(values))),
    }
}

fn write_number(into: &mut Vec<u8>, number: u64, part: Part) -> Result<(), String> {
    let Part::Number(size) = part else { return Ok(()) };
    let bytes = number.to_le_bytes();
    let (low, high) = bytes.split_at_checked(size).unwrap_or((&bytes, &[]));
    if high.iter().any(|byte| *byte != 0) {
        return Err(format!("expected {}, found {number}", part.expected()));
    }
    into.extend_from_slice(low);
    Ok(())
}

impl Part {
    fn expected(self) -> String {
        match self {
            Self::Number(size) => format!("a number of {size} bytes"),
            Self::Exact(size) => format!("{size} bytes"),
            Self::Repeated(count, size) => format!("{count} times {size} bytes"),
            Self::Any => "bytes, once".into(),
            Self::Message(_) => "a message, once".into(),
        }
    }
}

fn found(values: &[Value<'_>]) -> String {
    match values {
        [] => "nothing".into(),
        [Value::Number(number)] => format!("the number {number}"),
        [Value::Bytes(bytes)] => format!("{} bytes", bytes.len()),
        values if values.len() > VALUES_MAX => format!("more than {VALUES_MAX} fields"),
        values => format!("{} fields", values.len()),
    }
}

//! Evidence as Google's `go-sev-guest` and `go-tdx-guest` write it: messages of Protocol Buffers in which each field of the
//! report or quote is a field of its own.
//!
//! What was signed is put together again as AMD and Intel lay it out; whether it is that, its signature says. A field that
//! is not known is refused: the signature could not hold without it.

mod snp;
mod tdx;

use zerocopy::IntoBytes as _;

use crate::protobuf::{Field, NoMessage, Value, fields};
use crate::{Items, Kind, RecogniseError};

/// Fields of `Attestation`.
const REPORT: u32 = 1;
const CERTIFICATE_CHAIN: u32 = 2;
const PRODUCT: u32 = 3;
/// Fields of `CertificateChain`. What hosts add of their own, `firmware_cert` and `extras`, is endorsed by nobody here.
const CERTIFICATES: [(u32, &str); 4] = [(1, "vcek_cert"), (6, "vlek_cert"), (2, "ask_cert"), (3, "ark_cert")];

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Message {
    /// `Attestation` of SEV-SNP: a report and its certificates.
    Attestation,
    /// `Report` of SEV-SNP alone.
    Report,
    /// `QuoteV4` or `QuoteV5` of TDX.
    Quote,
}

/// Which message `bytes` look like.
pub(crate) fn message(bytes: &[u8]) -> Option<Message> {
    if snp::is_report(bytes) {
        return Some(Message::Report);
    }
    if tdx::is_quote(bytes) {
        return Some(Message::Quote);
    }
    let mut has_report = false;
    for field in fields(bytes) {
        match field.ok()? {
            Field { number: REPORT, value: Value::Bytes(report) } => has_report |= snp::is_report(report),
            Field { number: CERTIFICATE_CHAIN | PRODUCT, value: Value::Bytes(_) } => {}
            _ => return None,
        }
    }
    has_report.then_some(Message::Attestation)
}

impl Items {
    /// What [`message`] says that it is.
    pub(crate) fn read_google(&mut self, message: Message, bytes: &[u8]) -> Result<(), RecogniseError> {
        let tool = if message == Message::Quote { "go-tdx-guest" } else { "go-sev-guest" };
        self.unwrap(alloc::format!("protobuf of {tool}"), |items| match message {
            Message::Report => items.read_google_report(bytes),
            Message::Quote => {
                let quote = tdx::quote(bytes).map_err(|problem| items.malformed(problem))?;
                items.push(Kind::TdxQuote, &quote)
            }
            Message::Attestation => fields(bytes).try_for_each(|field| match items.message_field(field)? {
                (REPORT, Value::Bytes(report)) => items.read_google_report(report),
                (CERTIFICATE_CHAIN, Value::Bytes(chain)) => items.read_google_chain(chain),
                // What product it is, the report says itself, and signed.
                _ => Ok(()),
            }),
        })
    }

    fn read_google_report(&mut self, message: &[u8]) -> Result<(), RecogniseError> {
        let report = snp::report(message).map_err(|problem| self.malformed(problem))?;
        self.push(Kind::SnpReport, report.as_bytes())
    }

    fn read_google_chain(&mut self, message: &[u8]) -> Result<(), RecogniseError> {
        for field in fields(message) {
            let (number, value) = self.message_field(field)?;
            let name = CERTIFICATES.iter().find(|(known, _)| *known == number);
            if let (Some((_, name)), Value::Bytes(bytes)) = (name, value) {
                self.unwrap(*name, |items| items.read(bytes))?;
            }
        }
        Ok(())
    }

    fn message_field<'a>(
        &self,
        field: Result<Field<'a>, NoMessage>,
    ) -> Result<(u32, Value<'a>), RecogniseError> {
        let field = field.map_err(|problem| self.malformed(problem))?;
        Ok((field.number, field.value))
    }
}

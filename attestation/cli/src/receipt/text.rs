//! A verdict on receipts and what was fetched, for people.

use core::fmt::{self, Write};

use attestation_evidence::text::{printable, printable_line};
use attestation_manifest::HexDigest;
use attestation_receipt::{BodySide, Content, Field, Kind, Piece, Value};
use attestation_x509::Instant;
use sha2::{Digest, Sha256};

use super::{Checked, Fetched, KnownBound, tls_names};
use crate::render::{self, Colours, Paint};

/// Columns of a line.
const LINE_COLUMNS: usize = 100;
/// Letters of a field that are shown.
const VALUE_MAX_CHARS: usize = 400;
/// Bytes of a body that are shown as text.
const TEXT_MAX_BYTES: usize = 4096;
/// Leaves before the fields: method, scheme, authority, path. Their places are always the same.
const HEAD_LEAVES: u64 = 4;

/// One line per check, notes, the verdict, and if it accepts what was fetched: `>` is before what was asked, `<` before what
/// was answered, `|` before lines of bodies.
#[must_use]
pub fn table(checked: &Checked, colours: Colours) -> String {
    let mut text = render::table(&checked.verdict, colours);
    // Writing to a `String` is infallible.
    let done = write_fetched(&mut text, checked, Paint(colours));
    debug_assert!(done.is_ok(), "a receipt failed to print");
    text
}

fn write_fetched(text: &mut String, checked: &Checked, paint: Paint) -> fmt::Result {
    if !checked.verdict.is_accepted() {
        let shown = "redoubt-verify show prints what it says all the same, whoever says it";
        return writeln!(text, "Nothing of it is to be believed; {shown}.");
    }
    checked.fetched.iter().try_for_each(|fetched| write_exchange(text, fetched, paint))
}

fn write_exchange(text: &mut String, fetched: &Fetched, paint: Paint) -> fmt::Result {
    let receipt = fetched.receipt.receipt();
    let title = format!("Fetched from {}, {}", receipt.peer.host, fetched.name);
    writeln!(text, "\n{}", paint.bold(&printable_line(&title)))?;
    let (peer, tls, run) = (&receipt.peer, &receipt.tls, &receipt.run);
    write_named(text, "receipt", &format!("number {} since boot", receipt.number))?;
    write_named(text, "run", &format!("number {} since boot, exchange {}", run.sequence, run.exchange))?;
    write_named(text, "address", &format!("{}:{}", peer.address, peer.port))?;
    let names = [tls_names::version(tls.version), tls_names::cipher_suite(tls.cipher_suite)];
    write_named(text, "TLS", &format!("{}, {}", names.join(", "), tls_names::group(tls.group)))?;
    let validity = span(tls.validity.not_before_s, tls.validity.not_after_s);
    write_named(text, "certificates", &format!("valid {validity}"))?;
    let asserted = span(receipt.time.earliest_s, receipt.time.latest_s);
    write_named(text, "time", &format!("{asserted}, as the guest held it"))?;
    if let Some(bounds) = &fetched.bounds {
        write_named(text, "not before", &bound(&bounds.not_before))?;
        write_named(text, "not after", &bound(&bounds.not_after))?;
    }
    write_contents(text, fetched)
}

fn write_named(text: &mut String, name: &str, value: &str) -> fmt::Result {
    writeln!(text, "  {name:<14}{}", printable_line(value))
}

fn span(from_s: u64, to_s: u64) -> String {
    format!("{} to {}", Instant::from_unix_seconds(from_s), Instant::from_unix_seconds(to_s))
}

fn bound(bound: &KnownBound) -> String {
    let time = Instant::from_unix_seconds(bound.second());
    match bound {
        KnownBound::Proven { server, .. } => format!("{time}, signed by {server}"),
        KnownBound::Asserted { .. } => format!("{time}, only asserted by the guest"),
    }
}

fn write_contents(text: &mut String, fetched: &Fetched) -> fmt::Result {
    let contents = fetched.receipt.contents();
    write_request_line(text, &contents)?;
    for content in contents {
        match content {
            // Of those before, the request line has said it.
            Content::Hidden { first, count } => {
                let count = first.saturating_add(count).saturating_sub(first.max(HEAD_LEAVES));
                if count > 0 {
                    writeln!(text, "  hidden ({})", leaves(count))?;
                }
            }
            Content::Shown { value, .. } => write_value(text, fetched, value)?,
        }
    }
    Ok(())
}

/// What is shown of method, scheme, authority and path, and how many of them are not.
fn write_request_line(text: &mut String, contents: &[Content<'_>]) -> fmt::Result {
    let (mut line, mut shown) = (String::new(), 0);
    for content in contents {
        let Content::Shown { value, .. } = content else { continue };
        match value {
            Value::Method(method) => write!(line, "{method} ")?,
            Value::Scheme(scheme) => write!(line, "{scheme}://")?,
            Value::Authority(part) | Value::PathWithQuery(part) => line.push_str(part),
            _ => continue,
        }
        shown += 1;
    }
    if shown > 0 {
        write_wrapped(text, "  > ", &cut(line.trim_end()))?;
    }
    match HEAD_LEAVES.saturating_sub(shown) {
        0 => Ok(()),
        hidden => writeln!(text, "  > hidden ({})", leaves(hidden)),
    }
}

fn leaves(count: u64) -> String {
    if count == 1 { "1 leaf".into() } else { format!("{count} leaves") }
}

fn write_value(text: &mut String, fetched: &Fetched, value: &Value) -> fmt::Result {
    let arrow = if value.kind() < Kind::Status { "  > " } else { "  < " };
    match value {
        Value::Method(_) | Value::Scheme(_) | Value::Authority(_) | Value::PathWithQuery(_) => Ok(()),
        Value::Status(status) => writeln!(text, "{arrow}{status}"),
        Value::RequestField(field) | Value::ResponseField(field) => write_field(text, arrow, field),
        Value::RequestTrailer(field) | Value::ResponseTrailer(field) => {
            write_field(text, &format!("{arrow}trailer "), field)
        }
        Value::RequestBody(body) => write_body(text, arrow, body.bytes, fetched, BodySide::Request),
        Value::ResponseBody(body) => write_body(text, arrow, body.bytes, fetched, BodySide::Response),
    }
}

fn write_field(text: &mut String, arrow: &str, Field { name, value }: &Field) -> fmt::Result {
    let value = str::from_utf8(value).map_or_else(|_| value.escape_ascii().to_string(), ToOwned::to_owned);
    write_wrapped(text, arrow, &cut(&format!("{name}: {value}")))
}

fn cut(line: &str) -> String {
    let count = line.chars().count();
    if count <= VALUE_MAX_CHARS {
        return line.to_owned();
    }
    let shown: String = line.chars().take(VALUE_MAX_CHARS).collect();
    format!("{shown}… ({count} letters)")
}

/// One line of a stranger, in as many of ours as it takes. Tabs stay.
fn write_wrapped(text: &mut String, start: &str, line: &str) -> fmt::Result {
    let shown = printable(&line.replace('\n', "\\u{a}"));
    let room = LINE_COLUMNS.saturating_sub(start.len());
    let shown: Vec<char> = shown.chars().collect();
    let mut start = start.to_owned();
    if shown.is_empty() {
        return writeln!(text, "{}", start.trim_end());
    }
    for piece in shown.chunks(room.max(1)) {
        writeln!(text, "{start}{}", piece.iter().collect::<String>())?;
        start = " ".repeat(start.len());
    }
    Ok(())
}

fn write_body(text: &mut String, arrow: &str, bytes: u64, fetched: &Fetched, side: BodySide) -> fmt::Result {
    if bytes == 0 {
        return writeln!(text, "{arrow}no body");
    }
    writeln!(text, "{arrow}body, {bytes} bytes:")?;
    for run in runs(fetched.receipt.pieces(side).unwrap_or_default()) {
        match run {
            Run::Hidden(bytes) => writeln!(text, "    hidden ({bytes} bytes)")?,
            Run::Shown(bytes) => write_bytes(text, &bytes)?,
        }
    }
    Ok(())
}

/// Bytes after each other of which all are shown, or none.
enum Run {
    Shown(Vec<u8>),
    Hidden(u64),
}

fn runs(pieces: Vec<Piece<'_>>) -> Vec<Run> {
    let mut runs = Vec::new();
    for piece in pieces {
        match (piece, runs.last_mut()) {
            (Piece::Hidden { bytes, .. }, _) => runs.push(Run::Hidden(bytes)),
            (Piece::Shown { bytes, .. }, Some(Run::Shown(before))) => before.extend_from_slice(bytes),
            (Piece::Shown { bytes, .. }, _) => runs.push(Run::Shown(bytes.to_vec())),
        }
    }
    runs
}

/// The beginning of a text; of anything else, and of what is longer, a hash that other tools know.
fn write_bytes(text: &mut String, bytes: &[u8]) -> fmt::Result {
    let length = bytes.len();
    let digest = HexDigest::<32>(Sha256::digest(bytes).into());
    let Ok(body) = str::from_utf8(bytes) else {
        return writeln!(text, "    {length} bytes that are no text, SHA-256:\n    {digest}");
    };
    let end = body.floor_char_boundary(TEXT_MAX_BYTES);
    for line in body.get(..end).unwrap_or_default().lines() {
        write_wrapped(text, "    | ", line)?;
    }
    if end < length {
        writeln!(text, "    cut here: {length} bytes are shown in the receipt, SHA-256:\n    {digest}")?;
    }
    Ok(())
}

//! Measurements for people.

use core::fmt::{self, Write};

use attestation_evidence::text::printable_line;

use super::{Comparison, DiffReport, First, LaunchWay, Line, MeasureReport, Measured, PageCounts, RomFile};
use crate::render::{Colours, Paint};

/// One paragraph per measurement; with a transcript, one line per page before it.
#[must_use]
pub fn measurements(report: &MeasureReport) -> String {
    written(|text| {
        write_rom(text, "ROM", &report.rom)?;
        report.measurements.iter().try_for_each(|measured| write_measured(text, measured))
    })
}

/// Both files, then one paragraph per comparison, then the verdict.
#[must_use]
pub fn differences(report: &DiffReport, colours: Colours) -> String {
    written(|text| {
        write_rom(text, "A", &report.a)?;
        write_rom(text, "B", &report.b)?;
        report.comparisons.iter().try_for_each(|comparison| write_comparison(text, comparison))?;
        writeln!(text)?;
        write_verdict(text, report, Paint(colours))
    })
}

fn written(write: impl FnOnce(&mut String) -> fmt::Result) -> String {
    let mut text = String::new();
    // Writing to a `String` is infallible.
    let done = write(&mut text);
    debug_assert!(done.is_ok(), "a table failed to print");
    text
}

fn write_rom(text: &mut String, label: &str, rom: &RomFile) -> fmt::Result {
    writeln!(text, "{label:<3}  {}, {} bytes", printable_line(&rom.file), rom.bytes)?;
    writeln!(text, "     SHA-256 {}", rom.sha256)
}

fn write_measured(text: &mut String, measured: &Measured) -> fmt::Result {
    writeln!(text, "\n{}: {}", measured.way.title(), measured.way.description())?;
    if let Some(transcript) = &measured.transcript {
        write_transcript(text, measured.way, transcript)?;
    }
    writeln!(text, "  {}", measured.digest)?;
    let PageCounts { contents, addresses, vmsas } = measured.pages;
    match measured.way {
        LaunchWay::Snp(_) => {
            writeln!(
                text,
                "  pages: {contents} of the ROM, {addresses} of sections, {vmsas} of register state"
            )
        }
        LaunchWay::Tdx(_) => writeln!(text, "  pages: {addresses} added, {contents} of them measured"),
    }
}

/// Digits of a digest that tell lines apart.
const DIGITS: usize = 12;

fn write_transcript(text: &mut String, way: LaunchWay, transcript: &[Line]) -> fmt::Result {
    let so_far = match way {
        LaunchWay::Snp(_) => "digest so far",
        LaunchWay::Tdx(_) => "MRTD so far",
    };
    writeln!(
        text,
        "  {:>5}  {:<12}  {:>14}  {:>8}  {:<13}  {so_far:<13}  what",
        "page", "operation", "address", "offset", "contents"
    )?;
    for line in transcript {
        let Line { index, operation, gpa, source, file_offset, contents_sha384, running } = line;
        let offset = file_offset.as_deref().unwrap_or("-");
        let contents = contents_sha384.map_or_else(|| "-".to_owned(), shortened);
        let running = shortened(*running);
        writeln!(
            text,
            "  {index:>5}  {operation:<12}  {gpa:>14}  {offset:>8}  {contents:<13}  {running:<13}  {source}"
        )?;
    }
    Ok(())
}

fn shortened(digest: impl fmt::Display) -> String {
    let mut text: String = digest.to_string().chars().take(DIGITS).collect();
    text.push('…');
    text
}

fn write_comparison(text: &mut String, comparison: &Comparison) -> fmt::Result {
    let Comparison { a, b, first, differs, way, .. } = comparison;
    writeln!(text, "\n{}: {}", way.title(), way.description())?;
    let Some(first) = first else {
        return writeln!(text, "  equal     {a}");
    };
    writeln!(text, "  A         {a}\n  B         {b}")?;
    write_first(text, first)?;
    writeln!(text, "  differs   {}", differs.iter().map(|name| cause(name)).collect::<Vec<_>>().join("; "))
}

fn write_first(text: &mut String, first: &First) -> fmt::Result {
    let First { index, a, b, byte } = first;
    let nothing = "nothing: its pages have come to an end".to_owned();
    let [a, b] = [a, b].map(|page| page.clone().unwrap_or_else(|| nothing.clone()));
    if a == b {
        writeln!(text, "  first     page {index}: {a}")?;
    } else {
        writeln!(text, "  first     page {index}\n    A       {a}\n    B       {b}")?;
    }
    let Some(byte) = byte else { return Ok(()) };
    let offset =
        byte.file_offset.as_ref().map_or_else(String::new, |offset| format!(", offset {offset} in the file"));
    writeln!(text, "  byte      {}{offset}: {} in A, {} in B", byte.gpa, byte.a, byte.b)?;
    writeln!(text, "  place     {}", byte.place)?;
    match byte.differing_in_page {
        1 => writeln!(text, "            no other byte of this page differs"),
        count => writeln!(text, "            {count} bytes of this page differ"),
    }
}

fn cause(name: &str) -> &'static str {
    match name {
        "contents" => "contents of the file that are measured",
        "sections" => "memory that the tables ask for",
        _ => "register state",
    }
}

fn write_verdict(text: &mut String, report: &DiffReport, paint: Paint) -> fmt::Result {
    let different: Vec<_> =
        report.comparisons.iter().filter(|comparison| comparison.first.is_some()).collect();
    let same_file = report.a.sha256 == report.b.sha256;
    match different.as_slice() {
        [] if same_file => writeln!(text, "{}: the files are the same", paint.green("EQUAL")),
        [] => writeln!(text, "{}: the files differ in bytes that are not measured", paint.green("EQUAL")),
        different => {
            let titles: Vec<_> = different.iter().map(|comparison| comparison.way.title()).collect();
            writeln!(text, "{}: {}", paint.red("DIFFERENT"), titles.join(" and "))
        }
    }
}

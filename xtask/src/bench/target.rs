//! Figures that were promised, and what became of them.

use core::fmt::{self, Write};

/// A figure that was promised.
pub(super) struct Target {
    pub(super) figure: &'static str,
    pub(super) wanted: String,
    pub(super) measured: String,
    pub(super) is_met: bool,
}

/// What each missed target wanted and got.
pub(super) fn missed(targets: &[Target]) -> Vec<String> {
    let missed = targets.iter().filter(|target| !target.is_met);
    missed
        .map(|Target { figure, wanted, measured, .. }| {
            format!("{figure}: expected {wanted}, found {measured}")
        })
        .collect()
}

/// All of them, as a table.
pub(super) fn write_table(f: &mut impl Write, targets: &[Target]) -> fmt::Result {
    writeln!(f, "| figure | target | measured |\n| --- | --- | --- |")?;
    for Target { figure, wanted, measured, .. } in targets {
        writeln!(f, "| {figure} | {wanted} | {measured} |")?;
    }
    Ok(())
}

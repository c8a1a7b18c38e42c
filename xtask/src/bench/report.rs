//! `docs/benchmarks.md`.

use core::fmt;

use super::statistics::{Samples, ratio};

/// What was measured.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) machine: String,
    pub(super) kernel: String,
    pub(super) boot: Boot,
    pub(super) speed: Speed,
    pub(super) memory_mib: u32,
    pub(super) rom_bytes: u64,
    pub(super) rom_used_bytes: u64,
    pub(super) sizes: String,
}

/// From the start of QEMU to the first instruction of the component.
#[derive(Debug, Default)]
pub(super) struct Boot {
    pub(super) redoubt: Samples,
    pub(super) linux: Samples,
}

/// The component on 10 MB, first and second time in one guest.
#[derive(Debug, Default)]
pub(super) struct Speed {
    pub(super) redoubt: [Samples; 2],
    pub(super) redoubt_whole: Samples,
    pub(super) linux_same: [Samples; 2],
    pub(super) linux_default: [Samples; 2],
    pub(super) fuel: u64,
    pub(super) heap_peak_bytes: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { machine, kernel, boot, speed, memory_mib, rom_bytes, rom_used_bytes, sizes } = self;
        writeln!(f, "# Benchmarks\n")?;
        writeln!(
            f,
            "Written by `cargo xtask bench`; do not edit. Median, and least to greatest in brackets.\n"
        )?;
        writeln!(f, "Machine: {machine}.")?;
        writeln!(f, "Linux guest: Debian's cloud kernel {kernel}, an initramfs with one static program.\n")?;
        writeln!(f, "| figure | target | measured |\n| --- | --- | --- |")?;
        let boots = ratio(&boot.linux, &boot.redoubt);
        writeln!(f, "| boot, Linux ÷ Redoubt | at least 15 | {boots:.1} |")?;
        let [_, redoubt] = &speed.redoubt;
        let ([_, same], [_, default]) = (&speed.linux_same, &speed.linux_default);
        let runs = ratio(redoubt, same);
        writeln!(f, "| 10 MB job, Redoubt ÷ Linux, same engine settings | at most 1.10 | {runs:.2} |")?;
        let runs = ratio(redoubt, default);
        writeln!(f, "| 10 MB job, Redoubt ÷ Linux, wasmtime's default settings | shown only | {runs:.2} |")?;
        writeln!(f, "| guest RAM for the 10 MB job | at most 128 MiB | {memory_mib} MiB |")?;
        writeln!(f, "| ROM | at most 2621440 bytes | {rom_bytes} bytes, of which {rom_used_bytes} used |\n")?;
        write_boot(f, boot)?;
        write_speed(f, speed)?;
        writeln!(f, "## What fills the ROM\n\n{sizes}")
    }
}

fn write_boot(f: &mut fmt::Formatter<'_>, boot: &Boot) -> fmt::Result {
    writeln!(f, "## Boot\n")?;
    writeln!(
        f,
        "From the start of the QEMU process to the first byte that the component prints (`ledger-audit` with an empty \
         input complains at once), on the host's clock. Runs alternate. Redoubt's figure contains the evidence, the keys \
         and the checks of component, artefact and manifest; it leaves out the loader's own check of the evidence.\n"
    )?;
    writeln!(f, "| guest | time |\n| --- | --- |")?;
    writeln!(f, "| Redoubt | {} |", boot.redoubt.describe())?;
    writeln!(f, "| Linux | {} |\n", boot.linux.describe())
}

fn write_speed(f: &mut fmt::Formatter<'_>, speed: &Speed) -> fmt::Result {
    writeln!(f, "## Speed\n")?;
    writeln!(
        f,
        "`ledger-audit` on a generated ledger of 10 MB, inside the component, on the guest's clock, twice in each guest. In \
         Linux input and output lie in memory. In Redoubt they are streamed from and to the host meanwhile, and both are \
         hashed for the claim. The ratios above compare second runs: whatever runs first in the Linux guest is slower \
         by a second or two, with either settings. The likely cause is QEMU's address translation cache, which grows only \
         when a guest flushes it.\n"
    )?;
    writeln!(f, "| guest | engine settings | first run | second run |\n| --- | --- | --- | --- |")?;
    let rows = [
        ("Redoubt | ours", &speed.redoubt),
        ("Linux | ours", &speed.linux_same),
        ("Linux | wasmtime's default", &speed.linux_default),
    ];
    for (name, [first, second]) in rows {
        writeln!(f, "| {name} | {} | {} |", first.describe(), second.describe())?;
    }
    writeln!(f)?;
    let whole = speed.redoubt_whole.describe();
    writeln!(f, "The whole job as the loader sees it, claim included: {whole}.")?;
    let (fuel, heap) = (speed.fuel, speed.heap_peak_bytes / 1024);
    writeln!(f, "Fuel: {fuel}. Peak of the guest's heap: {heap} KiB.\n")
}

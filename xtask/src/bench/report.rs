//! `docs/benchmarks.md`.

use core::fmt;

use super::statistics::{Samples, ratio};
use super::target::{self, Target};

/// How many times longer the Linux guest takes to boot, at least.
const BOOT_RATIO_MIN: f64 = 15.0;
/// How many times longer our guest takes for the job, at most.
const RUN_RATIO_MAX: f64 = 1.10;
const MEMORY_MAX_MIB: u32 = 128;
/// More than the 2.5 MiB that were promised before services had TLS (docs/adr/0029).
const ROM_MAX_BYTES: u64 = 2_883_584;

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

impl Report {
    fn targets(&self) -> [Target; 4] {
        let boots = ratio(&self.boot.linux, &self.boot.redoubt);
        let runs = ratio(&self.speed.redoubt[1], &self.speed.linux_same[1]);
        let (rom_bytes, used) = (self.rom_bytes, self.rom_used_bytes);
        [
            Target {
                figure: "boot, Linux ÷ Redoubt",
                wanted: format!("at least {BOOT_RATIO_MIN}"),
                measured: format!("{boots:.1}"),
                is_met: boots >= BOOT_RATIO_MIN,
            },
            Target {
                figure: "10 MB job, Redoubt ÷ Linux, same engine settings",
                wanted: format!("at most {RUN_RATIO_MAX:.2}"),
                measured: format!("{runs:.2}"),
                is_met: runs <= RUN_RATIO_MAX,
            },
            Target {
                figure: "guest RAM for the 10 MB job",
                wanted: format!("at most {MEMORY_MAX_MIB} MiB"),
                measured: format!("{} MiB", self.memory_mib),
                is_met: self.memory_mib <= MEMORY_MAX_MIB,
            },
            Target {
                figure: "ROM",
                wanted: format!("at most {ROM_MAX_BYTES} bytes"),
                measured: format!("{rom_bytes} bytes, of which {used} used"),
                is_met: rom_bytes <= ROM_MAX_BYTES,
            },
        ]
    }

    /// What each missed target wanted and got.
    pub(super) fn missed(&self) -> Vec<String> {
        target::missed(&self.targets())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { machine, kernel, boot, speed, sizes, .. } = self;
        writeln!(f, "# Benchmarks\n")?;
        writeln!(
            f,
            "Written by `cargo xtask bench`; do not edit. Median, and least to greatest in brackets.\n"
        )?;
        writeln!(f, "Machine: {machine}.")?;
        writeln!(f, "Linux guest: Debian's cloud kernel {kernel}, an initramfs with one static program.\n")?;
        target::write_table(f, &self.targets())?;
        let runs = ratio(&speed.redoubt[1], &speed.linux_default[1]);
        let figure = "10 MB job, Redoubt ÷ Linux, wasmtime's default settings";
        writeln!(f, "| {figure} | shown only | {runs:.2} |\n")?;
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

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    fn samples(ms: u64) -> Samples {
        let mut samples = Samples::default();
        samples.push(Duration::from_millis(ms));
        samples
    }

    fn report() -> Report {
        let mut report = Report {
            machine: String::new(),
            kernel: String::new(),
            boot: Boot { redoubt: samples(10), linux: samples(150) },
            speed: Speed::default(),
            memory_mib: 128,
            rom_bytes: ROM_MAX_BYTES,
            rom_used_bytes: 0,
            sizes: String::new(),
        };
        report.speed.redoubt[1] = samples(110);
        report.speed.linux_same[1] = samples(100);
        report
    }

    #[test]
    fn missed_targets_are_named() {
        assert_eq!(report().missed(), [""; 0]);
        let slow = Report { boot: Boot { redoubt: samples(11), linux: samples(150) }, ..report() };
        assert_eq!(slow.missed(), ["boot, Linux ÷ Redoubt: expected at least 15, found 13.6"]);
        let large = Report { memory_mib: 130, rom_bytes: ROM_MAX_BYTES + 1, ..report() };
        assert_eq!(large.missed().len(), 2);
        let mut long = report();
        long.speed.redoubt[1] = samples(111);
        assert_eq!(long.missed().len(), 1);
        assert!(
            long.to_string().contains("| ROM | at most 2883584 bytes | 2883584 bytes, of which 0 used |")
        );
    }
}

//! Floors: the least firmware per CPU. SPLs of different CPUs cannot be compared, those of steppings of one model neither.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use attestation_report::{CpuId, TcbParts};
use toml::{Table, Value};

use crate::rules::Term;
use crate::terms::list;

/// Least versions of the parts of a TCB; the FMC only where there is one.
pub type Tcb = TcbParts;

/// The least that firmware of one CPU has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Floor {
    /// Family, extended and base added.
    pub family: u8,
    /// Model, extended and base combined.
    pub model: u8,
    /// Stepping.
    pub stepping: u8,
    /// Least versions.
    pub tcb: Tcb,
    /// Bits of LAUNCH_MIT_VECTOR and CURRENT_MIT_VECTOR that must be set; they mean something per firmware line only.
    pub mitigations: u64,
    /// Bulletins that call for it.
    pub bulletins: Vec<String>,
}

/// Floors by CPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Floors(pub Vec<Floor>);

impl Floors {
    /// The floor of this very CPU.
    #[must_use]
    pub fn of(&self, cpu: CpuId) -> Option<&Floor> {
        self.0.iter().find(|floor| {
            (floor.family, floor.model, floor.stepping) == (cpu.family, cpu.model, cpu.stepping)
        })
    }
}

impl fmt::Display for Floor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { family, model, stepping, tcb, mitigations, bulletins } = self;
        let cpu = show_cpu(CpuId { family: *family, model: *model, stepping: *stepping });
        write!(f, "{cpu}: {tcb}, mitigations {mitigations:#x} ({})", bulletins.join(", "))
    }
}

impl Term for Floors {
    const EXPECTED: &'static str = "a list of tables with family, model, stepping, boot_loader, tee, snp, microcode, \
        mitigations, bulletins, and fmc for Turin; each CPU once";

    fn read(value: &Value) -> Option<Self> {
        let floors: Vec<Floor> = value.as_array()?.iter().map(read_floor).collect::<Option<_>>()?;
        let cpu = |floor: &Floor| (floor.family, floor.model, floor.stepping);
        let is_unique = floors
            .iter()
            .enumerate()
            .all(|(index, floor)| floors.iter().take(index).all(|earlier| cpu(earlier) != cpu(floor)));
        is_unique.then_some(Self(floors))
    }

    fn show(&self) -> String {
        if self.0.is_empty() { "a floor for this CPU; the policy has none".into() } else { list(&self.0) }
    }
}

fn read_floor(value: &Value) -> Option<Floor> {
    let table = value.as_table()?;
    let byte = |key: &str| u8::try_from(table.get(key)?.as_integer()?).ok();
    let has_fmc = table.contains_key("fmc");
    let bulletins = table.get("bulletins")?.as_array()?;
    let floor = Floor {
        family: byte("family")?,
        model: byte("model")?,
        stepping: byte("stepping")?,
        tcb: Tcb {
            fmc: if has_fmc { Some(byte("fmc")?) } else { None },
            boot_loader: byte("boot_loader")?,
            tee: byte("tee")?,
            snp: byte("snp")?,
            microcode: byte("microcode")?,
        },
        mitigations: u64::try_from(table.get("mitigations")?.as_integer()?).ok()?,
        bulletins: bulletins.iter().map(|text| text.as_str().map(Into::into)).collect::<Option<_>>()?,
    };
    has_no_more(table, if has_fmc { 10 } else { 9 }).then_some(floor)
}

/// Every key was read above, and each is there: more keys than that are misspelt ones.
fn has_no_more(table: &Table, count: usize) -> bool {
    table.len() == count
}

/// A CPU, as the floors name it.
pub(super) fn show_cpu(cpu: CpuId) -> String {
    format!("CPU {:02x}h-{:02x}h-{:x}", cpu.family, cpu.model, cpu.stepping)
}

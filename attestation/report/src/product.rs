//! Product lines: which family of chips a report comes from, and what depends on that.

use core::fmt;

use crate::{CpuId, TcbLayout};

/// A line of chips that shares one certificate authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ProductLine {
    /// Third generation.
    Milan,
    /// Fourth generation, with Bergamo and Siena, which use its authority.
    Genoa,
    /// Fifth generation.
    Turin,
    /// Sixth generation. Its TCB layout is not known here, and no root of it is pinned.
    Venice,
}

impl ProductLine {
    /// The line of a chip; `None` for chips that are not in the table (56860, "CPUID_FAM_ID"; models as AMD's own
    /// tools list them).
    #[must_use]
    pub const fn of_cpuid(cpuid: CpuId) -> Option<Self> {
        match (cpuid.family, cpuid.model) {
            (0x19, 0x00..=0x0F) => Some(Self::Milan),
            (0x19, 0x10..=0x1F | 0xA0..=0xAF) => Some(Self::Genoa),
            (0x1A, 0x00..=0x11) => Some(Self::Turin),
            (0x1A, 0x50..=0x57 | 0x90..=0xAF | 0xC0..=0xC7) => Some(Self::Venice),
            _ => None,
        }
    }

    /// How its TCB versions are laid out.
    #[must_use]
    pub const fn tcb_layout(self) -> Option<TcbLayout> {
        match self {
            Self::Milan | Self::Genoa => Some(TcbLayout::Milan),
            Self::Turin => Some(TcbLayout::Turin),
            Self::Venice => None,
        }
    }

    /// Its name, as AMD's certificates spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Milan => "Milan",
            Self::Genoa => "Genoa",
            Self::Turin => "Turin",
            Self::Venice => "Venice",
        }
    }
}

impl fmt::Display for ProductLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(family: u8, model: u8) -> Option<ProductLine> {
        ProductLine::of_cpuid(CpuId { family, model, stepping: 0 })
    }

    #[test]
    fn every_model_of_the_table_has_its_line_and_its_neighbours_none() {
        let table = [
            (0x19, 0x00..=0x0F, ProductLine::Milan),
            (0x19, 0x10..=0x1F, ProductLine::Genoa),
            (0x19, 0xA0..=0xAF, ProductLine::Genoa),
            (0x1A, 0x00..=0x11, ProductLine::Turin),
            (0x1A, 0x50..=0x57, ProductLine::Venice),
            (0x1A, 0x90..=0x9F, ProductLine::Venice),
            (0x1A, 0xA0..=0xAF, ProductLine::Venice),
            (0x1A, 0xC0..=0xC7, ProductLine::Venice),
        ];
        for family in 0..=u8::MAX {
            for model in 0..=u8::MAX {
                let row = table.iter().find(|row| row.0 == family && row.1.contains(&model));
                assert_eq!(line(family, model), row.map(|row| row.2), "{family:#x} {model:#x}");
            }
        }
    }

    #[test]
    fn layouts_follow_the_line() {
        assert_eq!(ProductLine::Genoa.tcb_layout(), Some(TcbLayout::Milan));
        assert_eq!(ProductLine::Turin.tcb_layout(), Some(TcbLayout::Turin));
        assert_eq!(ProductLine::Venice.tcb_layout(), None);
    }
}

//! Rules for TDX.

mod decide;

use alloc::vec::Vec;

use crate::rules::{Section, rules};
use crate::terms::{Bound, Hex, Mask, OneOf, Presence, Text, Version};
use crate::{Described, PolicyError};

/// Which evidence of TDX is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TdxPolicy {
    /// The hardware.
    pub platform: PlatformRules,
    /// What Intel says of everything below the domain.
    pub tcb: TcbRules,
    /// What was launched.
    pub launch: LaunchRules,
    /// What the domain may do, and what may be done to it.
    pub attributes: AttributeRules,
    /// When all this was.
    pub freshness: FreshnessRules,
}

rules! {
    /// The hardware, by the certificate of its key.
    pub struct PlatformRules("tdx.platform") {
        /// Identities of platforms (PPID) that are known to stand where nobody opens them: the answer to interposers.
        ppids: OneOf<Hex<16>>,
        /// Families, models and steppings (FMSPC) that are wanted.
        fmspcs: OneOf<Hex<6>>,
        /// Packages may be added or replaced later. What Intel does not know is neither required nor forbidden enough.
        dynamic_platform: Presence,
        /// Intel keeps the platform's root keys.
        cached_keys: Presence,
        /// Sibling threads run.
        smt: Presence,
    }
}

rules! {
    /// What Intel says of everything below the domain.
    pub struct TcbRules("tdx.tcb") {
        /// TCB info and QE identity, signed, for this platform, in date, of one evaluation. Without them there is no status.
        collateral: Presence,
        /// Words of Intel that will do: `UpToDate`, `SWHardeningNeeded`, `ConfigurationNeeded`, `OutOfDate` and so on.
        statuses: OneOf<Text>,
        /// Advisories that may apply to what runs, each weighed by somebody; every other one is refused.
        advisories: OneOf<Text>,
        /// Number of the evaluation that the documents are of; it rises with every TCB recovery of Intel's.
        evaluation_number_at_least: Bound,
        /// TDX module, by major version and security version number.
        module_at_least: Version<2>,
        /// Measurements of TDX modules (MRSEAM) that are known.
        mr_seams: OneOf<Hex<48>>,
        /// Another TDX module runs now than at launch.
        module_updated: Presence,
    }
}

rules! {
    /// What was launched.
    pub struct LaunchRules("tdx.launch") {
        /// Measurements of the initial contents (MRTD): what `redoubt-verify measure` prints.
        mr_tds: OneOf<Hex<48>>,
        /// What the host put in at launch (MRCONFIGID); for Redoubt's guests the SHA-384 of the manifest.
        mr_config_ids: OneOf<Hex<48>>,
        /// Owner of the domain (MROWNER), by the account of the host.
        mr_owners: OneOf<Hex<48>>,
        /// Owner's configuration (MROWNERCONFIG), by the account of the host.
        mr_owner_configs: OneOf<Hex<48>>,
        /// Register of the firmware's configuration.
        rtmr0: OneOf<Hex<48>>,
        /// Register of the boot loader and the kernel.
        rtmr1: OneOf<Hex<48>>,
        /// Register of the operating system; Redoubt's guests extend it with the manifest.
        rtmr2: OneOf<Hex<48>>,
        /// Register of what runs.
        rtmr3: OneOf<Hex<48>>,
        /// An event log that leads to all four registers.
        event_log: Presence,
        /// A service domain that may act for this one (MRSERVICETD), for migration for example.
        service_td: Presence,
    }
}

rules! {
    /// What the domain may do, and what may be done to it: TDATTRIBUTES and XFAM.
    pub struct AttributeRules("tdx.attributes") {
        /// The host may read and change the domain, or another bit of that group is set.
        debug: Presence,
        /// A page that the host takes away ends the domain, instead of raising an exception.
        sept_ve_disable: Presence,
        /// The domain may be migrated.
        migratable: Presence,
        /// Protection keys for supervisor pages.
        pks: Presence,
        /// Key locker.
        kl: Presence,
        /// Linear address space separation.
        lass: Presence,
        /// Performance monitoring, which also shows the host more.
        perfmon: Presence,
        /// Bits without a published meaning.
        unknown_bits: Presence,
        /// Features of the processor (XFAM) that the domain may use, as bits; every other one is refused.
        xfam_within: Mask,
    }
}

rules! {
    /// When all this was.
    pub struct FreshnessRules("tdx.freshness") {
        /// An answer to a challenge of the verifier's.
        challenge: Presence,
        /// Revocation lists of the root and of the platform's authority, in date at the time of the verification.
        revocation_lists: Presence,
        /// Bytes behind the quote, which nobody signed. Clouds pad quotes.
        trailing_bytes: Presence,
    }
}

impl TdxPolicy {
    pub(crate) fn read(section: &mut Section<'_>) -> Result<Self, PolicyError> {
        Ok(Self {
            platform: section.section("platform", PlatformRules::read)?,
            tcb: section.section("tcb", TcbRules::read)?,
            launch: section.section("launch", LaunchRules::read)?,
            attributes: section.section("attributes", AttributeRules::read)?,
            freshness: section.section("freshness", FreshnessRules::read)?,
        })
    }

    pub(crate) fn describe(&self, into: &mut Vec<Described>) {
        self.platform.describe(into);
        self.tcb.describe(into);
        self.launch.describe(into);
        self.attributes.describe(into);
        self.freshness.describe(into);
    }
}

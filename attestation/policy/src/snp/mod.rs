//! Rules for SEV-SNP.

mod decide;
mod floor;

use alloc::vec::Vec;

pub use floor::{Floor, Floors, Tcb};

use crate::rules::{Section, rules};
use crate::terms::{Bound, Hex, OneOf, Presence, Text, Version};
use crate::{Described, PolicyError};

/// Which evidence of SEV-SNP is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnpPolicy {
    /// The hardware and its key.
    pub chip: ChipRules,
    /// What was launched.
    pub launch: LaunchRules,
    /// What the guest demanded of the firmware.
    pub guest_policy: GuestPolicyRules,
    /// How the machine is set up.
    pub platform: PlatformRules,
    /// Which firmware runs.
    pub tcb: TcbRules,
    /// When all this was.
    pub freshness: FreshnessRules,
}

rules! {
    /// The hardware and its key.
    pub struct ChipRules("snp.chip") {
        /// Lines of products. Milan's root seed can be extracted by software; nothing that it signs can be believed.
        products: OneOf<Text>,
        /// Kinds of signing key: `vcek` is the chip's, `vlek` the provider's, which can sign for any chip of theirs.
        signers: OneOf<Text>,
        /// Version of the report. 2 says nothing of the CPU, 5 is the first with mitigation vectors.
        report_version_at_least: Bound,
        /// Identities of chips that are known to stand where nobody opens them: the answer to interposers on the memory bus.
        chip_ids: OneOf<Hex<64>>,
        /// A report that hides which chip made it.
        masked_chip_id: Presence,
        /// Providers whose VLEK is accepted, by the CSP id of its certificate.
        csp_ids: OneOf<Text>,
    }
}

rules! {
    /// What was launched.
    pub struct LaunchRules("snp.launch") {
        /// Launch digests that are known: what `redoubt-verify measure` prints.
        measurements: OneOf<Hex<48>>,
        /// What the host put in at launch; for Redoubt's guests the SHA-256 of the manifest.
        host_data: OneOf<Hex<32>>,
        /// Privilege level that asked. 0 is the most privileged; a host that asks itself is 4294967295.
        vmpl_at_most: Bound,
        /// SHA-384 of keys that may sign ID blocks; zero when there is none.
        id_keys: OneOf<Hex<48>>,
        /// SHA-384 of keys that may vouch for ID keys; zero when there is none.
        author_keys: OneOf<Hex<48>>,
        /// Family of the guest, from its ID block.
        family_ids: OneOf<Hex<16>>,
        /// Image of the guest, from its ID block.
        image_ids: OneOf<Hex<16>>,
        /// Security version of the guest, from its ID block.
        guest_svn_at_least: Bound,
        /// A migration agent that may move the guest: a second guest to be believed.
        migration_agent: Presence,
    }
}

rules! {
    /// What the guest demanded of the firmware: bits of POLICY.
    pub struct GuestPolicyRules("snp.guest_policy") {
        /// Least ABI version that the guest accepts.
        abi_at_least: Version<2>,
        /// The host may read the guest's memory.
        debug: Presence,
        /// The guest may be migrated.
        migrate_ma: Presence,
        /// Sibling threads may run: StackWarp (AMD-SB-3027) and performance counters need them.
        smt_allowed: Presence,
        /// Only on machines with one socket: no link between sockets to listen on.
        single_socket: Presence,
        /// CXL memory may be used: memory outside the processor's own channels.
        cxl_allow: Presence,
        /// Memory is encrypted with AES-256-XTS.
        mem_aes_256_xts: Presence,
        /// Power readings are off, which leak what instructions work on.
        rapl_dis: Presence,
        /// Ciphertext is hidden from the host: the answer to CipherLeaks and Heracles (AMD-SB-3021).
        ciphertext_hiding_dram: Presence,
        /// The host may not swap the guest's pages (Heracles, AMD-SB-3021); needs firmware with ABI 1.58.
        page_swap_disable: Presence,
    }
}

rules! {
    /// How the machine is set up: bits of PLATFORM_INFO.
    pub struct PlatformRules("snp.platform") {
        /// Sibling threads run.
        smt: Presence,
        /// All memory is encrypted with one more key.
        tsme: Presence,
        /// Memory has error correction: harder to hammer.
        ecc: Presence,
        /// Power readings are off.
        rapl_disabled: Presence,
        /// Ciphertext is hidden from the host.
        ciphertext_hiding: Presence,
        /// Memory was checked for aliases at boot: the answer to BadRAM (AMD-SB-3015).
        alias_check_complete: Presence,
        /// Devices may be trusted by guests.
        tio: Presence,
        /// Bits without a published meaning. Bit 6 is one and set on real Turin machines.
        unknown_bits: Presence,
    }
}

rules! {
    /// Which firmware runs.
    pub struct TcbRules("snp.tcb") {
        /// Least version of the firmware, running and committed.
        firmware_at_least: Version<3>,
        /// Firmware that can still be rolled back to an older one.
        provisional_firmware: Presence,
        /// A reported or committed TCB above the running one: firmware never says so.
        disorder: Presence,
        /// Which TCB versions must reach the floors: `reported`, `committed`, `launch`, `current`.
        floors_on: OneOf<Text>,
        /// Per CPU, the least versions and the mitigations that must be verified, with the bulletins that call for them.
        floors: Floors,
    }
}

rules! {
    /// When all this was.
    pub struct FreshnessRules("snp.freshness") {
        /// An answer to a challenge of the verifier's.
        challenge: Presence,
        /// A revocation list of AMD's root, in date at the time of the verification.
        revocation_list: Presence,
    }
}

impl SnpPolicy {
    pub(crate) fn read(section: &mut Section<'_>) -> Result<Self, PolicyError> {
        Ok(Self {
            chip: section.section("chip", ChipRules::read)?,
            launch: section.section("launch", LaunchRules::read)?,
            guest_policy: section.section("guest_policy", GuestPolicyRules::read)?,
            platform: section.section("platform", PlatformRules::read)?,
            tcb: section.section("tcb", TcbRules::read)?,
            freshness: section.section("freshness", FreshnessRules::read)?,
        })
    }

    pub(crate) fn describe(&self, into: &mut Vec<Described>) {
        self.chip.describe(into);
        self.launch.describe(into);
        self.guest_policy.describe(into);
        self.platform.describe(into);
        self.tcb.describe(into);
        self.freshness.describe(into);
    }
}

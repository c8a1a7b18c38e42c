//! AMD, as the verifier's tests play it.

#[path = "../../../../../verify/tests/snp_wrong_fields/der.rs"]
mod der;
#[path = "../../../../../verify/tests/snp_wrong_fields/keys.rs"]
mod keys;
#[expect(dead_code, reason = "parts are for the verifier's tests")]
#[path = "../../../../../verify/tests/snp_wrong_fields/world.rs"]
pub(super) mod world;

// What the files above use.
use attestation_signature as _;
use chacha20 as _;
use rsa as _;

use attestation_report::{GuestPolicy, PlatformInfo};

use self::der::integer;
use self::world::{ProductLine, World};
use super::intel::bundle::each;

/// The guest policy that `strict` asks for.
pub(super) const POLICY: u64 = GuestPolicy::RESERVED_MUST_BE_ONE
    | GuestPolicy::RAPL_DIS
    | GuestPolicy::CIPHERTEXT_HIDING_DRAM
    | GuestPolicy::PAGE_SWAP_DISABLE;

/// A Genoa with all that `strict` asks of firmware.
pub(super) fn up_to_date() -> World {
    let mut world = World::vcek(ProductLine::Genoa);
    let (boot_loader, microcode) = ("1.3.6.1.4.1.3704.1.3.1", "1.3.6.1.4.1.3704.1.3.8");
    world.extension(boot_loader).value = integer(&[7]);
    world.extension(microcode).value = integer(&[0x56]);
    let tcb = u64::from_le_bytes([7, 1, 0, 0, 0, 0, 0xDB, 0x56]).into();
    let report = &mut world.report;
    (report.current_tcb, report.reported_tcb, report.committed_tcb, report.launch_tcb) = (tcb, tcb, tcb, tcb);
    report.cpuid_stepping = 1;
    (report.current_major, report.current_minor) = (1, 58);
    (report.committed_major, report.committed_minor) = (1, 58);
    (report.launch_mit_vector, report.current_mit_vector) = (2.into(), 2.into());
    let platform = PlatformInfo::ECC
        | PlatformInfo::RAPL_DISABLED
        | PlatformInfo::CIPHERTEXT_HIDING
        | PlatformInfo::ALIAS_CHECK_COMPLETE;
    report.platform_info = platform.into();
    report.policy = POLICY.into();
    world
}

//! Frozen digests.

use core::num::NonZeroU16;

use super::{TestRom, hex, rom};
use crate::{Launch, PageOrder, SnpProfile, SnpVmm, snp_launch_digest, tdx_mrtd};

/// The ROM of this script, and what it prints; `sev-snp-measure` 0.0.13 from PyPI, nothing of ours takes part:
/// ```python
/// import hashlib, struct, tempfile, uuid
/// from sevsnpmeasure import guest
/// from sevsnpmeasure.sev_mode import SevMode
/// from sevsnpmeasure.vmm_types import VMMType
///
/// def entry(guid, data):
///     return data + struct.pack("<H", len(data) + 18) + uuid.UUID(guid).bytes_le
///
/// SIZE = 0x10000
/// sections = [(0, SIZE, 2**32 - SIZE, SIZE, 0, 1), (0, 0, 0x100000, 0x2000, 3, 0), (0, 0, 0x102000, 0x2000, 2, 0)]
///
/// def rom(ap_reset):
///     rom = bytearray((i * 31 + (i >> 8)) & 0xFF for i in range(SIZE))
///     sev = b"ASEV" + struct.pack("<III", 16 + 3 * 12, 1, 3)
///     for record in [(0x100000, 0x1000, 2), (0x101000, 0x1000, 3), (0x102000, 0x5000, 1)]:
///         sev += struct.pack("<III", *record)
///     tdvf = uuid.UUID("e9eaf9f3-168e-44d5-a8eb-7f4d8738f6ae").bytes_le
///     tdvf += b"TDVF" + struct.pack("<III", 16 + 32 * len(sections), 1, len(sections))
///     tdvf += b"".join(struct.pack("<IIQQII", *section) for section in sections)
///     rom[0x8000:0x8000 + len(sev)] = sev
///     rom[0x9000:0x9000 + len(tdvf)] = tdvf
///     table = entry("e47a6535-984a-4798-865e-4685a7bf8ec2", struct.pack("<I", SIZE - 0x9010))
///     table += entry("00f771de-1a7e-4fcb-890e-68c77e2fb44e", struct.pack("<I", ap_reset))
///     table += entry("dc886566-984a-4798-a75e-5585a7bf67cc", struct.pack("<I", SIZE - 0x8000))
///     table += struct.pack("<H", len(table) + 18) + uuid.UUID("96b582de-1fb2-45f7-baea-a366c55a082d").bytes_le
///     rom[SIZE - 32 - len(table):SIZE - 32] = table
///     return rom
///
/// def snp(ap_reset, vmm, vcpus, signature, features):
///     with tempfile.NamedTemporaryFile() as file:
///         file.write(rom(ap_reset))
///         file.flush()
///         return guest.calc_launch_digest(
///             SevMode.SEV_SNP, vcpus, signature, file.name, None, None, None, features, vmm_type=VMMType[vmm]).hex()
///
/// for case in [
///     (0, "QEMU", 1, 0x800F12, 0x1), (0, "QEMU", 1, 0x800F12, 0x21), (0, "QEMU", 1, 0xA00F11, 0x1),
///     (0x80B004, "QEMU", 4, 0x800F12, 0x1), (0x80B004, "gce", 2, 0, 0x1), (0x80B004, "ec2", 2, 0, 0x1),
/// ]:
///     print(snp(*case))
///
/// def add(page):
///     return (b"MEM.PAGE.ADD".ljust(16, b"\0") + struct.pack("<Q", page)).ljust(128, b"\0")
///
/// def extend(page, start):
///     stream = b""
///     for chunk in range(page, page + 0x1000, 0x100):
///         stream += (b"MR.EXTEND".ljust(16, b"\0") + struct.pack("<Q", chunk)).ljust(128, b"\0")
///         stream += rom(0)[chunk - start:chunk - start + 0x100]
///     return stream
///
/// interleaved, two_pass = b"", b""
/// for _, raw, start, size, _, measured in sections:
///     pages = range(start, start + size, 0x1000)
///     interleaved += b"".join(add(page) + (extend(page, start) if measured else b"") for page in pages)
///     two_pass += b"".join(map(add, pages)) + b"".join(extend(page, start) for page in pages if measured)
/// print(hashlib.sha384(interleaved).hexdigest())
/// print(hashlib.sha384(two_pass).hexdigest())
/// ```
#[test]
fn launch_digests_equal_those_of_sev_snp_measure() {
    let vcpus = |vcpus| NonZeroU16::new(vcpus).unwrap();
    let qemu = SnpProfile::QEMU;
    let golden = [
        (
            (0, qemu),
            concat!(
                "4be0de13439be1f6eaca4a7a3218a3dd1cc07f770274697f",
                "1190e98cc8aa2307d6c839c6642ebdba1a29534d05719a6d"
            ),
        ),
        (
            (0, SnpProfile { sev_features: 0x21, ..qemu }),
            concat!(
                "93024fe188c4299c05e99be3a00b0da1790321d7c9b91adb",
                "cea5b16a04a452b5f8d648f0ae8c55ea2cb5a0c010373d66"
            ),
        ),
        (
            (0, SnpProfile { cpu_signature: 0xA0_0F11, ..qemu }),
            concat!(
                "dd621036a0cd5d2eebda162c776040b7663bca175476d978",
                "2e2b8e04a91d4cb28ffa78943e26ad72126be1d5cf7695ea"
            ),
        ),
        (
            (0x80_B004, SnpProfile { vcpus: vcpus(4), ..qemu }),
            concat!(
                "587f4958ebf3494416f19ca4acdff2b19fd0f641fc872de1",
                "d5db99df89dd29bab6f928b7827aeedccbec2fe628b66c63"
            ),
        ),
        (
            (0x80_B004, SnpProfile { vcpus: vcpus(2), ..SnpProfile::GCE }),
            concat!(
                "e02df7e758e97dfa72bdb77368f3dc2b5d37e109c2f25b0a",
                "84e22158baa4fdf3d18b694a46c27ad9dcd5a40243fc18ef"
            ),
        ),
        (
            (0x80_B004, SnpProfile { vcpus: vcpus(2), ..SnpProfile::EC2 }),
            concat!(
                "bbca0bb21059cba284951e6336546cdc28667cbb129f6265",
                "fedef074cca50f57a39c5f44bd31f95aae70fd364bb08b45"
            ),
        ),
    ];
    for ((ap_reset, profile), digest) in golden {
        let rom = TestRom { ap_reset, ..TestRom::small() }.build();
        assert_eq!(hex(&snp_launch_digest(&rom, profile).unwrap()), digest, "{profile:?}");
    }
}

/// The last two lines of the script.
#[test]
fn mrtds_equal_those_of_the_script() {
    let rom = rom();
    let mrtd = |order| hex(&Launch::tdx(&rom, order).unwrap().measurement());
    assert_eq!(
        mrtd(PageOrder::Interleaved),
        concat!(
            "661a6c96f497812d6db3dd179de8762029ba012c1a6d0006",
            "8dd12a79a2528cb355c5f5deb8c4cde2d3fe02e7176879e3"
        )
    );
    assert_eq!(
        mrtd(PageOrder::TwoPass),
        concat!(
            "46235b6f2f211dfe7898802607e2c7fdcc526c060197b2f3",
            "c9faf96c98507247e1e314fdfa5bd66c5d194c51bfe9356e"
        )
    );
    assert_eq!(hex(&tdx_mrtd(&rom).unwrap()), mrtd(PageOrder::Interleaved));
}

/// KVM takes the CPUID signature, EC2 and GCE keep KVM's reset value, and each VMM has its quirks.
#[test]
fn no_two_vmms_agree() {
    let rom = rom();
    let digest =
        |vmm| snp_launch_digest(&rom, SnpProfile { vmm, cpu_signature: 0, ..SnpProfile::QEMU }).unwrap();
    let [qemu, gce, ec2] = [SnpVmm::Qemu, SnpVmm::Gce, SnpVmm::Ec2].map(digest);
    assert!(qemu != gce && gce != ec2 && ec2 != qemu);
}

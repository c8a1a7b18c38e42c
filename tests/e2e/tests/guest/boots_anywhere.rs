//! One ROM, many machines; and machines that are not enough.

use std::fs;

use enclave_wire::boot::{ExitCode, FW_CFG_ARTEFACT, FW_CFG_COMPONENT, FW_CFG_MANIFEST};
use enclave_wire::layout::{BOOT_DATA_BYTES, BOOT_DATA_GPA};

use crate::harness::components::{ECHO, LARGE};
use crate::harness::{APP, PATIENCE, Random, Site, build_image, build_image_as, rom, run_job};
use crate::wiping::has_traces;

#[test]
fn boards_and_processors() {
    let Some(rom) = rom() else { return };
    let image = build_image(rom, ECHO);
    for arguments in [
        ["-machine", "pc,accel=tcg", "-cpu", "max"],
        ["-machine", "q35,accel=tcg", "-cpu", "Skylake-Server"],
        ["-machine", "q35,accel=tcg", "-cpu", "EPYC"],
        ["-machine", "pc,accel=tcg", "-cpu", "Haswell"],
    ] {
        let site = Site::new(&image).with_qemu(&arguments);
        let guest = site.launch();
        let job = run_job(&guest, b"anywhere");
        job.assert_success();
        assert_eq!(job.output, b"anywhere", "{arguments:?}");
        assert!(guest.stop(PATIENCE).is_clean(), "{arguments:?}");
    }
}

#[test]
fn a_processor_without_a_needed_feature_is_told_which() {
    let Some(rom) = rom() else { return };
    let image = build_image(rom, ECHO);
    for (processor, feature) in [
        ("Haswell,-avx2", "avx2"),
        ("Haswell,-bmi2", "bmi2"),
        ("Haswell,-avx", "AVX"),
        ("Haswell,-xsave", "XSAVE"),
        ("max,-rdrand", "RDRAND"),
        ("Nehalem", "XSAVE"),
        ("qemu64", "XSAVE"),
    ] {
        let ending = Site::new(&image).with_qemu(&["-cpu", processor]).failed_launch();
        ending.assert(ExitCode::MissingCpuFeature, &[feature]);
    }
}

#[test]
fn too_little_memory_is_named() {
    let Some(rom) = rom() else { return };
    let mut site = Site::new(&build_image(rom, ECHO));
    site.overrides.memory_mib = Some(48);
    site.failed_launch().assert(ExitCode::Refused, &["memory", "64", "48"]);
}

#[test]
fn more_memory_than_stated_is_left_alone() {
    let Some(rom) = rom() else { return };
    let mut site = Site::new(&build_image(rom, ECHO));
    site.overrides.memory_mib = Some(3072);
    let guest = site.launch();
    let status = guest.status(PATIENCE).expect("the guest answers");
    assert!(status.heap_total_bytes < 64 << 20, "{status:?}");
    run_job(&guest, b"").assert_success();
}

/// [`APP`] with room for [`LARGE`].
fn large_app() -> String {
    let app = APP.replace("memory_mib = 64", "memory_mib = 8192").replace("4194304", "2750000000");
    app.replace("wall_ms = 30000", "wall_ms = 600000")
}

#[test]
fn a_component_with_gibibytes_of_memory() {
    let Some(rom) = rom() else { return };
    let site = Site::new(&build_image_as(rom, LARGE, &large_app()));
    let guest = site.launch();
    let job = run_job(&guest, b"");
    job.assert_success();
    assert!(job.done.usage.component_memory_bytes >= 2500 << 20, "{:?}", job.done.usage);
    assert!(guest.stop(PATIENCE).is_clean());
}

#[test]
#[ignore = "long: gibibytes go through a file, twice"]
fn gibibytes_of_memory_are_cleared() {
    let Some(rom) = rom() else { return };
    let image = build_image_as(rom, LARGE, &large_app());
    // The second board splits memory elsewhere unless it is told.
    for arguments in [&[][..], &["-machine", "pc,accel=tcg"]] {
        let site = Site::new(&image).with_qemu(arguments).with_memory_file();
        let guest = site.launch();
        run_job(&guest, b"").assert_success();
        assert!(has_traces(&site));
        assert!(guest.stop(PATIENCE).is_clean());
        assert!(!has_traces(&site));
    }
}

#[test]
fn much_memory_on_a_processor_without_large_pages_is_refused() {
    let Some(rom) = rom() else { return };
    let site = Site::new(&build_image_as(rom, LARGE, &large_app())).with_qemu(&["-cpu", "Haswell"]);
    site.failed_launch().assert(ExitCode::MissingCpuFeature, &["PDPE1GB", "memory_mib above 1024"]);
}

/// Under TDX, and under SNP hosts that add it unmeasured, boot RAM holds what the host chose.
#[test]
fn whatever_boot_ram_held_before() {
    let Some(rom) = rom() else { return };
    let site = Site::new(&build_image(rom, ECHO));
    let garbage = site.path().join("garbage");
    let bytes = usize::try_from(BOOT_DATA_BYTES).expect("boot RAM is small");
    fs::write(&garbage, Random(5).bytes(bytes)).expect("the file is written");
    let device = format!("loader,addr={BOOT_DATA_GPA:#x},force-raw=on,file={}", garbage.display());
    let site = site.with_qemu(&["-device", &device]);
    run_job(&site.launch(), b"").assert_success();
}

#[test]
fn another_vmpl_has_another_key() {
    let Some(rom) = rom() else { return };
    let app = format!("{APP}[launch.snp]\nvmpl = 2\n");
    let guest = Site::new(&build_image_as(rom, ECHO, &app)).launch();
    run_job(&guest, b"").assert_success();
}

#[test]
fn a_missing_file_is_named() {
    let Some(rom) = rom() else { return };
    let image = build_image(rom, ECHO);
    for name in [FW_CFG_MANIFEST, FW_CFG_COMPONENT, FW_CFG_ARTEFACT] {
        let mut site = Site::new(&image);
        site.overrides.omitted_files = vec![name.to_owned()];
        site.failed_launch().assert(ExitCode::Refused, &[name]);
    }
}

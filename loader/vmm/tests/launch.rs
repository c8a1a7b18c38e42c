//! Launches under a real QEMU, where there is one, with ROMs of a few instructions.
#![expect(clippy::unwrap_used, reason = "a test")]

use core::time::Duration;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use loader_vmm::accel::{Accel, AccelChoice};
use loader_vmm::error::LaunchError;
use loader_vmm::host::Tee;
use loader_vmm::{ImageFiles, LaunchConfig, Overrides, Qemu, launch};

use enclave_wire::boot::LogLevel;
use tests_needs::Need;

/// Prints `!`, newline on the serial port, then leaves with exit code 0x22, panic.
const PANICS: &[u8] = &[
    0xBA, 0xF8, 0x03, // mov dx, 0x3f8
    0xB0, b'!', 0xEE, // mov al, '!'; out dx, al
    0xB0, b'\n', 0xEE, // mov al, '\n'; out dx, al
    0xEB, 0xE5, // jmp to the bytes before the reset vector
];
const LEAVES: &[u8] = &[0xB0, 0x22, 0xE6, 0xF4, 0xF4]; // mov al, 0x22; out 0xf4, al; hlt
const HANGS: &[u8] = &[0xEB, 0xFE]; // jmp $

/// Launches a ROM with `code` at its reset vector and `before` 16 bytes in front of it.
fn launch_rom(folder: &Path, code: &[u8], before: &[u8], overrides: Overrides) -> LaunchError {
    let mut rom = vec![0xF4; 64 * 1024];
    rom[0xFFE0..0xFFE0 + before.len()].copy_from_slice(before);
    rom[0xFFF0..0xFFF0 + code.len()].copy_from_slice(code);
    fs::write(folder.join("redoubt.rom"), rom).unwrap();
    for file in ["manifest.json", "component.wasm", "artefact.cwasm"] {
        fs::write(folder.join(file), "no such thing").unwrap();
    }
    let config = LaunchConfig {
        image: ImageFiles::dangerous_unchecked(folder).unwrap(),
        tee: Tee::Simulated,
        accel: AccelChoice::Only(Accel::Tcg),
        qemu: None,
        run_dir: folder.join("run"),
        chip_file: folder.join("chip"),
        log_level: LogLevel::Info,
        boot_timeout: Duration::from_secs(2),
        interrupted: Arc::default(),
        publish: None,
        keep: None,
        state: None,
        overrides: Overrides {
            measurement: Some([1; 48]),
            policy: Some(0x3_0000),
            vmpl: Some(0),
            memory_mib: Some(32),
            ..overrides
        },
    };
    let error = launch(&config).unwrap_err();
    let left: Vec<_> =
        fs::read_dir(folder.join("run")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("sim-secrets")), "{left:?}");
    error
}

fn has_qemu() -> bool {
    let found = Qemu::find(None).is_ok();
    if !found {
        Need::Qemu.missing("no qemu-system-x86_64 here");
    }
    found
}

#[test]
fn a_guest_that_panics_is_told_with_its_last_words() {
    if has_qemu() {
        let folder = tempfile::tempdir().unwrap();
        let error = launch_rom(folder.path(), PANICS, LEAVES, Overrides::default()).to_string();
        assert!(error.contains("the guest panicked (exit code 0x22, qemu status 69)"), "{error}");
        assert!(error.ends_with("last log lines:\n    !"), "{error}");
        assert_eq!(fs::read_to_string(folder.path().join("run/guest.log")).unwrap(), "!\n");
    }
}

#[test]
fn a_guest_that_hangs_is_ended() {
    if has_qemu() {
        let folder = tempfile::tempdir().unwrap();
        let error = launch_rom(folder.path(), HANGS, &[], Overrides::default());
        assert!(matches!(error, LaunchError::NotReady { .. }), "{error}");
        assert!(error.to_string().contains("grant it more with --boot-timeout-s"), "{error}");
    }
}

#[test]
fn a_qemu_that_refuses_its_arguments_is_quoted() {
    if has_qemu() {
        let folder = tempfile::tempdir().unwrap();
        let overrides = Overrides { qemu_arguments: vec!["-no-such-option".into()], ..Overrides::default() };
        let error = launch_rom(folder.path(), HANGS, &[], overrides).to_string();
        assert!(error.contains("refused its command line") && error.contains("no-such-option"), "{error}");
    }
}

#[test]
fn only_simulated_guests_are_launched() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["redoubt.rom", "manifest.json"] {
        fs::write(folder.path().join(file), "").unwrap();
    }
    let config = |tee| LaunchConfig {
        image: ImageFiles::dangerous_unchecked(folder.path()).unwrap(),
        tee,
        accel: AccelChoice::Auto,
        qemu: None,
        run_dir: folder.path().join("run"),
        chip_file: folder.path().join("chip"),
        log_level: LogLevel::Info,
        boot_timeout: Duration::from_secs(1),
        interrupted: Arc::default(),
        publish: None,
        keep: None,
        state: None,
        overrides: Overrides::default(),
    };
    for tee in [Tee::Snp, Tee::Tdx] {
        assert!(matches!(launch(&config(tee)), Err(LaunchError::TeeUnsupported { .. })));
    }
    assert!(matches!(launch(&config(Tee::Simulated)), Err(LaunchError::Measure(_))));
    assert!(matches!(ImageFiles::check(folder.path()), Err(LaunchError::Image(_))));
    assert!(!folder.path().join("run").exists(), "nothing was started");
}

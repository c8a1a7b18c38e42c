//! Several guests, and launches that cannot be.

use std::path::PathBuf;
use std::thread;

use loader_vmm::error::LaunchError;
use loader_vmm::{SOCKET_PATH_MAX_BYTES, launch};

use crate::harness::components::ECHO;
use crate::harness::{PATIENCE, Random, Site, build_image, rom, run_job};

#[test]
fn two_guests_at_once_do_not_meet() {
    let Some(rom) = rom() else { return };
    let image = build_image(rom, ECHO);
    let sites = [(); 2].map(|()| Site::new(&image));
    let guests = sites.each_ref().map(Site::launch);
    assert_ne!(guests[0].info().evidence, guests[1].info().evidence);
    let jobs = [(1, &guests[0]), (2, &guests[1])];
    thread::scope(|scope| {
        for (seed, guest) in jobs {
            scope.spawn(move || {
                let input = Random(seed).bytes(2_000_000);
                let job = run_job(guest, &input);
                job.assert_success();
                assert!(job.output == input, "the echo is another guest's");
            });
        }
    });
    assert!(guests[0].stop(PATIENCE).is_clean());
    run_job(&guests[1], b"the other one goes on").assert_success();
    assert!(guests[1].stop(PATIENCE).is_clean());
}

#[test]
fn a_run_folder_with_too_long_a_name_is_refused() {
    let Some(rom) = rom() else { return };
    let site = Site::new(&build_image(rom, ECHO));
    let mut config = site.config();
    config.run_dir = site.path().join("x".repeat(SOCKET_PATH_MAX_BYTES));
    let error = launch(&config).expect_err("no socket has such a path");
    assert!(matches!(error, LaunchError::SocketPath { .. }), "{error}");
    assert!(error.to_string().contains("choose a shorter run directory"), "{error}");
}

#[test]
fn a_qemu_that_is_missing_is_named_with_the_remedy() {
    let Some(rom) = rom() else { return };
    let site = Site::new(&build_image(rom, ECHO));
    let mut config = site.config();
    config.qemu = Some(PathBuf::from("no-such-qemu"));
    let error = launch(&config).expect_err("there is none").to_string();
    assert!(error.contains("no-such-qemu was not found") && error.contains("apt-get install"), "{error}");
}

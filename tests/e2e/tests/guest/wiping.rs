//! However a guest ends, its private memory is cleared before it is gone.

use std::fs;

use enclave_wire::boot::ExitCode;
use enclave_wire::layout::{PAGE_BYTES, PRIVATE_GPA, SECRETS_PAGE_GPA};

use crate::harness::components::ECHO;
use crate::harness::{Middle, PATIENCE, Site, To, build_image, rom, run_job};

#[test]
fn a_guest_that_is_asked_to_end_clears_its_memory() {
    let Some(rom) = rom() else { return };
    let site = Site::new(&build_image(rom, ECHO)).with_memory_file();
    let guest = site.launch();
    run_job(&guest, b"something to remember").assert_success();
    assert!(has_traces(&site), "a guest that runs has something in its memory");
    assert!(guest.stop(PATIENCE).is_clean());
    assert!(!has_traces(&site));
}

#[test]
fn a_guest_whose_host_breaks_the_rules_clears_its_memory() {
    let Some(rom) = rom() else { return };
    let mut site = Site::new(&build_image(rom, ECHO)).with_memory_file();
    let middle = Middle::install(&mut site, |to, frame| vec![(to, frame)]);
    let guest = site.launch();
    assert!(has_traces(&site));
    middle.send_raw(To::Guest, b"these are no frames");
    site.wait_end(&guest).assert(ExitCode::DeviceFault, &["frame magic"]);
    assert!(!has_traces(&site));
}

/// Whether private memory or the secrets page holds anything but zeros.
pub(crate) fn has_traces(site: &Site) -> bool {
    let memory = fs::read(site.memory_file()).expect("QEMU keeps the guest's memory in the file");
    let offset = |gpa: u64| usize::try_from(gpa).expect("the guest is small");
    let (private, secrets) = (offset(PRIVATE_GPA), offset(SECRETS_PAGE_GPA));
    let pages = [&memory[private..], &memory[secrets..secrets + offset(PAGE_BYTES)]];
    pages.iter().any(|part| part.iter().any(|byte| *byte != 0))
}

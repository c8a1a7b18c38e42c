//! However a guest ends, its private memory is cleared before it is gone.

use std::fs::File;
use std::io::{Read, Seek};

use enclave_wire::boot::ExitCode;
use enclave_wire::layout::{PAGE_BYTES, PRIVATE_GPA, SECRETS_PAGE_GPA};

use rustix::fs::SeekFrom;

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
    let is_private =
        |gpa: u64| gpa >= PRIVATE_GPA || (SECRETS_PAGE_GPA..SECRETS_PAGE_GPA + PAGE_BYTES).contains(&gpa);
    let mut memory = File::open(site.memory_file()).expect("QEMU keeps the guest's memory in the file");
    let mut page = vec![0; usize::try_from(PAGE_BYTES).expect("a page is small")];
    let mut gpa = 0;
    // Gigabytes of holes are skipped: what was never written to is zeros.
    while let Ok(data) = rustix::fs::seek(&memory, SeekFrom::Data(gpa)) {
        let hole = rustix::fs::seek(&memory, SeekFrom::Hole(data)).expect("every file ends in a hole");
        memory.seek(std::io::SeekFrom::Start(data)).expect("the file is there");
        gpa = data;
        while gpa < hole {
            memory.read_exact(&mut page).expect("a file of whole pages");
            if is_private(gpa) && page.iter().any(|byte| *byte != 0) {
                return true;
            }
            gpa += PAGE_BYTES;
        }
    }
    false
}

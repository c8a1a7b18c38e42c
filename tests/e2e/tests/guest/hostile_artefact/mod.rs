//! An artefact that attacks the guest from inside: the component's own code is replaced by machine code for ring 0.
//!
//! No compiler makes such an artefact, but a builder who lies can put its hash into a manifest. It may do to its own
//! job what it likes; it must not get what would let it speak for other manifests, and its mistakes must be loud.

mod code;
mod secrets;

use enclave_wire::boot::ExitCode;

use crate::harness::components::NOTHING;
use crate::harness::{APP, Ending, PATIENCE, Site, build_image, build_image_as, rom, run_job};
use crate::wiping::has_traces;
use code::HOSTILE_EXIT;

/// Constants that the compiler puts into the code as they are: between them is room for other code.
const FIRST_MARK: u64 = 0x9D2C_5680_EFC6_0001;
const LAST_MARK: u64 = 0x9D2C_5680_EFC6_0FFF;
/// `nop`.
const NOP: u8 = 0x90;
/// Stores between the marks, of at least 14 bytes each.
const STORES: u64 = 80;

#[test]
fn forbidden_memory_accesses_are_named() {
    let cases: [(&[u8], &str); 6] = [
        (code::write_code(), "write to memory that is read-only"),
        (code::write_rom(), "write to memory that is read-only"),
        (code::run_stack(), "execution of memory that is not code"),
        (code::run_shared(), "execution of memory that is not code"),
        (code::read_null(), "read of memory that is not mapped"),
        (code::overflow_stack(), "write to memory that is not mapped"),
    ];
    for (code, words) in cases {
        assert_faults(code, &["#PF page fault", words]);
    }
}

#[test]
fn a_guest_that_faults_clears_its_memory() {
    let Some(rom) = rom() else { return };
    let site = site(rom, APP, code::divide()).with_memory_file();
    attack(&site).assert(ExitCode::Exception, &["#DE divide error"]);
    assert!(!has_traces(&site));
}

/// The engine's stacks are used again, and only pages that were written to are cleared.
#[test]
fn what_a_job_left_on_its_stack_is_not_found_by_the_next() {
    let Some(rom) = rom() else { return };
    let guest = site(rom, APP, code::leave_traces()).launch();
    for _ in 0..3 {
        run_job(&guest, b"").assert_success();
    }
    assert!(guest.stop(PATIENCE).is_clean());
}

#[test]
fn exceptions_are_named() {
    let cases: [(&[u8], &str); 5] = [
        (code::double_fault(), "#DF double fault"),
        (code::divide(), "#DE divide error"),
        (code::undefined(), "#UD invalid opcode"),
        (code::breakpoint(), "#BP breakpoint"),
        (code::non_canonical(), "#GP general protection"),
    ];
    for (code, words) in cases {
        assert_faults(code, &[words]);
    }
}

/// The boot stack, and the two on which exceptions are handled.
#[test]
fn stacks_that_overflow_in_boot_ram_are_noticed() {
    let Some(rom) = rom() else { return };
    let honest = Site::new(&build_image(rom, NOTHING));
    let guest = honest.launch();
    let log = honest.log();
    assert!(guest.stop(PATIENCE).is_clean());
    let guards: Vec<u64> = log
        .lines()
        .filter_map(|line| line.split_once("guard page at 0x"))
        .map(|(_, address)| u64::from_str_radix(address.trim(), 16).expect("an address"))
        .collect();
    assert_eq!(guards.len(), 3, "{log}");
    for guard in guards {
        let code = [code::overflow_at(), &guard.to_le_bytes()].concat();
        let last_word = format!("address {:#018x}, write to memory that is not mapped", guard + 4088);
        assert_faults(&code, &["#PF page fault", &last_word]);
    }
}

/// The host hands the secrets of the simulated processor over once: whoever asks again finds nothing.
#[test]
fn boots_secrets_are_not_among_the_files_that_the_host_offers() {
    let Some(rom) = rom() else { return };
    let ending = attack(&site(rom, APP, code::list_files()));
    ending.assert_hostile();
    let files: Vec<&str> = ending.log.lines().filter(|line| line.starts_with("opt/redoubt/")).collect();
    assert!(files.contains(&"opt/redoubt/manifest"), "the list was read: {}", ending.log);
    assert!(!files.iter().any(|name| name.contains("secret")), "{files:?}");
}

#[track_caller]
fn assert_faults(code: &[u8], words: &[&str]) {
    let Some(rom) = rom() else { return };
    let ending = attack(&site(rom, APP, code));
    ending.assert(ExitCode::Exception, words);
    for register in ["rip 0x", "rsp 0x", "rax 0x", "r15 0x"] {
        assert!(ending.log.contains(register), "{}", ending.log);
    }
}

/// An image whose program is `code`.
fn site(rom: &[u8], app: &str, code: &[u8]) -> Site {
    // Each to a global of its own: the compiler drops all but the last store to one.
    let marks = (FIRST_MARK..FIRST_MARK + STORES).chain([LAST_MARK]);
    let globals = "(global (mut i64) (i64.const 0))\n".repeat(marks.clone().count());
    let stores: String = (0..)
        .zip(marks)
        .map(|(index, mark)| format!("(global.set {index} (i64.const {mark:#x}))\n"))
        .collect();
    let fields = format!(r#"{globals} (func (export "run") (result i32) {stores} i32.const 0)"#);
    let image = build_image_as(rom, &fields, app);
    let mut artefact = image.artefact().to_vec();
    let (start, end) = (position(&artefact, FIRST_MARK) + 8, position(&artefact, LAST_MARK));
    // What returns goes on behind the last mark, whose instruction begins two bytes before it.
    artefact[start..end - 2].fill(NOP);
    artefact[start..end][..code.len()].copy_from_slice(code);
    let site = Site::new(&image);
    site.replace_artefact(&artefact);
    site
}

/// Where the compiler put a constant, as the last eight bytes of an instruction.
fn position(artefact: &[u8], constant: u64) -> usize {
    let mut found = artefact.windows(8).enumerate().filter(|(_, bytes)| *bytes == constant.to_le_bytes());
    let (at, _) = found.next().expect("the constant is in the code");
    assert!(found.next().is_none(), "the constant is there once");
    at
}

/// Launches, starts the job that runs the code, and waits for the end.
#[track_caller]
fn attack(site: &Site) -> Ending {
    let guest = site.launch();
    let job = guest.enqueue(0).expect("the guest lives");
    let ending = site.wait_end(&guest);
    drop(job);
    ending
}

impl Ending {
    /// The hostile code did what it came for.
    #[track_caller]
    fn assert_hostile(&self) {
        let expected = 2 * i32::from(HOSTILE_EXIT) + 1;
        assert_eq!(self.odd_status, Some(expected), "{}\n{}", self.message, self.log);
    }
}

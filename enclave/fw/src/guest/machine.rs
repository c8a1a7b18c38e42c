//! What the linker placed where, and the real machine as the service's surroundings.

use alloc::string::{String, ToString};

use enclave_devices::console::Console;
use enclave_platform::{ByteStream, Random};
use enclave_service::{HeapFigures, NetworkFigures, ProbeAnswer, Sockets, Surroundings};
use enclave_wire::layout;
use enclave_wire::psp::SecretsPage;
use enclave_x86::entropy::HardwareEntropy;
use enclave_x86::exceptions;
use enclave_x86::paging::{self, AddressSpaceLayout, Encryption, PagingError, Range};
use enclave_x86::tsc::Clock;
use enclave_x86::wipe;
use zerocopy::FromZeros;

use super::HEAP;
use super::random;
use super::sockets::RealSockets;

unsafe extern "C" {
    static __text_start: u8;
    static __text_end: u8;
    static __rodata_start: u8;
    static __rodata_end: u8;
    static __boot_stack_guard: u8;
    static __boot_stack_bottom: u8;
    static __boot_stack_top: u8;
}

fn address_of(symbol: *const u8) -> u64 {
    symbol as usize as u64
}

fn boot_stack() -> Range {
    Range { start: address_of(&raw const __boot_stack_bottom), end: address_of(&raw const __boot_stack_top) }
}

/// The pages below the stacks in boot RAM.
pub(super) fn guard_pages() -> [Range; 1 + exceptions::STACK_COUNT] {
    let boot = Range { start: address_of(&raw const __boot_stack_guard), end: boot_stack().start };
    let [first, second] = exceptions::stack_guards();
    [boot, first, second]
}

/// Loads the final address space.
pub(super) fn install_address_space(encryption: Encryption) -> Result<(), PagingError> {
    paging::install(&AddressSpaceLayout {
        text: Range { start: address_of(&raw const __text_start), end: address_of(&raw const __text_end) },
        rodata: Range {
            start: address_of(&raw const __rodata_start),
            end: address_of(&raw const __rodata_end),
        },
        guards: &guard_pages(),
        encryption,
    })
}

/// Has the boot stack and the secrets page wiped when the guest ends.
pub(super) fn register_wiping() {
    // SAFETY: the linker gives these pages of boot RAM to the stack.
    unsafe { wipe::register_boot_stack(boot_stack()) }
    let start = layout::SECRETS_PAGE_GPA;
    // SAFETY: the memory map gives this page of boot RAM to the secrets.
    unsafe { wipe::register(Range { start, end: start + layout::PAGE_BYTES }) }
}

/// Takes the secrets page out of boot RAM, where the platform put it before the guest started.
pub(super) fn take_secrets_page() -> SecretsPage {
    #[expect(clippy::cast_possible_truncation, reason = "the guest's addresses have 64 bits")]
    let page = core::ptr::with_exposed_provenance_mut::<SecretsPage>(layout::SECRETS_PAGE_GPA as usize);
    // SAFETY: boot RAM is mapped, the memory map gives this page to nothing else, and any bytes are a `SecretsPage`.
    let secrets = unsafe { page.read_volatile() };
    // SAFETY: likewise.
    unsafe { page.write_volatile(SecretsPage::new_zeroed()) }
    secrets
}

/// Clears what secrets left on the unused part of the boot stack.
pub(super) fn scrub_boot_stack() {
    // SAFETY: boot runs on the boot stack, so everything from its bottom to the stack pointer is unused.
    unsafe { wipe::scrub_stack(boot_stack().start) }
}

/// The console as the control stream.
#[derive(Debug)]
pub(super) struct ConsoleStream(pub(super) Console);

impl ByteStream for ConsoleStream {
    fn receive(&mut self, consume: &mut dyn FnMut(&[u8])) -> Result<usize, String> {
        self.0.receive(consume).map_err(|error| error.to_string())
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.0.send(bytes).map_err(|error| error.to_string())
    }

    fn flush(&mut self) -> Result<(), String> {
        self.0.flush().map_err(|error| error.to_string())
    }
}

/// Clock, randomness, heap and network of the real machine.
#[derive(Debug)]
pub(super) struct RealSurroundings {
    pub(super) clock: Clock,
    pub(super) random: Random<HardwareEntropy>,
    pub(super) sockets: Option<RealSockets>,
}

impl Surroundings for RealSurroundings {
    fn now_ns(&mut self) -> u64 {
        self.clock.now_ns()
    }

    fn fill_random(&mut self, bytes: &mut [u8]) {
        self.random.fill(bytes);
    }

    fn poll(&mut self) -> Result<(), String> {
        let now_us = self.clock.now_us();
        match &mut self.sockets {
            Some(sockets) => sockets.network.poll(now_us).map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }

    fn heap(&mut self) -> HeapFigures {
        let usage = HEAP.usage();
        HeapFigures {
            used_bytes: usage.used_bytes,
            peak_bytes: usage.peak_bytes,
            total_bytes: usage.total_bytes,
        }
    }

    fn begin_job(&mut self) -> Result<(), String> {
        HEAP.reset_peak();
        self.random.reseed().and_then(|()| random::reseed()).map_err(|error| error.to_string())
    }

    fn network(&mut self) -> Option<NetworkFigures> {
        self.sockets.as_ref().map(|RealSockets { network, .. }| NetworkFigures {
            address: network.address(),
            gateway: network.gateway(),
            mac: network.mac(),
        })
    }

    fn sockets(&mut self) -> Option<&mut dyn Sockets> {
        self.sockets.as_mut().map(|sockets| sockets as &mut dyn Sockets)
    }

    fn start_probe(&mut self, destination: &str, payload: &[u8], timeout_us: u64) -> Result<(), String> {
        let now_us = self.clock.now_us();
        let sockets = self.sockets.as_mut().ok_or("the guest has no network")?;
        sockets
            .network
            .start_probe(destination, payload, now_us, timeout_us)
            .map_err(|error| error.to_string())
    }

    fn take_probe(&mut self) -> Option<ProbeAnswer> {
        let now_us = self.clock.now_us();
        let outcome = self.sockets.as_mut()?.network.take_probe(now_us)?;
        Some(ProbeAnswer { answer: outcome.answer.map_err(String::from), elapsed_us: outcome.elapsed_us })
    }
}

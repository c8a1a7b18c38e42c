//! What a program without an operating system needs to be linked; nothing here is ever run.
#![no_std]

/// A program for the guest's target that does `$work`, and for the host one that says what it is for.
#[macro_export]
macro_rules! program {
    ($work:expr) => {
        #[cfg(target_os = "none")]
        #[unsafe(no_mangle)]
        extern "C" fn _start() -> ! {
            core::hint::black_box($work);
            loop {}
        }

        #[cfg(not(target_os = "none"))]
        fn main() {
            core::hint::black_box($work);
            println!("linked for the guest and measured there by `cargo xtask bench verification`");
        }
    };
}

mod verifiers;

pub use verifiers::{nvidia, snp, tdx};

#[cfg(target_os = "none")]
mod bare {
    #![expect(unsafe_code, reason = "an allocator has no safe form")]

    use core::alloc::{GlobalAlloc, Layout};
    use core::hint::black_box;

    #[global_allocator]
    static NOTHING: Nothing = Nothing;

    /// Has no memory to give, but does not let the compiler know.
    struct Nothing;

    // SAFETY: a null pointer says that there is no memory, and nothing is ever given back.
    unsafe impl GlobalAlloc for Nothing {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            black_box(layout);
            black_box(core::ptr::null_mut())
        }

        unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
            black_box(block);
        }
    }

    #[panic_handler]
    fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
        loop {}
    }
}

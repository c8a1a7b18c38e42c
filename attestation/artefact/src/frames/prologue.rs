//! Reads off compiled functions how much stack they take before they do anything else.

use pulley_interpreter::Opcode;

/// In what language functions are compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// Machine code, AMD64 manual volume 3.
    X86_64,
    /// Code of the engine's interpreter.
    Pulley,
}

/// Return address and frame pointer.
const LINK_BYTES: u64 = 16;

impl Code {
    /// Stack that `function` takes, in bytes, its return address included; `None` if it does not begin as the
    /// engine's compiler begins functions.
    pub(crate) fn frame_bytes(self, function: &[u8]) -> Option<u64> {
        match self {
            Self::X86_64 => x86_64_frame_bytes(function),
            Self::Pulley => pulley_frame_bytes(function),
        }
    }
}

/// `push rbp; mov rbp, rsp`, then in this order, each if needed: pages of a large frame are touched, the area of
/// arguments grows for a tail call, the frame is made. Whatever else follows belongs to the function.
fn x86_64_frame_bytes(function: &[u8]) -> Option<u64> {
    let mut code = function.strip_prefix(PUSH_RBP_MOV_RBP_RSP)?;
    let mut frame_bytes = LINK_BYTES;
    loop {
        if let Some((amount, rest)) = immediate(code, SUB_RSP) {
            (frame_bytes, code) = (frame_bytes.checked_add(amount)?, rest);
        } else if let Some((amount, rest)) = immediate(code, ADD_RSP) {
            (frame_bytes, code) = (frame_bytes.checked_sub(amount)?, rest);
        } else if let Some(rest) = probe_loop(code) {
            code = rest;
        } else if let Some(rest) = OTHERS.iter().find_map(|other| code.strip_prefix(*other)) {
            code = rest;
        } else if let Some(rest) = load_r11(code) {
            code = rest;
        } else {
            return Some(frame_bytes);
        }
    }
}

const PUSH_RBP_MOV_RBP_RSP: &[u8] = &[0x55, 0x48, 0x89, 0xe5];
/// ModRM bytes of `sub rsp, …` and `add rsp, …`, opcodes 83 and 81 with a REX prefix.
const SUB_RSP: u8 = 0xec;
const ADD_RSP: u8 = 0xc4;

/// What else stands in a prologue and leaves `rsp` alone.
const OTHERS: &[&[u8]] = &[
    // mov dword [rsp], 0: touches a page.
    &[0xc7, 0x04, 0x24, 0, 0, 0, 0],
    // mov rbp, rsp
    &[0x48, 0x89, 0xe5],
    // mov [rsp], r11 and mov [rsp + 8], r11: frame pointer and return address move down.
    &[0x4c, 0x89, 0x1c, 0x24],
    &[0x4c, 0x89, 0x5c, 0x24, 0x08],
];

/// The amount by which the instruction at the start of `code` changes `rsp`, and what follows it.
fn immediate(code: &[u8], mod_rm: u8) -> Option<(u64, &[u8])> {
    match code {
        // 32 bits first: the compiler's immediates are positive.
        [0x48, 0x81, found, a, b, c, d, rest @ ..] if *found == mod_rm => {
            Some((u64::from(u32::from_le_bytes([*a, *b, *c, *d])), rest))
        }
        [0x48, 0x83, found, amount, rest @ ..] if *found == mod_rm => Some((u64::from(*amount), rest)),
        _ => None,
    }
}

/// `mov r11, [rsp + …]`
fn load_r11(code: &[u8]) -> Option<&[u8]> {
    match code {
        [0x4c, 0x8b, 0x9c, 0x24, _, _, _, _, rest @ ..] | [0x4c, 0x8b, 0x5c, 0x24, _, rest @ ..] => {
            Some(rest)
        }
        _ => None,
    }
}

/// The loop that touches the pages of a very large frame, and leaves `rsp` where it was: `mov r11, rsp; sub r11,
/// bytes`, page by page `sub rsp, 4096; mov dword [rsp], 0` until `cmp r11, rsp; jne`, then `add rsp, bytes`.
fn probe_loop(code: &[u8]) -> Option<&[u8]> {
    let (down, code) = code.strip_prefix(&[0x49, 0x89, 0xe3, 0x49, 0x81, 0xeb])?.split_first_chunk::<4>()?;
    let code = code.strip_prefix(&[0x48, 0x81, 0xec, 0, 0x10, 0, 0, 0xc7, 0x04, 0x24, 0, 0, 0, 0])?;
    let code = code.strip_prefix(&[0x4c, 0x3b, 0xdc, 0x0f, 0x85])?.get(4..)?;
    let (up, code) = code.strip_prefix(&[0x48, 0x81, 0xc4])?.split_first_chunk::<4>()?;
    (down == up).then_some(code)
}

/// `push_frame_save`, or `push_frame` and `stack_alloc32`, or either alone; before it `stack_alloc32` for the
/// arguments of a tail call.
fn pulley_frame_bytes(function: &[u8]) -> Option<u64> {
    let mut code = function;
    let mut frame_bytes: u64 = 0;
    loop {
        match code {
            [opcode, low, high, _, _, rest @ ..] if *opcode == Opcode::PushFrameSave as u8 => {
                let amount = u64::from(u16::from_le_bytes([*low, *high]));
                (frame_bytes, code) = (frame_bytes.checked_add(amount)?.checked_add(LINK_BYTES)?, rest);
            }
            [opcode, rest @ ..] if *opcode == Opcode::PushFrame as u8 => {
                (frame_bytes, code) = (frame_bytes.checked_add(LINK_BYTES)?, rest);
            }
            [opcode, a, b, c, d, rest @ ..] if *opcode == Opcode::StackAlloc32 as u8 => {
                let amount = u64::from(u32::from_le_bytes([*a, *b, *c, *d]));
                (frame_bytes, code) = (frame_bytes.checked_add(amount)?, rest);
            }
            _ => return Some(frame_bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As an independent disassembler (binutils) shows the compiler's output.
    #[test]
    fn frames_of_machine_code() {
        let frame = |code: &str| Code::X86_64.frame_bytes(&hex::decode(code.replace(' ', "")).unwrap());
        let begin = "55 4889e5";
        assert_eq!(frame("4883ec10"), None, "no frame pointer");
        assert_eq!(frame(&format!("{begin} c3")), Some(16));
        assert_eq!(
            frame(&format!("{begin} 4883ec20 48891c24 4883ec20")),
            Some(48),
            "the first store is the body's"
        );
        assert_eq!(frame(&format!("{begin} 4881ec107d0000 c3")), Some(16 + 0x7d10));
        let probes = "4881ec00100000 c7042400000000 4881ec00100000 c7042400000000 4881c400200000";
        assert_eq!(frame(&format!("{begin} {probes} 4881ec10210000 c3")), Some(16 + 0x2110));
        let probe_loop =
            "4989e3 4981eb00800000 4881ec00100000 c7042400000000 4c3bdc 0f85e9ffffff 4881c400800000";
        assert_eq!(frame(&format!("{begin} {probe_loop} 4881ec107d0000 c3")), Some(16 + 0x7d10));
        let tail_arguments = "4883ec30 4889e5 4c8b5c2430 4c891c24 4c8b5c2438 4c895c2408";
        assert_eq!(frame(&format!("{begin} {tail_arguments} 4883ec10 c3")), Some(16 + 0x30 + 0x10));
    }

    #[test]
    fn frames_of_the_interpreter() {
        let frame = |code: &[u8]| Code::Pulley.frame_bytes(code);
        let (push, save, alloc) =
            (Opcode::PushFrame as u8, Opcode::PushFrameSave as u8, Opcode::StackAlloc32 as u8);
        assert_eq!(frame(&[Opcode::Ret as u8]), Some(0));
        assert_eq!(frame(&[push, Opcode::PopFrame as u8]), Some(16));
        assert_eq!(frame(&[save, 0x20, 1, 0xff, 0xff, Opcode::Ret as u8]), Some(16 + 0x120));
        assert_eq!(
            frame(&[alloc, 0x40, 0, 0, 0, push, alloc, 0, 0, 1, 0, Opcode::Ret as u8]),
            Some(16 + 0x40 + 0x10000)
        );
    }
}

# Reset to long mode, for three worlds.
#
#   plain, SNP : 16-bit real mode, CS base 0xFFFF0000, IP 0xFFF0   -> reset_real_mode
#   TDX        : 32-bit protected mode, flat, paging off           -> reset_protected_mode
#
# What it does, in order: leave real mode; find out which world this is; clear boot RAM (its contents are the host's
# choice under TDX, and under SNP profiles that add it unmeasured); load the boot page tables that `image/rom` wrote
# into the ROM; enter long mode; jump to the top 2 GiB; copy .data; call `guest_main(mode, tsc)`.
#
# Nothing is written before boot RAM is known to be usable: SNP hosts add it as pre-validated pages, TDX hosts as
# TempMem (see the metadata in `image/rom`).

.section .reset, "ax", @progbits
.global reset_page
reset_page:

# Boot modes, as `guest_main` gets them; `src/main.rs` names them.
.set MODE_PLAIN, 0
.set MODE_SNP, 1
.set MODE_TDX, 2

.code16
.global reset_real_mode
reset_real_mode:
    cli
    cld
    # The GDT's address is physical; in real mode CS reaches the last 64 KiB.
    .byte 0xBB                      # mov bx, the pointer's offset in that segment
    .word gdt_pointer - reset_page + {RESET_PAGE_OFFSET}
    .byte 0x66                      # operand size: all 32 bits of the base
    lgdt cs:[bx]
    mov eax, cr0
    and eax, 0x9FFFFFFF             # clear CD and NW: caches on
    or al, 1
    mov cr0, eax
    .byte 0x66, 0xEA                # far jump to 32-bit code, encoded by hand: the target is a 32-bit constant
    .long reset_real_mode_32 - reset_page + {RESET_PAGE_GPA}
    .word 0x08

.code32
reset_real_mode_32:
    mov ax, 0x10
    mov ds, ax
    mov es, ax
    mov ss, ax
    # The exception table serves CPUID under SNP, where the instruction raises #VC until a host page answers it.
    .byte 0xB8                      # mov eax, the pointer's address
    .long idt_pointer - reset_page + {RESET_PAGE_GPA}
    lidt [eax]
    mov esp, {BOOT_STACK_32}
    call detect_snp
    mov ebp, eax
    jmp common_32

.global reset_protected_mode
reset_protected_mode:
    cli
    cld
    # Every vCPU starts here; ESI is its index. One vCPU runs, the others wait for ever.
    test esi, esi
    jnz park
    .byte 0xB8                      # mov eax, the pointer's address
    .long gdt_pointer - reset_page + {RESET_PAGE_GPA}
    lgdt [eax]
    mov ax, 0x10
    mov ds, ax
    mov es, ax
    mov ss, ax
    .byte 0xEA
    .long reset_protected_mode_cs - reset_page + {RESET_PAGE_GPA}
    .word 0x08
reset_protected_mode_cs:
    # Leaf 0x21 is answered by the TDX module: "IntelTDX    ".
    mov eax, 0x21
    xor ecx, ecx
    cpuid
    cmp ebx, 0x65746E49
    jne park
    cmp edx, 0x5844546C
    jne park
    cmp ecx, 0x20202020
    jne park
    mov ebp, MODE_TDX

common_32:
    # Clear boot RAM that the linker manages, stacks and page tables included. Under TDX also what lies below it: there it
    # holds neither secrets nor a CPUID page, only what the host put into it.
    mov edi, {BOOT_DATA_GPA}
    mov ecx, {BOOT_DATA_DWORDS}
    cmp ebp, MODE_TDX
    jne 5f
    mov edi, {BOOT_RAM_GPA}
    mov ecx, {BOOT_RAM_DWORDS}
5:  xor eax, eax
    rep stosd

    mov eax, {BOOT_TABLES_PLAIN_GPA}
    cmp ebp, MODE_SNP
    jne 1f
    mov eax, {BOOT_TABLES_SNP_GPA}
1:  mov cr3, eax

    mov eax, cr4
    or eax, 0x620                   # PAE, OSFXSR, OSXMMEXCPT
    mov cr4, eax

    # Long mode enable. TDX fixes it to on, and a needless write would be intercepted.
    mov ecx, 0xC0000080
    rdmsr
    test eax, 0x100
    jnz 2f
    or eax, 0x100
    wrmsr
2:
    mov eax, cr0
    and eax, 0x9FFFFFF3             # clear CD, NW, TS, EM
    or eax, 0x80010023              # PG, WP, NE, MP, PE
    mov cr0, eax
    .byte 0xEA
    .long entry_64 - reset_page + {RESET_PAGE_GPA}
    .word 0x18

# Returns the mode in EAX: MODE_SNP when the processor reports SEV and SEV_STATUS has the SNP bit, else MODE_PLAIN.
# This is a choice of code path, not of trust: a host that lies here gets a guest without keys and without a report.
detect_snp:
    mov eax, 0x80000000
    cpuid
    cmp eax, 0x8000001F
    jb 3f
    mov eax, 0x8000001F
    cpuid
    test eax, 2                     # SEV
    jz 3f
    mov ecx, 0xC0010131             # SEV_STATUS
    rdmsr
    test eax, 4                     # SNP_Active
    jz 3f
    mov eax, MODE_SNP
    ret
3:  mov eax, MODE_PLAIN
    ret

# #VC in 32-bit mode. Only CPUID is expected (error code 0x72): it is answered through the GHCB MSR protocol, register
# by register. Anything else ends the guest.
vc_handler:
    cmp dword ptr [esp], 0x72
    jne terminate
    push ebp
    mov ebp, eax                    # leaf
    xor edi, edi                    # register number, 0 to 3: EAX, EBX, ECX, EDX
    sub esp, 16
4:  mov eax, edi
    shl eax, 30
    or eax, 0x004                   # CPUID request
    mov edx, ebp
    mov ecx, 0xC0010130
    wrmsr
    rep vmmcall
    mov ecx, 0xC0010130
    rdmsr
    and eax, 0xFFF
    cmp eax, 0x005                  # CPUID response
    jne terminate
    mov [esp + edi * 4], edx
    inc edi
    cmp edi, 4
    jb 4b
    pop eax
    pop ebx
    pop ecx
    pop edx
    pop ebp
    add esp, 4                      # error code
    add dword ptr [esp], 2          # CPUID is two bytes long
    iretd

# Ends an SNP guest: GHCB MSR protocol, terminate, general reason. Elsewhere the write faults and the guest stops too.
terminate:
    mov eax, 0x100
    xor edx, edx
    mov ecx, 0xC0010130
    wrmsr
    rep vmmcall
park:
    pause
    jmp park

.code64
entry_64:
    movabs rax, offset entry_top
    jmp rax
entry_top:
    mov ax, 0x10
    mov ds, ax
    mov es, ax
    mov ss, ax
    xor eax, eax
    mov fs, ax
    mov gs, ax
    mov rsp, offset __boot_stack_top
    mov rdi, offset __data_start
    mov rsi, offset __data_load
    mov rcx, offset __data_end
    sub rcx, rdi
    rep movsb
    rdtsc
    shl rdx, 32
    or rax, rdx
    mov rsi, rax
    mov edi, ebp
    xor ebp, ebp
    call guest_main
    ud2

.balign 8
gdt:
    .quad 0
    .quad 0x00CF9B000000FFFF        # 0x08: 32-bit code, accessed, so that the processor need not write to the ROM
    .quad 0x00CF93000000FFFF        # 0x10: data
    .quad 0x00AF9B000000FFFF        # 0x18: 64-bit code
gdt_end:
gdt_pointer:
    .word gdt_end - gdt - 1
    .long gdt - reset_page + {RESET_PAGE_GPA}

.balign 8
# 32-bit exception table: 29 (#VC) is served, the others end the guest.
idt:
    .rept 29
    .word terminate - reset_page + {RESET_PAGE_OFFSET}
    .word 0x08, 0x8E00, 0xFFFF
    .endr
    .word vc_handler - reset_page + {RESET_PAGE_OFFSET}
    .word 0x08, 0x8E00, 0xFFFF
idt_end:
idt_pointer:
    .word idt_end - idt - 1
    .long idt - reset_page + {RESET_PAGE_GPA}

//! Honest inputs of TDX: structure that is hard to guess, and nothing in it that is signed.

/// Header, TD report and signature data of a quote of version 4 or 5, and a few bytes behind it.
#[must_use]
pub fn quote(version: u8) -> Vec<u8> {
    let mut bytes = vec![version, 0, 2, 0, 0x81, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend([
        0x93, 0x9A, 0x72, 0x33, 0xF7, 0x9C, 0x4C, 0xA9, 0x94, 0x0A, 0x0D, 0xB3, 0x95, 0x7F, 0x06, 0x07,
    ]);
    bytes.extend([0; 20]);
    if version == 4 {
        bytes.extend([9; 584]);
    } else {
        bytes.extend([3, 0, 0x88, 2, 0, 0]);
        bytes.extend([9; 648]);
    }
    // Report and signature of the quoting enclave, authentication data, certification data of type 5.
    let inner = [&[7; 448][..], &[3, 0], b"abc", &[5, 0, 4, 0, 0, 0], b"PEM\n"].concat();
    let data = [&[1; 64][..], &[2; 64], &[6, 0], &length(&inner), &inner].concat();
    bytes.extend(length(&data));
    bytes.extend(data);
    bytes.extend([0; 7]);
    bytes
}

/// TCB info with every field.
#[must_use]
pub fn tcb_info() -> String {
    let components = |svn: u8| {
        let component =
            format!("{{\"svn\":{svn},\"category\":\"BIOS\",\"type\":\"Early Microcode Update\"}}");
        format!("[{}]", vec![component; 16].join(","))
    };
    let identity = |members: &str| {
        let (zeros, attributes) = ("00".repeat(48), "00".repeat(8));
        let ones = "FF".repeat(8);
        format!(
            "{{{members}\"mrsigner\":\"{zeros}\",\"attributes\":\"{attributes}\",\"attributesMask\":\"{ones}\"}}"
        )
    };
    let level = level(
        "SWHardeningNeeded",
        &format!(
            "{{\"sgxtcbcomponents\":{},\"pcesvn\":13,\"tdxtcbcomponents\":{}}}",
            components(5),
            components(6)
        ),
    );
    let module_levels =
        format!("\"id\":\"TDX_03\",\"tcbLevels\":[{}],", self::level("UpToDate", "{\"isvsvn\":5}"));
    signed(
        "tcbInfo",
        &format!(
            "{{\"id\":\"TDX\",\"version\":3,{ISSUE},\"fmspc\":\"90C06F000000\",\"pceId\":\"0000\",\"tcbType\":0,\
         \"tdxModule\":{},\"tdxModuleIdentities\":[{}],\"tcbLevels\":[{level}]}}",
            identity(""),
            identity(&module_levels),
        ),
    )
}

/// QE identity with every field.
#[must_use]
pub fn qe_identity() -> String {
    let (signer, attributes, mask) = ("DC".repeat(32), "11".repeat(16), "FB".repeat(16));
    signed(
        "enclaveIdentity",
        &format!(
            "{{\"id\":\"TD_QE\",\"version\":2,{ISSUE},\"miscselect\":\"00000000\",\"miscselectMask\":\"FFFFFFFF\",\
         \"attributes\":\"{attributes}\",\"attributesMask\":\"{mask}\",\"mrsigner\":\"{signer}\",\"isvprodid\":2,\
         \"tcbLevels\":[{}]}}",
            level("OutOfDate", "{\"isvsvn\":4}"),
        ),
    )
}

/// Specification id, two events, and the rest of a region.
#[must_use]
pub fn ccel() -> Vec<u8> {
    let mut log = vec![1, 0, 0, 0, 3, 0, 0, 0];
    log.extend([0; 20]);
    log.extend([33, 0, 0, 0]);
    log.extend(b"Spec ID Event03\0");
    log.extend([0, 0, 0, 0, 0, 2, 0, 2, 1, 0, 0, 0, 0x0C, 0, 48, 0, 0]);
    for register in [1, 4] {
        log.extend([register, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0x0C, 0]);
        log.extend([0xD1; 48]);
        log.extend([2, 0, 0, 0, b'h', b'i']);
    }
    log.extend([0xFF; 16]);
    log
}

/// A list of two events.
#[must_use]
pub fn event_list() -> String {
    let event = |register: u8| {
        let digest = "d1".repeat(48);
        format!(
            "{{\"imr\":{register},\"event_type\":134217729,\"digest\":\"{digest}\",\"event\":\"a\\nb\",\
             \"event_payload\":\"00\"}}"
        )
    };
    format!("[{},{}]", event(0), event(3))
}

const ISSUE: &str = "\"issueDate\":\"2026-01-01T00:00:00Z\",\"nextUpdate\":\"2026-02-01T00:00:00Z\",\
    \"tcbEvaluationDataNumber\":19";

fn level(status: &str, tcb: &str) -> String {
    format!(
        "{{\"tcb\":{tcb},\"tcbDate\":\"2025-06-01T00:00:00Z\",\"tcbStatus\":\"{status}\",\
         \"advisoryIDs\":[\"INTEL-SA-00837\"]}}"
    )
}

fn signed(member: &str, body: &str) -> String {
    format!("{{\"{member}\":{body},\"signature\":\"{}\"}}", "5A".repeat(64))
}

fn length(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes()
}

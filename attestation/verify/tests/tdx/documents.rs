//! Documents of Intel's service, about the platform of ours.

use serde_json::{Value, json};

fn level(status: &str, advisories: &[&str], tcb: Value) -> Value {
    json!({ "tcb": tcb, "tcbDate": "2025-06-01T00:00:00Z", "tcbStatus": status, "advisoryIDs": advisories })
}

/// TCB info whose newest level has 5 in every component of SGX.
pub(crate) fn tcb_info() -> Value {
    let components = |svn: u8| vec![json!({ "svn": svn, "category": "BIOS", "type": "Microcode" }); 16];
    let tdx = vec![json!({ "svn": 0 }); 16];
    let tcb =
        |svn| json!({ "sgxtcbcomponents": components(svn), "pcesvn": 13, "tdxtcbcomponents": tdx.clone() });
    let identity = |id, svns: [u8; 2]| {
        json!({
            "id": id, "mrsigner": "00".repeat(48), "attributes": "00".repeat(8), "attributesMask": "FF".repeat(8),
            "tcbLevels": [
                level("UpToDate", &[], json!({ "isvsvn": svns[0] })),
                level("OutOfDate", &["INTEL-SA-00003"], json!({ "isvsvn": svns[1] })),
            ],
        })
    };
    json!({
        "id": "TDX", "version": 3, "issueDate": "2026-01-01T00:00:00Z", "nextUpdate": "2026-02-01T00:00:00Z",
        "fmspc": "90C06F000000", "pceId": "0000", "tcbType": 0, "tcbEvaluationDataNumber": 19,
        "tdxModule": { "mrsigner": "00".repeat(48), "attributes": "00".repeat(8), "attributesMask": "FF".repeat(8) },
        "tdxModuleIdentities": [identity("TDX_03", [5, 4]), identity("TDX_01", [9, 8])],
        "tcbLevels": [
            level("UpToDate", &[], tcb(5)),
            level("OutOfDate", &["INTEL-SA-00002", "INTEL-SA-00001"], tcb(4)),
        ],
    })
}

/// QE identity whose newest level has 4.
pub(crate) fn qe_identity() -> Value {
    json!({
        "id": "TD_QE", "version": 2, "issueDate": "2026-01-01T00:00:00Z", "nextUpdate": "2026-02-01T00:00:00Z",
        "tcbEvaluationDataNumber": 19, "miscselect": "00000000", "miscselectMask": "FFFFFFFF",
        "attributes": format!("11{}", "00".repeat(15)),
        "attributesMask": format!("FB{}{}", "FF".repeat(7), "00".repeat(8)),
        "mrsigner": "DC".repeat(32), "isvprodid": 2,
        "tcbLevels": [
            level("UpToDate", &[], json!({ "isvsvn": 4 })),
            level("OutOfDate", &["INTEL-SA-00004"], json!({ "isvsvn": 2 })),
        ],
    })
}

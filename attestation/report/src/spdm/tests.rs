//! Reports made by hand: one block, three fields.

use proptest::prelude::*;

use super::*;

const SIGNATURE: [u8; SIGNATURE_BYTES] = [0x5A; SIGNATURE_BYTES];

struct Parts {
    count: u8,
    block: Vec<u8>,
    opaque: Vec<u8>,
}

impl Parts {
    fn honest() -> Self {
        let block = [&[1, 1, 51, 0, 1, 48, 0][..], &[0xB1; DIGEST_BYTES]].concat();
        let opaque = [&[11, 0, 1, 0, 0x55, 3, 0, 7, 0][..], b"550.01\0", &[0xE7, 3, 0, 0]].concat();
        Self { count: 1, block, opaque }
    }

    fn build(&self) -> Vec<u8> {
        let request = [&[0x11, 0xE0, 1, 0xFF][..], &[0x4E; NONCE_BYTES], &[0]].concat();
        let [low, high] = u16::try_from(self.block.len()).unwrap().to_le_bytes();
        let response = [&[0x11, 0x60, 0, 0, self.count, low, high, 0][..], &self.block, &[0x52; NONCE_BYTES]];
        let length = u16::try_from(self.opaque.len()).unwrap().to_le_bytes();
        [&request[..], &response.concat(), &length, &self.opaque, &SIGNATURE].concat()
    }
}

fn error(parts: &Parts) -> SpdmError {
    MeasurementReport::parse(&parts.build()).unwrap_err()
}

#[test]
fn a_report_is_read_field_by_field() {
    let bytes = [Parts::honest().build(), vec![1, 2]].concat();
    let report = MeasurementReport::parse(&bytes).unwrap();
    assert_eq!(report.check_contents(), Ok(()));
    assert_eq!((report.request().nonce, *report.responder_nonce()), ([0x4E; 32], [0x52; 32]));
    assert_eq!((report.signature(), report.trailing_bytes()), (&SIGNATURE, 2));
    assert_eq!(report.signed_bytes(), &bytes[..bytes.len() - SIGNATURE_BYTES - 2]);
    let measurement = report.measurements().get(1).unwrap();
    assert_eq!((measurement.value, measurement.is_raw()), (&[0xB1; 48][..], false));
    assert_eq!((report.measurements().count(), report.measurements().get(2)), (1, None));
    let fields = report.fields();
    assert_eq!((fields.driver_version(), fields.nvdec0()), (Some("550.01"), Some(Status::DISABLED)));
    assert_eq!((fields.fwid(), fields.vbios_version(), fields.feature_flag()), (None, None, None));
    // One without a meaning survives.
    let ids: Vec<_> = fields.iter().map(|field| field.id.to_string()).collect();
    assert_eq!(ids, ["11 NVDEC0_STATUS", "3 DRIVER_VERSION", "999"]);
}

#[test]
fn every_prefix_is_cut_short() {
    let bytes = Parts::honest().build();
    for length in 0..bytes.len() {
        let error = MeasurementReport::parse(&bytes[..length]).unwrap_err();
        let SpdmError::Truncated { expected, found, .. } = error else { panic!("{length}: {error}") };
        assert!(found < expected, "{length}: {error}");
    }
}

#[test]
fn codes_that_decide_the_layout_are_refused_by_name() {
    for (offset, expected) in [
        (0, "request: expected SPDM version 0x11, found 0x91"),
        (1, "request code: expected 0xe0, found 0x60"),
        (37, "response: expected SPDM version 0x11, found 0x91"),
        (38, "response code: expected 0x60, found 0xe0"),
        (46, "measurement specification: expected 0x01, found 0x81"),
    ] {
        let mut bytes = Parts::honest().build();
        bytes[offset] ^= 0x80;
        assert_eq!(MeasurementReport::parse(&bytes).unwrap_err().to_string(), expected);
    }
    let mut bytes = Parts::honest().build();
    bytes[2] = 0xFE;
    let error = MeasurementReport::parse(&bytes).unwrap_err();
    assert_eq!(error.to_string(), "request attributes: expected 0x01, found 0x00");
}

#[test]
fn lengths_agree_with_what_is_around_them() {
    let honest = Parts::honest;
    let left = |field, left| SpdmError::Unused { field, left };
    let short = |field, expected, found| SpdmError::Truncated { field, expected, found };
    assert_eq!(error(&Parts { count: 0, ..honest() }), left("measurement record", 55));
    assert_eq!(error(&Parts { count: 2, ..honest() }), short("measurement block", 4, 0));
    let mut parts = honest();
    parts.block[2] = 52;
    assert_eq!(error(&parts), short("measurement", 52, 51));
    let mut parts = honest();
    parts.block[5] = 47;
    assert_eq!(error(&parts), left("measurement", 1));
    let mut parts = honest();
    parts.block[5] = 49;
    assert_eq!(error(&parts), short("measurement value", 49, 48));
    let mut parts = honest();
    parts.opaque.truncate(18);
    assert_eq!(error(&parts), short("opaque field", 4, 2));
    let mut parts = honest();
    parts.opaque[2] = 0xFF;
    assert_eq!(error(&parts), short("opaque value", 0xFF, 16));
    let long = vec![0; MEASUREMENT_REPORT_MAX_BYTES + 1];
    assert_eq!(MeasurementReport::parse(&long), Err(SpdmError::TooLong { found: long.len() }));
}

#[test]
fn pdis_of_a_switch_end_before_its_ports() {
    let mut parts = Parts::honest();
    parts.opaque = [&[26, 0, 80, 0][..], &[6; 8], &[7; 8], &[0xFF; 64], &[22, 0, 8, 0], &[5; 8]].concat();
    let bytes = parts.build();
    let report = MeasurementReport::parse(&bytes).unwrap();
    assert_eq!(report.check_contents(), Ok(()));
    assert!(report.fields().gpu_pdis().eq([Pdi([6; 8]), Pdi([7; 8])]));
    assert!(report.fields().switch_pdis().eq([Pdi([5; 8])]));
    assert_eq!(Pdi([0xA5; 8]).to_string(), "a5a5a5a5a5a5a5a5");
}

proptest! {
    #[test]
    fn whatever_is_read_adds_up(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let mut bytes = Parts::honest().build();
        for (index, value) in changes {
            let offset = index.index(bytes.len());
            bytes[offset] = value;
        }
        if let Ok(report) = MeasurementReport::parse(&bytes) {
            let parts = [report.signed_bytes().len(), SIGNATURE_BYTES, report.trailing_bytes()];
            prop_assert_eq!(parts.iter().sum::<usize>(), bytes.len());
            prop_assert_eq!(report.measurements().iter().count(), usize::from(report.measurements().count()));
            let fields = report.fields().iter().flat_map(|field| [size_of::<u32>(), field.value.len()]).sum();
            let record = usize::try_from(report.header().record_bytes()).unwrap();
            let parts = [REQUEST_BYTES, size_of::<u64>(), record, NONCE_BYTES, size_of::<u16>(), fields];
            prop_assert_eq!(parts.iter().sum::<usize>(), report.signed_bytes().len());
            let _ = (report.check_contents(), report.fields().driver_version());
        }
    }
}

//! Every manifest among the shared evidence. Where there are fixtures.

use std::fs;

use attestation_rim::SignedRim;

#[test]
fn every_published_manifest_has_the_one_shape() {
    let Some(folder) = tests_needs::fixture("nvidia") else { return };
    let mut count = 0;
    for entry in ["h100-545-full", "h100-535-tampered-driver-rim", "h100-580", "rims"] {
        for file in fs::read_dir(folder.join(entry)).unwrap() {
            let path = file.unwrap().path();
            let extension = path.extension().unwrap_or_default();
            if extension != "xml" && extension != "swidtag" {
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            let signed = SignedRim::parse(&bytes);
            assert!(signed.is_ok_and(|signed| signed.certificates().len() >= 2), "{}", path.display());
            count += 1;
        }
    }
    assert_eq!(count, 14, "manifests: is the set complete?");
}

#[test]
fn what_is_cut_short_is_refused() {
    let Some(folder) = tests_needs::fixture("nvidia") else { return };
    let bytes = fs::read(folder.join("rims/driver_550.144.03.xml")).unwrap();
    // Behind the last tag there is a line end.
    for length in (0..bytes.len() - 1).step_by(7) {
        assert!(SignedRim::parse(&bytes[..length]).is_err(), "{length}");
    }
}

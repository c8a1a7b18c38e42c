//! Names for numbers of TLS, of IANA's lists. What has none here is shown as a number.

use attestation_receipt::{TLS_1_2, TLS_1_3};

/// What the guest offers.
const CIPHER_SUITES: [(u16, &str); 9] = [
    (0x1301, "TLS_AES_128_GCM_SHA256"),
    (0x1302, "TLS_AES_256_GCM_SHA384"),
    (0x1303, "TLS_CHACHA20_POLY1305_SHA256"),
    (0xC02B, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    (0xC02C, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    (0xC02F, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    (0xC030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    (0xCCA8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
    (0xCCA9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
];
const GROUPS: [(u16, &str); 4] =
    [(0x0017, "secp256r1"), (0x0018, "secp384r1"), (0x001D, "x25519"), (0x11EC, "X25519MLKEM768")];
const VERSIONS: [(u16, &str); 2] = [(TLS_1_2, "TLS 1.2"), (TLS_1_3, "TLS 1.3")];

pub(crate) fn cipher_suite(number: u16) -> String {
    name(&CIPHER_SUITES, number)
}

pub(crate) fn group(number: u16) -> String {
    name(&GROUPS, number)
}

pub(crate) fn version(number: u16) -> String {
    name(&VERSIONS, number)
}

fn name(names: &[(u16, &str)], number: u16) -> String {
    let known = names.iter().find(|(known, _)| *known == number);
    known.map_or_else(|| format!("{number:#06x}"), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_numbers_stay_numbers() {
        assert_eq!(
            (version(0x0304), cipher_suite(0x1302)),
            ("TLS 1.3".into(), "TLS_AES_256_GCM_SHA384".into())
        );
        assert_eq!((group(29), group(0x00FF)), ("x25519".into(), "0x00ff".into()));
        assert_eq!((version(0x0302), cipher_suite(5)), ("0x0302".into(), "0x0005".into()));
    }
}

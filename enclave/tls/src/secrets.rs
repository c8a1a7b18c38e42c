//! The one secret of a session that others may derive keys from, as rustls tells it to its key log.

use alloc::vec::Vec;
use core::fmt;

use rustls::KeyLog;
use spin::Mutex;
use zeroize::Zeroizing;

/// The exporter secret of TLS 1.3.
const EXPORTER_SECRET: &str = "EXPORTER_SECRET";
/// The master secret of TLS 1.2.
const MASTER_SECRET: &str = "CLIENT_RANDOM";

/// A key log that keeps one secret of one connection and writes nothing anywhere.
#[derive(Default)]
pub(crate) struct Secrets(Mutex<Option<Logged>>);

pub(crate) struct Logged {
    pub(crate) client_random: [u8; 32],
    pub(crate) secret: Zeroizing<Vec<u8>>,
}

impl Secrets {
    /// What was logged; once.
    pub(crate) fn take(&self) -> Option<Logged> {
        self.0.lock().take()
    }
}

impl KeyLog for Secrets {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let Ok(client_random) = client_random.try_into() else { return };
        if self.will_log(label) {
            *self.0.lock() = Some(Logged { client_random, secret: Zeroizing::new(secret.to_vec()) });
        }
    }

    fn will_log(&self, label: &str) -> bool {
        label == EXPORTER_SECRET || label == MASTER_SECRET
    }
}

/// Without the secret.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_secret_is_kept_and_given_out_once() {
        let secrets = Secrets::default();
        secrets.log("CLIENT_TRAFFIC_SECRET_0", &[1; 32], &[2; 48]);
        secrets.log(EXPORTER_SECRET, &[1; 31], &[2; 48]);
        assert!(secrets.take().is_none());
        for label in [EXPORTER_SECRET, MASTER_SECRET] {
            secrets.log(label, &[1; 32], &[3; 48]);
            secrets.log("SERVER_TRAFFIC_SECRET_0", &[1; 32], &[2; 48]);
            let logged = secrets.take().unwrap();
            assert_eq!((logged.client_random, logged.secret.as_slice()), ([1; 32], &[3; 48][..]));
            assert!(secrets.take().is_none());
        }
        assert_eq!(format!("{secrets:?}"), "Secrets");
    }
}

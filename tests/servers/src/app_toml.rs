//! What an `app.toml` says of these servers.

use crate::{Authority, HttpsServer, UdpTimeServer};

/// Parts of an `app.toml` whose program may ask a server, trusts its authority alone, and knows the time from servers.
#[derive(Debug, Clone)]
pub struct AppTomlParts {
    /// `egress` and `time`: they stand before any table.
    pub keys: String,
    /// The table `[tls]`.
    pub tls: String,
}

impl AppTomlParts {
    /// `host` is where the guest sees this machine's loopback.
    #[must_use]
    pub fn new(host: &str, server: &HttpsServer, authority: &Authority, times: &[UdpTimeServer]) -> Self {
        let time = |time: &UdpTimeServer| {
            let (port, key) = (time.port(), hex::encode(time.public_key()));
            format!("    {{ host = \"{host}\", port = {port}, public_key = \"{key}\" }},\n")
        };
        let (port, pem) = (server.port(), authority.pem());
        let times: String = times.iter().map(time).collect();
        Self {
            keys: format!(
                "egress = [{{ host = \"{host}\", port = {port}, methods = [\"GET\"] }}]\ntime = [\n{times}]\n"
            ),
            tls: format!(
                "[tls]\nroots = \"none\"\nhosts = [{{ host = \"{host}\", authorities = ['''\n{pem}'''] }}]\n"
            ),
        }
    }
}

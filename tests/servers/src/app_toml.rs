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
        let (port, pem) = (server.port(), authority.pem());
        let times = time_servers(host, times);
        Self {
            keys: format!("egress = [{{ host = \"{host}\", port = {port}, methods = [\"GET\"] }}]\n{times}"),
            tls: format!(
                "[tls]\nroots = \"none\"\nhosts = [{{ host = \"{host}\", authorities = ['''\n{pem}'''] }}]\n"
            ),
        }
    }
}

/// `time` of an `app.toml` whose guest sees this machine's loopback at `host`.
#[must_use]
pub fn time_servers(host: &str, times: &[UdpTimeServer]) -> String {
    let time = |time: &UdpTimeServer| {
        let (port, key) = (time.port(), hex::encode(time.public_key()));
        format!("    {{ host = \"{host}\", port = {port}, public_key = \"{key}\" }},\n")
    };
    let times: String = times.iter().map(time).collect();
    format!("time = [\n{times}]\n")
}

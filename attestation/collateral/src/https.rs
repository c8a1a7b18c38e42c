//! [`Transport`] over HTTPS.
//!
//! Redirections are answers like others, bodies are not unpacked, and every wait has an end.

use core::time::Duration;
use std::io::Read;

use ureq::Agent;

use crate::names::beginning;
use crate::transport::{Answer, Get, Transport, TransportError};

/// Most bytes of all headers: a chain of certificates is among them.
const HEADERS_MAX_BYTES: usize = 64 * 1024;

/// How long a server may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Until there is a connection.
    pub connect: Duration,
    /// Until all of the answer is there, however slowly it drips.
    pub whole: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), whole: Duration::from_secs(30) }
    }
}

/// A client with Mozilla's list of authorities compiled in. Proxies are those of the environment, for `https` only.
#[derive(Debug)]
pub struct Https {
    agent: Agent,
    limits: Limits,
}

impl Https {
    /// A client that asks nobody yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(HEADERS_MAX_BYTES)
            // Requests are few and minutes apart.
            .max_idle_connections(0)
            .timeout_connect(Some(limits.connect))
            .timeout_global(Some(limits.whole))
            .user_agent(concat!("redoubt-verify/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: Agent::new_with_config(config), limits }
    }

    fn call(&self, get: &Get<'_>) -> Result<Answer, ureq::Error> {
        let request = self.agent.get(get.url).header("accept", get.accept).config();
        // `http` is for servers of one's own, which no proxy would reach.
        let request = if get.url.starts_with("https://") { request } else { request.proxy(None) };
        let mut response = request.build().call()?;
        let headers = response.headers().iter().filter_map(|(name, value)| {
            let text = core::str::from_utf8(value.as_bytes()).ok()?;
            Some((name.as_str().to_owned(), text.to_owned()))
        });
        let headers = headers.collect();
        let status = response.status().as_u16();
        // One byte past the limit is enough to know.
        let past_limit = u64::try_from(get.body_max_bytes).unwrap_or(u64::MAX).saturating_add(1);
        let mut body = Vec::new();
        response.body_mut().as_reader().take(past_limit).read_to_end(&mut body)?;
        Ok(Answer { status, headers, body })
    }
}

impl Transport for Https {
    fn get(&self, get: &Get<'_>) -> Result<Answer, TransportError> {
        let answer = self.call(get).map_err(|error| self.refusal(error))?;
        if answer.body.len() > get.body_max_bytes {
            return Err(TransportError::TooLong { limit: get.body_max_bytes });
        }
        Ok(answer)
    }
}

impl Https {
    fn refusal(&self, error: ureq::Error) -> TransportError {
        match error {
            ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
                TransportError::TimedOut { limit_seconds: self.limits.connect.as_secs() }
            }
            ureq::Error::Timeout(_) => {
                TransportError::TimedOut { limit_seconds: self.limits.whole.as_secs() }
            }
            other => TransportError::Broken { why: beginning(&other.to_string()) },
        }
    }
}

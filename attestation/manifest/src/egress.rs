//! Where a guest may send what: hosts, ports and methods.
//!
//! A host is named as requests name it, by DNS name or IPv4 address, and compared as text: a rule for a name says nothing
//! about the address that it resolves to.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::parse::check;
use crate::{Manifest, ManifestError, field};

/// Most egress rules. Each takes 160 bytes of a [`Manifest`], and reading one takes ten times its size of stack.
pub const EGRESS_MAX: usize = 32;
/// Most methods of a rule.
pub const METHODS_MAX: usize = 8;
/// The longest method.
pub const METHOD_MAX_BYTES: usize = 32;
/// The only method of a rule that permits all. No request can have it: IANA's registry of methods reserves it.
pub const ANY_METHOD: &str = "*";

/// The longest name, without the dot at its end. RFC 1035, section 2.3.4, counts that and the root's length in 255.
const NAME_MAX_BYTES: usize = 253;
/// The longest part between dots, of the same section.
const LABEL_MAX_BYTES: usize = 63;

/// What a host is named by in rules.
pub(crate) const HOST_PATTERN: &str = "a lower-case DNS name, *. and such a name, or an IPv4 address";

/// Requests that the guest may send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EgressRule<'a> {
    /// A lower-case DNS name, `*.` and one, which stands for all names that end in it and are longer, or an IPv4 address.
    pub host: &'a str,
    /// TCP port, not 0.
    pub port: u16,
    /// What is spoken there. A request of the other scheme is refused: a component cannot send in the clear what was to be
    /// protected.
    #[serde(deserialize_with = "field::word")]
    pub scheme: EgressScheme,
    /// Methods of HTTP in upper case, or only [`ANY_METHOD`].
    #[serde(borrow)]
    pub methods: heapless::Vec<&'a str, METHODS_MAX>,
}

/// How requests go to a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EgressScheme {
    /// Under TLS, to whom the manifest trusts for the host.
    Https,
    /// In the clear: whoever carries the bytes reads and writes them.
    Http,
}

impl EgressRule<'_> {
    /// Whether this rule allows a request with `method` to this host and port. Case matters in methods (RFC 9110, section
    /// 9.1), not in names (RFC 4343). A host with a dot at its end is another one.
    #[must_use]
    pub fn permits(&self, scheme: EgressScheme, host: &str, port: u16, method: &str) -> bool {
        self.scheme == scheme
            && self.permits_connection(host, port)
            && self.methods.iter().any(|listed| is_method(listed, method))
    }

    /// Whether this rule allows a connection to this host and port.
    #[must_use]
    pub fn permits_connection(&self, host: &str, port: u16) -> bool {
        self.port == port && is_host(self.host, host)
    }
}

/// The rules of a manifest, apart from its bytes: for whoever outlives them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EgressPolicy(Vec<OwnedRule>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct OwnedRule {
    host: String,
    port: u16,
    scheme: EgressScheme,
    methods: Vec<String>,
}

impl EgressPolicy {
    /// The rules of `manifest`.
    #[must_use]
    pub fn of(manifest: &Manifest<'_>) -> Self {
        let owned = |rule: &EgressRule<'_>| OwnedRule {
            host: rule.host.to_owned(),
            port: rule.port,
            scheme: rule.scheme,
            methods: rule.methods.iter().map(|&method| method.to_owned()).collect(),
        };
        Self(manifest.egress.iter().map(owned).collect())
    }

    /// As [`Manifest::permits`].
    #[must_use]
    pub fn permits(&self, scheme: EgressScheme, host: &str, port: u16, method: &str) -> bool {
        let mut rules = self.rules(host, port).filter(|rule| rule.scheme == scheme);
        rules.any(|rule| rule.methods.iter().any(|listed| is_method(listed, method)))
    }

    /// As [`Manifest::permits_connection`].
    #[must_use]
    pub fn permits_connection(&self, host: &str, port: u16) -> bool {
        self.rules(host, port).next().is_some()
    }

    fn rules(&self, host: &str, port: u16) -> impl Iterator<Item = &OwnedRule> {
        self.0.iter().filter(move |rule| rule.port == port && is_host(&rule.host, host))
    }
}

/// Whether every rule means one thing, and no two rules speak of the same.
pub(crate) fn check_egress(rules: &[EgressRule<'_>]) -> Result<(), ManifestError> {
    for (index, rule) in rules.iter().enumerate() {
        check(is_host_pattern(rule.host), "egress.host", HOST_PATTERN, rule.host)?;
        check(rule.port != 0, "egress.port", "1 to 65535", rule.port)?;
        check_methods(&rule.methods)?;
        let is_same = |earlier: &EgressRule<'_>| (earlier.host, earlier.port) == (rule.host, rule.port);
        let is_first = !rules.iter().take(index).any(is_same);
        let found = format_args!("{}:{} twice", rule.host, rule.port);
        check(is_first, "egress", "one rule for each host and port", found)?;
    }
    Ok(())
}

fn check_methods(methods: &[&str]) -> Result<(), ManifestError> {
    let field = "egress.methods";
    check(!methods.is_empty(), field, "at least one method, or \"*\" for all", "none")?;
    if methods == [ANY_METHOD] {
        return Ok(());
    }
    for (index, method) in methods.iter().enumerate() {
        let form = "1 to 32 of A-Z, 0-9, - and _, the first a letter, or only \"*\"";
        check(is_method_name(method), field, form, method)?;
        let is_first = !methods.iter().take(index).any(|earlier| earlier == method);
        check(is_first, field, "methods that differ", method)?;
    }
    Ok(())
}

fn is_method_name(text: &str) -> bool {
    let is_part = |byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_');
    text.len() <= METHOD_MAX_BYTES
        && text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.bytes().all(is_part)
}

/// Whether this names hosts: a lower-case DNS name, `*.` and one, which stands for all names that end in it and are longer,
/// or an IPv4 address.
#[must_use]
pub fn is_host_pattern(text: &str) -> bool {
    let is_lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    let name = text.strip_prefix("*.").unwrap_or(text);
    let is_short = text.len() <= NAME_MAX_BYTES;
    is_lower && is_short && is_host_name(name) || text.parse::<Ipv4Addr>().is_ok()
}

/// Whether this is a DNS name, and readers agree that it is: many read one whose last part begins with a digit as an address, in octal,
/// hexadecimal or with parts left out (WHATWG URL standard, "ends in a number"). No top-level domain does (RFC 1123,
/// section 2.1).
#[must_use]
pub fn is_host_name(text: &str) -> bool {
    let last = text.rsplit('.').next().unwrap_or_default();
    are_labels(text) && last.starts_with(|first: char| first.is_ascii_alphabetic())
}

fn are_labels(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=LABEL_MAX_BYTES).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= NAME_MAX_BYTES && text.split('.').all(is_label)
}

/// Whether a pattern by [`is_host_pattern`] is for a host. Case does not matter.
#[must_use]
pub fn is_host(pattern: &str, host: &str) -> bool {
    let Some(parent) = pattern.strip_prefix('*') else { return host.eq_ignore_ascii_case(pattern) };
    let below = host.len().checked_sub(parent.len()).and_then(|length| host.split_at_checked(length));
    // The component chooses what stands before the parent's name: nothing but labels may.
    below.is_some_and(|(labels, end)| end.eq_ignore_ascii_case(parent) && are_labels(labels))
        && host.len() <= NAME_MAX_BYTES
}

fn is_method(listed: &str, method: &str) -> bool {
    listed == ANY_METHOD || listed == method
}

#[cfg(test)]
mod tests;

//! What rules let through, and which rules are none.

use proptest::prelude::*;

use super::*;

const HTTPS: EgressScheme = EgressScheme::Https;

fn rule<'a>(host: &'a str, port: u16, methods: &[&'a str]) -> EgressRule<'a> {
    EgressRule { host, port, scheme: EgressScheme::Https, methods: methods.try_into().unwrap() }
}

/// What is refused of the rules: field and what was found.
fn refused(rules: &[EgressRule<'_>]) -> Option<(&'static str, String)> {
    match check_egress(rules) {
        Ok(()) => None,
        Err(ManifestError::OutOfRange { field, found, .. }) => Some((field, found.as_str().to_owned())),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn hosts_have_one_form() {
    let label = "a".repeat(63);
    let longest = format!("{label}.{label}.{label}.{}", &label[..61]);
    assert_eq!(longest.len(), 253);
    for good in [
        "example.org",
        "localhost",
        "a-b.xn--bcher-kva.example",
        "1.example.org",
        "*.example.org",
        "*.org",
        "192.0.2.7",
        "0.0.0.0",
        &longest,
    ] {
        assert_eq!(refused(&[rule(good, 443, &["GET"])]), None, "{good}");
    }
    for bad in [
        "",
        ".",
        "*",
        "*.",
        "**.example.org",
        "*.*.example.org",
        "a.*.org",
        "*example.org",
        "*.192.0.2.7",
        "Example.org",
        "example.org.",
        ".example.org",
        "example..org",
        "-a.example.org",
        "a-.example.org",
        "a_b.example.org",
        "bücher.example",
        "example.org:443",
        "example.org/",
        "user@example.org",
        "example org",
        "192.0.2",
        "192.0.2.07",
        "192.0.2.0x7",
        "192.0.2.7.",
        "192.0.2.256",
        "0x7f000001",
        "2130706433",
        "example.1org",
        "::1",
        "[::1]",
        &format!("{label}a.org"),
        &format!("a{longest}"),
        &format!("*.{longest}"),
    ] {
        let found = crate::diagnose::quoted(bad).as_str().to_owned();
        assert_eq!(refused(&[rule(bad, 443, &["GET"])]), Some(("egress.host", found)), "{bad}");
    }
}

#[test]
fn ports_are_ports() {
    assert_eq!(refused(&[rule("example.org", 0, &["GET"])]), Some(("egress.port", "0".into())));
    assert_eq!(refused(&[rule("example.org", 1, &["GET"]), rule("example.org", u16::MAX, &["GET"])]), None);
}

#[test]
fn methods_are_tokens_in_upper_case() {
    let longest = "A".repeat(METHOD_MAX_BYTES);
    let eight = ["A", "B", "C", "D", "E", "F", "G", "M-SEARCH"];
    for good in [&["GET"][..], &["*"], &["GET", "POST"], &["V1_X"], &[&longest], &eight] {
        assert_eq!(refused(&[rule("example.org", 443, good)]), None, "{good:?}");
    }
    let too_long = format!("{longest}A");
    for (bad, found) in [
        (&[][..], "none"),
        (&["get"], "get"),
        (&["GET", "*"], "*"),
        (&["*", "GET"], "*"),
        (&["*", "*"], "*"),
        (&["GET", "GET"], "GET"),
        (&[""], ""),
        (&["1GET"], "1GET"),
        (&["-"], "-"),
        (&["GET POST"], "GET POST"),
        (&["GÉT"], "GÉT"),
        (&[&too_long], &too_long),
    ] {
        let expected = Some(("egress.methods", found.to_owned()));
        assert_eq!(refused(&[rule("example.org", 443, bad)]), expected, "{bad:?}");
    }
}

#[test]
fn a_host_and_port_have_one_rule() {
    let first = rule("example.org", 443, &["GET"]);
    assert_eq!(refused(&[first.clone(), rule("example.org", 8443, &["GET"])]), None);
    assert_eq!(refused(&[first.clone(), rule("*.example.org", 443, &["GET"])]), None);
    let twice = Some(("egress", "example.org:443 twice".into()));
    assert_eq!(refused(&[first.clone(), rule("a.org", 443, &["*"]), first.clone()]), twice);
    assert_eq!(refused(&[first, rule("example.org", 443, &["POST"])]), twice);
}

#[test]
fn names_are_compared_without_case_and_whole() {
    let rule = rule("api.example.org", 443, &["GET"]);
    for host in ["api.example.org", "API.Example.ORG"] {
        assert!(rule.permits_connection(host, 443), "{host}");
        assert!(!rule.permits_connection(host, 444), "{host}");
    }
    for host in
        ["", "example.org", "x.api.example.org", "api.example.org.", "api.example.or", " api.example.org"]
    {
        assert!(!rule.permits_connection(host, 443), "{host}");
    }
}

#[test]
fn a_star_stands_for_labels_and_nothing_else() {
    let rule = rule("*.example.org", 443, &["*"]);
    for host in ["a.example.org", "A.B.EXAMPLE.ORG", "1.example.org", "xn--a.example.org"] {
        assert!(rule.permits_connection(host, 443), "{host}");
    }
    let long = format!("{}example.org", "a.".repeat(122));
    assert!(rule.permits_connection(&long[2..], 443));
    for host in [
        "example.org",
        ".example.org",
        "aexample.org",
        "a..example.org",
        "*.example.org",
        "a.example.org.",
        "evil.com/.example.org",
        "evil.com:80#.example.org",
        "evil.com\0.example.org",
        "evil.com\r\n.example.org",
        "user@.example.org",
        "-a.example.org",
        "ü.example.org",
        "üexample.org",
        &format!("{}.example.org", "a".repeat(64)),
        &long,
    ] {
        assert!(!rule.permits_connection(host, 443), "{host:?}");
    }
}

#[test]
fn addresses_are_compared_as_text() {
    let rule = rule("192.0.2.7", 80, &["GET"]);
    assert!(rule.permits(HTTPS, "192.0.2.7", 80, "GET"));
    for host in ["192.0.2.07", "192.0.2.70", "3221225991", "::ffff:192.0.2.7", "192.0.2.7."] {
        assert!(!rule.permits_connection(host, 80), "{host}");
    }
}

#[test]
fn methods_are_compared_with_case() {
    let some = rule("example.org", 443, &["GET", "HEAD"]);
    assert!(
        some.permits(HTTPS, "example.org", 443, "GET") && some.permits(HTTPS, "example.org", 443, "HEAD")
    );
    for method in ["get", "POST", "GETS", "GE", "", "*"] {
        assert!(!some.permits(HTTPS, "example.org", 443, method), "{method}");
    }
    assert!(
        !some.permits(HTTPS, "example.org", 80, "GET") && !some.permits(HTTPS, "example.com", 443, "GET")
    );
    let all = rule("example.org", 443, &[ANY_METHOD]);
    assert!(
        all.permits(HTTPS, "example.org", 443, "POST") && all.permits(HTTPS, "example.org", 443, "anything")
    );
    assert!(!all.permits(HTTPS, "example.com", 443, "POST"));
}

proptest! {
    /// Whatever a component makes of the host, it stays a host: nothing in it begins a port, a path or another line.
    #[test]
    fn what_a_star_permits_is_a_name(host in "[a-zA-Z0-9.:/@\\-\r\n\u{0}-\u{ff}]{0,20}(\\.example\\.org)?") {
        if rule("*.example.org", 1, &["*"]).permits_connection(&host, 1) {
            prop_assert!(is_host_name(&host) && host.to_ascii_lowercase().ends_with(".example.org"));
        }
    }

    #[test]
    fn rules_that_are_accepted_permit_their_own_host(host in "(\\*\\.)?[a-z0-9.-]{1,12}") {
        if refused(&[rule(&host, 1, &["GET"])]).is_none() {
            prop_assert!(rule(&host, 1, &["GET"]).permits(HTTPS, &host.replace('*', "a.b"), 1, "GET"));
        }
    }
}

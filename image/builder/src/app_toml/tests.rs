//! What authors may leave out, and what they may not write.

use alloc::format;
use alloc::string::ToString;

use proptest::prelude::*;

use super::*;
use attestation_manifest::EgressScheme::{Http, Https};

fn refusal(text: &str) -> String {
    AppToml::parse(text).unwrap_err().to_string()
}

#[test]
fn a_name_is_enough() {
    let app = AppToml::parse("name = \"audit\"").unwrap();
    assert_eq!((app.memory_mib, app.role, app.trust), (128, Role::Workload, TrustMode::Tee));
    assert_eq!(app.limits().component_memory_bytes, 64 << 20);
    assert_eq!(app.launch.snp, AppSnp { policy: HexU64(0x3_0000), vmpl: 0 });
    assert_eq!(app.launch.tdx, AppTdx { attributes: HexU64(0x1000_0000), xfam: HexU64(0xE7) });
    assert_eq!((app.limits().transcript_bytes, app.limits().call_stack_bytes), (256 << 20, 512 << 10));
    assert_eq!((app.wall_clock, app.logs), (WallClock::None, Logs::Public));
    assert_eq!((app.egress, app.service), (Vec::new(), None));
    assert_eq!(app.storage, AppStorage { key_value_bytes: 0, files_bytes: 0, persist: false });
}

#[test]
fn a_table_is_enough_for_a_service() {
    let app = AppToml::parse("name = \"a\"\n[service]\nport = 80\n[storage]\nfiles_bytes = 7").unwrap();
    let expected = AppService {
        port: 80,
        scheme: Https,
        open_requests_max: 256,
        request_wall_ms: 30_000,
        request_body_bytes: 1_048_576,
        response_body_bytes: 16_777_216,
        request_fuel: 10_000_000_000,
        request_memory_bytes: 16_777_216,
    };
    assert_eq!(app.service, Some(expected));
    assert_eq!(app.storage, AppStorage { key_value_bytes: 0, files_bytes: 7, persist: false });
    assert_eq!(
        AppToml::parse("name = \"a\"\n[service]").unwrap().service.map(|service| service.port),
        Some(8080)
    );
}

#[test]
fn one_limit_leaves_the_others() {
    let app =
        AppToml::parse("name = \"a\"\n[limits]\nfuel = 5\n[launch.snp]\npolicy = \"0x130000\"").unwrap();
    assert_eq!((app.limits().fuel, app.limits().wall_ms), (5, 600_000));
    assert_eq!((app.launch.snp.policy, app.launch.snp.vmpl), (HexU64(0x13_0000), 0));
}

#[test]
fn the_example_in_the_documentation_is_read() {
    let source = include_str!("../app_toml.rs");
    let lines = source.lines().skip_while(|line| *line != "//! ```toml").skip(1);
    let lines = lines.take_while(|line| *line != "//! ```").map(|line| line.trim_start_matches("//!"));
    let app = AppToml::parse(&lines.collect::<Vec<_>>().join("\n")).unwrap();
    let defaults = AppToml::parse("name = \"a\"").unwrap();
    assert_eq!((app.limits(), app.launch), (defaults.limits(), defaults.launch), "it shows the defaults");
    assert_eq!(
        (app.wall_clock, app.logs, app.storage),
        (defaults.wall_clock, defaults.logs, defaults.storage)
    );
    assert_eq!(app.service, Some(AppService::default()));
    assert_eq!((app.egress.len(), app.time.len(), app.tls.hosts.len()), (3, 3, 1));
    assert_eq!(app.tls.roots, defaults.tls.roots);
    assert_eq!(app.egress.iter().map(|rule| rule.scheme).collect::<Vec<_>>(), [Https, Https, Http]);
}

#[test]
fn unknown_fields_are_named_with_their_line() {
    let error = refusal("name = \"a\"\n\n[limits]\nfuell = 5\n");
    assert!(error.contains("line 4") && error.contains("unknown field `fuell`"), "{error}");
    assert!(refusal("nam = \"a\"").contains("unknown field `nam`"));
    assert!(refusal("").contains("missing field `name`"));
    assert!(refusal("name = \"a\"\ntrust = \"hope\"").contains("unknown variant `hope`"));
    assert!(refusal("name = \"a\"\n[launch.snp]\npolicy = 5").contains("hexadecimal"));
    assert!(refusal("name = \"a\"\n[service]\nprot = 80").contains("unknown field `prot`"));
    assert!(refusal("name = \"a\"\n[service]\nport = 65536").contains("expected u16"));
    assert!(refusal("name = \"a\"\n[service]\nscheme = \"ftp\"").contains("unknown variant `ftp`"));
    assert!(refusal("name = \"a\"\n[storage]\nfiles = 1").contains("unknown field `files`"));
    assert!(refusal("name = \"a\"\nwall_clock = \"gps\"").contains("unknown variant `gps`"));
    assert_eq!(AppToml::parse("name = \"a\"\nlogs = \"sealed\"").unwrap().logs, Logs::Sealed);
    assert!(refusal("name = \"a\"\nlogs = \"secret\"").contains("unknown variant `secret`"));
    let rule = |fields: &str| refusal(&format!("name = \"a\"\negress = [{{ {fields} }}]"));
    assert!(rule("host = \"a\", port = 1").contains("missing field `methods`"));
    assert!(rule("host = \"a\", methods = []").contains("missing field `port`"));
    assert!(rule("host = \"a\", port = 1, methods = [], path = \"/\"").contains("unknown field `path`"));
    assert!(refusal("name = \"a\"\negress = [\"192.0.2.7:443\"]").contains("AppEgressRule"));
}

#[test]
fn texts_that_the_guest_cannot_read_are_refused() {
    assert!(refusal("name = 'say \"hi\"'").contains("`name`"));
    assert!(refusal("name = \"a\"\nargs = ['say \"hi\"']").contains("`args`"));
    assert!(refusal("name = \"a\"\n[env]\nA = \"line\\nbreak\"").contains("`env`"));
    assert!(refusal("name = \"a\"\n[env]\n\"A=B\" = \"\"").contains("A=B"));
    assert!(
        refusal("name = \"a\"\negress = [{ host = 'a\"b', port = 1, methods = ['*'] }]")
            .contains("`egress.host`")
    );
    assert!(
        refusal("name = \"a\"\negress = [{ host = 'a', port = 1, methods = ['G\\'] }]")
            .contains("`egress.methods`")
    );
}

#[test]
fn lists_are_bounded() {
    let many = "'x', ".repeat(LIST_MAX + 1);
    let error = refusal(&format!("name = \"a\"\nargs = [{many}]"));
    assert_eq!(error, "app.toml field `args`: expected at most 32 entries, found 33");
    let rule =
        |methods: usize| format!("{{ host = 'a', port = 1, methods = [{}] }},", "'G', ".repeat(methods));
    let error = refusal(&format!("name = \"a\"\negress = [{}]", rule(1).repeat(EGRESS_MAX + 1)));
    assert_eq!(error, "app.toml field `egress`: expected at most 32 entries, found 33");
    let error = refusal(&format!("name = \"a\"\negress = [{}]", rule(METHODS_MAX + 1)));
    assert_eq!(error, "app.toml field `egress.methods`: expected at most 8 entries, found 9");
}

/// As many of everything as a manifest takes, but methods.
#[test]
fn structure_is_bounded_far_from_what_files_have() {
    let args = "    'argument', # what it is for\n".repeat(LIST_MAX);
    let rule = "{ host = '192.0.2.7', port = 443, methods = ['GET', 'POST'] }, # why\n";
    let egress = rule.repeat(EGRESS_MAX);
    let env = (0..LIST_MAX).map(|number| format!("VARIABLE_{number} = 'value'\n"));
    let limits = "[limits]\nfuel = 5\nwall_ms = 5\n[service]\nport = 5\n[storage]\npersist = false\n";
    let launch = "[launch.snp]\nvmpl = 0\n[launch.tdx]\nxfam = '0xe7'\n";
    let env = env.collect::<String>();
    let full = format!("name = 'a'\nargs = [{args}]\negress = [{egress}]\n[env]\n{env}{limits}{launch}");
    AppToml::parse(&full).unwrap();
    let error = refusal(&full.repeat(2));
    assert!(error.contains("duplicate key"), "{error}");
    assert_eq!(
        refusal(&"[env.a]\n".repeat(1000)),
        "app.toml: expected at most 384 tables, lists and dots, found 2000; line 193 goes beyond"
    );
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text: String) {
        let _ = AppToml::parse(&text);
    }
}

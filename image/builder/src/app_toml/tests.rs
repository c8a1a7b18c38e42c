//! What authors may leave out, and what they may not write.

use alloc::format;
use alloc::string::ToString;

use proptest::prelude::*;

use super::*;

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
    let source = include_str!("app_toml.rs");
    let lines = source.lines().skip_while(|line| *line != "//! ```toml").skip(1);
    let lines = lines.take_while(|line| *line != "//! ```").map(|line| line.trim_start_matches("//!"));
    let app = AppToml::parse(&lines.collect::<Vec<_>>().join("\n")).unwrap();
    let defaults = AppToml::parse("name = \"a\"").unwrap();
    assert_eq!((app.limits(), app.launch), (defaults.limits(), defaults.launch), "it shows the defaults");
}

#[test]
fn unknown_fields_are_named_with_their_line() {
    let error = refusal("name = \"a\"\n\n[limits]\nfuell = 5\n");
    assert!(error.contains("line 4") && error.contains("unknown field `fuell`"), "{error}");
    assert!(refusal("nam = \"a\"").contains("unknown field `nam`"));
    assert!(refusal("").contains("missing field `name`"));
    assert!(refusal("name = \"a\"\ntrust = \"hope\"").contains("unknown variant `hope`"));
    assert!(refusal("name = \"a\"\n[launch.snp]\npolicy = 5").contains("hexadecimal"));
}

#[test]
fn texts_that_the_guest_cannot_read_are_refused() {
    assert!(refusal("name = 'say \"hi\"'").contains("`name`"));
    assert!(refusal("name = \"a\"\nargs = ['say \"hi\"']").contains("`args`"));
    assert!(refusal("name = \"a\"\n[env]\nA = \"line\\nbreak\"").contains("`env`"));
    assert!(refusal("name = \"a\"\n[env]\n\"A=B\" = \"\"").contains("A=B"));
}

#[test]
fn lists_are_bounded() {
    let many = "'x', ".repeat(LIST_MAX + 1);
    let error = refusal(&format!("name = \"a\"\nargs = [{many}]"));
    assert_eq!(error, "app.toml field `args`: expected at most 32 entries, found 33");
}

/// As many of everything as a manifest takes.
#[test]
fn structure_is_bounded_far_from_what_files_have() {
    let args = "    'argument', # what it is for\n".repeat(LIST_MAX);
    let egress = "'192.0.2.7:443',\n".repeat(EGRESS_MAX);
    let env = (0..LIST_MAX).map(|number| format!("VARIABLE_{number} = 'value'\n"));
    let [limits, launch] =
        ["[limits]\nfuel = 5\nwall_ms = 5\n", "[launch.snp]\nvmpl = 0\n[launch.tdx]\nxfam = '0xe7'\n"];
    let env = env.collect::<String>();
    let full = format!("name = 'a'\nargs = [{args}]\negress = [{egress}]\n[env]\n{env}{limits}{launch}");
    AppToml::parse(&full).unwrap();
    let error = refusal(&full.repeat(4));
    assert!(error.contains("duplicate key"), "{error}");
    assert_eq!(
        refusal(&"[env.a]\n".repeat(1000)),
        "app.toml: expected at most 384 tables, lists and dots, found 2000; line 193 goes beyond"
    );
}

#[test]
fn destinations_are_addresses() {
    AppToml::parse("name = \"a\"\negress = ['192.0.2.7:443']").unwrap();
    for bad in ["example.org:443", "192.0.2.7", "[::1]:443", "192.0.2.7:99999"] {
        assert!(refusal(&format!("name = \"a\"\negress = ['{bad}']")).contains(bad));
    }
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text: String) {
        let _ = AppToml::parse(&text);
    }
}

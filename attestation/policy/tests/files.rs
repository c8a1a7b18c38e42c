//! Policies as files: what is left out, misspelt or waived without a reason is named.

use attestation_policy::{POLICY_MAX_BYTES, Platform, Policy, PolicyError, Preset, Rule};
use attestation_toml::ReadError;

/// Numbers of the lines of a preset that state or waive a field, with the path of the field.
fn fields(text: &str) -> Vec<(String, usize)> {
    let mut table = String::new();
    let mut fields = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.starts_with("[[") {
            table.clear();
        } else if let Some(name) = line.strip_prefix('[') {
            table = name.trim_end_matches(']').to_owned();
        } else if let Some((key, _)) =
            line.split_once(" = ").filter(|_| !table.is_empty() && !line.starts_with('#'))
        {
            fields.push((format!("{table}.{key}"), number));
        }
    }
    fields
}

/// The text with another line in place of one.
fn replaced(text: &str, number: usize, with: &str) -> String {
    let lines = text.lines().enumerate();
    lines
        .map(|(index, line)| if index == number { format!("{with}\n") } else { format!("{line}\n") })
        .collect()
}

#[test]
fn presets_are_policies_and_state_what_their_names_promise() {
    for preset in Preset::ALL {
        let policy = Policy::parse(preset.text()).unwrap();
        assert_eq!(policy.name, preset.name());
        for field in policy.describe() {
            assert!(
                field.about.len() > 10 && field.about.ends_with('.'),
                "{}: {:?}",
                field.field,
                field.about
            );
            if let Rule::Waived { reason } = field.rule {
                assert!(!reason.is_empty(), "{}", field.field);
            }
        }
        assert!(preset.text().lines().all(|line| line.chars().count() <= 120), "{}", preset.name());
    }
    let waived = |preset: Preset| {
        let policy = Policy::parse(preset.text()).unwrap();
        policy.describe().iter().filter(|field| matches!(field.rule, Rule::Waived { .. })).count()
    };
    assert!(waived(Preset::Strict) < waived(Preset::Production));
    assert!(waived(Preset::Production) < waived(Preset::Development));
}

/// No field may be left out, and none is read without being described.
#[test]
fn every_field_is_stated_or_waived() {
    let text = Preset::Strict.text();
    let described: Vec<String> =
        Policy::parse(text).unwrap().describe().into_iter().map(|field| field.field).collect();
    let mut seen = 0;
    for (path, number) in fields(text) {
        assert!(described.contains(&path), "{path}");
        let key = path.rsplit('.').next().unwrap();
        let line = text.lines().nth(number).unwrap();
        let parse = |with: &str| Policy::parse(&replaced(text, number, with)).unwrap_err();
        let error = parse("");
        assert!(matches!(&error, PolicyError::Missing { field, .. } if *field == path), "{path}: {error}");
        let error = parse(&format!("{key}x = 1\n{line}"));
        assert!(
            matches!(&error, PolicyError::Unknown { field } if *field == format!("{path}x")),
            "{path}: {error}"
        );
        let error = parse(&format!("{key} = 1.5"));
        assert!(matches!(&error, PolicyError::Value { field, .. } if *field == path), "{path}: {error}");
        assert!(error.to_string().contains("found 1.5"), "{error}");
        for reason in ["", " "] {
            let error = parse(&format!("{key} = {{ waived = \"{reason}\" }}"));
            assert!(matches!(&error, PolicyError::NoReason { field } if *field == path), "{path}: {error}");
        }
        seen += 1;
    }
    // The floors are tables of their own.
    assert_eq!(seen + 1, described.len());
}

#[test]
fn other_versions_and_other_files_are_refused() {
    let text = Preset::Development.text();
    for (from, to, message) in [
        ("version = 1", "version = 2", "policy field version: expected 1, the only version"),
        ("version = 1", "", "policy field version: expected 1"),
        ("name = \"development\"", "", "policy field name"),
        ("[snp.chip]", "[snp.chips]", "policy field snp.chip: expected a table"),
        ("[snp.chip]", "[gpu]\n[snp.chip]", "policy field gpu: unknown"),
        ("version = 1", "version == 1", "policy: TOML parse error at line 5, column 10"),
    ] {
        let error = Policy::parse(&text.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    let long = text.to_owned() + &"#".repeat(POLICY_MAX_BYTES);
    assert!(Policy::parse(&long).unwrap_err().to_string().contains("at most 262144 bytes"));
    assert!(Policy::parse("").is_err());
}

#[test]
fn structure_is_bounded_far_from_what_policies_have() {
    for preset in Preset::ALL {
        let error = Policy::parse(&preset.text().repeat(3)).unwrap_err();
        assert!(matches!(error, PolicyError::Toml(ReadError::Syntax(_))), "{}: {error}", preset.name());
    }
    let error = Policy::parse(&"[a]\n".repeat(1000)).unwrap_err().to_string();
    assert_eq!(
        error,
        "policy: expected at most 384 tables, lists and dots, found 1000; line 385 goes beyond"
    );
}

/// As long a list of chips as fits a policy, each on a line of its own and with a comment.
#[test]
fn long_lists_are_read() {
    let (chip, preset) = (format!("    \"{}\", # 1234\n", "ab".repeat(64)), Preset::Strict.text());
    let many = (POLICY_MAX_BYTES - preset.len()) / chip.len();
    let text = preset.replace("chip_ids = []", &format!("chip_ids = [{}]", chip.repeat(many)));
    let policy = Policy::parse(&text).unwrap();
    let Platform::Rules(snp) = policy.snp else { panic!("it has rules for SEV-SNP") };
    assert!(matches!(snp.chip.chip_ids, Rule::Stated(ids) if ids.0.len() == many && many > 1700));
}

//! Words of the command line that mean something of ours: times, policies, digits.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use attestation_corim::{self as corim, CORIM_MAX_BYTES, ReferenceManifest};
use attestation_policy::{POLICY_MAX_BYTES, Platform, Policy, Preset, Rule, terms::Hex, terms::OneOf};
use attestation_recognise::{Item, Kind};
use attestation_x509::Instant;

use crate::appraise::admit_only;
use crate::arguments::CheckArguments;

/// A word that means nothing. Whoever typed it is guilty, or whoever wrote the file that it names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TermError {
    /// Neither a preset nor a policy.
    #[error(
        "--policy {name}: {problem}\n  name strict, production, development, or a file that `redoubt-verify policy init` made"
    )]
    Policy {
        /// What was typed.
        name: String,
        /// Why not.
        problem: String,
    },
    /// Not a time.
    #[error("--at {word}: expected now, bundle, or a time in UTC like 2026-04-06T00:00:00Z")]
    Time {
        /// What was typed.
        word: String,
    },
    /// The time of a bundle, and no bundle or several.
    #[error("--at bundle: expected one bundle among the files, found none or several")]
    NoBundle,
    /// Not a CoRIM, or not one that is ours to read.
    #[error("--corim {}: {problem}\n  name the reference-values.corim of an image", path.display())]
    Corim {
        /// What was typed.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// Not so many digits.
    #[error("{option} {word}: expected {expected}")]
    Digits {
        /// Which option.
        option: &'static str,
        /// What was typed.
        word: String,
        /// What it takes.
        expected: String,
    },
}

/// A preset by its name, or a policy in a file.
///
/// # Errors
/// It is neither, or the file is no policy.
pub fn policy(name: &str) -> Result<Policy, TermError> {
    let wrong = |problem: String| TermError::Policy { name: name.into(), problem };
    let preset = Preset::ALL.into_iter().find(|preset| preset.name() == name);
    let text = match preset {
        Some(preset) => preset.text().to_owned(),
        None => read(Path::new(name)).map_err(|error| wrong(error.to_string()))?,
    };
    Policy::parse(&text).map_err(|error| wrong(error.to_string()))
}

/// A preset by its name.
///
/// # Errors
/// There is none of this name.
pub fn preset(name: &str) -> Result<Preset, TermError> {
    let problem = "no such preset".to_owned();
    let preset = Preset::ALL.into_iter().find(|preset| preset.name() == name);
    preset.ok_or(TermError::Policy { name: name.into(), problem })
}

/// The policy of a check, narrowed to what else was typed.
///
/// # Errors
/// The policy, a digest or a CoRIM is none.
pub fn narrowed_policy(arguments: &CheckArguments) -> Result<Policy, TermError> {
    let mut policy = policy(&arguments.policy)?;
    let measurements = all_digits::<48>("--measurement", &arguments.measurement)?;
    let corim = arguments.corim.as_deref().map(reference_values).transpose()?;
    let host_data = all_digits::<32>("--host-data", &arguments.host_data)?;
    let config_ids = all_digits::<48>("--mr-config-id", &arguments.mr_config_id)?;
    if let Platform::Rules(rules) = &mut policy.snp {
        admit_measurements(
            &mut rules.launch.measurements,
            &measurements,
            corim.as_ref(),
            corim::Platform::Snp,
        );
        admit_only(&mut rules.launch.host_data, &host_data);
    }
    if let Platform::Rules(rules) = &mut policy.tdx {
        admit_measurements(&mut rules.launch.mr_tds, &measurements, corim.as_ref(), corim::Platform::Tdx);
        admit_only(&mut rules.launch.mr_config_ids, &config_ids);
    }
    Ok(policy)
}

/// Admits what was typed and what the reference values list for the platform. That they list nothing admits nothing.
fn admit_measurements(
    rule: &mut Rule<OneOf<Hex<48>>>,
    typed: &[[u8; 48]],
    corim: Option<&ReferenceManifest>,
    platform: corim::Platform,
) {
    match corim {
        None => admit_only(rule, typed),
        Some(manifest) => {
            let listed = manifest.values.iter().filter(|value| value.platform == platform);
            let all = typed.iter().copied().chain(listed.map(|value| value.digest));
            *rule = Rule::Stated(OneOf(all.map(Hex).collect()));
        }
    }
}

fn reference_values(path: &Path) -> Result<ReferenceManifest, TermError> {
    let wrong = |problem: String| TermError::Corim { path: path.to_owned(), problem };
    let bytes = read_bytes(path, CORIM_MAX_BYTES).map_err(|error| wrong(error.to_string()))?;
    ReferenceManifest::decode(&bytes).map_err(|error| wrong(error.to_string()))
}

/// `now`, which asks the machine's clock, `bundle`, which is the time that the one bundle among `items` was made for, or a
/// time.
///
/// # Errors
/// It is none of these.
pub fn instant(word: &str, items: &[Item]) -> Result<Instant, TermError> {
    if word == "bundle" {
        let mut times = items.iter().filter(|item| item.kind == Kind::BundleTime);
        let time = times.next().filter(|_| times.next().is_none());
        let text = time.and_then(|item| str::from_utf8(&item.bytes).ok());
        return text.and_then(|text| text.parse().ok()).ok_or(TermError::NoBundle);
    }
    if word == "now" {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        return Ok(Instant::from_unix_seconds(since.as_secs()));
    }
    word.parse().map_err(|_| TermError::Time { word: word.into() })
}

/// Bytes in hexadecimal, of any length.
///
/// # Errors
/// Something else than pairs of hexadecimal digits.
pub fn digits(option: &'static str, word: &str) -> Result<Vec<u8>, TermError> {
    let wrong = || TermError::Digits {
        option,
        word: word.into(),
        expected: "hexadecimal digits, two per byte".into(),
    };
    let digits: Option<Vec<u8>> = word.chars().map(|digit| u8::try_from(digit.to_digit(16)?).ok()).collect();
    let digits = digits.filter(|digits| !digits.is_empty()).ok_or_else(wrong)?;
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(wrong());
    }
    Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

fn all_digits<const N: usize>(option: &'static str, words: &[String]) -> Result<Vec<[u8; N]>, TermError> {
    let read = |word: &String| {
        let found = digits(option, word)?;
        let expected = || format!("{} digits, found {}", N.saturating_mul(2), found.len().saturating_mul(2));
        found.as_slice().try_into().map_err(|_| TermError::Digits {
            option,
            word: word.clone(),
            expected: expected(),
        })
    };
    words.iter().map(read).collect()
}

fn read(path: &Path) -> std::io::Result<String> {
    String::from_utf8(read_bytes(path, POLICY_MAX_BYTES)?).map_err(std::io::Error::other)
}

/// At most one byte more than `limit`, for whoever reads them to refuse.
fn read_bytes(path: &Path, limit: usize) -> std::io::Result<Vec<u8>> {
    let limit = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_mean_what_they_say() {
        assert_eq!(instant("2026-04-06T00:00:00Z", &[]).unwrap().to_string(), "2026-04-06T00:00:00Z");
        assert!(instant("now", &[]).unwrap() > instant("2026-01-01T00:00:00Z", &[]).unwrap());
        assert!(instant("yesterday", &[]).unwrap_err().to_string().contains("expected now"));
        let time = |text: &str| Item { kind: Kind::BundleTime, bytes: text.into(), within: Vec::new() };
        let items = [time("2026-04-06T00:00:00Z"), time("2026-04-06T00:00:00Z")];
        assert_eq!(instant("bundle", &items[..1]).unwrap().to_string(), "2026-04-06T00:00:00Z");
        for items in [&items[..], &[], &[time("x")]] {
            assert_eq!(instant("bundle", items), Err(TermError::NoBundle));
        }
        assert_eq!(digits("--challenge", "0aFF").unwrap(), [0x0A, 0xFF]);
        for wrong in ["", "0", "0x00", "zz"] {
            assert!(
                digits("--challenge", wrong).unwrap_err().to_string().contains("two per byte"),
                "{wrong}"
            );
        }
        let error = all_digits::<48>("--measurement", &["00".repeat(47)]).unwrap_err().to_string();
        assert!(error.contains("expected 96 digits, found 94"), "{error}");
    }

    #[test]
    fn a_policy_is_a_preset_or_a_file() {
        assert_eq!(policy("strict").unwrap().name, "strict");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.toml");
        let name = path.to_str().unwrap();
        assert!(policy(name).unwrap_err().to_string().contains("policy init"));
        std::fs::write(&path, Preset::Production.text()).unwrap();
        assert_eq!(policy(name).unwrap().name, "production");
        std::fs::write(&path, "version = 1").unwrap();
        assert!(policy(name).unwrap_err().to_string().contains("policy field name"));
        assert!(preset("loose").unwrap_err().to_string().contains("no such preset"));
    }
}

//! Verdicts on evidence as attestation results for other people's software: EAR claims in a JWT, signed with ES256.
//!
//! Spec: draft-ietf-rats-ear-04 (claims, profile), draft-ietf-rats-ar4si (trustworthiness vector, sections 2.3 and 3),
//! RFC 7515 and 7518 (JWS, ES256). The vector is a coarse view; every check is in `ear_verifier_claims`.

use attestation_x509::Instant;
use base64ct::{Base64UrlUnpadded, Encoding};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::DecodePrivateKey;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::check::{Check, State, Verdict};

const PROFILE: &str = "tag:ietf.org,2026:rats/ear#04";
/// Protected header: one algorithm, one type.
const HEADER: &str = r#"{"alg":"ES256","typ":"JWT"}"#;

/// Values of a trustworthiness claim (AR4SI, section 2.3.4).
const NONE: i8 = 0;
const AFFIRMING: i8 = 2;
const WARNING: i8 = 32;
const CONTRAINDICATED: i8 = 96;
/// The evidence did not verify: nothing it says counts.
const CRYPTO_FAILED: i8 = 99;

/// A key that signs no results.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a private key for P-256 in PEM (PKCS #8), found {found}")]
pub struct KeyError {
    found: String,
}

/// Reads the key of a verifier.
///
/// # Errors
/// Another format, or another curve.
pub fn key(pem: &str) -> Result<SigningKey, KeyError> {
    SigningKey::from_pkcs8_pem(pem).map_err(|error| KeyError { found: error.to_string() })
}

/// The result as a compact JWT: what `evidence` (a name like `snp-report`) is worth by the policy `policy`, as of `at`.
#[must_use]
pub fn jwt(verdict: &Verdict, evidence: &str, policy: &str, at: Instant, key: &SigningKey) -> String {
    let claims = claims(verdict, evidence, policy, at).to_string();
    let [header, claims] = [HEADER, &claims].map(|part| Base64UrlUnpadded::encode_string(part.as_bytes()));
    let signed = format!("{header}.{claims}");
    let signature: Signature = key.sign(signed.as_bytes());
    format!("{signed}.{}", Base64UrlUnpadded::encode_string(&signature.to_bytes()))
}

/// The claims before they are signed.
fn claims(verdict: &Verdict, evidence: &str, policy: &str, at: Instant) -> Value {
    let vector = Vector::of(verdict);
    let status = tier(vector.worst(verdict));
    let appraisal = json!({
        "ear_status": status,
        "ear_trustworthiness_vector": vector,
        "ear_appraisal_policy_ids": [format!("redoubt:{policy}")],
        "ear_verifier_claims": { "redoubt_checks": verdict.checks },
    });
    json!({
        "eat_profile": PROFILE,
        "iat": at.unix_seconds(),
        "ear_verifier_id": {
            "developer": "https://github.com/redoubt-project/redoubt",
            "build": format!("redoubt-verify {}", env!("CARGO_PKG_VERSION")),
        },
        "ear_status": status,
        "submods": Value::Object(Map::from_iter([(evidence.to_owned(), appraisal)])),
    })
}

/// What a verifier says about the parts of an attester. A part that nothing was said of is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Vector {
    #[serde(skip_serializing_if = "is_none")]
    instance_identity: i8,
    #[serde(skip_serializing_if = "is_none")]
    configuration: i8,
    #[serde(skip_serializing_if = "is_none")]
    executables: i8,
    #[serde(skip_serializing_if = "is_none")]
    hardware: i8,
    #[serde(skip_serializing_if = "is_none")]
    runtime_opaque: i8,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_none(value: &i8) -> bool {
    *value == NONE
}

impl Vector {
    fn of(verdict: &Verdict) -> Self {
        let is_authentic = verdict.checks.iter().any(is_rule);
        if !is_authentic {
            let failed = CRYPTO_FAILED;
            return Self {
                instance_identity: failed,
                configuration: failed,
                executables: failed,
                hardware: failed,
                runtime_opaque: failed,
            };
        }
        let about = |fields: &[&str], bad: i8| {
            let rules = verdict
                .checks
                .iter()
                .filter(|check| is_rule(check) && fields.iter().any(|field| check.what.contains(field)));
            worst(rules.map(|check| match check.state {
                State::Fails => bad,
                State::Holds => AFFIRMING,
                _ => NONE,
            }))
        };
        Self {
            instance_identity: about(&["chip_ids", "csp_ids", "ppids", "serial_numbers"], CONTRAINDICATED),
            configuration: about(&[".guest_policy.", ".platform.", ".attributes.", ".device."], WARNING),
            executables: about(&[".launch.", ".firmware."], CONTRAINDICATED),
            hardware: about(&["products", ".tcb.", "fmspcs"], WARNING),
            runtime_opaque: about(&[".debug", "vmpl_at_most", "service_td", "migra"], CONTRAINDICATED),
        }
    }

    /// The worst part; of a verdict that refuses, nothing better than what refuses.
    fn worst(self, verdict: &Verdict) -> i8 {
        let Self { instance_identity, configuration, executables, hardware, runtime_opaque } = self;
        let refusal = if verdict.is_accepted() { AFFIRMING } else { CONTRAINDICATED };
        worst([instance_identity, configuration, executables, hardware, runtime_opaque, refusal].into_iter())
    }
}

/// Rules of a policy are named by their fields; they are there only when the evidence is authentic.
fn is_rule(check: &Check) -> bool {
    ["snp.", "tdx.", "nvidia."].iter().any(|platform| check.what.starts_with(platform))
}

fn worst(values: impl Iterator<Item = i8>) -> i8 {
    values.max().unwrap_or(NONE)
}

const fn tier(value: i8) -> &'static str {
    match value {
        NONE => "none",
        ..WARNING => "affirming",
        WARNING..CONTRAINDICATED => "warning",
        _ => "contraindicated",
    }
}

#[cfg(test)]
mod tests {
    use attestation_policy::{Policy, Preset};
    use attestation_recognise::recognise;
    use p256::ecdsa::signature::Verifier;

    use super::*;
    use crate::appraise::{Question, TrustedRoots, appraise};

    fn verdict(files: [&str; 2], preset: Preset) -> Option<Verdict> {
        let folder = tests_needs::fixture("snp")?;
        let read = |file: &str| recognise(&std::fs::read(folder.join(file)).unwrap()).unwrap();
        let items: Vec<_> = files.into_iter().flat_map(read).collect();
        let policy = Policy::parse(preset.text()).unwrap();
        let at = "2025-10-06T00:00:00Z".parse().unwrap();
        Some(appraise(&Question {
            items: &items,
            policy: &policy,
            challenge: None,
            at,
            roots: TrustedRoots::of_vendors(),
        }))
    }

    fn result(verdict: &Verdict) -> Value {
        claims(verdict, "snp-report", "strict", Instant::from_unix_seconds(1_759_708_800))
    }

    #[test]
    fn results_are_what_the_draft_asks_for() {
        let genuine = ["genoa-v5-oak/report.bin", "genoa-v5-oak/vcek.der"];
        let Some(accepted) = verdict(genuine, Preset::Development) else { return };
        let claims = result(&accepted);
        assert_eq!(claims["eat_profile"], PROFILE);
        assert_eq!(claims["iat"], 1_759_708_800);
        assert!(claims["ear_verifier_id"]["build"].as_str().unwrap().starts_with("redoubt-verify "));
        let appraisal = &claims["submods"]["snp-report"];
        assert_eq!(appraisal["ear_status"], "affirming");
        assert_eq!(appraisal["ear_trustworthiness_vector"]["hardware"], 2);
        assert_eq!(
            appraisal["ear_trustworthiness_vector"].get("executables"),
            None,
            "waived, so nothing is said"
        );
        assert_eq!(appraisal["ear_appraisal_policy_ids"][0], "redoubt:strict");
        let strict = result(&verdict(genuine, Preset::Strict).unwrap());
        let vector = &strict["submods"]["snp-report"]["ear_trustworthiness_vector"];
        assert_eq!((&vector["executables"], &vector["hardware"]), (&json!(96), &json!(32)));
        assert_eq!(strict["ear_status"], "contraindicated");
        let forged = ["genoa-v3-bare/report.bin", "genoa-v3-bare/vcek-tampered-product.der"];
        let forged = result(&verdict(forged, Preset::Development).unwrap());
        assert_eq!(forged["submods"]["snp-report"]["ear_trustworthiness_vector"]["hardware"], 99);
        assert_eq!(forged["ear_status"], "contraindicated");
    }

    #[test]
    fn tokens_verify_under_the_verifiers_key() {
        let Some(verdict) =
            verdict(["genoa-v5-oak/report.bin", "genoa-v5-oak/vcek.der"], Preset::Development)
        else {
            return;
        };
        let signer = SigningKey::from_slice(&[9; 32]).unwrap();
        let token = jwt(&verdict, "snp-report", "development", Instant::from_unix_seconds(0), &signer);
        let parts: Vec<&str> = token.split('.').collect();
        let [header, claims, signature] = parts.as_slice() else { panic!("{token}") };
        let decode = |part: &str| Base64UrlUnpadded::decode_vec(part).unwrap();
        assert_eq!(decode(header), HEADER.as_bytes());
        let claims_json: Value = serde_json::from_slice(&decode(claims)).unwrap();
        assert_eq!(claims_json["ear_status"], "affirming");
        let signature = Signature::from_slice(&decode(signature)).unwrap();
        signer.verifying_key().verify(format!("{header}.{claims}").as_bytes(), &signature).unwrap();
    }

    #[test]
    fn another_key_is_refused() {
        assert!(key("-----BEGIN NOTHING-----").unwrap_err().to_string().contains("PKCS #8"));
    }
}

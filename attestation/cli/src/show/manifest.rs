//! What a manifest lets its program do, whom it believes, and who gets to know.

use attestation_manifest::{
    ANY_METHOD, EgressRule, EgressScheme, HexDigest, Logs, Manifest, TlsHost, TlsRoots, WallClock,
    authority_der, manifest_digest, parse_manifest,
};
use sha2::{Digest as _, Sha256};

use super::{Fields, Shown};

/// The manifest of an image, where the file is one.
pub(super) fn file(file: &str, bytes: &[u8]) -> Option<Shown> {
    let manifest = parse_manifest(bytes).ok()?;
    let mut fields = Fields::default();
    fields.plain("SHA-256", HexDigest(manifest_digest(bytes)));
    show_manifest(&mut fields, &manifest);
    Some(Shown {
        file: file.to_owned(),
        kind: "redoubt-manifest",
        title: "manifest of a Redoubt image",
        within: Vec::new(),
        bytes: bytes.len(),
        fields: fields.list,
        problem: None,
        parts: Vec::new(),
    })
}

/// Rule by rule, in words.
pub(super) fn show_manifest(fields: &mut Fields, manifest: &Manifest<'_>) {
    fields.plain("name", manifest.name);
    fields.plain("component, SHA-256", manifest.component.sha256);
    service(fields, manifest);
    if manifest.egress.is_empty() {
        fields.explained("egress", "none", "the program reaches nobody");
    }
    manifest.egress.iter().for_each(|rule| egress(fields, rule));
    let roots = match manifest.tls.roots {
        TlsRoots::Mozilla => {
            ("mozilla", "any authority of Mozilla's list vouches for hosts that are not named below")
        }
        TlsRoots::None => ("none", "nobody vouches for hosts that are not named below"),
    };
    fields.explained("TLS roots", roots.0, roots.1);
    manifest.tls.hosts.iter().for_each(|host| trust(fields, host));
    for server in &manifest.time {
        let address = format!("{}:{}", server.host, server.port);
        fields.explained("time server", address, format!("Ed25519 key {}", server.public_key));
    }
    let clock = match manifest.wall_clock {
        WallClock::Host => ("host", "the time of day was asserted by the host"),
        WallClock::Roughtime => ("roughtime", "the time of day is what these time servers agree on"),
        _ => ("none", "the program is not told the time of day"),
    };
    fields.explained("wall clock", clock.0, clock.1);
    readers(fields, manifest);
}

fn service(fields: &mut Fields, manifest: &Manifest<'_>) {
    let Some(service) = &manifest.service else {
        return fields.explained("program", "job", "it reads an input and writes an output");
    };
    let (scheme, meaning) = match service.scheme {
        EgressScheme::Https => ("https", "TLS ends in the guest: redoubt-verify connect proves that"),
        EgressScheme::Http => ("http", "in the clear: the host reads and changes requests and answers"),
    };
    fields.explained("program", format!("service on port {}, {scheme}", service.port), meaning);
}

fn egress(fields: &mut Fields, rule: &EgressRule<'_>) {
    let methods =
        if rule.methods.contains(&ANY_METHOD) { "any method".to_owned() } else { rule.methods.join(", ") };
    let (scheme, meaning) = match rule.scheme {
        EgressScheme::Https => ("https", methods),
        EgressScheme::Http => ("http", format!("{methods}; in the clear: the host may answer in its place")),
    };
    fields.explained("egress", format!("{scheme}://{}:{}", rule.host, rule.port), meaning);
}

fn trust(fields: &mut Fields, host: &TlsHost<'_>) {
    let name = format!("TLS of {}", host.host);
    for authority in &host.authorities {
        let digest = authority_der(authority).map(|der| HexDigest(<[u8; 32]>::from(Sha256::digest(der))));
        let digest = digest.map_or_else(|| "no certificate".to_owned(), |digest| digest.to_string());
        fields.explained(
            name.clone(),
            digest,
            "SHA-256 of the authority's certificate: it vouches, and no other",
        );
    }
    for pin in &host.spki_sha256 {
        fields.explained(name.clone(), pin, "its certificate has this key, or one that is listed with it");
    }
}

fn readers(fields: &mut Fields, manifest: &Manifest<'_>) {
    let logs = match manifest.logs {
        Logs::Public => ("public", "whoever runs the guest reads what the program logs"),
        Logs::None => ("none", "what the program logs never leaves the guest"),
        _ => {
            ("sealed", "what the program logs is sealed for the readers, and in a private job for its client")
        }
    };
    fields.explained("logs", logs.0, logs.1);
    for reader in &manifest.readers {
        fields.explained("reader", reader, "transcripts are sealed for this X25519 key");
    }
    if manifest.storage.persist {
        fields.explained("storage", "persists", "sealed, and kept by the loader for the next boot");
    }
}

#[cfg(test)]
mod tests {
    use crate::show::show;

    const MANIFEST: &str = r#"{"version":1,"name":"rates","role":"workload","trust":"tee","component":{"sha256":"C0"},
"artefact":{"sha256":"A0","engine":"wasmtime 1"},"memory_mib":128,
"launch":{"snp":{"policy":"0x30000","vmpl":0},"tdx":{"attributes":"0x10000000","xfam":"0xe7"}},
"limits":{"component_memory_bytes":67108864,"fuel":1000000,"input_bytes":5,"output_bytes":6,"wall_ms":60000,"transcript_bytes":9,
"call_stack_bytes":524288},"args":[],"env":[],"wall_clock":"roughtime","logs":"public","readers":[],
"egress":[{"host":"api.example.org","port":443,"scheme":"https","methods":["GET"]},
{"host":"192.0.2.7","port":80,"scheme":"http","methods":["*"]}],
"tls":{"roots":"none","hosts":[{"host":"api.example.org","authorities":["MAA="],"spki_sha256":[]}]},
"time":[{"host":"a.example.org","port":2002,"public_key":"11"},{"host":"b.example.org","port":2002,"public_key":"22"},
{"host":"c.example.org","port":2002,"public_key":"33"}],
"service":null,"storage":{"key_value_bytes":0,"files_bytes":0,"persist":false}}"#;

    fn shown(manifest: &str) -> Option<Vec<(String, String, String)>> {
        let digests = ["C0", "A0", "11", "22", "33"];
        let text = digests.iter().fold(manifest.to_owned(), |text, digest| {
            text.replace(&format!("\"{digest}\""), &format!("\"{}\"", digest.to_lowercase().repeat(32)))
        });
        let shown = show("manifest.json", text.as_bytes()).ok()?.remove(0);
        assert_eq!((shown.kind, &shown.problem), ("redoubt-manifest", &None));
        let field = |field: crate::show::Field| (field.name, field.value, field.meaning.unwrap_or_default());
        Some(shown.fields.into_iter().map(field).collect())
    }

    #[test]
    fn a_manifest_says_whom_it_reaches_and_believes() {
        let fields = shown(MANIFEST).unwrap();
        let of = |name: &str| -> Vec<(&str, &str)> {
            let named = fields.iter().filter(|field| field.0 == name);
            named.map(|(_, value, meaning)| (value.as_str(), meaning.as_str())).collect()
        };
        let clear = ("http://192.0.2.7:80", "any method; in the clear: the host may answer in its place");
        assert_eq!(of("egress"), [("https://api.example.org:443", "GET"), clear]);
        assert_eq!(of("TLS roots"), [("none", "nobody vouches for hosts that are not named below")]);
        // SHA-256 of an empty SEQUENCE, by sha256sum.
        let empty = "e4f60d0aa6d7f3d3b6a6494b1c861b99f649c6f9ec51abaf201b20f297327c95";
        assert_eq!(of("TLS of api.example.org")[0].0, empty);
        let key = format!("Ed25519 key {}", "33".repeat(32));
        assert_eq!(of("time server")[2], ("c.example.org:2002", key.as_str()));
        assert_eq!(
            (of("wall clock")[0].0, of("logs")[0].0, of("program")[0].0),
            ("roughtime", "public", "job")
        );
    }

    #[test]
    fn a_service_says_who_can_read_what_it_is_told() {
        let service = |scheme: &str| {
            let table = format!(
                r#""service":{{"port":8080,"scheme":"{scheme}","open_requests_max":4,"request_wall_ms":1,
"request_body_bytes":1,"response_body_bytes":1,"request_fuel":1,"request_memory_bytes":1}}"#
            );
            let fields = shown(&MANIFEST.replace("\"service\":null", &table)).unwrap();
            fields.into_iter().find(|field| field.0 == "program").unwrap()
        };
        assert!(service("https").2.contains("TLS ends in the guest"));
        let (_, value, meaning) = service("http");
        assert_eq!(value, "service on port 8080, http");
        assert!(meaning.contains("the host reads and changes"), "{meaning}");
    }

    #[test]
    fn other_json_is_no_manifest() {
        assert!(shown(&MANIFEST.replace("\"version\":1", "\"version\":2")).is_none());
    }
}

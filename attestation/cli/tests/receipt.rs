//! `redoubt-verify receipt` as people run it: files in, exit status and text out.
#![expect(clippy::unwrap_used, reason = "a test")]

mod desk;
#[expect(dead_code, reason = "parts are for tests beside the code")]
mod exchange;
#[expect(dead_code, reason = "parts are for tests of claims")]
mod world;

use attestation_corim::{Platform, ReferenceManifest};
use base64ct::{Base64, Encoding};
use serde_json::Value;

use desk::{Desk, EVIDENCE, TIME, json};
use exchange::RESPONSE_BODY;

/// Digests are others in every run: `########…########` stands for each of them.
fn masked(text: &str) -> String {
    let is_digits = |half: &str| half.len() == 8 && half.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mask = |word: &str| match word.split_once('…') {
        Some((head, tail)) if is_digits(head) && is_digits(tail) => "########…########".to_owned(),
        _ => word.to_owned(),
    };
    let line = |line: &str| line.split(' ').map(mask).collect::<Vec<_>>().join(" ") + "\n";
    text.lines().map(line).collect()
}

const ACCEPTED: &str = r#"
      check                                     expected                   found
ok    receipt signature                         signed by it…instance key  yes
ok    platform                                  any, simulated included    SIMULATED
ok    report signature                          signed by an…ndorsed chip  yes
ok    instance key in REPORT_DATA               ########…########          ########…########
ok    manifest in HOST_DATA                     ########…########          ########…########
ok    measurement                               ########…########          ########…########
ok    manifest                                  ########…########          ########…########
ok    manifest syntax                           a valid manifest           yes
ok    name in the manifest                      audit                      audit
ok    component in the manifest                 ########…########          ########…########
ok    artefact in the manifest                  ########…########          ########…########
ok    engine in the manifest                    wasmtime 48.…ubt-tuning 2  wasmtime 48.…ubt-tuning 2
ok    guest policy                              0x30000                    0x30000
ok    VMPL                                      0                          0
ok    debugging                                 off                        off
ok    time-1.cbor: time proof                   signed by the servers      yes
ok    time-1.cbor: time contradictions          none                       none
ok    time-2.cbor: time proof                   signed by the servers      yes
ok    time-2.cbor: time contradictions          none                       none
ok    manifest in the receipt                   ########…########          ########…########
ok    component in the receipt                  ########…########          ########…########
ok    roots for the host                        ########…########          ########…########
ok    server's key                              any with a certificate     ########…########
ok    server's key pinned by the manifest       no                         no
ok    server's certificates                     valid for the host         yes, and its key signed
ok    not before, by time-3.example.org:2002    signed by a time server    2025-06-15T15:06:38Z
ok    not after, by time-2.example.org:2002     signed by a time server    2025-06-15T15:07:42Z
ok    request                                   sent whole                 sent whole
ok    response                                  complete                   complete, by chunks
ok    time-1.cbor: time proof of a receipt      of one that was given      yes
ok    time-2.cbor: time proof of a receipt      of one that was given      yes
ok    commitment to a receipt                   in a time proof            yes
note  origin: a server signs its handshake, and nothing of what it says; who vouches for the bodies
      is the enclave alone, by its hardware and its image

SIMULATED: no hardware protected this run; whoever ran it could have forged all of it
ACCEPTED: all 32 checks hold

Fetched from api.example.com, receipt-1.cbor
  receipt       number 0 since boot
  run           number 2 since boot, exchange 1
  address       192.0.2.7:443
  TLS           TLS 1.3, TLS_AES_128_GCM_SHA256, x25519
  certificates  valid 2020-01-01T00:00:00Z to 2030-01-01T00:00:00Z
  time          2025-06-15T15:06:38Z to 2025-06-15T15:06:43Z, as the guest held it
  not before    2025-06-15T15:06:38Z, signed by time-3.example.org:2002
  not after     2025-06-15T15:07:42Z, signed by time-2.example.org:2002
  > POST https://api.example.com/v1/rates?day=2025-06-15
  > accept: application/json
  > authorization: Bearer 7Vd0mZ
  > body, 17 bytes:
    | {"pair":"EURUSD"}
  < 200
  < content-type: application/json
  < date: Sun, 15 Jun 2025 15:06:41 GMT
  < body, 41 bytes:
    | {
    | 	"rate": "1.1548",
    | 	"note": "señal"
    | }
"#;

#[test]
fn an_accepted_receipt_line_by_line() {
    let desk = Desk::new();
    let text = masked(&desk.accepted(&[&EVIDENCE[..], &TIME].concat()));
    let expected = ACCEPTED.strip_prefix('\n').unwrap();
    for (number, (expected, found)) in (1..).zip(expected.lines().zip(text.lines())) {
        assert_eq!(found, expected, "line {number} of\n{text}");
    }
    assert_eq!(text, expected);
    assert!(!text.contains('\u{1b}'), "no colours in a pipe");
}

#[test]
fn files_can_be_given_in_any_order() {
    let desk = Desk::new();
    let text =
        desk.accepted(&["time-2.cbor", "claim.cbor", "time-1.cbor", "--commitment", "commitment.cbor"]);
    assert!(text.contains("ACCEPTED: all 32 checks hold"), "{text}");
    let text = desk.accepted(&["--evidence", "claim.cbor"]);
    assert!(text.contains("note  not before 2025-06-15T15:06:38Z: only asserted by the guest"), "{text}");
    let text = desk.accepted(&["receipt-2.cbor", "evidence.cbor", "time-1.cbor"]);
    assert!(
        text.contains("ok    chain of receipts") && text.contains("receipt-2.cbor: server's key"),
        "{text}"
    );
    assert!(text.contains("Fetched from api.example.com, receipt-2.cbor"), "{text}");
}

#[test]
fn refused_is_status_1_and_names_the_check() {
    let desk = Desk::new();
    let (status, stdout, _) =
        desk.run(&["receipt", "receipt-1.cbor", "evidence.cbor", "--reference", "reference-values.json"]);
    assert_eq!(status, 1);
    assert!(stdout.contains("--allow-simulated") && stdout.contains("first: platform"), "{stdout}");
    let (status, stdout, _) = desk.receipt(&[]);
    assert_eq!(status, 1);
    assert!(stdout.contains("first: receipt signature") && stdout.contains("--evidence FILE"), "{stdout}");
    let mut other = desk.exchange.world.reference.clone();
    other.component.sha256.0[0] ^= 1;
    desk.write_reference("other.json", &other);
    let other = [
        "receipt",
        "receipt-1.cbor",
        "evidence.cbor",
        "--reference",
        "other.json",
        "--allow-simulated",
        "--json",
    ];
    let (status, stdout, _) = desk.run(&other);
    assert_eq!((status, &json(&stdout)["verdict"]), (1, &"refused".into()));
    assert!(!stdout.contains("EURUSD"), "{stdout}");
}

/// What was one before somebody touched it gets a verdict, not a shrug.
#[test]
fn damaged_files_are_refused() {
    let desk = Desk::new();
    let all = [&EVIDENCE[..], &TIME].concat();
    for (name, check) in [
        ("receipt-1.cbor", "receipt signature"),
        ("evidence.cbor", "evidence file"),
        ("time-2.cbor", "time-2.cbor: time proof"),
        ("commitment.cbor", "commitment"),
    ] {
        let whole = desk.read(name);
        for broken in [&whole[1..], &whole[..whole.len() - 1], b"\xFF"] {
            desk.write(name, broken);
            let (status, stdout, stderr) = desk.receipt(&all);
            assert_eq!(status, 1, "{name}: {stdout}{stderr}");
            assert!(stdout.contains(&format!("first: {check}\n")), "{name}: {stdout}");
        }
        desk.write(name, &whole);
    }
}

#[test]
fn unreadable_files_and_wrong_usage_are_status_2() {
    let desk = Desk::new();
    let corim = ReferenceManifest::of_rom(&[0; 32], [(Platform::Snp, "qemu".to_owned(), [7; 48])]).encode();
    desk.write("image.corim", &corim);
    desk.write("notes.txt", b"nothing in here!");
    desk.write("taken.json", b"as before");
    for (more, words) in [
        (&["nothing.cbor"][..], "nothing.cbor: No such file"),
        (&["notes.txt"], "notes.txt: expected evidence or collateral"),
        (&["image.corim"], "image.corim: reference values among the files"),
        (&["--time", "nothing.cbor"], "proof of the time nothing.cbor: No such file"),
        (&["--policy", "loose"], "--policy loose"),
        (&["--at", "yesterday"], "--at yesterday"),
        (&["--response-body", "rates.json"], "--opening"),
        (
            &["--opening", "receipt.opening", "--response-body", "none"],
            "body of the response none: No such file",
        ),
        (&["evidence.cbor", "--out", "taken.json"], "taken.json: there is a file already"),
        (&["evidence.cbor", "--out", "no/such/folder"], "no/such/folder: No such file"),
        (&["receipt-2.cbor", "--out", "new.json"], "expected one receipt, found 2"),
    ] {
        let (status, stdout, stderr) = desk.receipt(more);
        assert_eq!((status, stdout.as_str()), (2, ""), "{more:?}: {stderr}");
        assert!(stderr.contains(words), "{more:?}: {stderr}");
    }
    let (status, _, stderr) = desk.run(&["receipt", "receipt-1.cbor"]);
    assert!(status == 2 && stderr.contains("--reference"), "{stderr}");
    let (status, _, stderr) = desk.run(&["receipt", "claim.cbor", "--reference", "reference-values.json"]);
    assert!(
        status == 2 && stderr.contains("expected one receipt, found claim of a Redoubt guest"),
        "{stderr}"
    );
    let (status, _, stderr) = desk.run(&["check", "evidence.cbor", "receipt-1.cbor"]);
    assert!(status == 2 && stderr.contains("`redoubt-verify receipt` checks it"), "{stderr}");
    assert_eq!(desk.read("taken.json"), b"as before");
    assert!(!desk.exists("new.json"));
}

#[test]
fn the_body_goes_to_a_file_if_all_of_it_is_accepted() {
    let desk = Desk::new();
    let text = desk.accepted(&["evidence.cbor", "--out", "body.json"]);
    assert!(text.ends_with("41 bytes of the response's body are in body.json\n"), "{text}");
    assert_eq!(desk.read("body.json"), RESPONSE_BODY);
    let document = json(&desk.accepted(&["evidence.cbor", "--out", "again.json", "--json"]));
    assert_eq!(document["written"], serde_json::json!({ "file": "again.json", "bytes": 41 }));
    let receipt = &document["receipts"][0];
    assert_eq!(receipt["response"]["body"]["base64"], Base64::encode_string(RESPONSE_BODY));
    assert_eq!((&receipt["file"], &receipt["port"]), (&"receipt-1.cbor".into(), &443.into()));

    let (status, stdout, _) = desk.receipt(&["--out", "refused.json"]);
    assert!(status == 1 && !desk.exists("refused.json"), "{stdout}");
    desk.redacted(&["--hide", "response-body", "--out", "less.cbor"]);
    let less = [
        "receipt",
        "less.cbor",
        "evidence.cbor",
        "--reference",
        "reference-values.json",
        "--allow-simulated",
    ];
    let (status, stdout, stderr) = desk.run(&[&less[..], &["--out", "hidden.json"]].concat());
    assert!(status == 2 && !desk.exists("hidden.json"), "{stdout}");
    assert!(
        stdout.contains("ACCEPTED") && stderr.contains("does not show all of the response's body"),
        "{stderr}"
    );
}

#[test]
fn bodies_that_came_apart_are_checked_by_the_opening() {
    let desk = Desk::new();
    let opened = ["evidence.cbor", "--opening", "receipt.opening"];
    let bodies = ["--request-body", "asked.json", "--response-body", "rates.json"];
    let text = desk.accepted(&[&opened[..], &bodies].concat());
    for line in ["ok    opening ", "ok    request body's file ", "ok    response body's file "] {
        assert!(text.contains(line), "{text}");
    }
    desk.write("rates.json", b"{\"rate\":\"9.9999\"}");
    let (status, stdout, _) = desk.receipt(&[&opened[..], &bodies].concat());
    assert!(status == 1 && stdout.contains("first: response body's file"), "{stdout}");
    desk.write("receipt.opening", b"\x83\x01");
    let (status, stdout, _) = desk.receipt(&[&opened[..], &bodies].concat());
    assert!(status == 1 && stdout.contains("first: opening"), "{stdout}");
}

#[test]
fn receipts_claims_and_proofs_are_shown_as_what_they_are() {
    let desk = Desk::new();
    let shown = |file: &str| {
        let (status, stdout, stderr) = desk.run(&["show", file, "--json"]);
        assert_eq!(status, 0, "{stderr}");
        json(&stdout)["items"][0].clone()
    };
    for (file, kind) in [
        ("receipt-1.cbor", "redoubt-receipt"),
        ("claim.cbor", "redoubt-claim"),
        ("evidence.cbor", "redoubt-evidence"),
        ("time-1.cbor", "roughtime-proof"),
    ] {
        let item = shown(file);
        assert_eq!((&item["kind"], &item["problem"]), (&kind.into(), &Value::Null), "{item:#}");
    }
    let (_, text, _) = desk.run(&["show", "receipt-1.cbor", "time-1.cbor"]);
    for part in [
        "host                    api.example.com\n",
        "TLS version             TLS 1.3\n",
        "body of the response    41 bytes  (41 of them are shown)\n",
        "hidden leaves           0 of 11\n",
        "evidence                not enclosed\n",
        "time                    2025-06-15T15:06:40Z ± 2 s  (by ",
        "contradictions          0\n",
        "Nothing was verified",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
    let whole = desk.read("receipt-1.cbor");
    desk.write("receipt-1.cbor", &whole[..whole.len() - 1]);
    assert!(shown("receipt-1.cbor")["problem"].as_str().unwrap().contains("not the expected COSE structure"));
}

#[test]
fn help_has_examples() {
    let desk = Desk::new();
    let help = |command: &str| desk.run(&[command, "--help"]).1;
    assert!(
        help("receipt").contains("redoubt-verify receipt fetched/receipt-1.cbor --time fetched/time-1.cbor")
    );
    assert!(help("redact").contains("redoubt-verify redact receipt.cbor --hide request-field:authorization"));
}

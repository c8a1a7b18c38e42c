//! Measures what receipts take of exchanges under TLS, on this machine: the guest's whole service, above real connections to
//! a server on loopback, with the time from servers there.
//!
//! `cargo run --release -p enclave-service --example receipts`
//! Standard output is one line of JSON.
#![expect(clippy::expect_used, clippy::panic, reason = "what cannot be measured ends the program")]
#![expect(unsafe_code, reason = "loading native code has no safe form, which the tests' components do")]

#[path = "../tests/serve/components.rs"]
#[expect(dead_code, reason = "the tests need more of it")]
mod components;
#[path = "../tests/serve/loader.rs"]
#[expect(dead_code, reason = "the tests need more of it")]
mod loader;
mod loopback;

use core::error::Error;
use std::sync::Arc;

use attestation_evidence::Evidence;
use attestation_manifest::{Manifest, Role, manifest_digest, parse_manifest};
use attestation_receipt::{SignedReceipt, redact};
use attestation_ring::P256Key;
use attestation_signature::P256Signer;
use enclave_platform::{ControlLink, DerivedKeys, Identity};
use enclave_runtime::Program;
use enclave_service::{ClaimChain, Ended, Vault, serve};
use enclave_wire::control::JobOutcome;
use loader::{Job, Loader, MANIFEST, Seen, chain_of};
use loopback::Loopback;
use tests_servers::{Authority, Behaviour, Clock, HttpsServer, TimeServer, UdpTimeServer};

/// Jobs of each kind for a median.
const RUNS: usize = 21;
const EXCHANGES: usize = 50;
const BODY_BYTES: usize = 10_000;
const HOST: &str = "a.example";

fn main() -> Result<(), Box<dyn Error>> {
    let [once, again] =
        ["close", "keep-alive"].map(|connection| measure(connection).expect("it is measured"));
    println!(
        "{{\"exchanges\":{EXCHANGES},\"body_bytes\":{BODY_BYTES},\"a_handshake_each\":{once},\"one_handshake\":{again}}}"
    );
    Ok(())
}

/// Of exchanges whose server says so about its connections.
fn measure(connection: &str) -> Result<String, Box<dyn Error>> {
    let authority = Authority::new();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: {connection}\r\n");
    let body = "0123456789".repeat(BODY_BYTES / 10);
    let answer = format!("{head}content-length: {BODY_BYTES}\r\n\r\n{body}");
    let behaviour = Behaviour { answers: EXCHANGES, ..Behaviour::honest(HOST, answer.as_bytes()) };
    let server = HttpsServer::start(&authority, behaviour);
    let times = [1, 2, 3].map(|number| TimeServer::new(number, Clock::Off(0)).start());
    let text = manifest(&authority, &times);
    let manifest = parse_manifest(text.as_bytes())?;
    // Taking turns, so that what disturbs one kind disturbs the other.
    let jobs = [false, true].map(|receipts| Job { receipts, ..Job::default() });
    let loader = Loader::new(vec![jobs; RUNS].concat(), Vec::new());
    let mut chain = chain_as_in_the_guest(&text, &manifest)?;
    let vault = Vault::new(&manifest, chain.identity());
    let link = ControlLink::new(loader.clone());
    let ended = serve(link, Loopback::to(server.port()), &load_job(), &manifest, &mut chain, vault)?;
    assert_eq!(ended, Ended::Shutdown);
    let seen = &loader.0.lock().expect("one thread").seen;
    assert!(seen.iter().all(|seen| seen.done().outcome == JobOutcome::Exited { code: 0 }), "a job failed");
    let (without, with): (Vec<_>, Vec<_>) = seen.iter().partition(|seen| seen.receipts.is_empty());
    assert_eq!((without.len(), with.len()), (RUNS, RUNS));
    let [without_us, with_us] = [&without, &with].map(|jobs| exchange_us(jobs));
    let [whole_bytes, bare_bytes] = receipt_bytes(with.last().ok_or("no job has receipts")?)?;
    Ok(format!(
        "{{\"without_us\":{without_us:.1},\"with_us\":{with_us:.1},\"receipt_bytes\":{whole_bytes},\"without_what_is_shown_bytes\":{bare_bytes}}}"
    ))
}

/// The tests' keys are RustCrypto's, which sign slowly and always alike; the guest's are not.
fn chain_as_in_the_guest(text: &str, manifest: &Manifest<'_>) -> Result<ClaimChain, Box<dyn Error>> {
    let instance_key = Arc::new(P256Key::generate()?);
    let tests = chain_of(text, manifest);
    let evidence = Evidence { instance_key: instance_key.public_key(), ..tests.identity().evidence.clone() };
    let digest = manifest_digest(text.as_bytes());
    let keys = DerivedKeys::derive(&[1; 32], &digest, Role::Workload);
    Ok(ClaimChain::new(Identity { evidence, instance_key, job_key: None, keys }, manifest, digest))
}

/// The median, of one exchange.
fn exchange_us(jobs: &[&Seen]) -> f64 {
    let mut times: Vec<u64> = jobs.iter().map(|seen| seen.done().usage.run_us).collect();
    times.sort_unstable();
    times[times.len() / 2] as f64 / EXCHANGES as f64
}

/// Of one receipt: as the loader gets it, and once nothing is shown or enclosed.
fn receipt_bytes(seen: &Seen) -> Result<[usize; 2], Box<dyn Error>> {
    assert_eq!(seen.receipts.len(), EXCHANGES, "one for each exchange");
    let receipt = &seen.receipts[EXCHANGES / 2];
    SignedReceipt::parse(receipt)?;
    Ok([receipt.len(), redact(receipt, |_| false)?.len()])
}

fn manifest(authority: &Authority, times: &[UdpTimeServer]) -> String {
    let time = |time: &UdpTimeServer| {
        let key: String = time.public_key().iter().map(|byte| format!("{byte:02x}")).collect();
        format!(r#"{{"host":"127.0.0.1","port":{},"public_key":"{key}"}}"#, time.port())
    };
    let times = times.iter().map(time).collect::<Vec<_>>().join(",");
    let pem = authority.pem();
    let authority: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let rule = format!(r#""egress":[{{"host":"{HOST}","port":443,"scheme":"https","methods":["GET"]}},"#);
    let tls = format!(
        r#""tls":{{"roots":"none","hosts":[{{"host":"{HOST}","authorities":["{authority}"],"spki_sha256":[]}}]}},"time":[{times}]"#
    );
    MANIFEST.replace(r#""egress":["#, &rule).replace(r#""tls":{"roots":"none","hosts":[]},"time":[]"#, &tls)
}

/// The job of the other measurement, by HTTPS.
fn load_job() -> Program {
    const KIT: &str = include_str!("../../runtime/tests/http/kit-imports.wat");
    const EXPORT: &str = r#"(func $run (result (result)) (canon lift (core func $main "run")))
        (instance $command (export "run" (func $run)))
        (export "wasi:cli/run@0.2.0" (instance $command))"#;
    const IMPORT: &str =
        r#"(import "wasi" "set-scheme" (func $set-scheme (param i32 i32 i32 i32 i32) (result i32)))"#;
    const FETCH: &str =
        "(func $fetch-tls (param $path i32) (param $length i32) (result i32) (local $request i32)
        (local.set $request (call $request (local.get $path) (local.get $length)))
        (drop (call $set-scheme (local.get $request) (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 0)))
        (call $await (call $send (local.get $request))))";
    let fields = include_str!("../../runtime/tests/http/fetch-many.wat")
        .replace("EXCHANGES", &EXCHANGES.to_string())
        .replace("call $fetch ", "call $fetch-tls ");
    let text = include_str!("../../runtime/tests/http/prelude.wat")
        .replace(";; MAIN\n", &format!("(core module $Main {KIT} {IMPORT} {fields} {FETCH})"))
        .replace(";; KIT\n", include_str!("../../runtime/tests/http/kit.wat"))
        .replace(";; EXPORT\n", EXPORT);
    components::load_component(&wat::parse_str(text).expect("the job's text is valid"))
}

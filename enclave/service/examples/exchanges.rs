//! Measures what recording takes of a job that does little but HTTP, on this machine: the guest's whole service, above real
//! connections to a server on loopback instead of the guest's own TCP.
//!
//! `cargo run --release -p enclave-service --example exchanges`
//! Standard output is one line of JSON for `cargo xtask bench services`.
#![expect(clippy::expect_used, clippy::panic, reason = "what cannot be measured ends the program")]
#![expect(unsafe_code, reason = "loading native code has no safe form, which the tests' components do")]

#[path = "../tests/serve/components.rs"]
#[expect(dead_code, reason = "the tests need more of it")]
mod components;
#[path = "../tests/serve/loader.rs"]
#[expect(dead_code, reason = "the tests need more of it")]
mod loader;
mod loopback;
#[path = "../../runtime/examples/recording/mod.rs"]
mod recording;

use core::error::Error;
use core::net::Ipv4Addr;
use core::time::Duration;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use attestation_manifest::parse_manifest;
use enclave_platform::ControlLink;
use enclave_runtime::Program;
use enclave_service::{Ended, Vault, serve};
use enclave_wire::control::JobOutcome;
use loader::{Job, Loader, MANIFEST, chain_of};
use loopback::Loopback;
use recording::{Shares, median};

/// Jobs for a median.
const RUNS: usize = 21;
const EXCHANGES: usize = 100;
const BODY_BYTES: usize = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let port = start_server()?;
    let program = load_job();
    let rule = r#""egress":[{"host":"a.example","port":80,"scheme":"http","methods":["GET"]},"#;
    let text = MANIFEST.replace(r#""egress":["#, rule);
    let manifest = parse_manifest(text.as_bytes()).expect("the manifest parses");
    let loader = Loader::new(vec![Job::default(); RUNS], Vec::new());
    let mut chain = chain_of(&text, &manifest);
    let vault = Vault::new(&manifest, chain.identity());
    let link = ControlLink::new(loader.clone());
    let ended = serve(link, Loopback::to(port), &program, &manifest, &mut chain, vault)?;
    assert_eq!(ended, Ended::Shutdown);
    let seen = &loader.0.lock().expect("one thread").seen;
    assert!(seen.iter().all(|seen| seen.done().outcome == JobOutcome::Exited { code: 0 }), "a job failed");
    let mut times: Vec<_> = seen.iter().map(|seen| Duration::from_micros(seen.done().usage.run_us)).collect();
    let transcript = &seen.last().ok_or("no job was run")?.transcript;
    println!("{}", Shares::of(median(&mut times), transcript)?.to_json());
    Ok(())
}

fn load_job() -> Program {
    const KIT: &str = include_str!("../../runtime/tests/http/kit-imports.wat");
    const EXPORT: &str = r#"(func $run (result (result)) (canon lift (core func $main "run")))
        (instance $command (export "run" (func $run)))
        (export "wasi:cli/run@0.2.0" (instance $command))"#;
    let fields =
        include_str!("../../runtime/tests/http/fetch-many.wat").replace("EXCHANGES", &EXCHANGES.to_string());
    let text = include_str!("../../runtime/tests/http/prelude.wat")
        .replace(";; MAIN\n", &format!("(core module $Main {KIT} {fields})"))
        .replace(";; KIT\n", include_str!("../../runtime/tests/http/kit.wat"))
        .replace(";; EXPORT\n", EXPORT);
    components::load_component(&wat::parse_str(text).expect("the job's text is valid"))
}

/// Answers every connection once.
fn start_server() -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nserver: example\r\n\
                date: Mon, 30 Nov 2026 12:00:00 GMT\r\n";
    let answer =
        format!("{head}content-length: {BODY_BYTES}\r\n\r\n{}", "0123456789".repeat(BODY_BYTES / 10));
    // Ends with the program.
    thread::spawn(move || {
        for client in listener.incoming() {
            client.and_then(|client| answer_one(client, answer.as_bytes())).expect("the client is ours");
        }
    });
    Ok(port)
}

fn answer_one(mut client: TcpStream, answer: &[u8]) -> io::Result<()> {
    let (mut request, mut piece) = (Vec::new(), [0; 1024]);
    while !request.ends_with(b"\r\n\r\n") {
        let count = client.read(&mut piece)?;
        if count == 0 {
            return Ok(());
        }
        request.extend_from_slice(&piece[..count]);
    }
    client.write_all(answer)
}

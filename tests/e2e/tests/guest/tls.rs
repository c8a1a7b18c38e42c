//! Requests under TLS, to servers that are who they say and to others, at a time that honest servers say.

use core::fmt::Write as _;

use tests_servers::{Authority, Behaviour, Clock, HttpsServer, TimeServer, UdpTimeServer};

use crate::harness::{APP, JobResult, PATIENCE, Site, build_image_of, components, rom, run_job};
use crate::replay::assert_replays_of;

/// Where QEMU's user networking shows the host's loopback.
const HOST: &str = "10.0.2.2";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello\n";

/// Asks for `/path?query` by HTTPS, says the status, shows the body and says how it ended; a refusal by its number.
fn fetch(authority: &str) -> Vec<u8> {
    let fields = format!(
        r#"(import "wasi" "set-scheme" (func $set-scheme (param i32 i32 i32 i32 i32) (result i32)))
    (import "wasi" "set-authority" (func $set-authority (param i32 i32 i32 i32) (result i32)))
    (data (i32.const 6000) "{authority}")
    (func (export "run") (result i32) (local $request i32) (local $future i32) (local $response i32)
        (local.set $request (call $request (i32.const 4096) (i32.const 11)))
        (if (call $set-scheme (local.get $request) (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 0))
            (then unreachable))
        (if (call $set-authority (local.get $request) (i32.const 1) (i32.const 6000) (i32.const {length}))
            (then unreachable))
        (local.set $future (call $send (local.get $request)))
        (if (i32.lt_s (local.get $future) (i32.const 0))
            (then (call $say (local.get $future)) (return (i32.const 0))))
        (local.set $response (call $await (local.get $future)))
        (if (i32.lt_s (local.get $response) (i32.const 0))
            (then (call $say (local.get $response)) (return (i32.const 0))))
        (call $say (call $status (local.get $response)))
        (call $say (call $show (call $stream (call $body (local.get $response)))))
        i32.const 0)"#,
        length = authority.len(),
    );
    components::http_job(&fields)
}

/// An `app.toml` whose guest may ask this server, trusts this authority, and knows these time servers.
fn app(port: u16, authority: &Authority, times: &[UdpTimeServer]) -> String {
    let mut servers = String::new();
    for time in times {
        let key: String = time.public_key().iter().fold(String::new(), |mut key, byte| {
            let _ = write!(key, "{byte:02x}");
            key
        });
        let _ = writeln!(servers, "{{ host = \"{HOST}\", port = {}, public_key = \"{key}\" }},", time.port());
    }
    let rule = format!(
        "egress = [{{ host = \"{HOST}\", port = {port}, methods = [\"GET\"] }}]\ntime = [\n{servers}]"
    );
    let tls = format!(
        "\n[tls]\nroots = \"none\"\nhosts = [{{ host = \"{HOST}\", authorities = ['''{}'''] }}]\n",
        authority.pem()
    );
    APP.replace("egress = []", &rule) + &tls
}

fn time_servers(clocks: [Clock; 3]) -> Vec<UdpTimeServer> {
    (1..).zip(clocks).map(|(number, clock)| TimeServer::new(number, clock).start()).collect()
}

/// What a job makes of a server that behaves so, whose authority `signer` is, where `authority` is trusted.
fn fetched(
    rom: &[u8],
    (authority, signer): (&Authority, &Authority),
    behaviour: Behaviour,
    clocks: [Clock; 3],
) -> (JobResult, Vec<String>, Vec<u8>) {
    let server = HttpsServer::start(signer, behaviour);
    let times = time_servers(clocks);
    let component = fetch(&format!("{HOST}:{}", server.port()));
    let site = Site::new(&build_image_of(rom, &component, &app(server.port(), authority, &times)));
    let guest = site.launch();
    let job = run_job(&guest, b"");
    assert!(guest.stop(PATIENCE).is_clean());
    (job, server.heads(), component)
}

const HONEST: [Clock; 3] = [Clock::Off(0), Clock::Off(1), Clock::Off(0)];

#[test]
fn a_server_that_the_manifest_trusts_is_asked_under_tls() {
    let Some(rom) = rom() else { return };
    let authority = Authority::new();
    for only_tls12 in [false, true] {
        let behaviour = Behaviour { only_tls12, ..Behaviour::honest(HOST, RESPONSE) };
        let (job, heads, component) = fetched(rom, (&authority, &authority), behaviour, HONEST);
        job.assert_success();
        assert_eq!(String::from_utf8_lossy(&job.output), "200\nhello\n-1\n");
        assert!(heads.len() == 1 && heads[0].starts_with("GET /path?query HTTP/1.1\r\n"), "{heads:?}");
        // The servers are gone by now.
        assert_replays_of(&job, &component, b"");
    }
}

#[test]
fn whoever_is_not_trusted_gets_no_request() {
    let Some(rom) = rom() else { return };
    let (authority, other) = (Authority::new(), Authority::new());
    let honest = Behaviour::honest(HOST, RESPONSE);
    for (signer, behaviour, clocks, said) in [
        (&other, honest.clone(), HONEST, "-113\n"),
        (&authority, Behaviour::honest("10.0.2.3", RESPONSE), HONEST, "-113\n"),
        (&authority, Behaviour { years: (2020, 2026), ..honest.clone() }, HONEST, "-113\n"),
        (&authority, Behaviour { years: (2090, 2100), ..honest.clone() }, HONEST, "-113\n"),
        // Two of three are not enough to say that it is 2095.
        (
            &authority,
            Behaviour { years: (2090, 2100), ..honest },
            [Clock::Still(3_944_678_400), Clock::Off(0), Clock::Still(3_944_678_400)],
            "-138\n",
        ),
    ] {
        let (job, heads, _) = fetched(rom, (&authority, signer), behaviour.clone(), clocks);
        job.assert_success();
        assert_eq!(String::from_utf8_lossy(&job.output), said, "{behaviour:?}");
        assert!(heads.is_empty(), "{heads:?}");
    }
}

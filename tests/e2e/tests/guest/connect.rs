//! Services under TLS that ends in the guest: proven, through `redoubt-verify connect`, by other people's clients, and with
//! hosts in between.

use core::net::SocketAddr;
use core::time::Duration;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;

use attestation_connect::{ConnectError, Connector, Limits, Refused};
use attestation_evidence::verify_simulated;
use attestation_manifest::parse_manifest;
use image_builder::ImageFile;
use loader_vmm::Guest;
use tests_needs::Need;
use tests_servers::{AppTomlParts, Authority, Behaviour, Clock, HttpsServer, TimeServer};

use crate::harness::components::{service, service_that};
use crate::harness::{PATIENCE, Site, build_image_of, rom};
use crate::programs::Programs;
use crate::services::{app, figures};

/// Where QEMU's user networking shows the host's loopback.
const HOST: &str = "10.0.2.2";

const GET: &str = "GET /a HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

/// The image of a service under TLS.
fn site(rom: &[u8]) -> Site {
    let app = app(8, 64).replace("scheme = \"http\"", "scheme = \"https\"");
    let mut site = Site::new(&build_image_of(rom, &service(), &app));
    site.is_service = true;
    site
}

fn address(guest: &Guest) -> SocketAddr {
    guest.info().published.expect("a service is published").into()
}

/// Connections to `address`, proven to end in the guest of `site`.
fn connector(site: &Site, address: SocketAddr) -> Connector {
    let manifest = fs::read(site.path().join(ImageFile::Manifest.name())).expect("the manifest is there");
    let limits = Limits { connect: PATIENCE, proof: PATIENCE, ..Limits::default() };
    let appraise = move |peer: &attestation_connect::Peer| {
        let evidence = peer.session().evidence().evidence();
        verify_simulated(evidence).map_err(|error| Refused(error.to_string()))?;
        (evidence.manifest == manifest).then_some(()).ok_or_else(|| Refused("another manifest".into()))
    };
    let url = format!("https://{address}").parse().expect("an address is one");
    Connector::new(url, limits, appraise).expect("a connector")
}

/// Sends this in a proven connection and reads until the guest's last word.
pub(crate) fn ask_proven(site: &Site, guest: &Guest, request: &str) -> String {
    let mut connection = connector(site, address(guest)).connect().expect("the connection is proven");
    connection.write_all(request.as_bytes()).expect("the request is sent");
    let mut response = Vec::new();
    connection.read_to_end(&mut response).expect("the response comes, and its end");
    String::from_utf8_lossy(&response).into_owned()
}

#[test]
fn a_service_is_proven_to_end_in_its_guest() {
    let Some(rom) = rom() else { return };
    let site = site(rom);
    let guest = site.launch();
    let connector = connector(&site, address(&guest));
    for _ in 0..3 {
        let mut connection = connector.connect().expect("the connection is proven");
        connection.write_all(GET.as_bytes()).expect("the request is sent");
        let mut response = String::new();
        connection.read_to_string(&mut response).expect("the response comes, and its end");
        assert!(response.starts_with("HTTP/1.1 200 OK"), "{response}");
    }
    assert_eq!((figures(&guest).answered, figures(&guest).failed), (3, 0));
    assert!(guest.stop(PATIENCE).is_clean());
    assert!(site.log().contains("under TLS"), "{}", site.log());
}

/// A guest with the same image is another guest: whoever diverts clients to it shows evidence of it, and no proof for one
/// is good for the other.
#[test]
fn whoever_stands_in_the_middle_is_found_out() {
    let Some(rom) = rom() else { return };
    let site = site(rom);
    let guest = site.launch();
    let (damaged, seen) = meddler(address(&guest));
    let outcome = connector(&site, damaged).connect().map(drop);
    // The first record behind the handshake's clear part was changed on its way to the client.
    assert!(matches!(outcome, Err(ConnectError::Tls { .. } | ConnectError::Broken { .. })), "{outcome:?}");
    drop(seen);
    assert!(ask_proven(&site, &guest, GET).starts_with("HTTP/1.1 200 OK"), "the guest goes on");
    assert!(guest.stop(PATIENCE).is_clean());
}

/// Carries bytes to `server` and back, once, and changes the last of each thousand on the way back.
fn meddler(server: SocketAddr) -> (SocketAddr, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    let carry = move || {
        let (mut client, _) = listener.accept().expect("a client comes");
        let mut server = TcpStream::connect(server).expect("the guest is reached");
        let (mut to_server, mut from_client) =
            (server.try_clone().expect("a handle"), client.try_clone().expect("a handle"));
        let up = thread::spawn(move || drop(std::io::copy(&mut from_client, &mut to_server)));
        let mut bytes = [0; 1000];
        while let Ok(count @ 1..) = server.read(&mut bytes) {
            bytes[count - 1] ^= 1;
            if client.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        let _both = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
        up.join().expect("it ends");
    };
    (address, thread::spawn(carry))
}

/// `redoubt-verify connect`, which runs until it is killed.
struct Connect {
    child: Child,
    address: String,
}

impl Connect {
    fn start(programs: &Programs, site: &Site, service: SocketAddr) -> Self {
        let reference = site.path().join(ImageFile::ReferenceValues.name());
        let mut child = Command::new(programs.0.join("redoubt-verify"))
            .args(["connect", &format!("https://{service}"), "--allow-simulated", "--reference"])
            .arg(reference)
            .stdout(Stdio::piped())
            .spawn()
            .expect("redoubt-verify runs");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let announced = lines.find_map(|line| {
            let line = line.expect("text");
            line.split("listening on http://").nth(1).map(str::to_owned)
        });
        let address = announced.expect("it listens");
        thread::spawn(move || lines.for_each(drop));
        Self { child, address: address.trim().to_owned() }
    }

    fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("the port is open");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.write_all(request.as_bytes()).expect("the request is sent");
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("the response comes");
        response
    }
}

impl Drop for Connect {
    fn drop(&mut self) {
        let _ended = (self.child.kill(), self.child.wait());
    }
}

#[test]
fn any_client_uses_the_guest_through_connect() {
    let (Some(rom), Some(programs)) = (rom(), Programs::find()) else { return };
    let site = site(rom);
    let guest = site.launch();
    let connect = Connect::start(&programs, &site, address(&guest));
    for _ in 0..2 {
        let answer = connect.ask(GET);
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    }
    // Another image's reference values: refused, and nothing is opened.
    let other = Site::new(&build_image_of(rom, &service_that("", ""), &app(4, 64)));
    let refused = Command::new(programs.0.join("redoubt-verify"))
        .args(["connect", &format!("https://{}", address(&guest)), "--allow-simulated", "--reference"])
        .arg(other.path().join(ImageFile::ReferenceValues.name()))
        .output()
        .expect("redoubt-verify runs");
    assert_eq!(refused.status.code(), Some(1));
    let text = String::from_utf8_lossy(&refused.stdout);
    assert!(text.contains("manifest") && !text.contains("listening"), "{text}");
    // The guest is gone, and another one of the same image is there: it has other evidence, which is as good.
    assert!(guest.stop(PATIENCE).is_clean());
    let answer = connect.ask(GET);
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
}

/// Programs that know nothing of proofs.
#[test]
fn other_peoples_clients_talk_to_the_guest() {
    let Some(rom) = rom() else { return };
    let site = site(rom);
    let guest = site.launch();
    let address = address(&guest).to_string();
    let python = format!(
        "import http.client, ssl\n\
         c = ssl.create_default_context(); c.check_hostname = False; c.verify_mode = ssl.CERT_NONE\n\
         h = http.client.HTTPSConnection({address:?}, context=c, timeout=60)\n\
         for _ in range(3):\n\
         \x20   h.request('GET', '/a'); r = h.getresponse(); b = r.read(); print(r.status, h.sock.version())\n"
    );
    let url = format!("https://{address}/a");
    let clients: [(&str, Vec<&str>, &str); 3] = [
        (
            "curl",
            vec![
                "--silent",
                "--show-error",
                "--insecure",
                "--http1.1",
                "--include",
                "--max-time",
                "60",
                &url,
            ],
            "200 OK",
        ),
        ("python3", vec!["-c", &python], "200 TLSv1.3\n200 TLSv1.3\n200 TLSv1.3"),
        ("openssl", vec!["s_client", "-connect", &address, "-tls1_2"], "rotocol version"),
    ];
    for (program, arguments, expected) in clients {
        let command = Command::new(program).args(arguments).stdin(Stdio::null()).output();
        let Ok(output) = command else {
            println!("skipped: there is no {program} here");
            continue;
        };
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        assert!(text.contains(expected), "{program}: {text}");
    }
    assert_eq!(figures(&guest).failed, 0);
    assert!(guest.stop(PATIENCE).is_clean());
}

/// Whoever has opened many has taken that many times as much as whoever has opened one, and never more than is set aside.
#[test]
fn sessions_take_the_same_little_memory_each() {
    const SESSIONS: usize = 60;
    const SET_ASIDE_BYTES: u64 = 192 << 10;
    let Some(rom) = rom() else { return };
    let app = app(96, 320).replace("scheme = \"http\"", "scheme = \"https\"");
    let mut site = Site::new(&build_image_of(rom, &service(), &app));
    site.is_service = true;
    let guest = site.launch();
    let connector = connector(&site, address(&guest));
    let used = || guest.status(PATIENCE).expect("a status").heap_used_bytes;
    let open = || -> Vec<_> { (0..SESSIONS).map(|_| connector.connect().expect("it is proven")).collect() };
    // What the first connection of all brings along stays.
    drop(connector.connect().expect("it is proven"));
    let before = used();
    let (first, after_first) = (open(), used());
    let (second, after_second) = (open(), used());
    let each = [after_first - before, after_second - after_first].map(|bytes| bytes / SESSIONS as u64);
    println!("{each:?} bytes of heap for each of {SESSIONS} open sessions, and of as many more");
    assert!(each.iter().all(|bytes| (1..=SET_ASIDE_BYTES).contains(bytes)), "{each:?}");
    assert!(each[1] <= each[0] + each[0] / 4, "{each:?}");
    drop((first, second));
    assert!(guest.stop(PATIENCE).is_clean());
}

/// Each breaks another rule of TLS, and the guest goes on. What is expected of each stands in the script.
#[test]
fn clients_that_break_rules_of_tls_are_refused() {
    let Some(rom) = rom() else { return };
    let Some(python) = std::env::var_os("REDOUBT_TLSLITE_PYTHON") else {
        Need::Tlslite.missing("REDOUBT_TLSLITE_PYTHON does not say where a Python with tlslite-ng is");
        return;
    };
    let site = site(rom);
    let guest = site.launch();
    let address = address(&guest);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/guest/hostile_clients.py");
    let mut clients = Command::new(python);
    clients.arg(script).arg(address.ip().to_string()).arg(address.port().to_string());
    let ended = clients.output().expect("Python runs");
    let told = String::from_utf8_lossy(&ended.stdout);
    println!("{told}");
    assert!(ended.status.success(), "{told}{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(told.matches("ok ").count(), 24, "{told}");
    assert!(guest.stop(PATIENCE).is_clean());
}

/// With servers of time in the manifest, a proof says when it was made, once the guest has had to know.
#[test]
fn a_proof_says_when_it_was_made() {
    let Some(rom) = rom() else { return };
    let authority = Authority::new();
    let server = HttpsServer::start(&authority, Behaviour::honest(HOST, b"{}"));
    let times = [1, 2, 3].map(|number| TimeServer::new(number, Clock::Off(0)).start());
    let AppTomlParts { keys, tls } = AppTomlParts::new(HOST, &server, &authority, &times);
    let app =
        app(8, 96).replace("scheme = \"http\"", "scheme = \"https\"").replace("egress = []\n", &keys) + &tls;
    let mut site = Site::new(&build_image_of(rom, &service(), &app));
    site.is_service = true;
    let manifest = fs::read(site.path().join(ImageFile::Manifest.name())).expect("the manifest is there");
    assert_eq!(parse_manifest(&manifest).expect("it parses").time.len(), 3);
    let guest = site.launch();
    let connector = connector(&site, address(&guest));
    let known = (0..100).find_map(|_| {
        thread::sleep(Duration::from_millis(100));
        connector.connect().expect("the connection is proven").peer().session().statement().time
    });
    let (earliest, latest) = known.expect("the guest asks for the time when it starts to serve");
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    assert!(earliest <= now + 5 && now <= latest + 5, "{earliest} {now} {latest}");
    assert!(guest.stop(PATIENCE).is_clean());
}

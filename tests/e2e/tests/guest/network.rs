//! The guest's network: an address by DHCP, TCP to where the manifest allows, and to nowhere else.

use core::net::Ipv4Addr;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Instant;

use enclave_wire::control::{Probe, ProbeDone, Status};
use loader_vmm::{Guest, NetworkDevice};

use crate::harness::components::{NOTHING, SPIN};
use crate::harness::{APP, PATIENCE, Site, build_image_as, rom, run_job};

/// Where QEMU's user networking shows the host's loopback.
const HOST: &str = "10.0.2.2";

#[test]
fn the_guest_reaches_what_the_manifest_names_and_nothing_else() {
    let Some(rom) = rom() else { return };
    let echo = echo_server();
    let other = echo_server();
    let app = with_egress(echo);
    let guest = Site::new(&build_image_as(rom, SPIN, &app)).launch();
    let status = wait_for_address(&guest);
    assert_eq!(status.address.as_deref(), Some("10.0.2.15/24"));
    assert_eq!(status.gateway.as_deref(), Some("10.0.2.2"));
    assert_eq!(status.mac.map(|mac| mac.len()), Some(17));

    let payload: Vec<u8> = (0..=255).cycle().take(4096).collect();
    let answered = probe(&guest, echo, &payload);
    assert_eq!(answered.error, "");
    assert_eq!(answered.answer, Some(payload));
    // A second one: the first left nothing behind.
    assert_eq!(probe(&guest, echo, b"again").answer.as_deref(), Some(&b"again"[..]));

    let refused = probe(&guest, other, b"hello");
    assert_eq!(refused.answer, None);
    assert_eq!(refused.error, format!("{HOST}:{other} is not in the manifest's egress list"));
    assert!(probe(&guest, echo, &[0; 5000]).error.contains("payload: expected 1 to 4096"));
    assert!(guest.stop(PATIENCE).is_clean());
}

#[test]
fn a_closed_port_is_reported() {
    let Some(rom) = rom() else { return };
    let closed = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        listener.local_addr().expect("a bound socket").port()
    };
    let app = with_egress(closed);
    let guest = Site::new(&build_image_as(rom, SPIN, &app)).launch();
    wait_for_address(&guest);
    let refused = probe(&guest, closed, b"hello");
    assert_eq!((refused.answer, refused.error.as_str()), (None, "the connection was refused"));
}

#[test]
fn a_guest_without_a_network_device_says_so_and_works() {
    let Some(rom) = rom() else { return };
    let app = with_egress(7);
    let mut site = Site::new(&build_image_as(rom, NOTHING, &app));
    site.overrides.network = Some(NetworkDevice::Absent);
    let guest = site.launch();
    assert_eq!(probe(&guest, 7, b"hello").error, "the guest has no network");
    assert_without_network(&guest);
}

#[test]
fn a_manifest_without_destinations_leaves_the_network_device_alone() {
    let Some(rom) = rom() else { return };
    let mut site = Site::new(&build_image_as(rom, NOTHING, APP));
    let guest = site.launch();
    assert!(!has_device(&guest), "the loader attached a network device that nobody may use");
    assert_without_network(&guest);
    assert!(guest.stop(PATIENCE).is_clean());

    // A host may attach one all the same.
    site.overrides.network = Some(NetworkDevice::Attached);
    let guest = site.launch();
    assert!(has_device(&guest));
    assert_without_network(&guest);
    assert!(probe(&guest, 7, b"hello").error.contains("is not in the manifest's egress list"));
}

/// [`APP`], and it may connect to this port of the host's loopback.
fn with_egress(port: u16) -> String {
    let rules =
        format!("egress = [{{ host = \"{HOST}\", port = {port}, scheme = \"http\", methods = [\"*\"] }}]");
    APP.replace("egress = []", &rules)
}

/// Whether QEMU was told of a network device.
fn has_device(guest: &Guest) -> bool {
    let line = fs::read(format!("/proc/{}/cmdline", guest.info().qemu_id)).expect("qemu runs");
    String::from_utf8_lossy(&line).contains("virtio-net-pci")
}

#[track_caller]
fn assert_without_network(guest: &Guest) {
    let status = guest.status(PATIENCE).expect("the guest answers");
    assert_eq!((status.address, status.gateway, status.mac), (None, None, None));
    run_job(guest, b"").assert_success();
}

fn probe(guest: &Guest, port: u16, payload: &[u8]) -> ProbeDone {
    let probe =
        Probe { destination: format!("{HOST}:{port}"), payload: payload.to_vec(), timeout_ms: 20_000 };
    guest.probe(&probe).expect("the guest answers")
}

/// DHCP takes a few packets: asks until they have gone to and fro.
fn wait_for_address(guest: &Guest) -> Status {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let status = guest.status(PATIENCE).expect("the guest answers");
        if status.address.is_some() {
            return status;
        }
    }
    panic!("DHCP gave no address");
}

/// Echoes on a port of the loopback, as long as the test program runs.
fn echo_server() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = listener.local_addr().expect("a bound socket").port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            thread::spawn(move || {
                let mut bytes = [0; 4096];
                while let Ok(count @ 1..) = stream.read(&mut bytes) {
                    if stream.write_all(&bytes[..count]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

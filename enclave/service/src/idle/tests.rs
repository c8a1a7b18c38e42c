//! What is kept, how long, and for whom.

use alloc::vec;
use core::net::Ipv4Addr;

use attestation_manifest::EgressScheme;
use enclave_http::Host;

use super::*;
use crate::channel::tests::now;
use crate::scripted::{Script, Scripted};
use crate::sockets::ConnectionState;
use crate::time::tests::somebody;

fn origin() -> Origin {
    Origin { scheme: EgressScheme::Http, host: Host::Name("example.org".into()), port: 80 }
}

fn network() -> Scripted {
    Scripted::new((0..30).map(|_| Script::Answers(Vec::new())).collect())
}

/// Keeps a new connection.
fn keep(idle: &mut IdleChannels, network: &mut Scripted, now_ns: u64) {
    let channel = Channel::open(Ipv4Addr::LOCALHOST, 80, None, network).unwrap();
    idle.keep(origin(), channel, network, now_ns);
}

#[test]
fn a_run_keeps_the_newest_ones_and_uses_these_first() {
    let (mut network, mut idle) = (network(), IdleChannels::new(IdleCount::default()));
    (0..6).for_each(|_| keep(&mut idle, &mut network, 0));
    assert_eq!(network.held(), [3, 4, 5, 6]);
    idle.take(&origin(), &now(), &mut network, 0).unwrap().release(&mut network);
    assert_eq!(network.held(), [3, 4, 5]);
    idle.leave_at_most(1, &mut network);
    assert_eq!(network.held(), [5]);
}

#[test]
fn all_runs_together_keep_no_more_than_a_part_of_what_there_is() {
    let (mut network, count) = (network(), IdleCount::default());
    let mut runs: Vec<IdleChannels> = (0..5).map(|_| IdleChannels::new(count.clone())).collect();
    for idle in &mut runs[..3] {
        (0..4).for_each(|_| keep(idle, &mut network, 0));
    }
    (0..3).for_each(|_| keep(&mut runs[3], &mut network, 0));
    keep(&mut runs[4], &mut network, 0);
    assert_eq!(network.held().len(), OF_ALL_MAX);
    // The last run has one, which makes room for its next one. It cannot have two.
    keep(&mut runs[4], &mut network, 0);
    assert_eq!((network.held().len(), network.held().last()), (OF_ALL_MAX, Some(&17)));
    runs[0].leave_at_most(3, &mut network);
    keep(&mut runs[4], &mut network, 0);
    assert_eq!(network.held()[OF_ALL_MAX - 2..], [17, 18]);
    runs.iter_mut().for_each(|idle| idle.leave_at_most(0, &mut network));
    assert_eq!(count.0.load(Ordering::Relaxed), 0);
}

#[test]
fn a_connection_does_not_wait_for_ever() {
    let (mut network, mut idle) = (network(), IdleChannels::new(IdleCount::default()));
    keep(&mut idle, &mut network, 5);
    keep(&mut idle, &mut network, 6);
    idle.step(&mut network, 5 + WAIT_MAX_NS);
    assert_eq!(network.held(), [1, 2]);
    idle.step(&mut network, 6 + WAIT_MAX_NS);
    assert_eq!(network.held(), [2]);
    assert!(idle.take(&origin(), &now(), &mut network, 7 + WAIT_MAX_NS).is_none());
    assert!(network.held().is_empty() && idle.is_empty());
}

#[test]
fn whoever_hangs_up_or_speaks_unasked_is_not_kept() {
    let end = |network: &mut Scripted| network.line(1).state = ConnectionState::PeerClosed;
    let speak = |network: &mut Scripted| network.line(1).arrived.push(b'H');
    let changes: [fn(&mut Scripted); 2] = [end, speak];
    for change in changes {
        let (mut network, mut idle) = (network(), IdleChannels::new(IdleCount::default()));
        keep(&mut idle, &mut network, 0);
        change(&mut network);
        assert!(idle.take(&origin(), &now(), &mut network, 1).is_none());
        assert!(network.held().is_empty());

        let mut network = self::network();
        let channel = Channel::open(Ipv4Addr::LOCALHOST, 80, None, &mut network).unwrap();
        change(&mut network);
        idle.keep(origin(), channel, &mut network, 0);
        assert!(network.held().is_empty() && idle.is_empty());
    }
}

#[test]
fn a_connection_is_for_one_scheme_host_and_port() {
    let (mut network, mut idle) = (network(), IdleChannels::new(IdleCount::default()));
    keep(&mut idle, &mut network, 0);
    for other in [
        Origin { scheme: EgressScheme::Https, ..origin() },
        Origin { host: Host::Name("www.example.org".into()), ..origin() },
        Origin { host: Host::V4(Ipv4Addr::LOCALHOST), ..origin() },
        Origin { port: 8080, ..origin() },
    ] {
        assert!(idle.take(&other, &now(), &mut network, 0).is_none(), "{other:?}");
    }
    assert!(idle.take(&origin(), &now(), &mut network, 0).is_some());
}

/// Such a connection cannot be without TLS: what is tested is that nobody gets that far.
#[test]
fn under_tls_the_time_has_to_be_known() {
    let (mut network, mut idle) = (network(), IdleChannels::new(IdleCount::default()));
    let secure = Origin { scheme: EgressScheme::Https, ..origin() };
    let channel = Channel::open(Ipv4Addr::LOCALHOST, 443, None, &mut network).unwrap();
    idle.keep(secure.clone(), channel, &mut network, 0);
    for unknown in [SharedTime::of_servers(Vec::new()), SharedTime::of_servers(vec![somebody()])] {
        assert!(idle.take(&secure, &unknown, &mut network, 0).is_none());
    }
    assert!(idle.take(&secure, &now(), &mut network, 0).is_some());
}

//! Hosts with several addresses, some of which lead nowhere.

use alloc::vec;

use attestation_manifest::EgressScheme;

use super::*;
use crate::scripted::{Script, Scripted};
use crate::sockets::Broken;

const NS_PER_S: u64 = 1_000_000_000;
const PATIENCE_NS: u64 = 30 * NS_PER_S;

fn address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, number)
}

fn start(network: &mut Scripted) -> Connecting {
    let host = Host::Name("example.org".into());
    let origin = Origin { scheme: EgressScheme::Http, host, port: 80 };
    Connecting::start(&origin, None, PATIENCE_NS, network, 0).unwrap()
}

/// What a name comes to with so many addresses, when its scripts are these; and after how many seconds.
fn look_for(addresses: u8, scripts: Vec<Script>) -> (Scripted, Result<Channel, HttpFailure>, u64) {
    let mut network = Scripted::new(scripts);
    network.addresses = (1..=addresses).map(address).collect();
    let mut connecting = start(&mut network);
    for second in 0..100 {
        for now_ns in (second * NS_PER_S..).take(10) {
            match connecting.step(&mut network, now_ns) {
                Ok(None) => {}
                Ok(Some(channel)) => return (network, Ok(channel), second),
                Err(failure) => {
                    connecting.release(&mut network);
                    return (network, Err(failure), second);
                }
            }
        }
    }
    panic!("it never ends");
}

fn answers() -> Script {
    Script::Answers(Vec::new())
}

#[test]
fn where_nobody_is_the_next_address_is_called() {
    let nowhere = [Script::Fails(Broken::Refused), Script::Impossible(Broken::Unreachable)];
    let scripts = nowhere.into_iter().chain([Script::Fails(Broken::TimedOut), answers()]).collect();
    let (mut network, channel, second) = look_for(4, scripts);
    let channel = channel.ok().unwrap();
    assert_eq!((channel.address(), second), (address(4), 0));
    assert_eq!(network.called, [1, 2, 3, 4].map(|number| (address(number), 80)));
    assert_eq!(network.held(), [4]);
    channel.release(&mut network);
}

#[test]
fn silence_is_waited_for_as_long_as_the_others_can_spare() {
    let silent = |count| (0..count).map(|_| Script::Silence).chain([answers()]).collect();
    for (addresses, after_s) in [(1, 0), (2, 15), (3, 20), (4, 23)] {
        let (mut network, channel, second) = look_for(addresses, silent(addresses - 1));
        assert_eq!((channel.ok().unwrap().address(), second), (address(addresses), after_s));
        assert_eq!(network.held().len(), 1);
        assert!(!network.line(addresses.into()).is_released);
    }
}

#[test]
fn who_answers_is_the_one_whatever_comes_of_it() {
    for script in [answers(), Script::Fails(Broken::Reset)] {
        let (network, channel, _) = look_for(3, vec![script]);
        assert!(channel.is_ok());
        assert_eq!(network.called.len(), 1);
    }
}

#[test]
fn the_failure_is_the_last_that_says_anything() {
    use Script::{Fails, Impossible, Silence};
    for (scripts, failure, after_s) in [
        (vec![Fails(Broken::Refused), Fails(Broken::Unreachable)], HttpFailure::DestinationUnavailable, 0),
        (vec![Fails(Broken::Unreachable), Fails(Broken::Refused)], HttpFailure::ConnectionRefused, 0),
        (vec![Fails(Broken::Refused), Silence], HttpFailure::ConnectionRefused, 30),
        (vec![Silence, Fails(Broken::Refused)], HttpFailure::ConnectionRefused, 15),
        (vec![Silence, Silence], HttpFailure::ConnectionTimeout, 30),
        (vec![Impossible(Broken::TooMany)], HttpFailure::ConnectionLimitReached, 0),
    ] {
        let (network, channel, second) = look_for(2, scripts);
        assert_eq!((channel.err(), second), (Some(failure), after_s));
        assert!(network.held().is_empty());
    }
}

#[test]
fn not_all_of_many_addresses_are_called() {
    let scripts = (0..9).map(|_| Script::Fails(Broken::Refused)).collect();
    let (network, channel, _) = look_for(9, scripts);
    assert_eq!(channel.err(), Some(HttpFailure::ConnectionRefused));
    assert_eq!(network.called.len(), ADDRESSES_MAX);
}

#[test]
fn nobody_is_called_after_the_time_is_up() {
    let mut network = Scripted::new(vec![Script::Silence]);
    network.addresses = vec![address(1), address(2)];
    let mut connecting = start(&mut network);
    assert!(connecting.step(&mut network, 0).is_ok());
    // The guest had other things to do.
    let late = connecting.step(&mut network, PATIENCE_NS + 1);
    assert_eq!((late.err(), network.called.len()), (Some(HttpFailure::ConnectionTimeout), 1));
}

//! Who agrees with whom: cases with an answer that is plain to see, and all others against every set of servers.

use proptest::prelude::*;

use super::*;

fn key(server: u8) -> ServerKey {
    ServerKey([server; 32])
}

fn keys(servers: &[u8]) -> Vec<ServerKey> {
    servers.iter().copied().map(key).collect()
}

/// Server, lower and upper bound.
type Reading = (u8, u64, u64);

fn readings(of: &[Reading]) -> Vec<ServerReading> {
    let reading = |(server, earliest_us, latest_us): &Reading| {
        let (server, earliest_us, latest_us) = (key(*server), *earliest_us, *latest_us);
        ServerReading { server, earliest_us, latest_us }
    };
    of.iter().map(reading).collect()
}

/// Bounds, who agrees, who does not.
type Agreed = (u64, u64, &'static [u8], &'static [u8]);

#[test]
fn the_largest_set_is_taken() {
    let cases: [(&str, &[Reading], usize, Agreed); 10] = [
        ("all", &[(1, 10, 20), (2, 12, 22), (3, 11, 19)], 3, (12, 19, &[1, 2, 3], &[])),
        ("bounds belong to it", &[(1, 10, 20), (2, 20, 30), (3, 15, 20)], 3, (20, 20, &[1, 2, 3], &[])),
        ("one is off", &[(1, 10, 20), (2, 12, 22), (9, 50, 60), (3, 11, 19)], 4, (12, 19, &[1, 2, 3], &[9])),
        (
            "two of five are off",
            &[(1, 5, 9), (2, 5, 9), (3, 5, 9), (4, 0, 4), (5, 0, 4)],
            5,
            (5, 9, &[1, 2, 3], &[4, 5]),
        ),
        ("of five, three could be asked", &[(1, 5, 9), (2, 6, 9), (3, 5, 8)], 5, (6, 8, &[1, 2, 3], &[])),
        (
            "who is asked twice is narrower for it",
            &[(1, 10, 30), (1, 14, 17), (2, 13, 18), (2, 10, 30), (3, 10, 40)],
            3,
            (14, 17, &[1, 2, 3], &[]),
        ),
        (
            "in whatever order",
            &[(1, 14, 17), (1, 10, 30), (2, 10, 30), (2, 15, 16), (3, 10, 40)],
            3,
            (15, 16, &[1, 2, 3], &[]),
        ),
        (
            "one contradicts itself",
            &[(4, 0, 12), (1, 10, 20), (2, 10, 20), (3, 10, 20), (4, 15, 20)],
            4,
            (10, 20, &[1, 2, 3], &[4]),
        ),
        (
            "one has no interval",
            &[(4, 15, 14), (1, 10, 20), (2, 10, 20), (3, 10, 20)],
            4,
            (10, 20, &[1, 2, 3], &[4]),
        ),
        (
            "the ends of numbers",
            &[(1, 0, u64::MAX), (2, 0, u64::MAX), (3, 0, u64::MAX)],
            3,
            (0, u64::MAX, &[1, 2, 3], &[]),
        ),
    ];
    for (what, of, configured, (earliest_us, latest_us, agreeing, disagreeing)) in cases {
        let (agreeing, disagreeing) = (keys(agreeing), keys(disagreeing));
        let expected = Agreement { earliest_us, latest_us, agreeing, disagreeing };
        assert_eq!(agree(&readings(of), configured), Ok(expected), "{what}");
    }
}

#[test]
fn too_few_know_nothing() {
    let few = |needed, configured, agreeing| DisagreementError::TooFew { needed, configured, agreeing };
    let cases: [(&str, &[Reading], usize, DisagreementError); 8] = [
        ("nobody", &[], 0, few(3, 0, 0)),
        ("nobody of five", &[], 5, few(3, 5, 0)),
        ("two", &[(1, 10, 20), (2, 10, 20)], 2, few(3, 2, 2)),
        ("one, three times", &[(1, 10, 20), (1, 10, 20), (1, 10, 20)], 3, few(3, 3, 1)),
        ("two of three", &[(1, 10, 20), (2, 10, 20), (3, 50, 60)], 3, few(3, 3, 2)),
        ("half of six", &[(1, 10, 20), (2, 10, 20), (3, 10, 20)], 6, few(4, 6, 3)),
        (
            "half and half",
            &[(1, 0, 9), (2, 0, 9), (3, 0, 9), (4, 10, 19), (5, 10, 19), (6, 10, 19)],
            6,
            few(4, 6, 3),
        ),
        ("a chain, but no instant", &[(1, 0, 10), (2, 10, 20), (3, 20, 30)], 3, few(3, 3, 2)),
    ];
    for (what, of, configured, error) in cases {
        assert_eq!(agree(&readings(of), configured), Err(error), "{what}");
    }
}

#[test]
fn of_two_sets_none_is_taken() {
    let both = [(1, 0, 9), (2, 0, 9), (3, 0, 30), (4, 20, 30), (5, 20, 30)];
    let ambiguous = DisagreementError::Ambiguous { agreeing: 3, configured: 5 };
    assert_eq!(agree(&readings(&both), 5), Err(ambiguous));
    let next_to_each_other = [(1, 0, 9), (2, 0, 9), (3, 0, 30), (4, 10, 30), (5, 10, 30)];
    assert_eq!(agree(&readings(&next_to_each_other), 5), Err(ambiguous));
    // The sixth decides.
    let decided = [&both[..], &[(6, 25, 40)]].concat();
    let agreement = agree(&readings(&decided), 6).unwrap();
    assert_eq!((agreement.earliest_us, agreement.latest_us), (25, 30));
    assert_eq!((agreement.agreeing, agreement.disagreeing), (keys(&[3, 4, 5, 6]), keys(&[1, 2])));
}

#[test]
fn no_more_servers_than_there_are() {
    let three = readings(&[(1, 10, 20), (2, 10, 20), (3, 10, 20)]);
    let error = DisagreementError::MoreThanConfigured { configured: 2, found: 3 };
    assert_eq!(agree(&three, 2), Err(error));
}

/// Of every set of servers: those that have an instant in common, by size.
fn by_definition(servers: &[ServerReading]) -> (usize, Vec<(u64, u64)>) {
    let (mut most, mut common) = (0, Vec::new());
    for set in 1..1_u32 << servers.len() {
        let members: Vec<_> = (0..servers.len()).filter(|server| set >> server & 1 == 1).collect();
        let earliest = members.iter().map(|server| servers[*server].earliest_us).max().unwrap();
        let latest = members.iter().map(|server| servers[*server].latest_us).min().unwrap();
        if earliest > latest || members.len() < most {
            continue;
        }
        if members.len() > most {
            (most, common) = (members.len(), Vec::new());
        }
        common.push((earliest, latest));
    }
    (most, common)
}

proptest! {
    #[test]
    fn all_sets_say_the_same(
        of in prop::collection::vec((0_u64..30, 0_u64..12), 0..8),
        more in 0_usize..4,
        turn in any::<prop::sample::Index>(),
    ) {
        let numbered = (0_u8..).zip(&of);
        let of: Vec<Reading> = numbered.map(|(server, (from, length))| (server, *from, from + length)).collect();
        let (servers, configured) = (readings(&of), of.len() + more);
        let (most, common) = by_definition(&servers);
        let found = agree(&servers, configured);
        let needed = (configured / 2 + 1).max(3);
        match (&found, common.as_slice()) {
            (Ok(agreement), [one]) => {
                prop_assert!(most >= needed);
                prop_assert_eq!((agreement.earliest_us, agreement.latest_us), *one);
                prop_assert_eq!(agreement.agreeing.len(), most);
                prop_assert_eq!(agreement.agreeing.len() + agreement.disagreeing.len(), of.len());
                prop_assert!(agreement.agreeing.is_sorted() && agreement.disagreeing.is_sorted());
            }
            (Err(DisagreementError::Ambiguous { agreeing, .. }), [_, _, ..]) => {
                prop_assert!(*agreeing == most && most >= needed);
            }
            (Err(DisagreementError::TooFew { agreeing, .. }), _) => {
                prop_assert!(*agreeing == most && most < needed);
            }
            other => prop_assert!(false, "{:?}", other),
        }
        let mut turned = servers;
        let by = turn.index(turned.len() + 1);
        turned.rotate_left(by);
        prop_assert_eq!(agree(&turned, configured), found);
    }
}

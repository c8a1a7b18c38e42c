//! Evidence under a root of the test's own, wrong in one place at a time: the check that bites names the place, what it
//! expected and what it found.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod certificates;
mod der;
#[path = "../support/each.rs"]
mod each;
mod keys;
mod reports;
mod world;

use attestation_verify::{Code, Kind};
use world::{ProductLine, World};

const LINES: [ProductLine; 3] = [ProductLine::Milan, ProductLine::Genoa, ProductLine::Turin];
const STRUCT_VERSION: &str = "1.3.6.1.4.1.3704.1.1";
const PRODUCT_NAME: &str = "1.3.6.1.4.1.3704.1.2";
const BOOT_LOADER: &str = "1.3.6.1.4.1.3704.1.3.1";
const HARDWARE_ID: &str = "1.3.6.1.4.1.3704.1.4";
const CSP_ID: &str = "1.3.6.1.4.1.3704.1.5";
const MICROCODE: &str = "1.3.6.1.4.1.3704.1.3.8";
const FMC: &str = "1.3.6.1.4.1.3704.1.3.9";

type Change = fn(&mut World);
/// What is wrong, the change, the code, and the parts of the message: field, expected, found.
type Row = (&'static str, Change, Code, [&'static str; 3]);

/// Fails unless `world` is refused with `code` and a message of these parts, or, where the code is no fatal one, has it
/// among its findings.
fn assert_bites(name: &str, world: &World, code: Code, parts: [&str; 3]) {
    let outcome = world.verify();
    let (trail, is_accepted) = match &outcome {
        Ok(verified) => (verified.trail(), true),
        Err(rejection) => (rejection.trail(), false),
    };
    assert_eq!(is_accepted, code.kind() != Kind::Fatal, "{name}: {outcome:?}");
    let found: Vec<Code> = trail.findings().map(|(code, _)| code).collect();
    let check = trail.findings().find(|(found, _)| *found == code);
    let (_, check) = check.unwrap_or_else(|| panic!("{name}: expected {code}, found {found:?}"));
    let [what, expected, value] = parts;
    assert!(check.what.contains(what), "{name}: {check}");
    assert!(check.expected.contains(expected), "{name}: {check}");
    assert!(check.found.contains(value), "{name}: {check}");
}

fn assert_all(world: fn() -> World, rows: &[Row]) {
    let honest = world().verify().expect("an honest world");
    let fatal = honest.trail().findings().filter(|(code, _)| code.kind() == Kind::Fatal).count();
    assert_eq!(fatal, 0);
    for (name, change, code, parts) in rows {
        let mut world = world();
        change(&mut world);
        assert_bites(name, &world, *code, *parts);
    }
}

fn genoa() -> World {
    World::vcek(ProductLine::Genoa)
}

//! The cache: damage, several at once, and folders that do not work.

use std::fs;
use std::path::PathBuf;
use std::thread;

use attestation_collateral::{Cache, FetchError, Mode, Request, Source};

use crate::imitation::{Server, Vendors};
use crate::world::{SPRING_2026, World};

fn file_of(world: &World) -> PathBuf {
    world.folder.path().join("collateral-v1/objects/intel-certificates/root-ca-crl")
}

#[test]
fn damaged_files_are_fetched_again() {
    let Some(vendors) = Vendors::from_fixtures() else { return };
    let world = World::new(Server::start(vendors.handler()), SPRING_2026);
    world.get(&Request::RootCrl, Mode::Online).unwrap();
    let whole = fs::read(file_of(&world)).unwrap();
    let mut flipped = whole.clone();
    flipped[200] ^= 1;
    let damaged = [Vec::new(), whole[..whole.len() / 2].to_vec(), flipped, vec![0; 1 << 20]];
    for (index, bytes) in damaged.into_iter().enumerate() {
        fs::write(file_of(&world), bytes).unwrap();
        assert!(world.cache.list().unwrap()[0].fetched_at.is_none());
        let missing = world.get(&Request::RootCrl, Mode::Offline).unwrap_err();
        assert!(matches!(missing, FetchError::NotCached { .. }), "{missing}");
        assert_ne!(world.get(&Request::RootCrl, Mode::Online).unwrap().source, Source::Cache, "{index}");
        assert_eq!(world.get(&Request::RootCrl, Mode::Offline).unwrap().source, Source::Cache);
    }
    assert_eq!(world.server.asked().len(), 5);
}

#[test]
fn a_file_under_another_name_is_not_taken_for_it() {
    let Some(vendors) = Vendors::from_fixtures() else { return };
    let world = World::new(Server::start(vendors.handler()), SPRING_2026);
    world.get(&Request::QeIdentity, Mode::Online).unwrap();
    let folder = world.folder.path().join("collateral-v1/objects");
    fs::create_dir_all(folder.join("intel-certificates")).unwrap();
    fs::copy(folder.join("intel-pcs/tdx-qe-identity"), file_of(&world)).unwrap();
    assert!(world.get(&Request::RootCrl, Mode::Offline).is_err());
}

#[test]
fn many_at_once_ask_once() {
    let Some(vendors) = Vendors::from_fixtures() else { return };
    let world = World::new(Server::start(vendors.handler()), SPRING_2026);
    thread::scope(|scope| {
        let all: Vec<_> =
            (0..8).map(|_| scope.spawn(|| world.get(&Request::RootCrl, Mode::Online).unwrap())).collect();
        let found: Vec<_> = all.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert!(found.iter().all(|one| one.object == found[0].object));
    });
    assert_eq!(world.server.asked().len(), 1);
    let leftovers = fs::read_dir(file_of(&world).parent().unwrap()).unwrap().count();
    assert_eq!(leftovers, 1, "temporary files are gone");
}

#[test]
fn folders_that_do_not_work_are_named() {
    let Some(vendors) = Vendors::from_fixtures() else { return };
    let mut world = World::new(Server::start(vendors.handler()), SPRING_2026);
    let file = world.folder.path().join("file");
    fs::write(&file, b"").unwrap();
    world.cache = Cache::new(&file);
    let error = world.get(&Request::RootCrl, Mode::Online).unwrap_err();
    assert!(matches!(error, FetchError::Cache(_)) && error.to_string().contains("file"), "{error}");
    assert_eq!(Cache::new(world.folder.path().join("none")).list().unwrap(), []);
}

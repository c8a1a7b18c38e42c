//! Random operations on the file system and on a model that is a map from paths to what is there.

use alloc::collections::BTreeMap;

use proptest::prelude::{Strategy, any, prop};
use proptest::{prop_oneof, proptest};

use super::{CREATE, NONE, STAY, Sandbox, TRUNCATE, audit};
use crate::{DescriptorType, ErrorCode, FileSystem, Limits, OpenFlags};

/// Of files by path; several paths may share one.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Thing {
    Directory,
    Link(String),
    File(usize),
}

#[derive(Debug, Default)]
struct Model {
    things: BTreeMap<String, Thing>,
    files: Vec<Vec<u8>>,
}

#[derive(Debug, Clone)]
enum Operation {
    MakeDirectory(String),
    RemoveDirectory(String),
    Unlink(String),
    Rename(String, String),
    Link(String, String),
    Symlink(String, String),
    Write { path: String, flags: OpenFlags, offset: u32, bytes: Vec<u8> },
    Append(String, Vec<u8>),
    Resize(String, u32),
}

use Operation::{Append, Link, MakeDirectory, RemoveDirectory, Rename, Resize, Symlink, Unlink, Write};

type Outcome = Result<(), ErrorCode>;

impl Model {
    /// Plain paths only: what dots, slashes and links on the way mean has its own tests.
    fn apply(&mut self, operation: &Operation) -> Outcome {
        match operation {
            MakeDirectory(path) => self.add(path, Thing::Directory),
            RemoveDirectory(path) => self.remove_directory(path),
            Unlink(path) => match self.find(path)? {
                Thing::Directory => Err(ErrorCode::IsDirectory),
                Thing::Link(_) | Thing::File(_) => self.remove(path),
            },
            Rename(from, to) => self.rename(from, to),
            Link(from, to) => self.link(from, to),
            Symlink(text, path) => self.add(path, Thing::Link(text.clone())),
            Write { path, flags, offset, bytes } => {
                let file = self.open(path, *flags)?;
                if flags.truncate {
                    file.clear();
                }
                write(file, *offset as usize, bytes);
                Ok(())
            }
            Append(path, bytes) => {
                self.open(path, NONE)?.extend(bytes);
                Ok(())
            }
            Resize(path, size) => {
                self.open(path, NONE)?.resize(*size as usize, 0);
                Ok(())
            }
        }
    }

    fn remove(&mut self, path: &str) -> Outcome {
        self.things.remove(path);
        Ok(())
    }

    fn check_parent(&self, path: &str) -> Outcome {
        let parents = path.match_indices('/').map(|(end, _)| &path[..end]);
        for parent in parents {
            match self.things.get(parent) {
                Some(Thing::Directory) => {}
                Some(Thing::File(_)) => return Err(ErrorCode::NotDirectory),
                // Links lead nowhere here.
                Some(Thing::Link(_)) | None => return Err(ErrorCode::NoEntry),
            }
        }
        Ok(())
    }

    fn find(&self, path: &str) -> Result<Thing, ErrorCode> {
        self.check_parent(path)?;
        self.things.get(path).cloned().ok_or(ErrorCode::NoEntry)
    }

    fn add(&mut self, path: &str, thing: Thing) -> Outcome {
        self.check_parent(path)?;
        if self.things.contains_key(path) {
            return Err(ErrorCode::Exist);
        }
        self.things.insert(path.into(), thing);
        Ok(())
    }

    fn is_empty(&self, path: &str) -> bool {
        !self.things.keys().any(|other| is_below(other, path))
    }

    fn remove_directory(&mut self, path: &str) -> Outcome {
        match self.find(path)? {
            Thing::Directory if self.is_empty(path) => self.remove(path),
            Thing::Directory => Err(ErrorCode::NotEmpty),
            Thing::Link(_) | Thing::File(_) => Err(ErrorCode::NotDirectory),
        }
    }

    fn rename(&mut self, from: &str, to: &str) -> Outcome {
        self.check_parent(from)?;
        self.check_parent(to)?;
        let thing = self.find(from)?;
        if is_below(to, from) {
            return Err(ErrorCode::Invalid);
        }
        if is_below(from, to) {
            return Err(ErrorCode::NotEmpty);
        }
        match (&thing, self.things.get(to)) {
            (_, Some(other)) if from == to || !matches!(thing, Thing::Directory) && *other == thing => {
                return Ok(());
            }
            (Thing::Directory, Some(Thing::Directory)) if !self.is_empty(to) => {
                return Err(ErrorCode::NotEmpty);
            }
            (Thing::Directory, Some(Thing::File(_) | Thing::Link(_))) => return Err(ErrorCode::NotDirectory),
            (Thing::File(_) | Thing::Link(_), Some(Thing::Directory)) => return Err(ErrorCode::IsDirectory),
            _ => {}
        }
        let moved: Vec<_> =
            self.things.keys().filter(|path| *path == from || is_below(path, from)).cloned().collect();
        for path in moved {
            let thing = self.things.remove(&path).unwrap();
            self.things.insert(format!("{to}{}", &path[from.len()..]), thing);
        }
        Ok(())
    }

    fn link(&mut self, from: &str, to: &str) -> Outcome {
        self.check_parent(from)?;
        self.check_parent(to)?;
        let thing = self.find(from)?;
        match thing {
            _ if self.things.contains_key(to) => Err(ErrorCode::Exist),
            Thing::Directory => Err(ErrorCode::NotPermitted),
            Thing::Link(_) | Thing::File(_) => self.add(to, thing),
        }
    }

    fn open(&mut self, path: &str, flags: OpenFlags) -> Result<&mut Vec<u8>, ErrorCode> {
        let file = match self.find(path) {
            Ok(Thing::File(file)) => file,
            Ok(Thing::Directory) => return Err(ErrorCode::IsDirectory),
            Ok(Thing::Link(_)) => return Err(ErrorCode::Loop),
            Err(ErrorCode::NoEntry) if flags.create => {
                self.add(path, Thing::File(self.files.len()))?;
                self.files.push(vec![]);
                self.files.len() - 1
            }
            Err(error) => return Err(error),
        };
        Ok(&mut self.files[file])
    }
}

fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

fn write(file: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    if !bytes.is_empty() {
        file.resize(file.len().max(offset + bytes.len()), 0);
        file[offset..offset + bytes.len()].copy_from_slice(bytes);
    }
}

fn apply(sandbox: &mut Sandbox, operation: &Operation) -> Outcome {
    let root = sandbox.root;
    match operation {
        MakeDirectory(path) => sandbox.fs.create_directory_at(root, path),
        RemoveDirectory(path) => sandbox.fs.remove_directory_at(root, path),
        Unlink(path) => sandbox.fs.unlink_file_at(root, path),
        Rename(from, to) => sandbox.rename(from, to),
        Link(from, to) => sandbox.fs.link_at(root, STAY, from, root, to),
        Symlink(text, path) => sandbox.fs.symlink_at(root, text, path),
        Write { path, flags, offset, bytes } => {
            let file = sandbox.open(path, *flags, "w")?;
            let written = sandbox.fs.write(file, bytes, (*offset).into()).map(drop);
            sandbox.fs.close(file).and(written)
        }
        Append(path, bytes) => {
            let file = sandbox.open(path, NONE, "w")?;
            let written = sandbox.fs.append(file, bytes).map(drop);
            sandbox.fs.close(file).and(written)
        }
        Resize(path, size) => {
            let file = sandbox.open(path, NONE, "w")?;
            let resized = sandbox.fs.set_size(file, (*size).into());
            sandbox.fs.close(file).and(resized)
        }
    }
}

/// What there is, found by reading directories.
fn contents(sandbox: &mut Sandbox) -> BTreeMap<String, (Thing, Vec<u8>, u64)> {
    let mut found = BTreeMap::new();
    let mut left = vec![String::new()];
    while let Some(directory) = left.pop() {
        let within = if directory.is_empty() { ".".into() } else { directory.clone() };
        for name in sandbox.names(&within) {
            let path = if directory.is_empty() { name } else { format!("{directory}/{name}") };
            let stat = sandbox.fs.stat_at(sandbox.root, STAY, &path).unwrap();
            let (thing, bytes) = match stat.kind {
                DescriptorType::Directory => (Thing::Directory, vec![]),
                DescriptorType::SymbolicLink => {
                    (Thing::Link(sandbox.fs.readlink_at(sandbox.root, &path).unwrap()), vec![])
                }
                DescriptorType::RegularFile => (Thing::File(0), sandbox.get(&path).unwrap()),
            };
            if thing == Thing::Directory {
                left.push(path.clone());
            }
            let links = if matches!(thing, Thing::File(_)) { stat.link_count } else { 0 };
            found.insert(path, (thing, bytes, links));
        }
    }
    found
}

fn expected(model: &Model) -> BTreeMap<String, (Thing, Vec<u8>, u64)> {
    let links = |file| model.things.values().filter(|other| **other == Thing::File(file)).count() as u64;
    let described = model.things.iter().map(|(path, thing)| match thing {
        Thing::File(file) => (path.clone(), (Thing::File(0), model.files[*file].clone(), links(*file))),
        other => (path.clone(), (other.clone(), vec![], 0)),
    });
    described.collect()
}

fn paths() -> impl Strategy<Value = String> {
    prop::collection::vec(prop_oneof!["a", "b", "c"], 1..4).prop_map(|names| names.join("/"))
}

fn operations() -> impl Strategy<Value = Operation> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..20);
    // At the start of a file, and around the edges of blocks.
    let offset = || prop_oneof![0..10_u32, 65_530..65_540_u32, 131_070..131_075_u32];
    let flags = prop_oneof![
        4 => proptest::strategy::Just(CREATE),
        1 => proptest::strategy::Just(NONE),
        1 => proptest::strategy::Just(TRUNCATE)
    ];
    prop_oneof![
        3 => paths().prop_map(MakeDirectory),
        1 => paths().prop_map(RemoveDirectory),
        1 => paths().prop_map(Unlink),
        3 => (paths(), paths()).prop_map(|(from, to)| Rename(from, to)),
        1 => (paths(), paths()).prop_map(|(from, to)| Link(from, to)),
        // Its text tells a link from every other one: names of the same link are one thing.
        1 => ("[a-z]{12}", paths()).prop_map(|(text, path)| Symlink(text, path)),
        4 => (paths(), flags, offset(), bytes())
            .prop_map(|(path, flags, offset, bytes)| Write { path, flags, offset, bytes }),
        1 => (paths(), bytes()).prop_map(|(path, bytes)| Append(path, bytes)),
        1 => (paths(), offset()).prop_map(|(path, size)| Resize(path, size)),
    ]
}

proptest! {
    #[test]
    fn the_file_system_does_as_the_model(all in prop::collection::vec(operations(), 1..60)) {
        let (mut sandbox, mut model) = (Sandbox::new(), Model::default());
        for operation in &all {
            assert_eq!(apply(&mut sandbox, operation), model.apply(operation), "{operation:?}");
        }
        audit(&sandbox.fs);
        assert_eq!(contents(&mut sandbox), expected(&model));

        let bytes = sandbox.fs.encode();
        let decoded = FileSystem::decode(&bytes, super::ROOMY).unwrap();
        audit(&decoded);
        assert_eq!(decoded.encode(), bytes);
        assert!(decoded.usage().bytes <= sandbox.fs.usage().bytes);
        // A limit on what is charged is one on what is sealed and recorded.
        assert!(bytes.len() as u64 <= decoded.usage().bytes + 64);
        assert_eq!(contents(&mut Sandbox::of(decoded)), expected(&model));
    }

    /// With little room operations fail, but then they do nothing, and nothing is lost on the way.
    #[test]
    fn an_operation_that_does_not_fit_does_nothing(
        all in prop::collection::vec(operations(), 1..60),
        kilobytes in 1..200_u64,
    ) {
        let limits = Limits { bytes: kilobytes * 1024, inodes: 8, ..super::ROOMY };
        let (mut sandbox, mut model) = (Sandbox::within(limits), Model::default());
        for operation in &all {
            let before = sandbox.fs.digest();
            let (found, full) = (apply(&mut sandbox, operation), Err(ErrorCode::InsufficientSpace));
            if found != full {
                assert_eq!(found, model.apply(operation), "{operation:?}");
            } else if !matches!(operation, Write { .. }) {
                assert_eq!(sandbox.fs.digest(), before, "{operation:?}");
            } else {
                // To open may have created or cut the file already.
                let empty = match operation.clone() {
                    Write { path, flags, .. } => Write { path, flags, offset: 0, bytes: vec![] },
                    other => other,
                };
                let opened = apply(&mut sandbox, &empty);
                assert!(opened == full || opened == model.apply(&empty), "{operation:?}");
            }
            assert!(sandbox.fs.usage().bytes <= limits.bytes && sandbox.fs.usage().inodes <= 8);
        }
        audit(&sandbox.fs);
        assert_eq!(contents(&mut sandbox), expected(&model));
    }

    #[test]
    fn the_same_calls_have_the_same_results(all in prop::collection::vec(operations(), 1..40)) {
        let run = || {
            let mut sandbox = Sandbox::new();
            let outcomes: Vec<_> = all.iter().map(|operation| apply(&mut sandbox, operation)).collect();
            let hash = sandbox.fs.metadata_hash(sandbox.root).unwrap();
            (outcomes, sandbox.fs.encode(), sandbox.fs.usage(), hash)
        };
        assert_eq!(run(), run());
    }
}

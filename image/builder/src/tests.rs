//! Whole images: build, write, load, and every way to damage a folder.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use attestation_artefact as artefact;
use attestation_corim::{Platform, ReferenceManifest};
use attestation_manifest::{
    COMPONENT_MAX_BYTES, EgressRule, EgressScheme, Logs, Storage, TlsRoots, WallClock, authority_der,
};
use enclave_runtime::RuntimeError;
use enclave_wire::layout::{RESET_PAGE_GPA, ROM_BYTES, ROM_GPA};
use image_rom::{Payload, Piece, Rom};
use tempfile::{TempDir, tempdir};

use crate::{AppToml, BuildError, Image, ImageError, ImageFile, Sources, build};

const APP: &str = r#"name = "audit"
args = ["--strict"]
wall_clock = "host"
logs = "none"
egress = [{ host = "*.example.org", port = 443, methods = ["GET", "POST"] }, { host = "10.0.2.2", port = 7, scheme = "http", methods = ["*"] }]
time = [
    { host = "a.example", public_key = "C5+lpZ7tcVwmwQIMcRtPbsQtWLABXhQzejna0wHFr8M=" },
    { host = "b.example", port = 2002, public_key = "0111111111111111111111111111111111111111111111111111111111111111" },
    { host = "192.0.2.1", public_key = "0211111111111111111111111111111111111111111111111111111111111111" },
]
[tls]
roots = "none"
hosts = [{ host = "a.example.org", authorities = ["""
-----BEGIN CERTIFICATE-----
MIIBejCCASGgAwIBAgIUYmAr7bhwmaEeZBNj2kc7a/av0jkwCgYIKoZIzj0EAwIw
EjEQMA4GA1UEAwwHVGVzdCBDQTAgFw0yNjExMzAyMDI3MDZaGA8yMTI2MTEwNjIw
MjcwNlowEjEQMA4GA1UEAwwHVGVzdCBDQTBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABMFO5U83N1NtwmXMagtZtfc52EgZ40LXzFsY4cV+w/MTbgFZ8wIoLa29MSfb
zXREhV+z92CdZ03mS5Vkxx85q22jUzBRMB0GA1UdDgQWBBT9CKlgta08ame0agiS
0aXFWVZcLjAfBgNVHSMEGDAWgBT9CKlgta08ame0agiS0aXFWVZcLjAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIA+v2afLQEN4ycVngw2WsviIEMnu
Z4OIS0mhICfJXmwaAiBxFSyQNkJ43R9gstojdlauexX9p8UitSwJDu1CjOduNw==
-----END CERTIFICATE-----
"""] }]
[env]
B = "2"
A = "1"
[limits]
transcript_bytes = 1000000
call_stack_bytes = 65536
[storage]
key_value_bytes = 1048576
"#;

/// A program that does nothing: `wasi:cli/run` from one function that returns ok.
const COMPONENT: &str = r#"(component
    (core module $m (func (export "run") (result i32) i32.const 0))
    (core instance $i (instantiate $m))
    (func $run (result (result)) (canon lift (core func $i "run")))
    (instance $export (export "run" (func $run)))
    (export "wasi:cli/run@0.2.3" (instance $export)))"#;

/// A service, of three linear memories: one for each of its core modules, and one that both have.
fn service() -> String {
    const HTTP: &str = include_str!("../../../enclave/runtime/tests/http/prelude.wat");
    const IMPORTS: &str = concat!(
        include_str!("../../../enclave/runtime/tests/http/kit-imports.wat"),
        include_str!("../../../enclave/runtime/tests/http/service-imports.wat")
    );
    const SERVICE: &str = include_str!("../../../enclave/service/tests/serve/service.wat");
    HTTP.replace(";; MAIN\n", &format!("(core module $Main {IMPORTS} {SERVICE})"))
        .replace(";; KIT\n", include_str!("../../../enclave/runtime/tests/http/kit.wat"))
        .replace(";; EXPORT\n", include_str!("../../../enclave/runtime/tests/http/service-export.wat"))
}

const FILES: [ImageFile; 6] = [
    ImageFile::Rom,
    ImageFile::Component,
    ImageFile::Artefact,
    ImageFile::Manifest,
    ImageFile::Corim,
    ImageFile::ReferenceValues,
];

fn test_rom() -> Vec<u8> {
    let piece =
        |name: &str, gpa, bytes, is_executable| Piece { name: name.to_string(), gpa, bytes, is_executable };
    let payload = Payload {
        pieces: vec![
            piece(".text", ROM_GPA, &[0xC3; 64], true),
            piece(".reset", RESET_PAGE_GPA, &[0xF4; 64], true),
        ],
        real_mode_entry_gpa: RESET_PAGE_GPA,
        protected_mode_entry_gpa: RESET_PAGE_GPA + 32,
    };
    Rom::lay_out(&payload).unwrap().bytes().to_vec()
}

fn build_from(component: &str, app: &str) -> Result<Image, BuildError> {
    let (component, app) = (wat::parse_str(component).unwrap(), AppToml::parse(app).unwrap());
    build(Sources { component: &component, app: &app, rom: &test_rom() })
}

/// Compiled once: most tests only damage what is on disk.
fn image() -> &'static Image {
    static IMAGE: OnceLock<Image> = OnceLock::new();
    IMAGE.get_or_init(|| build_from(COMPONENT, APP).unwrap())
}

fn written() -> TempDir {
    let folder = tempdir().unwrap();
    image().write(folder.path()).unwrap();
    folder
}

fn damage(folder: &Path, file: ImageFile, change: impl FnOnce(&mut Vec<u8>)) -> String {
    let path = folder.join(file.name());
    let good = fs::read(&path).unwrap();
    let mut bytes = good.clone();
    change(&mut bytes);
    fs::write(&path, bytes).unwrap();
    let error = Image::load(folder).unwrap_err().to_string();
    fs::write(&path, good).unwrap();
    error
}

#[test]
fn what_is_written_is_loaded() {
    let folder = written();
    assert_eq!(&Image::load(folder.path()).unwrap(), image());
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let mut expected = FILES.map(|file| file.name().to_string());
    expected.sort();
    assert_eq!(names, expected, "nothing temporary stays behind");
}

#[test]
fn two_builds_in_two_folders_are_equal() {
    let (first, second) = (written(), tempdir().unwrap());
    build_from(COMPONENT, APP).unwrap().write(second.path()).unwrap();
    for file in FILES {
        let [first, second] =
            [&first, &second].map(|folder| fs::read(folder.path().join(file.name())).unwrap());
        assert!(first == second, "{}", file.name());
    }
}

#[test]
fn manifest_says_what_app_toml_says() {
    let manifest = image().manifest().unwrap();
    assert_eq!(manifest.name, "audit");
    assert_eq!(manifest.args, ["--strict"]);
    let env: Vec<_> = manifest.env.iter().map(|var| (var.name, var.value)).collect();
    assert_eq!(env, [("A", "1"), ("B", "2")], "sorted by name");
    assert_eq!((manifest.limits.transcript_bytes, manifest.limits.call_stack_bytes), (1_000_000, 65_536));
    assert_eq!((manifest.wall_clock, manifest.logs), (WallClock::Host, Logs::None));
    let rule = |rule: &EgressRule<'static>| (rule.host, rule.port, rule.scheme, rule.methods.to_vec());
    let rules: Vec<_> = manifest.egress.iter().map(rule).collect();
    let first = ("*.example.org", 443, EgressScheme::Https, vec!["GET", "POST"]);
    assert_eq!(rules, [first, ("10.0.2.2", 7, EgressScheme::Http, vec!["*"])]);
    let servers: Vec<_> =
        manifest.time.iter().map(|server| (server.host, server.port, server.public_key.0[0])).collect();
    assert_eq!(servers, [("a.example", 5319, 0x0b), ("b.example", 2002, 1), ("192.0.2.1", 5319, 2)]);
    let [host] = &manifest.tls.hosts[..] else { panic!("one host") };
    assert_eq!((manifest.tls.roots, host.host, host.spki_sha256.len()), (TlsRoots::None, "a.example.org", 0));
    let authority = authority_der(host.authorities[0]).unwrap();
    assert!(authority.windows(7).any(|bytes| bytes == b"Test CA"));
    assert_eq!(manifest.storage, Storage { key_value_bytes: 1 << 20, files_bytes: 0, persist: false });
    let json = core::str::from_utf8(image().manifest_json()).unwrap();
    assert!(
        json.starts_with("{\n  \"version\": 1,\n  \"name\": \"audit\",\n  \"role\": \"workload\""),
        "{json}"
    );
    assert!(json.contains("\"policy\": \"0x30000\"") && json.ends_with("}\n"), "{json}");
    let job = build_from(COMPONENT, "name = \"a\"").unwrap();
    assert_eq!(job.manifest().unwrap().service, None);
    assert!(core::str::from_utf8(job.manifest_json()).unwrap().contains("\"service\": null"));
}

#[test]
fn one_flipped_bit_names_the_file() {
    let folder = written();
    for file in FILES.into_iter().filter(|file| *file != ImageFile::ReferenceValues) {
        let length = fs::metadata(folder.path().join(file.name())).unwrap().len();
        for at in [0, length / 2, length - 1] {
            let error = damage(folder.path(), file, |bytes| bytes[usize::try_from(at).unwrap()] ^= 1);
            assert!(error.starts_with(&format!("{}: sha256: expected ", file.name())), "{error}");
        }
    }
}

#[test]
fn truncated_and_extended_files_are_named() {
    let folder = written();
    for file in FILES.into_iter().filter(|file| *file != ImageFile::ReferenceValues) {
        for error in [
            damage(folder.path(), file, |bytes| bytes.truncate(bytes.len() - 1)),
            damage(folder.path(), file, Vec::clear),
        ] {
            assert!(error.starts_with(&format!("{}: bytes: expected ", file.name())), "{error}");
        }
        let error = damage(folder.path(), file, |bytes| bytes.push(0));
        assert!(error.starts_with(&format!("{}: ", file.name())), "{error}");
    }
    let error = damage(folder.path(), ImageFile::Rom, |bytes| bytes.push(0));
    assert_eq!(error, format!("redoubt.rom: expected at most {ROM_BYTES} bytes, found more"));
}

/// Every seventh byte, to save time; flipped white space may be white space still.
#[test]
fn flipped_bits_of_the_reference_values_are_noticed() {
    let folder = written();
    let length = fs::metadata(folder.path().join("reference-values.json")).unwrap().len();
    for at in (0..usize::try_from(length).unwrap()).step_by(7) {
        let is_space =
            fs::read(folder.path().join("reference-values.json")).unwrap()[at].is_ascii_whitespace();
        if !is_space {
            damage(folder.path(), ImageFile::ReferenceValues, |bytes| bytes[at] ^= 1);
        }
    }
    let error = damage(folder.path(), ImageFile::ReferenceValues, |bytes| bytes.truncate(100));
    assert!(error.starts_with("reference-values.json: "), "{error}");
}

#[test]
fn reference_values_of_another_measurement_are_named() {
    let folder = written();
    for (field, digest) in [
        ("measurement.snp_qemu", image().reference().measurement.snp_qemu),
        ("measurement.tdx_qemu", image().reference().measurement.tdx_qemu),
    ] {
        let other = digest.to_string().chars().rev().collect::<String>();
        let error = damage(folder.path(), ImageFile::ReferenceValues, |bytes| {
            *bytes =
                String::from_utf8(bytes.clone()).unwrap().replace(&digest.to_string(), &other).into_bytes();
        });
        assert_eq!(error, format!("redoubt.rom: {field}: expected {other}, found {digest}"));
    }
}

#[test]
fn missing_file_means_incomplete() {
    for file in FILES {
        let folder = written();
        fs::remove_file(folder.path().join(file.name())).unwrap();
        let error = Image::load(folder.path()).unwrap_err();
        assert!(matches!(&error, ImageError::Missing { path } if path.ends_with(file.name())), "{error}");
    }
}

#[test]
fn interrupted_rewriting_leaves_no_complete_image() {
    let folder = written();
    fs::remove_file(folder.path().join("artefact.cwasm")).unwrap();
    // A folder in the way: writing fails in the middle.
    fs::create_dir_all(folder.path().join("artefact.cwasm/in-the-way")).unwrap();
    let error = image().write(folder.path()).unwrap_err();
    assert!(
        matches!(&error, ImageError::Io { verb: "write", path, .. } if path.ends_with("artefact.cwasm")),
        "{error}"
    );
    let error = Image::load(folder.path()).unwrap_err();
    assert!(
        matches!(&error, ImageError::Missing { path } if path.ends_with("reference-values.json")),
        "{error}"
    );
    let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.count(), 5, "nothing temporary stays behind");
}

#[test]
fn unwritable_folder_is_named() {
    let folder = tempdir().unwrap();
    let in_the_way = folder.path().join("file");
    fs::write(&in_the_way, "").unwrap();
    let error = image().write(&in_the_way.join("dist")).unwrap_err().to_string();
    assert!(error.contains("file/dist"), "{error}");
}

#[test]
fn unsupported_import_is_named_at_build() {
    let component = COMPONENT.replacen(
        "(component",
        "(component (import \"wasi:blobstore/container@0.2.0-draft\" (instance))",
        1,
    );
    let error = build_from(&component, APP).unwrap_err();
    assert!(matches!(error, BuildError::Component(_)), "{error}");
    assert!(error.to_string().contains("wasi:blobstore/container@0.2.0-draft"), "{error}");
}

#[test]
fn component_larger_than_guests_read_is_refused() {
    let app = AppToml::parse(APP).unwrap();
    let component = vec![0; COMPONENT_MAX_BYTES + 1];
    let error = build(Sources { component: &component, app: &app, rom: &test_rom() }).unwrap_err();
    assert_eq!(error.to_string(), "component: expected at most 268435456 bytes, found 268435457");
}

#[test]
fn bytes_that_are_no_component_are_refused() {
    let app = AppToml::parse(APP).unwrap();
    for component in [&b""[..], b"\0asm\x01\0\0\0", b"plain text"] {
        let error = build(Sources { component, app: &app, rom: &test_rom() }).unwrap_err();
        assert!(matches!(error, BuildError::Component(_)), "{error}");
    }
}

#[test]
fn manifest_that_the_guest_refuses_is_refused_here() {
    for (app, field) in [
        ("name = \"Upper Case\"", "name"),
        ("name = \"a\"\nmemory_mib = 8", "memory_mib"),
        ("name = \"a\"\n[limits]\nfuel = 0", "limits.fuel"),
        ("name = \"a\"\n[limits]\ncomponent_memory_bytes = 134217728", "limits.component_memory_bytes"),
        ("name = \"a\"\n[limits]\ntranscript_bytes = 0", "limits.transcript_bytes"),
        ("name = \"a\"\n[service]\nport = 0", "service.port"),
        ("name = \"a\"\n[storage]\npersist = true", "storage.persist"),
        (
            "name = \"a\"\n[limits]\ntranscript_bytes = 1048576\n[storage]\nfiles_bytes = 1048576\npersist = true",
            "limits.transcript_bytes",
        ),
        ("name = \"a\"\negress = [{ host = \"A\", port = 1, methods = [\"*\"] }]", "egress.host"),
        ("name = \"a\"\negress = [{ host = \"a\", port = 0, methods = [\"*\"] }]", "egress.port"),
        ("name = \"a\"\negress = [{ host = \"a\", port = 1, methods = [] }]", "egress.methods"),
    ] {
        let error = build_from(COMPONENT, app).unwrap_err();
        assert!(matches!(error, BuildError::Manifest(_)), "{error}");
        assert!(error.to_string().contains(&format!("`{field}`")), "{error}");
    }
}

#[test]
fn readers_are_those_of_the_manifest_if_anything_can_be_sealed_for_them() {
    let key = "a4e09292b651c278b9772c569f5fa9bb13d906b46ab68c9df9dc2b4409f8a209";
    let app = |keys: &str| format!("name = \"a\"\nreaders = [{keys}]");
    let image = build_from(COMPONENT, &app(&format!("\"{key}\""))).unwrap();
    let readers = attestation_manifest::parse_manifest(image.manifest_json()).unwrap().readers;
    assert_eq!(readers.iter().map(ToString::to_string).collect::<Vec<_>>(), [key]);
    let small = format!("\"{key}\", \"{}\"", "00".repeat(32));
    let error = build_from(COMPONENT, &app(&small)).unwrap_err().to_string();
    assert!(error.contains("`readers`") && error.contains("reader 1"), "{error}");
    let twice = build_from(COMPONENT, &app(&format!("\"{key}\", \"{key}\""))).unwrap_err().to_string();
    assert!(twice.contains("keys that differ"), "{twice}");
    let many: Vec<_> = (10..19).map(|first| format!("\"{first}{}\"", &key[2..])).collect();
    let error = AppToml::parse(&app(&many.join(","))).unwrap_err().to_string();
    assert!(error.contains("readers") && error.contains('9'), "{error}");
}

#[test]
fn manifest_whose_jobs_could_exhaust_the_guest_is_refused() {
    let app =
        |limit: u64| format!("name = \"a\"\nmemory_mib = 64\n[limits]\ncomponent_memory_bytes = {limit}");
    let component = COMPONENT.replace("(core module $m ", "(core module $m (memory 1) ");
    let error = build_from(&component, &app(60_000_000)).unwrap_err().to_string();
    let missing = error.split("add ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<u32>().ok());
    let enough = app(60_000_000).replace("64", &(64 + missing.unwrap()).to_string());
    assert!(build_from(&component, &enough).is_ok(), "{error}");
    assert!(build_from(&component, &app(30_000_000)).is_ok());
}

#[test]
fn artefacts_are_compiled_for_the_call_stack_of_the_manifest() {
    let component = wat::parse_str(COMPONENT).unwrap();
    let of = |bytes: u32| artefact::compile(&component, bytes).unwrap();
    assert_eq!(image().artefact(), of(65_536));
    let with_default = build_from(COMPONENT, "name = \"a\"").unwrap();
    assert_eq!(with_default.artefact(), of(artefact::CALL_STACK_DEFAULT_BYTES));
    assert_ne!(image().artefact(), with_default.artefact(), "the stack is part of the artefact");
}

/// The manifest's parser is too small to depend on the compiler.
#[test]
fn manifest_and_compiler_agree_about_call_stacks() {
    let manifest = [
        attestation_manifest::CALL_STACK_MIN_BYTES,
        attestation_manifest::CALL_STACK_DEFAULT_BYTES,
        attestation_manifest::CALL_STACK_MAX_BYTES,
    ];
    let compiler =
        [artefact::CALL_STACK_MIN_BYTES, artefact::CALL_STACK_DEFAULT_BYTES, artefact::CALL_STACK_MAX_BYTES];
    assert_eq!(manifest, compiler);
}

#[test]
fn call_stacks_that_the_guest_refuses_are_not_compiled_for() {
    for bytes in [artefact::CALL_STACK_MIN_BYTES - 1024, artefact::CALL_STACK_MAX_BYTES + 1024, 65_537] {
        let error = build_from(COMPONENT, &format!("name = \"a\"\n[limits]\ncall_stack_bytes = {bytes}"))
            .unwrap_err();
        assert!(error.to_string().contains("`limits.call_stack_bytes`"), "{error}");
    }
}

#[test]
fn what_is_stored_takes_memory() {
    let component = COMPONENT.replace("(core module $m ", "(core module $m (memory 1) ");
    let fits =
        |tables: &str| match build_from(&component, &format!("name = \"a\"\nmemory_mib = 64\n{tables}")) {
            Ok(_) => true,
            Err(error) if error.wants_memory() => false,
            Err(other) => panic!("{other}"),
        };
    let limits = "[limits]\ncomponent_memory_bytes = 30000000\n";
    assert!(fits(limits));
    assert!(fits(&format!("{limits}[storage]\nkey_value_bytes = 8000000\nfiles_bytes = 8000000")));
    assert!(!fits(&format!("{limits}[storage]\nkey_value_bytes = 16000000\nfiles_bytes = 8000000")));
    assert!(!fits(&format!("{limits}[storage]\nkey_value_bytes = 8000000\nfiles_bytes = 16000000")));
}

#[test]
fn connections_take_memory() {
    let component = COMPONENT.replace("(core module $m ", "(core module $m (memory 1) ");
    let refusal = |tables: &str| {
        let text = format!("name = \"a\"\nmemory_mib = 32\n{tables}");
        match build_from(&component, &text).map(|_| ()) {
            Ok(()) => None,
            Err(BuildError::Component(RuntimeError::Memory { needed_bytes, network_bytes, .. })) => {
                Some((needed_bytes, network_bytes))
            }
            Err(other) => panic!("{other}"),
        }
    };
    let egress = "egress = [{ host = \"a.org\", port = 80, scheme = \"http\", methods = [\"*\"] }]\n";
    let limits = |bytes: u64| format!("[limits]\ncomponent_memory_bytes = {bytes}\n");
    let network_bytes = (640 + 32 * 102) << 10;
    let (bare, _) = refusal(&limits(30_000_000)).unwrap();
    let connected = refusal(&format!("{egress}{}", limits(30_000_000))).unwrap();
    assert_eq!(connected, (bare + network_bytes, network_bytes));
    // As much as a guest of this size has room for, but not with connections.
    assert_eq!(refusal(&limits(16_000_000)), None);
    assert!(refusal(&format!("{egress}{}", limits(16_000_000))).is_some());
    assert_eq!(refusal(&format!("{egress}{}", limits(12_000_000))), None);
}

#[test]
fn imports_that_trap_are_known_to_whoever_builds() {
    let with_import = |name: &str| {
        let import = format!(r#"(component (import "{name}" (instance (export "f" (func))))"#);
        build_from(&COMPONENT.replace("(component", &import), "name = \"a\"")
    };
    let image = with_import("wasi:sockets/tcp@0.2.0").unwrap();
    assert_eq!(image.trapping_imports(), ["wasi:sockets/tcp@0.2.0"]);
    assert!(self::image().trapping_imports().is_empty());
    let error = with_import("wasi:nn/graph@0.2.0").unwrap_err();
    assert!(error.to_string().contains("wasi:nn/graph@0.2.0"), "{error}");
}

#[test]
fn rom_without_tables_is_refused() {
    let (component, app) = (wat::parse_str(COMPONENT).unwrap(), AppToml::parse(APP).unwrap());
    let mut rom = test_rom();
    rom[..].reverse();
    let error = build(Sources { component: &component, app: &app, rom: &rom }).unwrap_err();
    assert!(matches!(error, BuildError::Rom(_)), "{error}");
}

#[test]
fn summary_shows_files_and_launch_values() {
    let summary = image().summary().to_string();
    for file in &FILES[..4] {
        assert!(summary.contains(file.name()), "{summary}");
    }
    assert!(summary.contains(&image().reference().measurement.snp_qemu.to_string()), "{summary}");
    assert!(summary.contains(&image().reference().manifest.sha384.to_string()), "{summary}");
}

#[test]
fn other_verifiers_get_the_same_measurements() {
    let folder = written();
    let bytes = fs::read(folder.path().join("reference-values.corim")).unwrap();
    let corim = ReferenceManifest::decode(&bytes).unwrap();
    let reference = image().reference();
    assert_eq!(corim.id, format!("redoubt:rom:{}", reference.rom.sha256));
    let values: Vec<_> = corim.values.iter().map(|value| (value.platform, value.digest)).collect();
    let measurement = reference.measurement;
    assert_eq!(values, [(Platform::Snp, measurement.snp_qemu.0), (Platform::Tdx, measurement.tdx_qemu.0)]);
}

/// Golden numbers, made once from a file with this ROM. SNP: `sev-snp-measure` 0.0.13 (PyPI), `snp_calc_launch_digest(1,
/// CPU_SIGS["EPYC-v4"], "rom", None, None, None, 0x1, "", VMMType.QEMU)`. TDX: twenty lines of Python that hash page-add
/// and extend records of the ROM and of boot RAM in QEMU's order, written without looking at ours.
#[test]
fn measurements_are_those_of_independent_tools() {
    let reference = image().reference();
    assert_eq!(
        reference.rom.sha256.to_string(),
        "896465a7db83ee7a08007c50b5da78a1fc21e4a59cbb5463c50cb1cf2b0f60c4",
        "the memory map changed: the golden numbers are of another ROM"
    );
    assert_eq!(
        reference.measurement.snp_qemu.to_string(),
        "81853522a3f6725dcf6d80fa84d293fa96be6ff08cf93aa9fcb54eb05a159d3642389342d50cb094233aedd5d9cf3699"
    );
    assert_eq!(
        reference.measurement.tdx_qemu.to_string(),
        "f4b4cfe21719066ed2d7bad27be710a62a103e8da832ed200d3e4750850b7d092907b0dda41dc17f00826d46e08cc6c5"
    );
}

#[test]
fn a_component_is_what_its_manifest_says() {
    const WITH_SERVICE: &str = "name = \"a\"\nmemory_mib = 256\n[service]\nopen_requests_max = 2\n";
    let refusal = |component: &str, app: &str| build_from(component, app).unwrap_err().to_string();
    let job = refusal(COMPONENT, WITH_SERVICE);
    assert!(job.contains("it is a job") && job.contains("take [service] out of app.toml"), "{job}");
    let unannounced = refusal(&service(), "name = \"a\"");
    assert!(
        unannounced.contains("it answers requests") && unannounced.contains("give app.toml a [service]"),
        "{unannounced}"
    );

    let image = build_from(&service(), WITH_SERVICE).unwrap();
    let service = image.manifest().unwrap().service.unwrap();
    assert_eq!((service.port, service.open_requests_max, service.request_wall_ms), (8080, 2, 30_000));
    assert_eq!((service.request_body_bytes, service.response_body_bytes), (1 << 20, 16 << 20));
    assert_eq!((service.request_fuel, service.request_memory_bytes), (10_000_000_000, 16 << 20));
}

#[test]
fn every_open_request_takes_memory() {
    let needed = |table: &str| {
        let app =
            format!("name = \"a\"\nmemory_mib = 32\n[limits]\ncall_stack_bytes = 65536\n[service]\n{table}");
        match build_from(&service(), &app) {
            Err(BuildError::Component(RuntimeError::Memory { needed_bytes, network_bytes, .. })) => {
                needed_bytes - network_bytes
            }
            other => panic!("{:?}", other.map(drop)),
        }
    };
    let eight = needed("open_requests_max = 8\nrequest_memory_bytes = 2000000");
    let sixteen = needed("open_requests_max = 16\nrequest_memory_bytes = 2000000");
    let larger = needed("open_requests_max = 8\nrequest_memory_bytes = 2100000");
    let with_files =
        needed("open_requests_max = 8\nrequest_memory_bytes = 2000000\n[storage]\nfiles_bytes = 1000000");
    assert_eq!((larger - eight) % (8 * 100_000), 0, "each linear memory of each request");
    assert!(larger > eight);
    // Memories, stack, guard page and page table, and what the host keeps for it.
    assert!(sixteen - eight >= 8 * (2_000_000 + (2 << 16) + 2 * 4096 + (512 << 10)));
    assert_eq!(with_files - eight, 8 * 1_000_000);
}

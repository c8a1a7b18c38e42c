//! A folder with an image, from which guests are launched honestly or not.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use attestation_manifest::{HexDigest, parse_manifest};
use enclave_wire::boot::LogLevel;
use image_builder::{Image, ImageFile};
use loader_vmm::accel::{Accel, AccelChoice};
use loader_vmm::host::Tee;
use loader_vmm::{Guest, ImageFiles, LaunchConfig, Overrides, launch};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::ending::Ending;

/// How long anything may take that takes milliseconds when all is well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An image folder and a run folder of its own.
#[derive(Debug)]
pub(crate) struct Site {
    folder: TempDir,
    /// Whether it is a service's, whose requests are kept.
    pub(crate) is_service: bool,
    /// Whether what its program stores is kept.
    pub(crate) keeps_state: bool,
    /// How launches from here deviate from honest ones.
    pub(crate) overrides: Overrides,
}

impl Site {
    pub(crate) fn new(image: &Image) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        image.write(folder.path()).expect("the image is written");
        Self { folder, is_service: false, keeps_state: false, overrides: Overrides::default() }
    }

    /// From a copy of an image folder.
    pub(crate) fn of_folder(folder: &Path) -> Self {
        Self::new(&Image::load(folder).expect("the image is in order"))
    }

    /// With arguments at the end of QEMU's command line, where they replace earlier ones.
    pub(crate) fn with_qemu(mut self, arguments: &[&str]) -> Self {
        self.overrides.qemu_arguments = arguments.iter().map(Into::into).collect();
        self
    }

    /// With the guest's memory in a file that stays when the guest is gone.
    pub(crate) fn with_memory_file(self) -> Self {
        let manifest = fs::read(self.path().join(ImageFile::Manifest.name())).expect("the manifest is there");
        let memory_mib = parse_manifest(&manifest).expect("the manifest parses").memory_mib;
        let path = self.memory_file();
        let backend =
            format!("memory-backend-file,id=ram,size={memory_mib}M,mem-path={},share=on", path.display());
        let mut site = self;
        let arguments = ["-object", &backend, "-machine", "memory-backend=ram"].map(Into::into);
        site.overrides.qemu_arguments.extend(arguments);
        site
    }

    /// See [`Site::with_memory_file`]. Offsets are guest-physical addresses up to 2 GiB; what follows lies from 4 GiB
    /// on.
    pub(crate) fn memory_file(&self) -> PathBuf {
        self.path().join("memory")
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where the requests of a service are kept.
    pub(crate) fn kept_dir(&self) -> PathBuf {
        self.path().join("kept")
    }

    /// Where what the program stores is kept.
    pub(crate) fn state_file(&self) -> PathBuf {
        self.path().join("state")
    }

    pub(crate) fn run_dir(&self) -> PathBuf {
        self.path().join("run")
    }

    /// Changes a file behind the back of the reference values.
    pub(crate) fn change(&self, file: ImageFile, change: impl FnOnce(&mut Vec<u8>)) {
        let path = self.path().join(file.name());
        let mut bytes = fs::read(&path).expect("the file is there");
        change(&mut bytes);
        fs::write(&path, bytes).expect("the file is written");
    }

    /// Puts another artefact into the image and its hash into the manifest.
    pub(crate) fn replace_artefact(&self, artefact: &[u8]) {
        self.change(ImageFile::Artefact, |bytes| *bytes = artefact.to_vec());
        self.change(ImageFile::Manifest, |bytes| {
            let text = String::from_utf8(bytes.clone()).expect("the manifest is text");
            let old = parse_manifest(bytes).expect("the manifest parses").artefact.sha256.to_string();
            let new = HexDigest::<32>(Sha256::digest(artefact).into()).to_string();
            *bytes = text.replace(&old, &new).into_bytes();
        });
    }

    /// An honest launch, but for the overrides and for files that were changed.
    pub(crate) fn config(&self) -> LaunchConfig {
        LaunchConfig {
            image: ImageFiles::dangerous_unchecked(self.path()).expect("the image is read"),
            tee: Tee::Simulated,
            accel: AccelChoice::Only(Accel::Tcg),
            qemu: None,
            run_dir: self.run_dir(),
            chip_file: self.path().join("chip"),
            log_level: LogLevel::Debug,
            boot_timeout: PATIENCE,
            interrupted: Arc::default(),
            publish: self.is_service.then_some(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)),
            keep: self.is_service.then(|| self.kept_dir()),
            state: self.keeps_state.then(|| self.state_file()),
            overrides: self.overrides.clone(),
        }
    }

    /// A guest that is ready.
    #[track_caller]
    pub(crate) fn launch(&self) -> Guest {
        launch(&self.config()).unwrap_or_else(|error| panic!("{error}\n{}", self.log()))
    }

    /// How a guest ends that does not become ready.
    #[track_caller]
    pub(crate) fn failed_launch(&self) -> Ending {
        match launch(&self.config()) {
            Ok(_) => panic!("the guest became ready\n{}", self.log()),
            Err(error) => Ending::of_launch(&error, self.log()),
        }
    }

    /// How a guest that was ready ends by itself.
    #[track_caller]
    pub(crate) fn wait_end(&self, guest: &Guest) -> Ending {
        match guest.wait_end(PATIENCE) {
            Some(end) => Ending::of(&end, self.log()),
            None => panic!("the guest goes on\n{}", self.log()),
        }
    }

    /// What the guest has logged so far.
    pub(crate) fn log(&self) -> String {
        let bytes = fs::read(self.run_dir().join("guest.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

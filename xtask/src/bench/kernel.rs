//! Debian's cloud kernel, for the Linux guests.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::process::Tool;
use crate::setup;

/// Debian's name for the newest cloud kernel of the release.
const PACKAGE: &str = "linux-image-cloud-amd64";
/// The modules that make a virtio network device work, each after those that it needs.
const NETWORK_MODULES: [&str; 8] = [
    "drivers/virtio/virtio_ring.ko",
    "drivers/virtio/virtio.ko",
    "drivers/virtio/virtio_pci_modern_dev.ko",
    "drivers/virtio/virtio_pci_legacy_dev.ko",
    "drivers/virtio/virtio_pci.ko",
    "net/core/failover.ko",
    "drivers/net/net_failover.ko",
    "drivers/net/virtio_net.ko",
];

/// A kernel, unpacked and not installed.
#[derive(Debug)]
pub(super) struct Kernel {
    /// What QEMU starts.
    pub(super) image: PathBuf,
    /// Where the package's files are.
    root: PathBuf,
}

impl Kernel {
    /// Fetches it below `folder`, where it is not there yet.
    pub(super) fn fetch(folder: &Path) -> Result<Self> {
        let root = folder.join("kernel");
        if let Some(image) = find(&root.join("boot")) {
            return Ok(Self { image, root });
        }
        if setup::find_program("apt-get").is_none() || setup::find_program("dpkg-deb").is_none() {
            bail!(
                "the comparison needs apt-get and dpkg-deb to fetch Debian's kernel: run it on Debian or Ubuntu"
            );
        }
        let depends = Tool::new("apt-cache").args(["depends", PACKAGE]).ask().unwrap_or_default();
        let package = depends
            .lines()
            .find_map(|line| line.trim().strip_prefix("Depends: "))
            .filter(|name| name.starts_with("linux-image-"))
            .with_context(|| format!("apt knows no {PACKAGE}. Run: apt-get update"))?
            .to_owned();
        Tool::new("apt-get")
            .dir(folder)
            .args(["--quiet", "download", &package])
            .run("fetching Debian's cloud kernel")?;
        let archive = fs::read_dir(folder)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.extension().is_some_and(|end| end == "deb"))
            .context("apt-get downloaded nothing")?;
        let unpack = Tool::new("dpkg-deb").arg("--extract").arg(&archive).arg(&root);
        unpack.run("unpacking the kernel")?;
        let image = find(&root.join("boot"));
        let image = image.with_context(|| format!("{} holds no kernel", archive.display()))?;
        Ok(Self { image, root })
    }

    /// As Debian counts.
    pub(super) fn version(&self) -> String {
        self.image.file_name().unwrap_or_default().to_string_lossy().replace("vmlinuz-", "")
    }

    /// Drivers of the network device, in the order in which they can be loaded.
    pub(super) fn network_drivers(&self) -> Result<Vec<Vec<u8>>> {
        let modules = self.root.join("lib/modules").join(self.version()).join("kernel");
        let read = |module| {
            let path = modules.join(module);
            fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        NETWORK_MODULES.into_iter().map(read).collect()
    }
}

fn find(boot: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(boot).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    files
        .into_iter()
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz-")))
}

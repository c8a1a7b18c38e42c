//! Whether a host can protect guests: its processor and kernel, and its QEMU.

use std::fs::{self, OpenOptions};

use crate::error::LaunchError;
use crate::qemu::Qemu;

/// What one kind of protection needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hardware<'a> {
    /// Module parameter that says Y or 1 when processor, firmware and kernel agree.
    parameter: &'a str,
    /// Device that the kernel offers then.
    device: &'a str,
    /// Object with which QEMU launches such guests.
    object: &'a str,
    /// The first QEMU that has it, for messages.
    first_qemu: &'a str,
}

pub(crate) const SNP: Hardware<'_> = Hardware {
    parameter: "/sys/module/kvm_amd/parameters/sev_snp",
    device: "/dev/sev",
    object: "sev-snp-guest",
    first_qemu: "9.1",
};
pub(crate) const TDX: Hardware<'_> = Hardware {
    parameter: "/sys/module/kvm_intel/parameters/tdx",
    device: "/dev/kvm",
    object: "tdx-guest",
    first_qemu: "10.1",
};

impl Hardware<'_> {
    /// What there is, or what is missing. The kernel alone launches nothing: QEMU has to know how.
    pub(crate) fn look(&self, qemu: Result<&Qemu, &LaunchError>) -> Result<String, String> {
        self.look_at_kernel()?;
        let qemu = qemu.map_err(|error| format!("the hardware is there, but {error}"))?;
        let (major, minor) = qemu.version;
        let objects =
            qemu.help("object").map_err(|error| format!("{} -object help: {error}", qemu.path.display()))?;
        if objects.lines().any(|line| line.trim() == self.object) {
            return Ok(format!("{}, and {} of QEMU {major}.{minor}", self.device, self.object));
        }
        Err(format!(
            "the hardware is there, but QEMU {major}.{minor} has no {}: expected {} or later, built with KVM",
            self.object, self.first_qemu
        ))
    }

    fn look_at_kernel(&self) -> Result<(), String> {
        let parameter = self.parameter;
        match fs::read_to_string(parameter) {
            Ok(value) if matches!(value.trim(), "Y" | "1") => {}
            Ok(value) => return Err(format!("{parameter}: expected Y, found {}", value.trim())),
            Err(error) => return Err(format!("{parameter}: {error}")),
        }
        let opened = OpenOptions::new().read(true).write(true).open(self.device);
        opened.map(drop).map_err(|error| format!("{}: {error}", self.device))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::qemu::fake::fake_qemu;

    const LISTS_SNP: &str = r#"printf 'List of user creatable objects:\n  rng-random\n  sev-snp-guest\n'"#;
    const LISTS_NONE: &str =
        r#"printf 'List of user creatable objects:\n  sev-guest\n  not-sev-snp-guest\n'"#;

    #[test]
    fn the_kernel_alone_is_not_enough() {
        let folder = tempfile::tempdir().unwrap();
        let parameter = folder.path().join("parameter");
        let hardware = Hardware { parameter: parameter.to_str().unwrap(), device: "/dev/null", ..SNP };
        let look = |qemu: &Qemu| hardware.look(Ok(qemu));
        let new = fake_qemu(&folder.path().join("new"), "9.2.1", LISTS_SNP);
        let old = fake_qemu(&folder.path().join("old"), "7.2.0", LISTS_NONE);

        assert!(look(&new).unwrap_err().contains("parameter: No such file"), "{:?}", look(&new));
        fs::write(&parameter, "N\n").unwrap();
        assert!(look(&new).unwrap_err().contains("expected Y, found N"), "{:?}", look(&new));
        fs::write(&parameter, "Y\n").unwrap();
        assert_eq!(look(&new).unwrap(), "/dev/null, and sev-snp-guest of QEMU 9.2");
        let problem = look(&old).unwrap_err();
        assert!(problem.contains("QEMU 7.2 has no sev-snp-guest: expected 9.1 or later"), "{problem}");
        let missing = Qemu::find(Some(Path::new("no-such-qemu"))).unwrap_err();
        let problem = hardware.look(Err(&missing)).unwrap_err();
        assert!(problem.contains("no-such-qemu was not found"), "{problem}");
        let hardware = Hardware { device: "/no/such/device", ..hardware };
        assert!(hardware.look(Ok(&new)).unwrap_err().contains("/no/such/device"));
    }
}

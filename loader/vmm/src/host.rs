//! What this host can do.

use std::path::Path;

use serde::Serialize;

use crate::accel::{Accel, TRIAL_TIMEOUT, kvm_problem, try_guest};
use crate::error::{LaunchError, QEMU_REMEDY};
use crate::hardware::{SNP, TDX};
use crate::qemu::{Qemu, process};

/// What protects a guest from its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tee {
    /// AMD SEV-SNP.
    Snp,
    /// Intel TDX.
    Tdx,
    /// Nothing: the loader plays the secure processor.
    Simulated,
}

/// What the operator wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TeeChoice {
    /// Hardware if there is any; simulation only if that was allowed.
    #[default]
    Auto,
    /// This one or none.
    Only(Tee),
}

/// Whether `auto` may go without hardware.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Simulation {
    /// It may not.
    Refused,
    /// The operator said so in so many words.
    Allowed,
}

impl Tee {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Snp => "SEV-SNP",
            Self::Tdx => "TDX",
            Self::Simulated => "simulation",
        }
    }
}

impl TeeChoice {
    /// Settles on one, by what [`inspect`] says too.
    ///
    /// # Errors
    /// There is no hardware that this QEMU can use and simulation is refused.
    pub fn resolve(self, simulation: Simulation, qemu: Option<&Path>) -> Result<Tee, LaunchError> {
        if let Self::Only(tee) = self {
            return Ok(tee);
        }
        let qemu = Qemu::find(qemu);
        match (SNP.look(qemu.as_ref()), TDX.look(qemu.as_ref())) {
            (Ok(_), _) => Ok(Tee::Snp),
            (_, Ok(_)) => Ok(Tee::Tdx),
            _ if simulation == Simulation::Allowed => Ok(Tee::Simulated),
            (Err(snp), Err(tdx)) => Err(LaunchError::NoTee { snp, tdx }),
        }
    }
}

/// One thing that a host may have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Short name.
    pub name: &'static str,
    /// Whether it works.
    pub ok: bool,
    /// Whether a simulated guest needs it.
    pub required: bool,
    /// What was found.
    pub found: String,
    /// How to get it, when it is missing.
    pub remedy: Option<&'static str>,
}

/// Looks at everything that a launch may use. Starts up to two tiny guests to see whether they run.
#[must_use]
pub fn inspect(qemu: Option<&Path>) -> Vec<Finding> {
    let qemu = Qemu::find(qemu);
    let no_qemu = || "no QEMU to try it with".to_owned();
    let kvm = qemu.as_ref().map_or_else(|_| Some(no_qemu()), kvm_problem);
    let tcg = qemu
        .as_ref()
        .map_or_else(|_| Some(no_qemu()), |qemu| try_guest(qemu, Accel::Tcg, TRIAL_TIMEOUT).err());
    let network = qemu.as_ref().map_or_else(|_| Some(no_qemu()), network_problem);
    let found_qemu = qemu
        .as_ref()
        .map(|qemu| format!("{} version {}.{}", qemu.path.display(), qemu.version.0, qemu.version.1))
        .map_err(ToString::to_string);
    vec![
        finding("SEV-SNP", false, SNP.look(qemu.as_ref()), SNP_REMEDY),
        finding("TDX", false, TDX.look(qemu.as_ref()), TDX_REMEDY),
        finding("QEMU", true, found_qemu, QEMU_REMEDY),
        finding("KVM", false, runs(kvm), KVM_REMEDY),
        finding("TCG", true, runs(tcg), QEMU_REMEDY),
        finding("network", false, optional(network), NETWORK_REMEDY),
        finding("setpriv", false, setpriv(), SETPRIV_REMEDY),
    ]
}

const SNP_REMEDY: &str = "needs an EPYC 7003 or later with SNP on in the firmware, Linux 6.11 with kvm_amd.sev_snp=1, and QEMU 9.1; \
     --tee sim works without";
const TDX_REMEDY: &str = "needs a Xeon with TDX on in the firmware, Linux 6.16 with kvm_intel.tdx=1, and QEMU 10.1; --tee sim works without";
const KVM_REMEDY: &str =
    "turn on virtualisation in the firmware and join the kvm group; --accel tcg works without, slower";
const NETWORK_REMEDY: &str =
    "only images whose manifest lists egress need it: use a QEMU that was built with slirp (Debian's is)";
const SETPRIV_REMEDY: &str = "install util-linux, so that no guest outlives a loader that is killed";

fn finding(
    name: &'static str,
    required: bool,
    found: Result<String, String>,
    remedy: &'static str,
) -> Finding {
    let ok = found.is_ok();
    let (Ok(found) | Err(found)) = found;
    Finding { name, ok, required, found, remedy: (!ok).then_some(remedy) }
}

fn optional(problem: Option<String>) -> Result<String, String> {
    problem.map_or_else(|| Ok("available".to_owned()), Err)
}

fn runs(problem: Option<String>) -> Result<String, String> {
    problem.map_or_else(|| Ok("a trial guest ran".to_owned()), Err)
}

fn setpriv() -> Result<String, String> {
    match process::find_setpriv() {
        Some(path) => Ok(path.display().to_string()),
        None => Err("not found in PATH".to_owned()),
    }
}

/// User networking is a build option of QEMU.
fn network_problem(qemu: &Qemu) -> Option<String> {
    match qemu.help("netdev") {
        Ok(backends) if backends.lines().any(|line| line.trim() == "user") => None,
        Ok(_) => Some("qemu -netdev help does not list user networking".to_owned()),
        Err(error) => Some(format!("qemu -netdev help: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qemu::fake::fake_qemu;

    #[test]
    fn what_is_missing_comes_with_a_remedy() {
        for finding in inspect(Some(Path::new("no-such-qemu"))) {
            assert_eq!(finding.ok, finding.remedy.is_none(), "{finding:?}");
            assert!(!finding.found.is_empty());
            let is_required = matches!(finding.name, "QEMU" | "TCG");
            assert_eq!(finding.required, is_required, "{finding:?}");
            assert!(!finding.ok || finding.name == "setpriv", "{finding:?}");
        }
    }

    #[test]
    fn auto_never_simulates_unasked() {
        // A QEMU that knows neither object: whatever the hardware, nothing is protected here.
        let folder = tempfile::tempdir().unwrap();
        let qemu = fake_qemu(&folder.path().join("qemu"), "8.0", "echo sev-guest");
        let resolve = |choice: TeeChoice, simulation| choice.resolve(simulation, Some(&qemu.path));
        let refused = resolve(TeeChoice::Auto, Simulation::Refused).unwrap_err();
        assert!(matches!(refused, LaunchError::NoTee { .. }), "{refused}");
        assert_eq!(resolve(TeeChoice::Auto, Simulation::Allowed).unwrap(), Tee::Simulated);
        assert_eq!(resolve(TeeChoice::Only(Tee::Simulated), Simulation::Refused).unwrap(), Tee::Simulated);
        assert_eq!(resolve(TeeChoice::Only(Tee::Snp), Simulation::Allowed).unwrap(), Tee::Snp);
    }
}

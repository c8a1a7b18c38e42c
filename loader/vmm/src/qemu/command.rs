//! The QEMU command line of a simulated guest.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use enclave_wire::boot::{
    DEBUG_EXIT_PORT, FW_CFG_ARTEFACT, FW_CFG_COMPONENT, FW_CFG_LOG_LEVEL, FW_CFG_MANIFEST, FW_CFG_STATE,
    LogLevel,
};
use enclave_wire::layout::{LOW_RAM_END_GPA, SECRETS_PAGE_GPA};

use crate::accel::Accel;
use crate::launch::NetworkDevice;

/// What the command line says.
#[derive(Debug)]
pub(crate) struct Machine<'a> {
    pub(crate) accel: Accel,
    pub(crate) memory_mib: u32,
    pub(crate) rom: &'a Path,
    pub(crate) manifest: &'a Path,
    pub(crate) component: &'a Path,
    pub(crate) artefact: &'a Path,
    /// What an earlier guest stored; `None` where there is nothing.
    pub(crate) state: Option<&'a Path>,
    pub(crate) sim_secrets: &'a Path,
    pub(crate) log_level: LogLevel,
    /// Socket on which the loader waits for the control stream.
    pub(crate) control_socket: &'a Path,
    pub(crate) network: NetworkDevice,
    /// fw_cfg files to leave out, by name.
    pub(crate) omitted_files: &'a [String],
    pub(crate) extra_arguments: &'a [OsString],
}

impl Machine<'_> {
    /// The arguments after the program's name.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let mut arguments = Arguments(Vec::new());
        self.add_board(&mut arguments);
        self.add_sockets(&mut arguments);
        if self.network != NetworkDevice::Absent {
            let forward = match self.network {
                NetworkDevice::Published { address, port } => format!(",hostfwd=tcp:{address}-:{port}"),
                _ => String::new(),
            };
            arguments.pair("-netdev", &format!("user,id=net{forward}"));
            arguments.pair("-device", "virtio-net-pci,netdev=net,disable-legacy=on,romfile=");
        }
        self.add_files(&mut arguments);
        let secrets = format!("loader,addr={SECRETS_PAGE_GPA:#x},force-raw=on,file=");
        arguments.with_path("-device", &secrets, self.sim_secrets);
        arguments.0.extend_from_slice(self.extra_arguments);
        arguments.0
    }

    fn add_board(&self, arguments: &mut Arguments) {
        let accel = self.accel.name();
        arguments.pair("-machine", &format!("q35,accel={accel},max-ram-below-4g={LOW_RAM_END_GPA}"));
        arguments.pair("-cpu", "max");
        arguments.pair("-m", &format!("{}M", self.memory_mib));
        arguments.pair("-smp", "1");
        for flag in ["-nodefaults", "-no-user-config", "-no-reboot"] {
            arguments.flag(flag);
        }
        arguments.pair("-display", "none");
        arguments.flag("-bios");
        arguments.0.push(self.rom.into());
        arguments.pair("-device", &format!("isa-debug-exit,iobase={DEBUG_EXIT_PORT:#x},iosize=4"));
    }

    fn add_sockets(&self, arguments: &mut Arguments) {
        arguments.pair("-chardev", "stdio,id=log,signal=off");
        arguments.pair("-serial", "chardev:log");
        arguments.with_path("-chardev", "socket,id=control,path=", self.control_socket);
        arguments.pair("-device", "virtio-serial-pci,disable-legacy=on,max_ports=2");
        // Not a virtconsole: QEMU drops output that it cannot write to the socket at once.
        arguments.pair("-device", "virtserialport,nr=1,chardev=control");
    }

    fn add_files(&self, arguments: &mut Arguments) {
        let files = [
            (FW_CFG_MANIFEST, self.manifest),
            (FW_CFG_COMPONENT, self.component),
            (FW_CFG_ARTEFACT, self.artefact),
        ];
        let is_wanted = |name: &str| !self.omitted_files.iter().any(|omitted| omitted == name);
        let state = self.state.map(|path| (FW_CFG_STATE, path));
        for (name, path) in files.into_iter().chain(state).filter(|(name, _)| is_wanted(name)) {
            arguments.with_path("-fw_cfg", &format!("name={name},file="), path);
        }
        if is_wanted(FW_CFG_LOG_LEVEL) {
            let digit = char::from(self.log_level.digit());
            arguments.pair("-fw_cfg", &format!("name={FW_CFG_LOG_LEVEL},string={digit}"));
        }
    }
}

struct Arguments(Vec<OsString>);

impl Arguments {
    fn flag(&mut self, flag: &str) {
        self.0.push(flag.into());
    }

    fn pair(&mut self, flag: &str, value: &str) {
        self.flag(flag);
        self.flag(value);
    }

    fn with_path(&mut self, flag: &str, prefix: &str, path: &Path) {
        self.flag(flag);
        let mut value = OsString::from(prefix);
        value.push(double_commas(path.as_os_str()));
        self.0.push(value);
    }
}

/// QEMU's option parser ends a value at a comma, and reads two as one.
fn double_commas(text: &OsStr) -> OsString {
    let mut doubled = Vec::with_capacity(text.len());
    for byte in text.as_bytes() {
        doubled.push(*byte);
        if *byte == b',' {
            doubled.push(b',');
        }
    }
    OsString::from_vec(doubled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(path: &Path) -> Machine<'_> {
        Machine {
            accel: Accel::Tcg,
            memory_mib: 96,
            rom: path,
            manifest: path,
            component: path,
            artefact: path,
            state: None,
            sim_secrets: path,
            log_level: LogLevel::Debug,
            control_socket: path,
            network: NetworkDevice::Absent,
            omitted_files: &[],
            extra_arguments: &[],
        }
    }

    fn line(machine: &Machine<'_>) -> String {
        let arguments = machine.arguments();
        let line: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
        line.join(" ")
    }

    #[test]
    fn a_state_is_given_where_there_is_one() {
        let mut machine = machine(Path::new("/a"));
        assert!(!line(&machine).contains("opt/redoubt/state"));
        machine.state = Some(Path::new("/s,t"));
        assert!(line(&machine).contains("-fw_cfg name=opt/redoubt/state,file=/s,,t"), "{}", line(&machine));
    }

    #[test]
    fn a_service_is_reached_where_it_is_published() {
        let address = "127.0.0.1:8080".parse().unwrap();
        let network = NetworkDevice::Published { address, port: 80 };
        let line = line(&Machine { network, ..machine(Path::new("/tmp/a")) });
        assert!(line.contains("-netdev user,id=net,hostfwd=tcp:127.0.0.1:8080-:80 "), "{line}");
    }

    #[test]
    fn files_can_be_left_out_and_commas_survive() {
        let line = line(&Machine {
            omitted_files: &[FW_CFG_ARTEFACT.to_owned()],
            extra_arguments: &["-S".into()],
            ..machine(Path::new("/tmp/a,b"))
        });
        assert!(
            line.starts_with("-machine q35,accel=tcg,max-ram-below-4g=2147483648 -cpu max -m 96M"),
            "{line}"
        );
        assert!(line.contains("-bios /tmp/a,b "), "{line}");
        assert!(line.contains("name=opt/redoubt/manifest,file=/tmp/a,,b "), "{line}");
        assert!(line.contains("name=opt/redoubt/log-level,string=4"), "{line}");
        assert!(!line.contains(FW_CFG_ARTEFACT) && line.ends_with(" -S"), "{line}");
        // Whoever may talk to a monitor controls the guest, and nobody needs to.
        assert!(!line.contains("-mon") && !line.contains("-qmp"), "{line}");
        assert!(!line.contains("net"), "{line}");
    }
}

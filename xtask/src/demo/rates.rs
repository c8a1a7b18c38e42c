//! The demo's job that asks somebody: expenses, at rates that the guest fetches over HTTPS, with a receipt of that.
//!
//! On any machine, and without anybody elsewhere: an HTTPS server with an authority of its own, and three servers of
//! Roughtime, run in our own process. The manifest names exactly them, as one in earnest would name others.

use core::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tests_servers::{AppTomlParts, Authority, Behaviour, Clock, HttpsServer, TimeServer, UdpTimeServer};

use super::guest::Guest;
use super::job::{Job, Summary};
use super::{Programs, succeed};
use crate::component;
use crate::image::{self, Source};
use crate::process::Tool;
use crate::workspace::Workspace;

const EXAMPLE: &str = "examples/rate-report";
/// Where QEMU's user networking shows the guest this machine's loopback.
const HOST: &str = "10.0.2.2";
const RATES: &str = r#"{"base":"EUR","date":"2026-11-27","rates":{"CHF":"0.9312","GBP":"0.8331","USD":"1.0842"}}
"#;
const EXPENSES: &str = "date,what,amount,currency
2026-11-23,\"Train, there and back\",89.90,EUR
2026-11-24,\"Hotel, two nights\",240.00,GBP
2026-11-25,Taxi,54.21,USD
2026-11-25,\"Taxi, paid back\",-5.421,USD
2026-11-26,Lunch,27.50,CHF
";

const REPORT: Summary = Summary {
    title: "expenses at the rates of the server",
    members: &["complete", "rates", "period", "expenses", "malformed_lines", "total"],
    list: "currencies",
};

/// Starts the servers, builds an image for them into `folder`, runs the job, stops the guest, and verifies claim and
/// receipt.
pub(super) fn run(workspace: &Workspace, programs: &Programs, folder: &Path) -> Result<()> {
    let servers = Servers::start();
    println!("\n{servers}\n");
    let files = Files::new(folder)?;
    files.write(&servers.app_toml())?;
    let source = Source {
        component: component::build(workspace, &workspace.path(EXAMPLE))?,
        manifest: files.app.clone(),
    };
    println!("{}", image::build(workspace, Some(source), &files.job.dist)?);

    let guest = Guest::start(programs, &files.job.dist)?;
    succeed("redoubt job", files.job.start(&guest).arg("--receipts").arg(&files.receipts))?;
    guest.stop()?;
    // What follows is between files: whoever checks a receipt asks nobody.
    drop(servers);
    succeed("redoubt-verify check", files.job.check(programs)).context("the claim was refused")?;
    succeed("redoubt-verify receipt", files.check_receipt(programs)).context("the receipt was refused")?;
    REPORT.print(&files.job.output)?;
    println!("{}", files.job);
    println!("receipts   {}", files.receipts.display());
    Ok(())
}

/// Whom the guest asks. They end when this is dropped.
struct Servers {
    authority: Authority,
    rates: HttpsServer,
    times: [UdpTimeServer; 3],
}

impl Servers {
    fn start() -> Self {
        let authority = Authority::new();
        let response = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{RATES}",
            RATES.len()
        );
        let rates = HttpsServer::start(&authority, Behaviour::honest(HOST, response.as_bytes()));
        let times = [1, 2, 3].map(|number| TimeServer::new(number, Clock::Off(0)).start());
        Self { authority, rates, times }
    }

    fn url(&self) -> String {
        format!("https://{HOST}:{}/rates.json", self.rates.port())
    }

    /// What the guest may ask, and whom it believes.
    fn app_toml(&self) -> String {
        let AppTomlParts { keys, tls } = AppTomlParts::new(HOST, &self.rates, &self.authority, &self.times);
        format!(
            "# Written by `cargo xtask demo` for servers that ran as long as it did. {EXAMPLE}/app.toml says more.
name = \"rate-report\"
memory_mib = 128
args = [\"{}\"]
{keys}
{tls}",
            self.url()
        )
    }
}

impl fmt::Display for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ports = self.times.each_ref().map(|time| time.port().to_string()).join(", ");
        writeln!(f, "rates      {}, as the guest sees this machine", self.url())?;
        write!(f, "time       three servers of Roughtime, ports {ports}")
    }
}

struct Files {
    app: PathBuf,
    expenses: PathBuf,
    receipts: PathBuf,
    job: Job,
}

impl Files {
    fn new(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let expenses = folder.join("expenses.csv");
        let job = Job::new(folder, folder.join("dist"), expenses.clone());
        Ok(Self { app: folder.join("app.toml"), expenses, receipts: folder.join("receipts"), job })
    }

    fn write(&self, app: &str) -> Result<()> {
        for (file, text) in [(&self.app, app), (&self.expenses, EXPENSES)] {
            fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
        }
        // Of an earlier demo, whose receipts must not pass for those of this one.
        match fs::remove_dir_all(&self.receipts) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", self.receipts.display()))
            }
            _ => Ok(()),
        }
    }

    /// The first and only receipt, with the proofs that it is neither older nor younger, against the claim's evidence and
    /// the image.
    fn check_receipt(&self, programs: &Programs) -> Tool {
        let check = Tool::new(&programs.verify).arg("receipt").arg(self.receipts.join("receipt-1.cbor"));
        let check = check.arg("--time").arg(self.receipts.join("time-1.cbor"));
        let check = check.arg("--time").arg(self.receipts.join("time-2.cbor"));
        let check = check.arg("--commitment").arg(self.receipts.join("commitment-1.cbor"));
        let check = check.arg("--evidence").arg(&self.job.claim);
        check.arg("--reference").arg(self.job.reference()).arg("--allow-simulated")
    }
}

#[cfg(test)]
mod tests {
    use image_builder::AppToml;

    use super::*;

    #[test]
    fn the_manifest_names_the_servers_that_run() {
        let servers = Servers::start();
        let app = AppToml::parse(&servers.app_toml()).unwrap();
        assert_eq!(app.args, [servers.url()]);
        assert_eq!((app.egress.len(), app.egress[0].port), (1, servers.rates.port()));
        assert_eq!(app.tls.hosts[0].host, HOST);
        let ports: Vec<u16> = app.time.iter().map(|time| time.port).collect();
        assert_eq!(ports, servers.times.each_ref().map(UdpTimeServer::port));
    }

    #[test]
    fn receipts_of_an_earlier_demo_are_gone() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::new(&folder.path().join("rates")).unwrap();
        files.write("").unwrap();
        fs::create_dir(&files.receipts).unwrap();
        fs::write(files.receipts.join("receipt-1.cbor"), "old").unwrap();
        files.write("").unwrap();
        assert!(!files.receipts.exists() && files.expenses.is_file());
    }
}

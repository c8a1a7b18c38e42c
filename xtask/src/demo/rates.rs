//! The demo's job that asks somebody: expenses, at rates that the guest fetches over HTTPS, with a receipt of that.
//!
//! On any machine, and without anybody elsewhere: an HTTPS server with an authority of its own, and three servers of
//! Roughtime, run in our own process. The manifest names exactly them, as one in earnest would name others. With a URL of
//! the user's the rates come from there, under the authorities that Mozilla lists; the time is still our own.

use core::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use attestation_connect::ServiceUrl;
use tests_servers::{
    AppTomlParts, Authority, Behaviour, Clock, HttpsServer, TimeServer, UdpTimeServer, time_servers,
};

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
pub(super) fn run(
    workspace: &Workspace,
    programs: &Programs,
    folder: &Path,
    url: Option<String>,
) -> Result<()> {
    let servers = Servers::start(url);
    println!("\n{servers}\n");
    let files = Files::new(folder)?;
    files.write(&servers.app_toml()?)?;
    let source = Source {
        component: component::build(workspace, &workspace.path(EXAMPLE))?,
        manifest: files.app.clone(),
    };
    println!("{}", image::build(workspace, Some(source), &files.job.dist)?);

    let guest = Guest::start(programs, &files.job.dist, &[])?;
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
    /// Where the rates are, if not at ours.
    elsewhere: Option<String>,
}

impl Servers {
    fn start(elsewhere: Option<String>) -> Self {
        let authority = Authority::new();
        let response = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{RATES}",
            RATES.len()
        );
        let rates = HttpsServer::start(&authority, Behaviour::honest(HOST, response.as_bytes()));
        let times = [1, 2, 3].map(|number| TimeServer::new(number, Clock::Off(0)).start());
        Self { authority, rates, times, elsewhere }
    }

    fn url(&self) -> String {
        self.elsewhere.clone().unwrap_or_else(|| format!("https://{HOST}:{}/rates.json", self.rates.port()))
    }

    /// What the guest may ask, and whom it believes.
    fn app_toml(&self) -> Result<String> {
        let AppTomlParts { keys, tls } = match &self.elsewhere {
            Some(url) => self.elsewhere(url)?,
            None => AppTomlParts::new(HOST, &self.rates, &self.authority, &self.times),
        };
        Ok(format!(
            "# Written by `cargo xtask demo` for servers that ran as long as it did. {EXAMPLE}/app.toml says more.
name = \"rate-report\"
memory_mib = 128
args = [\"{}\"]
{keys}
{tls}",
            self.url()
        ))
    }

    /// The one server of this URL, as Mozilla's authorities know it.
    fn elsewhere(&self, url: &str) -> Result<AppTomlParts> {
        let origin = url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
        let origin: ServiceUrl =
            origin.split('?').next().unwrap_or_default().parse().context("--rates-url")?;
        let (host, port) = (origin.host().to_lowercase(), origin.port());
        let times = time_servers(HOST, &self.times);
        Ok(AppTomlParts {
            keys: format!("egress = [{{ host = \"{host}\", port = {port}, methods = [\"GET\"] }}]\n{times}"),
            tls: "[tls]\nroots = \"mozilla\"\n".to_owned(),
        })
    }
}

impl fmt::Display for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ports = self.times.each_ref().map(|time| time.port().to_string()).join(", ");
        let whose = if self.elsewhere.is_some() { "elsewhere" } else { "as the guest sees this machine" };
        writeln!(f, "rates      {}, {whose}", self.url())?;
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
        let servers = Servers::start(None);
        let app = AppToml::parse(&servers.app_toml().unwrap()).unwrap();
        assert_eq!(app.args, [servers.url()]);
        assert_eq!((app.egress.len(), app.egress[0].port), (1, servers.rates.port()));
        assert_eq!(app.tls.hosts[0].host, HOST);
        let ports: Vec<u16> = app.time.iter().map(|time| time.port).collect();
        assert_eq!(ports, servers.times.each_ref().map(UdpTimeServer::port));
    }

    #[test]
    fn a_url_of_the_users_is_the_only_one_that_is_asked() {
        let url = "https://API.example.org:8443/v1/latest?base=EUR";
        let servers = Servers::start(Some(url.to_owned()));
        let app = AppToml::parse(&servers.app_toml().unwrap()).unwrap();
        assert_eq!(app.args, [url]);
        let rule = &app.egress[0];
        assert_eq!((app.egress.len(), rule.host.as_str(), rule.port), (1, "api.example.org", 8443));
        assert!(app.tls.hosts.is_empty());
        let query = Servers::start(Some("https://a.example?base=EUR".to_owned()));
        assert_eq!(AppToml::parse(&query.app_toml().unwrap()).unwrap().egress[0].port, 443);
        for bad in ["http://a.example/", "a.example", "https://", ""] {
            assert!(Servers::start(Some(bad.to_owned())).app_toml().is_err(), "{bad}");
        }
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

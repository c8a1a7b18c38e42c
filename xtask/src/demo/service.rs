//! The demo's service: its TLS ends in the guest, which proves that to a client that knows nothing of proofs.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::guest::Guest;
use super::{Programs, succeed};
use crate::component;
use crate::image::{self, Source};
use crate::process::Tool;
use crate::workspace::Workspace;

const EXAMPLE: &str = "examples/notary-service";
const DOCUMENT: &str = "I owe you ten euros.";
/// What `connect` says before its address.
const ANNOUNCEMENT: &str = "listening on http://";

/// Builds an image of the notary into `folder`, runs it, and has it certify a document, over a connection that is proven to
/// end in the guest.
pub(super) fn run(workspace: &Workspace, programs: &Programs, folder: &Path) -> Result<()> {
    let dist = folder.join("dist");
    fs::create_dir_all(&dist).with_context(|| format!("cannot create {}", dist.display()))?;
    let example = workspace.path(EXAMPLE);
    let component = component::build(workspace, &example)?;
    let source = Source { component, manifest: example.join("app.toml") };
    println!("\n{}", image::build(workspace, Some(source), &dist)?);

    let address = Guest::free_address()?;
    let guest = Guest::start(programs, &dist, &["--publish", &address])?;
    let answer = ask(programs, &dist, &address);
    guest.stop()?;
    let answer = answer?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "the notary does not certify: {answer}");
    println!("\nwhat the notary says of {DOCUMENT:?}, under TLS that is proven to end in the guest");
    println!("  {}", answer.lines().last().unwrap_or_default());
    Ok(())
}

fn ask(programs: &Programs, dist: &Path, address: &str) -> Result<String> {
    let url = format!("https://{address}");
    let reference = dist.join("reference-values.json");
    let check = Tool::new(&programs.verify).arg("connect").arg(&url).arg("--reference").arg(&reference);
    succeed("redoubt-verify connect", check.arg("--allow-simulated").arg("--check-only"))?;
    let door = Door::open(programs, &url, &reference)?;
    let request = format!(
        "POST /documents HTTP/1.1\r\nhost: notary\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{DOCUMENT}",
        DOCUMENT.len()
    );
    println!("\n$ curl --data '{DOCUMENT}' http://{}/documents", door.address);
    let mut client = TcpStream::connect(&door.address).context("connect has no open port")?;
    client.write_all(request.as_bytes()).context("the document was not sent")?;
    let mut answer = String::new();
    client.read_to_string(&mut answer).context("the notary's answer has no end")?;
    Ok(answer)
}

/// The port that leads to the guest, open until this is dropped.
struct Door {
    child: Child,
    address: String,
}

impl Door {
    fn open(programs: &Programs, url: &str, reference: &Path) -> Result<Self> {
        let mut command = Command::new(&programs.verify);
        command.arg("connect").arg(url).arg("--reference").arg(reference).arg("--allow-simulated");
        let mut child =
            command.stdout(Stdio::piped()).spawn().context("cannot start redoubt-verify connect")?;
        let told = child.stdout.take().context("redoubt-verify connect says nothing")?;
        let mut door = Self { child, address: String::new() };
        for line in BufReader::new(told).lines() {
            let line = line.context("redoubt-verify connect cannot be read")?;
            if let Some((_, address)) = line.split_once(ANNOUNCEMENT) {
                address.trim().clone_into(&mut door.address);
                break;
            }
        }
        ensure!(!door.address.is_empty(), "redoubt-verify connect opened no port");
        Ok(door)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let _ended = (self.child.kill(), self.child.wait());
    }
}

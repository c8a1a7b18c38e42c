//! A server that imitates KDS, PCS and the RIM service with the shared evidence, or misbehaves as a test wants.
//!
//! Plain HTTP on the loopback interface, one answer per connection.

use core::net::SocketAddr;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha256};

/// What is answered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// Bytes that `Content-Length` claims; as many as there are, without.
    pub(crate) claimed: Option<usize>,
    /// Pause before each byte of the body.
    pub(crate) drip: Duration,
}

impl Reply {
    pub(crate) fn ok(kind: &str, body: Vec<u8>) -> Self {
        Self { status: 200, headers: vec![("Content-Type", kind.to_owned())], body, ..Self::default() }
    }

    pub(crate) fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn send(&self, stream: &mut TcpStream) -> std::io::Result<()> {
        let mut head = format!("HTTP/1.1 {} x\r\nConnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("Content-Length: {}\r\n\r\n", self.claimed.unwrap_or(self.body.len()));
        stream.write_all(head.as_bytes())?;
        if self.drip.is_zero() {
            return stream.write_all(&self.body);
        }
        for byte in &self.body {
            thread::sleep(self.drip);
            stream.write_all(&[*byte])?;
        }
        Ok(())
    }
}

type Handler = dyn Fn(&str, usize) -> Reply + Send + Sync;

/// Answers until it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// `handler` gets path with parameters, and how many requests came before.
    pub(crate) fn start(handler: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, over) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let (heard, is_over, handler): (_, _, Arc<Handler>) =
            (Arc::clone(&asked), Arc::clone(&over), Arc::new(handler));
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
                let (stream, heard, handler) = (stream.unwrap(), Arc::clone(&heard), Arc::clone(&handler));
                thread::spawn(move || serve(stream, &heard, &*handler));
            }
        });
        Self { address, asked, over, thread: Some(thread) }
    }

    /// `http://127.0.0.1:PORT`
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Paths that were asked for, in their order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().unwrap().join();
    }
}

fn serve(mut stream: TcpStream, heard: &Mutex<Vec<String>>, handler: &Handler) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let Some(Ok(first)) = lines.next() else { return };
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
    let before = {
        let mut heard = heard.lock().unwrap();
        heard.push(path.clone());
        heard.len() - 1
    };
    // The client may have gone away, as it should from a slow or endless answer.
    let _ = handler(&path, before).send(&mut stream);
}

/// What the vendors answer, by path.
#[derive(Debug, Clone, Default)]
pub(crate) struct Vendors(pub(crate) BTreeMap<String, Reply>);

pub(crate) const FMSPC: &str = "90c06f000000";
pub(crate) const RIM: &str = "NV_GPU_VBIOS_G520_0200_885_9600740001";

impl Vendors {
    /// As of spring 2026, with AMD's list of 2022. `None` where there are no fixtures.
    pub(crate) fn from_fixtures() -> Option<Self> {
        let folder = tests_needs::fixture("")?;
        let mut vendors = Self::default();
        vendors.add_amd(&folder.join("snp"));
        vendors.add_intel(&folder.join("tdx"));
        let manifest = read(&folder.join("nvidia/rims/g520_0200_885_9600740001_PROD.swidtag"));
        vendors.add(&format!("/v1/rim/{RIM}"), Reply::ok("application/json", rim_answer(RIM, &manifest)));
        Some(vendors)
    }

    /// The handler of a server that behaves.
    pub(crate) fn handler(self) -> impl Fn(&str, usize) -> Reply + Send + Sync + 'static {
        move |path, _| self.get(path)
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.0.get(path).cloned().unwrap_or(Reply::status(404))
    }

    pub(crate) fn add(&mut self, path: &str, reply: Reply) {
        self.0.insert(path.to_owned(), reply);
    }

    fn add_amd(&mut self, folder: &Path) {
        let der = |path: &str| read(&folder.join(path));
        for (line, lower) in [("Milan", "milan"), ("Genoa", "genoa"), ("Turin", "turin")] {
            let [ark, ask, asvk] =
                ["ark", "ask", "asvk"].map(|name| der(&format!("certs/{lower}/{name}.der")));
            let chain = |authority: &[u8]| Reply::ok("application/x-pem-file", pem(&[authority, &ark]));
            self.add(&format!("/vcek/v1/{line}/cert_chain"), chain(&ask));
            self.add(&format!("/vlek/v1/{line}/cert_chain"), chain(&asvk));
        }
        let list = der("milan-v2-idblock/milan-2022-05.crl.der");
        self.add("/vcek/v1/Milan/crl", Reply::ok("application/pkix-crl", list));
        // Addresses are written down here a second time, not taken from the code under test.
        for name in ["milan-v3-azure", "milan-v2-idblock"] {
            let report = der(&format!("{name}/report.bin"));
            let (id, tcb) = (hex(&report[0x1A0..0x1E0]), &report[0x180..0x188]);
            let [boot_loader, tee, .., snp, microcode] = tcb else { panic!("a TCB has eight bytes") };
            let parameters = format!("blSPL={boot_loader}&teeSPL={tee}&snpSPL={snp}&ucodeSPL={microcode}");
            let reply = Reply::ok("application/octet-stream", der(&format!("{name}/vcek.der")));
            self.add(&format!("/vcek/v1/Milan/{id}?{parameters}"), reply);
        }
        let report = der("turin-v5-azure/report.bin");
        let (id, tcb) = (hex(&report[0x1A0..0x1A8]), &report[0x180..0x188]);
        let [fmc, boot_loader, tee, snp, .., microcode] = tcb else { panic!("a TCB has eight bytes") };
        let parameters =
            format!("fmcSPL={fmc}&blSPL={boot_loader}&teeSPL={tee}&snpSPL={snp}&ucodeSPL={microcode}");
        let reply = Reply::ok("application/octet-stream", der("turin-v5-azure/vcek.der"));
        self.add(&format!("/vcek/v1/Turin/{id}?{parameters}"), reply);
    }

    fn add_intel(&mut self, folder: &Path) {
        let file = |name: &str| read(&folder.join("collateral-2026-03").join(name));
        let chain = percent(&file("tcb_signing_chain.pem"));
        let collateral: serde_json::Value =
            serde_json::from_slice(&read(&folder.join("dq-uptodate/collateral.json"))).unwrap();
        let pck_chain = percent(collateral["pck_crl_issuer_chain"].as_str().unwrap().as_bytes());
        let json = |name: &str| Reply::ok("application/json", file(name));
        let list = |name: &str| Reply::ok("application/pkix-crl", file(name));
        let tcb_info = json("tcb_info_90c06f000000.json").with("TCB-Info-Issuer-Chain", chain.clone());
        self.add(&format!("/tdx/certification/v4/tcb?fmspc={FMSPC}"), tcb_info);
        let identity = json("td_qe_identity.json").with("SGX-Enclave-Identity-Issuer-Chain", chain);
        self.add("/tdx/certification/v4/qe/identity", identity);
        let pck = list("pck_crl_platform.der").with("SGX-PCK-CRL-Issuer-Chain", pck_chain);
        self.add("/sgx/certification/v4/pckcrl?ca=platform&encoding=der", pck);
        self.add("/IntelSGXRootCA.der", list("root_ca_crl.der"));
    }
}

pub(crate) fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// JSON of the RIM service.
pub(crate) fn rim_answer(id: &str, manifest: &[u8]) -> Vec<u8> {
    let digest = hex(&Sha256::digest(manifest));
    let rim = Base64::encode_string(manifest);
    serde_json::json!({"id": id, "rim": rim, "sha256": digest, "rim_format": "TCG"}).to_string().into_bytes()
}

fn pem(certificates: &[&[u8]]) -> Vec<u8> {
    let mut text = String::new();
    for der in certificates {
        text += "-----BEGIN CERTIFICATE-----\n";
        for line in Base64::encode_string(der).as_bytes().chunks(64) {
            text += core::str::from_utf8(line).unwrap();
            text += "\n";
        }
        text += "-----END CERTIFICATE-----\n";
    }
    text.into_bytes()
}

/// As PCS encodes headers.
fn percent(text: &[u8]) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.iter()
        .map(|byte| if is_plain(*byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

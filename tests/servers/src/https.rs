//! A server of HTTPS that says one thing.

use core::net::Ipv4Addr;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, ServerConnection, SupportedProtocolVersion};

/// How long a client may take with anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// An authority that vouches for whatever a test wants.
#[derive(Debug)]
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// How a server behaves.
#[derive(Debug, Clone)]
pub struct Behaviour {
    /// Names and addresses in its certificate.
    pub names: Vec<String>,
    /// Years between which that is valid: from the first of January of the one to that of the other.
    pub years: (i32, i32),
    /// TLS 1.3 and 1.2, or 1.2 alone.
    pub only_tls12: bool,
    /// What it answers to every request.
    pub response: Vec<u8>,
    /// Requests that it answers on a connection, before it ends it; they have no bodies.
    pub answers: usize,
    /// Ends the stream without a word of TLS.
    pub cuts_off: bool,
}

/// A server without a network: it turns bytes into bytes.
#[derive(Debug)]
pub struct MemoryServer {
    connection: ServerConnection,
    heads: Vec<u8>,
    answered: usize,
    behaviour: Behaviour,
}

/// A server on a port, until it is dropped.
#[derive(Debug)]
pub struct HttpsServer {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
    is_stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Authority {
    /// A new one.
    #[must_use]
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("randomness");
        Self(CertifiedIssuer::self_signed(params, key).expect("it signs itself"))
    }

    /// Its certificate.
    #[must_use]
    pub fn der(&self) -> Vec<u8> {
        self.0.der().to_vec()
    }

    /// Likewise, as manifests of authors have it.
    #[must_use]
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    fn server_config(&self, behaviour: &Behaviour) -> ServerConfig {
        let mut params = CertificateParams::new(behaviour.names.clone()).expect("names");
        params.not_before = date_time_ymd(behaviour.years.0, 1, 1);
        params.not_after = date_time_ymd(behaviour.years.1, 1, 1);
        let key = KeyPair::generate().expect("randomness");
        let certificate = params.signed_by(&key, &self.0).expect("the authority signs");
        let versions: &[&SupportedProtocolVersion] =
            if behaviour.only_tls12 { &[&TLS12] } else { &[&TLS13, &TLS12] };
        ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(versions)
            .expect("versions of the provider")
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .expect("key and certificate belong together")
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Behaviour {
    /// An honest server of this name.
    #[must_use]
    pub fn honest(name: &str, response: &[u8]) -> Self {
        Self {
            names: vec![name.to_owned()],
            years: (2020, 2100),
            only_tls12: false,
            response: response.to_vec(),
            answers: 1,
            cuts_off: false,
        }
    }
}

impl MemoryServer {
    /// A server for one connection.
    #[must_use]
    pub fn new(authority: &Authority, behaviour: Behaviour) -> Self {
        let config = Arc::new(authority.server_config(&behaviour));
        let connection = ServerConnection::new(config).expect("a good configuration");
        Self { connection, heads: Vec::new(), answered: 0, behaviour }
    }

    /// Takes what a client sends, and gives what is sent back: to each request the answer, and after the last one the end.
    pub fn exchange(&mut self, mut bytes: &[u8]) -> Vec<u8> {
        while !bytes.is_empty() && self.connection.read_tls(&mut bytes).is_ok_and(|count| count > 0) {
            // What the client does wrong it is told.
            let _ = self.connection.process_new_packets();
        }
        let was_over = self.is_over();
        // Nothing more, for now.
        let _ = self.connection.reader().read_to_end(&mut self.heads);
        let asked = self.heads.windows(4).filter(|window| window == b"\r\n\r\n").count();
        while self.answered < asked.min(self.behaviour.answers) {
            self.connection.writer().write_all(&self.behaviour.response).expect("it is buffered");
            self.answered += 1;
        }
        if self.is_over() && !was_over && !self.behaviour.cuts_off {
            self.connection.send_close_notify();
        }
        let mut answer = Vec::new();
        while self.connection.wants_write() {
            self.connection.write_tls(&mut answer).expect("a vector takes everything");
        }
        answer
    }

    /// Whether it has answered all that it answers.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.answered >= self.behaviour.answers
    }

    /// The heads of all requests.
    #[must_use]
    pub fn heads(&self) -> String {
        String::from_utf8_lossy(&self.heads).into_owned()
    }
}

impl HttpsServer {
    /// Puts a server on a port of the loopback.
    #[must_use]
    pub fn start(authority: &Authority, behaviour: Behaviour) -> Self {
        let config = Arc::new(authority.server_config(&behaviour));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("a bound socket").port();
        let (heads, is_stopped) = (Arc::<Mutex<Vec<String>>>::default(), Arc::new(AtomicBool::new(false)));
        let (seen, stop) = (Arc::clone(&heads), Arc::clone(&is_stopped));
        let thread = thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let connection = ServerConnection::new(Arc::clone(&config)).expect("a good configuration");
                // Whoever is refused hangs up: that is what tests of it want.
                let _ = serve(stream, connection, &behaviour, &seen);
            }
        });
        Self { port, heads, is_stopped, thread: Some(thread) }
    }

    /// Its port on the loopback.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The heads of the requests that came whole; each is here before anything of its answer is sent.
    #[must_use]
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("no thread has panicked").clone()
    }
}

impl Drop for HttpsServer {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::Relaxed);
        // Wakes it up.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Answers the requests of a connection.
fn serve(
    mut stream: TcpStream,
    mut connection: ServerConnection,
    behaviour: &Behaviour,
    heads: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut tls = rustls::Stream::new(&mut connection, &mut stream);
    for _ in 0..behaviour.answers {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            tls.read_exact(&mut byte)?;
            head.extend_from_slice(&byte);
        }
        heads.lock().expect("no thread has panicked").push(String::from_utf8_lossy(&head).into_owned());
        tls.write_all(&behaviour.response)?;
    }
    if !behaviour.cuts_off {
        tls.conn.send_close_notify();
        tls.flush()?;
    }
    stream.shutdown(std::net::Shutdown::Write)?;
    // Whoever closes with something unread resets, and what was sent is lost.
    let _rest = stream.read_to_end(&mut Vec::new());
    Ok(())
}

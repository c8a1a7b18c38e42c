//! A guest's service as it is reached over the network: TLS that ends in it, proofs of sessions, and requests after them.

use core::net::Ipv4Addr;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use core::time::Duration;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use attestation_session::{
    CONTENT_TYPE, Connection, EXPORTER_LABEL, KnownEvidence, Request, Role, SESSION_PATH, Statement,
    exporter_context, sign_session,
};
use p256::ecdsa::SigningKey;
use rcgen::{CertificateParams, KeyPair, PublicKeyData};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion};
use sha2::{Digest, Sha256};

/// How long a client may take with anything.
const PATIENCE: Duration = Duration::from_secs(60);
/// What answers of unknown length are written in.
const PIECE_BYTES: usize = 16 * 1024;

/// A certificate that nobody vouches for, and its key.
#[derive(Debug)]
pub struct TlsIdentity {
    certificate: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
    spki: [u8; 32],
}

impl TlsIdentity {
    /// A new one, on P-256.
    #[must_use]
    pub fn new() -> Self {
        let key = KeyPair::generate().expect("randomness");
        let params = CertificateParams::new(["guest.invalid".to_owned()]).expect("a name");
        let certificate = params.self_signed(&key).expect("it signs itself").der().clone();
        let spki = Sha256::digest(key.subject_public_key_info()).into();
        Self { certificate, key: PrivatePkcs8KeyDer::from(key.serialize_der()), spki }
    }

    /// SHA-256 of the SubjectPublicKeyInfo.
    #[must_use]
    pub const fn spki_digest(&self) -> [u8; 32] {
        self.spki
    }

    /// Shows the certificate of `other`, without having its key.
    #[must_use]
    pub fn pretending(&self, other: &Self) -> Self {
        Self { certificate: other.certificate.clone(), key: self.key.clone_key(), spki: other.spki }
    }

    /// A server that shows it, in these versions of TLS.
    #[must_use]
    pub fn config(&self, versions: &[&'static SupportedProtocolVersion]) -> ServerConfig {
        let provider = Arc::new(default_provider());
        let key = provider
            .key_provider
            .load_private_key(self.key.clone_key().into())
            .expect("a key that was just made");
        // Not `with_single_cert`, which refuses keys of other certificates.
        let certified = rustls::sign::CertifiedKey::new(vec![self.certificate.clone()], key);
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .expect("versions of the provider")
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config
    }
}

impl Default for TlsIdentity {
    fn default() -> Self {
        Self::new()
    }
}

/// A connection to a client.
pub type TlsStream = StreamOwned<ServerConnection, TcpStream>;

/// Serves each connection in a thread of its own, until it is dropped.
#[derive(Debug)]
pub struct TlsServer {
    port: u16,
    is_stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl TlsServer {
    /// On a port of the loopback. Handshakes happen when something is first read or written.
    #[must_use]
    pub fn start(config: ServerConfig, serve: impl Fn(&mut TlsStream) + Send + Sync + 'static) -> Self {
        let (config, serve) = (Arc::new(config), Arc::new(serve));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("a bound socket").port();
        let is_stopped = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&is_stopped);
        let thread = thread::spawn(move || {
            while let Ok((socket, _)) = listener.accept() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                socket.set_read_timeout(Some(PATIENCE)).expect("a time");
                let connection = ServerConnection::new(Arc::clone(&config)).expect("a good configuration");
                let serve = Arc::clone(&serve);
                thread::spawn(move || serve(&mut StreamOwned::new(connection, socket)));
            }
        });
        Self { port, is_stopped, thread: Some(thread) }
    }

    /// Its port on the loopback.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::Relaxed);
        // Wakes it up.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What a guest has: evidence, the key that it names, and a certificate.
#[derive(Debug)]
pub struct Guest {
    evidence: KnownEvidence,
    instance: SigningKey,
    spki: [u8; 32],
    time: Option<(u64, u64)>,
    /// Proofs that came with evidence, and those without.
    whole: AtomicUsize,
    short: AtomicUsize,
    paths: Mutex<Vec<String>>,
}

impl Guest {
    /// `instance` is the key that `evidence` names, unless a test wants it otherwise.
    #[must_use]
    pub fn new(evidence: KnownEvidence, instance: SigningKey, identity: &TlsIdentity) -> Self {
        let (whole, short) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let (spki, paths) = (identity.spki_digest(), Mutex::new(Vec::new()));
        Self { evidence, instance, spki, time: None, whole, short, paths }
    }

    /// The same, and it says that it is this late.
    #[must_use]
    pub fn at(self, time: Option<(u64, u64)>) -> Self {
        Self { time, ..self }
    }

    /// How many proofs came with evidence, and how many without.
    #[must_use]
    pub fn proofs(&self) -> (usize, usize) {
        (self.whole.load(Ordering::Relaxed), self.short.load(Ordering::Relaxed))
    }

    /// What it was asked for, each before it was answered.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        self.paths.lock().expect("no thread has panicked").clone()
    }

    /// What an honest guest says of this connection.
    #[must_use]
    pub fn statement(&self, tls: &ServerConnection, request: &Request) -> Statement {
        let prover_nonce = rand_nonce();
        let context = exporter_context(&prover_nonce, &request.nonce);
        let exporter = tls.export_keying_material([0; 32], EXPORTER_LABEL, Some(&context));
        let connection = Connection {
            role: Role::Server,
            prover_nonce,
            asker_nonce: request.nonce,
            prover_spki: self.spki,
            asker_spki: [0; 32],
            exporter: exporter.expect("a handshake that is over"),
        };
        let manifest = Sha256::digest(&self.evidence.evidence().manifest).into();
        Statement { connection, manifest, time: self.time }
    }

    /// A proof that says this.
    #[must_use]
    pub fn proof_of(&self, statement: &Statement, request: &Request) -> Vec<u8> {
        let known = request.known_evidence.as_ref();
        let is_short = known == Some(self.evidence.digest());
        let count = if is_short { &self.short } else { &self.whole };
        count.fetch_add(1, Ordering::Relaxed);
        sign_session(statement, &self.evidence, known, &self.instance).expect("a value that was exported")
    }

    /// An honest proof.
    #[must_use]
    pub fn proof(&self, tls: &ServerConnection, request: &[u8]) -> Vec<u8> {
        let request = Request::decode(request).expect("a request");
        self.proof_of(&self.statement(tls, &request), &request)
    }

    /// Answers requests until there are no more. Whoever refuses the proof hangs up: that is what tests of it want.
    pub fn serve(&self, stream: &mut TlsStream) {
        while let Ok(Some(asked)) = Asked::read(stream) {
            self.paths.lock().expect("no thread has panicked").push(asked.path.clone());
            match self.answer(stream, &asked) {
                Ok(Next::Request) => {}
                Ok(Next::End) => break,
                Ok(Next::Cut) | Err(_) => return,
            }
        }
        stream.conn.send_close_notify();
        let _ = stream.flush();
    }

    /// | path | what it does |
    /// | --- | --- |
    /// | `/echo` | says what it hears, while it hears it |
    /// | `/count` | reads to the end of the connection, and says how much came |
    /// | `/cut` | begins an answer of unknown length, and is gone |
    /// | `/ended` | the same answer, with its end |
    fn answer(&self, stream: &mut TlsStream, asked: &Asked) -> io::Result<Next> {
        match asked.path.as_str() {
            SESSION_PATH => {
                let request = asked.body(stream)?;
                let proof = self.proof(&stream.conn, &request);
                respond(stream, CONTENT_TYPE, &proof)?;
            }
            "/echo" => asked.echo(stream)?,
            "/count" => {
                let mut all = Vec::new();
                let count = stream.read_to_end(&mut all)?;
                respond(stream, "text/plain", count.to_string().as_bytes())?;
                return Ok(Next::End);
            }
            path @ ("/cut" | "/ended") => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf of it")?;
                stream.flush()?;
                return Ok(if path == "/ended" { Next::End } else { Next::Cut });
            }
            path => {
                let _body = asked.body(stream)?;
                respond(stream, "text/plain", path.as_bytes())?;
            }
        }
        Ok(Next::Request)
    }
}

/// What comes after an answer.
enum Next {
    Request,
    /// The end, as TLS has it.
    End,
    /// The end, without a word of TLS.
    Cut,
}

/// The head of a request.
#[derive(Debug)]
pub struct Asked {
    /// What it asks for.
    pub path: String,
    length: usize,
}

impl Asked {
    /// Reads one; `None` where there are no more.
    ///
    /// # Errors
    /// The connection broke.
    pub fn read(stream: &mut TlsStream) -> io::Result<Option<Self>> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            match stream.read(&mut byte)? {
                0 => return Ok(None),
                _ => head.extend_from_slice(&byte),
            }
        }
        let text = String::from_utf8_lossy(&head).to_lowercase();
        let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
        Ok(Some(Self { path, length: length.unwrap_or(0) }))
    }

    /// Reads what follows.
    ///
    /// # Errors
    /// The connection broke.
    pub fn body(&self, stream: &mut TlsStream) -> io::Result<Vec<u8>> {
        let mut body = vec![0; self.length];
        stream.read_exact(&mut body)?;
        Ok(body)
    }

    fn echo(&self, stream: &mut TlsStream) -> io::Result<()> {
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", self.length)?;
        let (mut piece, mut left) = (vec![0; PIECE_BYTES], self.length);
        while left > 0 {
            let most = left.min(PIECE_BYTES);
            let count = stream.read(piece.get_mut(..most).expect("it is as long"))?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            stream.write_all(piece.get(..count).expect("it was read"))?;
            left = left.saturating_sub(count);
        }
        stream.flush()
    }
}

/// Answers with a body.
///
/// # Errors
/// The connection broke.
pub fn respond(stream: &mut TlsStream, content_type: &str, body: &[u8]) -> io::Result<()> {
    let length = body.len();
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n")?;
    stream.write_all(body)?;
    stream.flush()
}

fn rand_nonce() -> [u8; 32] {
    use ring::rand::{SecureRandom, SystemRandom};
    let mut nonce = [0; 32];
    SystemRandom::new().fill(&mut nonce).expect("randomness");
    nonce
}

//! Clients that each send a request when they have the answer to the last one, over connections that stay open.

use core::net::SocketAddrV4;
use core::time::Duration;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow, ensure};

/// QEMU's user networking has room for one connection that it has not accepted: the next would wait for a second.
const BETWEEN_CONNECTIONS: Duration = Duration::from_millis(10);
/// An answer that takes longer never comes.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Requests of each client before time is taken: both systems translate, cache and grow on the first of them.
const WARM_UP: usize = 20;
/// Linux counts a process's time in hundredths of a second, wherever it shows it (proc(5), `stat`).
const TICK: Duration = Duration::from_millis(10);

/// What clients do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Load {
    /// In the report.
    pub(super) name: &'static str,
    pub(super) request: Request,
    /// Clients at once.
    pub(super) connections: usize,
    /// Requests of all clients together.
    pub(super) requests: usize,
}

/// What one request took, over all clients together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    /// By the clock.
    pub(super) time: Duration,
    /// Of the emulator's processor time.
    pub(super) processor: Duration,
}

/// A request to the notary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    /// `GET /health`.
    Health,
    /// `POST /documents` with so many bytes.
    Document(usize),
}

impl Request {
    pub(super) fn encode(self) -> Vec<u8> {
        match self {
            Self::Health => b"GET /health HTTP/1.1\r\nhost: notary\r\n\r\n".to_vec(),
            Self::Document(bytes) => {
                let head =
                    format!("POST /documents HTTP/1.1\r\nhost: notary\r\ncontent-length: {bytes}\r\n\r\n");
                let line = b"A line of a document, as long as any other.\n";
                [head.as_bytes(), &line.iter().copied().cycle().take(bytes).collect::<Vec<_>>()].concat()
            }
        }
    }
}

impl Load {
    /// Runs it against the guest in this QEMU.
    pub(super) fn run(self, address: SocketAddrV4, qemu_id: u32) -> Result<Cost> {
        let clients = (0..self.connections).map(|_| Client::connect(address)).collect::<Result<Vec<_>>>()?;
        let request = self.request.encode();
        let each = self.requests.div_ceil(self.connections);
        let barrier = Barrier::new(self.connections + 1);
        let mut before = Ok(Duration::ZERO);
        let spans = thread::scope(|scope| {
            let run = |client| scope.spawn(|| span(client, &request, each, &barrier));
            let threads: Vec<_> = clients.into_iter().map(run).collect();
            barrier.wait();
            before = processor_time(qemu_id);
            let join = |thread: thread::ScopedJoinHandle<'_, _>| {
                thread.join().unwrap_or_else(|_| Err(anyhow!("a client panicked")))
            };
            threads.into_iter().map(join).collect::<Result<Vec<_>>>()
        })?;
        let processor = processor_time(qemu_id)?.saturating_sub(before?);
        let from = spans.iter().map(|(from, _)| *from).min();
        let to = spans.iter().map(|(_, to)| *to).max();
        let (from, to) = from.zip(to).context("no clients")?;
        let requests = u32::try_from(each * self.connections)?;
        Ok(Cost { time: (to - from) / requests, processor: processor / requests })
    }
}

/// What a process and its threads have had, in user mode and in the kernel.
fn processor_time(id: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).context("QEMU's processor time")?;
    parse_processor_time(&stat).with_context(|| format!("QEMU's processor time: {stat:?}"))
}

/// The name, which may hold anything, ends at the last bracket; of what follows, the times are the 12th and the 13th.
fn parse_processor_time(stat: &str) -> Option<Duration> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let kernel: u32 = fields.next()?.parse().ok()?;
    Some(TICK * (user + kernel))
}

/// When a client's first request began and its last one ended.
fn span(mut client: Client, request: &[u8], count: usize, barrier: &Barrier) -> Result<(Instant, Instant)> {
    let warm = client.ask_often(request, WARM_UP);
    // Everybody comes here, or the others would wait for ever.
    barrier.wait();
    warm?;
    let from = Instant::now();
    client.ask_often(request, count)?;
    Ok((from, Instant::now()))
}

/// One connection.
#[derive(Debug)]
pub(super) struct Client(BufReader<TcpStream>);

impl Client {
    pub(super) fn connect(address: SocketAddrV4) -> Result<Self> {
        thread::sleep(BETWEEN_CONNECTIONS);
        let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        Ok(Self(BufReader::new(stream)))
    }

    fn ask_often(&mut self, request: &[u8], count: usize) -> Result<()> {
        (0..count).try_for_each(|_| self.ask(request).map(drop))
    }

    /// Sends a request, and gives the body of the answer.
    pub(super) fn ask(&mut self, request: &[u8]) -> Result<Vec<u8>> {
        self.send(request)?;
        self.answer()
    }

    /// Sends a request, and waits for the beginning of an answer, whatever it says.
    pub(super) fn first_line(&mut self, request: &[u8]) -> Result<()> {
        self.send(request)?;
        let length = self.0.read_line(&mut String::new()).context("cannot read an answer")?;
        ensure!(length > 0, "no answer came");
        Ok(())
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.get_mut().write_all(bytes).context("cannot send a request")
    }

    fn answer(&mut self) -> Result<Vec<u8>> {
        let mut length = None;
        let mut is_first = true;
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).context("cannot read an answer")?;
            let line = line.trim_end();
            if is_first {
                ensure!(
                    line.starts_with("HTTP/1.1 200 "),
                    "expected an answer of status 200, found {line:?}"
                );
                is_first = false;
            } else if line.is_empty() {
                break;
            } else if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = Some(value.trim().parse().context("the answer's length")?);
            }
        }
        let mut body = vec![0; length.context("the answer has no content-length")?];
        self.0.read_exact(&mut body).context("cannot read an answer's body")?;
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use core::net::{Ipv4Addr, SocketAddr};
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn requests_are_whole() {
        let request = String::from_utf8(Request::Document(100).encode()).unwrap();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with("content-length: 100"), "{head}");
        assert_eq!(body.len(), 100);
    }

    #[test]
    fn processor_time_is_found() {
        let stat = "7 (a) b) S 1 1 1 0 -1 4194304 1 2 3 4 120 30 5 6 20 0 1 0 9";
        assert_eq!(parse_processor_time(stat), Some(Duration::from_millis(1500)));
        assert!(processor_time(std::process::id()).is_ok());
    }

    #[test]
    fn answers_other_than_200_are_errors() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let SocketAddr::V4(address) = listener.local_addr().unwrap() else { unreachable!() };
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").unwrap();
            stream.write_all(b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n").unwrap();
        });
        let mut client = Client::connect(address).unwrap();
        server.join().unwrap();
        assert_eq!(client.answer().unwrap(), b"hi");
        assert!(client.answer().unwrap_err().to_string().contains("503"));
    }
}

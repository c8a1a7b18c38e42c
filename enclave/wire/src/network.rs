//! How many connections a guest may have, and the memory that they take.
//!
//! The guest's network allocates what connections need and cannot be refused it, so the builder of an image counts the same
//! bytes before there is a guest (docs/adr/0010). Both take their limits from the manifest, here.

use attestation_manifest::Manifest;

/// What a connection takes at most besides its two buffers: the socket, its places in the lists of sockets, of ends and of
/// names.
pub const CONNECTION_BYTES: u64 = 2048;
/// What a question to DNS takes at most: the question itself, asked of each server, and its answer.
pub const QUERY_BYTES: u64 = 4096;
/// What a question by UDP takes at most: a datagram to send, four that have come, and the socket.
pub const DATAGRAM_BYTES: u64 = 9 << 10;
/// What a connection takes more under TLS, at most, as long as it is used: its four buffers, a handshake message, and the
/// longest chain of certificates twice.
pub const TLS_BYTES: u64 = 320 << 10;
/// What asking for the time takes besides the questions: all answers of two measurements, and a report of them.
pub const TIME_BYTES: u64 = 160 << 10;
/// What a network takes before there is a connection: the device's buffers, packets on their way, local ports that rest.
pub const IDLE_BYTES: u64 = 640 << 10;

/// A service's connections besides those whose requests are answered: idle ones, and clients that wait for their turn.
pub const SPARE_CONNECTIONS: usize = 32;
/// Questions about the time that a guest may have open at once, however many servers there are to ask.
pub const TIME_QUESTIONS: usize = 2;
/// Connections that a service has not accepted yet, at most.
pub const BACKLOG: usize = 32;

/// Less than a full packet is of no use; more than this no window of ours has to have.
const BUFFER_BYTES: (usize, usize) = (2048, 1 << 20);

/// Connections of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketLimits {
    /// How many at a time, those included that are being opened or closed, and of each port the one that is awaited.
    pub connections: usize,
    /// What each can hold of what has come: the largest window that the other side sees.
    pub receive_bytes: usize,
    /// What each can hold of what is to be sent or not acknowledged.
    pub send_bytes: usize,
}

/// What the network may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkLimits {
    /// Connections that this side begins.
    pub outgoing: SocketLimits,
    /// Connections that others begin.
    pub incoming: SocketLimits,
    /// Names that are being resolved.
    pub queries: usize,
    /// Questions by UDP that may have an answer yet.
    pub datagrams: usize,
    /// Connections that may be under TLS.
    pub tls_sessions: usize,
}

impl SocketLimits {
    /// A client's: it is sent more than it sends.
    const OUTGOING: Self = Self { connections: 0, receive_bytes: 64 << 10, send_bytes: 32 << 10 };
    /// A server's: it sends more than it is sent. There are many of them, so each has little: a window of 32 KiB fills a
    /// link of 1 Mbit/s up to a round trip of a quarter of a second, and one of 10 Mbit/s up to 26 ms.
    const INCOMING: Self = Self { connections: 0, receive_bytes: 16 << 10, send_bytes: 32 << 10 };

    /// As many of a kind.
    #[must_use]
    pub const fn with_connections(self, connections: usize) -> Self {
        Self { connections, ..self }
    }

    /// With buffers of a size that works.
    #[must_use]
    pub const fn sane(self) -> Self {
        Self {
            connections: self.connections,
            receive_bytes: sane_buffer(self.receive_bytes),
            send_bytes: sane_buffer(self.send_bytes),
        }
    }

    const fn memory_bytes(self) -> u64 {
        let sane = self.sane();
        let each = CONNECTION_BYTES.saturating_add(sane.receive_bytes.saturating_add(sane.send_bytes) as u64);
        each.saturating_mul(self.connections as u64)
    }
}

impl NetworkLimits {
    /// Connections of a job with egress: the sixteen exchanges that a run may have open, fewer where connections wait for the
    /// next one, and as many whose sockets are still closing.
    const JOB_OUTGOING: usize = 32;
    /// Those of a service with egress, of all its requests together; up to sixteen of them wait for an exchange. The next one
    /// fails as one that is too many.
    const SERVICE_OUTGOING: usize = 64;

    /// For a service with 256 open requests and egress.
    pub const DEFAULT: Self = Self {
        outgoing: SocketLimits::OUTGOING.with_connections(Self::SERVICE_OUTGOING),
        incoming: SocketLimits::INCOMING.with_connections(incoming_for(256)),
        queries: Self::SERVICE_OUTGOING,
        datagrams: 0,
        tls_sessions: 0,
    };

    /// What the guest of this manifest may use; `None` where it gets no network.
    #[must_use]
    pub fn of(manifest: &Manifest<'_>) -> Option<Self> {
        if !manifest.needs_network() {
            return None;
        }
        let outgoing = match (manifest.egress.is_empty(), manifest.service) {
            (true, _) => 0,
            (false, None) => Self::JOB_OUTGOING,
            (false, Some(_)) => Self::SERVICE_OUTGOING,
        };
        let asks_time = !manifest.time.is_empty();
        let incoming = manifest.service.map_or(0, |service| incoming_for(service.open_requests_max));
        Some(Self {
            outgoing: SocketLimits::OUTGOING.with_connections(outgoing),
            incoming: SocketLimits::INCOMING.with_connections(incoming),
            // Servers of time have names too, and are asked one after the other.
            queries: outgoing.saturating_add(usize::from(asks_time)),
            datagrams: if asks_time { TIME_QUESTIONS } else { 0 },
            tls_sessions: if manifest.speaks_tls() { outgoing } else { 0 },
        })
    }

    /// The most bytes of heap that a network takes with these limits. Sockets are made when they are first needed and
    /// then kept, so this is what a guest that has been busy holds.
    #[must_use]
    pub const fn memory_bytes(&self) -> u64 {
        let queries = QUERY_BYTES.saturating_mul(self.queries as u64);
        let time = if self.datagrams > 0 { TIME_BYTES } else { 0 };
        let datagrams = DATAGRAM_BYTES.saturating_mul(self.datagrams as u64).saturating_add(time);
        let tls = TLS_BYTES.saturating_mul(self.tls_sessions as u64);
        let sockets = self.outgoing.memory_bytes().saturating_add(self.incoming.memory_bytes());
        sockets
            .saturating_add(queries)
            .saturating_add(datagrams)
            .saturating_add(tls)
            .saturating_add(IDLE_BYTES)
    }
}

/// Connections for so many requests: those whose sockets are closing, those that wait, and the socket that is called next
/// included. Whoever calls when there is none left hears nothing and calls again.
const fn incoming_for(open_requests_max: u32) -> usize {
    let answered = open_requests_max as usize;
    answered.saturating_add(answered / 4).saturating_add(SPARE_CONNECTIONS + BACKLOG + 1)
}

const fn sane_buffer(bytes: usize) -> usize {
    let (least, most) = BUFFER_BYTES;
    if bytes < least {
        least
    } else if bytes > most {
        most
    } else {
        bytes
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    use attestation_manifest::{OPEN_REQUESTS_MAX, parse_manifest};

    use super::*;

    const EGRESS: &str = r#"{"host":"example.org","port":80,"scheme":"http","methods":["*"]}"#;

    fn service(open_requests_max: u32) -> String {
        format!(
            r#"{{"port":80,"scheme":"http","open_requests_max":{open_requests_max},"request_wall_ms":1,"request_body_bytes":1,
"response_body_bytes":1,"request_fuel":1,"request_memory_bytes":65536}}"#
        )
    }

    fn limits(egress: &str, service: &str) -> Option<NetworkLimits> {
        limits_with(egress, service, 0)
    }

    fn limits_with(egress: &str, service: &str, servers: u8) -> Option<NetworkLimits> {
        let key = |number| format!(r#"{number:02}{}"#, "11".repeat(31));
        let server = |number| format!(r#"{{"host":"a","port":1,"public_key":"{}"}}"#, key(number));
        let time = (0..servers).map(server).collect::<Vec<_>>().join(",");
        let digest = "00".repeat(32);
        let text = format!(
            r#"{{"version":1,"name":"n","role":"workload","trust":"tee","component":{{"sha256":"{digest}"}},
"artefact":{{"sha256":"{digest}","engine":"e"}},
"launch":{{"snp":{{"policy":"0x30000","vmpl":0}},"tdx":{{"attributes":"0x0","xfam":"0x0"}}}},
"memory_mib":64,"limits":{{"component_memory_bytes":65536,"fuel":1,"input_bytes":1,"output_bytes":1,"wall_ms":1,
"transcript_bytes":1,"call_stack_bytes":16384}},"wall_clock":"none","args":[],"env":[],"egress":[{egress}],"tls":{{"roots":"none","hosts":[]}},"time":[{time}],
"service":{service},"storage":{{"key_value_bytes":0,"files_bytes":0,"persist":false}},"logs":"none","readers":[]}}"#
        );
        NetworkLimits::of(&parse_manifest(text.as_bytes()).unwrap())
    }

    #[test]
    fn a_manifest_gets_what_it_needs_and_no_more() {
        assert_eq!(limits("", "null"), None);
        let job = limits(EGRESS, "null").unwrap();
        assert_eq!((job.outgoing.connections, job.incoming.connections, job.queries), (32, 0, 32));
        let closed = limits("", &service(8)).unwrap();
        assert_eq!(
            (closed.outgoing.connections, closed.incoming.connections, closed.queries),
            (0, 8 + 2 + 65, 0)
        );
        let open = limits(EGRESS, &service(256)).unwrap();
        assert_eq!(open, NetworkLimits::DEFAULT);
        assert_eq!((open.outgoing.connections, open.incoming.connections), (64, 256 + 64 + 65));
        let clock = limits_with("", "null", 3).unwrap();
        assert_eq!((clock.outgoing.connections, clock.queries, clock.datagrams), (0, 1, TIME_QUESTIONS));
        let secure = limits_with(&EGRESS.replace("http\"", "https\""), "null", 3).unwrap();
        assert_eq!((secure.outgoing.connections, secure.queries, secure.tls_sessions), (32, 33, 32));
    }

    #[test]
    fn memory_is_mostly_buffers() {
        let kib = |limits: NetworkLimits| limits.memory_bytes() >> 10;
        assert_eq!(kib(limits(EGRESS, "null").unwrap()), 640 + 32 * (96 + 2 + 4));
        assert_eq!(kib(limits("", &service(1)).unwrap()), 640 + 66 * (48 + 2));
        assert_eq!(kib(limits("", &service(OPEN_REQUESTS_MAX)).unwrap()), 640 + (1280 + 65) * (48 + 2));
        assert_eq!(kib(NetworkLimits::DEFAULT), 640 + 64 * (96 + 2 + 4) + 385 * (48 + 2));
        let asking = NetworkLimits { datagrams: TIME_QUESTIONS, ..NetworkLimits::DEFAULT };
        assert_eq!(kib(asking), kib(NetworkLimits::DEFAULT) + 2 * 9 + 160);
        let secure = NetworkLimits { tls_sessions: 64, ..NetworkLimits::DEFAULT };
        assert_eq!(kib(secure), kib(NetworkLimits::DEFAULT) + 64 * 320);
        let absurd =
            SocketLimits { connections: usize::MAX, receive_bytes: usize::MAX, send_bytes: usize::MAX };
        let most = usize::MAX;
        let absurd = NetworkLimits {
            outgoing: absurd,
            incoming: absurd,
            queries: most,
            datagrams: most,
            tls_sessions: most,
        };
        assert_eq!(absurd.memory_bytes(), u64::MAX);
    }

    #[test]
    fn absurd_buffers_are_brought_to_sense() {
        let limits = SocketLimits { connections: 1, receive_bytes: 0, send_bytes: usize::MAX }.sane();
        assert_eq!((limits.receive_bytes, limits.send_bytes), (2048, 1 << 20));
    }
}

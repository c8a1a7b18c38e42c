//! What `redoubt run` and the other subcommands say to each other: a JSON header and raw bytes, both bounded.
//!
//! Both are the same user's processes and the same binary as a rule; a version in every request notices when they
//! are not.

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Version of requests and replies.
pub(crate) const VERSION: u32 = 4;
/// Longest JSON header.
const HEADER_MAX_BYTES: usize = 256 * 1024;
/// Most commas and opening brackets of a header, twice as many as a status has: whoever reads an enum that is told by
/// a field makes a tree first, of 64 bytes and more for each value, and a value can be two bytes of JSON.
const HEADER_MAX_VALUES: usize = 64;
/// Longest raw part: a window of output, or evidence.
const DATA_MAX_BYTES: usize = 1024 * 1024;
/// Input is sent in pieces of this size.
pub(crate) const INPUT_PIECE_BYTES: u64 = 256 * 1024;

/// A client's message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Request {
    Status {
        version: u32,
    },
    Stop {
        version: u32,
        kill: bool,
    },
    Probe {
        version: u32,
        destination: String,
        timeout_ms: u32,
    },
    Evidence {
        version: u32,
    },
    /// Queues a job; closing the connection cancels it.
    Job {
        version: u32,
        input_bytes: u64,
        /// Whether receipts are kept.
        receipts: bool,
    },
    /// The next bytes of a job's input, as many as [`Reply::WantsInput`] allowed in all.
    Input,
}

/// The loader's message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Reply {
    Status(Box<StatusReply>),
    Stopped {
        end: String,
        clean: bool,
    },
    /// The raw part is the answer.
    Probe {
        error: String,
        elapsed_us: u64,
    },
    /// The raw part is the encoded evidence.
    Evidence,
    Queued {
        job: u32,
    },
    Started,
    WantsInput {
        bytes: u64,
    },
    /// The raw part is output.
    Output,
    /// The raw part is standard error.
    ErrorOutput,
    /// The raw part is transcript.
    Transcript,
    /// The raw part is a receipt.
    Receipt,
    /// The raw part is a proof of the time that receipts name.
    TimeProof,
    /// The raw part is that the last proof of the time commits to a receipt.
    TimeCommitment,
    /// The raw part is the claim, empty when there is none.
    Done(JobReply),
    Failed {
        kind: FailureKind,
        message: String,
    },
}

/// Why a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FailureKind {
    GuestEnded,
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StatusReply {
    pub(crate) name: String,
    pub(crate) image: String,
    /// Process id of `redoubt run`.
    pub(crate) loader_id: u32,
    pub(crate) qemu_id: u32,
    pub(crate) tee: String,
    pub(crate) accel: String,
    pub(crate) memory_mib: u32,
    pub(crate) measurement: String,
    pub(crate) manifest_sha256: String,
    pub(crate) seal_key_id: String,
    pub(crate) boot_ms: u64,
    pub(crate) input_limit_bytes: u64,
    pub(crate) waiting_jobs: usize,
    /// Where clients reach the service; absent of a guest that runs jobs.
    pub(crate) service_url: Option<String>,
    /// Where private jobs are submitted, if anywhere.
    pub(crate) submissions: Option<String>,
    /// Folder with requests, transcripts and claims of a service.
    pub(crate) kept: Option<String>,
    /// Absent when the guest did not answer in time.
    pub(crate) guest: Option<GuestReply>,
}

/// What the guest says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GuestReply {
    pub(crate) uptime_us: u64,
    pub(crate) jobs_done: u64,
    pub(crate) running_job: Option<u32>,
    pub(crate) heap_used_bytes: u64,
    pub(crate) heap_total_bytes: u64,
    pub(crate) address: Option<String>,
    pub(crate) gateway: Option<String>,
    pub(crate) mac: Option<String>,
    /// Of a service.
    pub(crate) requests: Option<RequestsReply>,
}

/// How many requests a service has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RequestsReply {
    pub(crate) open: u64,
    pub(crate) answered: u64,
    pub(crate) failed: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JobReply {
    #[serde(flatten)]
    pub(crate) outcome: OutcomeReply,
    pub(crate) detail: String,
    pub(crate) fuel: u64,
    pub(crate) component_memory_bytes: u64,
    pub(crate) heap_peak_bytes: u64,
    pub(crate) instantiate_us: u64,
    pub(crate) run_us: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub(crate) enum OutcomeReply {
    Exited {
        code: u8,
    },
    Trapped,
    LimitExceeded {
        limit: String,
    },
    Refused,
    Cancelled,
    Failed,
    /// An outcome that this build does not know.
    Unknown,
}

/// Writes one message.
pub(crate) fn send(to: &mut impl Write, header: &impl Serialize, data: &[u8]) -> io::Result<()> {
    let header = serde_json::to_vec(header)?;
    let (Ok(header_bytes), Ok(data_bytes)) = (u32::try_from(header.len()), u32::try_from(data.len())) else {
        return Err(too_long("a message", header.len().max(data.len())));
    };
    let mut message = Vec::with_capacity(8 + header.len() + data.len());
    message.extend_from_slice(&header_bytes.to_le_bytes());
    message.extend_from_slice(&data_bytes.to_le_bytes());
    message.extend_from_slice(&header);
    message.extend_from_slice(data);
    to.write_all(&message)
}

/// Reads one message; `None` when the other side hung up between messages.
pub(crate) fn receive<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<(T, Vec<u8>)>> {
    let mut lengths = [0; 8];
    match from.read(&mut lengths)? {
        0 => return Ok(None),
        count => from.read_exact(lengths.get_mut(count..).unwrap_or_default())?,
    }
    let [a, b, c, d, e, f, g, h] = lengths;
    let header = read_part(from, "a header", u32::from_le_bytes([a, b, c, d]), HEADER_MAX_BYTES)?;
    let values = values(&header);
    if values > HEADER_MAX_VALUES {
        let problem = format!("a header of {values} values, where {HEADER_MAX_VALUES} are the most");
        return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
    }
    let data = read_part(from, "the raw part", u32::from_le_bytes([e, f, g, h]), DATA_MAX_BYTES)?;
    Ok(Some((serde_json::from_slice(&header)?, data)))
}

fn read_part(from: &mut impl Read, what: &str, stated: u32, limit: usize) -> io::Result<Vec<u8>> {
    let bytes = usize::try_from(stated).unwrap_or(usize::MAX);
    if bytes > limit {
        return Err(too_long(what, bytes));
    }
    let mut part = Vec::new();
    let read = from.take(u64::from(stated)).read_to_end(&mut part)?;
    if read < bytes { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(part) }
}

/// Commas and opening brackets outside of texts. Where this loses track, the JSON is wrong up to there.
fn values(header: &[u8]) -> usize {
    let (mut in_text, mut is_escaped) = (false, false);
    let is_value = |byte: &&u8| {
        let is_sign = !in_text && matches!(byte, b',' | b'[' | b'{');
        in_text ^= **byte == b'"' && !is_escaped;
        is_escaped = **byte == b'\\' && !is_escaped;
        is_sign
    };
    header.iter().filter(is_value).count()
}

fn too_long(what: &str, found: usize) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{what} of {found} bytes is too long"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_round_trip() {
        let mut stream = Vec::new();
        let request = Request::Job { version: VERSION, input_bytes: 7, receipts: false };
        send(&mut stream, &request, b"").unwrap();
        let reply = Reply::Done(JobReply {
            outcome: OutcomeReply::LimitExceeded { limit: "fuel".to_owned() },
            detail: "x".to_owned(),
            fuel: 1,
            component_memory_bytes: 2,
            heap_peak_bytes: 3,
            instantiate_us: 4,
            run_us: 5,
        });
        send(&mut stream, &reply, b"claim").unwrap();
        let mut stream = stream.as_slice();
        assert_eq!(receive::<Request>(&mut stream).unwrap().unwrap(), (request, Vec::new()));
        assert_eq!(receive::<Reply>(&mut stream).unwrap().unwrap(), (reply, b"claim".to_vec()));
        assert!(receive::<Reply>(&mut stream).unwrap().is_none());
    }

    #[test]
    fn lengths_are_bounded_and_cuts_are_noticed() {
        let mut stream = Vec::new();
        send(&mut stream, &Request::Input, b"data").unwrap();
        for cut in 1..stream.len() {
            assert!(receive::<Request>(&mut &stream[..cut]).is_err(), "cut at {cut}");
        }
        for lie in [[0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0], [2, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]] {
            let stream = [&lie[..], b"{}"].concat();
            let error = receive::<Request>(&mut stream.as_slice()).unwrap_err();
            assert!(error.to_string().contains("too long"), "{error}");
        }
        let mut stream = Vec::new();
        let list = vec![0; HEADER_MAX_VALUES];
        send(&mut stream, &serde_json::json!({"type": "input", "list": list}), b"").unwrap();
        let error = receive::<Request>(&mut stream.as_slice()).unwrap_err();
        assert_eq!(error.to_string(), "a header of 66 values, where 64 are the most");
        let mut stream = Vec::new();
        let request = Request::Probe { version: VERSION, destination: r#""[\{,"#.repeat(100), timeout_ms: 1 };
        send(&mut stream, &request, b"").unwrap();
        assert_eq!(
            receive(&mut stream.as_slice()).unwrap(),
            Some((request, Vec::new())),
            "texts do not count"
        );
        let mut stream = Vec::new();
        send(&mut stream, &serde_json::json!({"type": "dance"}), b"").unwrap();
        assert!(receive::<Request>(&mut stream.as_slice()).is_err());
    }
}

//! Bodies of the control messages, as CBOR maps with integer keys.
//!
//! Everything here is host-visible. A body that does not decode ends the connection.

use alloc::string::String;
use alloc::vec::Vec;

use attestation_evidence::states_every_length;
use minicbor::{Decode, Encode};

/// Version of frames and bodies. Guest and loader come from one commit: any difference is refused.
pub const PROTOCOL_VERSION: u16 = 6;

/// How many bytes of input or output may be under way in one direction, at most, for one job.
pub const CREDIT_WINDOW_BYTES: u64 = 1024 * 1024;

/// The guest is up.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Ready {
    /// [`PROTOCOL_VERSION`].
    #[n(0)]
    pub protocol: u16,
    /// Evidence as the claim carries it (see `attestation-evidence`).
    #[cbor(n(1), with = "minicbor::bytes")]
    pub evidence: Vec<u8>,
    /// First 16 bytes of a digest of the local seal key: the same manifest, ROM and chip give the same value, and a
    /// node whose value changed cannot open what it sealed before.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub seal_key_id: Vec<u8>,
    /// Time from reset to this message, by the guest's own (untrusted) clock.
    #[n(3)]
    pub boot_us: u64,
}

/// Permission to send.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Credit {
    /// This many more bytes.
    #[n(0)]
    pub bytes: u64,
}

/// Starts a job. Input follows as [`FrameKind::INPUT`](crate::frame::FrameKind::INPUT) frames, exactly
/// `input_bytes` of them, as the guest gives credit.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct JobStart {
    /// Length of the input.
    #[n(0)]
    pub input_bytes: u64,
    /// Nanoseconds since 1970-01-01, by the loader's clock: what a component gets whose manifest lets it believe the host.
    #[n(1)]
    pub wall_ns: u64,
    /// Whether the loader keeps receipts of what the component fetches under TLS. Only then they are signed and sent.
    #[n(2)]
    pub receipts: bool,
    /// Whether the input is an envelope (`attestation-envelope`) for the key in the guest's evidence; `input_bytes` are the
    /// envelope's then. What the job gives out is sealed as well: output, transcript and claim each come as an envelope, and
    /// receipts do not come.
    #[n(3)]
    pub private: bool,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct JobDone {
    /// The signed claim, of a private job in its envelope; absent when the job never started or its envelope was wrong
    /// (`outcome` is then [`JobOutcome::Refused`]), was cancelled or failed.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub claim: Option<Vec<u8>>,
    /// What happened.
    #[n(1)]
    pub outcome: JobOutcome,
    /// For people: the trap with its wasm backtrace, the limit, the reason of refusal. Empty when all went well. Of a
    /// private job it has nothing that the component had a say in.
    #[n(2)]
    pub detail: String,
    /// What the job used. Of a private job only times, which a host can measure: the rest is in the claim.
    #[n(3)]
    pub usage: Usage,
}

/// What happened to a job.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[non_exhaustive]
pub enum JobOutcome {
    /// The component returned or called exit.
    #[n(0)]
    Exited {
        /// 0 for success.
        #[n(0)]
        code: u8,
    },
    /// The component trapped.
    #[n(1)]
    Trapped,
    /// The component exceeded a limit of the manifest.
    #[n(2)]
    LimitExceeded {
        /// Name of the limit, as in the manifest.
        #[n(0)]
        limit: String,
    },
    /// The job was not started.
    #[n(3)]
    Refused,
    /// The loader cancelled it.
    #[n(4)]
    Cancelled,
    /// The machine could not run it; what happened says nothing about the component.
    #[n(5)]
    Failed,
    /// A private job ran to its end. How it ended is in its sealed claim: an exit code is an answer.
    #[n(6)]
    Sealed,
}

/// What a job used. `instantiate_us` and `run_us` are the guest's untrusted clock, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Usage {
    /// Fuel.
    #[n(0)]
    pub fuel: u64,
    /// Peak linear memory of the component.
    #[n(1)]
    pub component_memory_bytes: u64,
    /// Peak of the guest's heap, everything included.
    #[n(2)]
    pub heap_peak_bytes: u64,
    /// Time until the component first asked for anything outside of it.
    #[n(3)]
    pub instantiate_us: u64,
    /// Time in the component.
    #[n(4)]
    pub run_us: u64,
}

/// What the guest says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Status {
    /// Time since reset, by the guest's own clock.
    #[n(0)]
    pub uptime_us: u64,
    /// Jobs ended.
    #[n(1)]
    pub jobs_done: u64,
    /// The job that runs.
    #[n(2)]
    pub running_job: Option<u32>,
    /// Heap in use.
    #[n(3)]
    pub heap_used_bytes: u64,
    /// Heap there is.
    #[n(4)]
    pub heap_total_bytes: u64,
    /// IPv4 address in CIDR form, when DHCP has given one.
    #[n(5)]
    pub address: Option<String>,
    /// Default gateway.
    #[n(6)]
    pub gateway: Option<String>,
    /// MAC address; absent when the guest has no network: no device, or no egress in the manifest.
    #[n(7)]
    pub mac: Option<String>,
    /// Of a service.
    #[n(8)]
    pub requests: Option<RequestFigures>,
}

/// How many requests a service has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RequestFigures {
    /// Being answered.
    #[n(0)]
    pub open: u64,
    /// Answered by the component, and whole.
    #[n(1)]
    pub answered: u64,
    /// Trapped, ended by a limit or by the client, or without a whole response.
    #[n(2)]
    pub failed: u64,
}

/// Tells a service to listen. Sent again, it only sets the time.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Serve {
    /// Nanoseconds since 1970-01-01, by the loader's clock: what components get whose manifest lets them believe the host.
    #[n(0)]
    pub wall_ns: u64,
    /// Whether the loader keeps requests, transcripts and claims. What nobody keeps is not signed.
    #[n(1)]
    pub keep: bool,
}

/// Asks the guest to open a TCP connection, send `payload` and report what comes back: an operator's check that the
/// guest's network works. The destination must be in the manifest's egress list.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Probe {
    /// IPv4 address and port, `a.b.c.d:port`.
    #[n(0)]
    pub destination: String,
    /// At most [`PROBE_PAYLOAD_MAX_BYTES`].
    #[cbor(n(1), with = "minicbor::bytes")]
    pub payload: Vec<u8>,
    /// Give up after this long.
    #[n(2)]
    pub timeout_ms: u32,
}

/// Longest payload of a probe.
pub const PROBE_PAYLOAD_MAX_BYTES: usize = 4096;

/// Result of a probe.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ProbeDone {
    /// What came back, up to the payload's length; absent when the probe failed.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub answer: Option<Vec<u8>>,
    /// Why it failed; empty when it did not.
    #[n(1)]
    pub error: String,
    /// From the first packet to the last byte.
    #[n(2)]
    pub elapsed_us: u64,
}

/// The guest is about to end.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Stopping {
    /// For people.
    #[n(0)]
    pub reason: String,
}

/// Encodes a body.
#[must_use]
pub fn encode_body<T: Encode<()>>(body: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to a `Vec` is infallible, and no body has an encoder that fails.
    let done = minicbor::encode(body, &mut bytes);
    debug_assert!(done.is_ok(), "a control body failed to encode");
    bytes
}

/// Decodes a whole body; bytes after it are an error.
///
/// # Errors
/// The body is not what its frame kind promises.
pub fn decode_body<'b, T: Decode<'b, ()>>(body: &'b [u8]) -> Result<T, minicbor::decode::Error> {
    // Encoders here never do; passing over it would take many times its size in memory.
    if !states_every_length(body) {
        return Err(minicbor::decode::Error::message("a length that is not stated"));
    }
    let mut decoder = minicbor::Decoder::new(body);
    let value = decoder.decode()?;
    if decoder.position() == body.len() {
        Ok(value)
    } else {
        Err(minicbor::decode::Error::message("bytes after the body").at(decoder.position()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_round_trip_and_trailing_bytes_are_refused() {
        let done = JobDone {
            claim: Some(alloc::vec![1, 2, 3]),
            outcome: JobOutcome::LimitExceeded { limit: "fuel".into() },
            detail: "wasm trap".into(),
            usage: Usage { fuel: 7, ..Usage::default() },
        };
        let mut bytes = encode_body(&done);
        assert_eq!(decode_body::<JobDone>(&bytes).unwrap(), done);
        bytes.push(0);
        assert!(decode_body::<JobDone>(&bytes).is_err());
        assert!(decode_body::<JobDone>(&[]).is_err());
    }

    #[test]
    fn unknown_keys_are_passed_over_and_open_lengths_are_refused() {
        let known = encode_body(&Credit { bytes: 7 });
        let with = |value: &[u8]| [&[0xA2][..], &known[1..], &[0x05], value].concat();
        assert_eq!(decode_body::<Credit>(&with(&[0x82, 0x01, 0x02])).unwrap(), Credit { bytes: 7 });
        let error = decode_body::<Credit>(&with(&[0x81, 0x9F, 0xFF])).unwrap_err().to_string();
        assert!(error.contains("a length that is not stated"), "{error}");
    }
}

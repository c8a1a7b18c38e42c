//! What a proof says.

use alloc::vec::Vec;

use minicbor::Decoder;

use crate::codec::{read_value, read_version, written};
use crate::{SESSION_VERSION, SessionError, VALUE_BYTES};

/// Which end of the connection signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Role {
    /// The one that was called.
    Server = 1,
    /// The one that called.
    Client = 2,
}

impl Role {
    /// For people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }

    const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Server),
            2 => Some(Self::Client),
            _ => None,
        }
    }
}

/// What both ends of a connection know of it, from the side of the one that proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection {
    /// Who proves.
    pub role: Role,
    /// Drawn by who proves, for this proof.
    pub prover_nonce: [u8; VALUE_BYTES],
    /// From the [`Request`](crate::Request).
    pub asker_nonce: [u8; VALUE_BYTES],
    /// SHA-256 of the SubjectPublicKeyInfo in the certificate that the prover showed.
    pub prover_spki: [u8; 32],
    /// Likewise of the asker; zero where it showed none.
    pub asker_spki: [u8; 32],
    /// The 32 bytes of [`EXPORTER_LABEL`](crate::EXPORTER_LABEL) in [`exporter_context`].
    pub exporter: [u8; VALUE_BYTES],
}

/// Not before the first, not after the second; seconds since 1970.
pub type Seconds = (u64, u64);

/// What is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// Which connection.
    pub connection: Connection,
    /// SHA-256 of the manifest's exact bytes.
    pub manifest: [u8; 32],
    /// When, as far as the prover knows. Only asserted: no reply of a time server comes along.
    pub time: Option<Seconds>,
}

/// The context in which a connection's value is exported: both nonces, the prover's first.
#[must_use]
pub fn exporter_context(prover_nonce: &[u8; VALUE_BYTES], asker_nonce: &[u8; VALUE_BYTES]) -> [u8; 64] {
    let mut context = [0; 64];
    for (to, from) in context.iter_mut().zip(prover_nonce.iter().chain(asker_nonce)) {
        *to = *from;
    }
    context
}

impl Statement {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let Self { connection, manifest, time } = self;
        let Connection { role, prover_nonce, asker_nonce, prover_spki, asker_spki, exporter } = connection;
        let values = [prover_nonce, asker_nonce, prover_spki, asker_spki, exporter, manifest];
        written(|encoder| {
            encoder.map(if time.is_some() { 9 } else { 8 })?;
            encoder.u8(0)?.u32(SESSION_VERSION)?.u8(1)?.u8(*role as u8)?;
            for (key, value) in (2_u8..).zip(values) {
                encoder.u8(key)?.bytes(value)?;
            }
            if let Some((earliest, latest)) = time {
                encoder.u8(8)?.array(2)?.u64(*earliest)?.u64(*latest)?;
            }
            Ok(())
        })
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, SessionError> {
        let mut decoder = Decoder::new(bytes);
        let version = read_version(&mut decoder);
        if let Some((_, found)) = version.filter(|(_, found)| *found != SESSION_VERSION) {
            return Err(SessionError::Version { expected: SESSION_VERSION, found });
        }
        let statement = version.and_then(|(fields, _)| Self::decode_rest(fields, &mut decoder));
        let statement = statement.ok_or_else(|| SessionError::Payload { offset: decoder.position() })?;
        if statement.time.is_some_and(|(earliest, latest)| latest < earliest) {
            return Err(SessionError::Payload { offset: decoder.position() });
        }
        if statement.encode() == bytes { Ok(statement) } else { Err(SessionError::NotDeterministic) }
    }

    fn decode_rest(fields: u64, decoder: &mut Decoder<'_>) -> Option<Self> {
        let is_role = decoder.u8().ok()? == 1;
        let role = Role::from_number(is_role.then(|| decoder.u8().ok())??)?;
        let mut value = |key| read_value(decoder, key);
        let connection = Connection {
            role,
            prover_nonce: value(2)?,
            asker_nonce: value(3)?,
            prover_spki: value(4)?,
            asker_spki: value(5)?,
            exporter: value(6)?,
        };
        let manifest = value(7)?;
        let time = match fields {
            8 => None,
            9 => Some(read_time(decoder)?),
            _ => return None,
        };
        Some(Self { connection, manifest, time })
    }
}

fn read_time(decoder: &mut Decoder<'_>) -> Option<Seconds> {
    let is_time = decoder.u8().ok()? == 8 && decoder.array().ok()? == Some(2);
    is_time.then(|| Some((decoder.u64().ok()?, decoder.u64().ok()?)))?
}

//! Whether an answer is the object that was asked for.
//!
//! This keeps error pages, mix-ups and half answers out of the cache. It says nothing about who made the object.

mod kds;
mod pcs;
mod rim;

use core::time::Duration;

use attestation_x509::{Crl, Instant, X509Error};

use crate::names::beginning;
use crate::{ChainHeaderError, Request};

/// How long chains are kept: authorities change with a revocation, and then nothing says so but the new chain.
const CHAIN_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long a RIM is kept that was asked for by name alone.
const RIM_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// An object that is what was asked for. Nobody has verified it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    contents: Vec<u8>,
    issuer_chain: Option<Vec<u8>>,
    holds: Holds,
}

/// How long an object can be used, by its own account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// The same for ever.
    Always,
    /// From its issue until the next one is due.
    Between {
        /// `thisUpdate`, `issueDate`.
        from: Instant,
        /// `nextUpdate`.
        until: Instant,
    },
    /// It does not say; worth asking again after this time.
    For(Duration),
}

/// An answer that is another object, or none. The server is guilty, or whoever touched the cache.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// Not a certificate or list that parses.
    #[error(transparent)]
    X509(#[from] X509Error),
    /// Not the chain of an issuer.
    #[error(transparent)]
    IssuerChain(#[from] ChainHeaderError),
    /// Not the JSON of the specification.
    #[error("{object}: expected the JSON of the specification, found {found}")]
    Json {
        /// Which object.
        object: &'static str,
        /// Where the reader stopped and why.
        found: String,
    },
    /// Something else than was asked for.
    #[error("{field}: expected {expected}, found {found:?}")]
    Field {
        /// Which field.
        field: &'static str,
        /// As asked for.
        expected: String,
        /// As answered, or its beginning.
        found: String,
    },
}

impl Object {
    /// Checks that `body` answers `request`; `issuer_chain` is PEM, for objects that come with one.
    ///
    /// # Errors
    /// The first thing that is otherwise than asked for.
    pub fn read(
        request: &Request,
        body: Vec<u8>,
        issuer_chain: Option<Vec<u8>>,
    ) -> Result<Self, ObjectError> {
        if issuer_chain.is_some() != request.chain_header().is_some() {
            let has = |has: bool| if has { "an issuer chain" } else { "none" };
            let (expected, found) = (has(issuer_chain.is_none()), has(issuer_chain.is_some()));
            return Err(ObjectError::field("issuer chain", expected, found));
        }
        let chain = issuer_chain.as_deref().unwrap_or_default();
        let holds = match request {
            Request::Vcek(key) => kds::check_vcek(&body, key)?,
            Request::VekChain { line, kind } => kds::check_chain(&body, *line, *kind)?,
            Request::AmdCrl { line } => kds::check_crl(&body, *line)?,
            Request::TcbInfo { fmspc } => pcs::check_tcb_info(&body, *fmspc, chain)?,
            Request::QeIdentity => pcs::check_qe_identity(&body, chain)?,
            Request::PckCrl { ca } => pcs::check_pck_crl(&body, *ca, chain)?,
            Request::RootCrl => pcs::check_root_crl(&body)?,
            Request::Rim { id, sha256 } => {
                let (contents, holds) = rim::read(&body, id, sha256.as_ref())?;
                return Ok(Self { contents, issuer_chain, holds });
            }
        };
        Ok(Self { contents: body, issuer_chain, holds })
    }

    /// The object as its maker signed it: DER, PEM, JSON; of a RIM the XML.
    #[must_use]
    pub fn contents(&self) -> &[u8] {
        &self.contents
    }

    /// Chain of who signed it, PEM, leaf first.
    #[must_use]
    pub fn issuer_chain(&self) -> Option<&[u8]> {
        self.issuer_chain.as_deref()
    }

    /// How long it can be used.
    #[must_use]
    pub const fn holds(&self) -> Holds {
        self.holds
    }
}

impl Holds {
    fn of_crl(crl: &Crl) -> Self {
        Self::Between { from: crl.this_update(), until: crl.next_update() }
    }
}

impl ObjectError {
    fn field(field: &'static str, expected: impl Into<String>, found: impl AsRef<str>) -> Self {
        Self::Field { field, expected: expected.into(), found: beginning(found.as_ref()) }
    }

    fn json(object: &'static str) -> impl Fn(serde_json::Error) -> Self {
        move |error| Self::Json { object, found: beginning(&error.to_string()) }
    }
}

fn expect(field: &'static str, expected: &str, found: &str) -> Result<(), ObjectError> {
    if found == expected { Ok(()) } else { Err(ObjectError::field(field, expected, found)) }
}

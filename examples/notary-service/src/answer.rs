//! From a request's head to what has to be done, and from the outcome to an answer.

use crate::{Digest, Facts};

/// Names the receipt that the new one follows: 64 hexadecimal digits.
pub const PREVIOUS_HEADER: &str = "notary-previous";

/// The methods that make a difference here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `POST`.
    Post,
    /// Any other.
    Other,
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Say that the notary is there.
    Health,
    /// Read the body and certify it.
    Certify {
        /// The receipt that the new one follows.
        previous: Option<Digest>,
    },
}

/// Why a request gets no receipt. The client is guilty of all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No such path.
    Path,
    /// The path exists, but only for another method.
    Method {
        /// That method.
        allowed: &'static str,
    },
    /// [`PREVIOUS_HEADER`] is there more than once or is no receipt.
    Previous,
    /// The body broke off.
    Truncated,
}

/// The whole answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The method for the header `allow`, where the status asks for it.
    pub allow: Option<&'static str>,
    /// One JSON object and a line break.
    pub body: String,
}

/// What to do, judged by the head alone. `path` may carry a query, which is not looked at; `previous` are all values of
/// [`PREVIOUS_HEADER`].
///
/// # Errors
/// [`Refusal`] says what is wrong with the head.
pub fn plan(method: Method, path: &str, previous: &[Vec<u8>]) -> Result<Task, Refusal> {
    let path = path.split_once('?').map_or(path, |(path, _query)| path);
    match (path, method) {
        ("/health", Method::Get) => Ok(Task::Health),
        ("/health", _) => Err(Refusal::Method { allowed: "GET" }),
        ("/documents", Method::Post) => match previous {
            [] => Ok(Task::Certify { previous: None }),
            [one] => {
                let previous = Digest::from_hex(one).ok_or(Refusal::Previous)?;
                Ok(Task::Certify { previous: Some(previous) })
            }
            _ => Err(Refusal::Previous),
        },
        ("/documents", _) => Err(Refusal::Method { allowed: "POST" }),
        _ => Err(Refusal::Path),
    }
}

impl Answer {
    /// The notary is there.
    #[must_use]
    pub fn healthy() -> Self {
        Self { status: 200, allow: None, body: "{\"status\":\"ok\"}\n".to_owned() }
    }

    /// A receipt for a document.
    #[must_use]
    pub fn certified(facts: &Facts, previous: Option<Digest>) -> Self {
        let Facts { sha256, bytes, lines } = facts;
        let receipt = facts.receipt(previous);
        let previous = previous.map_or_else(|| "null".to_owned(), |digest| format!("\"{digest}\""));
        let body = format!(
            "{{\"sha256\":\"{sha256}\",\"bytes\":{bytes},\"lines\":{lines},\"previous\":{previous},\
             \"receipt\":\"{receipt}\"}}\n"
        );
        Self { status: 200, allow: None, body }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let (status, allow, error) = match refusal {
            Refusal::Path => (404, None, "no such path: expected POST /documents or GET /health".to_owned()),
            Refusal::Method { allowed } => (405, Some(allowed), format!("wrong method: expected {allowed}")),
            Refusal::Previous => {
                let error = format!("{PREVIOUS_HEADER}: expected one receipt of 64 hexadecimal digits");
                (400, None, error)
            }
            Refusal::Truncated => (400, None, "the document broke off before its end".to_owned()),
        };
        Self { status, allow, body: format!("{{\"error\":\"{error}\"}}\n") }
    }
}

//! Servers that are asked by datagram, and answer as a test says.

use core::fmt;
use core::net::Ipv4Addr;
use std::collections::{BTreeMap, HashMap, VecDeque};

use enclave_service::{Broken, Question};
use enclave_wire::network::TIME_QUESTIONS;

/// What a server sends back to a datagram.
type Answers = Box<dyn FnMut(&[u8]) -> Vec<Vec<u8>> + Send>;

/// The servers, and what the guest has asked them.
#[derive(Default)]
pub(crate) struct Datagrams {
    servers: HashMap<(Ipv4Addr, u16), Answers>,
    /// Questions that were not hung up, with the answers that were not taken.
    open: BTreeMap<u64, VecDeque<Vec<u8>>>,
    asked: u64,
}

impl Datagrams {
    /// Puts a server there.
    pub(crate) fn serve(
        &mut self,
        place: (Ipv4Addr, u16),
        answers: impl FnMut(&[u8]) -> Vec<Vec<u8>> + Send + 'static,
    ) {
        self.servers.insert(place, Box::new(answers));
    }

    /// How many questions were not hung up.
    pub(crate) fn open(&self) -> usize {
        self.open.len()
    }

    /// Where there is no server there is no answer.
    pub(crate) fn ask(&mut self, place: (Ipv4Addr, u16), payload: &[u8]) -> Result<Question, Broken> {
        if self.open.len() >= TIME_QUESTIONS {
            return Err(Broken::TooMany);
        }
        self.asked += 1;
        let answers = self.servers.get_mut(&place).map(|answers| answers(payload));
        self.open.insert(self.asked, answers.unwrap_or_default().into());
        Ok(Question(self.asked))
    }

    pub(crate) fn answered(&mut self, question: Question) -> Option<Vec<u8>> {
        self.open.get_mut(&question.0)?.pop_front()
    }

    pub(crate) fn hang_up(&mut self, question: Question) {
        assert!(self.open.remove(&question.0).is_some(), "hung up twice");
    }
}

impl fmt::Debug for Datagrams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Datagrams").field("open", &self.open).finish_non_exhaustive()
    }
}

#[test]
fn servers_answer_what_they_are_asked() {
    let mut datagrams = Datagrams::default();
    let place = (Ipv4Addr::LOCALHOST, 2002);
    datagrams.serve(place, |question| vec![b"garbage".to_vec(), [question, b"!"].concat()]);
    let answered = datagrams.ask(place, b"hello").expect("there is room");
    let silent = datagrams.ask((Ipv4Addr::LOCALHOST, 2003), b"hello").expect("there is room");
    assert_eq!(datagrams.ask(place, b"more"), Err(Broken::TooMany));
    let taken: Vec<_> = core::iter::from_fn(|| datagrams.answered(answered)).collect();
    assert_eq!(taken, [&b"garbage"[..], b"hello!"]);
    assert_eq!((datagrams.answered(silent), datagrams.open()), (None, 2));
    datagrams.hang_up(answered);
    assert_eq!((datagrams.answered(answered), datagrams.open()), (None, 1));
}

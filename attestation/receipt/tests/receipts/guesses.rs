//! Whoever sees a presentation guesses what is hidden: there are two possibilities, and no way to tell which it is.

use attestation_merkle::leaf_hash;
use attestation_receipt::{Disclosure, SALT_BYTES, SignedReceipt, Value, redact};
use minicbor::Encoder;

use crate::world::Exchange;

const ANSWERS: [&str; 2] = ["yes", "no"];

/// The hash of the field's leaf, if it said that and had this salt.
fn hash_of(answer: &str, salt: &[u8; SALT_BYTES]) -> [u8; 32] {
    let mut encoder = Encoder::new(Vec::new());
    encoder.array(4).unwrap().bytes(salt).unwrap().u8(8).unwrap();
    encoder.str("x-is-member").unwrap().bytes(answer.as_bytes()).unwrap();
    leaf_hash(&encoder.into_writer())
}

fn is_answer(disclosure: &Disclosure) -> bool {
    disclosure
        .as_leaf()
        .is_some_and(|leaf| matches!(&leaf.value, Value::ResponseField(field) if field.name == "x-is-member"))
}

/// All that is in a file and could be a hash.
fn windows(file: &[u8]) -> impl Iterator<Item = &[u8; 32]> {
    file.windows(32).map(|window| window.try_into().unwrap())
}

#[test]
fn a_hidden_answer_cannot_be_found_by_trying() {
    for answer in ANSWERS {
        let exchange = Exchange::answering(*b"another secret of 32 bytes, long", answer);
        let file = redact(&exchange.file(), |shown| !is_answer(shown)).unwrap();
        let salt =
            exchange.disclosures().into_iter().find(is_answer).and_then(|shown| Some(shown.as_leaf()?.salt));
        let hidden = hash_of(answer, &salt.unwrap());
        assert!(
            windows(&file).any(|hash| *hash == hidden),
            "the hash itself is there, in a neighbour's path"
        );
        let shown = SignedReceipt::parse(&file).unwrap();
        let salts = shown.unverified_disclosures().iter().map(|shown| match shown {
            Disclosure::Leaf(leaf) => leaf.salt,
            Disclosure::Chunk(chunk) => chunk.salt,
        });
        let salts: Vec<_> = salts.chain([[0; SALT_BYTES]]).collect();
        assert!(salts.len() > 20);
        let guesses = ANSWERS.iter().flat_map(|guess| salts.iter().map(|salt| hash_of(guess, salt)));
        for guess in guesses {
            assert!(windows(&file).all(|hash| *hash != guess));
        }
    }
}

/// Both answers with one secret: files differ only in hashes, so that not even their lengths tell.
#[test]
fn files_of_both_answers_have_one_length() {
    let files = ANSWERS.map(|answer| {
        let exchange = Exchange::answering([3; 32], answer);
        redact(&exchange.file(), |shown| !is_answer(shown)).unwrap().len()
    });
    assert_eq!(files[0], files[1]);
}

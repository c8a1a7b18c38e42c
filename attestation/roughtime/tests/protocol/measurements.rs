//! Measurements: chains that grow by true answers only, whatever a carrier hands over in between.

use attestation_roughtime::{
    EXCHANGES_MAX, Measurement, MeasurementError, RESPONSE_MAX_BYTES, ResponseError, chained_nonce,
    commitment, first_nonce, request,
};
use attestation_signature::RustCrypto;

use crate::server::{NOW_S, Server, blind};

#[test]
fn each_nonce_is_made_of_the_answer_before() {
    let servers = [Server::new(1), Server::new(2), Server::new(3)];
    let mut measurement = Measurement::begin(None).unwrap();
    assert_eq!(measurement.last_response(), None);
    let mut before: Option<Vec<u8>> = None;
    for (number, server) in servers.iter().chain(&servers).enumerate() {
        let blind = blind(number);
        assert_eq!(measurement.answered(), number);
        let asked = measurement.next_request(&server.key(), &blind).unwrap();
        let nonce = match &before {
            Some(response) => chained_nonce(response, &blind),
            None => first_nonce(&blind),
        };
        assert_eq!(asked, request(&server.key(), &nonce), "exchange {number}");
        let response = server.answer(&asked);
        assert_eq!(measurement.accept(&RustCrypto, &response).unwrap().midpoint_s, NOW_S);
        assert_eq!(measurement.last_response(), Some(response.as_slice()));
        before = Some(response);
    }
    let proof = measurement.finish().unwrap();
    assert_eq!((proof.exchanges().len(), proof.previous()), (6, None));
}

/// All measurements of a boot are one chain.
#[test]
fn a_measurement_begins_where_the_one_before_ended() {
    let server = Server::new(1);
    let mut first = Measurement::begin(None).unwrap();
    let asked = first.next_request(&server.key(), &[1; 32]).unwrap();
    let response = server.answer(&asked);
    first.accept(&RustCrypto, &response).unwrap();
    let mut second = Measurement::begin(first.last_response()).unwrap();
    assert_eq!(second.last_response(), Some(response.as_slice()));
    let asked = second.next_request(&server.key(), &[2; 32]).unwrap();
    assert_eq!(asked, request(&server.key(), &chained_nonce(&response, &[2; 32])));
    second.accept(&RustCrypto, &server.answer(&asked)).unwrap();
    assert_eq!(second.finish().unwrap().previous(), Some(response.as_slice()));
}

#[test]
fn what_was_before_is_a_response() {
    for found in [0, RESPONSE_MAX_BYTES + 1] {
        let refused = Measurement::begin(Some(&vec![0; found]));
        assert_eq!(refused.unwrap_err(), MeasurementError::Previous { found });
    }
    assert!(Measurement::begin(Some(&[0; RESPONSE_MAX_BYTES])).is_ok());
}

#[test]
fn a_wrong_answer_changes_nothing() {
    let (server, other) = (Server::new(1), Server::new(2));
    let mut measurement = Measurement::begin(None).unwrap();
    let asked = measurement.next_request(&server.key(), &[1; 32]).unwrap();
    let right = server.answer(&asked);
    let mut cut = right.clone();
    cut.pop();
    for wrong in [vec![], b"garbage".to_vec(), cut, other.answer(&asked), asked.clone()] {
        assert!(measurement.accept(&RustCrypto, &wrong).is_err());
        assert_eq!((measurement.answered(), measurement.last_response()), (0, None));
    }
    measurement.accept(&RustCrypto, &right).unwrap();
    // The same again is an answer to nothing, and then to another question.
    assert_eq!(measurement.accept(&RustCrypto, &right), Err(ResponseError::NothingAsked));
    measurement.next_request(&server.key(), &[2; 32]).unwrap();
    let repeated = measurement.accept(&RustCrypto, &right);
    assert!(matches!(repeated, Err(ResponseError::Nonce { .. })), "{repeated:?}");
    assert_eq!(measurement.answered(), 1);
}

#[test]
fn who_does_not_answer_is_skipped() {
    let (server, silent) = (Server::new(1), Server::new(2));
    let mut measurement = Measurement::begin(None).unwrap();
    measurement.next_request(&silent.key(), &[1; 32]).unwrap();
    measurement.skip();
    let asked = measurement.next_request(&server.key(), &[2; 32]).unwrap();
    assert_eq!(asked, request(&server.key(), &first_nonce(&[2; 32])));
    let response = server.answer(&asked);
    measurement.accept(&RustCrypto, &response).unwrap();
    let late = measurement.next_request(&silent.key(), &[3; 32]).unwrap();
    measurement.skip();
    // What comes after one has stopped waiting is no answer any more.
    assert_eq!(measurement.accept(&RustCrypto, &silent.answer(&late)), Err(ResponseError::NothingAsked));
    let asked = measurement.next_request(&server.key(), &[4; 32]).unwrap();
    assert_eq!(asked, request(&server.key(), &chained_nonce(&response, &[4; 32])));
    // A request that still waits is left out.
    assert_eq!(measurement.finish().unwrap().exchanges().len(), 1);
}

#[test]
fn without_an_answer_there_is_no_proof() {
    let mut measurement = Measurement::begin(Some(b"a response")).unwrap();
    measurement.next_request(&Server::new(1).key(), &[1; 32]).unwrap();
    assert_eq!(measurement.finish(), None);
}

#[test]
fn requests_wait_one_at_a_time_and_are_counted() {
    let server = Server::new(1);
    let mut measurement = Measurement::begin(None).unwrap();
    for number in 0..EXCHANGES_MAX {
        let asked = measurement.next_request(&server.key(), &blind(number)).unwrap();
        let again = measurement.next_request(&server.key(), &[0xFF; 32]);
        assert_eq!(again, Err(MeasurementError::Waiting));
        measurement.accept(&RustCrypto, &server.answer(&asked)).unwrap();
    }
    let more = measurement.next_request(&server.key(), &[0xFF; 32]);
    assert_eq!(more, Err(MeasurementError::Full));
    assert_eq!(measurement.finish().unwrap().exchanges().len(), EXCHANGES_MAX);
}

#[test]
fn a_blind_can_commit() {
    let server = Server::new(1);
    let (salt, root) = ([5; 32], [6; 32]);
    let mut measurement = Measurement::begin(None).unwrap();
    for blind in [commitment(&salt, &root), [7; 32]] {
        let asked = measurement.next_request(&server.key(), &blind).unwrap();
        measurement.accept(&RustCrypto, &server.answer(&asked)).unwrap();
    }
    let verified = measurement.finish().unwrap().verify(&RustCrypto, &[server.key()]).unwrap();
    assert!(verified.exchanges[0].commits_to(&salt, &root));
    assert!(!verified.exchanges[0].commits_to(&root, &salt));
    assert!(!verified.exchanges[0].commits_to(&[4; 32], &root));
    assert!(!verified.exchanges[1].commits_to(&salt, &root));
}

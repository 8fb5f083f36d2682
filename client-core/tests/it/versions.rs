//! A server of another version: nothing is lost, and the officer is told what to do.

use sokiem_client_core::{
    Book, Error,
    sync::{Step, SyncRun},
};
use sokiem_record::wire::{self, DecodeError};

use crate::{
    books::{school, started, sync},
    model::area,
};

/// The answer to the next exchange.
fn answered(book: &Book, body: &[u8]) -> Error {
    let mut run = SyncRun::new();
    assert!(matches!(run.next(book).unwrap(), Step::Exchange(_)));
    run.received(book, body).unwrap_err()
}

#[test]
fn an_answer_of_another_version_is_told_by_its_version_and_nothing_is_lost() {
    let (book, server) = started();
    school(&book, area(1), "Trường");
    let before = book.status().unwrap();
    // Maps {"v": 2, "x": 1} and {"x": [1], "v": 0}: keys that this version has not.
    for (body, version) in [
        (b"\xa2\x61v\x02\x61x\x01".as_slice(), 2),
        (b"\xa2\x61x\x81\x01\x61v\x00", 0),
    ] {
        let error = answered(&book, body);
        assert!(
            matches!(&error, Error::Answer(DecodeError::Version(told)) if *told == version),
            "{error}"
        );
        assert!(!error.is_retryable(), "only an update helps");
    }
    // A key that this version has not is no other version: the answer is not taken in half.
    let error = answered(&book, b"\xa2\x61v\x01\x61x\x01");
    assert!(
        matches!(error, Error::Answer(DecodeError::Shape(_))),
        "{error}"
    );
    assert_eq!(book.status().unwrap(), before);
    assert!(sync(&book, &server).verified);
    assert_eq!(server.lock().documents.len(), 1);
    assert_eq!(wire::PROTOCOL_VERSION, 1, "or this test speaks of another");
}

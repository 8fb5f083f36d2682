//! Finishing and verifying on the device.

use sokiem_client_core::{Book, EnrolResponse, EnrolledAccount, Error, keys::BookKey};
use sokiem_record::{
    id::{AccountId, DeviceId, DocumentId, EpochId},
    signing::SigningKey,
    verification::{History, Standing},
};
use uuid::Uuid;

use crate::{
    books::{school, set, started, sync},
    files::File,
    model::{Server, area, campaign},
    platform::{Seeded, TestClock},
};

pub(crate) fn enrol(book: &Book) {
    book.next_key().unwrap();
    let response = EnrolResponse {
        device: DeviceId(Uuid::from_u128(0xd)),
        expires_ms: i64::MAX,
        renew_ms: i64::MAX,
        epoch: EpochId(Uuid::from_u128(1)),
        account: EnrolledAccount {
            id: AccountId(Uuid::from_u128(0xa)),
            name: "Trần Thị Lan".to_owned(),
            title: "Cán bộ".to_owned(),
        },
        server_name: "Sổ Kiểm".to_owned(),
        server_key: SigningKey::from_seed(&[4; 32]).public_key(),
    };
    book.enrolled("http://localhost", &response).unwrap();
}

fn inspection(book: &Book, server: &Server) -> DocumentId {
    let campaign = campaign(server, area(1));
    sync(book, server);
    let unit = school(book, area(1), "Trường");
    book.open_planned_inspection(unit, campaign)
        .unwrap()
        .document
}

#[test]
fn finishing_signs_the_state_once_and_anew_after_changes() {
    let (book, server) = started();
    let record = inspection(&book, &server);
    let before = book.get(record).unwrap();
    assert!(matches!(book.finish(record, None), Err(Error::NotEnrolled)));
    assert_eq!(book.get(record).unwrap(), before);
    enrol(&book);
    let finished = book.finish(record, None).unwrap();
    let read = book.get(record).unwrap();
    assert_eq!(read.fields["finished"], true);
    let signatures = read.fields["signatures"].as_object().unwrap();
    assert_eq!(signatures.len(), 1);
    let signature = signatures.values().next().unwrap();
    assert_eq!(signature["role"], "device");
    assert_eq!(signature["name"], "Trần Thị Lan");
    assert_eq!(book.finish(record, None).unwrap().heads, finished.heads);
    // No roster has come that names the key.
    let verified = book.verify(record).unwrap();
    assert_eq!(verified.signatures[0].standing, Standing::UnknownKey);
    assert!(matches!(verified.history, History::Whole { changes: 3 }));
    book.edit(record, None, &[set("number", "1")], None)
        .unwrap();
    assert_eq!(
        book.verify(record).unwrap().signatures[0]
            .since
            .as_ref()
            .unwrap()
            .len(),
        1
    );
    book.finish(record, None).unwrap();
    assert_eq!(book.verify(record).unwrap().signatures.len(), 2);
    let unit = school(&book, area(1), "Trường khác");
    assert!(matches!(book.finish(unit, None), Err(Error::Edit(_))));
}

#[test]
fn a_byte_that_was_altered_in_the_book_is_found() {
    let (file, key) = (File::new(), BookKey::from_bytes([3; 32]));
    let open = || file.open(&key, TestClock::at(1_700_000_000_000), Seeded::new(3));
    let server = Server::new(&[area(1)]);
    let record = {
        let book = open();
        sync(&book, &server);
        let record = inspection(&book, &server);
        enrol(&book);
        book.finish(record, None).unwrap();
        record
    };
    let altered = |sql: &str| file.connect(&key).execute(sql, []).unwrap();
    let of_record = format!("document = x'{}'", record.0.simple());
    assert!(open().verify(record).unwrap().signatures.len() == 1);
    for (damage, repair) in [
        (
            "UPDATE changes SET bytes = CAST(substr(bytes, 1, length(bytes) - 1) || x'5a' AS BLOB) WHERE ",
            "",
        ),
        (
            "UPDATE changes SET hash = zeroblob(32) WHERE number = (SELECT max(number) FROM changes) AND ",
            "",
        ),
        (
            "DELETE FROM changes WHERE number = (SELECT max(number) FROM changes) AND ",
            "",
        ),
    ] {
        let kept = file.bytes();
        assert!(altered(&format!("{damage}{of_record}{repair}")) > 0);
        let verified = open().verify(record).unwrap();
        assert!(
            matches!(verified.history, History::Broken { .. }),
            "{damage}"
        );
        assert!(!verified.is_sound());
        let all = open().verify_all().unwrap();
        assert_eq!(all.iter().filter(|one| !one.is_sound()).count(), 1);
        file.put(&kept);
    }
}

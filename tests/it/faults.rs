//! Lines that lose, repeat and cut, and clocks that are wrong.

use serde_json::json;
use sokiem_client_core::{
    Book,
    keys::BookKey,
    platform::{Clock, SystemRandom},
    sync::{self, http::HttpTransport, sync_once},
};
use sokiem_record::edit::Edit;
use sokiem_tests::{
    device::Device,
    town::{Small, new_unit},
    wire::{Fault, Faulty},
};

#[tokio::test(flavor = "multi_thread")]
async fn lost_doubled_and_cut_exchanges_lose_and_double_nothing() {
    for faults in [
        vec![Fault::RequestLost],
        vec![Fault::AnswerLost],
        vec![Fault::AnswerCut],
        vec![Fault::Twice],
        vec![
            Fault::AnswerLost,
            Fault::AnswerLost,
            Fault::AnswerCut,
            Fault::Twice,
            Fault::RequestLost,
        ],
    ] {
        let town = Small::start().await.unwrap();
        let device = town.officer("lan").await.unwrap();
        device.sync().await.unwrap();
        for n in 0..20 {
            new_unit(&device.book, town.commune, n).unwrap();
        }
        let line = Faulty::new(device.transport.clone(), faults.clone());
        let mut attempts = 0;
        loop {
            attempts += 1;
            assert!(attempts <= 10, "{faults:?} never ends");
            match sync_once(&device.book, &line).await {
                Ok(report) if report.verified => break,
                Ok(_) => {}
                Err(_) => {
                    let status = device.book.status().unwrap();
                    // Nothing is claimed that isn't so: what was not acknowledged is pending.
                    assert!(status.last_error.is_some());
                    assert_eq!(status.pending, 20, "{faults:?}");
                }
            }
        }
        assert_eq!(
            town.desk.list("kind=unit").await.unwrap().len(),
            20,
            "{faults:?}"
        );
        let status = device.book.status().unwrap();
        assert_eq!((status.pending, status.refused), (0, 0));
        let other = town.officer("minh").await.unwrap();
        other.sync().await.unwrap();
        assert_eq!(other.book.search("giong luong", 100).unwrap().len(), 20);
    }
}

/// A clock that stands still somewhere else.
#[derive(Clone, Copy)]
struct Wrong(i64);

impl Clock for Wrong {
    fn now_ms(&self) -> i64 {
        self.0
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_whose_clock_is_years_off_changes_no_merge_result() {
    let town = Small::start().await.unwrap();
    let right = town.officer("lan").await.unwrap();
    let account = town
        .desk
        .create_account("minh", "Cán bộ minh", "officer", None, &[town.commune])
        .await
        .unwrap();
    let code = town.desk.enrolment_code(account).await.unwrap();
    let base = town.server.url();
    // May 1995, on a phone that lost its battery.
    let file = town.folder.path().join("wrong.sqlite3");
    let key = BookKey::draw(&SystemRandom).unwrap();
    let book = Book::open(file, &key, Wrong(800_000_000_000), SystemRandom)
        .unwrap()
        .book;
    let stranger = HttpTransport::new(&base, None).unwrap();
    sync::enrol(&book, &stranger, &base, &code, "máy cũ", "0")
        .await
        .unwrap();
    let key = book.enrolment().unwrap().unwrap().key;
    let wrong = Device {
        book,
        transport: HttpTransport::new(&base, Some(key)).unwrap(),
    };

    right.sync().await.unwrap();
    let unit = new_unit(&right.book, town.commune, 1).unwrap();
    right.sync().await.unwrap();
    wrong.sync().await.unwrap();
    let address = |text: &str| {
        [Edit::Set {
            path: "address".parse().unwrap(),
            value: json!(text),
        }]
    };
    right.book.edit(unit, None, &address("Ấp 1"), None).unwrap();
    wrong.book.edit(unit, None, &address("Ấp 2"), None).unwrap();
    right.sync().await.unwrap();
    wrong.sync().await.unwrap();
    right.sync().await.unwrap();
    // Later by its clock or earlier: neither value won, both are there, on both sides.
    for book in [&right.book, &wrong.book] {
        assert_eq!(book.conflicts(unit).unwrap()[0].alternatives.len(), 2);
    }
    // Whoever settles holds, though the clock says 1995.
    let settle = Edit::Settle {
        path: "address".parse().unwrap(),
        value: json!("Ấp 2"),
    };
    wrong
        .book
        .edit(unit, None, &[settle], Some("đã hỏi đơn vị"))
        .unwrap();
    wrong.sync().await.unwrap();
    right.sync().await.unwrap();
    assert_eq!(right.book.get(unit).unwrap().fields["address"], "Ấp 2");
    assert!(right.book.conflicts(unit).unwrap().is_empty());
}

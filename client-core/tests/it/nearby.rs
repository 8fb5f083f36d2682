//! Units by distance.

use serde_json::json;
use sokiem_client_core::{Book, keys::BookKey, search::Query};
use sokiem_record::{
    id::{DocumentId, Kind},
    position::Position,
};

use crate::{
    books::{fields, school, set, started, sync},
    files::File,
    model::{Server, area, campaign},
    platform::{Seeded, TestClock},
};

fn unit(book: &Book, name: &str, position: &str) -> DocumentId {
    let fields = fields(json!({"name": name, "unit_kind": "school", "position": position}));
    book.create_unit(area(1), &fields).unwrap().document
}

fn nearby(book: &Book, kind: Kind) -> Vec<(DocumentId, Option<u32>)> {
    let query = Query {
        kind: Some(kind),
        near: Position::from_degrees(9.95, 106.53),
        ..Query::default()
    };
    let listed = book.list(&query).unwrap().into_iter();
    listed.map(|row| (row.document, row.distance_m)).collect()
}

#[test]
fn the_nearest_unit_comes_first_and_one_without_position_last() {
    let (book, server) = started();
    let campaign = campaign(&server, area(1));
    sync(&book, &server);
    let nowhere = school(&book, area(1), "A chưa có vị trí");
    let far = unit(&book, "B", "geo:10.05,106.53");
    let near = unit(&book, "C", "geo:9.951,106.53;u=20");
    let middle = unit(&book, "D", "geo:9.95,106.58");
    let found = nearby(&book, Kind::Unit);
    assert_eq!(
        found,
        [
            (near, Some(111)),
            (middle, Some(5_476)),
            (far, Some(11_120)),
            (nowhere, None),
        ]
    );
    // A degree of longitude is narrower than one of latitude; a position that moves is heeded.
    book.edit(near, None, &[set("position", "geo:9.95,107.53")], None)
        .unwrap();
    assert_eq!(nearby(&book, Kind::Unit)[2].0, near);
    let record = book.open_planned_inspection(middle, campaign).unwrap();
    assert_eq!(
        nearby(&book, Kind::Inspection),
        [(record.document, Some(5_476))]
    );
    let unsorted = book.list(&Query::default()).unwrap();
    assert!(unsorted.iter().all(|row| row.distance_m.is_none()));
}

#[test]
fn a_page_of_a_list_by_distance_goes_on_where_the_last_one_ended() {
    let (book, _server) = started();
    for number in 0..7 {
        unit(&book, "Trường", &format!("geo:9.9{number},106.53"));
    }
    let all = nearby(&book, Kind::Unit);
    let page = Query {
        kind: Some(Kind::Unit),
        near: Position::from_degrees(9.95, 106.53),
        limit: Some(3),
        offset: 2,
        ..Query::default()
    };
    let page: Vec<_> = book.list(&page).unwrap();
    let page: Vec<_> = page
        .iter()
        .map(|row| (row.document, row.distance_m))
        .collect();
    assert_eq!(page, all[2..5]);
}

/// What the sixth migration and those after it did, undone.
const BEFORE_POSITIONS: &str = "ALTER TABLE projection DROP COLUMN latitude_microdegrees;
    ALTER TABLE projection DROP COLUMN longitude_microdegrees;
    DROP TABLE operations;
    PRAGMA user_version = 5;";

#[test]
fn a_book_from_before_positions_knows_them_after_the_upgrade() {
    let file = File::new();
    let key = BookKey::from_bytes([3; 32]);
    let open = || {
        let clock = TestClock::at(1_700_000_000_000);
        file.open(&key, clock, Seeded::new(3))
    };
    let before = {
        let book = open();
        sync(&book, &Server::new(&[area(1)]));
        unit(&book, "B", "geo:10.05,106.53");
        unit(&book, "C", "geo:9.951,106.53");
        nearby(&book, Kind::Unit)
    };
    {
        let old = file.connect(&key);
        old.execute_batch(BEFORE_POSITIONS).unwrap();
    }
    assert_eq!(nearby(&open(), Kind::Unit), before);
    assert_eq!(nearby(&open(), Kind::Unit), before);
}

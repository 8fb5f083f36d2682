//! A device's key over its years, and a device that is asked to erase itself.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
};

use serde_json::json;
use sokiem_client_core::{
    Book, EnrolRequest, EnrolResponse,
    search::Query,
    sync::{NextKey, SyncReport, Transport, TransportError, enrol, http::HttpTransport, sync_once},
};
use sokiem_record::id::ActorId;
use sokiem_server::{
    Error,
    platform::{Platform, SystemPlatform},
};
use sokiem_tests::{
    desk::Desk,
    device::Device,
    town::{PASSWORD, Small, new_unit},
};

const DAY_MS: i64 = 86_400_000;

/// A server whose clock can be put forward.
#[derive(Clone, Default)]
struct Years(Arc<AtomicI64>);

impl Years {
    fn pass(&self, days: i64) {
        self.0.fetch_add(days * DAY_MS, Ordering::SeqCst);
    }
}

impl Platform for Years {
    fn now_ms(&self) -> i64 {
        SystemPlatform.now_ms() + self.0.load(Ordering::SeqCst)
    }

    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error> {
        SystemPlatform.fill(bytes)
    }
}

/// A line on which the answers to a device's new key and to its last words get lost.
struct Losing {
    inner: HttpTransport,
    left: AtomicU32,
}

impl Losing {
    fn new(inner: HttpTransport, answers: u32) -> Self {
        Self {
            inner,
            left: AtomicU32::new(answers),
        }
    }

    fn lost<T>(&self, answer: Result<T, TransportError>) -> Result<T, TransportError> {
        match self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            }) {
            Ok(_) => Err(TransportError::Timeout),
            Err(_) => answer,
        }
    }
}

impl Transport for Losing {
    async fn exchange(&self, body: Vec<u8>) -> Result<Vec<u8>, TransportError> {
        self.inner.exchange(body).await
    }

    async fn reconcile(&self, body: Vec<u8>) -> Result<Vec<u8>, TransportError> {
        self.inner.reconcile(body).await
    }

    async fn bind_actor(&self, actor: ActorId) -> Result<(), TransportError> {
        self.inner.bind_actor(actor).await
    }

    async fn renew_key(&self, next: &NextKey) -> Result<Vec<u8>, TransportError> {
        self.lost(self.inner.renew_key(next).await)
    }

    async fn confirm_wipe(&self) -> Result<(), TransportError> {
        self.lost(self.inner.confirm_wipe().await)
    }

    async fn enrol(&self, request: &EnrolRequest) -> Result<EnrolResponse, TransportError> {
        self.lost(self.inner.enrol(request).await)
    }
}

async fn device_row(town: &Small) -> serde_json::Value {
    // A session of today: these towns live for years.
    let desk = Desk::sign_in(&town.server.url(), "admin", PASSWORD)
        .await
        .unwrap();
    let devices = desk.get("/api/v1/devices").await.unwrap();
    devices.as_array().unwrap().last().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_in_use_renews_its_key_for_ever_and_one_that_lay_in_a_drawer_has_to_enrol() {
    let years = Years::default();
    let town = Small::start_on(years.clone()).await.unwrap();
    let lan = town.officer("lan").await.unwrap();
    let drawer = town.officer("minh").await.unwrap();
    lan.sync().await.unwrap();
    drawer.sync().await.unwrap();
    let mut keys = vec![lan.book.enrolment().unwrap().unwrap().key.key.public_key()];
    for round in 0..4 {
        years.pass(210);
        new_unit(&lan.book, town.commune, round).unwrap();
        // The phone's own clock knows nothing of these years.
        lan.sync().await.unwrap();
        keys.push(lan.book.enrolment().unwrap().unwrap().key.key.public_key());
    }
    keys.dedup();
    assert_eq!(keys.len(), 5, "a new key each time");
    let before = keys.len();
    lan.sync().await.unwrap();
    assert_eq!(
        lan.book.enrolment().unwrap().unwrap().key.key.public_key(),
        keys[before - 1]
    );
    let refused = sync_once(&drawer.book, &drawer.transport)
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("credential-expired"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_to_the_new_key_is_got_over_in_the_same_run_of_the_program_and_in_the_next() {
    for restarted in [false, true] {
        let years = Years::default();
        let town = Small::start_on(years.clone()).await.unwrap();
        let lan = town.officer("lan").await.unwrap();
        let before = lan.book.enrolment().unwrap().unwrap().key;
        years.pass(210);
        let line = Losing::new(lan.transport.clone(), 1);
        let lost = sync_once(&lan.book, &line).await.unwrap_err();
        assert!(lost.is_retryable(), "{lost}");
        let between = lan.book.enrolment().unwrap().unwrap().key;
        assert_eq!(between.key.public_key(), before.key.public_key());
        let next = between.next.clone().unwrap().public_key();
        let report = if restarted {
            let fresh = HttpTransport::new(&town.server.url(), Some(between)).unwrap();
            sync_once(&lan.book, &fresh).await.unwrap()
        } else {
            lan.sync().await.unwrap()
        };
        assert!(report.verified);
        let after = lan.book.enrolment().unwrap().unwrap().key;
        assert_eq!((after.key.public_key(), after.next.is_none()), (next, true));
        // The old key opens nothing any more.
        let old = HttpTransport::new(&town.server.url(), Some(before)).unwrap();
        let refused = sync_once(&lan.book, &old).await.unwrap_err();
        assert!(
            refused.to_string().contains("signature-invalid"),
            "{refused}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_never_heard_of_its_new_enrolment_enrols_with_the_next_code() {
    let town = Small::start().await.unwrap();
    let lan = town.officer("lan").await.unwrap();
    lan.sync().await.unwrap();
    new_unit(&lan.book, town.commune, 1).unwrap();
    let account = lan.book.enrolment().unwrap().unwrap().account;
    let base = town.server.url();
    let line = Losing::new(HttpTransport::new(&base, None).unwrap(), 1);
    let code = town.desk.enrolment_code(account.0).await.unwrap();
    let lost = enrol(&lan.book, &line, &base, &code, "máy", "0").await;
    assert!(lost.unwrap_err().is_retryable());
    let again = lan.enrolled_again(&base, &town.desk, account.0).await;
    let report = again.unwrap().sync().await.unwrap();
    assert_eq!(report.acknowledged, 1);
}

/// A phone with work that is pending, in a folder with things that belong to it.
async fn lost_phone(town: &Small) -> (Device, PathBuf) {
    let lan = town.officer("lan").await.unwrap();
    lan.sync().await.unwrap();
    for n in 0..3 {
        new_unit(&lan.book, town.commune, n).unwrap();
    }
    lan.sync().await.unwrap();
    new_unit(&lan.book, town.commune, 3).unwrap();
    let folder = town.folder.path().join("lan");
    std::fs::create_dir_all(folder.join("attachments")).unwrap();
    std::fs::write(folder.join("attachments/photo.jpg"), "photo").unwrap();
    std::fs::write(folder.join("book.sqlite3.damaged-1"), "an older copy").unwrap();
    std::fs::write(folder.join("unrelated.txt"), "not ours").unwrap();
    (lan, folder)
}

async fn ask_to_erase(town: &Small) {
    let id = device_row(town).await["id"].as_str().unwrap().to_owned();
    town.desk
        .post(&format!("/api/v1/devices/{id}/wipe"), json!(null))
        .await
        .unwrap();
}

fn assert_erased(book: &Book, folder: &Path) {
    assert!(book.list(&Query::default()).unwrap().is_empty());
    assert!(book.search("giong luong", 10).unwrap().is_empty());
    assert!(book.enrolment().unwrap().is_none());
    assert_eq!(
        book.export().unwrap()["documents"]
            .as_array()
            .map(Vec::len)
            .unwrap_or(0),
        0
    );
    let status = book.status().unwrap();
    let erased = status.erased.unwrap();
    assert_eq!(
        (status.enrolled, erased.unsent, erased.refused),
        (false, 0, 0)
    );
    assert!(!folder.join("attachments").exists());
    assert!(!folder.join("book.sqlite3.damaged-1").exists());
    assert!(folder.join("unrelated.txt").exists());
}

async fn assert_told(town: &Small) {
    let row = device_row(town).await;
    assert!(
        row["wiped_ms"].is_i64() && row["revoked_ms"].is_i64(),
        "{row}"
    );
    // What was pending arrived before.
    let units = town.desk.get("/api/v1/records?kind=unit").await.unwrap();
    assert!(units.to_string().contains("số 3"), "{units}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_is_asked_to_sends_what_it_has_says_so_and_erases_everything() {
    let town = Small::start().await.unwrap();
    let (lan, folder) = lost_phone(&town).await;
    ask_to_erase(&town).await;
    let report: SyncReport = sync_once(&lan.book, &lan.transport).await.unwrap();
    assert!(report.erased && !report.verified && report.acknowledged > 0);
    assert_erased(&lan.book, &folder);
    assert_told(&town).await;
    let again = sync_once(&lan.book, &lan.transport).await.unwrap_err();
    assert!(again.to_string().contains("device-revoked"), "{again}");
    // The same phone can be given to somebody else.
    let account = town
        .desk
        .create_account("minh", "Minh", "officer", None, &[town.commune])
        .await
        .unwrap();
    let code = town.desk.enrolment_code(account).await.unwrap();
    let stranger = HttpTransport::new(&town.server.url(), None).unwrap();
    let url = town.server.url();
    enrol(&lan.book, &stranger, &url, &code, "máy cũ", "1")
        .await
        .unwrap();
    let key = lan.book.enrolment().unwrap().unwrap().key;
    let transport = HttpTransport::new(&url, Some(key)).unwrap();
    assert!(sync_once(&lan.book, &transport).await.unwrap().verified);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_whose_last_words_were_not_answered_erases_itself_the_next_time() {
    let town = Small::start().await.unwrap();
    let (lan, folder) = lost_phone(&town).await;
    ask_to_erase(&town).await;
    let line = Losing::new(lan.transport.clone(), 1);
    assert!(
        sync_once(&lan.book, &line)
            .await
            .unwrap_err()
            .is_retryable()
    );
    assert!(!lan.book.list(&Query::default()).unwrap().is_empty());
    assert!(sync_once(&lan.book, &line).await.unwrap().erased);
    assert_erased(&lan.book, &folder);
    assert_told(&town).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_can_say_that_a_phone_erased_itself_unless_somebody_asked() {
    let town = Small::start().await.unwrap();
    let lan = town.officer("lan").await.unwrap();
    let refused = lan.transport.confirm_wipe().await.unwrap_err();
    assert_eq!(refused.code(), "invalid");
    assert!(lan.sync().await.is_ok());
    assert!(device_row(&town).await["wiped_ms"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_says_how_it_is_with_every_exchange_and_its_supervisor_sees_it() {
    let years = Years::default();
    let town = Small::start_on(years.clone()).await.unwrap();
    let lan = town.officer("lan").await.unwrap();
    lan.sync().await.unwrap();
    years.pass(2);
    for n in 0..3 {
        new_unit(&lan.book, town.commune, n).unwrap();
    }
    lan.book.note_app_version("7.0-field").unwrap();
    lan.sync().await.unwrap();
    let row = device_row(&town).await;
    assert_eq!(row["app_version"], "7.0-field");
    // What goes with the request itself does not wait.
    assert_eq!(
        (row["waiting"].clone(), row["waiting_attachments"].clone()),
        (json!(0), json!(0))
    );
    let ahead_ms = row["clock_ahead_ms"].as_i64().unwrap();
    assert!((ahead_ms + 2 * DAY_MS).abs() < 600_000, "{ahead_ms}");
    assert_eq!(row["silent"], false);
}

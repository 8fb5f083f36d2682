//! What the server does: taking in a push, what supervisors write, starting.
//!
//! The whole server runs on a simulated disk; officers and supervisors speak HTTP with it. A server whose disk
//! failed answers an error and acknowledges nothing; when the failure passes it goes on by itself, and after a
//! power cut it starts again with everything that it acknowledged.

use std::{future::Future, time::Duration};

use rusqlite::{Connection, OpenFlags};
use serde_json::json;
use sokiem_client_core::{
    Book,
    sync::{self, http::HttpTransport},
};
use sokiem_disk::{Disk, Fault, Image};
use sokiem_record::{edit::Edit, id::DocumentId};
use sokiem_server::{
    Config, FILE_NAME, Role, Running,
    platform::{Platform, SystemPlatform},
    serve_on,
};
use sokiem_tests::{
    Result,
    desk::{Desk, Refusal, id},
    town::new_unit,
};
use tempfile::TempDir;
use uuid::Uuid;

use crate::crash_points::{FAULTS, Tried, phone, seed};

const PASSWORD: &str = "mật khẩu dùng để thử";

/// A machine whose disk is simulated.
struct OnDisk(Disk);

impl Platform for OnDisk {
    fn now_ms(&self) -> i64 {
        SystemPlatform.now_ms()
    }

    fn fill(&self, bytes: &mut [u8]) -> std::result::Result<(), sokiem_server::Error> {
        SystemPlatform.fill(bytes)
    }

    fn vfs(&self) -> Option<&str> {
        Some(self.0.vfs())
    }
}

async fn start(
    disk: &Disk,
    folder: &TempDir,
) -> std::result::Result<Running, sokiem_server::Error> {
    let mut config = Config {
        listen: ([127, 0, 0, 1], 0).into(),
        data_dir: folder.path().to_owned(),
        secure_cookies: false,
        ..Config::default()
    };
    config.limits.password_memory_kib = 64;
    config.limits.attempts = 100_000;
    config.limits.readers = 1;
    config.limits.stop_s = 2;
    serve_on(config, OnDisk(disk.clone())).await
}

/// The two disks in the morning, and what there is.
struct Morning {
    folder: TempDir,
    server: Image,
    phone: Image,
    district: Uuid,
    inspection: DocumentId,
    unit: DocumentId,
}

/// One day that begins with that morning.
struct Day {
    server: Option<Running>,
    disk: Disk,
    phone: Disk,
    desk: Desk,
}

fn address(text: &str) -> Edit {
    Edit::Set {
        path: "address".parse().unwrap(),
        value: text.into(),
    }
}

impl Morning {
    async fn come() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (disk, phone) = (Disk::new(1), Disk::new(2));
        let server = start(&disk, &folder).await.unwrap();
        server
            .create_account("admin", "Quản trị", Role::Administrator, PASSWORD)
            .await
            .unwrap();
        let desk = Desk::sign_in(&server.url(), "admin", PASSWORD)
            .await
            .unwrap();
        let district = desk
            .create_area("Huyện thử", "district", None)
            .await
            .unwrap();
        let commune = desk
            .create_area("Xã thử", "commune", Some(district))
            .await
            .unwrap();
        desk.publish_criteria(district, "KIEMTRA-CHUNG@1")
            .await
            .unwrap();
        let account = desk
            .create_account("lan", "Lan", "officer", None, &[commune])
            .await
            .unwrap();
        let code = desk.enrolment_code(account).await.unwrap();
        let book = phone::open(&phone).unwrap();
        let stranger = HttpTransport::new(&server.url(), None).unwrap();
        sync::enrol(&book, &stranger, &server.url(), &code, "máy", "0")
            .await
            .unwrap();
        let line = line(&book, &server.url());
        sync::sync_once(&book, &line).await.unwrap();
        let unit = new_unit(&book, commune, 0).unwrap();
        let inspection = book
            .open_unplanned_inspection(unit, "KIEMTRA-CHUNG", 1)
            .unwrap()
            .document;
        assert!(sync::sync_once(&book, &line).await.unwrap().verified);
        // Unsent: a new unit, and enough of one record that a snapshot is kept.
        new_unit(&book, commune, 1).unwrap();
        for n in 0..9 {
            book.edit(unit, None, &[address(&format!("Ấp {n}"))], None)
                .unwrap();
        }
        drop(book);
        server.stop().await.unwrap();
        disk.restart();
        phone.restart();
        Self {
            folder,
            server: disk.image(),
            phone: phone.image(),
            district,
            inspection,
            unit,
        }
    }

    async fn day(&self, seed: u64) -> Day {
        let (disk, phone) = (Disk::new(seed), Disk::new(seed));
        disk.put_image(&self.server);
        phone.put_image(&self.phone);
        let server = start(&disk, &self.folder).await.unwrap();
        let desk = Desk::sign_in(&server.url(), "admin", PASSWORD)
            .await
            .unwrap();
        Day {
            server: Some(server),
            disk,
            phone,
            desk,
        }
    }
}

fn line(book: &Book, url: &str) -> HttpTransport {
    let key = book.enrolment().unwrap().unwrap().key;
    HttpTransport::new(url, Some(key)).unwrap()
}

impl Day {
    fn url(&self) -> String {
        self.server.as_ref().unwrap().url()
    }

    /// The power goes at the server, and comes back.
    async fn restart(&mut self, folder: &TempDir) {
        self.disk.forget_faults();
        self.disk.crash();
        let stopped = self.server.take().unwrap().stop();
        tokio::time::timeout(Duration::from_secs(20), stopped)
            .await
            .unwrap_or_else(|_| panic!("a server whose disk failed does not stop"))
            .unwrap();
        self.disk.restart();
        sound(&self.disk, folder);
        self.server = Some(start(&self.disk, folder).await.unwrap());
        self.desk = Desk::sign_in(&self.url(), "admin", PASSWORD).await.unwrap();
    }

    /// The phone syncs; how much of it the server had acknowledged before and lost.
    async fn sync(&self) -> Result<sync::SyncReport> {
        let book = phone::open(&self.phone)?;
        Ok(sync::sync_once(&book, &line(&book, &self.url())).await?)
    }
}

/// The database is whole, and the logs have no gaps.
fn sound(disk: &Disk, folder: &TempDir) {
    let path = folder.path().join(FILE_NAME);
    let connection =
        Connection::open_with_flags_and_vfs(path, OpenFlags::default(), disk.vfs()).unwrap();
    let one = |sql: &str| {
        connection
            .query_row(sql, [], |row| row.get::<_, String>(0))
            .unwrap()
    };
    assert_eq!(one("PRAGMA integrity_check"), "ok");
    assert_eq!(
        one("SELECT count(*) || '' FROM pragma_foreign_key_check"),
        "0"
    );
    let gaps = "SELECT count(*) || '' FROM (SELECT 1 FROM log GROUP BY area HAVING count(*) <> max(seq) OR min(seq) <> 1)";
    assert_eq!(one(gaps), "0");
    let strays = "SELECT count(*) || '' FROM areas a WHERE last_seq <> (SELECT count(*) FROM log WHERE log.area = a.id)";
    assert_eq!(one(strays), "0");
    let lists = "SELECT count(*) || '' FROM documents d WHERE changes <> (SELECT count(*) FROM changes c WHERE c.document = d.id)";
    assert_eq!(one(lists), "0");
}

/// A deed and how to see that it was done.
trait Deed {
    const WHAT: &'static str;
    fn play(&self, day: &Day) -> impl Future<Output = Result<()>>;
    fn done(&self, day: &Day) -> impl Future<Output = bool>;
}

struct Push<'a>(&'a Morning);

impl Deed for Push<'_> {
    const WHAT: &'static str = "a push";

    async fn play(&self, day: &Day) -> Result<()> {
        let report = day.sync().await?;
        assert!(report.verified, "{report:?}");
        Ok(())
    }

    async fn done(&self, day: &Day) -> bool {
        let units = day.desk.list("kind=unit").await.unwrap().len();
        let record = day.desk.record(self.0.unit.0).await.unwrap();
        let last = record["fields"]["address"] == "Ấp 8";
        assert!((1..=2).contains(&units));
        let before = phone::open(&day.phone).unwrap().status().unwrap().pending;
        if before == 0 {
            assert!(units == 2 && last, "acknowledged and not there");
        }
        // Whatever was acknowledged is there: nothing has to be offered a second time.
        let report = day.sync().await.unwrap();
        assert!(report.verified && report.offered_again == 0, "{report:?}");
        units == 2 && last
    }
}

struct Campaign<'a>(&'a Morning);

impl Deed for Campaign<'_> {
    const WHAT: &'static str = "a campaign";

    async fn play(&self, day: &Day) -> Result<()> {
        let set = json!({"criteria": "KIEMTRA-CHUNG@1"});
        let body = json!({"area": self.0.district, "name": "Đợt thử", "year": 2019, "sets": {"school": set}});
        id(&day.desk.post("/api/v1/campaigns", body).await?, "id")?;
        Ok(())
    }

    async fn done(&self, day: &Day) -> bool {
        count(day, "kind=campaign").await == 1
    }
}

struct Decision<'a>(&'a Morning);

impl Deed for Decision<'_> {
    const WHAT: &'static str = "a decision";

    async fn play(&self, day: &Day) -> Result<()> {
        day.desk
            .decide(self.0.inspection.0, "returned", "bổ sung ảnh")
            .await
    }

    async fn done(&self, day: &Day) -> bool {
        count(day, "kind=review").await == 1
    }
}

struct Correction<'a>(&'a Morning);

impl Deed for Correction<'_> {
    const WHAT: &'static str = "a correction";

    async fn play(&self, day: &Day) -> Result<()> {
        let edits = json!([{"edit": "set", "path": "staff", "value": 77}]);
        day.desk.edit(self.0.unit.0, "theo văn bản", edits).await
    }

    async fn done(&self, day: &Day) -> bool {
        day.desk.record(self.0.unit.0).await.unwrap()["fields"]["staff"] == 77
    }
}

async fn count(day: &Day, filter: &str) -> usize {
    day.desk.list(filter).await.unwrap().len()
}

/// Fails every call of a deed.
async fn every_call<D: Deed>(morning: &Morning, deed: D) {
    let (seed, mut tried, mut highest) = (seed(), Tried::default(), 0);
    for fault in FAULTS {
        let mut call = 0;
        loop {
            call += 1;
            let mut day = morning.day(seed.wrapping_add(call)).await;
            let place = format!("SOKIEM_SEED={seed} {}, {fault:?} at call {call}", D::WHAT);
            let begun = day.disk.calls();
            day.disk.fail_at(begun + call, fault);
            let played = deed.play(&day).await;
            let met = day.disk.faults_met();
            if met == 0 {
                assert!(played.is_ok(), "{place}: {played:?}");
                break;
            }
            tried.add(fault, met);
            // A full disk waits for a call that needs room.
            call = call.max(day.disk.last_fault() - begun);
            highest = highest.max(call);
            if let Err(error) = &played
                && let Some(refusal) = error.downcast_ref::<Refusal>()
            {
                assert!(refusal.status >= 500, "{place}: {refusal}");
            }
            if fault == Fault::Crash {
                // What was answered before the disk was gone is acknowledged, whatever happens now.
                day.restart(&morning.folder).await;
            }
            let mut done = deed.done(&day).await;
            assert!(
                done || played.is_err(),
                "{place}: acknowledged and not there"
            );
            if !done {
                deed.play(&day)
                    .await
                    .unwrap_or_else(|error| panic!("{place}: again: {error}"));
                done = deed.done(&day).await;
            }
            assert!(done, "{place}: done again and not there");
            if fault != Fault::Crash {
                day.restart(&morning.folder).await;
                assert!(deed.done(&day).await, "{place}: gone after a power cut");
            }
            day.server.take().unwrap().stop().await.unwrap();
        }
    }
    println!("{}: {highest} calls", D::WHAT);
    tried.report(D::WHAT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_acknowledged_only_when_it_is_on_disk_whichever_call_fails() {
    let morning = Morning::come().await;
    every_call(&morning, Push(&morning)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_is_whole_or_not_there_whichever_call_fails() {
    let morning = Morning::come().await;
    every_call(&morning, Campaign(&morning)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_whole_or_not_there_whichever_call_fails() {
    let morning = Morning::come().await;
    every_call(&morning, Decision(&morning)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_is_whole_or_not_there_whichever_call_fails() {
    let morning = Morning::come().await;
    every_call(&morning, Correction(&morning)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_fails_loses_nothing_and_the_next_one_succeeds() {
    let morning = Morning::come().await;
    for (what, image) in [
        ("a first start", Image::default()),
        ("a start", morning.server.clone()),
    ] {
        let (seed, mut tried) = (seed(), Tried::default());
        for fault in FAULTS {
            let mut call = 0;
            loop {
                call += 1;
                let disk = Disk::new(seed.wrapping_add(call));
                disk.put_image(&image);
                disk.fail_at(call, fault);
                let started = start(&disk, &morning.folder).await;
                let met = disk.faults_met();
                if let Ok(server) = started {
                    server.stop().await.unwrap();
                }
                if met == 0 {
                    break;
                }
                tried.add(fault, met);
                call = call.max(disk.last_fault());
                disk.forget_faults();
                disk.restart();
                let place = format!("SOKIEM_SEED={seed} {what}, {fault:?} at call {call}");
                let server = start(&disk, &morning.folder).await;
                let server = server.unwrap_or_else(|error| panic!("{place}: {error}"));
                server.stop().await.unwrap();
                sound(&disk, &morning.folder);
            }
        }
        tried.report(what);
    }
}

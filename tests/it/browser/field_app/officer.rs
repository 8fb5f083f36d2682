//! An officer's days with the app: enrolled with network, at work without, the browser killed in between, back on line without a
//! touch, and what the supervisor says.

use serde_json::{Value as Json, json};
use sokiem_record::{genesis::planned_inspection_id, id::DocumentId};

use super::{Page, place::Place};
use crate::browser::{Browser, driver::kept};

const PIN: &str = "mực-tím-2019";
/// A phone, and a laptop or tablet.
const SIZES: [(u32, u32); 2] = [(360, 740), (1024, 768)];

/// The app in a tab.
pub(super) struct App<'a>(pub(super) &'a Page);

impl App<'_> {
    pub(super) fn enrol(&self, code: &str) {
        self.0.visit(&format!("/app/#/enrol/{code}"));
        self.0.fill("#pin-first", PIN);
        self.0.fill("#pin-second", PIN);
        self.0.click("form button[type=submit]");
        self.0.wait_for("h1", "Ghi danh");
        self.0.click("form button[type=submit]");
        self.synced();
    }

    pub(super) fn unlock(&self) {
        self.0.fill("input[type=password]", PIN);
        self.0.click("form button[type=submit]");
        self.0.wait("nav.tabs");
    }

    /// Waits until everything is said to be on the server.
    pub(super) fn synced(&self) {
        self.0.wait_for("a.status", "Đã đồng bộ lúc");
    }

    pub(super) fn to(&self, hash: &str, heading: &str) {
        self.0.evaluate(&format!("location.hash = {hash:?}"));
        self.0.wait_for("h1", heading);
    }

    /// Begins the planned inspection of a unit on the unit's page, and goes on to its criteria.
    pub(super) fn begin(&self, unit: DocumentId, inspection: DocumentId) {
        self.to(&format!("#/unit/{unit}"), "");
        self.0.click(".begin button >> nth=0");
        self.0.wait_for("h1", "");
        self.0.evaluate(&format!(
            "location.hash = '#/inspection/{inspection}/items'"
        ));
        self.0.wait("[id=\"f-items/KTC-01\"]");
    }

    /// Answers a criterion; saved when it says so.
    pub(super) fn answer(&self, item: &str, answer: &str) {
        let at = format!("input[name=\"r-items/{item}/answer\"][value={answer}]");
        self.0.check(&at);
    }

    /// Waits until nothing that was typed is on its way to the disk.
    pub(super) fn saved(&self) {
        self.0.evaluate(
            r#"(async () => {
                const deadline = Date.now() + 20000;
                const busy = () => [...document.querySelectorAll(".saved")].some((one) => /đang lưu|…/.test(one.textContent));
                while (busy()) {
                    if (Date.now() > deadline) throw new Error("something is not saved");
                    await new Promise((done) => setTimeout(done, 20));
                }
            })()"#,
        );
    }
}

/// A photo as a camera writes it: 12 megapixels would take the test's time, 2 show the same.
fn photo() -> std::path::PathBuf {
    let low = |number: u32| number.to_le_bytes()[0];
    let picture = image::RgbImage::from_fn(1600, 1200, |x, y| {
        image::Rgb([low(x / 8), low(y / 6), low((x ^ y) / 8)])
    });
    let path = kept("camera.jpg");
    picture.save(&path).unwrap();
    path
}

fn look(page: &Page, name: &str) {
    for (width, height) in SIZES {
        page.resize_to(width, height);
        assert_eq!(page.overflow(), [""; 0], "{name} at {width}");
        let barriers = page.barriers();
        assert!(
            barriers.is_empty(),
            "{name} at {width}:\n{}",
            barriers.join("\n")
        );
        page.picture(&format!("app-{name}-{width}"));
    }
    page.resize_to(SIZES[0].0, SIZES[0].1);
}

#[tokio::test(flavor = "multi_thread")]
async fn three_units_are_inspected_without_network_and_nothing_is_lost_to_a_kill() {
    let place = Place::start().await.unwrap();
    let mut units = Vec::new();
    for (name, kind) in [
        ("Trường Tiểu học Thạnh Hải", "school"),
        ("Hợp tác xã Giao Thạnh", "enterprise"),
        ("Bưu điện An Thạnh", "agency"),
    ] {
        units.push(place.unit(name, kind).await.unwrap());
    }
    let (officer, code) = place.officer("lan").await.unwrap();
    let campaign = place.assign(&units, officer).await.unwrap();
    let photo = photo();
    let browser = Browser::start();
    let phone = place.phone("lan");
    let tab = place.tab(&browser, &phone);
    let app = App(&tab);
    app.enrol(&code);
    app.to("#/today", "Hôm nay");
    tab.wait_for("main", "Bưu điện An Thạnh");
    look(&tab, "today");
    // The service worker has every file before the network goes.
    tab.evaluate("navigator.serviceWorker.ready.then(() => true)");
    tab.expect_no_faults();

    place.line.set_cut(true);
    let inspections: Vec<DocumentId> = units
        .iter()
        .map(|unit| planned_inspection_id(*unit, campaign))
        .collect();
    for (unit, inspection) in units.iter().zip(&inspections) {
        visit(&app, *unit, *inspection, &photo);
    }
    app.to(
        &format!("#/inspection/{}/items", inspections[0]),
        "Trường Tiểu học",
    );
    look(&tab, "inspection");
    tab.kill();

    let tab = place.tab(&browser, &phone);
    let app = App(&tab);
    tab.visit("/app/");
    app.unlock();
    tab.wait_for("a.status", "chờ gửi");
    for inspection in &inspections {
        app.to(&format!("#/inspection/{inspection}/items"), "");
        tab.wait("input[name=\"r-items/KTC-01/answer\"][value=pass]:checked");
        tab.wait("input[name=\"r-items/KTC-03/answer\"][value=fail]:checked");
        tab.wait(".photos img");
    }
    app.to("#/outbox", "Chờ gửi");
    tab.wait_for("main", "Bưu điện An Thạnh");
    look(&tab, "outbox");

    // Back on line: nobody touches anything.
    place.line.set_cut(false);
    tab.evaluate("window.dispatchEvent(new Event('online'))");
    app.synced();
    for inspection in &inspections {
        let record = place.record(*inspection).await.unwrap();
        assert_eq!(record["fields"]["items"]["KTC-01"]["answer"], "pass");
        assert_eq!(record["fields"]["items"]["KTC-03"]["answer"], "fail");
        let evidence = record["fields"]["items"]["KTC-03"]["evidence"]
            .as_object()
            .unwrap();
        assert_eq!(evidence.len(), 1, "one photo each");
    }
    // Photos follow the records.
    tab.wait_gone("a[href='#/outbox'] .count");

    let desk = browser.page(&place.town.server.url());
    desk.sign_in("admin", sokiem_tests::town::PASSWORD);
    desk.visit(&format!("/records/{}", inspections[0]));
    desk.wait_for("main", "Trường Tiểu học Thạnh Hải");
    returned(&place, inspections[0]).await;
    app.to("#/today", "Hôm nay");
    tab.wait_for("main", "Trường Tiểu học Thạnh Hải");
    app.to(
        &format!("#/inspection/{}/items", inspections[0]),
        "Trường Tiểu học",
    );
    tab.wait_for("main", "Thiếu ảnh bìa phương án");
    look(&tab, "returned");
    tab.expect_no_faults();
}

/// One unit: answers, a measured value, a note, a photo.
fn visit(app: &App<'_>, unit: DocumentId, inspection: DocumentId, photo: &std::path::Path) {
    let tab = app.0;
    app.begin(unit, inspection);
    app.answer("KTC-01", "pass");
    app.answer("KTC-03", "fail");
    tab.fill(
        "[id=\"i-items/KTC-03/note\"]",
        "Phương án chưa được phê duyệt",
    );
    tab.upload(
        "[id=\"f-items/KTC-03\"] input[type=file] >> nth=0",
        &[photo],
    );
    tab.wait(".photos img");
    app.saved();
}

/// The supervisor sends it back, with a reason for one criterion.
async fn returned(place: &Place, inspection: DocumentId) {
    let record = place.record(inspection).await.unwrap();
    let body = json!({"decision": "returned", "heads": record["heads"], "reason": "Cần bổ sung",
        "reasons": [{"item": "KTC-03", "text": "Thiếu ảnh bìa phương án"}]});
    let path = format!("/api/v1/records/{inspection}/decisions");
    let _: Json = place.town.desk.post(&path, body).await.unwrap();
}

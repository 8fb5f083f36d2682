//! The ways in and out: a code typed by hand or read by the camera, the lock after idleness, the wipe.

use serde_json::json;
use sokiem_record::genesis::planned_inspection_id;

use super::{Page, officer::App, place::Place};
use crate::browser::Browser;

const PIN: &str = "mực-tím-2019";

/// A PIN is chosen; then the page to enrol is shown.
fn begin(tab: &Page) {
    tab.wait("#pin-first");
    tab.fill("#pin-first", PIN);
    tab.fill("#pin-second", PIN);
    tab.click("form button[type=submit]");
    tab.wait_for("h1", "Ghi danh");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_typed_by_hand_and_a_wrong_one_is_told() {
    let place = Place::start().await.unwrap();
    let (_, code) = place.officer("lan").await.unwrap();
    let browser = Browser::start();
    let tab = place.tab(&browser, &place.phone("lan"));
    tab.visit("/app/");
    // Two that differ, and one that is short, are no PIN.
    tab.wait("#pin-first");
    tab.fill("#pin-first", PIN);
    tab.fill("#pin-second", "khác-hẳn");
    tab.click("form button[type=submit]");
    tab.wait_for("[role=alert]", "không giống nhau");
    begin(&tab);

    tab.fill("#code", "SAI-MẤT-RỒI");
    tab.fill("#device-name", "Điện thoại của Lan");
    tab.click("form button[type=submit]");
    tab.wait("form [role=alert]");
    assert!(!tab.text("form [role=alert]").is_empty());
    assert_eq!(
        tab.evaluate("document.querySelector('#code').value"),
        "SAI-MẤT-RỒI",
        "what was typed stays"
    );
    tab.fill("#code", &format!("  {code} "));
    tab.click("form button[type=submit]");
    App(&tab).synced();
    assert!(
        !tab.url().contains(&code),
        "the address does not keep the code: {}",
        tab.url()
    );
    let devices = place.town.desk.get("/api/v1/devices").await.unwrap();
    assert!(
        devices.to_string().contains("Điện thoại của Lan"),
        "{devices}"
    );
}

/// Chromium has a camera for tests, and on Linux nothing that reads codes: that part is made up here.
#[tokio::test(flavor = "multi_thread")]
async fn the_camera_fills_in_the_code_and_is_given_back() {
    let place = Place::start().await.unwrap();
    let (_, code) = place.officer("lan").await.unwrap();
    let link = format!("{}/app/#/enrol/{code}", place.line.url());
    let browser = Browser::start();
    let tab = place.tab(&browser, &place.phone("lan"));
    tab.visit("/app/");
    tab.evaluate(&format!(
        r#"window.BarcodeDetector = class {{
            constructor({{ formats }}) {{ window.formats = formats; }}
            async detect(video) {{
                window.seen = video.videoWidth;
                window.track = video.srcObject.getTracks()[0];
                return video.videoWidth ? [{{ rawValue: {} }}] : [];
            }}
        }}"#,
        json!(link)
    ));
    begin(&tab);
    tab.click("button:has-text('Quét mã QR')");
    tab.wait_gone("video");
    assert_eq!(
        tab.evaluate("document.querySelector('#code').value"),
        json!(code)
    );
    assert_eq!(tab.evaluate("window.formats.join()"), "qr_code");
    assert_eq!(
        tab.evaluate("window.track.readyState"),
        "ended",
        "the camera was given back"
    );
    tab.click("form button[type=submit]");
    App(&tab).synced();
    tab.expect_no_faults();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_book_locks_when_nobody_touches_it_and_keeps_what_was_being_typed() {
    let place = Place::start().await.unwrap();
    let unit = place.unit("Bưu điện An Thạnh", "agency").await.unwrap();
    let (officer, code) = place.officer("lan").await.unwrap();
    let campaign = place.assign(&[unit], officer).await.unwrap();
    let inspection = planned_inspection_id(unit, campaign);
    let browser = Browser::start();
    let tab = place.tab(&browser, &place.phone("lan"));
    let app = App(&tab);
    tab.take_clock();
    app.enrol(&code);
    app.begin(unit, inspection);
    tab.later(4 * 60_000);
    // A touch: five minutes from here.
    app.answer("KTC-03", "fail");
    app.saved();
    tab.later(4 * 60_000);
    tab.wait("nav.tabs");
    tab.fill(
        "[id=\"i-items/KTC-03/note\"]",
        "Phương án chưa được phê duyệt",
    );
    tab.later(5 * 60_000 + 11_000);
    tab.wait_for("h1", "Sổ đang khoá");
    assert!(
        !tab.source().contains("An Thạnh") && !tab.source().contains("Phương án chưa"),
        "nothing of the book is left on the page"
    );
    app.unlock();
    tab.wait("[id=\"i-items/KTC-03/note\"]");
    let text = tab.evaluate("document.getElementById('i-items/KTC-03/note').value");
    assert_eq!(text, "Phương án chưa được phê duyệt");
    app.synced();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_device_says_so_and_can_be_enrolled_again() {
    let place = Place::start().await.unwrap();
    let unit = place.unit("Bưu điện An Thạnh", "agency").await.unwrap();
    let (account, code) = place.officer("mat").await.unwrap();
    let browser = Browser::start();
    let tab = place.tab(&browser, &place.phone("mat"));
    let app = App(&tab);
    app.enrol(&code);
    app.to(&format!("#/unit/{unit}"), "Bưu điện An Thạnh");
    place.wipe(account).await.unwrap();
    tab.evaluate("window.dispatchEvent(new Event('sokiem-sync'))");
    tab.wait_for("h1", "đã được xoá");
    assert!(!tab.source().contains("An Thạnh"));
    tab.picture("app-erased-360");
    // It says so the next time too.
    tab.visit("/app/");
    tab.wait_for("h1", "đã được xoá");
    tab.click("main a.button");
    begin(&tab);
    let code = place.code(account).await.unwrap();
    tab.fill("#code", &code);
    tab.click("form button[type=submit]");
    app.synced();
    app.to(&format!("#/unit/{unit}"), "Bưu điện An Thạnh");
}

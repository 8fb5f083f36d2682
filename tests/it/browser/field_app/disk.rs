//! Where the book can't be kept: a disk that is full or fails, and a browser that keeps nothing.

use serde_json::json;
use sokiem_record::genesis::planned_inspection_id;

use super::{changed, officer::App, place::Place};
use crate::browser::{Browser, Page};

/// A disk that the page can make `full`, so that no file grows any more, or `broken`, so that nothing can be written.
const DISK: &str = r#"{
    let disk = "sound";
    const told = new BroadcastChannel("test-disk");
    told.onmessage = ({ data }) => { disk = data; told.postMessage(`is ${data}`); };
    const handle = FileSystemSyncAccessHandle.prototype;
    const refuse = () => { throw new DOMException("no room", "QuotaExceededError"); };
    const { write, truncate } = handle;
    handle.write = function (bytes, options) {
        const end = (options?.at ?? this.position ?? 0) + bytes.byteLength;
        if (disk === "broken" || (disk === "full" && end > this.getSize())) refuse();
        return write.call(this, bytes, options);
    };
    handle.truncate = function (size) {
        if (disk === "broken" || (disk === "full" && size > this.getSize())) refuse();
        return truncate.call(this, size);
    };
}"#;

fn set_disk(tab: &Page, state: &str) {
    tab.evaluate(&format!(
        r#"new Promise((done) => {{
            const tell = new BroadcastChannel("test-disk");
            tell.onmessage = ({{ data }}) => data === "is {state}" && done();
            tell.postMessage("{state}");
        }})"#
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_save_that_fails_is_told_and_kept_on_the_screen_until_it_is_saved() {
    let folder = tempfile::tempdir().unwrap();
    let app_folder = folder.path().join("app");
    changed::with_worker(&app_folder, DISK);
    let place = Place::serving(app_folder).await.unwrap();
    let unit = place.unit("Bưu điện An Thạnh", "agency").await.unwrap();
    let (officer, code) = place.officer("lan").await.unwrap();
    let campaign = place.assign(&[unit], officer).await.unwrap();
    let inspection = planned_inspection_id(unit, campaign);
    let browser = Browser::start();
    let tab = place.tab(&browser, &place.phone("lan"));
    let app = App(&tab);
    app.enrol(&code);
    app.begin(unit, inspection);
    app.synced();

    set_disk(&tab, "broken");
    app.answer("KTC-01", "pass");
    let field = "[id=\"f-items/KTC-01/answer\"]";
    tab.wait_for(&format!("{field} [role=alert]"), "Chưa lưu được");
    tab.wait_for(&format!("{field} [role=alert]"), "Bộ nhớ máy đã đầy");
    let said = tab.text(".saved");
    assert!(!said.contains("đã lưu"), "nothing is claimed saved: {said}");
    tab.wait_for(".offers [role=alert]", "chưa lưu được");
    app.to("#/outbox", "Chờ gửi");
    assert!(
        tab.text("a.status").contains("Đã đồng bộ lúc"),
        "what was not saved does not wait to be sent: {}",
        tab.text("a.status")
    );

    // The way out: everything that was saved leaves as a file.
    tab.click(".offers a:has-text('Xuất dữ liệu')");
    tab.wait_for("h1", "Máy này");
    tab.click("button:has-text('Xuất mọi dữ liệu')");
    tab.wait_for("[role=status]", "Đã xuất ra tệp");

    set_disk(&tab, "sound");
    tab.click(".offers a >> nth=0");
    tab.click(&format!("{field} button:has-text('Thử lại')"));
    tab.wait_for(&format!("{field} .saved"), "đã lưu");
    tab.wait_gone(".offers [role=alert]");
    app.synced();
    let record = place.record(inspection).await.unwrap();
    assert_eq!(record["fields"]["items"]["KTC-01"]["answer"], "pass");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_without_room_still_opens_its_book() {
    let folder = tempfile::tempdir().unwrap();
    let app_folder = folder.path().join("app");
    changed::with_worker(&app_folder, DISK);
    let place = Place::serving(app_folder).await.unwrap();
    let (_, code) = place.officer("lan").await.unwrap();
    let browser = Browser::start();
    let tab = place.tab(&browser, &place.phone("lan"));
    let app = App(&tab);
    app.enrol(&code);
    app.to("#/device", "Máy này");
    tab.click("button:has-text('Khoá sổ ngay')");
    tab.wait("input[type=password]");
    set_disk(&tab, "full");
    // A wrong PIN is counted all the same.
    tab.fill("input[type=password]", "sai-mất-rồi");
    tab.click("form button[type=submit]");
    tab.wait_for(".notice", "Số lần gõ sai liên tiếp: 1");
    app.unlock();
    app.to("#/device", "Máy này");
    tab.click("button:has-text('Xuất mọi dữ liệu')");
    tab.wait_for("[role=status]", "Đã xuất ra tệp");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_keeps_nothing_is_told_plainly() {
    let browsers = [
        // Firefox in a private window.
        "navigator.storage.getDirectory = () => Promise.reject(new DOMException('private', 'SecurityError'));",
        // Old ones.
        "Object.defineProperty(navigator, 'storage', { value: undefined });",
        // Those that write such files only later.
        "delete FileSystemFileHandle.prototype.createSyncAccessHandle;",
    ];
    let browser = Browser::start();
    for (number, circumstances) in browsers.iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let app_folder = folder.path().join("app");
        changed::with_worker(&app_folder, circumstances);
        let place = Place::serving(app_folder).await.unwrap();
        let tab = place.tab(&browser, &place.phone("an"));
        tab.visit("/app/");
        tab.wait_for("h1", "Chưa mở được sổ");
        tab.wait_for("[role=alert]", "không cho giữ dữ liệu");
        assert_eq!(tab.text("input"), "", "no PIN is asked for: {number}");
        assert_eq!(
            tab.evaluate("document.querySelectorAll('input').length"),
            json!(0)
        );
        tab.picture("app-no-storage-360");
    }
}

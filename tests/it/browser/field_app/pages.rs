//! Every page of the app, in a town whose names mean harm: nobody is shut out, nothing sticks out of a phone, nothing that people
//! typed acts. Which pages there are says the app's own source, so that none can be forgotten.

use std::collections::BTreeSet;

use sokiem_record::genesis::planned_inspection_id;
use sokiem_tests::line::Line;

use super::{
    Page, changed,
    officer::App,
    place::{self, Place, built},
};
use crate::browser::{
    Browser,
    scene::{FORMULA, HARM, Hostile, SCRIPT, TURN},
};

const PIN: &str = "mực-tím-2019";

/// Stages that no page stays in: one that is over before it can be looked at.
const PASSING: &[&str] = &["Starting"];

/// The words of an enum in the app's sources.
fn words_of(file: &str, of: &str) -> BTreeSet<String> {
    let path = format!(
        "{}/../client-core/field-app/src/{file}",
        env!("CARGO_MANIFEST_DIR")
    );
    let source = std::fs::read_to_string(path).unwrap();
    let (_, rest) = source.split_once(&format!("enum {of} {{")).unwrap();
    let (body, _) = rest.split_once("\n}").unwrap();
    let lines = body
        .lines()
        .filter(|line| line.starts_with("    ") && !line.starts_with("     "));
    let words = lines.map(|line| line.trim().trim_end_matches([',', '{', ' ']));
    let words = words.map(|word| word.split('(').next().unwrap().trim());
    let is_word = |word: &&str| word.starts_with(char::is_uppercase);
    words.filter(is_word).map(str::to_owned).collect()
}

/// What was looked at, and what is wrong with it.
#[derive(Default)]
struct Sweep {
    seen: BTreeSet<String>,
    wrong: Vec<String>,
    said: String,
}

impl Sweep {
    /// Looks at the page that is shown, as wide as a phone and as a laptop, with everything opened that can be.
    fn look(&mut self, tab: &Page, called: &str) {
        self.seen.insert(called.to_owned());
        tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })");
        let mut wrong = Vec::new();
        for width in [1024, 360] {
            tab.resize_to(width, 740);
            for one in tab.overflow().into_iter().chain(tab.barriers()) {
                wrong.push(format!("{width}: {one}"));
            }
        }
        wrong.extend(tab.faults());
        let grown = "document.querySelectorAll('script:not([src]), img[src=x], [onmouseover], [onerror], main b').length";
        if tab.evaluate(grown) != 0 {
            wrong.push("somebody's words have become markup".to_owned());
        }
        for one in tab.evaluate(NOT_HELD).as_array().unwrap() {
            wrong.push(format!(
                "words turn the direction of what stands around them: {one}"
            ));
        }
        self.said.push_str(&tab.text("body"));
        self.wrong
            .extend(wrong.into_iter().map(|one| format!("{called} {one}")));
    }
}

/// Elements whose own words turn the direction, and that do not keep that to themselves.
const NOT_HELD: &str = r#"[...document.querySelectorAll("body *")]
    .filter((one) => [...one.childNodes].some((child) => child.nodeType === 3 && child.data.includes("\u202e")))
    .filter((one) => !["isolate", "isolate-override", "plaintext"].includes(getComputedStyle(one).unicodeBidi))
    .map((one) => one.outerHTML.slice(0, 160))"#;

/// The page of a browser that keeps nothing.
async fn broken(browser: &Browser, sweep: &mut Sweep) {
    let folder = tempfile::tempdir().unwrap();
    let app = folder.path().join("app");
    let nothing = "Object.defineProperty(navigator, 'storage', { value: undefined });";
    changed::with_worker(&app, nothing);
    let place = Place::serving(app).await.unwrap();
    let tab = place.tab(browser, &place.phone("an"));
    tab.visit("/app/");
    tab.wait_for("h1", "Chưa mở được sổ");
    sweep.look(&tab, "Broken");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_the_app_is_for_everybody_and_harmless() {
    let town = Hostile::serving(built()).await.unwrap();
    let id = |name: &str, nth: usize| {
        let mut all = town.ids.iter().filter(|(one, _)| *one == name);
        all.nth(nth).unwrap().1.clone()
    };
    let account = id("account", 0).parse().unwrap();
    let code = town.town.desk.enrolment_code(account).await.unwrap();
    let (inspection, unit) = (town.inspection, id("id", 1));
    let folder = tempfile::tempdir().unwrap();
    let address = town.town.server.url();
    let line = Line::to(address.trim_start_matches("http://").parse().unwrap())
        .await
        .unwrap();
    let browser = Browser::start();
    let tab = browser.page_of(folder.path(), &line.url(), (360, 740));
    let app = App(&tab);
    let mut sweep = Sweep::default();

    tab.visit(&format!("/app/#/enrol/{code}"));
    tab.wait("#pin-first");
    sweep.look(&tab, "Begin");
    tab.fill("#pin-first", PIN);
    tab.fill("#pin-second", PIN);
    tab.click("form button[type=submit]");
    tab.wait("#code");
    sweep.look(&tab, "Enrol");
    tab.fill("#device-name", HARM);
    tab.click("form button[type=submit]");
    app.synced();

    let sections = [
        ("Items", "Tiêu chí"),
        ("Findings", "Tồn tại"),
        ("Minutes", "Biên bản"),
        ("Closing", "Ý kiến, ký"),
        ("Finish", "Kết thúc"),
    ];
    for (section, heading) in sections {
        let name = section.to_lowercase();
        tab.evaluate(&format!(
            "location.hash = '#/inspection/{inspection}/{name}'"
        ));
        tab.wait_for("h2[data-section-title]", heading);
        sweep.look(&tab, &format!("Section {section}"));
    }
    sweep.seen.insert("Inspection".to_owned());
    // Something waits, so that the outbox has a row.
    tab.evaluate("navigator.serviceWorker.ready.then(() => true)");
    line.set_cut(true);
    tab.evaluate(&format!(
        "location.hash = '#/inspection/{inspection}/minutes'"
    ));
    tab.fill("[id=i-number]", FORMULA);
    app.saved();
    let pages = [
        ("Today", "#/today".to_owned(), "Hôm nay"),
        ("Units", "#/units".to_owned(), "Đơn vị"),
        ("NewUnit", "#/units/new".to_owned(), "Thêm đơn vị"),
        ("Unit", format!("#/unit/{unit}"), "<script>"),
        ("History", format!("#/history/{inspection}"), "Lịch sử ghi"),
        ("Outbox", "#/outbox".to_owned(), "Chờ gửi"),
        ("Device", "#/device".to_owned(), "Máy này"),
        ("Enrol", "#/enrol/MÃ-KHÁC".to_owned(), "Ghi danh"),
        ("Unknown", "#/khong-co".to_owned(), "Không có trang này"),
    ];
    for (called, hash, heading) in pages {
        app.to(&hash, heading);
        tab.wait_gone("main p[role=status]:has-text('Đang mở')");
        sweep.look(&tab, called);
    }
    sweep.seen.insert("Book".to_owned());

    app.to("#/device", "Máy này");
    tab.click("button:has-text('Khoá sổ ngay')");
    tab.wait_for("h1", "Sổ đang khoá");
    sweep.look(&tab, "Locked");
    app.unlock();
    line.set_cut(false);
    place::wipe(&town.town.desk, account).await.unwrap();
    tab.evaluate("window.dispatchEvent(new Event('sokiem-sync'))");
    tab.wait_for("h1", "đã được xoá");
    sweep.look(&tab, "Erased");
    broken(&browser, &mut sweep).await;

    let mut there: BTreeSet<String> = words_of("route.rs", "Route");
    there.extend(words_of("shell.rs", "Stage"));
    let sections = words_of("route.rs", "Section").into_iter();
    there.extend(sections.map(|section| format!("Section {section}")));
    there.retain(|one| !PASSING.contains(&one.as_str()));
    assert!(there.len() > 15, "{there:?}");
    assert_eq!(sweep.seen, there, "every page was looked at");
    assert!(
        sweep.wrong.is_empty(),
        "{} things on {} pages:\n{}",
        sweep.wrong.len(),
        there.len(),
        sweep.wrong.join("\n")
    );
    println!("{} pages", there.len());
    for words in [SCRIPT, FORMULA, "gpj.exe"] {
        assert!(sweep.said.contains(words), "{words} can be read");
    }
    assert!(
        sweep.said.contains(TURN),
        "what turns was there to be looked at"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_alone_is_enough_to_inspect() {
    let place = Place::start().await.unwrap();
    let unit = place.unit("Bưu điện An Thạnh", "agency").await.unwrap();
    let (officer, code) = place.officer("lan").await.unwrap();
    let campaign = place.assign(&[unit], officer).await.unwrap();
    let inspection = planned_inspection_id(unit, campaign);
    let browser = Browser::start();
    let tab = place.tab(&browser, &place.phone("lan"));
    let app = App(&tab);
    app.enrol(&code);
    app.to("#/today", "Hôm nay");
    tab.tab_to(&format!("main a[href='#/unit/{unit}']"));
    tab.press(&["Enter"]);
    tab.wait_for("h1", "Bưu điện An Thạnh");
    tab.tab_to(".begin button");
    tab.press(&["Enter"]);
    tab.wait("[id=\"f-items/KTC-01\"]");
    // Every step forward: the parts of the minutes, the first criterion, the next.
    tab.tab_to("nav.sections a[aria-current]");
    tab.tab_to("input[name=\"r-items/KTC-01/answer\"]");
    tab.press(&["Space"]);
    tab.wait("input[name=\"r-items/KTC-01/answer\"]:checked");
    tab.tab_to("[id=\"f-items/KTC-01\"] .actions button");
    tab.press(&["Enter"]);
    tab.wait("[id=\"i-items/KTC-01/note\"]:focus");
    tab.type_words("Có ba người");
    tab.tab_to("[id=\"f-items/KTC-01\"] input[type=file]");
    tab.tab_to("input[name=\"r-items/KTC-02/answer\"]");
    app.saved();
    app.to(&format!("#/inspection/{inspection}/finish"), "Bưu điện");
    tab.tab_to("button.big");
    tab.press(&["Enter"]);
    tab.tab_to("[role=alert] button");
    tab.press(&["Enter"]);
    tab.wait_for(".right", "máy này đã ký");
    app.synced();
    let record = place.record(inspection).await.unwrap();
    assert_eq!(record["fields"]["items"]["KTC-01"]["note"], "Có ba người");
    assert_eq!(record["fields"]["finished"], true);
}

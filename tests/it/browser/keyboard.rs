//! The decisions of the desk without a mouse, and without scripts.

use sokiem_client_core::sync::sync_once;

use super::{
    Browser, Page,
    scene::{Disputed, PASSWORD},
};

const REASON: &str = "Đã gọi cho cả hai cán bộ";
const WHY: &str = "Bổ sung danh sách lực lượng bảo vệ.";

/// The values that still differ, as the server has it.
async fn differences(place: &Disputed) -> usize {
    let path = format!("/api/v1/records/{}/conflicts", place.inspection);
    let conflicts = place.town.desk.get(&path).await.unwrap();
    conflicts.as_array().unwrap().len()
}

async fn decision(place: &Disputed) -> String {
    let record = place.town.desk.record(place.inspection.0).await.unwrap();
    record["review"]["decision"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// What the officer's phone says that the supervisor wants.
async fn heard(place: &Disputed) -> String {
    sync_once(&place.lan.book, &place.lan.transport)
        .await
        .unwrap();
    let feedback = place.lan.book.feedback(place.inspection).unwrap();
    feedback.decision.unwrap().reason
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_alone_signs_in_settles_returns_and_approves() {
    let place = Disputed::start().await.unwrap();
    let browser = Browser::start();
    let page = browser.page(&place.town.server.url());
    page.visit("/sign-in");
    // The first field has the focus already.
    page.type_words("lanhdao");
    page.tab_to("input[name=password]");
    page.type_words(PASSWORD);
    let url = page.press_and_follow("Enter");
    assert!(url.ends_with("/inbox"), "{url}");

    // The first stop of a page leads past its bar.
    let steps = page.tab_to("a.skip");
    assert_eq!(steps, 1);
    page.press(&["Enter"]);
    let record = format!("a[href='/records/{}']", place.inspection);
    page.tab_to(&record);
    page.press_and_follow("Enter");

    // Radio buttons are one stop, and arrows choose.
    page.tab_to("form.clash input[type=radio]");
    page.press(&["Space"]);
    assert_eq!(page.evaluate("document.activeElement.checked"), true);
    page.press(&["ArrowDown"]);
    let chosen = page.evaluate("document.activeElement.value");
    page.tab_to("form.clash input[name=reason]");
    page.type_words(REASON);
    page.tab_to("form.clash button");
    page.press_and_follow("Enter");
    assert_eq!(differences(&place).await, 0);
    let record = place.town.desk.record(place.inspection.0).await.unwrap();
    let settled = record["fields"]["items"]["KTC-01"]["answer"].to_string();
    assert_eq!(settled, chosen.as_str().unwrap());

    page.tab_to("#decide textarea[name=reason]");
    page.type_words(WHY);
    page.tab_to("#decide button[value=returned]");
    page.press_and_follow("Enter");
    assert_eq!(decision(&place).await, "returned");
    assert_eq!(heard(&place).await, WHY);

    page.tab_to("#decide button[value=approved]");
    page.press_and_follow("Space");
    assert_eq!(decision(&place).await, "approved");
    page.expect_no_faults();
}

/// The shortest way by mouse, where only forms and links work.
fn settle_and_decide(page: &Page, place: &Disputed) {
    page.sign_in("lanhdao", PASSWORD);
    page.follow(&format!("#inbox a[href='/records/{}']", place.inspection));
    page.click("form.clash .side:has-text('Cán bộ minh') input[type=radio]");
    page.fill("form.clash input[name=reason]", REASON);
    page.follow("form.clash button");
    page.fill("#decide textarea[name=reason]", WHY);
    page.follow("#decide button[value=returned]");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_the_desk_settles_returns_and_approves() {
    let place = Disputed::start().await.unwrap();
    let browser = Browser::start();
    let page = browser.page_without_scripts(&place.town.server.url());
    settle_and_decide(&page, &place);
    assert_eq!(differences(&place).await, 0);
    assert_eq!(decision(&place).await, "returned");
    assert_eq!(heard(&place).await, WHY);
    assert!(page.text("#history").contains(REASON));
    page.follow("#decide button[value=approved]");
    assert_eq!(decision(&place).await, "approved");

    // A correction, a step back in the history, the report and the paper need no script either.
    page.follow("a.edit[href$='path=opinion']");
    page.fill("main textarea[name=value]", "Đơn vị đồng ý.");
    page.fill("main input[name=reason]", "Xem lại tại chỗ");
    page.follow("main form.panel button");
    assert!(
        page.text("#decision")
            .contains("Có thay đổi sau quyết định")
    );
    page.follow("#decision a[href*='?at=']");
    assert!(page.text(".old").contains("Bản cũ"));
    page.visit("/report?from=2019&to=2019");
    page.follow("ul.figures li:first-child a");
    page.visit(&format!("/records/{}/minutes", place.inspection));
    page.visit("/records?kind=unit&q=giong+luong");
    assert!(page.text("main table").contains("Giồng Luông"));
    page.expect_no_faults();
}

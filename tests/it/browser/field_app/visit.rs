//! One visit from its beginning to the signature: what is asked after what, measured values, last year's answers, and the check list
//! until nothing is missing.

use serde_json::{Value as Json, json};
use sokiem_record::{genesis::planned_inspection_id, id::DocumentId};
use sokiem_tests::{Result, desk::id};

use super::{Page, officer::App, place::Place};
use crate::browser::{
    Browser,
    scene::{note, set},
};

/// A campaign of each year by the trial sheet.
async fn campaigns<const N: usize>(place: &Place, years: [i32; N]) -> Result<[DocumentId; N]> {
    let (desk, district) = (&place.town.desk, place.town.district);
    let sheet = json!({"area": district, "toml": include_str!("sheet.toml")});
    desk.post("/api/v1/criteria-sets", sheet).await?;
    let mut ids = Vec::new();
    for year in years {
        let set = json!({"criteria": "PHIEU-THU@1", "window_start": format!("{year}-01-01"), "window_end": format!("{year}-12-31")});
        let body = json!({"area": district, "name": format!("Đợt {year}"), "year": year, "sets": {"school": set}});
        let campaign = desk.post("/api/v1/campaigns", body).await?;
        ids.push(DocumentId(id(&campaign, "id")?));
    }
    place.colleague.sync().await?;
    Ok(ids.try_into().unwrap_or_else(|_| unreachable!()))
}

/// The colleague's inspection of last year.
async fn last_year(place: &Place, unit: DocumentId, campaign: DocumentId) -> Result<()> {
    let book = &place.colleague.book;
    let inspection = book.open_planned_inspection(unit, campaign)?.document;
    let edits = [
        set("inspected_on", "2018-10-01"),
        set("items/THU-1/answer", "pass"),
        set("items/THU-2/answer", "pass"),
        set("items/THU-2/value", 3.5),
        set("items/THU-3/answer", "pass"),
        note("items/THU-3/note", "Sổ trực mới mua"),
        set("finished", true),
    ];
    book.edit(inspection, None, &edits, None)?;
    place.colleague.sync().await?;
    Ok(())
}

/// What the check list says has to be mended.
fn must(tab: &Page) -> String {
    tab.text(".group.must")
}

fn section(app: &App<'_>, inspection: DocumentId, name: &str, heading: &str) {
    app.0.evaluate(&format!(
        "location.hash = '#/inspection/{inspection}/{name}'"
    ));
    app.0.wait_for("h2[data-section-title]", heading);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_is_finished_and_signed_when_its_check_list_is_empty() {
    let place = Place::start().await.unwrap();
    let unit = place
        .unit("Trường Tiểu học Thạnh Hải", "school")
        .await
        .unwrap();
    let (_, code) = place.officer("lan").await.unwrap();
    let [last, now] = campaigns(&place, [2018, 2019]).await.unwrap();
    last_year(&place, unit, last).await.unwrap();
    let inspection = planned_inspection_id(unit, now);
    let browser = Browser::start();
    let tab = place.tab(&browser, &place.phone("lan"));
    let app = App(&tab);
    app.enrol(&code);
    // No network from here until everything is signed.
    tab.evaluate("navigator.serviceWorker.ready.then(() => true)");
    place.line.set_cut(true);
    app.to(&format!("#/unit/{unit}"), "Trường Tiểu học");
    tab.click(".begin button:has-text('Đợt 2019')");
    tab.wait("[id=\"f-items/THU-1\"]");

    criteria(&app);
    people(&app, inspection);
    signing(&app, inspection);
    finishing(&app, inspection);

    place.line.set_cut(false);
    tab.evaluate("window.dispatchEvent(new Event('online'))");
    app.synced();
    let record = place.record(inspection).await.unwrap();
    let fields = &record["fields"];
    assert_eq!(fields["finished"], true);
    assert_eq!(fields["items"]["THU-2"]["value"], 2.5);
    assert_eq!(fields["items"]["THU-3"]["note"], "Sổ trực mới mua");
    let signatures: Vec<&Json> = fields["signatures"].as_object().unwrap().values().collect();
    let of = |role: &str| signatures.iter().filter(|one| one["role"] == role).count();
    assert_eq!((of("unit"), of("team"), of("device")), (1, 1, 2));
    tab.expect_no_faults();
}

/// Skip logic, last year's answers, a measured value and its limits.
fn criteria(app: &App<'_>) {
    let tab = app.0;
    tab.wait_for("[id=\"f-items/THU-2\"]", "Không cần hỏi");
    app.answer("THU-1", "fail");
    app.saved();
    tab.wait_for("[id=\"f-items/THU-2\"]", "Không cần hỏi");
    app.answer("THU-1", "pass");
    tab.wait("[id=\"i-items/THU-2/value\"]");
    app.saved();

    tab.click(".offer button:has-text('01/10/2018')");
    for item in ["THU-2", "THU-3"] {
        tab.wait(&format!(
            "input[name=\"r-items/{item}/answer\"][value=pass]:checked"
        ));
        tab.wait_for(
            &format!("[id=\"f-items/{item}\"] .chip.copied"),
            "chép từ 01/10/2018",
        );
    }
    assert_eq!(
        tab.text("[id=\"f-items/THU-1\"] .chip.copied"),
        "",
        "what was answered by hand was not copied"
    );
    tab.wait("[id=\"i-items/THU-3/note\"]");

    tab.fill("[id=\"i-items/THU-2/value\"]", "7,5");
    tab.wait_for(
        "[id=\"f-items/THU-2\"] [role=alert]",
        "nằm ngoài mức quy định",
    );
    tab.fill("[id=\"i-items/THU-2/value\"]", "2,5");
    tab.wait_gone("[id=\"f-items/THU-2\"] [role=alert]");
    app.saved();
    tab.wait_gone("[id=\"f-items/THU-2\"] .chip.copied");
}

/// What is missing of people and day, found by way of the check list.
fn people(app: &App<'_>, inspection: DocumentId) {
    let tab = app.0;
    section(app, inspection, "finish", "Kết thúc");
    tab.wait(".group.must");
    let missing = must(tab);
    assert!(
        !missing.contains("THU-"),
        "every criterion is in order: {missing}"
    );
    // It may be finished all the same, and is not by accident.
    tab.click("button.big");
    tab.wait_for("[role=alert]", "Vẫn kết thúc?");
    tab.click("[role=alert] button.plain");
    tab.wait("button.big");

    tab.click(".group.must a >> nth=0");
    tab.wait_for("h2[data-section-title]", "Biên bản");
    tab.click("button:has-text('Bắt đầu kiểm tra bây giờ')");
    tab.click("[id=f-team] button:has-text('Thêm tôi')");
    tab.wait("[id^=\"i-team/\"][id$=\"/name\"]");
    tab.click("[id=f-representatives] button.more");
    tab.fill("[id^=\"i-representatives/\"][id$=\"/name\"]", "Lê Văn Đức");
    app.saved();
}

/// The unit would not sign, and the officer draws a signature.
fn signing(app: &App<'_>, inspection: DocumentId) {
    let tab = app.0;
    section(app, inspection, "closing", "Ý kiến, ký");
    tab.click("[id=f-signatures] button.more:has-text('Đại diện đơn vị')");
    tab.fill("[id^=\"i-signatures/\"][id$=\"/name\"]", "Lê Văn Đức");
    tab.click("[id=f-signatures] button.toggle:has-text('Từ chối ký')");
    tab.wait("[id=f-signatures] button.toggle[aria-pressed=true]");
    app.saved();
    section(app, inspection, "finish", "Kết thúc");
    tab.wait_for(".group.must", "từ chối");
    section(app, inspection, "closing", "Ý kiến, ký");
    tab.fill(
        "[id$=\"/refusal_reason\"][id^=i-]",
        "Không đồng ý với số đo",
    );
    app.saved();
    tab.click("[id=f-signatures] button.more:has-text('Đoàn kiểm tra')");
    tab.wait("canvas.pad");
    tab.draw(
        "canvas.pad",
        &[(0.2, 0.5), (0.4, 0.2), (0.5, 0.7), (0.8, 0.4)],
    );
    tab.click("button:has-text('Nhận chữ ký này')");
    tab.wait(".signed img");
    app.saved();
}

/// Finished, changed, told so, and finished once more.
fn finishing(app: &App<'_>, inspection: DocumentId) {
    let tab = app.0;
    section(app, inspection, "finish", "Kết thúc");
    tab.wait_gone(".group.must");
    tab.click("button.big");
    tab.wait_for(".right", "máy này đã ký");
    tab.wait_gone("button.big");
    tab.picture("app-finished-360");

    section(app, inspection, "closing", "Ý kiến, ký");
    tab.fill("[id=i-opinion]", "Đơn vị sẽ khắc phục");
    app.saved();
    section(app, inspection, "finish", "Kết thúc");
    tab.wait_for(".notice", "đã sửa sau khi kết thúc");
    tab.wait_for("p.quiet", "đã sửa sau khi kết thúc");
    tab.click("button.big:has-text('Kết thúc lại')");
    tab.wait_for(".right", "máy này đã ký");
    tab.wait_gone(".group.must");
}

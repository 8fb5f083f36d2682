//! Two officers with the app at the same unit, without network, on the same planned inspection: one record, both values, settled on a phone.

use sokiem_record::genesis::planned_inspection_id;

use super::{officer::App, place::Place};
use crate::browser::Browser;

#[tokio::test(flavor = "multi_thread")]
async fn two_phones_at_the_same_planned_inspection_end_with_one_record_and_both_values() {
    let place = Place::start().await.unwrap();
    let unit = place.unit("Trường THCS Đại Điền", "school").await.unwrap();
    let (lan, lans_code) = place.officer("lan").await.unwrap();
    let (_, minhs_code) = place.officer("minh").await.unwrap();
    let campaign = place.assign(&[unit], lan).await.unwrap();
    let inspection = planned_inspection_id(unit, campaign);
    let browser = Browser::start();
    let lans = place.tab(&browser, &place.phone("lan"));
    let minhs = place.tab(&browser, &place.phone("minh"));
    let (one, other) = (App(&lans), App(&minhs));
    one.enrol(&lans_code);
    other.enrol(&minhs_code);

    place.line.set_cut(true);
    one.begin(unit, inspection);
    other.begin(unit, inspection);
    one.answer("KTC-01", "pass");
    other.answer("KTC-01", "fail");
    other.answer("KTC-05", "pass");
    one.saved();
    other.saved();
    place.line.set_cut(false);
    for tab in [&lans, &minhs] {
        tab.evaluate("window.dispatchEvent(new Event('online'))");
    }
    one.synced();
    other.synced();

    // The field shows both, with who wrote each; what only one of them said is simply there.
    for tab in [&lans, &minhs] {
        tab.wait_for("[id=\"f-items/KTC-01/answer\"]", "Cán bộ lan");
        tab.wait_for("[id=\"f-items/KTC-01/answer\"]", "Cán bộ minh");
        tab.wait("input[name=\"r-items/KTC-05/answer\"][value=pass]:checked");
    }
    lans.picture("app-difference-360");
    let record = place.record(inspection).await.unwrap();
    assert_eq!(record["conflicts"], 1, "{record}");

    // Settled on one phone, it is settled on the other and at the desk.
    lans.click("[id=\"f-items/KTC-01/answer\"] button >> nth=0");
    minhs.wait("input[name=\"r-items/KTC-01/answer\"]:checked");
    one.synced();
    let record = place.record(inspection).await.unwrap();
    assert_eq!(record["conflicts"], 0, "{record}");
    lans.expect_no_faults();
    minhs.expect_no_faults();
}

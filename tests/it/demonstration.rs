//! The demonstration's report says what the published review says, because the records say so.

use serde_json::json;
use sokiem_server::{Config, Role, serve};
use sokiem_tests::{
    demo::{setup, story},
    desk::Desk,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_figures_of_the_review_come_out_and_follow_the_records() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config {
        listen: ([127, 0, 0, 1], 0).into(),
        data_dir: folder.path().join("server"),
        secure_cookies: false,
        ..Config::default()
    };
    config.limits.password_memory_kib = 64;
    let server = serve(config).await.unwrap();
    server
        .create_account("quantri", "Quản trị", Role::Administrator, setup::PASSWORD)
        .await
        .unwrap();
    let desk = Desk::sign_in(&server.url(), "quantri", setup::PASSWORD)
        .await
        .unwrap();
    let town = setup::town(&server.url(), desk, folder.path())
        .await
        .unwrap();
    let played = story::play(&town, &|_: &str| {}).await.unwrap();
    assert_eq!((played.units, played.inspections), (48, 288));
    assert!(played.settled >= 6 && played.returned >= 6, "{played:?}");

    // The figures of the five-year review of Chỉ thị 07 in Thạnh Phú, 2014–2019.
    let report = story::report(&town).await.unwrap();
    assert_eq!(report["units_total"], 48);
    assert_eq!(report["units_with_protection_force"], 48);
    assert_eq!(report["units_registered_for_model"], 17);
    assert_eq!(report["commendations"], 12);
    assert_eq!(report["synthetic"], true);
    assert_eq!(report["units_with_unsettled_differences"], 0);
    assert_eq!(report["years"].as_array().unwrap().len(), 6);
    for year in report["years"].as_array().unwrap() {
        assert_eq!(year["total"]["inspected"]["value"], 48);
        assert_eq!(year["total"]["windows_differ"], true);
    }

    // Behind every figure are its records: as many as it says.
    let behind = |figure: &'static str| {
        let path = report["figures"][figure]["records"].as_str().unwrap();
        let path = format!("{path}&limit=500");
        let desk = &town.supervisor;
        async move { desk.get(&path).await.unwrap() }
    };
    for (figure, counted) in [
        ("units_total", 48),
        ("units_with_protection_force", 48),
        ("units_registered_for_model", 17),
    ] {
        let behind = behind(figure).await;
        assert_eq!(
            behind["units"].as_array().unwrap().len(),
            counted,
            "{figure}"
        );
        assert_eq!(behind["figure"]["of"], 48);
    }
    let commended = behind("commendations").await;
    let numbers = commended["units"].as_array().unwrap().iter();
    let sum: u64 = numbers.map(|unit| unit["number"].as_u64().unwrap()).sum();
    assert_eq!(sum, 12);

    // One record changes, and the report with it.
    let unit = behind("units_total").await["units"][0]["unit"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let edits = json!([
        {"edit": "set", "path": "years/2019.protection_force", "value": false},
        {"edit": "set", "path": "years/2017.commended_individuals", "value": 3},
    ]);
    town.supervisor
        .edit(unit, "kiểm tra lại", edits)
        .await
        .unwrap();
    let after = story::report(&town).await.unwrap();
    assert_eq!(after["units_with_protection_force"], 47);
    assert_eq!(after["commendations"], 15);
    server.stop().await.unwrap();
}

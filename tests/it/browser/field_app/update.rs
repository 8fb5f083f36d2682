//! A newer version of the app: it is taken whole and waits, is offered, and is used when the officer accepts it. The book stays.

use sokiem_tests::{line::Line, town::Small};

use super::{changed, officer::App};
use crate::browser::Browser;

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_version_is_offered_and_taken_when_it_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let app_folder = folder.path().join("app");
    changed::app(&app_folder, "sw.js", str::to_owned);
    let serve = async || {
        let dir = app_folder.clone();
        Small::start_with(|config| config.field_app.dir = Some(dir))
            .await
            .unwrap()
    };
    let first = serve().await;
    let address = first
        .server
        .url()
        .trim_start_matches("http://")
        .parse()
        .unwrap();
    let line = Line::to(address).await.unwrap();
    let browser = Browser::start();
    let phone = folder.path().join("phone");
    let tab = browser.page_of(&phone, &line.url(), (360, 740));
    let app = App(&tab);
    let account = first
        .desk
        .create_account("lan", "Cán bộ lan", "officer", None, &[first.commune])
        .await
        .unwrap();
    app.enrol(&first.desk.enrolment_code(account).await.unwrap());
    tab.evaluate("navigator.serviceWorker.ready.then(() => true)");
    let versions = "caches.keys().then((names) => names.filter((name) => name.startsWith('sokiem-')).sort().join(' '))";
    let before = tab.evaluate(versions);

    // The server is restarted with a newer app; the page is open meanwhile.
    let newer = |text: &str| text.replacen("sokiem-", "sokiem-next-", 1);
    changed::file(&app_folder, "sw.js", newer);
    let second = serve().await;
    let address = second
        .server
        .url()
        .trim_start_matches("http://")
        .parse()
        .unwrap();
    line.lead_to(address);
    tab.evaluate("navigator.serviceWorker.getRegistration().then((kept) => kept.update())");
    tab.wait(".offer");
    assert_eq!(
        tab.evaluate("document.querySelectorAll('nav.tabs, h1').length > 0"),
        true,
        "nothing was forced"
    );
    tab.follow(".offer button >> nth=0");
    let after = tab.evaluate(versions);
    assert_ne!(before, after, "{after}");
    assert!(after.as_str().unwrap().contains("next"), "{after}");
    assert!(
        !after.as_str().unwrap().contains(' '),
        "the old one is gone: {after}"
    );
    // The book is the same.
    app.unlock();
}

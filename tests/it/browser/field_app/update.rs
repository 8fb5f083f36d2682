//! A newer version of the app: it is taken whole and waits, is offered, and is used when the officer accepts it. The book stays.

use std::path::Path;

use sokiem_tests::{line::Line, town::Small};

use super::{officer::App, place::built};
use crate::browser::Browser;

/// The folder of the app as another build would leave it: the same but for the version and a style.
fn newer(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("sw.js") {
            if name == "sw.js" {
                let text = std::fs::read_to_string(&path).unwrap();
                std::fs::write(&path, text.replacen("sokiem-", "sokiem-next-", 1)).unwrap();
            } else {
                std::fs::remove_file(path).unwrap();
            }
        }
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_version_is_offered_and_taken_when_it_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let app_folder = folder.path().join("app");
    copy(&built(), &app_folder);
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
    newer(&app_folder);
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

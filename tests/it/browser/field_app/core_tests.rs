//! The core's own tests, `client-core/tests/it`, where the officer's book lies: in a worker of a browser, on the browser's
//! private file system, opened as the app opens its book.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use sokiem_tests::town::Small;

use crate::browser::Browser;

/// What says in the sources that something does not run in a browser.
const NOT_THERE: &str = "#[cfg(not(target_family = \"wasm\"))]";

/// What `scripts/field-app tests` made; `make test` does so before it runs the tests.
fn built() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/core-tests");
    assert!(
        folder.join("index.html").exists(),
        "the core's tests are not built: run scripts/field-app tests"
    );
    folder
}

/// The names of the tests that are to run in a browser, read from the sources.
fn in_sources() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../client-core/tests/it");
    let read = |name: &str| std::fs::read_to_string(folder.join(format!("{name}.rs"))).unwrap();
    let mut names = BTreeSet::new();
    let main = read("main");
    let mut before = "";
    for line in main.lines() {
        let module = line
            .strip_prefix("mod ")
            .and_then(|rest| rest.strip_suffix(';'));
        if let Some(module) = module
            && !before.starts_with(NOT_THERE)
        {
            names.extend(of_module(module, &read(module)));
        }
        before = line;
    }
    names
}

fn of_module(module: &str, source: &str) -> Vec<String> {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let tests = lines.windows(2).enumerate().filter(|(at, pair)| {
        let before = at.checked_sub(1).and_then(|at| lines.get(at));
        pair[0] == "#[test]" && before.is_none_or(|before| !before.starts_with(NOT_THERE))
    });
    tests
        .map(|(_, pair)| {
            let name = pair[1].trim_start_matches("fn ").split('(').next().unwrap();
            format!("{module}::{name}")
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cores_own_tests_pass_on_the_browsers_file_system() {
    let town = Small::start_with(|config| config.field_app.dir = Some(built()))
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let browser = Browser::start();
    let tab = browser.page_of(folder.path(), &town.server.url(), (360, 740));
    let seed =
        std::env::var("SOKIEM_SEED").map_or_else(|_| String::new(), |seed| format!("?seed={seed}"));
    tab.visit(&format!("/app/index.html{seed}"));
    let outcomes = tab.evaluate("runTests()");

    let mut ran = BTreeSet::new();
    let mut failed = Vec::new();
    for outcome in outcomes.as_array().unwrap() {
        let name = outcome["name"].as_str().unwrap();
        let name = name.trim_start_matches("test sokiem_core_tests::");
        for said in outcome["said"].as_array().unwrap() {
            println!("{name}: {}", said.as_str().unwrap());
        }
        if outcome["failed"] == true {
            failed.push(format!("{name}: {}", outcome["said"]));
        }
        println!("{} ms {name}", outcome["ms"]);
        ran.insert(name.to_owned());
    }
    println!("{} of the core's tests ran in the browser", ran.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert_eq!(ran, in_sources(), "every test of the sources ran");
}

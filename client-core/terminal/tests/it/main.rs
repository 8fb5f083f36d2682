//! The terminal tool as a script uses it: the real program against a real server.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value as Json, json};
use sokiem_tests::town::Small;

struct Terminal<'a> {
    book: &'a Path,
}

impl Terminal<'_> {
    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sokiem"));
        command
            .arg("--book")
            .arg(self.book)
            .arg("--json")
            .args(arguments);
        command
            .env_remove("SOKIEM_BOOK")
            .env_remove("SOKIEM_LANGUAGE")
            .output()
            .unwrap()
    }

    fn ok(&self, arguments: &[&str]) -> Json {
        let output = self.run(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {output:?}"))
    }

    fn fails(&self, arguments: &[&str]) -> (i32, Json) {
        let output = self.run(arguments);
        (
            output.status.code().unwrap(),
            serde_json::from_slice(&output.stderr).unwrap_or_default(),
        )
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_works_through_an_officers_day() {
    let town = Small::start().await.unwrap();
    let campaign = town.campaign().await.unwrap().to_string();
    let account = town
        .desk
        .create_account("lan", "Trần Thị Lan", "officer", None, &[town.commune])
        .await
        .unwrap();
    let code = town.desk.enrolment_code(account).await.unwrap();
    let (base, commune) = (town.server.url(), town.commune.to_string());
    let folder = town.folder.path().join("lan");
    let script = move || {
        let lan = Terminal { book: &folder };
        assert_eq!(lan.fails(&["sync"]).0, 3);
        assert_eq!(
            lan.ok(&["enrol", &base, &code, "--name", "máy thử"])["account_name"],
            "Trần Thị Lan"
        );
        assert_eq!(lan.fails(&["enrol", &base, &code]).0, 8);
        assert_eq!(lan.ok(&["sync"])["verified"], true);
        let areas = lan.ok(&["areas"]);
        assert_eq!(
            areas
                .as_array()
                .unwrap()
                .iter()
                .filter(|area| area["writable"] == true)
                .count(),
            1
        );

        let name = "Trường THCS Thạnh Hải";
        let unit = lan.ok(&[
            "new-unit", name, "--area", &commune, "--kind", "school", "--field", "staff=31",
        ]);
        let unit = unit["document"].as_str().unwrap().to_owned();
        assert_eq!(lan.ok(&["units", "thanh", "hai"])[0]["document"], unit);
        let opened = lan.ok(&["open", &unit, "--campaign", &campaign]);
        let inspection = opened["document"].as_str().unwrap().to_owned();
        lan.ok(&["set", &inspection, "items/KTC-01/answer", "pass"]);
        lan.ok(&["set", &inspection, "inspected_on", "19/08/2019"]);
        lan.ok(&["note", &inspection, "items/KTC-01/note", "Đủ danh sách."]);
        lan.ok(&[
            "note",
            &inspection,
            "items/KTC-01/note",
            " Có ảnh.",
            "--append",
        ]);
        let finding = [
            "finding",
            &inspection,
            "Sổ trực chưa ghi",
            "--item",
            "KTC-06",
            "--deadline",
            "30/9/2019",
        ];
        assert!(lan.ok(&finding)["element"].is_string());
        lan.ok(&["finish", &inspection]);
        // Finishing writes two changes: that it is finished, and the device's signature over that.
        assert_eq!(lan.ok(&["status"])["pending"], 9);
        assert_eq!(lan.ok(&["sync"])["acknowledged"], 9);
        assert_eq!(lan.ok(&["status"])["pending"], 0);

        let shown = lan.ok(&["show", &inspection]);
        assert_eq!(
            shown["fields"]["items"]["KTC-01"]["note"],
            "Đủ danh sách. Có ảnh."
        );
        assert_eq!(shown["fields"]["inspected_on"], "2019-08-19");
        assert!(lan.ok(&["history", &inspection]).as_array().unwrap().len() >= 6);
        assert!(lan.ok(&["conflicts"]).as_array().unwrap().is_empty());

        // Each kind of mistake has its exit code, and says in both languages what is wrong.
        assert_eq!(
            lan.fails(&["set", &inspection, "items/KTC-01/answer", "maybe"])
                .0,
            5
        );
        assert_eq!(lan.fails(&["set", &inspection, "nowhere", "1"]).0, 4);
        assert_eq!(
            lan.fails(&["settle", &inspection, "items/KTC-01/answer", "fail"])
                .0,
            5
        );
        let (exit, error) = lan.fails(&["show", "00000000-0000-0000-0000-000000000001"]);
        assert_eq!(exit, 4);
        assert!(error["error"]["vi"].is_string() && error["error"]["en"].is_string());
        assert_eq!(lan.fails(&["frobnicate"]).0, 2);

        let verified = lan.ok(&["verify", &inspection]);
        assert_eq!(verified["signatures"][0]["name"], "Trần Thị Lan");
        assert_eq!(verified["signatures"][0]["standing"], "valid");
        assert!(!lan.ok(&["verify", "--all"]).as_array().unwrap().is_empty());

        let file = folder.join("export.json");
        lan.ok(&["export", file.to_str().unwrap()]);
        let everything: Json = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert!(everything.to_string().contains(&inspection));
        inspection
    };
    let inspection = tokio::task::spawn_blocking(script).await.unwrap();
    let record = town.desk.record(inspection.parse().unwrap()).await.unwrap();
    assert_eq!(record["fields"]["finished"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_supervisors_say_about_an_inspection_is_shown() {
    let town = Small::start().await.unwrap();
    let campaign = town.campaign().await.unwrap().to_string();
    let areas = [town.commune];
    let account = town
        .desk
        .create_account("lan", "Lan", "officer", None, &areas);
    let code = town
        .desk
        .enrolment_code(account.await.unwrap())
        .await
        .unwrap();
    let (base, commune) = (town.server.url(), town.commune.to_string());
    let folder = town.folder.path().join("lan");
    let book = folder.clone();
    let inspect = move || {
        let lan = Terminal { book: &book };
        lan.ok(&["enrol", &base, &code]);
        lan.ok(&["sync"]);
        let unit = lan.ok(&["new-unit", "Chợ", "--area", &commune, "--kind", "agency"]);
        let unit = unit["document"].as_str().unwrap().to_owned();
        let opened = lan.ok(&["open", &unit, "--campaign", &campaign]);
        lan.ok(&["sync"]);
        let inspection = opened["document"].as_str().unwrap().to_owned();
        let shown = lan.ok(&["show", &inspection]);
        assert!(shown["feedback"]["decision"].is_null());
        inspection
    };
    let inspection = tokio::task::spawn_blocking(inspect).await.unwrap();
    let path = format!("/api/v1/records/{inspection}");
    let comment = json!({"item": "KTC-02", "text": "Xem lại phương án"});
    let comments = format!("{path}/comments");
    town.desk.post(&comments, comment).await.unwrap();
    let record = town.desk.get(&path).await.unwrap();
    let returned = json!({"decision": "returned", "heads": record["heads"], "previous": null, "reason": "Bổ sung",
        "reasons": [{"item": "KTC-01", "text": "Thiếu danh sách"}]});
    let decisions = format!("{path}/decisions");
    town.desk.post(&decisions, returned).await.unwrap();
    let read = move || {
        let lan = Terminal { book: &folder };
        lan.ok(&["sync"]);
        let said = lan.ok(&["show", &inspection])["feedback"].clone();
        assert_eq!(said["decision"]["decision"], "returned");
        assert_eq!(said["decision"]["reason"], "Bổ sung");
        let reasons = json!([["KTC-01", "Thiếu danh sách"]]);
        assert_eq!(said["decision"]["reasons"], reasons);
        assert_eq!(said["decision"]["changed_since"], false);
        assert_eq!(said["comments"][0]["item"], "KTC-02");
        assert_eq!(said["comments"][0]["text"], "Xem lại phương án");
        lan.ok(&["set", &inspection, "place", "Ấp 1"]);
        let said = lan.ok(&["show", &inspection])["feedback"].clone();
        assert_eq!(said["decision"]["changed_since"], true);
    };
    tokio::task::spawn_blocking(read).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_network_everything_but_sync_works() {
    let town = Small::start().await.unwrap();
    let account = town
        .desk
        .create_account("lan", "Lan", "officer", None, &[town.commune])
        .await
        .unwrap();
    let code = town.desk.enrolment_code(account).await.unwrap();
    let (base, commune) = (town.server.url(), town.commune.to_string());
    let folder = town.folder.path().join("lan");
    let book = folder.clone();
    let first = move || {
        let lan = Terminal { book: &book };
        lan.ok(&["enrol", &base, &code]);
        lan.ok(&["sync"]);
    };
    tokio::task::spawn_blocking(first).await.unwrap();
    let Small {
        server,
        folder: keep,
        ..
    } = town;
    server.stop().await.unwrap();
    let then = move || {
        let lan = Terminal { book: &folder };
        let unit = lan.ok(&[
            "new-unit", "Cơ quan", "--area", &commune, "--kind", "agency",
        ]);
        lan.ok(&["set", unit["document"].as_str().unwrap(), "address", "Ấp 1"]);
        let (exit, error) = lan.fails(&["sync"]);
        assert_eq!(exit, 7, "{error}");
        assert_eq!(lan.ok(&["status"])["pending"], 2);
    };
    tokio::task::spawn_blocking(then).await.unwrap();
    drop(keep);
}

#[test]
fn the_key_goes_under_a_passphrase_is_renewed_and_comes_out_again() {
    let folder = tempfile::tempdir().unwrap();
    let (right, wrong) = (folder.path().join("right"), folder.path().join("wrong"));
    std::fs::write(&right, "cầu tre lắc lẻo\n").unwrap();
    std::fs::write(&wrong, "cầu ván đóng đinh\n").unwrap();
    let (right, wrong) = (right.to_str().unwrap(), wrong.to_str().unwrap());
    let book = folder.path().join("lan");
    let lan = Terminal { book: &book };
    let kept = || std::fs::read(book.join("book.key")).unwrap();
    assert_eq!(lan.ok(&["key", "status"])["passphrase"], false);
    let plain = kept();
    let under = lan.ok(&["key", "passphrase", "--new-passphrase-file", right]);
    assert_eq!(under["passphrase"], true);
    assert_ne!(kept(), plain);
    assert_eq!(
        lan.ok(&["--passphrase-file", right, "status"])["pending"],
        0
    );
    let (exit, error) = lan.fails(&["--passphrase-file", wrong, "status"]);
    assert_eq!(exit, 11, "{error}");
    assert!(error["error"]["vi"].is_string());

    let before = kept();
    lan.ok(&["--passphrase-file", right, "key", "renew"]);
    assert_ne!(kept(), before);
    assert_eq!(
        lan.ok(&["--passphrase-file", right, "status"])["pending"],
        0
    );
    lan.ok(&["--passphrase-file", right, "key", "passphrase", "--none"]);
    assert_eq!(lan.ok(&["key", "status"])["passphrase"], false);
    assert_ne!(kept(), plain, "the first key opens nothing any more");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_sokiem"))
        .args([
            "--book",
            folder.path().to_str().unwrap(),
            "--json",
            "export",
        ])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_damaged_book_is_told_of_in_words_and_work_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let book = folder.path().join("book.sqlite3");
    let run = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sokiem"));
        command
            .args(["--book", folder.path().to_str().unwrap(), "status"])
            .output()
            .unwrap()
    };
    assert!(run().status.success());
    let mut bytes = std::fs::read(&book).unwrap();
    for byte in bytes.iter_mut().skip(4096).take(8192) {
        *byte ^= 0x5a;
    }
    std::fs::write(&book, bytes).unwrap();
    let damaged = run();
    assert!(damaged.status.success());
    let told = String::from_utf8_lossy(&damaged.stderr).into_owned();
    assert!(
        told.contains("sổ bị hỏng") && told.contains("book.sqlite3.damaged-"),
        "{told}"
    );
    assert!(run().stderr.is_empty());
}

//! The commands `backup`, `backup verify` and `restore`, with attachments, while a server runs.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value, json};
use sha2::Digest as _;
use sokiem_record::id::DocumentId;

use crate::harness::Town;

fn run(data: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sokiem-server"))
        .arg("--data-dir")
        .arg(data)
        .args(arguments)
        .env("SOKIEM_SERVER_LOG__FILTER", "warn")
        .output()
        .unwrap()
}

#[track_caller]
fn good(output: &Output) -> Value {
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Puts an attachment where the server keeps them, as belonging to a document.
fn attach(town: &Town, document: DocumentId, bytes: &[u8]) -> PathBuf {
    let hash = sha2::Sha256::digest(bytes);
    let name: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let file = town
        .folder
        .path()
        .join("attachments")
        .join(&name[..2])
        .join(&name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, bytes).unwrap();
    let sql = town.database();
    sql.execute(
        "INSERT INTO attachments (hash, media_type, bytes, received_ms) VALUES (?1, 'image/jpeg', ?2, 0)",
        (hash.as_slice(), bytes.len()),
    )
    .unwrap();
    sql.execute(
        "INSERT INTO attachment_links (document, hash, rendition, device, linked_ms) VALUES (?1, ?2, 'original', x'00', 0)",
        (document.as_bytes().as_slice(), hash.as_slice()),
    )
    .unwrap();
    file
}

#[tokio::test]
async fn the_commands_back_up_a_running_server_with_its_attachments_and_restore_it() {
    let town = Town::new().await;
    let area = town.communes[0];
    let mut lan = town.phone("lan", &[area]).await;
    let unit = lan.unit(area, "Có ảnh");
    let id = unit.document;
    lan.sync(vec![unit]).await;
    let photo = attach(&town, id, b"not looked at here");
    let place = tempfile::tempdir().unwrap();
    let (one, two) = (place.path().join("one"), place.path().join("two"));
    let (one, two) = (one.to_str().unwrap(), two.to_str().unwrap());

    let manifest = good(&run(town.folder.path(), &["backup", "--to", one]));
    assert_eq!(
        (&manifest["attachments"], &manifest["documents"]),
        (&json!(1), &json!(4))
    );
    good(&run(
        town.folder.path(),
        &["backup", "--to", two, "--like", one],
    ));
    let inside = photo.strip_prefix(town.folder.path()).unwrap();
    let links = |backup: &str| {
        fs::metadata(Path::new(backup).join(inside))
            .unwrap()
            .nlink()
    };
    assert_eq!(
        (links(one), links(two)),
        (2, 2),
        "what an earlier backup holds takes no room again"
    );
    assert_eq!(
        good(&run(town.folder.path(), &["backup", "verify", two]))["ok"],
        true
    );
    let again = run(town.folder.path(), &["backup", "--to", one]);
    assert!(!again.status.success(), "nothing is written over");

    let copy = place.path().join("copy");
    let restored = good(&run(&copy, &["restore", "--from", two]));
    assert!(restored["epoch"].is_string() && restored["set_aside"].is_null());
    assert_eq!(fs::read(copy.join(inside)).unwrap(), b"not looked at here");
    assert_eq!(
        fs::metadata(copy.join(inside)).unwrap().nlink(),
        1,
        "no link into a backup"
    );
    let full = run(&copy, &["restore", "--from", two]);
    assert!(String::from_utf8_lossy(&full.stderr).contains("--replace"));
    let checked = good(&run(
        &copy,
        &[
            "admin",
            "verify-audit",
            "--anchor",
            manifest["audit"].as_str().unwrap(),
        ],
    ));
    assert_eq!(checked["ok"], true);

    fs::write(Path::new(two).join(inside), b"not looked at hexe").unwrap();
    let damaged = run(town.folder.path(), &["backup", "verify", two]);
    assert!(!damaged.status.success());
    assert!(String::from_utf8_lossy(&damaged.stdout).contains("not the bytes that were written"));
}

#[tokio::test]
async fn the_audit_command_fails_and_names_the_row_that_was_altered() {
    let town = Town::new().await;
    assert_eq!(
        good(&run(town.folder.path(), &["admin", "verify-audit"]))["ok"],
        true
    );
    let sql = town.database();
    sql.execute_batch(
        "DROP TRIGGER audit_is_not_changed; UPDATE audit SET action = 'signed-out' WHERE seq = 2",
    )
    .unwrap();
    let found = run(town.folder.path(), &["admin", "verify-audit"]);
    assert!(!found.status.success());
    assert!(String::from_utf8_lossy(&found.stderr).contains("row 2"));
}

#[tokio::test]
async fn a_purge_takes_the_photos_of_a_record_and_leaves_those_of_others() {
    let town = Town::with(|config| config.retention.closed_units_years = Some(5)).await;
    let area = town.communes[0];
    let mut lan = town.phone("lan", &[area]).await;
    let (old, open) = (lan.unit(area, "Đã đóng"), lan.unit(area, "Đang mở"));
    let (old_id, open_id) = (old.document, open.document);
    lan.sync(vec![old, open]).await;
    let closed = lan.set(old_id, "closed_on", json!("2001-06-30"));
    lan.sync(vec![closed]).await;
    let (gone, kept) = (
        attach(&town, old_id, b"one"),
        attach(&town, open_id, b"two"),
    );
    town.post(
        &town.admin,
        "/api/v1/retention/run",
        json!({"documents": 1}),
    )
    .await
    .expect(200);
    assert!(!gone.exists() && kept.exists());
}

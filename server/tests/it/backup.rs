//! Backups of a running server, and restores into a folder.

use std::{fs, path::Path};

use serde_json::json;
use sokiem_server::{Anchor, Config, Error, backup, serve, verify_audit_offline};

use crate::harness::{Town, config};

fn into(folder: &tempfile::TempDir, name: &str) -> Config {
    Config {
        data_dir: folder.path().join(name),
        ..config(folder)
    }
}

/// A small town with some work in it, and its backup.
async fn backed_up() -> (Town, tempfile::TempDir) {
    let town = Town::new().await;
    let area = town.communes[0];
    let mut lan = town.phone("lan", &[area]).await;
    let pushes = (0..20)
        .map(|n| lan.unit(area, &format!("Đơn vị {n}")))
        .collect();
    lan.sync(pushes).await;
    let place = tempfile::tempdir().unwrap();
    backup::make_beside(&config(&town.folder), &place.path().join("b"), None).unwrap();
    (town, place)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_made_while_phones_push_is_sound_and_restores_to_what_it_says() {
    let town = Town::new().await;
    let area = town.communes[0];
    let place = tempfile::tempdir().unwrap();
    let mut phones = Vec::new();
    for n in 0..4 {
        phones.push(town.phone(&format!("p{n}"), &[area]).await);
    }
    let pushing = phones.into_iter().map(|mut phone| {
        tokio::spawn(async move {
            for n in 0..30 {
                let unit = phone.unit(area, &format!("Đơn vị {n}"));
                phone.sync(vec![unit]).await;
            }
        })
    });
    let pushing: Vec<_> = pushing.collect();
    let mut backups = Vec::new();
    for n in 0..5 {
        let (config, to) = (config(&town.folder), place.path().join(format!("b{n}")));
        let making = tokio::task::spawn_blocking(move || {
            let manifest = backup::make_beside(&config, &to, None).unwrap();
            (to, manifest)
        });
        backups.push(making.await.unwrap());
    }
    for task in pushing {
        task.await.unwrap();
    }
    assert!(backups.is_sorted_by_key(|(_, manifest)| manifest.changes));
    for (path, manifest) in &backups {
        let sound = backup::check(path).unwrap();
        assert!(sound.ok, "{:?}", sound.faults);
        assert_eq!(
            (sound.documents, sound.changes),
            (manifest.documents, manifest.changes)
        );
        let anchor: Anchor = manifest.audit.parse().unwrap();
        let path = format!("/api/v1/audit/verify?anchor={anchor}");
        assert_eq!(town.get(&town.admin, &path).await.expect(200)["ok"], true);
    }
    let (from, manifest) = backups.last().unwrap();
    let config = into(&place, "restored");
    backup::restore(config.clone(), from, false).await.unwrap();
    let server = serve(config).await.unwrap();
    let sql =
        rusqlite::Connection::open(place.path().join("restored").join(sokiem_server::FILE_NAME))
            .unwrap();
    let changes: u64 = sql
        .query_row("SELECT count(*) FROM changes", [], |row| row.get(0))
        .unwrap();
    assert_eq!(changes, manifest.changes);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn any_altered_byte_and_any_missing_or_added_file_is_found() {
    let (_town, place) = backed_up().await;
    let good = place.path().join("b");
    assert!(backup::check(&good).unwrap().ok);
    for name in [sokiem_server::FILE_NAME, "manifest.json"] {
        let file = good.join(name);
        let written = fs::read(&file).unwrap();
        for part in 0..40 {
            let mut other = written.clone();
            let at = (written.len() - 1) * part / 39;
            other[at] ^= 0x10;
            fs::write(&file, &other).unwrap();
            let found = backup::check(&good);
            let sound = found.as_ref().is_ok_and(|found| found.ok);
            // White space of the manifest means nothing, and its own text about the server is no claim.
            let meaningless = name == "manifest.json" && same_claims(&written, &other);
            assert!(!sound || meaningless, "{name}, byte {at}: {found:?}");
        }
        fs::write(&file, &written).unwrap();
    }
    fs::write(good.join("attachments/lạ"), b"x").unwrap();
    assert!(backup::check(&good).unwrap().faults[0].contains("not in the manifest"));
    fs::remove_file(good.join("attachments/lạ")).unwrap();
    assert!(backup::check(&good).unwrap().ok);
    fs::remove_file(good.join(sokiem_server::FILE_NAME)).unwrap();
    assert!(!backup::check(&good).unwrap().ok);
}

/// Whether two manifests claim the same about the files.
fn same_claims(one: &[u8], other: &[u8]) -> bool {
    let read = |bytes: &[u8]| {
        let mut json: serde_json::Value = serde_json::from_slice(bytes).ok()?;
        let object = json.as_object_mut()?;
        for free in [
            "made_ms",
            "server_version",
            "accounts",
            "devices",
            "schema",
            "attachments",
        ] {
            object.remove(free)?;
        }
        Some(json)
    };
    read(one).is_some() && read(one) == read(other)
}

#[tokio::test]
async fn a_backup_whose_changes_are_not_what_its_area_says_is_not_sound() {
    let (_town, place) = backed_up().await;
    let file = place.path().join("b").join(sokiem_server::FILE_NAME);
    // Somebody who mends the manifest afterwards still does not get a lost change past the check.
    let sql = rusqlite::Connection::open(&file).unwrap();
    // The last of a record: nothing builds on it.
    sql.execute_batch(
        "DELETE FROM changes WHERE hash = (SELECT hash FROM changes ORDER BY position DESC, document LIMIT 1)",
    )
    .unwrap();
    drop(sql);
    mend_manifest(&place.path().join("b"));
    let faults = backup::check(&place.path().join("b")).unwrap().faults;
    assert!(
        faults
            .iter()
            .any(|fault| fault.contains("lead to another state")),
        "{faults:?}"
    );
    assert!(
        faults.iter().any(|fault| fault.contains("fingerprint")),
        "{faults:?}"
    );
}

/// Writes the database's size and digest into the manifest anew.
fn mend_manifest(folder: &Path) {
    use sha2::Digest as _;
    let bytes = fs::read(folder.join(sokiem_server::FILE_NAME)).unwrap();
    let mut manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let digest: String = sha2::Sha256::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    manifest["files"][0]["sha256"] = digest.into();
    manifest["files"][0]["bytes"] = bytes.len().into();
    manifest["changes"] = (manifest["changes"].as_u64().unwrap() - 1).into();
    fs::write(folder.join("manifest.json"), manifest.to_string()).unwrap();
}

#[tokio::test]
async fn a_half_made_backup_is_never_taken_for_one() {
    let (town, place) = backed_up().await;
    let to = place.path().join("next");
    // What a process leaves that was killed in the middle.
    fs::create_dir(place.path().join(".next.partial")).unwrap();
    fs::copy(
        place.path().join("b").join(sokiem_server::FILE_NAME),
        place.path().join(".next.partial/half"),
    )
    .unwrap();
    assert!(backup::check(&place.path().join(".next.partial")).is_err());
    backup::make_beside(&config(&town.folder), &to, None).unwrap();
    assert!(backup::check(&to).unwrap().ok);
    assert!(!to.join("half").exists());
    let again = backup::make_beside(&config(&town.folder), &to, None);
    assert!(matches!(again, Err(Error::BackupExists(_))), "{again:?}");
    let nowhere = Config {
        data_dir: place.path().join("leer"),
        ..config(&town.folder)
    };
    assert!(backup::make_beside(&nowhere, &place.path().join("x"), None).is_err());
    assert!(!place.path().join("x").exists() && !place.path().join(".x.partial").exists());
}

#[tokio::test]
async fn a_restore_deletes_nothing_and_what_was_taken_away_stays_away() {
    let (town, place) = backed_up().await;
    let phone = town.phone("minh", &[town.communes[0]]).await;
    let from = place.path().join("b2");
    backup::make_beside(&config(&town.folder), &from, None).unwrap();
    let path = format!("/api/v1/devices/{}", phone.device);
    town.call(
        &town.admin,
        reqwest::Method::DELETE,
        &path,
        serde_json::Value::Null,
    )
    .await
    .expect(204);
    let running = backup::restore(config(&town.folder), &from, true).await;
    assert!(
        matches!(running, Err(Error::DataFolderInUse(_))),
        "{running:?}"
    );
    let epoch = town.server.epoch();

    let Town {
        server,
        folder,
        admin,
        http,
        district,
        communes,
    } = town;
    server.stop().await.unwrap();
    let full = backup::restore(config(&folder), &from, false).await;
    assert!(
        matches!(full, Err(Error::DataFolderNotEmpty(_))),
        "{full:?}"
    );
    let restored = backup::restore(config(&folder), &from, true).await.unwrap();
    let aside = restored.set_aside.unwrap();
    assert!(aside.join(sokiem_server::FILE_NAME).is_file());
    assert!(restored.carried.is_some());
    let server = serve(config(&folder)).await.unwrap();
    assert_ne!(server.epoch(), epoch);
    let mut town = Town {
        server,
        folder,
        admin,
        http,
        district,
        communes,
    };
    assert_eq!(
        town.get(&town.admin, "/api/v1/audit").await.problem(401),
        "credential-invalid"
    );
    town.admin = town.sign_in("admin").await;
    let devices = town.get(&town.admin, "/api/v1/devices").await.expect(200);
    let minh = devices
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["id"] == json!(phone.device))
        .unwrap();
    assert!(minh["revoked_ms"].is_i64(), "{minh}");
    let rows = town
        .get(&town.admin, "/api/v1/audit?action=restored")
        .await
        .expect(200);
    assert!(
        rows["rows"][0]["detail"]["replaced_audit"].is_string(),
        "{rows}"
    );
    town.server.stop().await.unwrap();
    assert!(
        verify_audit_offline(config(&town.folder), None)
            .await
            .unwrap()
            .ok
    );
    fs::remove_dir_all(aside).unwrap();
}

#[tokio::test]
async fn a_damaged_backup_is_not_restored_and_nothing_is_touched() {
    let (town, place) = backed_up().await;
    let file = place.path().join("b").join(sokiem_server::FILE_NAME);
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).unwrap();
    let Town { server, folder, .. } = town;
    server.stop().await.unwrap();
    let before = fs::read(folder.path().join(sokiem_server::FILE_NAME)).unwrap();
    let refused = backup::restore(config(&folder), &place.path().join("b"), true).await;
    assert!(
        matches!(refused, Err(Error::BackupUnsound(_))),
        "{refused:?}"
    );
    assert_eq!(
        fs::read(folder.path().join(sokiem_server::FILE_NAME)).unwrap(),
        before
    );
}

#[tokio::test]
async fn one_server_at_a_time_for_a_folder() {
    let town = Town::new().await;
    let second = serve(config(&town.folder)).await;
    assert!(matches!(second, Err(Error::DataFolderInUse(_))));
}

#[tokio::test]
async fn the_server_backs_itself_up_and_keeps_so_many() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().to_owned();
    let mut town = Town::with(|config| {
        config.backup.dir = Some(folder.clone());
        config.backup.every_s = 0;
        config.backup.keep = 2;
    })
    .await;
    for _ in 0..4 {
        while town.metric("sokiem_backup_last_success").await == 0 {
            tokio::task::yield_now().await;
        }
        let Town {
            server,
            folder: data,
            admin,
            http,
            district,
            communes,
        } = town;
        server.stop().await.unwrap();
        let mut config = config(&data);
        config.backup.dir = Some(folder.clone());
        config.backup.every_s = 0;
        config.backup.keep = 2;
        let server = serve(config).await.unwrap();
        town = Town {
            server,
            folder: data,
            admin,
            http,
            district,
            communes,
        };
    }
    town.server.stop().await.unwrap();
    let kept: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(kept.len(), 2, "{kept:?}");
    for path in kept {
        assert!(backup::check(&path).unwrap().ok);
    }
}

//! What is signed, and that nobody alters it unseen, not even in the database.

use serde_json::{Value, json};
use sokiem_record::{
    attestation::HeadsStatement,
    id::{AccountId, DeviceId, DocumentId, Kind},
    signing::SigningKey,
};

use crate::harness::{Phone, Town, fresh_uuid, push};

/// Finishes a record on a phone and signs it, with this key and in the name of this account.
pub(crate) fn signed(
    phone: &mut Phone,
    id: DocumentId,
    key: &SigningKey,
    account: AccountId,
) -> sokiem_record::wire::DocumentPush {
    let finished = phone.set(id, "finished", json!(true));
    let author = phone.author();
    let device = phone.device.parse::<DeviceId>().unwrap();
    let (area, document) = phone.held.get_mut(&id).unwrap();
    let statement = HeadsStatement {
        document: id,
        kind: Kind::Inspection,
        heads: document.heads(),
        account,
        device,
        signed_ms: 1_500_000_000_000,
    };
    let element = statement.element(fresh_uuid(), key, "Lan", "").unwrap();
    let written = document.edit(&author, None, &[element]).unwrap().unwrap();
    let mut push = push(id, Kind::Inspection, *area, vec![written.bytes]);
    push.changes.splice(0..0, finished.changes);
    push
}

/// A town in which officer Lan has pushed an inspection and signed it with this key for this account.
async fn signed_by(
    key: Option<SigningKey>,
    account: Option<AccountId>,
) -> (Town, Phone, DocumentId) {
    let town = Town::new().await;
    let own: String = town.account("lan", "officer", &[town.communes[0]]).await;
    let mut phone = town.phone_of(&own).await;
    phone.sync(vec![]).await;
    let unit = phone.unit(town.communes[0], "Trường Đại Điền");
    let id = unit.document;
    let inspection = phone.inspection(town.communes[0], id);
    let record = inspection.document;
    let key = key.unwrap_or_else(|| phone.key.clone());
    let account = account.unwrap_or_else(|| own.parse().unwrap());
    let signature = signed(&mut phone, record, &key, account);
    phone.sync(vec![unit, inspection, signature]).await;
    (town, phone, record)
}

async fn verify(town: &Town, record: DocumentId) -> Value {
    let path = format!("/api/v1/records/{record}/verify");
    town.get(&town.admin, &path).await.expect(200)
}

#[tokio::test]
async fn a_signature_is_held_against_the_keys_of_the_roster() {
    let (town, _, record) = signed_by(None, None).await;
    let verified = verify(&town, record).await;
    assert_eq!(verified["sound"], true, "{verified}");
    assert_eq!(verified["signatures"][0]["standing"], "valid");
    assert_eq!(verified["signatures"][0]["since"], json!([]));

    let (town, _, record) = signed_by(Some(SigningKey::from_seed(&[9; 32])), None).await;
    let verified = verify(&town, record).await;
    assert_eq!(verified["sound"], false);
    assert_eq!(verified["signatures"][0]["standing"], "unknown_key");

    let (town, _, record) = signed_by(None, Some(AccountId(fresh_uuid()))).await;
    let verified = verify(&town, record).await;
    assert_eq!(verified["signatures"][0]["standing"], "other_person");
}

#[tokio::test]
async fn what_came_after_a_signature_is_told_with_its_author() {
    let (town, mut phone, record) = signed_by(None, None).await;
    let later = phone.set(record, "number", json!("12/BB"));
    phone.sync(vec![later]).await;
    let verified = verify(&town, record).await;
    assert_eq!(verified["signatures"][0]["standing"], "valid");
    let since = verified["signatures"][0]["since"].as_array().unwrap();
    assert_eq!(since.len(), 1);
    assert_eq!(since[0]["by"]["name"], "LAN");
    assert_eq!(since[0]["fields"][0]["path"], "number");
}

#[tokio::test]
async fn a_byte_that_was_altered_in_the_database_is_found() {
    let (town, _, record) = signed_by(None, None).await;
    let id = record.as_bytes().as_slice();
    let database = town.database();
    let positions: Vec<(i64, Vec<u8>)> = database
        .prepare("SELECT position, bytes FROM changes WHERE document = ?1 ORDER BY position")
        .unwrap()
        .query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let write = |position: i64, bytes: &[u8]| {
        database
            .execute(
                "UPDATE changes SET bytes = ?3 WHERE document = ?1 AND position = ?2",
                rusqlite::params![id, position, bytes],
            )
            .unwrap();
    };
    for (position, sound) in &positions {
        for at in [4, sound.len() / 2, sound.len() - 1] {
            let mut altered = sound.clone();
            altered[at] ^= 1;
            write(*position, &altered);
            let verified = verify(&town, record).await;
            assert_eq!(verified["sound"], false);
            assert_eq!(verified["history"]["state"], "broken", "{position}/{at}");
            write(*position, sound);
        }
    }
    // The last change, with the signature, is taken away as if it had never come.
    database
        .execute(
            "DELETE FROM changes WHERE document = ?1 AND position = ?2",
            rusqlite::params![id, positions.last().unwrap().0],
        )
        .unwrap();
    assert_eq!(verify(&town, record).await["history"]["state"], "broken");
}

#[tokio::test]
async fn a_decision_is_signed_with_the_key_that_the_server_shows() {
    let (town, _, record) = signed_by(None, None).await;
    let path = format!("/api/v1/records/{record}");
    let heads = town.get(&town.admin, &path).await.expect(200)["heads"].clone();
    let body = json!({"decision": "returned", "heads": heads, "reason": "thiếu ảnh",
        "reasons": [{"item": "KIEMTRA-01", "text": "chưa rõ"}]});
    town.post(&town.admin, &format!("{path}/decisions"), body)
        .await
        .expect(201);
    let verified = verify(&town, record).await;
    assert_eq!(verified["sound"], true, "{verified}");
    assert_eq!(verified["decisions"][0]["standing"], "valid");
    assert_eq!(verified["decisions"][0]["heads"], heads);
    // Anybody may have the key, and it outlives the process.
    let key = town.get("", "/api/v1/server-key").await.expect(200)["key"].clone();
    let town = town.restarted().await;
    let again = town.get("", "/api/v1/server-key").await.expect(200)["key"].clone();
    assert_eq!(key, again);
    assert_eq!(key.as_str().unwrap().len(), 64);
}

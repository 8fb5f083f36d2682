//! Accounts over the years: names change, passwords are forgotten, people leave.

use reqwest::Method;
use serde_json::{Value, json};
use sokiem_record::wire;

use crate::harness::{Answer, PASSWORD, Town, answer};

async fn patch(town: &Town, token: &str, account: &str, change: Value) -> Answer {
    town.call(
        token,
        Method::PATCH,
        &format!("/api/v1/accounts/{account}"),
        change,
    )
    .await
}

#[tokio::test]
async fn closing_an_account_ends_its_sessions_and_its_devices_at_once() {
    let town = Town::new().await;
    let account = town.account("lan", "officer", &[town.communes[0]]).await;
    let phone = town.phone_of(&account).await;
    let code = town.code(&account).await;
    let session = town.sign_in("lan").await;
    let exchange = || {
        phone.post(
            "/api/device/v1/exchange",
            wire::encode(&phone.request(Vec::new())),
        )
    };
    assert_eq!(exchange().await.status(), 200);
    let closed = patch(&town, &town.admin, &account, json!({"active": false}))
        .await
        .expect(200);
    assert_eq!(closed["active"], false);
    assert_eq!(
        answer(exchange().await).await.problem(403),
        "device-revoked"
    );
    assert_eq!(
        town.get(&session, "/api/v1/session").await.problem(401),
        "credential-invalid"
    );
    let body = json!({"login": "lan", "password": PASSWORD});
    assert_eq!(
        town.post("", "/api/v1/session", body).await.problem(401),
        "credential-invalid"
    );
    let late = town
        .enrol(
            &code,
            sokiem_record::id::ActorId(crate::harness::fresh_uuid()),
        )
        .await;
    assert_eq!(late.problem(410), "code-used");
    // Opened again, the person signs in; the devices stay out until they are enrolled anew.
    patch(&town, &town.admin, &account, json!({"active": true}))
        .await
        .expect(200);
    town.sign_in("lan").await;
    assert_eq!(
        answer(exchange().await).await.problem(403),
        "device-revoked"
    );
}

#[tokio::test]
async fn a_change_is_seen_in_the_roster_and_roles_hold_with_the_next_request() {
    let town = Town::new().await;
    let account = town.account("tam", "supervisor", &[town.communes[0]]).await;
    let token = town.sign_in("tam").await;
    assert_eq!(town.get(&token, "/api/v1/devices").await.status, 200);
    let change = json!({"name": "Nguyễn Văn Tám", "role": "officer"});
    patch(&town, &town.admin, &account, change)
        .await
        .expect(200);
    assert_eq!(
        town.get(&token, "/api/v1/devices").await.problem(403),
        "forbidden"
    );
    let roster = town
        .get(
            &town.admin,
            &format!("/api/v1/records/{}", town.communes[0]),
        )
        .await
        .expect(200);
    assert!(roster.to_string().contains("Nguyễn Văn Tám"), "{roster}");
    for wrong in [json!({"name": " "}), json!({"title": "x".repeat(201)})] {
        assert_eq!(
            patch(&town, &town.admin, &account, wrong)
                .await
                .problem(422),
            "invalid"
        );
    }
    let nobody = crate::harness::fresh_uuid().to_string();
    assert_eq!(
        patch(&town, &town.admin, &nobody, json!({}))
            .await
            .problem(404),
        "not-found"
    );
}

#[tokio::test]
async fn somebody_who_administrates_is_left() {
    let town = Town::new().await;
    let accounts = town.get(&town.admin, "/api/v1/accounts").await.expect(200);
    let admin = accounts[0]["id"].as_str().unwrap();
    for change in [json!({"active": false}), json!({"role": "supervisor"})] {
        assert_eq!(
            patch(&town, &town.admin, admin, change).await.problem(422),
            "invalid"
        );
    }
    town.account("second", "administrator", &[]).await;
    patch(&town, &town.admin, admin, json!({"role": "supervisor"}))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_supervisor_administrates_officers_of_their_own_areas_only() {
    let town = Town::new().await;
    let [one, two] = town.communes;
    town.account("tam", "supervisor", &[one]).await;
    let token = town.sign_in("tam").await;
    let person = |login: &str, role: &str, areas: Value| json!({"login": login, "name": "X", "role": role, "areas": areas});
    let made = town
        .post(
            &token,
            "/api/v1/accounts",
            person("a", "officer", json!([one])),
        )
        .await
        .expect(201);
    let own = made["id"].as_str().unwrap();
    for refused in [
        person("b", "officer", json!([two])),
        person("b", "officer", json!([one, two])),
        person("b", "officer", json!([])),
        person("b", "supervisor", json!([one])),
    ] {
        assert_eq!(
            town.post(&token, "/api/v1/accounts", refused)
                .await
                .problem(403),
            "forbidden"
        );
    }
    patch(&town, &token, own, json!({"title": "Đội trưởng"}))
        .await
        .expect(200);
    assert_eq!(
        patch(&town, &token, own, json!({"role": "supervisor"}))
            .await
            .problem(403),
        "forbidden"
    );
    let both = town.account("both", "officer", &[one, two]).await;
    let other = town.account("other", "officer", &[two]).await;
    let equal = town.account("equal", "supervisor", &[one]).await;
    for account in [both, other, equal] {
        assert_eq!(
            patch(&town, &token, &account, json!({"active": false}))
                .await
                .problem(403),
            "forbidden"
        );
    }
}

#[tokio::test]
async fn a_given_password_is_good_for_choosing_ones_own_and_nothing_else() {
    let town = Town::new().await;
    let account = town.account("tam", "supervisor", &[town.communes[0]]).await;
    let before = town.sign_in("tam").await;
    let path = format!("/api/v1/accounts/{account}/password");
    let given = town.post(&town.admin, &path, Value::Null).await.expect(201);
    let given = given["password"].as_str().unwrap();
    assert_eq!(town.get(&before, "/api/v1/session").await.status, 401);
    let old = json!({"login": "tam", "password": PASSWORD});
    assert_eq!(town.post("", "/api/v1/session", old).await.status, 401);
    let session = town
        .post(
            "",
            "/api/v1/session",
            json!({"login": "tam", "password": given}),
        )
        .await
        .expect(201);
    let token = session["token"].as_str().unwrap();
    assert_eq!(
        town.get(token, "/api/v1/records").await.problem(403),
        "password-given"
    );
    assert_eq!(town.get(token, "/api/v1/session").await.status, 200);
    let choose = |old: &str, new: &str| json!({"old": old, "new": new});
    let put = async |body: Value| {
        town.call(token, Method::PUT, "/api/v1/session/password", body)
            .await
    };
    assert_eq!(
        put(choose("wrong", "một mật khẩu mới")).await.problem(401),
        "credential-invalid"
    );
    assert_eq!(put(choose(given, "short")).await.problem(422), "invalid");
    assert_eq!(put(choose(given, given)).await.problem(422), "invalid");
    put(choose(given, "một mật khẩu mới")).await.expect(204);
    assert_eq!(town.get(token, "/api/v1/records").await.status, 200);
    let again = json!({"login": "tam", "password": given});
    assert_eq!(town.post("", "/api/v1/session", again).await.status, 401);
}

#[tokio::test]
async fn a_given_password_ends() {
    let town = Town::with(|config| config.lifetimes.code_s = 0).await;
    let account = town.account("tam", "supervisor", &[]).await;
    let given = town
        .post(
            &town.admin,
            &format!("/api/v1/accounts/{account}/password"),
            Value::Null,
        )
        .await
        .expect(201);
    let late = json!({"login": "tam", "password": given["password"]});
    assert_eq!(
        town.post("", "/api/v1/session", late).await.problem(401),
        "credential-invalid"
    );
}

#[tokio::test]
async fn people_see_their_sessions_and_end_them() {
    let town = Town::new().await;
    town.account("tam", "supervisor", &[]).await;
    let (one, two) = (town.sign_in("tam").await, town.sign_in("tam").await);
    let sessions = town.get(&one, "/api/v1/sessions").await.expect(200);
    let sessions = sessions.as_array().unwrap().clone();
    assert_eq!(sessions.len(), 2);
    let other = sessions
        .iter()
        .find(|session| session["this"] == false)
        .unwrap();
    let path = format!("/api/v1/sessions/{}", other["id"].as_str().unwrap());
    // Somebody else can't.
    assert_eq!(
        town.call(&town.admin, Method::DELETE, &path, Value::Null)
            .await
            .problem(404),
        "not-found"
    );
    town.call(&one, Method::DELETE, &path, Value::Null)
        .await
        .expect(204);
    assert_eq!(town.get(&two, "/api/v1/session").await.status, 401);
    // Choosing another password ends the others too.
    let three = town.sign_in("tam").await;
    let body = json!({"old": PASSWORD, "new": "một mật khẩu khác"});
    town.call(&one, Method::PUT, "/api/v1/session/password", body)
        .await
        .expect(204);
    assert_eq!(town.get(&three, "/api/v1/session").await.status, 401);
    assert_eq!(town.get(&one, "/api/v1/session").await.status, 200);
}

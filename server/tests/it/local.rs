//! The server without sockets and threads, as simulations call it.

use std::sync::atomic::{AtomicU8, Ordering};

use axum::http::{Request, Response, header};
use serde_json::{Value as Json, json};
use sokiem_server::{Config, Error, Local, Role, platform::Platform};

const PASSWORD: &str = "mật khẩu dùng để thử";

/// Time that stands still, and randomness that counts.
struct Counting(AtomicU8);

impl Platform for Counting {
    fn now_ms(&self) -> i64 {
        1_560_000_000_000
    }

    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error> {
        for byte in bytes {
            *byte = self.0.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }
}

fn open(folder: &std::path::Path) -> Local {
    open_counting_from(folder, 0)
}

fn open_counting_from(folder: &std::path::Path, first: u8) -> Local {
    let mut config = Config {
        data_dir: folder.to_owned(),
        public_url: Some("http://server".to_owned()),
        ..Config::default()
    };
    config.limits.password_memory_kib = 64;
    Local::open(config, Counting(AtomicU8::new(first))).unwrap()
}

fn post(path: &str, token: &str, body: &Json) -> Request<Vec<u8>> {
    Request::post(path)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(body.to_string().into_bytes())
        .unwrap()
}

fn json_of(answer: &Response<impl AsRef<[u8]>>) -> Json {
    serde_json::from_slice(answer.body().as_ref()).unwrap()
}

/// Signs in and makes areas, some of them at the same moment; every answer in order.
fn work(server: &Local) -> Vec<Json> {
    server
        .create_account("admin", "Quản trị", Role::Administrator, PASSWORD)
        .unwrap();
    let body = json!({"login": "admin", "password": PASSWORD});
    let session = json_of(&server.call(post("/api/v1/session", "", &body)));
    let token = session["token"].as_str().unwrap().to_owned();
    let area = |name: &str| {
        let body = json!({"name": name, "level": "commune"});
        post("/api/v1/areas", &token, &body)
    };
    let mut answers = vec![session];
    answers.push(json_of(&server.call(area("Xã Một"))));
    let together = server.call_together(vec![area("Xã Hai"), area("Xã Ba")]);
    answers.extend(together.iter().map(json_of));
    server.settle();
    answers
}

#[test]
fn a_server_without_threads_does_the_same_twice() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (first, second) = (open(one.path()), open(two.path()));
    let answers = work(&first);
    assert_eq!(answers.len(), 4);
    assert!(answers[3]["id"].is_string(), "{answers:?}");
    assert_eq!(answers, work(&second));
}

#[test]
fn what_it_answered_is_there_after_it_was_stopped_or_killed_and_a_new_epoch_begins_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let server = open(folder.path());
    let answers = work(&server);
    let token = answers[0]["token"].as_str().unwrap().to_owned();
    let epoch = server.epoch();
    server.kill();
    let areas = |server: &Local| {
        let request = Request::get("/api/v1/areas")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Vec::new())
            .unwrap();
        json_of(&server.call(request)).as_array().unwrap().len()
    };
    let server = open(folder.path());
    assert_eq!((areas(&server), server.epoch()), (3, epoch));
    server.stop();
    let restored = open_counting_from(folder.path(), 77);
    let next = restored.start_epoch().unwrap();
    assert_ne!(next, epoch);
    let server = open(folder.path());
    assert_eq!((areas(&server), server.epoch()), (3, next));
}

//! The worker alone, as a page talks to it: what it says is on disk is there after a kill, tabs take over from each
//! other, a PIN is asked for, and what a day without news costs.

use serde_json::{Value as Json, json};
use sokiem_record::id::DocumentId;
use uuid::Uuid;

use super::{Page, place::Place};
use crate::browser::Browser;

const PIN: &str = "mực-tím-2019";

/// A page without pages: it has the worker and nothing else.
pub(super) struct Core<'a>(pub(super) &'a Page);

impl<'a> Core<'a> {
    /// Starts the worker in this tab.
    pub(super) fn start(tab: &'a Page) -> Self {
        let (status, _) = tab.go("/app/manifest.webmanifest");
        assert_eq!(status, 200);
        tab.evaluate(
            r#"(async () => {
                const index = await (await fetch("/app/")).text();
                const at = /name="sokiem-worker" content="\.\/([^"]+)"/.exec(index)[1];
                const worker = new Worker(`/app/${at}`, { type: "module" });
                const asked = new Map();
                let number = 0;
                window.notices = [];
                worker.onerror = (event) => { for (const one of asked.values()) one({ failure: JSON.stringify({ code: "dead", text: { vi: "", en: event.message } }) }); };
                worker.onmessage = ({ data }) => {
                    if (data.notice) return window.notices.push(JSON.parse(data.notice));
                    asked.get(data.id)?.(data);
                    asked.delete(data.id);
                };
                window.ask = (request, bytes) => new Promise((done) => {
                    const id = ++number;
                    const text = (data) => data.bytes && new TextDecoder().decode(data.bytes);
                    asked.set(id, (data) => done(data.failure ? { failure: JSON.parse(data.failure) } : { answer: JSON.parse(data.answer), bytes: text(data) }));
                    const message = { id, request: JSON.stringify(request) };
                    if (bytes) message.bytes = bytes;
                    worker.postMessage(message, bytes ? [bytes] : []);
                });
            })()"#,
        );
        Self(tab)
    }

    fn outcome(&self, request: &Json) -> Json {
        self.0.evaluate(&format!("window.ask({request})"))
    }

    /// Asks, and expects an answer.
    pub(super) fn ask(&self, request: Json) -> Json {
        let outcome = self.outcome(&request);
        assert!(outcome.get("failure").is_none(), "{request}: {outcome}");
        outcome["answer"].clone()
    }

    /// Asks, and expects to be refused: with which word.
    pub(super) fn refused(&self, request: Json) -> String {
        let outcome = self.outcome(&request);
        let code = outcome["failure"]["code"].as_str();
        code.unwrap_or_else(|| panic!("{request}: {outcome}"))
            .to_owned()
    }

    pub(super) fn begin(&self) {
        let session = self.ask(json!({"ask": "begin", "pin": PIN}));
        assert_eq!(session["lock"], "open");
    }

    pub(super) fn unlock(&self) -> Json {
        self.ask(json!({"ask": "unlock", "pin": PIN}))
    }

    /// Waits until the status satisfies a condition in JavaScript.
    pub(super) fn until(&self, condition: &str) {
        self.0.evaluate(&format!(
            r#"(async () => {{
                const deadline = Date.now() + 20000;
                for (;;) {{
                    const {{ answer }} = await window.ask({{ ask: "status" }});
                    const status = answer.status;
                    if ({condition}) return;
                    if (Date.now() > deadline) throw new Error(JSON.stringify(status));
                    await new Promise((done) => setTimeout(done, 20));
                }}
            }})()"#
        ));
    }

    pub(super) fn enrol(&self, code: &str) {
        let standing =
            self.ask(json!({"ask": "enrol", "code": code, "device_name": "Điện thoại thử"}));
        assert_eq!(standing["status"]["enrolled"], true);
        self.until("status.last_verified_ms && status.pending === 0");
    }

    pub(super) fn edit(&self, document: DocumentId, path: &str, value: Json) -> Json {
        self.ask(
            json!({"ask": "edit", "operation": Uuid::from_u128(rand()), "document": document,
            "edits": [{"edit": "set", "path": path, "value": value}]}),
        )
    }
}

fn rand() -> u128 {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).unwrap();
    u128::from_le_bytes(bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_there_after_the_browser_was_killed() {
    let place = Place::start().await.unwrap();
    let unit = place
        .unit("Trường Tiểu học Thạnh Hải", "school")
        .await
        .unwrap();
    let (_, code) = place.officer("lan").await.unwrap();
    let browser = Browser::start();
    let phone = place.phone("lan");

    let tab = place.tab(&browser, &phone);
    let core = Core::start(&tab);
    core.begin();
    core.enrol(&code);
    place.line.set_cut(true);
    for round in 0..5 {
        let tab = place.tab(&browser, &phone);
        // The files of the worker come from the server: only this test has no service worker.
        place.line.set_cut(false);
        let core = Core::start(&tab);
        place.line.set_cut(true);
        let session = core.ask(json!({"ask": "session"}));
        assert_eq!(session["lock"], "locked");
        assert_eq!(core.unlock()["lock"], "open");
        for staff in 0..=round {
            core.edit(unit, "staff", json!(100 * round + staff));
        }
        tab.kill();
        let tab = place.tab(&browser, &phone);
        place.line.set_cut(false);
        let core = Core::start(&tab);
        place.line.set_cut(true);
        core.unlock();
        let record = core.ask(json!({"ask": "record", "document": unit}));
        assert_eq!(record["fields"]["staff"], 100 * round + round);
        tab.kill();
    }
    place.line.set_cut(false);
    let tab = place.tab(&browser, &phone);
    let core = Core::start(&tab);
    core.unlock();
    core.until("status.pending === 0 && !status.last_error");
    let record = place.record(unit).await.unwrap();
    assert_eq!(record["fields"]["staff"], 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_tab_follows_and_takes_over_when_the_first_closes() {
    let place = Place::start().await.unwrap();
    let unit = place
        .unit("Hợp tác xã Giao Thạnh", "enterprise")
        .await
        .unwrap();
    let (_, code) = place.officer("minh").await.unwrap();
    let browser = Browser::start();
    let phone = place.phone("minh");
    let first = place.tab(&browser, &phone);
    let leader = Core::start(&first);
    leader.begin();
    leader.enrol(&code);

    let second = place.tab(&browser, &phone);
    let follower = Core::start(&second);
    assert_eq!(follower.refused(json!({"ask": "today"})), "locked");
    let session = follower.unlock();
    assert_eq!(session["leads"], false);
    follower.edit(unit, "staff", json!(11));
    let record = leader.ask(json!({"ask": "record", "document": unit}));
    assert_eq!(record["fields"]["staff"], 11, "one book");

    // What the follower asks while the leader goes away is answered by whoever leads then.
    let deed = json!({"ask": "edit", "operation": Uuid::from_u128(7), "document": unit,
        "edits": [{"edit": "set", "path": "learners", "value": 5}]});
    first.close();
    let saved = follower.ask(deed.clone());
    assert_eq!(follower.ask(deed), saved, "the same deed is done once");
    follower.0.evaluate(
        r#"(async () => {
            const deadline = Date.now() + 20000;
            while (!(await window.ask({ ask: "session" })).answer.leads) {
                if (Date.now() > deadline) throw new Error("nobody leads");
                await new Promise((done) => setTimeout(done, 20));
            }
        })()"#,
    );
    let record = follower.ask(json!({"ask": "record", "document": unit}));
    assert_eq!(record["fields"]["learners"], 5);
    follower.until("status.pending === 0");
    let record = place.record(unit).await.unwrap();
    assert_eq!(record["fields"]["learners"], 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_pins_cost_a_wait_that_a_reload_does_not_shorten_and_nothing_is_lost() {
    let place = Place::start().await.unwrap();
    let browser = Browser::start();
    let phone = place.phone("quen");
    let tab = place.tab(&browser, &phone);
    let core = Core::start(&tab);
    assert_eq!(core.ask(json!({"ask": "session"}))["lock"], "none");
    assert_eq!(
        core.refused(json!({"ask": "begin", "pin": "12345"})),
        "pin-short"
    );
    core.begin();
    assert_eq!(
        core.refused(json!({"ask": "begin", "pin": PIN})),
        "book-exists"
    );
    core.ask(json!({"ask": "lock"}));
    assert_eq!(core.refused(json!({"ask": "outbox"})), "locked");
    let wrong = || json!({"ask": "unlock", "pin": "sai-mất-rồi"});
    for _ in 0..4 {
        assert_eq!(core.refused(wrong()), "wrong-pin");
    }
    assert_eq!(core.refused(wrong()), "pin-wait");
    let again = Core::start(&tab);
    let session = again.ask(json!({"ask": "session"}));
    assert_eq!(session["lock"], "locked");
    assert_eq!(session["wrong"], 5);
    assert!(session["wait_ms"].as_u64().unwrap() > 20_000, "{session}");
    let right = json!({"ask": "unlock", "pin": PIN});
    assert_eq!(again.refused(right), "pin-wait", "not even the right one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_is_changed_and_the_old_one_opens_nothing() {
    let place = Place::start().await.unwrap();
    let browser = Browser::start();
    let phone = place.phone("doi");
    let tab = place.tab(&browser, &phone);
    let core = Core::start(&tab);
    core.begin();
    core.ask(json!({"ask": "change_pin", "from": PIN, "to": "sông-Hàm-Luông"}));
    core.ask(json!({"ask": "lock"}));
    assert_eq!(
        core.refused(json!({"ask": "unlock", "pin": PIN})),
        "wrong-pin"
    );
    let session = core.ask(json!({"ask": "unlock", "pin": "sông-Hàm-Luông"}));
    assert_eq!(session["lock"], "open");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_to_be_wiped_sends_what_it_has_and_keeps_nothing() {
    let place = Place::start().await.unwrap();
    let unit = place.unit("Bưu điện An Thạnh", "agency").await.unwrap();
    let (account, code) = place.officer("mat").await.unwrap();
    let browser = Browser::start();
    let phone = place.phone("mat");
    let tab = place.tab(&browser, &phone);
    let core = Core::start(&tab);
    core.begin();
    core.enrol(&code);
    place.line.set_cut(true);
    core.edit(unit, "staff", json!(9));
    place.wipe(account).await.unwrap();
    place.line.set_cut(false);
    core.0.evaluate("window.ask({ ask: 'sync' })");
    core.0.evaluate(
        r#"(async () => {
            const deadline = Date.now() + 20000;
            for (;;) {
                const { answer, failure } = await window.ask({ ask: "session" });
                if (answer?.lock === "none" && answer.erased) return;
                if (Date.now() > deadline) throw new Error(JSON.stringify(answer ?? failure));
                await new Promise((done) => setTimeout(done, 20));
            }
        })()"#,
    );
    let record = place.record(unit).await.unwrap();
    assert_eq!(record["fields"]["staff"], 9, "what waited was sent first");
    assert_eq!(
        core.refused(json!({"ask": "unlock", "pin": PIN})),
        "no-book"
    );
    core.begin();
    let units = core.ask(json!({"ask": "units", "limit": 10}));
    assert_eq!(units["units"], json!([]), "nothing is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_sees_no_network_again_brings_its_work_to_the_desk_in_a_file() {
    let place = Place::start().await.unwrap();
    let unit = place.unit("Trạm y tế Thạnh Hải", "agency").await.unwrap();
    let (_, code) = place.officer("xa").await.unwrap();
    let browser = Browser::start();
    let phone = place.phone("xa");
    let tab = place.tab(&browser, &phone);
    let core = Core::start(&tab);
    core.begin();
    core.enrol(&code);
    place.line.set_cut(true);
    core.edit(unit, "staff", json!(17));

    let outcome = core.outcome(&json!({"ask": "export"}));
    let name = outcome["answer"].as_str().unwrap();
    assert!(
        name.starts_with("so-kiem-") && name.ends_with(".json"),
        "{name}"
    );
    let file: Json = serde_json::from_str(outcome["bytes"].as_str().unwrap()).unwrap();
    let imported = place
        .town
        .desk
        .post("/api/v1/quarantine/import", file)
        .await
        .unwrap();
    assert_eq!(imported["added"], 1, "{imported}");
    let waiting = place.town.desk.get("/api/v1/quarantine").await.unwrap();
    assert!(
        waiting.to_string().contains("Trạm y tế Thạnh Hải"),
        "{waiting}"
    );
}

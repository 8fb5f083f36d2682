//! An app and a server of different versions: it is told plainly, saves go on, and nothing is lost when they fit again.

use axum::{Router, http::header, response::IntoResponse as _};
use serde_json::json;
use sokiem_record::{genesis::planned_inspection_id, wire};

use super::{officer::App, place::Place};
use crate::browser::Browser;

/// How another server answers: an older or newer one that does not speak our version, and one that answers in its own all the same.
#[derive(Clone, Copy, Debug)]
enum Other {
    Refuses,
    AnswersInItsOwn,
}

impl Other {
    /// Serves on a free port until the test ends; its address.
    async fn serve(self) -> std::net::SocketAddr {
        let answer = move || async move {
            match self {
                Other::Refuses => {
                    let problem = json!({"type": "/problems/unsupported-version", "title": "This protocol version is not supported"});
                    let kind = [(header::CONTENT_TYPE, "application/problem+json")];
                    (
                        axum::http::StatusCode::BAD_REQUEST,
                        kind,
                        problem.to_string(),
                    )
                        .into_response()
                }
                Other::AnswersInItsOwn => {
                    // A map {"v": 2, "x": 1}.
                    let kind = [(header::CONTENT_TYPE, wire::MEDIA_TYPE)];
                    (kind, b"\xa2\x61v\x02\x61x\x01".to_vec()).into_response()
                }
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer);
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_another_version_is_told_and_saves_go_on_until_it_fits_again() {
    let place = Place::start().await.unwrap();
    let ours = place.town.server.url();
    let ours = ours.trim_start_matches("http://").parse().unwrap();
    let unit = place.unit("Bưu điện An Thạnh", "agency").await.unwrap();
    let (officer, code) = place.officer("lan").await.unwrap();
    let campaign = place.assign(&[unit], officer).await.unwrap();
    let inspection = planned_inspection_id(unit, campaign);
    let browser = Browser::start();
    let tab = place.tab(&browser, &place.phone("lan"));
    let app = App(&tab);
    app.enrol(&code);
    tab.evaluate("navigator.serviceWorker.ready.then(() => true)");
    app.begin(unit, inspection);
    app.synced();

    for (other, item) in [
        (Other::Refuses, "KTC-01"),
        (Other::AnswersInItsOwn, "KTC-03"),
    ] {
        place.line.lead_to(other.serve().await);
        app.to(&format!("#/inspection/{inspection}/items"), "Bưu điện");
        tab.wait(&format!("[id=\"f-items/{item}\"]"));
        app.answer(item, "pass");
        tab.wait_for(&format!("[id=\"f-items/{item}/answer\"] .saved"), "đã lưu");
        tab.wait_for("a.status", "Cần cập nhật ứng dụng");
        tab.wait_for("a.status", "chờ gửi");
        app.to("#/outbox", "Chờ gửi");
        tab.wait_for("main", "Dữ liệu trong máy không mất");

        place.line.lead_to(ours);
        tab.evaluate("window.dispatchEvent(new Event('sokiem-sync'))");
        app.synced();
        let record = place.record(inspection).await.unwrap();
        assert_eq!(
            record["fields"]["items"][item]["answer"], "pass",
            "{other:?}"
        );
    }
}

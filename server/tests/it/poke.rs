//! The poke: heard after the commit, by those whose area it is, until the server stops.

use reqwest::Method;
use serde_json::Value;
use sokiem_record::id::AreaId;

use crate::harness::{Phone, Town};

/// An open event stream.
struct Ear(reqwest::Response, String);

impl Ear {
    async fn open(phone: &Phone) -> Self {
        let request = phone.signed(Method::GET, "/api/device/v1/events", None);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self(response, String::new())
    }

    /// The areas of the next event; `None` when the stream has ended.
    async fn next(&mut self) -> Option<Vec<AreaId>> {
        loop {
            if let Some((event, rest)) = self.1.split_once("\n\n") {
                let data = event
                    .lines()
                    .find_map(|line| line.strip_prefix("data: "))
                    .map(str::to_owned);
                assert!(data.is_none() || event.contains("event: news"), "{event}");
                self.1 = rest.to_owned();
                if let Some(data) = data {
                    let data: Value = serde_json::from_str(&data).unwrap();
                    return Some(serde_json::from_value(data["areas"].clone()).unwrap());
                }
                continue;
            }
            match self.0.chunk().await {
                Ok(Some(bytes)) => self.1.push_str(std::str::from_utf8(&bytes).unwrap()),
                _ => return None,
            }
        }
    }
}

#[tokio::test]
async fn a_push_pokes_those_whose_area_it_is() {
    let town = Town::new().await;
    let [one, two] = town.communes;
    let mut lan = town.phone("lan", &[one, two]).await;
    let minh = town.phone("minh", &[two]).await;
    let mut ear = Ear::open(&minh).await;
    let mut first = ear.next().await.unwrap();
    first.sort();
    let mut scope = vec![town.district, two];
    scope.sort();
    assert_eq!(first, scope);
    // News of an area that is not Minh's comes first and is not heard.
    let elsewhere = lan.unit(one, "A");
    lan.sync(vec![elsewhere]).await;
    let here = lan.unit(two, "B");
    lan.sync(vec![here]).await;
    assert_eq!(ear.next().await.unwrap(), [two]);
}

#[tokio::test]
async fn a_new_area_is_heard_and_a_revoked_device_hears_no_more() {
    let town = Town::new().await;
    let account = town.account("minh", "officer", &[town.communes[0]]).await;
    let minh = town.phone_of(&account).await;
    let mut ear = Ear::open(&minh).await;
    ear.next().await.unwrap();
    let path = format!("/api/v1/accounts/{account}/areas/{}", town.communes[1]);
    town.call(&town.admin, Method::PUT, &path, Value::Null)
        .await
        .expect(204);
    // The grant pokes for the roster of the areas that Minh hears already, and for the scope itself.
    while !ear.next().await.unwrap().contains(&town.communes[1]) {}
    let response = minh.send(&minh.request(Vec::new())).await;
    assert!(
        response
            .scope
            .iter()
            .any(|grant| grant.area == town.communes[1] && grant.writable)
    );
    town.call(&town.admin, Method::DELETE, &path, Value::Null)
        .await
        .expect(204);
    let response = minh.send(&minh.request(Vec::new())).await;
    assert!(
        response
            .scope
            .iter()
            .all(|grant| grant.area != town.communes[1])
    );

    let path = format!("/api/v1/devices/{}", minh.device);
    town.call(&town.admin, Method::DELETE, &path, Value::Null)
        .await
        .expect(204);
    while ear.next().await.is_some() {}
}

#[tokio::test]
async fn a_graceful_stop_ends_streams_and_finishes_requests() {
    let town = Town::new().await;
    let area = town.communes[0];
    let mut lan = town.phone("lan", &[area]).await;
    let mut ear = Ear::open(&lan).await;
    ear.next().await.unwrap();
    let pushes: Vec<_> = (0..500).map(|n| lan.unit(area, &n.to_string())).collect();
    let request = lan.request(pushes);
    let Town { server, folder, .. } = town;
    // Whatever was acknowledged before the stop is on disk after it.
    let (response, stopped) = tokio::join!(lan.send(&request), async {
        while ear.next().await.is_some_and(|areas| areas != [area]) {}
        server.stop().await
    });
    stopped.unwrap();
    while ear.next().await.is_some() {}
    let database =
        rusqlite::Connection::open(folder.path().join(sokiem_server::FILE_NAME)).unwrap();
    let units: usize = database
        .query_row(
            "SELECT count(*) FROM documents WHERE kind = 'unit'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!((response.pushed.len(), units), (500, 500));
}

#[tokio::test]
async fn open_streams_are_limited() {
    let town = Town::with(|config| config.limits.event_streams = 1).await;
    let lan = town.phone("lan", &[town.communes[0]]).await;
    let mut ear = Ear::open(&lan).await;
    ear.next().await.unwrap();
    let refused = lan
        .call(Method::GET, "/api/device/v1/events", Value::Null)
        .await;
    assert_eq!(refused.problem(503), "unavailable");
}

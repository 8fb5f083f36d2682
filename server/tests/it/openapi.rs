//! The OpenAPI document is the API.

use reqwest::Method;
use serde_json::Value;

use crate::harness::{Town, fresh_uuid};

#[tokio::test]
async fn every_documented_operation_exists() {
    let town = Town::new().await;
    let api = town.get("", "/api/openapi.json").await.expect(200);
    assert!(
        api["openapi"].as_str().unwrap().starts_with("3.1"),
        "{}",
        api["openapi"]
    );
    let mut operations = 0;
    for (path, item) in api["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let filled: String = path
                .split('/')
                .map(|part| {
                    if path == "/assets/{name}" && part == "{name}" {
                        "style.css".to_owned()
                    } else if part.starts_with('{') {
                        fresh_uuid().to_string()
                    } else {
                        part.to_owned()
                    }
                })
                .collect::<Vec<_>>()
                .join("/");
            let answer = town.call("", method.clone(), &filled, Value::Null).await;
            assert_ne!(answer.status.as_u16(), 405, "{method} {path}");
            assert_ne!(answer.status.as_u16(), 404, "{method} {path}");
            operations += 1;
        }
    }
    assert!(operations > 15, "{operations}");
}

/// `routes!` documents what it routes; so it is enough that nothing is routed in another way.
#[test]
fn every_route_is_documented() {
    let router = include_str!("../../src/http/router.rs");
    for other_way in [
        ".route(",
        ".nest(",
        ".merge(",
        ".fallback(",
        "route_service",
        "nest_service",
    ] {
        assert!(!router.contains(other_way), "{other_way}");
    }
}

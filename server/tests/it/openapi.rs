//! The OpenAPI document is the API.

use reqwest::Method;
use serde_json::Value;

use crate::{
    field_app,
    harness::{Town, fresh_uuid},
};

#[tokio::test]
async fn every_documented_operation_exists() {
    let town = Town::with(field_app::serve).await;
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
                .map(|part| match (path.as_str(), part) {
                    ("/assets/{name}", "{name}") => "style.css".to_owned(),
                    ("/app/{file}", "{file}") => "sw.js".to_owned(),
                    ("/app/{folder}/{file}", "{folder}") => "icons".to_owned(),
                    ("/app/{folder}/{file}", "{file}") => "icon.svg".to_owned(),
                    _ if part.starts_with('{') => fresh_uuid().to_string(),
                    _ => part.to_owned(),
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

/// Of two types with one name the document would have one only, and say of one what the other is.
#[test]
fn no_two_types_have_one_name_in_the_document() {
    let mut seen = std::collections::BTreeMap::new();
    let mut folders = vec![std::path::PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src"
    ))];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for part in text.split("#[derive(").skip(1) {
                let (derived, rest) = part.split_once(")]").unwrap();
                if !derived.contains("ToSchema") {
                    continue;
                }
                let head = match rest.split_once("#[schema(as = ") {
                    Some((before, name))
                        if !before.contains("struct ") && !before.contains("enum ") =>
                    {
                        name.split(')').next().unwrap().to_owned()
                    }
                    _ => {
                        let words: Vec<&str> = rest.split_whitespace().collect();
                        let at = words
                            .iter()
                            .position(|word| matches!(*word, "struct" | "enum"));
                        let word = words[at.unwrap() + 1];
                        word.split(['<', '{', '(', ';']).next().unwrap().to_owned()
                    }
                };
                let other = seen.insert(head.clone(), path.clone());
                assert!(other.is_none(), "{head}: {other:?} and {path:?}");
            }
        }
    }
    assert!(seen.len() > 50, "{}", seen.len());
}

//! Problem documents (RFC 9457) as errors.

use serde::Deserialize;
use sokiem_record::id::EpochId;

use super::{Answer, MAX_SMALL_BODY, read_body};
use crate::sync::TransportError;

#[derive(Default, Deserialize)]
struct Problem {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
    detail_vi: Option<String>,
    epoch: Option<EpochId>,
    server_time_ms: Option<i64>,
}

/// What an answer with an error status says.
pub(super) async fn read(mut answer: impl Answer) -> TransportError {
    let status = answer.status();
    let retry_after_ms = answer
        .header("retry-after")
        .and_then(|value| value.parse::<u64>().ok())
        .map(|seconds| seconds.saturating_mul(1_000));
    let problem: Problem = match read_body(&mut answer, MAX_SMALL_BODY).await {
        Ok(body) => serde_json::from_slice(&body).unwrap_or_default(),
        Err(_) => Problem::default(),
    };
    let slug = problem.kind.rsplit('/').next().unwrap_or_default();
    match (status, slug, problem.epoch) {
        (409, "epoch-changed", Some(epoch)) => TransportError::EpochChanged { epoch },
        (503 | 429, ..) => TransportError::Busy { retry_after_ms },
        _ => TransportError::Refused {
            status,
            slug: if slug.is_empty() {
                format!("http-{status}")
            } else {
                slug.to_owned()
            },
            detail: if problem.detail.is_empty() {
                problem.title
            } else {
                problem.detail
            },
            detail_vi: problem.detail_vi,
            server_time_ms: problem.server_time_ms,
        },
    }
}

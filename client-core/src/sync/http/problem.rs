//! Problem documents (RFC 9457) as errors.

use reqwest::{Response, StatusCode, header::RETRY_AFTER};
use serde::Deserialize;
use sokiem_record::id::EpochId;

use crate::sync::{
    TransportError,
    http::{MAX_SMALL_BODY, read_body},
};

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
pub(super) async fn read(response: Response) -> TransportError {
    let status = response.status();
    let retry_after_ms = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok())
        .map(|seconds| seconds.saturating_mul(1_000));
    let problem: Problem = match read_body(response, MAX_SMALL_BODY).await {
        Ok(body) => serde_json::from_slice(&body).unwrap_or_default(),
        Err(_) => Problem::default(),
    };
    let slug = problem.kind.rsplit('/').next().unwrap_or_default();
    match (status, slug, problem.epoch) {
        (StatusCode::CONFLICT, "epoch-changed", Some(epoch)) => {
            TransportError::EpochChanged { epoch }
        }
        (StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS, ..) => {
            TransportError::Busy { retry_after_ms }
        }
        _ => TransportError::Refused {
            status: status.as_u16(),
            slug: if slug.is_empty() {
                format!("http-{}", status.as_u16())
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

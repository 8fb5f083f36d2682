//! The engine's way to the network: each request becomes a letter that the world carries, or does not.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
};

use axum::http::{Request, Response, StatusCode, header};
use serde_json::{Value as Json, json};
use sokiem_client_core::{
    EnrolRequest, EnrolResponse,
    sync::{Transport, TransportError},
};
use sokiem_record::{id::ActorId, wire};

/// A request as it lies in the network.
#[derive(Clone, Debug)]
pub struct Letter {
    path: &'static str,
    media_type: &'static str,
    body: Vec<u8>,
    credential: Option<String>,
}

impl Letter {
    /// The request as the server's router takes it.
    pub fn request(&self) -> crate::Result<Request<Vec<u8>>> {
        let mut request = Request::post(self.path).header(header::CONTENT_TYPE, self.media_type);
        if let Some(credential) = &self.credential {
            request = request.header(header::AUTHORIZATION, format!("Bearer {credential}"));
        }
        Ok(request.body(self.body.clone())?)
    }

    /// For the trace.
    pub fn describe(&self) -> String {
        format!("{} {} bytes", self.path, self.body.len())
    }
}

/// What came back for a letter.
pub type Answer = Result<Vec<u8>, TransportError>;

/// One end of a line: the engine asks, the world answers.
#[derive(Clone, Default)]
pub struct Line(Arc<Mutex<Slot>>);

#[derive(Default)]
struct Slot {
    credential: Option<String>,
    asked: Option<Letter>,
    answer: Option<Answer>,
}

impl Line {
    /// A line for a device with this credential.
    pub fn new(credential: Option<String>) -> Self {
        let line = Self::default();
        line.slot().credential = credential;
        line
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Slot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the engine has asked since the last call.
    pub fn asked(&self) -> Option<Letter> {
        self.slot().asked.take()
    }

    /// Gives the engine its answer; it goes on when it is polled next.
    pub fn answer(&self, answer: Answer) {
        self.slot().answer = Some(answer);
    }

    async fn ask(&self, path: &'static str, media_type: &'static str, body: Vec<u8>) -> Answer {
        {
            let mut slot = self.slot();
            let credential = slot.credential.clone();
            slot.answer = None;
            slot.asked = Some(Letter {
                path,
                media_type,
                body,
                credential,
            });
        }
        // Nobody is woken: the world polls again when it has an answer.
        poll_fn(|_| match self.slot().answer.take() {
            Some(answer) => Poll::Ready(answer),
            None => Poll::Pending,
        })
        .await
    }
}

const JSON: &str = "application/json";

impl Transport for Line {
    async fn exchange(&self, body: Vec<u8>) -> Answer {
        self.ask("/api/device/v1/exchange", wire::MEDIA_TYPE, body)
            .await
    }

    async fn reconcile(&self, body: Vec<u8>) -> Answer {
        self.ask("/api/device/v1/reconcile", wire::MEDIA_TYPE, body)
            .await
    }

    async fn bind_actor(&self, actor: ActorId) -> Result<(), TransportError> {
        let body = json!({"actor": actor.to_string()}).to_string().into_bytes();
        self.ask("/api/device/v1/actors", JSON, body)
            .await
            .map(drop)
    }

    async fn enrol(&self, request: &EnrolRequest) -> Result<EnrolResponse, TransportError> {
        let strange = |error: serde_json::Error| TransportError::Strange {
            detail: error.to_string(),
        };
        let body = serde_json::to_vec(request).map_err(strange)?;
        let answer = self.ask("/api/device/v1/enrol", JSON, body).await?;
        serde_json::from_slice(&answer).map_err(strange)
    }
}

/// What a transport makes of a response.
pub fn read(response: &Response<impl AsRef<[u8]>>) -> Answer {
    let (status, body) = (response.status(), response.body().as_ref());
    if status.is_success() {
        return Ok(body.to_vec());
    }
    let problem: Json = serde_json::from_slice(body).unwrap_or(Json::Null);
    let text = |key: &str| problem[key].as_str().map(str::to_owned);
    let slug = text("type").and_then(|kind| kind.rsplit('/').next().map(str::to_owned));
    Err(match (status, slug) {
        (StatusCode::CONFLICT, Some(slug)) if slug == "epoch-changed" => {
            match text("epoch").and_then(|epoch| epoch.parse().ok()) {
                Some(epoch) => TransportError::EpochChanged { epoch },
                None => TransportError::Strange {
                    detail: "no epoch".to_owned(),
                },
            }
        }
        (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, _) => {
            TransportError::Busy {
                retry_after_ms: None,
            }
        }
        (status, slug) => TransportError::Refused {
            status: status.as_u16(),
            slug: slug.unwrap_or_default(),
            detail: text("detail").unwrap_or_default(),
            detail_vi: text("detail_vi"),
        },
    })
}

/// A line that broke.
pub fn cut() -> TransportError {
    TransportError::Cut {
        detail: "the line broke".to_owned(),
    }
}

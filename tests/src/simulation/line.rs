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
    sync::{NextKey, Signed, Signer, Transport, TransportError},
};
use sokiem_record::{id::ActorId, wire};

/// A request as it lies in the network.
#[derive(Clone, Debug)]
pub struct Letter {
    method: &'static str,
    path: &'static str,
    media_type: &'static str,
    body: Vec<u8>,
    signed: Option<Signed>,
}

impl Letter {
    /// The request as the server's router takes it.
    pub fn request(&self) -> crate::Result<Request<Vec<u8>>> {
        let mut request = Request::builder()
            .method(self.method)
            .uri(self.path)
            .header(header::CONTENT_TYPE, self.media_type);
        for (name, value) in self.signed.iter().flat_map(Signed::fields) {
            request = request.header(name, value);
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
#[derive(Clone)]
pub struct Line {
    slot: Arc<Mutex<Slot>>,
    signer: Option<Signer>,
}

#[derive(Default)]
struct Slot {
    asked: Option<Letter>,
    answer: Option<Answer>,
}

impl Line {
    /// A line for a device that signs its letters, or for one that is not enrolled.
    pub fn new(signer: Option<Signer>) -> Self {
        Self {
            slot: Arc::default(),
            signer,
        }
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
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
        self.ask_by("POST", path, media_type, body).await
    }

    async fn put(&self, path: &'static str, body: Vec<u8>) -> Answer {
        self.ask_by("PUT", path, JSON, body).await
    }

    /// Asks, and once more for each thing that the answer teaches the signer.
    async fn ask_by(
        &self,
        method: &'static str,
        path: &'static str,
        media_type: &'static str,
        body: Vec<u8>,
    ) -> Answer {
        let mut lessons = 2;
        loop {
            let answer = self.ask_once(method, path, media_type, &body).await;
            match (&answer, &self.signer) {
                (Err(error), Some(signer)) if lessons > 0 && signer.learn(error) => lessons -= 1,
                _ => return answer,
            }
        }
    }

    async fn ask_once(
        &self,
        method: &'static str,
        path: &'static str,
        media_type: &'static str,
        body: &[u8],
    ) -> Answer {
        let signed =
            match &self.signer {
                Some(signer) => Some(signer.sign(method, path, None, Some(body)).map_err(
                    |error| TransportError::Strange {
                        detail: error.to_string(),
                    },
                )?),
                None => None,
            };
        {
            let mut slot = self.slot();
            slot.answer = None;
            slot.asked = Some(Letter {
                method,
                path,
                media_type,
                body: body.to_vec(),
                signed,
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

    async fn renew_key(&self, next: &NextKey) -> Answer {
        if let Some(signer) = &self.signer {
            signer.begin_renewal(&next.key);
        }
        let answer = self.put("/api/device/v1/key", next.body.clone()).await?;
        if let Some(signer) = &self.signer {
            signer.end_renewal(&next.key);
        }
        Ok(answer)
    }

    async fn confirm_wipe(&self) -> Result<(), TransportError> {
        let nothing = b"{}".to_vec();
        self.ask("/api/device/v1/wiped", JSON, nothing)
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
            server_time_ms: problem["server_time_ms"].as_i64(),
        },
    })
}

/// A line that broke.
pub fn cut() -> TransportError {
    TransportError::Cut {
        detail: "the line broke".to_owned(),
    }
}

//! The transport over HTTP for native applications, on tokio.

mod attachments;
mod pokes;
mod problem;

use std::{future::Future, time::Duration};

use reqwest::{
    Client, Method, Response, StatusCode,
    header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderName},
};
use sokiem_record::{id::ActorId, limits, wire};

use crate::{
    error::{Error, Result},
    platform::{SystemClock, SystemRandom, Timer},
    store::enrolment::{EnrolRequest, EnrolResponse},
    sync::{DeviceKey, NextKey, Signer, Transport, TransportError},
};

pub use pokes::poke_events;

/// Until a connection stands.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// Until an answer is complete: a full pull over a slow link.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(180);
/// Bodies below this many bytes are sent as they are; compressing them gains nothing.
const COMPRESS_FROM: usize = 256;
/// zstd's own default.
const COMPRESS_LEVEL: i32 = 3;
/// The most that a problem document or an enrolment's answer may have.
const MAX_SMALL_BODY: usize = 64 * 1024;

/// What a request carries, so that it can be sent more than once.
struct Content {
    headers: Vec<(HeaderName, &'static str)>,
    body: Option<Vec<u8>>,
    timeout: Option<Duration>,
    /// The bytes that are asked for.
    range: Option<String>,
}

/// Talks to one server.
#[derive(Clone)]
pub struct HttpTransport {
    client: Client,
    base: String,
    signer: Option<Signer>,
}

impl std::fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpTransport")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

impl HttpTransport {
    /// A transport to the server at `base` (`https://…`), with the key of an enrolled device, or without one in
    /// order to enrol. Requests are signed by the operating system's clock and randomness.
    ///
    /// # Errors
    /// [`Error::Transport`] when the address or the platform's TLS can't be used.
    pub fn new(base: &str, key: Option<DeviceKey>) -> Result<Self> {
        Self::with_signer(
            base,
            key.map(|key| Signer::new(key, SystemClock, SystemRandom)),
        )
    }

    /// The same, with a signer that has a clock and randomness of its own.
    ///
    /// # Errors
    /// As [`HttpTransport::new`].
    pub fn with_signer(base: &str, signer: Option<Signer>) -> Result<Self> {
        // A second installation of the provider fails, and means that there is one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let strange = |detail: String| Error::Transport(TransportError::Strange { detail });
        let address = reqwest::Url::parse(base).map_err(|error| strange(error.to_string()))?;
        if !matches!(address.scheme(), "http" | "https") {
            return Err(strange(format!("not an HTTP address: {base}")));
        }
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("sokiem/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| strange(describe(&error)))?;
        Ok(Self {
            client,
            base: base.trim_end_matches('/').to_owned(),
            signer,
        })
    }

    /// The server's address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Who signs this transport's requests; `None` before enrolment.
    pub fn signer(&self) -> Option<&Signer> {
        self.signer.as_ref()
    }

    /// Sends a request of this device, signed. What the server says about the signature is learnt from, and
    /// the request repeated once for each thing learnt.
    async fn send(
        &self,
        method: Method,
        path: &str,
        content: Content,
    ) -> Result<Response, TransportError> {
        let mut lessons = 2;
        loop {
            let mut request = self
                .client
                .request(method.clone(), format!("{}{path}", self.base));
            if let Some(timeout) = content.timeout {
                request = request.timeout(timeout);
            }
            for (name, value) in &content.headers {
                request = request.header(name, *value);
            }
            if let Some(range) = &content.range {
                request = request.header(reqwest::header::RANGE, range);
            }
            if let Some(signer) = &self.signer {
                let signed = signer
                    .sign(method.as_str(), path, None, content.body.as_deref())
                    .map_err(|error| TransportError::Strange {
                        detail: error.to_string(),
                    })?;
                for (name, value) in signed.fields() {
                    request = request.header(name, value);
                }
            }
            if let Some(body) = &content.body {
                request = request.body(body.clone());
            }
            let response = request.send().await.map_err(failed)?;
            if response.status() != StatusCode::UNAUTHORIZED {
                return Ok(response);
            }
            let error = problem::read(response).await;
            let learnt = self
                .signer
                .as_ref()
                .is_some_and(|signer| signer.learn(&error));
            if !learnt || lessons == 0 {
                return Err(error);
            }
            lessons -= 1;
        }
    }

    async fn post_cbor(&self, path: &str, body: Vec<u8>) -> Result<Vec<u8>, TransportError> {
        let mut headers = vec![(CONTENT_TYPE, wire::MEDIA_TYPE), (ACCEPT, wire::MEDIA_TYPE)];
        let body = match compress(&body) {
            Some(small) => {
                headers.push((CONTENT_ENCODING, "zstd"));
                small
            }
            None => body,
        };
        let content = Content {
            headers,
            body: Some(body),
            timeout: Some(ANSWER_TIMEOUT),
            range: None,
        };
        let response = self.send(Method::POST, path, content).await?;
        if response.status() != StatusCode::OK {
            return Err(problem::read(response).await);
        }
        read_body(response, limits::MAX_DECOMPRESSED_BYTES).await
    }

    async fn send_json(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, TransportError> {
        let content = Content {
            headers: vec![(CONTENT_TYPE, "application/json")],
            body: Some(body),
            timeout: Some(ANSWER_TIMEOUT),
            range: None,
        };
        let response = self.send(method, path, content).await?;
        if !response.status().is_success() {
            return Err(problem::read(response).await);
        }
        read_body(response, MAX_SMALL_BODY).await
    }

    async fn post_actor(&self, actor: ActorId) -> Result<(), TransportError> {
        let body = serde_json::json!({ "actor": actor.to_string() });
        let body = body.to_string().into_bytes();
        self.send_json(Method::POST, "/api/device/v1/actors", body)
            .await?;
        Ok(())
    }

    async fn put_key(&self, next: &NextKey) -> Result<Vec<u8>, TransportError> {
        if let Some(signer) = &self.signer {
            signer.begin_renewal(&next.key);
        }
        let answer = self
            .send_json(Method::PUT, "/api/device/v1/key", next.body.clone())
            .await?;
        if let Some(signer) = &self.signer {
            signer.end_renewal(&next.key);
        }
        Ok(answer)
    }

    async fn post_wiped(&self) -> Result<(), TransportError> {
        let nothing = b"{}".to_vec();
        self.send_json(Method::POST, "/api/device/v1/wiped", nothing)
            .await?;
        Ok(())
    }

    async fn post_enrol(&self, request: &EnrolRequest) -> Result<EnrolResponse, TransportError> {
        let response = self
            .client
            .post(format!("{}/api/device/v1/enrol", self.base))
            .timeout(ANSWER_TIMEOUT)
            .json(request)
            .send()
            .await
            .map_err(failed)?;
        if !response.status().is_success() {
            return Err(problem::read(response).await);
        }
        let body = read_body(response, MAX_SMALL_BODY).await?;
        serde_json::from_slice(&body).map_err(|error| TransportError::Strange {
            detail: error.to_string(),
        })
    }
}

impl Transport for HttpTransport {
    fn exchange(
        &self,
        body: Vec<u8>,
    ) -> impl Future<Output = Result<Vec<u8>, TransportError>> + Send {
        self.post_cbor("/api/device/v1/exchange", body)
    }

    fn reconcile(
        &self,
        body: Vec<u8>,
    ) -> impl Future<Output = Result<Vec<u8>, TransportError>> + Send {
        self.post_cbor("/api/device/v1/reconcile", body)
    }

    fn bind_actor(
        &self,
        actor: ActorId,
    ) -> impl Future<Output = Result<(), TransportError>> + Send {
        self.post_actor(actor)
    }

    fn renew_key(
        &self,
        next: &NextKey,
    ) -> impl Future<Output = Result<Vec<u8>, TransportError>> + Send {
        self.put_key(next)
    }

    fn confirm_wipe(&self) -> impl Future<Output = Result<(), TransportError>> + Send {
        self.post_wiped()
    }

    fn enrol(
        &self,
        request: &EnrolRequest,
    ) -> impl Future<Output = Result<EnrolResponse, TransportError>> + Send {
        self.post_enrol(request)
    }
}

/// The body as one zstd frame, where that is smaller.
fn compress(body: &[u8]) -> Option<Vec<u8>> {
    if body.len() < COMPRESS_FROM {
        return None;
    }
    zstd::encode_all(body, COMPRESS_LEVEL)
        .ok()
        .filter(|small| small.len() < body.len())
}

/// The body after decompression, and never more than `limit` of it.
async fn read_body(mut response: Response, limit: usize) -> Result<Vec<u8>, TransportError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > limit {
            return Err(TransportError::Strange {
                detail: format!("an answer of more than {limit} bytes"),
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn failed(error: reqwest::Error) -> TransportError {
    let detail = describe(&error);
    if error.is_timeout() && !error.is_connect() {
        TransportError::Timeout
    } else if error.is_connect() || error.is_dns() {
        TransportError::Offline { detail }
    } else {
        TransportError::Cut { detail }
    }
}

/// The error with what caused it; the address is left out.
fn describe(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut source: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = source {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// tokio's timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioTimer;

impl Timer for TokioTimer {
    fn sleep(&self, ms: u64) -> impl Future<Output = ()> + Send {
        tokio::time::sleep(Duration::from_millis(ms))
    }
}

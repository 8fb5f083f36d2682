//! What a device asks of the server and how it reads the answers, over any HTTP client: [`Fetch`] sends a
//! request and brings the answer, everything else is here. Native applications hand in `reqwest`
//! ([`crate::sync::http`]), a browser its own `fetch`.

mod attachments;
mod pokes;
mod problem;

use std::future::Future;

use sokiem_record::{id::ActorId, limits, wire};

use crate::{
    platform::{MaybeSend, MaybeSync},
    store::enrolment::{EnrolRequest, EnrolResponse},
    sync::{NextKey, Signer, Transport, TransportError},
};

pub use pokes::poke_events;

/// Until an answer is complete: a full pull over a slow link.
const ANSWER_TIMEOUT_MS: u32 = 180_000;
/// Bodies below this many bytes are sent as they are; compressing them gains nothing.
const COMPRESS_FROM: usize = 256;
/// The most that a problem document or an enrolment's answer may have.
const MAX_SMALL_BODY: usize = 64 * 1024;

/// One request, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: &'static str,
    /// The path on the server, which begins with `/`.
    pub path: String,
    /// Names in lower case, and values.
    pub headers: Vec<(&'static str, String)>,
    /// The body, as it goes over the wire.
    pub body: Option<Vec<u8>>,
    /// Until the answer is complete, in milliseconds; `None` for a stream.
    pub timeout_ms: Option<u32>,
    /// The most bytes that the body of the answer may have after decompression.
    pub most_bytes: usize,
}

impl Request {
    fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            headers: Vec::new(),
            body: None,
            timeout_ms: Some(ANSWER_TIMEOUT_MS),
            most_bytes: MAX_SMALL_BODY,
        }
    }

    fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn body(mut self, body: Vec<u8>) -> Self {
        self.body = Some(body);
        self
    }
}

/// What came back.
pub trait Answer: MaybeSend {
    /// HTTP status.
    fn status(&self) -> u16;

    /// A header field, by its name in lower case.
    fn header(&self, name: &str) -> Option<String>;

    /// The next bytes of the body, after decompression; `None` at its end.
    fn chunk(
        &mut self,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, TransportError>> + MaybeSend;
}

/// Sends requests to one server.
pub trait Fetch: MaybeSend + MaybeSync {
    /// What it brings.
    type Answer: Answer;

    /// Sends a request; completes when the head of the answer is there.
    fn fetch(
        &self,
        request: &Request,
    ) -> impl Future<Output = Result<Self::Answer, TransportError>> + MaybeSend;

    /// The body compressed, and the name of the encoding; `None` where that is not smaller or can't be done.
    fn compress(
        &self,
        body: &[u8],
    ) -> impl Future<Output = Option<(Vec<u8>, &'static str)>> + MaybeSend;
}

/// Talks to one server, for one device.
#[derive(Clone)]
pub struct Client<F> {
    fetch: F,
    signer: Option<Signer>,
}

impl<F: std::fmt::Debug> std::fmt::Debug for Client<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("fetch", &self.fetch)
            .finish_non_exhaustive()
    }
}

impl<F> Client<F> {
    /// A client whose requests are signed by this signer; without one it can only enrol.
    pub fn over(fetch: F, signer: Option<Signer>) -> Self {
        Self { fetch, signer }
    }

    /// What sends the requests.
    pub fn fetch(&self) -> &F {
        &self.fetch
    }

    /// Who signs them; `None` before enrolment.
    pub fn signer(&self) -> Option<&Signer> {
        self.signer.as_ref()
    }
}

/// The body of an answer, and never more than `limit` of it.
async fn read_body(answer: &mut impl Answer, limit: usize) -> Result<Vec<u8>, TransportError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > limit {
            return Err(strange(format!("an answer of more than {limit} bytes")));
        }
        if body.is_empty() {
            body = chunk;
        } else {
            body.extend_from_slice(&chunk);
        }
    }
    Ok(body)
}

fn strange(detail: impl Into<String>) -> TransportError {
    TransportError::Strange {
        detail: detail.into(),
    }
}

fn is_success(answer: &impl Answer) -> bool {
    (200..300).contains(&answer.status())
}

impl<F: Fetch> Client<F> {
    /// Sends a request of this device, signed. What the server says about the signature is learnt from, and
    /// the request repeated once for each thing learnt.
    async fn send(&self, request: Request) -> Result<F::Answer, TransportError> {
        let mut lessons = 2;
        loop {
            let mut signed = request.clone();
            if let Some(signer) = &self.signer {
                let signature = signer
                    .sign(request.method, &request.path, None, request.body.as_deref())
                    .map_err(|error| strange(error.to_string()))?;
                let fields = signature.fields();
                signed
                    .headers
                    .extend(fields.map(|(name, value)| (name, value.to_owned())));
            }
            let answer = self.fetch.fetch(&signed).await?;
            if answer.status() != 401 {
                return Ok(answer);
            }
            let error = problem::read(answer).await;
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

    async fn body_of(
        &self,
        mut answer: F::Answer,
        limit: usize,
    ) -> Result<Vec<u8>, TransportError> {
        if !is_success(&answer) {
            return Err(problem::read(answer).await);
        }
        read_body(&mut answer, limit).await
    }

    async fn post_cbor(&self, path: &str, body: Vec<u8>) -> Result<Vec<u8>, TransportError> {
        let mut request = Request::new("POST", path)
            .header("content-type", wire::MEDIA_TYPE)
            .header("accept", wire::MEDIA_TYPE);
        let small = match body.len() {
            0..COMPRESS_FROM => None,
            _ => self.fetch.compress(&body).await,
        };
        request = match small {
            Some((small, encoding)) => request.header("content-encoding", encoding).body(small),
            None => request.body(body),
        };
        request.most_bytes = limits::MAX_DECOMPRESSED_BYTES;
        let answer = self.send(request).await?;
        self.body_of(answer, limits::MAX_DECOMPRESSED_BYTES).await
    }

    async fn send_json(
        &self,
        method: &'static str,
        path: &str,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, TransportError> {
        let request = Request::new(method, path)
            .header("content-type", "application/json")
            .body(body);
        let answer = self.send(request).await?;
        self.body_of(answer, MAX_SMALL_BODY).await
    }

    async fn post_actor(&self, actor: ActorId) -> Result<(), TransportError> {
        let body = serde_json::json!({ "actor": actor.to_string() });
        let body = body.to_string().into_bytes();
        self.send_json("POST", "/api/device/v1/actors", body)
            .await?;
        Ok(())
    }

    async fn put_key(&self, next: &NextKey) -> Result<Vec<u8>, TransportError> {
        if let Some(signer) = &self.signer {
            signer.begin_renewal(&next.key);
        }
        let answer = self
            .send_json("PUT", "/api/device/v1/key", next.body.clone())
            .await?;
        if let Some(signer) = &self.signer {
            signer.end_renewal(&next.key);
        }
        Ok(answer)
    }

    async fn post_wiped(&self) -> Result<(), TransportError> {
        let nothing = b"{}".to_vec();
        self.send_json("POST", "/api/device/v1/wiped", nothing)
            .await?;
        Ok(())
    }

    async fn post_enrol(&self, request: &EnrolRequest) -> Result<EnrolResponse, TransportError> {
        let body = serde_json::to_vec(request).map_err(|error| strange(error.to_string()))?;
        let request = Request::new("POST", "/api/device/v1/enrol")
            .header("content-type", "application/json")
            .body(body);
        let answer = self.fetch.fetch(&request).await?;
        let body = self.body_of(answer, MAX_SMALL_BODY).await?;
        serde_json::from_slice(&body).map_err(|error| strange(error.to_string()))
    }
}

impl<F: Fetch> Transport for Client<F> {
    fn exchange(
        &self,
        body: Vec<u8>,
    ) -> impl Future<Output = Result<Vec<u8>, TransportError>> + MaybeSend {
        self.post_cbor("/api/device/v1/exchange", body)
    }

    fn reconcile(
        &self,
        body: Vec<u8>,
    ) -> impl Future<Output = Result<Vec<u8>, TransportError>> + MaybeSend {
        self.post_cbor("/api/device/v1/reconcile", body)
    }

    fn bind_actor(
        &self,
        actor: ActorId,
    ) -> impl Future<Output = Result<(), TransportError>> + MaybeSend {
        self.post_actor(actor)
    }

    fn renew_key(
        &self,
        next: &NextKey,
    ) -> impl Future<Output = Result<Vec<u8>, TransportError>> + MaybeSend {
        self.put_key(next)
    }

    fn confirm_wipe(&self) -> impl Future<Output = Result<(), TransportError>> + MaybeSend {
        self.post_wiped()
    }

    fn enrol(
        &self,
        request: &EnrolRequest,
    ) -> impl Future<Output = Result<EnrolResponse, TransportError>> + MaybeSend {
        self.post_enrol(request)
    }
}

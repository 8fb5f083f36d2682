//! HTTP for native applications: [`reqwest`] on tokio.

use std::{future::Future, time::Duration};

use reqwest::{Client as Sender, Method, Response};

use super::client::{Answer, Client, Fetch, Request};
use crate::{
    error::{Error, Result},
    platform::{SystemClock, SystemRandom, Timer},
    sync::{DeviceKey, Signer, TransportError},
};

pub use super::client::poke_events;

/// Until a connection stands.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// zstd's own default.
const COMPRESS_LEVEL: i32 = 3;

/// Talks to one server over `reqwest`.
pub type HttpTransport = Client<Http>;

/// Sends requests to one address.
#[derive(Clone, Debug)]
pub struct Http {
    sender: Sender,
    base: String,
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
        let sender = Sender::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("sokiem/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| strange(describe(&error)))?;
        let base = base.trim_end_matches('/').to_owned();
        Ok(Self::over(Http { sender, base }, signer))
    }

    /// The server's address.
    pub fn base(&self) -> &str {
        &self.fetch().base
    }
}

impl Http {
    async fn send(&self, request: &Request) -> Result<Received, TransportError> {
        let method = Method::from_bytes(request.method.as_bytes()).map_err(|error| {
            TransportError::Strange {
                detail: error.to_string(),
            }
        })?;
        let mut sent = self
            .sender
            .request(method, format!("{}{}", self.base, request.path));
        if let Some(timeout_ms) = request.timeout_ms {
            sent = sent.timeout(Duration::from_millis(timeout_ms.into()));
        }
        for (name, value) in &request.headers {
            sent = sent.header(*name, value);
        }
        if let Some(body) = &request.body {
            sent = sent.body(body.clone());
        }
        Ok(Received(sent.send().await.map_err(failed)?))
    }
}

impl Fetch for Http {
    type Answer = Received;

    fn fetch(
        &self,
        request: &Request,
    ) -> impl Future<Output = Result<Received, TransportError>> + Send {
        self.send(request)
    }

    async fn compress(&self, body: &[u8]) -> Option<(Vec<u8>, &'static str)> {
        let small = zstd::encode_all(body, COMPRESS_LEVEL).ok()?;
        (small.len() < body.len()).then_some((small, "zstd"))
    }
}

/// An answer whose head is there.
#[derive(Debug)]
pub struct Received(Response);

impl Answer for Received {
    fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    fn header(&self, name: &str) -> Option<String> {
        let value = self.0.headers().get(name)?.to_str().ok()?;
        Some(value.to_owned())
    }

    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, TransportError> {
        let chunk = self.0.chunk().await.map_err(failed)?;
        Ok(chunk.map(Vec::from))
    }
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

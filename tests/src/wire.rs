//! A transport that counts, and one that breaks: both around a real one.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use sokiem_client_core::{
    EnrolRequest, EnrolResponse,
    sync::{NextKey, Transport, TransportError, http::HttpTransport},
};
use sokiem_record::id::ActorId;

/// Counts exchanges and the bytes of their bodies before compression, both ways.
#[derive(Clone, Debug)]
pub struct Counting {
    inner: HttpTransport,
    exchanges: Arc<AtomicU64>,
    bytes: Arc<AtomicU64>,
}

impl Counting {
    /// Counts what goes over this transport.
    pub fn new(inner: HttpTransport) -> Self {
        Self {
            inner,
            exchanges: Arc::default(),
            bytes: Arc::default(),
        }
    }

    /// Exchanges and bytes since the last call.
    pub fn take(&self) -> (u64, u64) {
        (
            self.exchanges.swap(0, Ordering::SeqCst),
            self.bytes.swap(0, Ordering::SeqCst),
        )
    }
}

impl Transport for Counting {
    async fn exchange(&self, body: Vec<u8>) -> Result<Vec<u8>, TransportError> {
        self.exchanges.fetch_add(1, Ordering::SeqCst);
        self.bytes.fetch_add(body.len() as u64, Ordering::SeqCst);
        let answer = self.inner.exchange(body).await?;
        self.bytes.fetch_add(answer.len() as u64, Ordering::SeqCst);
        Ok(answer)
    }

    async fn reconcile(&self, body: Vec<u8>) -> Result<Vec<u8>, TransportError> {
        self.inner.reconcile(body).await
    }

    async fn bind_actor(&self, actor: ActorId) -> Result<(), TransportError> {
        self.inner.bind_actor(actor).await
    }

    async fn renew_key(&self, next: &NextKey) -> Result<Vec<u8>, TransportError> {
        self.inner.renew_key(next).await
    }

    async fn confirm_wipe(&self) -> Result<(), TransportError> {
        self.inner.confirm_wipe().await
    }

    async fn enrol(&self, request: &EnrolRequest) -> Result<EnrolResponse, TransportError> {
        self.inner.enrol(request).await
    }
}

/// What a bad line does to one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// The request never arrives.
    RequestLost,
    /// The server does the work and its answer is lost.
    AnswerLost,
    /// The request arrives twice; the second answer counts.
    Twice,
    /// The answer arrives cut off.
    AnswerCut,
}

/// A line that does what a script says, exchange by exchange, and works when the script is over.
#[derive(Clone, Debug)]
pub struct Faulty {
    inner: HttpTransport,
    script: Arc<Mutex<Vec<Fault>>>,
}

impl Faulty {
    /// A line with this script, the first fault first.
    pub fn new(inner: HttpTransport, mut script: Vec<Fault>) -> Self {
        script.reverse();
        Self {
            inner,
            script: Arc::new(Mutex::new(script)),
        }
    }
}

fn cut() -> TransportError {
    TransportError::Cut {
        detail: "the line broke".to_owned(),
    }
}

impl Transport for Faulty {
    async fn exchange(&self, body: Vec<u8>) -> Result<Vec<u8>, TransportError> {
        let fault = self
            .script
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        match fault.unwrap_or(Fault::None) {
            Fault::None => self.inner.exchange(body).await,
            Fault::RequestLost => Err(cut()),
            Fault::AnswerLost => {
                self.inner.exchange(body).await?;
                Err(cut())
            }
            Fault::Twice => {
                self.inner.exchange(body.clone()).await?;
                self.inner.exchange(body).await
            }
            Fault::AnswerCut => {
                let mut answer = self.inner.exchange(body).await?;
                answer.truncate(answer.len() / 2);
                Ok(answer)
            }
        }
    }

    async fn reconcile(&self, body: Vec<u8>) -> Result<Vec<u8>, TransportError> {
        self.inner.reconcile(body).await
    }

    async fn bind_actor(&self, actor: ActorId) -> Result<(), TransportError> {
        self.inner.bind_actor(actor).await
    }

    async fn renew_key(&self, next: &NextKey) -> Result<Vec<u8>, TransportError> {
        self.inner.renew_key(next).await
    }

    async fn confirm_wipe(&self) -> Result<(), TransportError> {
        self.inner.confirm_wipe().await
    }

    async fn enrol(&self, request: &EnrolRequest) -> Result<EnrolResponse, TransportError> {
        self.inner.enrol(request).await
    }
}

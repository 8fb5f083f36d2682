//! Signs this device's requests, for any transport.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicI64, Ordering},
};

use sokiem_record::{
    id::DeviceId,
    proof::{self, Covered, Stamp},
    signing::SigningKey,
};

use crate::{
    error::Result,
    platform::{Clock, Random},
    sync::TransportError,
};

/// An enrolled device's key, and the next one while it is being renewed.
#[derive(Clone, Debug)]
pub struct DeviceKey {
    /// The device's id at the server.
    pub device: DeviceId,
    /// The key that it shows itself with.
    pub key: SigningKey,
    /// The key that the server may know already, because the answer to a renewal was lost.
    pub next: Option<SigningKey>,
}

impl PartialEq for DeviceKey {
    fn eq(&self, other: &Self) -> bool {
        let public = |key: &Option<SigningKey>| key.as_ref().map(SigningKey::public_key);
        self.device == other.device
            && self.key.public_key() == other.key.public_key()
            && public(&self.next) == public(&other.next)
    }
}

impl Eq for DeviceKey {}

/// Signs requests with a device's key. Clones share what they learn of the server's clock.
#[derive(Clone)]
pub struct Signer(Arc<Shared>);

struct Shared {
    key: Mutex<DeviceKey>,
    /// How far the server's clock is ahead of this device's, as last heard.
    ahead_ms: AtomicI64,
    clock: Box<dyn Clock>,
    random: Box<dyn Random>,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").finish_non_exhaustive()
    }
}

/// The header fields of one signed request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// `content-digest`; a request without a body has none.
    pub content_digest: Option<String>,
    /// `signature-input`.
    pub signature_input: String,
    /// `signature`.
    pub signature: String,
}

impl Signed {
    /// Names and values.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let digest = self.content_digest.as_deref();
        digest
            .map(|digest| (proof::CONTENT_DIGEST, digest))
            .into_iter()
            .chain([
                (proof::SIGNATURE_INPUT, self.signature_input.as_str()),
                (proof::SIGNATURE, self.signature.as_str()),
            ])
    }
}

impl Signer {
    /// A signer with this key. The clock may be years off: the server says so, and the signer learns.
    pub fn new(key: DeviceKey, clock: impl Clock + 'static, random: impl Random + 'static) -> Self {
        Self(Arc::new(Shared {
            key: Mutex::new(key),
            ahead_ms: AtomicI64::new(0),
            clock: Box::new(clock),
            random: Box::new(random),
        }))
    }

    /// Signs a request, each time anew: a signature is good for one sending. `path` is the API's own, without what a
    /// proxy puts before it; `body` is what is sent, after compression.
    ///
    /// # Errors
    /// [`crate::Error::Random`] when the platform has no randomness.
    pub fn sign(
        &self,
        method: &str,
        path: &str,
        query: Option<&str>,
        body: Option<&[u8]>,
    ) -> Result<Signed> {
        let mut nonce = [0; 16];
        self.0.random.fill(&mut nonce)?;
        let ahead_ms = self.0.ahead_ms.load(Ordering::Relaxed);
        let server_ms = self.0.clock.now_ms().saturating_add(ahead_ms);
        let content_digest = body.map(proof::content_digest);
        let covered = Covered {
            method,
            path,
            query,
            digest: content_digest.as_deref(),
        };
        let key = self.key();
        let stamp = Stamp {
            created_s: server_ms.div_euclid(1_000),
            nonce,
            device: key.device,
        };
        let (signature_input, signature) = proof::sign(&covered, &stamp, &key.key);
        Ok(Signed {
            content_digest,
            signature_input,
            signature,
        })
    }

    /// Learns from a refusal. Whether the same request should be sent once more, signed anew.
    pub fn learn(&self, refusal: &TransportError) -> bool {
        match (refusal.code(), refusal.server_time_ms()) {
            ("signature-stale", Some(server_ms)) => {
                let ahead_ms = server_ms.saturating_sub(self.0.clock.now_ms());
                self.0.ahead_ms.store(ahead_ms, Ordering::Relaxed);
                true
            }
            ("signature-replayed", _) => true,
            ("signature-invalid", _) => {
                let mut key = self.lock();
                let Some(next) = key.next.take() else {
                    return false;
                };
                let before = std::mem::replace(&mut key.key, next);
                key.next = Some(before);
                true
            }
            _ => false,
        }
    }

    /// The server is about to hear of this key: from now on it may know either.
    pub fn begin_renewal(&self, next: &SigningKey) {
        let mut key = self.lock();
        // Asking again, the signer may sign with the new key already.
        if key.key.public_key() != next.public_key() {
            key.next = Some(next.clone());
        }
    }

    /// The server has answered: it knows this key and no other.
    pub fn end_renewal(&self, next: &SigningKey) {
        let mut key = self.lock();
        key.key = next.clone();
        key.next = None;
    }

    fn lock(&self) -> MutexGuard<'_, DeviceKey> {
        self.0.key.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key as it stands.
    pub fn key(&self) -> DeviceKey {
        self.lock().clone()
    }
}

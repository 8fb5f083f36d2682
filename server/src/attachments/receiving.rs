//! Bytes from a request to the file of their upload. What the server says that it has is on disk: bytes are
//! written and synced piece by piece, and after each piece the row says so.
//!
//! A connection that breaks leaves what came before, also where a checksum was announced for the whole
//! request: the hash of the whole attachment is checked at the end in any case. A request that arrives
//! whole and does not agree with its checksum is taken back.

use std::{sync::Arc, time::Duration};

use axum::body::{Body, Bytes};
use tokio::time::{Instant, timeout};
use tokio_stream::StreamExt as _;
use uuid::Uuid;

use super::{
    completion, objects, quota,
    row::{self, Upload},
    turns::Held,
    tus::Checksum,
};
use crate::{
    app::App,
    error::Error,
    http::problem::{Cause, Problem},
    platform,
};

/// After so many bytes they are synced, and the offset moves.
const SYNC_BYTES: usize = 128 * 1024;
/// How long bytes that are on their way already are read on for after somebody else has asked for the upload,
/// and how long each may take.
const LEAVING: Duration = Duration::from_secs(2);
const LEAVING_GAP: Duration = Duration::from_millis(150);

/// How the body of a request ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// As its sender meant it to.
    Whole,
    /// The connection broke, or was silent for too long.
    Cut,
    /// Somebody else came for the upload.
    TakenOver,
    /// More bytes than the upload has.
    TooLong,
}

/// Takes in what a request brings; the upload as it stands then. Goes on when the request is dropped.
pub(super) async fn receive(
    app: &Arc<App>,
    turn: Held,
    upload: Upload,
    checksum: Option<Checksum>,
    body: Body,
) -> Result<Upload, Problem> {
    let app = Arc::clone(app);
    let work = tokio::spawn(async move {
        let mut receiving = Receiving {
            app: &app,
            turn,
            start: upload.offset,
            upload,
            checksum,
            waiting: Vec::new(),
        };
        receiving.run(body).await?;
        let upload = receiving.upload;
        if upload.offset < upload.length {
            return Ok(upload);
        }
        completion::finish(&app, upload).await
    });
    work.await.map_err(|_| Error::Panicked)?
}

struct Receiving<'a> {
    app: &'a App,
    turn: Held,
    start: u64,
    upload: Upload,
    checksum: Option<Checksum>,
    /// Bytes that are not on disk yet.
    waiting: Vec<u8>,
}

impl Receiving<'_> {
    async fn run(&mut self, body: Body) -> Result<(), Problem> {
        let end = self.read(body).await?;
        self.flush().await?;
        match end {
            End::Whole => {}
            // Nobody reads this answer most of the time.
            End::Cut => {
                return Err(Problem::new(Cause::MalformedBody).detail("The body was cut off"));
            }
            End::TakenOver => return Err(Problem::new(Cause::UploadTakenOver)),
            End::TooLong => {
                self.take_back().await?;
                return Err(Problem::new(Cause::AttachmentTooLarge)
                    .detail("More bytes than Upload-Length says"));
            }
        }
        if self
            .checksum
            .take()
            .is_some_and(|checksum| !checksum.agrees())
        {
            self.take_back().await?;
            return Err(Problem::new(Cause::ChecksumMismatch));
        }
        Ok(())
    }

    async fn read(&mut self, body: Body) -> Result<End, Problem> {
        let mut body = body.into_data_stream();
        let idle = Duration::from_secs(self.app.config.limits.upload_idle_s);
        let mut leave_at: Option<Instant> = None;
        loop {
            let patience = if leave_at.is_some() {
                LEAVING_GAP
            } else {
                idle
            };
            let next = tokio::select! {
                next = timeout(patience, body.next()) => next,
                () = self.turn.wanted(), if leave_at.is_none() => {
                    leave_at = Some(Instant::now() + LEAVING);
                    continue;
                }
            };
            match next {
                Ok(Some(Ok(bytes))) if !self.fits(&bytes) => return Ok(End::TooLong),
                Ok(Some(Ok(bytes))) => self.take(&bytes).await?,
                Ok(None) => return Ok(End::Whole),
                Ok(Some(Err(_))) => return Ok(End::Cut),
                Err(_) if leave_at.is_some() => return Ok(End::TakenOver),
                Err(_) => return Ok(End::Cut),
            }
            if leave_at.is_some_and(|at| Instant::now() >= at) {
                return Ok(End::TakenOver);
            }
        }
    }

    fn fits(&self, bytes: &Bytes) -> bool {
        let more = (self.waiting.len() + bytes.len()) as u64;
        more <= self.upload.length.saturating_sub(self.upload.offset)
    }

    async fn take(&mut self, bytes: &Bytes) -> Result<(), Error> {
        if let Some(checksum) = &mut self.checksum {
            checksum.update(bytes);
        }
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= SYNC_BYTES {
            self.flush().await?;
        }
        Ok(())
    }

    /// Puts on disk what is waiting, then moves the offset.
    async fn flush(&mut self) -> Result<(), Error> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.waiting);
        let count = bytes.len() as u64;
        let (file, offset) = (
            self.app.attachments.objects.file(self.upload.id),
            self.upload.offset,
        );
        apart(move || objects::write_at(&file, offset, &bytes)).await?;
        let (id, device, after) = (self.upload.id, self.upload.device, offset + count);
        let lifetime_s = self.app.config.lifetimes.upload_s;
        self.upload.expires_ms = self
            .app
            .store
            .write(move |writing| {
                let expires_ms = platform::after_s(writing.now_ms, lifetime_s);
                row::set_offset(writing, id, after, expires_ms)?;
                quota::count(writing, device, count)?;
                Ok::<_, Error>(expires_ms)
            })
            .await?;
        self.upload.offset = after;
        Ok(())
    }

    /// As if this request had not been.
    async fn take_back(&mut self) -> Result<(), Error> {
        let (id, start, expires_ms) = (self.upload.id, self.start, self.upload.expires_ms);
        self.app
            .store
            .write(move |writing| row::set_offset(writing, id, start, expires_ms))
            .await?;
        self.upload.offset = start;
        Ok(())
    }
}

/// Work on files, away from the threads that serve requests.
pub(super) async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Error::Panicked)?
        .map_err(Error::UploadFile)
}

/// Removes the file of an upload.
pub(super) async fn remove_file(app: &App, upload: Uuid) -> Result<(), Error> {
    let file = app.attachments.objects.file(upload);
    apart(move || objects::remove(&file)).await
}

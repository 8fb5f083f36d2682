//! Drives upload runs over a transport: once, or in the background.

use std::pin::pin;

use futures_util::future::select;

use super::{AttachmentTransport, UploadReport, UploadRun, UploadStep};
use crate::{
    book::Book,
    error::{Error, Result},
    platform::Timer,
    store::attachments,
    sync::TransportError,
};

/// Sends what can be sent now, thumbnails first. A broken line is resumed at once where the server has got
/// further since; otherwise the run ends and the next one goes on there. Dropping the future loses nothing.
///
/// # Errors
/// [`Error::Transport`] when the way to the server failed; what was stored before stays so.
pub async fn upload_once<T: AttachmentTransport>(
    book: &Book,
    transport: &T,
) -> Result<UploadReport> {
    let mut run = UploadRun::new();
    loop {
        let answer = match run.next(book)? {
            UploadStep::Token => {
                let token = transport.upload_token().await?;
                run.token(token);
                continue;
            }
            UploadStep::Begin(token, new) => transport.begin_upload(&token, new).await,
            UploadStep::Ask(token, place) => transport.ask_upload(&token, &place).await,
            UploadStep::Send(token, place, offset, bytes) => {
                transport.send_bytes(&token, &place, offset, bytes).await
            }
            UploadStep::Done(report) => return Ok(report),
        };
        match answer {
            Ok(standing) => run.stands(book, &standing)?,
            Err(error) => run.failed(book, error)?,
        }
    }
}

/// First and longest wait after a run that failed.
const WAIT_MS: (u64, u64) = (5_000, 10 * 60_000);

/// Sends attachments in the background, for ever, beside the synchronisation of records ([`crate::sync::run`]):
/// whenever something in the book has changed and something is to be sent. After failures it waits, longer
/// and longer, or until a synchronisation has got through.
///
/// # Errors
/// Only what makes going on senseless: a book that can't be read.
pub async fn run<T: AttachmentTransport, K: Timer>(
    book: Book,
    transport: T,
    timer: K,
) -> Result<()> {
    let mut listener = book.listen();
    let mut wait_ms = WAIT_MS.0;
    loop {
        if book.read(attachments::to_send)?.is_empty() {
            listener.changed().await;
            continue;
        }
        match upload_once(&book, &transport).await {
            // What was postponed is tried again when something has changed, for instance a record has arrived.
            Ok(report) if report.postponed == 0 => wait_ms = WAIT_MS.0,
            Ok(_) => {
                let pause = pin!(timer.sleep(WAIT_MS.1));
                let change = pin!(another(&book, &mut listener));
                select(pause, change).await;
            }
            Err(error) if error.is_damage() => return Err(error),
            Err(Error::Transport(TransportError::Busy {
                retry_after_ms: Some(asked),
            })) => timer.sleep(asked.max(wait_ms)).await,
            Err(_) => {
                // Where records get through again, photos will too.
                let pause = pin!(timer.sleep(wait_ms));
                let change = pin!(another(&book, &mut listener));
                select(pause, change).await;
                wait_ms = (wait_ms * 2).min(WAIT_MS.1);
            }
        }
    }
}

/// Waits until a synchronisation has proved that both sides hold the same, later than the last one did.
async fn another(book: &Book, listener: &mut crate::status::StatusListener) {
    let verified = || {
        book.status()
            .ok()
            .and_then(|status| status.last_verified_ms)
    };
    let before = verified();
    while verified() == before {
        listener.changed().await;
    }
}

//! The end of an upload: the whole is looked at, stored and linked, or refused.
//!
//! The order is what makes a crash harmless: the object is on disk before a row says so; the row and the end
//! of the upload are one transaction; the upload's file goes last. Whatever is left in between, the next start,
//! or the next question, finishes.

use sokiem_record::{
    attachment::{ContentHash, Rendition},
    media::{self, Media, MediaType, NotAllowed},
};

use rusqlite::params;

use super::{
    objects,
    receiving::{apart, remove_file},
    row::{self, State, Upload},
    scope,
};
use crate::{
    app::App,
    error::Error,
    http::problem::{Cause, Problem},
};

/// Why a whole upload is not taken.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    pub(super) cause: Cause,
    pub(super) detail: String,
}

/// Finishes an upload whose bytes are all there; the caller holds its turn.
pub(super) async fn finish(app: &App, upload: Upload) -> Result<Upload, Problem> {
    Ok(finish_or_refuse(app, upload).await??)
}

/// As [`finish`], with the refusal as a result.
pub(super) async fn finish_or_refuse(
    app: &App,
    mut upload: Upload,
) -> Result<Result<Upload, Refused>, Error> {
    let _one = app
        .attachments
        .finishing
        .acquire()
        .await
        .map_err(|_| Error::Closed)?;
    let (file, length) = (app.attachments.objects.file(upload.id), upload.length);
    let bytes = apart(move || objects::read(&file, length)).await?;
    let expected = upload.clone();
    let (bytes, judged) = tokio::task::spawn_blocking(move || {
        let judged = judge(&expected, &bytes);
        (bytes, judged)
    })
    .await
    .map_err(|_| Error::Panicked)?;
    match judged {
        Ok(media) => {
            keep(app, &upload, media, bytes).await?;
            upload.state = State::Done;
        }
        Err(refused) => {
            tracing::info!(upload = %upload.id, cause = refused.cause.slug(), "an upload was refused");
            let (id, cause) = (upload.id, refused.cause);
            app.store
                .write(move |writing| row::set_state(writing, id, State::Refused(cause)))
                .await?;
            remove_file(app, upload.id).await?;
            return Ok(Err(refused));
        }
    }
    remove_file(app, upload.id).await?;
    Ok(Ok(upload))
}

/// Whether the bytes are what was announced, and may be attached.
fn judge(upload: &Upload, bytes: &[u8]) -> Result<Media, Refused> {
    let refused = |cause, detail: String| Refused { cause, detail };
    if ContentHash::of(bytes) != upload.hash {
        let detail = "The bytes do not have the hash that was announced";
        return Err(refused(Cause::WrongContentHash, detail.to_owned()));
    }
    let media = media::inspect(bytes).map_err(|error| {
        let cause = match error {
            NotAllowed::Pixels(..) => Cause::PictureTooLarge,
            _ => Cause::TypeNotAllowed,
        };
        refused(cause, error.to_string())
    })?;
    if upload
        .media_type
        .is_some_and(|said| said != media.media_type)
    {
        let detail = format!(
            "The content is {}, not what was announced",
            media.media_type.name()
        );
        return Err(refused(Cause::TypeNotAllowed, detail));
    }
    if upload.rendition == Rendition::Thumbnail && media.media_type == MediaType::Pdf {
        return Err(refused(
            Cause::TypeNotAllowed,
            "A thumbnail is a picture".to_owned(),
        ));
    }
    Ok(media)
}

async fn keep(app: &App, upload: &Upload, media: Media, bytes: Vec<u8>) -> Result<(), Error> {
    let hash = upload.hash;
    let here = app.store.read(move |sql| scope::find(sql, hash)).await?;
    if here.is_none() {
        app.attachments.objects.put(hash, bytes).await?;
    }
    let upload = upload.clone();
    app.store
        .write(move |writing| {
            writing.sql.execute(
                "INSERT INTO attachments (hash, media_type, bytes, width, height, received_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (hash) DO NOTHING",
                params![
                    hash.0.as_slice(),
                    media.media_type.name(),
                    upload.length,
                    media.size.map(|(width, _)| width),
                    media.size.map(|(_, height)| height),
                    writing.now_ms,
                ],
            )?;
            writing.sql.execute(
                "DELETE FROM attachment_removals WHERE hash = ?1",
                [hash.0.as_slice()],
            )?;
            scope::link(
                writing,
                upload.document,
                hash,
                upload.rendition,
                upload.device,
            )?;
            row::set_state(writing, upload.id, State::Done)
        })
        .await
}

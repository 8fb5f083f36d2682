//! Commands about the server: enrolment, synchronisation, status.

use serde::Serialize;
use sokiem_client_core::{
    Book, Error,
    attachments::{self, UploadReport},
    keys::{BookKey, KeyStore},
    platform::SystemRandom,
    schedule::Pace,
    status::Status,
    sync::{
        self, SyncReport,
        http::{HttpTransport, TokioTimer, poke_events},
    },
};

use crate::{
    arguments::Language,
    failure::Failure,
    output::{Output, time},
    session::{block_on, server},
};

pub(super) fn enrol(
    book: &Book,
    output: &Output,
    address: &str,
    code: &str,
    name: &str,
) -> Result<(), Failure> {
    let transport = HttpTransport::new(address, None)?;
    block_on(sync::enrol(
        book,
        &transport,
        address,
        code,
        name,
        env!("CARGO_PKG_VERSION"),
    ))??;
    let enrolment = book.enrolment()?.ok_or(Error::NotEnrolled)?;
    output.result(&enrolment, |language| {
        vec![format!(
            "{} {} – {}",
            language.say("đã ghi danh cho", "enrolled for"),
            enrolment.account_name,
            enrolment.server_name
        )]
    })
}

pub(super) fn sync(book: &Book, keys: &dyn KeyStore, output: &Output) -> Result<(), Failure> {
    let (_, transport) = server(book)?;
    let report = block_on(sync::sync_once(book, &transport))??;
    if report.erased {
        forget_old_key(book, keys)?;
    }
    // Photos come after the records and fail by themselves: what is not sent goes with the next one.
    let photos = if report.erased {
        Ok(UploadReport::default())
    } else {
        block_on(attachments::upload_once(book, &transport))?
    };
    book.free_attachments(KEPT_DAYS)?;
    let left = book.status()?.attachments;
    let said = Synced {
        report: &report,
        photos_sent: photos.as_ref().map_or(0, |photos| photos.stored),
        photos_waiting: left.waiting,
        photos_refused: left.refused,
        photos_failure: photos.as_ref().err().map(ToString::to_string),
    };
    output.result(&said, |language| {
        let mut lines = vec![format!(
            "{}: {}  ·  {}: {}",
            language.say("đã gửi", "sent"),
            report.acknowledged,
            language.say("hồ sơ có tin mới", "records with news"),
            report.documents
        )];
        if report.refused > 0 {
            lines.push(format!(
                "{}: {} (sokiem refused)",
                language.say("bị từ chối", "refused"),
                report.refused
            ));
        }
        if report.erased {
            lines.push(
                language
                    .say(
                        "theo yêu cầu của người quản trị, mọi dữ liệu trên máy này đã bị xoá (sokiem status)",
                        "an administrator asked for it: everything on this device was erased (sokiem status)",
                    )
                    .to_owned(),
            );
            return lines;
        }
        lines.extend(photo_lines(&said, language));
        lines.push(if report.verified {
            language
                .say("đã đồng bộ và đối chiếu xong", "synced and verified")
                .to_owned()
        } else {
            language
                .say(
                    "chưa đối chiếu xong, hãy đồng bộ lại",
                    "not verified yet, sync again",
                )
                .to_owned()
        });
        lines
    })
}

/// What may be left of an erased book on the disk can't be read without its old key.
fn forget_old_key(book: &Book, keys: &dyn KeyStore) -> Result<(), Failure> {
    book.rekey(keys, &BookKey::draw(&SystemRandom)?)?;
    Ok(())
}

/// Photos stay on the device for so long after they were sent: a server that is restored may ask for them again.
const KEPT_DAYS: u32 = 30;

/// What a synchronisation came to, photos included.
#[derive(Serialize)]
struct Synced<'a> {
    #[serde(flatten)]
    report: &'a SyncReport,
    photos_sent: u64,
    photos_waiting: u64,
    photos_refused: u64,
    photos_failure: Option<String>,
}

fn photo_lines(said: &Synced<'_>, language: Language) -> Vec<String> {
    let counts = [
        (said.photos_sent, "ảnh đã gửi", "photos sent"),
        (said.photos_waiting, "ảnh chờ gửi", "photos waiting"),
        (
            said.photos_refused,
            "ảnh bị từ chối (sokiem photo list)",
            "photos refused (sokiem photo list)",
        ),
    ];
    counts
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, vi, en)| format!("{}: {count}", language.say(vi, en)))
        .collect()
}

pub(super) fn watch(book: Book, keys: &dyn KeyStore, output: &Output) -> Result<(), Failure> {
    let (_, transport) = server(&book)?;
    let mut listener = book.listen();
    let mut erased = book.status()?.erased.is_some();
    let shown = book.clone();
    block_on(async move {
        let pokes = poke_events(transport.clone(), TokioTimer);
        let photos = attachments::run(book.clone(), transport.clone(), TokioTimer);
        let background = sync::run(book, transport, TokioTimer, Pace::default(), pokes);
        let show = async {
            loop {
                let status = shown.status()?;
                if status.erased.is_some() && !std::mem::replace(&mut erased, true) {
                    forget_old_key(&shown, keys)?;
                }
                output.result(&status, |language| {
                    vec![lines(&status, language).join("  ·  ")]
                })?;
                listener.changed().await;
            }
        };
        tokio::select! {
            ended = background => ended.map_err(Failure::from),
            ended = photos => ended.map_err(Failure::from),
            ended = show => ended,
            _ = tokio::signal::ctrl_c() => Ok(()),
        }
    })?
}

pub(super) fn status(book: &Book, output: &Output) -> Result<(), Failure> {
    let status = book.status()?;
    output.result(&status, |language| lines(&status, language))
}

fn lines(status: &Status, language: Language) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(erased) = &status.erased {
        lines.push(format!(
            "{} {}  ·  {}: {}  ·  {}: {}",
            language.say(
                "dữ liệu trên máy này đã bị xoá theo yêu cầu, lúc",
                "everything on this device was erased on request, at"
            ),
            time(erased.at_ms),
            language.say("chưa gửi được và đã mất", "could not be sent and are gone"),
            erased.unsent,
            language.say(
                "bị từ chối, máy chủ còn lưu giữ",
                "refused, kept in the server's quarantine"
            ),
            erased.refused
        ));
    }
    if !status.enrolled {
        lines.push(
            language
                .say("máy này chưa ghi danh", "this device is not enrolled")
                .to_owned(),
        );
    }
    if status.pending > 0 {
        let since = status.pending_since_ms.map(time).unwrap_or_default();
        lines.push(format!(
            "{} {} {since}",
            status.pending,
            language.say("thay đổi chờ gửi, từ", "changes pending, since")
        ));
    }
    match status.last_verified_ms {
        Some(at) if status.pending == 0 => lines.push(format!(
            "{} {}",
            language.say("đã đồng bộ lúc", "synced at"),
            time(at)
        )),
        Some(at) => lines.push(format!(
            "{} {}",
            language.say("lần đồng bộ gần nhất:", "last synced:"),
            time(at)
        )),
        None => lines.push(
            language
                .say("chưa lần nào đồng bộ", "never synced")
                .to_owned(),
        ),
    }
    if status.refused > 0 {
        lines.push(format!(
            "{} {}",
            status.refused,
            language.say(
                "thay đổi bị từ chối (sokiem refused)",
                "changes refused (sokiem refused)"
            )
        ));
    }
    if status.attachments.waiting > 0 {
        lines.push(format!(
            "{} {} ({} KiB)",
            status.attachments.waiting,
            language.say("ảnh chờ gửi", "photos waiting"),
            status.attachments.waiting_bytes.div_ceil(1024)
        ));
    }
    if status.attachments.refused > 0 {
        lines.push(format!(
            "{} {}",
            status.attachments.refused,
            language.say(
                "ảnh bị từ chối (sokiem photo list)",
                "photos refused (sokiem photo list)"
            )
        ));
    }
    if status.syncing {
        lines.push(language.say("đang đồng bộ…", "syncing…").to_owned());
    }
    if let Some(failure) = &status.last_error {
        let vi = failure.detail_vi.as_deref().unwrap_or(&failure.detail);
        lines.push(format!(
            "{}: {}",
            language.say("lần thử gần nhất không được", "the last attempt failed"),
            language.say(vi, &failure.detail)
        ));
    }
    if let Some(at) = status.next_try_ms {
        lines.push(format!(
            "{} {}",
            language.say("thử lại lúc", "next try at"),
            time(at)
        ));
    }
    if !status.disagreeing.is_empty() {
        lines.push(
            language
                .say(
                    "hai bên chưa khớp nhau: hãy báo người quản trị",
                    "the two sides do not agree: tell your administrator",
                )
                .to_owned(),
        );
    }
    lines
}

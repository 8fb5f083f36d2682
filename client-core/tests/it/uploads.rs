//! Photos in the book and on their way, against a small model of the server.

use std::{
    collections::HashMap,
    io::Cursor,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, atomic::Ordering},
};

use futures_util::FutureExt;
use image::{DynamicImage, ImageFormat, RgbImage};
use serde_json::json;
#[cfg(not(target_family = "wasm"))]
use sokiem_client_core::attachments::NewAttachment;
#[cfg(target_family = "wasm")]
use sokiem_client_core::attachments::Prepared;
use sokiem_client_core::{
    Book, Error,
    attachments::{
        About, AddedAttachment, AttachmentState, AttachmentTransport, NewUpload, Part, Place,
        Standing, UploadReport, UploadToken, run, upload_once,
    },
    keys::BookKey,
    sync::TransportError,
};
use sokiem_record::{
    attachment::{ContentHash, Rendition},
    id::{DocumentId, EpochId},
    media::MediaType,
};
use uuid::Uuid;

use crate::{
    books::{school, sync},
    driver::{Bell, poll},
    files::File,
    model::{Server, area, campaign},
    platform::{Seeded, TestClock},
};

/// What the server has of attachments, and what is to go wrong.
#[derive(Default)]
struct Store {
    uploads: HashMap<String, (NewUpload, Vec<u8>)>,
    stored: HashMap<ContentHash, Vec<u8>>,
    order: Vec<(Rendition, u64)>,
    tokens: u32,
    /// There is no way to the server.
    unreachable: bool,
    /// Answers instead of the work, the next last: of creations (refusals only) and of pieces.
    script: Vec<Fault>,
}

enum Fault {
    Refuse(u16, &'static str),
    Cut(usize),
    Forget,
}

#[derive(Clone, Default)]
struct Uploads(Arc<Mutex<Store>>);

impl Uploads {
    fn lock(&self) -> MutexGuard<'_, Store> {
        self.0.lock().unwrap()
    }

    fn will(&self, fault: Fault) {
        self.lock().script.insert(0, fault);
    }

    fn run(&self, book: &Book) -> Result<UploadReport, Error> {
        upload_once(book, self).now_or_never().unwrap()
    }
}

fn refused(status: u16, slug: &str) -> TransportError {
    TransportError::Refused {
        status,
        slug: slug.to_owned(),
        detail: format!("English for {slug}"),
        detail_vi: Some("Tiếng Việt".to_owned()),
        server_time_ms: None,
    }
}

impl Store {
    fn standing(&mut self, place: &str) -> Result<Standing, TransportError> {
        let (new, bytes) = self
            .uploads
            .get(place)
            .ok_or_else(|| refused(404, "not-found"))?;
        let whole = bytes.len() as u64 == new.bytes;
        if whole {
            assert_eq!(ContentHash::of(bytes), new.hash);
            self.stored.insert(new.hash, bytes.clone());
        }
        Ok(Standing {
            place: Some(place.to_owned()),
            offset: bytes.len() as u64,
            stored: whole.then_some(new.hash),
        })
    }
}

impl AttachmentTransport for Uploads {
    async fn upload_token(&self) -> Result<UploadToken, TransportError> {
        let mut store = self.lock();
        if store.unreachable {
            return Err(TransportError::Cut {
                detail: String::new(),
            });
        }
        store.tokens += 1;
        Ok(UploadToken {
            token: "t".to_owned(),
            expires_ms: 0,
        })
    }

    async fn begin_upload(
        &self,
        _: &UploadToken,
        new: NewUpload,
    ) -> Result<Standing, TransportError> {
        let mut store = self.lock();
        if let Some(Fault::Refuse(status, slug)) = store.script.last() {
            let error = refused(*status, slug);
            store.script.pop();
            return Err(error);
        }
        if store.stored.contains_key(&new.hash) {
            return Ok(Standing {
                place: None,
                offset: new.bytes,
                stored: Some(new.hash),
            });
        }
        store.order.push((new.rendition, new.bytes));
        let place = format!("/uploads/{}", store.uploads.len());
        store.uploads.insert(place.clone(), (new, Vec::new()));
        store.standing(&place)
    }

    async fn ask_upload(&self, _: &UploadToken, place: &str) -> Result<Standing, TransportError> {
        self.lock().standing(place)
    }

    async fn send_bytes(
        &self,
        _: &UploadToken,
        place: &str,
        offset: u64,
        bytes: Vec<u8>,
    ) -> Result<Standing, TransportError> {
        let mut store = self.lock();
        let fault = store.script.pop();
        if let Some(Fault::Refuse(status, slug)) = fault {
            return Err(refused(status, slug));
        }
        if matches!(fault, Some(Fault::Forget)) {
            store.uploads.clear();
            return Err(refused(410, "upload-gone"));
        }
        let (_, held) = store.uploads.get_mut(place).unwrap();
        assert_eq!(held.len() as u64, offset);
        if let Some(Fault::Cut(after)) = fault
            && after < bytes.len()
        {
            held.extend_from_slice(&bytes[..after]);
            return Err(TransportError::Cut {
                detail: String::new(),
            });
        }
        held.extend_from_slice(&bytes);
        store.standing(place)
    }

    async fn fetch_bytes(
        &self,
        hash: ContentHash,
        offset: u64,
        count: u64,
    ) -> Result<Part, TransportError> {
        let mut store = self.lock();
        // The line breaks before the second part, once.
        if offset > 0 && store.script.pop().is_some() {
            return Err(TransportError::Cut {
                detail: String::new(),
            });
        }
        let bytes = store
            .stored
            .get(&hash)
            .ok_or_else(|| refused(404, "not-found"))?;
        let from = usize::try_from(offset).unwrap();
        let to = bytes.len().min(from + usize::try_from(count).unwrap());
        Ok(Part {
            bytes: bytes[from..to].to_vec(),
            total: bytes.len() as u64,
            media_type: MediaType::Png,
        })
    }
}

/// A PNG of noise: nothing makes it smaller.
pub(crate) fn noise(side: u32, seed: u32) -> Vec<u8> {
    let mut state = seed | 1;
    let picture = RgbImage::from_fn(side, side, |_, _| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let [a, b, c, _] = state.to_le_bytes();
        image::Rgb([a, b, c])
    });
    let mut out = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(picture)
        .write_to(&mut out, ImageFormat::Png)
        .unwrap();
    out.into_inner()
}

/// Adds a photo: the core unpacks and scales it, in a browser the browser.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn add(
    book: &Book,
    document: DocumentId,
    about: &About<'_>,
    bytes: &[u8],
) -> Result<AddedAttachment, Error> {
    let new = NewAttachment {
        place: about.place.clone(),
        bytes,
        caption: about.caption,
        taken_ms: about.taken_ms,
        position: about.position,
        longest_side: None,
    };
    book.add_attachment(document, &new)
}

#[cfg(target_family = "wasm")]
pub(crate) fn add(
    book: &Book,
    document: DocumentId,
    about: &About<'_>,
    bytes: &[u8],
) -> Result<AddedAttachment, Error> {
    let mut small = Cursor::new(Vec::new());
    let picture = image::load_from_memory(bytes).unwrap().thumbnail(240, 240);
    picture.write_to(&mut small, ImageFormat::Jpeg).unwrap();
    let prepared = Prepared::by_platform(bytes, bytes, Some(&small.into_inner()))?;
    book.add_prepared(document, about, prepared)
}

struct Day {
    clock: TestClock,
    book: Book,
    server: Server,
    uploads: Uploads,
    inspection: DocumentId,
    evidence: String,
}

/// An officer with an inspection that the server has.
fn day() -> Day {
    let clock = TestClock::at(1_700_000_000_000);
    let book = crate::files::book(clock.clone(), Seeded::new(1));
    Day {
        clock,
        ..day_in(book)
    }
}

/// The same in a book that is there already.
fn day_in(book: Book) -> Day {
    let server = Server::new(&[area(1)]);
    sync(&book, &server);
    let campaign = campaign(&server, area(1));
    let unit = school(&book, area(1), "Trường Thạnh Hải");
    sync(&book, &server);
    let inspection = book
        .open_planned_inspection(unit, campaign)
        .unwrap()
        .document;
    assert!(sync(&book, &server).verified);
    let items = book.get(inspection).unwrap().fields["items"].clone();
    let item = items.as_object().unwrap().keys().next().unwrap().clone();
    Day {
        clock: TestClock::default(),
        book,
        server,
        uploads: Uploads::default(),
        inspection,
        evidence: format!("items/{item}/evidence"),
    }
}

impl Day {
    fn add(&self, bytes: &[u8]) -> AddedAttachment {
        let about = About {
            place: &Place::Evidence(self.evidence.parse().unwrap()),
            caption: Some("Cổng trường"),
            taken_ms: Some(1_565_000_000_000),
            position: Some("geo:9.95,106.53"),
        };
        add(&self.book, self.inspection, &about, bytes).unwrap()
    }

    fn state(&self, hash: ContentHash) -> AttachmentState {
        let all = self.book.attachments(self.inspection).unwrap();
        all.iter().find(|one| one.hash == hash).unwrap().state
    }
}

#[test]
fn a_photo_is_in_the_record_and_in_the_book_before_anything_is_sent() {
    let day = day();
    let bytes = noise(400, 1);
    let added = day.add(&bytes);
    let record = day.book.get(day.inspection).unwrap().fields;
    let said = &record["items"][day.evidence.split('/').nth(1).unwrap()]["evidence"]
        [added.hash.to_string()];
    assert_eq!(said["type"], "photo");
    assert_eq!(said["caption"], "Cổng trường");
    assert_eq!(
        (said["width"].clone(), said["height"].clone()),
        (json!(400), json!(400))
    );
    assert_eq!(said["bytes"], added.bytes);
    assert_eq!(said["media_type"], "image/png");
    assert_eq!(said["thumbnail"], added.thumbnail.unwrap().to_string());
    assert_eq!(
        day.book
            .attachment_bytes(day.inspection, added.hash)
            .unwrap()
            .unwrap()
            .len() as u64,
        added.bytes
    );
    let status = day.book.status().unwrap();
    assert_eq!((status.attachments.waiting, status.pending), (2, 1));
    assert!(status.attachments.waiting_bytes > added.bytes);
    // The record is synchronised and verified whatever becomes of the photo.
    assert!(sync(&day.book, &day.server).verified);
}

#[test]
fn where_the_record_can_not_say_it_no_bytes_are_kept() {
    let day = day();
    let about = About {
        place: &Place::Evidence("items/NOT-THERE/evidence".parse().unwrap()),
        caption: None,
        taken_ms: None,
        position: None,
    };
    assert!(matches!(
        add(&day.book, day.inspection, &about, &noise(50, 2)),
        Err(Error::Edit(_))
    ));
    assert!(day.book.attachments(day.inspection).unwrap().is_empty());
    assert_eq!(day.book.status().unwrap().attachments.waiting, 0);
}

#[test]
fn thumbnails_go_first_then_the_smallest_and_all_are_stored() {
    let day = day();
    let (large, small) = (day.add(&noise(500, 3)), day.add(&noise(100, 4)));
    let report = day.uploads.run(&day.book).unwrap();
    assert_eq!((report.stored, report.refused, report.postponed), (4, 0, 0));
    let order = day.uploads.lock().order.clone();
    assert_eq!(
        order
            .iter()
            .map(|(rendition, _)| *rendition)
            .collect::<Vec<_>>(),
        [
            Rendition::Thumbnail,
            Rendition::Thumbnail,
            Rendition::Original,
            Rendition::Original
        ]
    );
    assert!(order[2].1 == small.bytes && order[3].1 == large.bytes);
    assert_eq!(day.state(large.hash), AttachmentState::Done);
    assert_eq!(day.book.status().unwrap().attachments.waiting, 0);
    assert_eq!(day.uploads.run(&day.book).unwrap(), UploadReport::default());
}

#[test]
fn a_broken_line_is_resumed_at_the_byte_where_it_broke() {
    let day = day();
    let added = day.add(&noise(600, 5));
    // The thumbnail, and three pieces of the photo; the model refuses bytes at any other offset than its own.
    for after in [10, 100_000, 1, 65_000] {
        day.uploads.will(Fault::Cut(after));
    }
    assert_eq!(day.uploads.run(&day.book).unwrap().stored, 2);
    assert!(day.uploads.lock().script.is_empty(), "every break happened");
    let kept = day
        .book
        .attachment_bytes(day.inspection, added.hash)
        .unwrap()
        .unwrap();
    assert_eq!(day.uploads.lock().stored[&added.hash], kept);
    assert_eq!(
        day.uploads.lock().uploads.len(),
        2,
        "nothing was begun twice"
    );
}

#[test]
fn photos_go_by_themselves_once_records_get_through_again() {
    let day = day();
    let added = day.add(&noise(80, 13));
    day.uploads.lock().unreachable = true;
    let bell = Bell::default();
    let mut background = pin!(run(day.book.clone(), day.uploads.clone(), bell.clone()));
    assert!(poll(background.as_mut()).is_pending());
    assert_eq!(bell.asked(), Some(5_000));
    assert_eq!(day.state(added.hash), AttachmentState::Waiting);

    day.uploads.lock().unreachable = false;
    day.clock.0.fetch_add(1_000, Ordering::SeqCst);
    assert!(sync(&day.book, &day.server).verified);
    assert!(poll(background.as_mut()).is_pending());
    assert_eq!(day.state(added.hash), AttachmentState::Done);
    // The next one needs no network event at all.
    let next = day.add(&noise(80, 14));
    assert!(poll(background.as_mut()).is_pending());
    assert_eq!(day.state(next.hash), AttachmentState::Done);
}

#[test]
fn refusals_stay_with_their_reason_until_somebody_dismisses_them() {
    let day = day();
    let added = day.add(&noise(80, 6));
    day.uploads.will(Fault::Refuse(422, "type-not-allowed"));
    day.uploads.will(Fault::Refuse(507, "quota-reached"));
    let report = day.uploads.run(&day.book).unwrap();
    assert_eq!((report.refused, report.postponed, report.stored), (1, 1, 0));
    let unsent = day.book.unsent_attachments().unwrap();
    let refused = unsent
        .iter()
        .find(|one| one.state == AttachmentState::Refused)
        .unwrap();
    assert_eq!(refused.reason.as_deref(), Some("type-not-allowed"));
    assert_eq!(refused.reason_vi.as_deref(), Some("Tiếng Việt"));
    let waiting = unsent
        .iter()
        .find(|one| one.state == AttachmentState::Waiting)
        .unwrap();
    assert_eq!(waiting.reason.as_deref(), Some("quota-reached"));
    assert!(
        !day.book
            .dismiss_attachment(day.inspection, waiting.hash)
            .unwrap(),
        "it is still to be sent"
    );
    assert!(
        day.book
            .dismiss_attachment(day.inspection, refused.hash)
            .unwrap()
    );
    assert_eq!(day.book.status().unwrap().attachments.refused, 0);
    // What had to wait goes with the next run.
    assert_eq!(day.uploads.run(&day.book).unwrap().stored, 1);
    assert_eq!(day.state(added.hash), AttachmentState::Done);
}

#[test]
fn a_token_that_ended_is_replaced_and_an_upload_that_is_gone_is_begun_again() {
    let day = day();
    day.add(&noise(80, 7));
    day.uploads.will(Fault::Refuse(401, "credential-expired"));
    assert_eq!(day.uploads.run(&day.book).unwrap().stored, 2);
    assert_eq!(day.uploads.lock().tokens, 2);
    let other = self::day();
    other.add(&noise(80, 8));
    other.uploads.will(Fault::Cut(0));
    other.uploads.will(Fault::Forget);
    assert_eq!(other.uploads.run(&other.book).unwrap().stored, 2);
}

#[test]
fn a_restored_server_is_offered_again_what_it_may_have_lost() {
    let day = day();
    let added = day.add(&noise(80, 9));
    sync(&day.book, &day.server);
    day.uploads.run(&day.book).unwrap();
    *day.uploads.lock() = Store::default();
    day.server.lock().epoch = EpochId(Uuid::from_u128(99));
    sync(&day.book, &day.server);
    assert_eq!(day.state(added.hash), AttachmentState::Waiting);
    assert_eq!(day.uploads.run(&day.book).unwrap().stored, 2);
    assert!(day.uploads.lock().stored.contains_key(&added.hash));
}

#[test]
fn space_is_freed_after_a_time_and_the_photo_is_fetched_when_it_is_wanted() {
    let day = day();
    let added = day.add(&noise(700, 10));
    let here = || {
        day.book
            .attachment_bytes(day.inspection, added.hash)
            .unwrap()
    };
    let kept = here().unwrap();
    day.clock.0.fetch_add(40 * 86_400_000, Ordering::SeqCst);
    day.book.free_attachments(30).unwrap();
    assert!(here().is_some(), "not sent yet");
    sync(&day.book, &day.server);
    day.uploads.run(&day.book).unwrap();
    day.book.free_attachments(30).unwrap();
    assert!(here().is_some(), "not old enough");
    day.clock.0.fetch_add(31 * 86_400_000, Ordering::SeqCst);
    day.book.free_attachments(30).unwrap();
    assert!(here().is_none());
    let small = day
        .book
        .attachment_bytes(day.inspection, added.thumbnail.unwrap())
        .unwrap();
    assert!(small.is_some(), "thumbnails stay");

    let fetch = |hash| {
        day.book
            .fetch_attachment(&day.uploads, day.inspection, hash)
            .now_or_never()
            .unwrap()
    };
    day.uploads.will(Fault::Forget);
    assert!(matches!(
        fetch(added.hash),
        Err(Error::Transport(TransportError::Cut { .. }))
    ));
    assert_eq!(fetch(added.hash).unwrap(), kept);
    assert!(here().is_some(), "and it is kept again");
    assert!(matches!(
        fetch(ContentHash::of(b"another")),
        Err(Error::NoSuchAttachment(_))
    ));
}

#[test]
fn photos_are_rescued_from_a_damaged_book_or_named_as_lost() {
    let (file, key) = (File::new(), BookKey::from_bytes([3; 32]));
    let book = file.open(&key, TestClock::at(1), Seeded::new(1));
    let day = day_in(book);
    let (whole, holed) = (day.add(&noise(300, 11)), day.add(&noise(310, 12)));
    let inspection = day.inspection;
    drop(day);
    let damage = file.connect(&key);
    let gone = "DELETE FROM attachment_parts WHERE hash = ?1 AND part = 0";
    damage.execute(gone, [holed.hash.0.as_slice()]).unwrap();
    drop(damage);
    let fresh = File::new();
    let rescued = Book::from_damaged(
        || Ok(file.connect(&key)),
        fresh.connect(&key),
        "test".to_owned(),
        TestClock::at(1),
        Seeded::new(2),
    )
    .unwrap();
    let bytes = |hash| rescued.book.attachment_bytes(inspection, hash).unwrap();
    assert_eq!(bytes(whole.hash).unwrap().len() as u64, whole.bytes);
    assert!(bytes(whole.thumbnail.unwrap()).is_some() && bytes(holed.thumbnail.unwrap()).is_some());
    assert!(bytes(holed.hash).is_none());
    let lost = rescued.rescued.unwrap().lost;
    assert!(
        lost.iter()
            .any(|lost| lost.why.contains(&holed.hash.to_string())),
        "{lost:?}"
    );
    assert_eq!(rescued.book.status().unwrap().attachments.waiting, 3);
}

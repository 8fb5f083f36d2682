//! The open book in the tab that holds it: answers, synchronisation, files.

use std::{cell::Cell, cell::RefCell, rc::Rc};

use futures_channel::mpsc::{UnboundedSender, unbounded};
use futures_util::{
    future::{AbortHandle, Abortable},
    stream,
};
use js_sys::Uint8Array;
use serde_json::{Value as Json, json};
use sokiem_client_core::{
    Book,
    attachments::{self, About, Place},
    keys::BookKey,
    schedule::{Event, Pace},
    sync::{
        self, Signer,
        client::{Client, poke_events},
    },
};
use sokiem_record::schema::Path;
use sokiem_web_messages::{
    Failure, Notice, Request,
    session::{Erased, Status, Text},
};
use wasm_bindgen_futures::spawn_local;

use crate::{
    ahead::Taken,
    calls, failure,
    fetch::BrowserFetch,
    picture,
    platform::{BrowserClock, BrowserRandom, BrowserTimer, today},
    storage::Pool,
    tabs::Held,
};

/// When to synchronise on a phone that has nothing new: the stream of pokes says at once when there is something, so the
/// timer is there for the day on which that stream says nothing though it should. A day with nothing new stays below 50 KB.
const PACE: Pace = Pace {
    debounce_ms: 1_500,
    debounce_most_ms: 15_000,
    slow_ms: 3 * 60 * 60_000,
    backoff_ms: 5_000,
    backoff_most_ms: 10 * 60_000,
};

/// What an answer consists of.
pub(crate) type Answer = Result<(Json, Option<Uint8Array>), Failure>;

/// The open book.
pub(crate) struct Holding {
    book: Book,
    pool: Pool,
    events: RefCell<Option<UnboundedSender<Event>>>,
    running: RefCell<Vec<AbortHandle>>,
    pokes: RefCell<Option<AbortHandle>>,
    visible: Cell<bool>,
    tell: Rc<dyn Fn(Notice)>,
    pub(crate) rescued: Option<Text>,
    _lock: Held,
}

impl Holding {
    /// Takes the files and opens the book. `tell` brings notices to every page.
    pub(crate) async fn open(
        taken: Taken,
        key: &BookKey,
        tell: Rc<dyn Fn(Notice)>,
    ) -> Result<Rc<Self>, Failure> {
        let Taken { lock, pool } = taken;
        let pool = match pool {
            Some(pool) => pool,
            None => Pool::take().await?,
        };
        let opened = match pool.open(key).await {
            Ok(opened) => opened,
            Err(failure) => {
                pool.release();
                return Err(failure);
            }
        };
        let rescued = opened.rescued.map(|report| Text {
            vi: format!(
                "Sổ trên máy bị hỏng ({}). Đã cứu những gì đọc được; tệp hỏng được giữ lại bên cạnh. Hãy đồng bộ rồi kiểm tra lại.",
                report.reason
            ),
            en: format!(
                "The book was damaged ({}). What could be read was carried over, the damaged file is kept. Synchronise, then check.",
                report.reason
            ),
        });
        let holding = Rc::new(Self {
            book: opened.book,
            pool,
            events: RefCell::default(),
            running: RefCell::default(),
            pokes: RefCell::default(),
            visible: Cell::new(true),
            tell,
            rescued,
            _lock: lock,
        });
        holding
            .book
            .note_app_version(concat!("web/", env!("CARGO_PKG_VERSION")))
            .map_err(|error| failure::of(&error))?;
        holding.watch();
        holding.synchronise();
        Ok(holding)
    }

    /// Runs until it ends or the book is closed.
    fn spawn(&self, work: impl Future<Output = ()> + 'static) -> AbortHandle {
        let (handle, registration) = AbortHandle::new_pair();
        let work = Abortable::new(work, registration);
        spawn_local(async move {
            // Ended on purpose or by itself: either is an end.
            let _ = work.await;
        });
        handle
    }

    /// Tells the pages whenever something reads differently.
    fn watch(&self) {
        let (book, tell) = (self.book.clone(), Rc::clone(&self.tell));
        let mut listener = self.book.listen();
        let handle = self.spawn(async move {
            loop {
                listener.changed().await;
                if let Some(status) = status(&book) {
                    tell(Notice::Changed { status });
                }
            }
        });
        self.running.borrow_mut().push(handle);
    }

    fn client(&self) -> Option<Client<BrowserFetch>> {
        let key = self.book.enrolment().ok()??.key;
        let signer = Signer::new(key, BrowserClock, BrowserRandom);
        Some(Client::over(BrowserFetch, Some(signer)))
    }

    /// Begins to synchronise in the background, once this device belongs to somebody.
    fn synchronise(&self) {
        let Some(client) = self.client() else { return };
        if self.events.borrow().is_some() {
            return;
        }
        let (sender, receiver) = unbounded();
        *self.events.borrow_mut() = Some(sender);
        let (book, transport) = (self.book.clone(), client.clone());
        let records = self.spawn(async move {
            // An error here means that the book can't be read; the next request says so to a person.
            let _ = sync::run(book, transport, BrowserTimer, PACE, receiver).await;
        });
        let book = self.book.clone();
        let files = self.spawn(async move {
            let _ = attachments::run(book, client, BrowserTimer).await;
        });
        self.running.borrow_mut().extend([records, files]);
        self.listen();
    }

    /// Hears the server's pokes, while somebody looks.
    fn listen(&self) {
        let (Some(client), Some(events)) = (self.client(), self.events.borrow().clone()) else {
            return;
        };
        let handle = self.spawn(async move {
            let pokes = poke_events(client, BrowserTimer);
            let heard = stream::StreamExt::for_each(pokes, |event| {
                let _ = events.unbounded_send(event);
                std::future::ready(())
            });
            heard.await;
        });
        if let Some(before) = self.pokes.borrow_mut().replace(handle) {
            before.abort();
        }
    }

    fn event(&self, event: Event) {
        if let Some(events) = &*self.events.borrow() {
            let _ = events.unbounded_send(event);
        }
    }

    /// A page came to the front, or the last one went away from it.
    fn set_visible(&self, visible: bool) {
        if self.visible.replace(visible) == visible {
            return;
        }
        if visible {
            self.listen();
            self.event(Event::Start);
        } else if let Some(pokes) = self.pokes.borrow_mut().take() {
            pokes.abort();
        }
    }

    /// Answers a request about the open book.
    pub(crate) async fn answer(&self, request: &Request, bytes: Option<Uint8Array>) -> Answer {
        match request {
            Request::Enrol { code, device_name } => {
                self.enrol(code, device_name).await?;
                Ok((self.call(&Request::Status)?, None))
            }
            Request::Sync => {
                self.synchronise();
                self.event(Event::Resume);
                Ok((Json::Null, None))
            }
            Request::Online { online } => {
                self.event(Event::Connectivity(*online));
                Ok((Json::Null, None))
            }
            Request::Visible { visible } => {
                self.set_visible(*visible);
                Ok((Json::Null, None))
            }
            Request::AddFile { .. } => self.add_file(request, bytes).await,
            Request::File { document, hash } => self.file(*document, *hash).await,
            Request::Export => {
                let export = self.book.export().map_err(|error| failure::of(&error))?;
                let text = export.to_string();
                let name = format!("so-kiem-{}.json", today());
                Ok((json!(name), Some(Uint8Array::from(text.as_bytes()))))
            }
            request => Ok((self.call(request)?, None)),
        }
    }

    fn call(&self, request: &Request) -> Result<Json, Failure> {
        let answer = calls::answer(&self.book, request, &today());
        let answer = answer.map_err(|error| failure::of(&error))?;
        answer.ok_or_else(|| {
            Failure::new(
                "no-such-request",
                "Ứng dụng và phần lưu sổ không cùng phiên bản. Hãy tải lại trang.",
                "The pages and the part that keeps the book are of different versions. Reload the page.",
            )
        })
    }

    async fn enrol(&self, code: &str, device_name: &str) -> Result<(), Failure> {
        let client = Client::over(BrowserFetch, None);
        let server = origin();
        let version = concat!("web/", env!("CARGO_PKG_VERSION"));
        sync::enrol(&self.book, &client, &server, code, device_name, version)
            .await
            .map_err(|error| failure::of(&error))?;
        self.stop_synchronising();
        self.synchronise();
        Ok(())
    }

    fn stop_synchronising(&self) {
        self.events.borrow_mut().take();
        if let Some(pokes) = self.pokes.borrow_mut().take() {
            pokes.abort();
        }
    }

    async fn add_file(&self, request: &Request, bytes: Option<Uint8Array>) -> Answer {
        let Request::AddFile {
            operation,
            document,
            place,
            caption,
            position,
        } = request
        else {
            return Ok((Json::Null, None));
        };
        let file = bytes.map(|bytes| bytes.to_vec()).unwrap_or_default();
        let is_signature = place.starts_with("signatures/");
        let prepared = picture::prepare(&file, is_signature).await?;
        let wrong = |_| {
            Failure::new(
                "edit-refused",
                "Không đính kèm được vào chỗ này.",
                "This can't be attached there.",
            )
        };
        let path: Path = place.parse().map_err(wrong)?;
        let place = match is_signature {
            true => Place::Signature(path),
            false => Place::Evidence(path),
        };
        let about = About {
            place: &place,
            caption: caption.as_deref(),
            taken_ms: None,
            position: position.as_deref(),
        };
        let added = self
            .book
            .once(*operation, |book| {
                book.add_prepared(*document, &about, prepared)
            })
            .map_err(|error| failure::of(&error))?;
        Ok((json!(added), None))
    }

    async fn file(
        &self,
        document: sokiem_record::id::DocumentId,
        hash: sokiem_record::attachment::ContentHash,
    ) -> Answer {
        let failed = |error: sokiem_client_core::Error| failure::of(&error);
        let here = self.book.attachment_bytes(document, hash).map_err(failed)?;
        let bytes = match (here, self.client()) {
            (Some(bytes), _) => bytes,
            (None, Some(client)) => self
                .book
                .fetch_attachment(&client, document, hash)
                .await
                .map_err(failed)?,
            (None, None) => return Err(failure::of(&sokiem_client_core::Error::NotEnrolled)),
        };
        let attached = self.book.attachments(document).map_err(failed)?;
        let media_type = attached
            .iter()
            .find(|one| one.hash == hash)
            .map(|one| one.media_type.name());
        Ok((json!(media_type), Some(Uint8Array::from(bytes.as_slice()))))
    }

    /// Closes the book and gives the files back. What is under way is dropped, which loses nothing.
    pub(crate) async fn close(self: Rc<Self>, erase: bool) -> Result<(), Failure> {
        use sokiem_client_core::platform::Timer as _;
        for handle in self.running.borrow_mut().drain(..) {
            handle.abort();
        }
        self.stop_synchronising();
        let mut holding = self;
        // What was told to end ends in a task of its own, and a request may be waiting for the network.
        for _ in 0..200 {
            BrowserTimer.sleep(0).await;
            holding = match Rc::try_unwrap(holding) {
                Ok(Self { book, pool, .. }) => {
                    drop(book);
                    for _ in 0..200 {
                        let given = if erase { pool.clear().is_ok() } else { true };
                        if given && pool.release() {
                            return Ok(());
                        }
                        BrowserTimer.sleep(10).await;
                    }
                    break;
                }
                Err(shared) => shared,
            };
        }
        Err(Failure::new(
            "still-open",
            "Sổ còn đang được dùng. Hãy đóng trang rồi mở lại.",
            "The book is still in use. Close the page and open it again.",
        ))
    }
}

/// Where this worker came from: the server.
fn origin() -> String {
    js_sys::Reflect::get(&js_sys::global(), &"origin".into())
        .ok()
        .and_then(|origin| origin.as_string())
        .unwrap_or_default()
}

fn status(book: &Book) -> Option<Status> {
    let status = serde_json::to_value(book.status().ok()?).ok()?;
    serde_json::from_value(status).ok()
}

/// What was erased, where somebody asked for that.
pub(crate) fn erased(notice: &Notice) -> Option<Erased> {
    match notice {
        Notice::Changed { status } => status.erased.clone(),
        Notice::Session { .. } => None,
    }
}

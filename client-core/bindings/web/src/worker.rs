//! The messages of a page, and which tab does what they ask.
//!
//! A tab is locked, follows, or leads. Unlocking gives it the key; with the key it takes the lock of the book if nobody has
//! it, and otherwise waits for it while another tab answers. What a page asked and nobody has answered is remembered, and
//! asked again of whoever leads next.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use js_sys::{Array, Object, Reflect, Uint8Array};
use serde_json::{Value as Json, json};
use sokiem_client_core::keys::BookKey;
use sokiem_web_messages::{
    Failure, Notice, Request,
    session::{Erased, Lock, Session},
};
use wasm_bindgen::{JsCast as _, JsValue, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::spawn_local;
use web_sys::MessageEvent;

use crate::{
    ahead::{Ahead, Taken},
    holding::{self, Answer, Holding},
    pin,
    platform::scope,
    storage,
    tabs::{self, Channel, Word},
};

/// What a page asked and nobody has answered.
#[derive(Clone)]
struct Asked {
    request: String,
    bytes: Option<Uint8Array>,
}

enum Role {
    Locked,
    Follows,
    Leads(Rc<Holding>),
}

struct Worker {
    /// Names this tab among the others.
    tab: String,
    channel: Option<Channel>,
    role: RefCell<Role>,
    /// The key, while this tab is unlocked.
    key: RefCell<Option<BookKey>>,
    /// Goes up when the tab is locked, so that what waits for the lock of the book knows that it waits in vain.
    turn: RefCell<u32>,
    asked: RefCell<HashMap<u64, Asked>>,
    /// What other tabs asked while the book was being opened.
    early: RefCell<Vec<Word>>,
}

/// Begins to listen to the page.
#[expect(unreachable_pub, reason = "the browser calls it")]
#[wasm_bindgen(start)]
pub fn start() {
    let tab = js_sys::Math::random().to_string();
    let worker = Rc::new_cyclic(|this: &std::rc::Weak<Worker>| {
        let heard = this.clone();
        let channel = Channel::join(move |word| {
            if let Some(worker) = heard.upgrade() {
                worker.heard(word);
            }
        });
        Worker {
            tab,
            channel,
            role: RefCell::new(Role::Locked),
            key: RefCell::default(),
            turn: RefCell::default(),
            asked: RefCell::default(),
            early: RefCell::default(),
        }
    });
    let from_page = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        Rc::clone(&worker).message(&event.data());
    });
    scope().set_onmessage(Some(from_page.as_ref().unchecked_ref()));
    // As long as the worker.
    from_page.forget();
    post(
        &Object::from_entries(&Array::of1(&Array::of2(&"ready".into(), &true.into())))
            .unwrap_or_default(),
        None,
    );
}

/// Gives a message to the page; a file goes along without being copied.
fn post(message: &Object, bytes: Option<&Uint8Array>) {
    let transfer = Array::new();
    if let Some(bytes) = bytes {
        let buffer = bytes.buffer();
        // A plain object takes any property.
        let _ = Reflect::set(message, &"bytes".into(), &buffer);
        transfer.push(&buffer);
    }
    // It fails only for what can't be cloned, and these can.
    let _ = scope().post_message_with_transfer(message, &transfer);
}

fn say(fields: &[(&str, JsValue)], bytes: Option<&Uint8Array>) {
    let message = Object::new();
    for (name, value) in fields {
        let _ = Reflect::set(&message, &(*name).into(), value);
    }
    post(&message, bytes);
}

fn locked() -> Failure {
    Failure::new(
        "locked",
        "Sổ đang khóa. Hãy nhập mã PIN.",
        "The book is locked. Enter the PIN.",
    )
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a page counts its requests from 1; 2^53 of them are out of reach"
)]
mod number {
    /// A request's number as JavaScript has it.
    pub(super) fn to(id: u64) -> f64 {
        id as f64
    }

    /// A request's number from JavaScript.
    pub(super) fn from(id: f64) -> u64 {
        id as u64
    }
}

impl Worker {
    /// A message of the page.
    fn message(self: Rc<Self>, data: &JsValue) {
        let get = |name: &str| Reflect::get(data, &name.into()).ok();
        let Some(id) = get("id").and_then(|id| id.as_f64()) else {
            return;
        };
        let id = number::from(id);
        let request = get("request").and_then(|request| request.as_string());
        let bytes = get("bytes").and_then(|bytes| bytes.dyn_into::<js_sys::ArrayBuffer>().ok());
        let asked = Asked {
            request: request.unwrap_or_default(),
            bytes: bytes.map(|bytes| Uint8Array::new(&bytes)),
        };
        self.asked.borrow_mut().insert(id, asked.clone());
        spawn_local(async move { self.ask(id, asked).await });
    }

    async fn ask(self: Rc<Self>, id: u64, asked: Asked) {
        let request: Request = match serde_json::from_str(&asked.request) {
            Ok(request) => request,
            Err(error) => {
                let failure = Failure::new(
                    "no-such-request",
                    "Ứng dụng và phần lưu sổ không cùng phiên bản. Hãy tải lại trang.",
                    &format!(
                        "The pages and the worker are of different versions. Reload the page. ({error})"
                    ),
                );
                return self.answered(id, Err(failure));
            }
        };
        let answer = match request {
            Request::Session => self.session().await,
            Request::Begin { pin } => match self.key_of(pin::begin(&pin)).await {
                Ok(()) => {
                    // A new book has nothing to do with what was erased.
                    let _ = storage::write_small(ERASED, b"").await;
                    self.unlocked(None).await
                }
                Err(failure) => Err(failure),
            },
            Request::Unlock { pin } => self.unlock(&pin).await,
            Request::ChangePin { from, to } => {
                let _one = tabs::lock(tabs::PIN, false).await;
                match pin::change(&from, &to).await {
                    Ok(()) => self.session().await,
                    Err(failure) => Err(failure),
                }
            }
            Request::Lock => match self.lock(false).await {
                Ok(()) => self.session().await,
                Err(failure) => Err(failure),
            },
            request => {
                let holding = match &*self.role.borrow() {
                    Role::Locked => None,
                    // It stays among what was asked until the other tab answers.
                    Role::Follows => return self.forward(id, &asked),
                    Role::Leads(holding) => Some(Rc::clone(holding)),
                };
                return match holding {
                    Some(holding) => {
                        let answer = holding.answer(&request, asked.bytes).await;
                        drop(holding);
                        self.answered(id, answer);
                    }
                    None => self.answered(id, Err(locked())),
                };
            }
        };
        self.answered(id, answer.map(|session| (json!(session), None)));
    }

    /// The browser gives the book's files out while the PIN is looked at.
    async fn unlock(self: &Rc<Self>, pin: &str) -> Result<Session, Failure> {
        let is_locked = matches!(*self.role.borrow(), Role::Locked);
        let ahead = is_locked.then(Ahead::begin);
        match (self.key_of(pin::unlock(pin)).await, ahead) {
            (Ok(()), ahead) => self.unlocked(ahead).await,
            (Err(failure), Some(ahead)) => {
                ahead.give_back().await;
                Err(failure)
            }
            (Err(failure), None) => Err(failure),
        }
    }

    async fn key_of(
        &self,
        key: impl Future<Output = Result<BookKey, Failure>>,
    ) -> Result<(), Failure> {
        // One tab after the other, so that tries are counted.
        let _one = tabs::lock(tabs::PIN, false).await;
        *self.key.borrow_mut() = Some(key.await?);
        Ok(())
    }

    /// This tab has the key: it leads, or follows and waits for its turn.
    async fn unlocked(self: &Rc<Self>, ahead: Option<Ahead>) -> Result<Session, Failure> {
        let taken = match ahead {
            Some(ahead) => ahead.taken().await,
            None => None,
        };
        if !matches!(*self.role.borrow(), Role::Locked) {
            if let Some(taken) = taken {
                taken.give_back();
            }
            return self.session().await;
        }
        let taken = match taken {
            Some(taken) => Some(taken),
            None => tabs::lock(tabs::BOOK, true).await.map(Taken::lock),
        };
        match taken {
            Some(taken) => self.lead(taken).await?,
            None => {
                *self.role.borrow_mut() = Role::Follows;
                let turn = *self.turn.borrow();
                let this = Rc::clone(self);
                spawn_local(async move {
                    let lock = tabs::lock(tabs::BOOK, false).await;
                    let Some(lock) = lock.filter(|_| *this.turn.borrow() == turn) else {
                        return;
                    };
                    match this.lead(Taken::lock(lock)).await {
                        Ok(()) => this.notice_session().await,
                        Err(failure) => this.fail_all(&failure),
                    }
                });
            }
        }
        self.session().await
    }

    async fn lead(self: &Rc<Self>, taken: Taken) -> Result<(), Failure> {
        let Some(key) = self.key.borrow().clone() else {
            taken.give_back();
            return Err(locked());
        };
        let (channel, this) = (self.channel.clone(), Rc::downgrade(self));
        let tell: Rc<dyn Fn(Notice)> = Rc::new(move |notice: Notice| {
            let text = json!(notice).to_string();
            say(&[("notice", text.as_str().into())], None);
            if let Some(channel) = &channel {
                channel.say(&Word::Notice(text));
            }
            if let (Some(erased), Some(worker)) = (holding::erased(&notice), this.upgrade()) {
                spawn_local(async move { worker.erased(erased).await });
            }
        });
        let holding = match Holding::open(taken, &key, tell).await {
            Ok(holding) => holding,
            Err(failure) => {
                *self.role.borrow_mut() = Role::Locked;
                self.key.borrow_mut().take();
                return Err(failure);
            }
        };
        *self.role.borrow_mut() = Role::Leads(holding);
        if let Some(channel) = &self.channel {
            channel.say(&Word::Leading);
        }
        let early = std::mem::take(&mut *self.early.borrow_mut());
        for word in early {
            Rc::clone(self).heard(word);
        }
        // What this tab asked of the one that has gone.
        let asked = self.asked.borrow().clone();
        for (id, asked) in asked {
            if asked.is_about_records() {
                let this = Rc::clone(self);
                spawn_local(async move { this.ask(id, asked).await });
            }
        }
        Ok(())
    }

    fn forward(&self, id: u64, asked: &Asked) {
        if let Some(channel) = &self.channel {
            channel.say(&Word::Ask {
                from: self.tab.clone(),
                id: number::to(id),
                request: asked.request.clone(),
                bytes: asked.bytes.clone(),
            });
        }
    }

    /// Another tab said something.
    fn heard(self: Rc<Self>, word: Word) {
        match word {
            Word::Ask {
                from,
                id,
                request,
                bytes,
            } => {
                let holding = match &*self.role.borrow() {
                    Role::Leads(holding) => Rc::clone(holding),
                    _ => {
                        // This tab may be about to lead.
                        if self.key.borrow().is_some() {
                            let mut early = self.early.borrow_mut();
                            early.truncate(200);
                            early.push(Word::Ask {
                                from,
                                id,
                                request,
                                bytes,
                            });
                        }
                        return;
                    }
                };
                spawn_local(async move {
                    let answer = match serde_json::from_str(&request) {
                        Ok(request) => holding.answer(&request, bytes).await,
                        Err(_) => return,
                    };
                    drop(holding);
                    let (answer, bytes) = match answer {
                        Ok((answer, bytes)) => (Ok(answer.to_string()), bytes),
                        Err(failure) => (Err(json!(failure).to_string()), None),
                    };
                    if let Some(channel) = &self.channel {
                        channel.say(&Word::Answer {
                            to: from,
                            id,
                            answer,
                            bytes,
                        });
                    }
                });
            }
            Word::Answer {
                to,
                id,
                answer,
                bytes,
            } if to == self.tab => {
                let id = number::from(id);
                if self.asked.borrow_mut().remove(&id).is_some() {
                    self.give(id, answer, bytes.as_ref());
                }
            }
            Word::Answer { .. } => {}
            Word::Notice(notice) => {
                if self.key.borrow().is_some() {
                    say(&[("notice", notice.as_str().into())], None);
                }
            }
            Word::Leading => {
                if matches!(*self.role.borrow(), Role::Follows) {
                    for (id, asked) in &*self.asked.borrow() {
                        if asked.is_about_records() {
                            self.forward(*id, asked);
                        }
                    }
                }
            }
        }
    }

    fn answered(&self, id: u64, answer: Answer) {
        if self.asked.borrow_mut().remove(&id).is_none() {
            return;
        }
        match answer {
            Ok((answer, bytes)) => self.give(id, Ok(answer.to_string()), bytes.as_ref()),
            Err(failure) => self.give(id, Err(json!(failure).to_string()), None),
        }
    }

    fn give(&self, id: u64, answer: Result<String, String>, bytes: Option<&Uint8Array>) {
        let (name, text) = match &answer {
            Ok(answer) => ("answer", answer),
            Err(failure) => ("failure", failure),
        };
        say(
            &[("id", number::to(id).into()), (name, text.as_str().into())],
            bytes,
        );
    }

    /// Nobody can answer: every page that waits is told why.
    fn fail_all(&self, failure: &Failure) {
        let waiting: Vec<u64> = self.asked.borrow().keys().copied().collect();
        for id in waiting {
            self.answered(id, Err(failure.clone()));
        }
    }

    async fn session(&self) -> Result<Session, Failure> {
        storage::supported()?;
        let (lock, leads, rescued) = match &*self.role.borrow() {
            Role::Leads(holding) => (Some(Lock::Open), true, holding.rescued.clone()),
            Role::Follows => (Some(Lock::Open), false, None),
            Role::Locked => (None, false, None),
        };
        let lock = match lock {
            Some(lock) => lock,
            None if pin::exists().await? => Lock::Locked,
            None => Lock::None,
        };
        let tries = pin::tries().await?;
        let erased = storage::read_small(ERASED).await?;
        Ok(Session {
            lock,
            wait_ms: tries.wait_ms(),
            wrong: tries.wrong,
            leads,
            persisted: storage::persisted().await,
            erased: erased.and_then(|erased| serde_json::from_slice(&erased).ok()),
            rescued,
        })
    }

    async fn notice_session(&self) {
        if let Ok(session) = self.session().await {
            let text = json!(Notice::Session { session }).to_string();
            say(&[("notice", text.as_str().into())], None);
        }
    }

    /// Forgets the key; a tab that leads closes the book, and another takes over.
    async fn lock(&self, erase: bool) -> Result<(), Failure> {
        *self.turn.borrow_mut() += 1;
        self.key.borrow_mut().take();
        let role = std::mem::replace(&mut *self.role.borrow_mut(), Role::Locked);
        self.fail_all_but_session();
        match role {
            Role::Leads(holding) => holding.close(erase).await,
            _ => Ok(()),
        }
    }

    fn fail_all_but_session(&self) {
        let waiting: Vec<u64> = self
            .asked
            .borrow()
            .iter()
            .filter(|(_, asked)| asked.is_about_records())
            .map(|(id, _)| *id)
            .collect();
        for id in waiting {
            self.answered(id, Err(locked()));
        }
    }

    /// Somebody asked for this device to be erased, and the core has done so: the key and the files go too.
    async fn erased(self: Rc<Self>, erased: Erased) {
        if !matches!(*self.role.borrow(), Role::Leads(_)) {
            return;
        }
        // What can't be removed now is empty already, and its key goes with the next line.
        let _ = self.lock(true).await;
        let _ = storage::remove_small().await;
        let written = serde_json::to_vec(&erased).unwrap_or_default();
        let _ = storage::write_small(ERASED, &written).await;
        self.notice_session().await;
    }
}

/// The small file that says what was erased.
const ERASED: &str = "erased";

impl Asked {
    /// Whether it is for whoever holds the book.
    fn is_about_records(&self) -> bool {
        let ask = serde_json::from_str::<Json>(&self.request)
            .ok()
            .and_then(|request| Some(request.get("ask")?.as_str()?.to_owned()));
        !matches!(
            ask.as_deref(),
            Some("session" | "begin" | "unlock" | "lock" | "change_pin") | None
        )
    }
}

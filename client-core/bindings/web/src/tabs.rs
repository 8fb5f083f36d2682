//! Who holds the book, and how the other tabs reach that one: a lock of the browser that one tab has, and a channel on
//! which all of them talk.

use std::{cell::RefCell, rc::Rc};

use futures_channel::oneshot;
use js_sys::{Function, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue, closure::Closure, prelude::wasm_bindgen};
use web_sys::{BroadcastChannel, MessageEvent};

use crate::platform::scope;

/// The lock of the tab that holds the book.
pub(crate) const BOOK: &str = "sokiem-book";
/// The lock of the tab that looks at a PIN.
pub(crate) const PIN: &str = "sokiem-pin";

#[wasm_bindgen]
extern "C" {
    type LockManager;
    #[wasm_bindgen(method)]
    fn request(this: &LockManager, name: &str, options: &JsValue, callback: &Function) -> Promise;
}

/// A lock that this tab has, until it is dropped or the tab closes.
pub(crate) struct Held {
    release: Function,
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.release.call0(&JsValue::NULL);
    }
}

/// Waits for a lock; with `at_once` it is taken only if nobody has it. `None` where somebody has it, or where the browser
/// knows no locks.
pub(crate) async fn lock(name: &str, at_once: bool) -> Option<Held> {
    let navigator: JsValue = scope().navigator().into();
    let locks = Reflect::get(&navigator, &"locks".into()).ok()?;
    if locks.is_undefined() {
        return None;
    }
    let options = Object::new();
    Reflect::set(&options, &"ifAvailable".into(), &at_once.into()).ok()?;
    let (sender, receiver) = oneshot::channel();
    let sender = RefCell::new(Some(sender));
    let granted = Closure::<dyn FnMut(JsValue) -> JsValue>::new(move |lock: JsValue| {
        let Some(sender) = sender.borrow_mut().take() else {
            return JsValue::UNDEFINED;
        };
        if lock.is_null() {
            let _ = sender.send(None);
            return JsValue::UNDEFINED;
        }
        let mut release = None;
        // The lock is held until this promise is kept.
        let held = Promise::new(&mut |done, _| release = Some(done));
        let _ = sender.send(release.map(|release| Held { release }));
        held.into()
    });
    let locks: LockManager = locks.unchecked_into();
    // It is kept only when the lock is given back; nobody waits for that.
    let _ = locks.request(name, &options, granted.as_ref().unchecked_ref());
    let held = receiver.await.ok().flatten();
    drop(granted);
    held
}

/// What tabs say to each other.
#[derive(Debug)]
pub(crate) enum Word {
    /// A tab asks whoever holds the book.
    Ask {
        /// Which tab.
        from: String,
        /// Its number of the request.
        id: f64,
        /// The request.
        request: String,
        /// A file with it.
        bytes: Option<Uint8Array>,
    },
    /// The answer.
    Answer {
        /// To which tab.
        to: String,
        /// The number of its request.
        id: f64,
        /// The answer; otherwise the failure.
        answer: Result<String, String>,
        /// A file with it.
        bytes: Option<Uint8Array>,
    },
    /// A notice for every page.
    Notice(String),
    /// A tab has the book open now: what nobody answered is to be asked again.
    Leading,
}

/// The channel between tabs.
#[derive(Clone)]
pub(crate) struct Channel(Rc<BroadcastChannel>);

impl Channel {
    /// Joins it; `hear` is told everything that the others say.
    pub(crate) fn join(hear: impl Fn(Word) + 'static) -> Option<Self> {
        let channel = BroadcastChannel::new("sokiem").ok()?;
        let heard = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(word) = read(&event.data()) {
                hear(word);
            }
        });
        channel.set_onmessage(Some(heard.as_ref().unchecked_ref()));
        // As long as the worker.
        heard.forget();
        Some(Self(Rc::new(channel)))
    }

    /// Says it to all others.
    pub(crate) fn say(&self, word: &Word) {
        let message = Object::new();
        let set = |name: &str, value: &JsValue| {
            // A plain object takes any property.
            let _ = Reflect::set(&message, &name.into(), value);
        };
        match word {
            Word::Ask {
                from,
                id,
                request,
                bytes,
            } => {
                set("word", &"ask".into());
                set("from", &from.into());
                set("id", &(*id).into());
                set("request", &request.into());
                set("bytes", &bytes.clone().map_or(JsValue::NULL, Into::into));
            }
            Word::Answer {
                to,
                id,
                answer,
                bytes,
            } => {
                set("word", &"answer".into());
                set("to", &to.into());
                set("id", &(*id).into());
                match answer {
                    Ok(answer) => set("answer", &answer.into()),
                    Err(failure) => set("failure", &failure.into()),
                }
                set("bytes", &bytes.clone().map_or(JsValue::NULL, Into::into));
            }
            Word::Notice(notice) => {
                set("word", &"notice".into());
                set("notice", &notice.into());
            }
            Word::Leading => set("word", &"leading".into()),
        }
        // A channel that is closed has nobody to tell.
        let _ = self.0.post_message(&message);
    }
}

fn read(message: &JsValue) -> Option<Word> {
    let get = |name: &str| Reflect::get(message, &name.into()).ok();
    let text = |name: &str| get(name)?.as_string();
    let bytes = || get("bytes")?.dyn_into::<Uint8Array>().ok();
    Some(match text("word")?.as_str() {
        "ask" => Word::Ask {
            from: text("from")?,
            id: get("id")?.as_f64()?,
            request: text("request")?,
            bytes: bytes(),
        },
        "answer" => Word::Answer {
            to: text("to")?,
            id: get("id")?.as_f64()?,
            answer: match (text("answer"), text("failure")) {
                (Some(answer), _) => Ok(answer),
                (None, Some(failure)) => Err(failure),
                (None, None) => return None,
            },
            bytes: bytes(),
        },
        "notice" => Word::Notice(text("notice")?),
        "leading" => Word::Leading,
        _ => return None,
    })
}

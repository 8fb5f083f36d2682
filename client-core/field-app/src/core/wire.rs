//! The worker, and the questions that it has not answered yet.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use js_sys::{Array, ArrayBuffer, Function, Object, Promise, Reflect};
use leptos::prelude::document;
use sokiem_web_messages::Failure;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Event, MessageEvent, Worker, WorkerOptions, WorkerType};

/// Who waits: the number of the question, and what to call with the answer.
type Waiting = Rc<RefCell<Vec<(u32, Function)>>>;

/// The worker. It takes questions before it is ready and answers them afterwards.
pub(crate) struct Wire {
    worker: Worker,
    waiting: Waiting,
    next: Cell<u32>,
}

/// What the worker sends: JSON, and bytes beside it.
pub(crate) struct Reply {
    /// The answer as JSON.
    pub(crate) json: String,
    /// A file.
    pub(crate) bytes: Option<ArrayBuffer>,
}

/// The worker is gone, or never came.
pub(crate) fn broken() -> Failure {
    Failure::new(
        "worker",
        "Ứng dụng không chạy được. Hãy tải lại trang; những gì đã lưu vẫn còn trong máy.",
        "The app can't run. Reload the page; what was saved is still on this device.",
    )
}

fn get(from: &JsValue, key: &str) -> JsValue {
    Reflect::get(from, &JsValue::from_str(key)).unwrap_or(JsValue::UNDEFINED)
}

fn set(on: &Object, key: &str, value: &JsValue) {
    let _ = Reflect::set(on, &JsValue::from_str(key), value);
}

impl Wire {
    /// Starts the worker whose address the page names. `on_notice` hears what it says unasked, `on_broken` that it
    /// has died.
    pub(crate) fn start(
        on_notice: impl Fn(&str) + 'static,
        on_broken: impl Fn() + 'static,
    ) -> Option<Self> {
        let address = document()
            .query_selector("meta[name=sokiem-worker]")
            .ok()??
            .get_attribute("content")?;
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options(&address, &options).ok()?;
        let waiting = Waiting::default();
        let answered = {
            let waiting = Rc::clone(&waiting);
            Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
                let data = event.data();
                if let Some(notice) = get(&data, "notice").as_string() {
                    on_notice(&notice);
                } else if let Some(resolve) = take(&waiting, &get(&data, "id")) {
                    let _ = resolve.call1(&JsValue::NULL, &data);
                }
            })
        };
        worker.set_onmessage(Some(answered.as_ref().unchecked_ref()));
        let died = {
            let waiting = Rc::clone(&waiting);
            Closure::<dyn Fn(Event)>::new(move |_| {
                // Nobody will answer: those who wait are told so.
                for (_, resolve) in waiting.take() {
                    let _ = resolve.call0(&JsValue::NULL);
                }
                on_broken();
            })
        };
        worker.set_onerror(Some(died.as_ref().unchecked_ref()));
        // They live as long as the page.
        answered.forget();
        died.forget();
        Some(Self {
            worker,
            waiting,
            next: Cell::new(1),
        })
    }

    /// Asks. Bytes go over without being copied.
    pub(crate) fn post(&self, request: &str, bytes: Option<&ArrayBuffer>) -> JsFuture {
        let id = self.next.replace(self.next.get().wrapping_add(1));
        let message = Object::new();
        set(&message, "id", &id.into());
        set(&message, "request", &request.into());
        let transfer = Array::new();
        if let Some(bytes) = bytes {
            set(&message, "bytes", bytes);
            transfer.push(bytes);
        }
        let mut wait = |resolve: Function, _: Function| {
            self.waiting.borrow_mut().push((id, resolve));
        };
        let answer = Promise::new(&mut wait);
        let posted = self.worker.post_message_with_transfer(&message, &transfer);
        if posted.is_err()
            && let Some(resolve) = take(&self.waiting, &id.into())
        {
            let _ = resolve.call0(&JsValue::NULL);
        }
        JsFuture::from(answer)
    }
}

fn take(waiting: &Waiting, id: &JsValue) -> Option<Function> {
    let mut waiting = waiting.borrow_mut();
    let id = id.as_f64()?;
    let at = waiting.iter().position(|(one, _)| f64::from(*one) == id)?;
    Some(waiting.swap_remove(at).1)
}

/// Reads what came back.
pub(crate) fn reply(message: &JsValue) -> Result<Reply, Failure> {
    if let Some(json) = get(message, "answer").as_string() {
        return Ok(Reply {
            json,
            bytes: get(message, "bytes").dyn_into().ok(),
        });
    }
    let failure = get(message, "failure").as_string();
    Err(failure
        .and_then(|failure| serde_json::from_str(&failure).ok())
        .unwrap_or_else(broken))
}

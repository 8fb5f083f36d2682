//! Requests to the server that this app came from, by the browser's `fetch`.

use std::{cell::Cell, rc::Rc};

use js_sys::{Array, Promise, Reflect, Uint8Array};
use sokiem_client_core::{
    platform::Timer as _,
    sync::{
        TransportError,
        client::{Answer, Fetch, Request},
    },
};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    AbortController, Headers, ReadableStreamDefaultReader, RequestCache, RequestCredentials,
    RequestInit, RequestRedirect, Response,
};

use crate::platform::{BrowserTimer, scope, words};

/// Sends requests to the origin of this worker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BrowserFetch;

/// Ends a request when its answer is dropped, or late.
struct Ending {
    controller: AbortController,
    over: Rc<Cell<bool>>,
    late: Rc<Cell<bool>>,
}

impl Ending {
    fn new(timeout_ms: Option<u32>) -> Result<Self, TransportError> {
        let controller = AbortController::new().map_err(|error| strange(&error))?;
        let ending = Self {
            controller,
            over: Rc::default(),
            late: Rc::default(),
        };
        if let Some(timeout_ms) = timeout_ms {
            let (over, late) = (Rc::clone(&ending.over), Rc::clone(&ending.late));
            let controller = ending.controller.clone();
            spawn_local(async move {
                BrowserTimer.sleep(timeout_ms.into()).await;
                if !over.get() {
                    late.set(true);
                    controller.abort();
                }
            });
        }
        Ok(ending)
    }

    fn failed(&self, error: &JsValue, begun: bool) -> TransportError {
        let detail = words(error);
        if self.late.get() {
            TransportError::Timeout
        } else if begun {
            TransportError::Cut { detail }
        } else {
            TransportError::Offline { detail }
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.over.set(true);
        self.controller.abort();
    }
}

fn strange(error: &JsValue) -> TransportError {
    TransportError::Strange {
        detail: words(error),
    }
}

/// An answer whose head is there.
pub(crate) struct Received {
    response: Response,
    reader: Option<ReadableStreamDefaultReader>,
    ending: Ending,
}

impl Answer for Received {
    fn status(&self) -> u16 {
        self.response.status()
    }

    fn header(&self, name: &str) -> Option<String> {
        self.response.headers().get(name).ok().flatten()
    }

    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, TransportError> {
        let Some(reader) = &self.reader else {
            return Ok(None);
        };
        let read = JsFuture::from(reader.read())
            .await
            .map_err(|error| self.ending.failed(&error, true))?;
        let done = Reflect::get(&read, &"done".into()).is_ok_and(|done| done.is_truthy());
        if done {
            return Ok(None);
        }
        let bytes = Reflect::get(&read, &"value".into()).map_err(|error| strange(&error))?;
        Ok(Some(Uint8Array::new(&bytes).to_vec()))
    }
}

impl Fetch for BrowserFetch {
    type Answer = Received;

    async fn fetch(&self, request: &Request) -> Result<Received, TransportError> {
        let ending = Ending::new(request.timeout_ms)?;
        let headers = Headers::new().map_err(|error| strange(&error))?;
        for (name, value) in &request.headers {
            headers.set(name, value).map_err(|error| strange(&error))?;
        }
        let init = RequestInit::new();
        init.set_method(request.method);
        init.set_headers(&headers);
        // Requests are signed; the cookie of a supervisor who is signed in here is nobody's business.
        init.set_credentials(RequestCredentials::Omit);
        init.set_cache(RequestCache::NoStore);
        init.set_redirect(RequestRedirect::Error);
        init.set_signal(Some(&ending.controller.signal()));
        if let Some(body) = &request.body {
            init.set_body(&Uint8Array::from(body.as_slice()));
        }
        let sent = scope().fetch_with_str_and_init(&request.path, &init);
        let response: Response = JsFuture::from(sent)
            .await
            .map_err(|error| ending.failed(&error, false))?
            .unchecked_into();
        let reader = response
            .body()
            .map(|body| body.get_reader().unchecked_into());
        Ok(Received {
            response,
            reader,
            ending,
        })
    }

    async fn compress(&self, body: &[u8]) -> Option<(Vec<u8>, &'static str)> {
        let small = gzip(body).await.ok()?;
        (small.len() < body.len()).then_some((small, "gzip"))
    }
}

/// The body through the browser's `CompressionStream`; an error where there is none.
async fn gzip(body: &[u8]) -> Result<Vec<u8>, JsValue> {
    let constructor: js_sys::Function =
        Reflect::get(&js_sys::global(), &"CompressionStream".into())?.dyn_into()?;
    let stream = Reflect::construct(&constructor, &Array::of1(&"gzip".into()))?;
    let parts = Array::of1(&Uint8Array::from(body));
    let blob = web_sys::Blob::new_with_u8_array_sequence(&parts)?;
    let plain = blob.stream();
    let through: js_sys::Function = Reflect::get(&plain, &"pipeThrough".into())?.dyn_into()?;
    let packed = through.call1(&plain, &stream)?;
    let packed = Response::new_with_opt_readable_stream(Some(&packed.unchecked_into()))?;
    let buffer: Promise = packed.array_buffer()?;
    let buffer = JsFuture::from(buffer).await?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

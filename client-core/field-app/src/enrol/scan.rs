//! Reads a QR code with the camera, where the browser can do both.

use js_sys::{Array, Function, Object, Promise, Reflect};
use leptos::{html::Video, prelude::*};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{HtmlVideoElement, MediaStream, MediaStreamConstraints, MediaStreamTrack};

use crate::{
    browser,
    erased::{spawn, tap},
    words::t,
};

/// How often the picture is looked at, in milliseconds.
const LOOK_MS: i32 = 250;

/// Whether this browser reads codes. Others let the phone's own camera app open the link.
pub(super) fn possible() -> bool {
    browser::has("BarcodeDetector") && window().navigator().media_devices().is_ok()
}

/// The camera's picture until a code is found.
pub(super) fn scan(
    found: impl Fn(String) + Send + Sync + 'static,
    stop: impl Fn() + Send + Sync + 'static,
) -> AnyView {
    let video = NodeRef::<Video>::new();
    let failed = RwSignal::new(false);
    let stopped = StoredValue::new(false);
    on_cleanup(move || {
        // The loop below sees that this is gone, and gives the camera back.
        stopped.set_value(true);
    });
    let gone = move || stopped.try_get_value() != Some(false);
    video.on_load(move |video: HtmlVideoElement| {
        spawn(async move {
            match look(&video, gone).await {
                Ok(Some(text)) => found(text),
                Ok(None) => {}
                Err(_) => {
                    failed.try_set(true);
                }
            }
        });
    });
    let trouble = move || {
        let failed = failed.get();
        if failed {
            t(
                "Không dùng được camera. Hãy cho phép trong cài đặt của trình duyệt, hoặc gõ mã.",
                "The camera can't be used. Allow it in the browser's settings, or type the code.",
            )
        } else {
            ""
        }
    };
    view! {
        <div class="scan">
            <video node_ref=video muted=true playsinline=true aria-label=t("Hình từ camera", "The camera's picture")></video>
            <p role="alert">{trouble}</p>
            <p><button type="button" class="plain" on:click=tap(stop)>{t("Dừng quét", "Stop")}</button></p>
        </div>
    }
    .into_any()
}

fn key(name: &str) -> JsValue {
    JsValue::from_str(name)
}

/// The text of the first code that is seen; `None` when nobody wants it any more.
async fn look(
    video: &HtmlVideoElement,
    gone: impl Fn() -> bool,
) -> Result<Option<String>, JsValue> {
    let options = Object::new();
    Reflect::set(&options, &key("formats"), &Array::of1(&key("qr_code")))?;
    let detector: Function = Reflect::get(&window(), &key("BarcodeDetector"))?.dyn_into()?;
    let detector = Reflect::construct(&detector, &Array::of1(&options))?;
    let detect: Function = Reflect::get(&detector, &key("detect"))?.dyn_into()?;

    let camera = Camera::open().await?;
    video.set_src_object(Some(&camera.0));
    JsFuture::from(video.play()?).await?;
    while !gone() {
        let codes: Promise = detect.call1(&detector, video)?.dyn_into()?;
        if let Ok(codes) = JsFuture::from(codes).await {
            let first = codes.unchecked_into::<Array>().get(0);
            if first.is_object() {
                return Ok(Reflect::get(&first, &key("rawValue"))?.as_string());
            }
        }
        pause().await;
    }
    Ok(None)
}

async fn pause() {
    let mut begin = |resolve: Function, _: Function| {
        let _ = window().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, LOOK_MS);
    };
    let _ = JsFuture::from(Promise::new(&mut begin)).await;
}

/// An open camera; given back when nobody holds this any more.
struct Camera(MediaStream);

impl Camera {
    async fn open() -> Result<Self, JsValue> {
        let wanted = Object::new();
        Reflect::set(&wanted, &key("facingMode"), &key("environment"))?;
        let constraints = MediaStreamConstraints::new();
        constraints.set_video(&wanted);
        let stream = window()
            .navigator()
            .media_devices()?
            .get_user_media_with_constraints(&constraints)?;
        Ok(Self(JsFuture::from(stream).await?.dyn_into()?))
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        for track in self.0.get_tracks() {
            track.unchecked_into::<MediaStreamTrack>().stop();
        }
    }
}

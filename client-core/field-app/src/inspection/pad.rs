//! A pad to sign on with a finger, a pen or a mouse. What is drawn becomes a picture: ink on white.

use std::{cell::Cell, rc::Rc};

use js_sys::ArrayBuffer;
use leptos::{html::Canvas, prelude::*};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, CanvasRenderingContext2d, HtmlCanvasElement, PointerEvent};

use crate::{browser, erased::tap, words::t};

/// Width of the line, in pixels of the page.
const INK_PX: f64 = 2.5;

/// The pad. `take` gets the picture when somebody is content with it.
pub(super) fn pad(take: impl Fn(ArrayBuffer) + Clone + Send + 'static) -> AnyView {
    let canvas = NodeRef::<Canvas>::new();
    let drawn = RwSignal::new(false);
    canvas.on_load(move |canvas: HtmlCanvasElement| {
        // Its size on the page is known only after it was laid out.
        request_animation_frame(move || {
            if let Some(ink) = prepare(&canvas) {
                listen(&canvas, ink, drawn);
            }
        });
    });
    let clear = move || {
        if let Some(canvas) = canvas.get_untracked() {
            prepare(&canvas);
            drawn.set(false);
        }
    };
    let done = move || {
        let take = take.clone();
        if let Some(canvas) = canvas.get_untracked() {
            crate::erased::spawn(async move {
                if let Some(picture) = picture(&canvas).await {
                    take(picture);
                }
            });
        }
    };
    view! {
        <canvas node_ref=canvas class="pad" role="img" aria-label=t("Ô ký: vẽ chữ ký bằng ngón tay", "Signature pad: draw with a finger")></canvas>
        <p class="actions">
            <button type="button" disabled=move || !drawn.get() on:click=tap(done)>{t("Nhận chữ ký này", "Take this signature")}</button>
            <button type="button" class="plain" on:click=tap(clear)>{t("Xoá nét", "Clear")}</button>
        </p>
    }
    .into_any()
}

/// A white sheet as fine as the screen.
fn prepare(canvas: &HtmlCanvasElement) -> Option<CanvasRenderingContext2d> {
    let scale = window().device_pixel_ratio().clamp(1.0, 3.0);
    let area = canvas.get_bounding_client_rect();
    canvas.set_width(whole(area.width() * scale));
    canvas.set_height(whole(area.height() * scale));
    let ink: CanvasRenderingContext2d = canvas.get_context("2d").ok()??.dyn_into().ok()?;
    ink.set_fill_style_str("#fff");
    ink.fill_rect(0.0, 0.0, area.width() * scale, area.height() * scale);
    ink.set_stroke_style_str("#0b1b4d");
    ink.set_line_width(INK_PX);
    ink.set_line_cap("round");
    ink.set_line_join("round");
    Some(ink)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a few thousand pixels at most"
)]
fn whole(pixels: f64) -> u32 {
    pixels.round() as u32
}

fn listen(canvas: &HtmlCanvasElement, ink: CanvasRenderingContext2d, drawn: RwSignal<bool>) {
    let down = Rc::new(Cell::new(false));
    let act = {
        let canvas = canvas.clone();
        Closure::<dyn Fn(PointerEvent)>::new(move |event: PointerEvent| {
            let (x, y) = (f64::from(event.offset_x()), f64::from(event.offset_y()));
            match event.type_().as_str() {
                "pointerdown" => {
                    event.prevent_default();
                    let _ = canvas.set_pointer_capture(event.pointer_id());
                    down.set(true);
                    fit(&canvas, &ink);
                    ink.begin_path();
                    ink.move_to(x, y);
                    ink.line_to(x, y);
                    ink.stroke();
                    drawn.try_set(true);
                }
                "pointermove" if down.get() => {
                    event.prevent_default();
                    ink.line_to(x, y);
                    ink.stroke();
                }
                "pointerup" | "pointercancel" => down.set(false),
                _ => {}
            }
        })
    };
    for event in ["pointerdown", "pointermove", "pointerup", "pointercancel"] {
        let _ = canvas.add_event_listener_with_callback(event, act.as_ref().unchecked_ref());
    }
    // It goes with the element.
    drop(act.into_js_value());
}

/// A point of the page on the sheet, also after the phone was turned.
fn fit(canvas: &HtmlCanvasElement, ink: &CanvasRenderingContext2d) {
    let across = f64::from(canvas.width()) / f64::from(canvas.client_width().max(1));
    let down = f64::from(canvas.height()) / f64::from(canvas.client_height().max(1));
    let _ = ink.set_transform(across, 0.0, 0.0, down, 0.0, 0.0);
}

async fn picture(canvas: &HtmlCanvasElement) -> Option<ArrayBuffer> {
    let mut begin = |resolve: js_sys::Function, _: js_sys::Function| {
        let made = Closure::once_into_js(move |blob: JsValue| {
            let _ = resolve.call1(&JsValue::NULL, &blob);
        });
        let _ = canvas.to_blob_with_type(made.unchecked_ref(), "image/png");
    };
    let blob = JsFuture::from(js_sys::Promise::new(&mut begin))
        .await
        .ok()?;
    let bytes = browser::bytes_of(blob.dyn_ref::<Blob>()?).await.ok()?;
    (!browser::is_empty(&bytes)).then_some(bytes)
}

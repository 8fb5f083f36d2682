//! Closures and views without their types.
//!
//! Every closure is a type of its own, and what takes it is compiled for each. A phone has to download all of that, so closures are boxed
//! here first: one effect, one click, one list for the whole app.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use leptos::{control_flow::For, prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;
use web_sys::{Event, MouseEvent, SubmitEvent};

/// Runs now, and again whenever a signal that it read has changed.
pub(crate) fn effect(run: impl Fn() + 'static) {
    fn boxed(run: Box<dyn Fn()>) {
        Effect::new(move |_: Option<()>| run());
    }
    boxed(Box::new(run));
}

/// Runs beside everything else.
pub(crate) fn spawn(task: impl Future<Output = ()> + 'static) {
    let task: Pin<Box<dyn Future<Output = ()>>> = Box::pin(task);
    spawn_local(task);
}

/// Runs after a while.
pub(crate) fn after(delay_ms: u64, run: impl FnOnce() + 'static) {
    let run: Box<dyn FnOnce()> = Box::new(run);
    set_timeout(run, Duration::from_millis(delay_ms));
}

/// What a click does.
pub(crate) fn tap(mut act: impl FnMut() + 'static) -> Box<dyn FnMut(MouseEvent)> {
    Box::new(move |_| act())
}

/// What sending a form does; the browser does nothing of its own.
pub(crate) fn sent(mut act: impl FnMut() + 'static) -> Box<dyn FnMut(SubmitEvent)> {
    Box::new(move |event: SubmitEvent| {
        event.prevent_default();
        act();
    })
}

/// What any other event does.
pub(crate) fn heard(mut act: impl FnMut() + 'static) -> Box<dyn FnMut(Event)> {
    Box::new(move |_| act())
}

/// What typing or choosing does, with the value of the control.
pub(crate) fn typed(mut act: impl FnMut(String) + 'static) -> Box<dyn FnMut(Event)> {
    Box::new(move |event: Event| act(event_target_value(&event)))
}

/// What an event at an element does.
pub(crate) fn at<E: JsCast>(mut act: impl FnMut(E) + 'static) -> Box<dyn FnMut(Event)> {
    Box::new(move |event: Event| {
        if let Some(element) = event
            .current_target()
            .and_then(|target| target.dyn_into().ok())
        {
            act(element);
        }
    })
}

/// A part of a page that is drawn anew whenever a signal that it read has changed.
pub(crate) fn part(draw: impl FnMut() -> AnyView + Send + 'static) -> AnyView {
    let draw: Arc<Mutex<dyn FnMut() -> AnyView + Send>> = Arc::new(Mutex::new(draw));
    draw.into_any()
}

/// A part that is drawn anew when this value changes, and only then: whatever else is read while it is drawn. Forms stay what they are,
/// with what is typed in them, while the record is read again and again.
pub(crate) fn turn<T: Clone + Send + Sync + 'static>(
    value: Memo<T>,
    draw: impl Fn(T) -> AnyView + Send + 'static,
) -> AnyView {
    part(move || {
        let value = value.get();
        untrack(|| draw(value))
    })
}

/// A list whose rows stay while their keys do: what is typed in them, and where the focus is.
pub(crate) fn keyed(
    keys: impl Fn() -> Vec<String> + Send + 'static,
    row: impl Fn(String) -> AnyView + Send + Sync + 'static,
) -> AnyView {
    fn boxed(
        keys: Box<dyn Fn() -> Vec<String> + Send>,
        row: Arc<dyn Fn(String) -> AnyView + Send + Sync>,
    ) -> AnyView {
        view! { <For each=keys key=|key: &String| key.clone() children=move |key| untrack(|| row(key))/> }
            .into_any()
    }
    boxed(Box::new(keys), Arc::new(row))
}

/// Nothing.
pub(crate) fn nothing() -> AnyView {
    ().into_any()
}

/// Something, or nothing.
pub(crate) fn maybe(view: Option<AnyView>) -> AnyView {
    view.unwrap_or_else(nothing)
}

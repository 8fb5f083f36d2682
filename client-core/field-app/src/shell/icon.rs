//! Drawings: 24 by 24, in the colour of the text beside them. They say nothing that the text does not.

use leptos::prelude::*;

fn drawn(inside: &'static str) -> AnyView {
    view! { <span class="icon" aria-hidden="true" inner_html=inside></span> }.into_any()
}

/// The app's mark.
pub(super) fn mark() -> AnyView {
    drawn(
        r#"<svg class="mark" viewBox="0 0 32 32"><rect x="5" y="3" width="22" height="26" rx="3"/><path d="M10 16l4.5 4.5L22.5 11"/></svg>"#,
    )
}

/// Today.
pub(super) fn today() -> AnyView {
    drawn(
        r#"<svg viewBox="0 0 24 24"><rect x="4" y="5" width="16" height="15" rx="2"/><path d="M4 10h16M8 3v4M16 3v4M8.5 15l2.5 2.5 4.5-4.5"/></svg>"#,
    )
}

/// Units.
pub(super) fn units() -> AnyView {
    drawn(
        r#"<svg viewBox="0 0 24 24"><path d="M4 20V8l8-4 8 4v12M2.500 20h19M9 20v-5h6v5M8.500 11h1M14.500 11h1"/></svg>"#,
    )
}

/// What waits.
pub(super) fn outbox() -> AnyView {
    drawn(
        r#"<svg viewBox="0 0 24 24"><path d="M12 15V4M8 8l4-4 4 4M4 13v5a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2v-5"/></svg>"#,
    )
}

/// This device.
pub(super) fn device() -> AnyView {
    drawn(
        r#"<svg viewBox="0 0 24 24"><rect x="7" y="3" width="10" height="18" rx="2"/><path d="M11 18h2"/></svg>"#,
    )
}

//! A picture out of the book. Its address holds memory, which is given back when it is shown no more.

use leptos::prelude::*;
use sokiem_record::id::DocumentId;
use sokiem_web_messages::{Failure, ask};

use crate::{
    app::App,
    browser,
    erased::{part, spawn},
    words,
};

/// The picture of this name; until it is there, that it is being read; if it can't be, why.
pub(super) fn picture(
    app: App,
    document: DocumentId,
    hash: &str,
    alt: impl Fn() -> String + Send + Clone + 'static,
) -> AnyView {
    let address = RwSignal::new(None::<String>);
    let failure = RwSignal::new(None::<Failure>);
    on_cleanup(move || {
        if let Some(address) = address.get_untracked() {
            browser::forget(&address);
        }
    });
    if let Ok(hash) = hash.parse() {
        spawn(async move {
            match app
                .core
                .ask_with_bytes(ask::file(document, hash), None)
                .await
            {
                Ok((media_type, bytes)) => {
                    let made = bytes.and_then(|bytes| browser::address_of(&bytes, &media_type));
                    // Nobody looks any more: the address is given back at once.
                    if let Some(Some(unwanted)) = address.try_set(made) {
                        browser::forget(&unwanted);
                    }
                }
                Err(why) => {
                    failure.try_set(Some(why));
                }
            }
        });
    }
    part(move || {
        if let Some(address) = address.get() {
            let alt = alt.clone();
            return view! { <img src=address alt=alt/> }.into_any();
        }
        let text = failure.with(|failure| failure.as_ref().map(|why| words::of(&why.text)));
        view! { <span class="unseen">{text.unwrap_or_else(|| "…".to_owned())}</span> }.into_any()
    })
}

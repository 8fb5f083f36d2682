//! Where people recorded something else, listed above the form, each with the way to its field.

use leptos::prelude::*;

use super::Page;
use crate::{
    erased::{nothing, part},
    route::Section,
    words::{self, t},
};

/// The list; nothing where nobody differs.
pub(super) fn differences(page: Page) -> AnyView {
    let paths = Memo::new(move |_| {
        page.form.record.with(|record| {
            let conflicts = record.as_ref().map_or(&[][..], |one| &one.conflicts);
            conflicts
                .iter()
                .map(|one| one.path.clone())
                .collect::<Vec<_>>()
        })
    });
    part(move || {
        let paths = paths.get();
        if paths.is_empty() {
            return nothing();
        }
        let link = |path: &sokiem_record::schema::Path| {
            let section = Section::of_path(path.as_str());
            let to = page.route(section, Some(path.as_str().to_owned()));
            view! { <li><a href=to.to_string()>{words::label(path)}</a></li> }.into_any()
        };
        let links: Vec<_> = paths.iter().map(link).collect();
        view! {
            <div class="notice">
                <p><strong>{t("Có chỗ ghi khác nhau, cần chọn:", "People recorded different values; settle them:")}</strong></p>
                <ul class="about-findings">{links}</ul>
            </div>
        }
        .into_any()
    })
}

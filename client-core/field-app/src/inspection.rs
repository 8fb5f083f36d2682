//! The inspection form: the minutes of one visit, driven by the criteria set.

mod differences;
mod evidence;
mod feedback;
mod findings;
mod finish;
mod item;
mod items;
mod minutes;
mod pad;
mod photos;
mod picture;
mod signatures;

pub(crate) use evidence::of_file;

use leptos::prelude::*;
use sokiem_record::{
    id::{DocumentId, Kind},
    missing::Lack,
};
use sokiem_web_messages::{
    answer::{self, SheetAnswer, SheetItem},
    ask,
};

use crate::{
    app::App,
    browser::fresh_operation,
    erased::{maybe, nothing, part, turn},
    form::{Form, elements},
    route::{Route, Section},
    shell::{failure_of, waiting},
    words::{self, t},
};

/// One inspection. Copies are the same one.
#[derive(Clone, Copy)]
pub(crate) struct Page {
    /// The record, as it is edited.
    pub(crate) form: Form,
    /// Everything that was read with it.
    pub(crate) read: RwSignal<Option<answer::Inspection>>,
}

impl Page {
    /// Looks at what was read.
    fn look<T: Default>(self, see: impl FnOnce(&answer::Inspection) -> T) -> T {
        self.read
            .with(|read| read.as_ref().map(see).unwrap_or_default())
    }

    /// The criteria: of the set or, where it is not on this device, the codes that the record has.
    fn items(self) -> Vec<SheetItem> {
        let sheet = self.look(|read| read.sheet.as_ref().map(|sheet| sheet.items.clone()));
        sheet.unwrap_or_else(|| {
            let codes = elements::keys(self.form, "items", false);
            codes.into_iter().map(unknown).collect()
        })
    }

    /// Whether it was finished and reads differently since: then no device's signature stands over it.
    fn is_changed(self) -> bool {
        self.look(|read| {
            let mut missing = read.missing.iter();
            missing.any(|one| one.lack == Lack::NoDeviceSignature)
        })
    }

    /// The sections of this inspection.
    fn route(self, section: Section, at: Option<String>) -> Route {
        Route::Inspection {
            id: self.form.document,
            section,
            at,
        }
    }
}

/// A criterion of which only the code is known.
fn unknown(code: String) -> SheetItem {
    SheetItem {
        vi: code.clone(),
        code,
        en: String::new(),
        answer: SheetAnswer::Unknown,
        required: false,
        not_applicable_allowed: true,
        evidence: Vec::new(),
    }
}

/// How a section is called.
fn section_name(section: Section) -> &'static str {
    match section {
        Section::Minutes => t("Biên bản", "Minutes"),
        Section::Items => t("Tiêu chí", "Criteria"),
        Section::Findings => t("Tồn tại", "Findings"),
        Section::Closing => t("Ý kiến, ký", "Signing"),
        Section::Finish => t("Kết thúc", "Finish"),
    }
}

/// The page.
pub(crate) fn page(app: App, id: DocumentId) -> AnyView {
    let form = Form::new(app, id, Kind::Inspection);
    let page = Page {
        form,
        read: RwSignal::new(None),
    };
    provide_context(page);
    let failure = form.read(
        move || ask::inspection(id),
        move |read: answer::Inspection| {
            form.record.try_set(Some(read.record.clone()));
            page.read.try_set(Some(read));
        },
    );
    let there = Memo::new(move |_| page.read.with(Option::is_some));
    let section = Memo::new(move |_| match app.route.get() {
        Route::Inspection { section, .. } => section,
        _ => Section::Items,
    });
    let body = turn(there, move |there| {
        if !there {
            return part(move || match failure.with(Option::is_some) {
                true => nothing(),
                false => waiting(),
            });
        }
        view! {
            {head(page)}
            {feedback::of_record(page)}
            {differences::differences(page)}
            {sections(page, section)}
            <div class="section">{turn(section, move |section| drawn(page, section))}</div>
        }
        .into_any()
    });
    view! {
        <h1 tabindex="-1">{move || page.look(|read| read.unit_title.clone())}</h1>
        {failure_of(failure)}
        {body}
    }
    .into_any()
}

fn head(page: Page) -> AnyView {
    let form = page.form;
    let about = move || {
        let mut parts = Vec::new();
        parts.extend(page.look(|read| {
            let sheet = read.sheet.as_ref()?;
            let english = words::is_english() && !sheet.title_en.is_empty();
            Some(if english {
                sheet.title_en.clone()
            } else {
                sheet.title_vi.clone()
            })
        }));
        let day = form.text("inspected_on");
        if !day.is_empty() {
            parts.push(words::date(&day));
        }
        parts.push(match (form.text("finished") == "true", page.is_changed()) {
            (true, true) => {
                t("đã sửa sau khi kết thúc", "changed after it was finished").to_owned()
            }
            (true, false) => words::word("finished"),
            (false, _) => words::word("draft"),
        });
        parts.join(" · ")
    };
    let saved = part(move || {
        let (saving, saved_ms) = (form.is_saving(), form.saved_ms.get());
        let text = match (saving, saved_ms) {
            (true, _) => t("đang lưu…", "saving…").to_owned(),
            (false, Some(_)) => t("đã lưu trong máy", "saved on this device").to_owned(),
            (false, None) => return nothing(),
        };
        view! { <span class="saved">{text}</span> }.into_any()
    });
    let locked = part(move || {
        let locked = form
            .record
            .with(|record| record.as_ref().is_some_and(|one| !one.writable));
        maybe(locked.then(|| {
            view! { <p class="notice">{t("Máy này chỉ xem được hồ sơ này, không ghi được.", "This device can read this record, not write it.")}</p> }.into_any()
        }))
    });
    let unit = form
        .text("unit")
        .parse()
        .map(|unit| Route::Unit(unit).to_string());
    let history = Route::History(form.document).to_string();
    view! {
        <p class="quiet">{about} " " {saved}</p>
        <p class="links">
            {unit.ok().map(|to| view! { <a href=to>{t("Trang đơn vị", "The unit")}</a> })}
            <a href=history>{t("Lịch sử ghi", "History")}</a>
        </p>
        {locked}
    }
    .into_any()
}

/// The sections, with how far each has come.
fn sections(page: Page, now: Memo<Section>) -> AnyView {
    let link = |section: Section| {
        let to = page.route(section, None).to_string();
        let count = Memo::new(move |_| count(page, section));
        view! {
            <li><a href=to aria-current=move || (now.get() == section).then_some("true")>
                <span>{section_name(section)}</span> <span class="count-of">{move || count.get()}</span>
            </a></li>
        }
        .into_any()
    };
    let links: Vec<_> = Section::ALL.into_iter().map(link).collect();
    view! { <nav class="sections" aria-label=t("Các phần của biên bản", "Parts of the minutes")><ul>{links}</ul></nav> }.into_any()
}

fn count(page: Page, section: Section) -> Option<String> {
    let form = page.form;
    match section {
        Section::Items => {
            let (answered, asked) = items::progress(page);
            Some(format!("{answered}/{asked}"))
        }
        Section::Findings => some(elements::keys(form, "findings", false).len()),
        Section::Closing => some(signatures::count(form)),
        Section::Finish => {
            some(page.look(|read| read.missing.iter().filter(|one| one.must).count()))
        }
        Section::Minutes => None,
    }
}

fn some(count: usize) -> Option<String> {
    (count > 0).then(|| count.to_string())
}

/// A section with its heading and the way to the next one.
fn drawn(page: Page, section: Section) -> AnyView {
    let content = match section {
        Section::Minutes => minutes::section(page),
        Section::Items => items::section(page),
        Section::Findings => findings::section(page),
        Section::Closing => signatures::section(page),
        Section::Finish => finish::section(page),
    };
    let mut rest = Section::ALL.into_iter().skip_while(|one| *one != section);
    let next = rest.nth(1).map(|next| {
        let to = page.route(next, None).to_string();
        view! { <p class="next"><a class="button plain" href=to>{t("Tiếp: ", "Next: ")} {section_name(next)} " →"</a></p> }
            .into_any()
    });
    view! {
        <h2 tabindex="-1" data-section-title="">{section_name(section)}</h2>
        {content}
        {maybe(next)}
    }
    .into_any()
}

/// A deed of its own: asked for twice, it is done once.
fn operation() -> uuid::Uuid {
    fresh_operation()
}

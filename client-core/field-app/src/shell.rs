//! What stands around every page: the lock before the book, and in it the status, the tabs and what is offered.

pub(crate) mod focus;
mod icon;
mod offers;
pub(crate) mod status;
mod tabs;

use leptos::prelude::*;
use sokiem_web_messages::{Failure, session::Lock};

use crate::{
    app::App,
    device, enrol,
    erased::{part, tap, turn},
    history, idle, inspection, new_unit, outbox, pin,
    route::Route,
    today, unit, units,
    words::{self, t},
};

/// How far one has come: before the book is open there is no page to show.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Starting,
    Broken,
    Erased,
    Begin,
    Locked,
    Enrol,
    Book,
}

fn stage(app: App) -> Stage {
    let session = app.core.session.with(|session| {
        let session = session.as_ref()?;
        Some((session.lock, session.erased.is_some()))
    });
    let Some((lock, gone)) = session else {
        return match app.core.broken.with(Option::is_some) {
            true => Stage::Broken,
            false => Stage::Starting,
        };
    };
    let (known, enrolled, erased) = app.core.status.with(|status| match status {
        Some(status) => (true, status.enrolled, gone || status.erased.is_some()),
        None => (false, false, gone),
    });
    let again = app.route.with(|route| matches!(route, Route::Enrol(_)));
    match lock {
        Lock::None if erased && !again => Stage::Erased,
        Lock::None => Stage::Begin,
        Lock::Locked => Stage::Locked,
        Lock::Open if !known => Stage::Starting,
        Lock::Open if enrolled => Stage::Book,
        Lock::Open if erased && !again => Stage::Erased,
        Lock::Open => Stage::Enrol,
    }
}

/// The whole app.
pub(crate) fn shell(app: App) -> AnyView {
    idle::watch(app);
    focus::follow(app);
    let stage = Memo::new(move |_| stage(app));
    part(move || {
        app.language.track();
        turn(stage, move |stage| match stage {
            Stage::Starting => alone(waiting()),
            Stage::Broken => alone(
                app.core
                    .broken
                    .with_untracked(|failure| failure.as_ref().map_or_else(waiting, broken)),
            ),
            Stage::Erased => alone(erased(app)),
            Stage::Begin => alone(pin::begin(app)),
            Stage::Locked => alone(pin::unlock(app)),
            Stage::Enrol => alone(enrol::page(app, Some(enrol::code_of(app)))),
            Stage::Book => book(app),
        })
    })
}

/// A page before the book is open.
fn alone(page: AnyView) -> AnyView {
    view! {
        <div class="alone">
            <p class="brand" aria-hidden="true">{icon::mark()} "Sổ Kiểm"</p>
            <main id="main" tabindex="-1">{page}</main>
        </div>
    }
    .into_any()
}

fn book(app: App) -> AnyView {
    // A section of an inspection is another place on the same page: it is not drawn anew.
    let page = Memo::new(move |_| app.route.get().page());
    view! {
        <button class="skip" on:click=tap(focus::main)>{t("Tới nội dung", "To the content")}</button>
        <header class="bar">
            <a class="brand" href="#/today">{icon::mark()} <span>"Sổ Kiểm"</span></a>
            {status::line(app)}
        </header>
        {offers::offers(app)}
        <main id="main" tabindex="-1">{turn(page, move |page| shown(app, page))}</main>
        {tabs::tabs(app)}
    }
    .into_any()
}

fn shown(app: App, page: Route) -> AnyView {
    match page {
        Route::Today => today::page(app),
        Route::Units => units::page(app),
        Route::NewUnit => new_unit::page(app),
        Route::Unit(id) => unit::page(app, id),
        Route::Inspection { id, .. } => inspection::page(app, id),
        Route::History(id) => history::page(app, id),
        Route::Outbox => outbox::page(app),
        Route::Device => device::page(app),
        Route::Enrol(code) => enrol::page(app, Some(code)),
        Route::Unknown => view! {
            <h1 tabindex="-1">{t("Không có trang này", "There is no such page")}</h1>
            <p><a class="button" href="#/today">{t("Về trang hôm nay", "To today's page")}</a></p>
        }
        .into_any(),
    }
}

/// While something is read.
pub(crate) fn waiting() -> AnyView {
    view! { <p class="quiet" role="status">{t("Đang mở…", "Opening…")}</p> }.into_any()
}

/// Why something could not be done, and what to do.
pub(crate) fn failed(failure: &Failure) -> AnyView {
    view! { <div class="wrong" role="alert"><p>{words::of(&failure.text)}</p></div> }.into_any()
}

/// Why the last attempt of something failed, if it did.
pub(crate) fn failure_of(failure: RwSignal<Option<Failure>>) -> AnyView {
    part(move || failure.with(|failure| crate::erased::maybe(failure.as_ref().map(failed))))
}

fn broken(failure: &Failure) -> AnyView {
    view! {
        <h1 tabindex="-1">{t("Chưa mở được sổ", "The book could not be opened")}</h1>
        {failed(failure)}
        <p><button on:click=tap(reload)>{t("Tải lại trang", "Reload the page")}</button></p>
    }
    .into_any()
}

/// Begins anew; the book lies in the browser and stays.
pub(crate) fn reload() {
    let _ = window().location().reload();
}

fn erased(app: App) -> AnyView {
    let of_book = app
        .core
        .status
        .with_untracked(|status| status.as_ref()?.erased.clone());
    let about = of_book.or_else(|| {
        app.core
            .session
            .with_untracked(|session| session.as_ref()?.erased.clone())
    });
    let (at, unsent) = about
        .map(|erased| (words::moment(erased.at_ms), erased.unsent))
        .unwrap_or_default();
    let lost = (unsent > 0).then(|| {
        let lead = t(
            "Số thay đổi chưa kịp gửi và đã mất: ",
            "Changes that could not be sent and are gone: ",
        );
        view! { <p class="notice">{lead} <strong>{unsent}</strong></p> }.into_any()
    });
    view! {
        <h1 tabindex="-1">{t("Dữ liệu trên máy này đã được xoá", "This device was erased")}</h1>
        <p>{t(
            "Quản trị viên đã yêu cầu xoá dữ liệu trên máy này. Máy không còn giữ hồ sơ nào.",
            "An administrator asked for it. No record is left on this device.",
        )}</p>
        <p class="quiet">{at}</p>
        {lost}
        <p><a class="button" href="#/enrol/">{t("Ghi danh lại máy này", "Enrol this device again")}</a></p>
    }
    .into_any()
}

//! How the synchronisation stands, in one line that is always there. It says "synced" of nothing but what both sides were shown to hold.

use leptos::prelude::*;
use sokiem_web_messages::session::Status;

use crate::{
    app::App,
    erased::part,
    words::{self, errors, t},
};

/// The colour of the line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tone {
    Good,
    Busy,
    Waits,
    Bad,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Tone::Good => "status good",
            Tone::Busy => "status busy",
            Tone::Waits => "status waits",
            Tone::Bad => "status bad",
        }
    }
}

/// What waits, in words; `None` when nothing does.
pub(crate) fn waits(status: &Status) -> Option<String> {
    let mut parts = Vec::new();
    if status.pending > 0 {
        parts.push(format!("{} {}", status.pending, t("thay đổi", "changes")));
    }
    if status.attachments.waiting > 0 {
        parts.push(format!(
            "{} {}",
            status.attachments.waiting,
            t("ảnh", "photos")
        ));
    }
    (!parts.is_empty()).then(|| format!("{} {}", parts.join(", "), t("chờ gửi", "to be sent")))
}

/// When everything was last shown to be on both sides, in words.
pub(crate) fn verified(status: &Status) -> String {
    match status.last_verified_ms {
        Some(ms) => format!("{} {}", t("đã đồng bộ lúc", "synced at"), words::moment(ms)),
        None => t("chưa đồng bộ lần nào", "never synced").to_owned(),
    }
}

fn tone(status: &Status) -> Tone {
    let refused = status.refused + status.attachments.refused > 0;
    let stopped = status.last_error.as_ref().is_some_and(|one| !one.retryable);
    if refused || stopped {
        Tone::Bad
    } else if status.syncing {
        Tone::Busy
    } else if waits(status).is_some() || status.last_error.is_some() {
        Tone::Waits
    } else if status.last_verified_ms.is_some() {
        Tone::Good
    } else {
        Tone::Waits
    }
}

/// The line, in words.
pub(crate) fn words_of(status: &Status) -> String {
    let refused = status.refused + status.attachments.refused;
    let mut parts = Vec::new();
    if refused > 0 {
        parts.push(format!("{refused} {}", t("bị từ chối", "refused")));
    }
    parts.extend(waits(status));
    if status.syncing {
        parts.push(t("đang đồng bộ…", "syncing…").to_owned());
    } else if let Some(failure) = &status.last_error {
        parts.push(errors::short(failure).to_owned());
    }
    if parts.is_empty() {
        return words::capital(&verified(status));
    }
    words::capital(&parts.join(" · "))
}

/// The line in the head of every page; it leads to what waits.
pub(super) fn line(app: App) -> AnyView {
    let line = Memo::new(move |_| {
        app.core.status.with(|status| {
            status
                .as_ref()
                .map(|status| (tone(status).class(), words_of(status)))
        })
    });
    // A screen reader hears when the state turns, not each change that joins those that wait.
    let heard = Memo::new(move |_| {
        app.core.status.with(|status| {
            let status = status.as_ref()?;
            Some(match (tone(status), &status.last_error) {
                (_, Some(failure)) => errors::short(failure),
                (Tone::Good, _) => t("đã đồng bộ", "synced"),
                (Tone::Busy, _) => t("đang đồng bộ", "syncing"),
                (Tone::Waits, _) => t("có thay đổi chờ gửi", "changes are to be sent"),
                (Tone::Bad, _) => t("có mục bị từ chối", "something was refused"),
            })
        })
    });
    view! {
        {part(move || {
            let (class, words) = line.get().unwrap_or(("status", String::new()));
            view! { <a class=class href="#/outbox"><span class="dot" aria-hidden="true"></span>{words}</a> }.into_any()
        })}
        <span class="heard" role="status">{move || heard.get().unwrap_or_default()}</span>
    }
    .into_any()
}

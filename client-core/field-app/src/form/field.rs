//! One field of a record: what is recorded, what is being typed, and whether that is saved.

use leptos::prelude::*;
use sokiem_record::{
    edit::Edit,
    schema::{self, FieldType, Path, Place},
};
use sokiem_web_messages::Failure;

use super::{Form, inside, raw};
use crate::{
    app::Draft,
    erased::{after, effect, nothing, part, spawn, tap},
    words::{self, t},
};

/// How long a pause in typing is, in milliseconds.
const PAUSE_MS: u64 = 600;

/// How a field stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It shows what is recorded.
    Read,
    /// Something was typed that is not on its way yet.
    Typed,
    /// A save is on its way.
    Saving,
    /// What it shows was saved from here.
    Saved,
    /// What it shows could not be saved.
    Failed(Failure),
}

/// A field. Copies are the same one.
#[derive(Clone, Copy)]
pub(crate) struct Field {
    /// The record.
    pub(crate) form: Form,
    /// Its type.
    pub(crate) kind: FieldType,
    /// What its control holds.
    pub(crate) text: RwSignal<String>,
    /// How it stands.
    pub(crate) state: RwSignal<State>,
    path: StoredValue<Path>,
    /// The state of the record that `text` was taken from.
    base: StoredValue<Option<Vec<String>>>,
    /// Rises with every stroke.
    strokes: StoredValue<u32>,
}

impl Field {
    /// The field at a path; `None` when the schema has none there.
    pub(crate) fn new(form: Form, path: &str) -> Option<Self> {
        let path: Path = path.parse().ok()?;
        let Some(Place::Field(kind)) = schema::place(form.kind, &path) else {
            return None;
        };
        let field = Self {
            form,
            kind,
            text: RwSignal::new(String::new()),
            state: RwSignal::new(State::Read),
            path: StoredValue::new(path),
            base: StoredValue::new(None),
            strokes: StoredValue::new(0),
        };
        field.take_draft();
        field.follow();
        // A page that goes away takes nothing with it.
        on_cleanup(move || field.save());
        Some(field)
    }

    /// The path as text.
    pub(crate) fn path(self) -> String {
        self.path
            .try_with_value(|path| path.as_str().to_owned())
            .unwrap_or_default()
    }

    /// What was typed here before and could not be saved.
    fn take_draft(self) {
        let path = self.path();
        let draft = self.form.app.drafts.with_untracked(|drafts| {
            let mut drafts = drafts.iter();
            drafts
                .find(|one| one.document == self.form.document && one.path == path)
                .cloned()
        });
        if let Some(draft) = draft {
            self.text.set(draft.text);
            self.base.set_value(draft.base);
            self.state.set(State::Failed(draft.failure));
        }
    }

    /// Shows what is recorded, while nobody types.
    fn follow(self) {
        effect(move || {
            self.form.record.with(|record| {
                let Some(record) = record else { return };
                if !matches!(self.state.get_untracked(), State::Read | State::Saved) {
                    return;
                }
                let recorded = self
                    .path
                    .with_value(|path| inside(&record.fields, path.as_str()).map(raw::of_json));
                let recorded = recorded.unwrap_or_default();
                if self.text.with_untracked(|text| *text != recorded) {
                    self.text.set(recorded);
                }
                self.base.set_value(Some(record.heads.clone()));
            });
        });
    }

    /// Something was typed: it is saved after a pause.
    pub(crate) fn type_in(self, text: String) {
        self.put(text);
        let stroke = self.strokes.get_value();
        after(PAUSE_MS, move || {
            if self.strokes.try_get_value() == Some(stroke) {
                self.save();
            }
        });
    }

    /// Something was chosen: it is saved at once.
    pub(crate) fn choose(self, text: String) {
        self.put(text);
        self.save();
    }

    fn put(self, text: String) {
        self.text.set(text);
        self.strokes
            .update_value(|strokes| *strokes = strokes.wrapping_add(1));
        if self.state.with_untracked(|state| *state != State::Saving) {
            self.state.set(State::Typed);
        }
        self.form.app.typing.set_value(Some(self));
    }

    /// Saves what was typed, unless that is done already. What is typed while a save is on its way goes with the next one.
    pub(crate) fn save(self) {
        let waits = self
            .state
            .try_with_untracked(|state| matches!(state, State::Typed | State::Failed(_)));
        if waits == Some(true) {
            self.send();
        }
    }

    fn send(self) {
        let text = self.text.get_untracked();
        let base = self.base.with_value(Clone::clone);
        let edit = match self.edit(&text) {
            Ok(edit) => edit,
            Err(failure) => return self.fail(&self.path(), text, base, failure),
        };
        let path = self.path();
        self.state.set(State::Saving);
        spawn(async move {
            let saved = self.form.write(base.clone(), vec![edit], None).await;
            match saved {
                Ok(_) => self.saved(&path, &text),
                Err(failure) => self.fail(&path, text, base, failure),
            }
        });
    }

    fn edit(self, text: &str) -> Result<Edit, Failure> {
        let path = self.path.get_value();
        if self.kind == FieldType::Text {
            let text = text.to_owned();
            return Ok(Edit::Text { path, text });
        }
        let value = raw::to_json(self.kind, text)?;
        Ok(Edit::Set { path, value })
    }

    fn saved(self, path: &str, text: &str) {
        self.drop_draft(path);
        match self.text.try_with_untracked(|now| now == text) {
            Some(true) => {
                self.state.set(State::Saved);
            }
            // More was typed meanwhile.
            Some(false) => {
                self.state.set(State::Typed);
                self.send();
            }
            // The page has gone; what was typed last was saved when it went.
            None => {}
        }
    }

    fn fail(self, path: &str, text: String, base: Option<Vec<String>>, failure: Failure) {
        self.drop_draft(path);
        self.form.app.drafts.update(|drafts| {
            drafts.push(Draft {
                document: self.form.document,
                path: path.to_owned(),
                text,
                base,
                failure: failure.clone(),
            });
        });
        self.state.try_set(State::Failed(failure));
    }

    fn drop_draft(self, path: &str) {
        let document = self.form.document;
        let is_it = move |one: &Draft| one.document == document && one.path == path;
        if self
            .form
            .app
            .drafts
            .with_untracked(|drafts| drafts.iter().any(is_it))
        {
            self.form
                .app
                .drafts
                .update(|drafts| drafts.retain(|one| !is_it(one)));
        }
    }

    /// Throws away what could not be saved, and shows what is recorded.
    fn give_up(self) {
        self.drop_draft(&self.path());
        self.state.set(State::Read);
        self.text.set(self.form.record.with_untracked(|record| {
            let recorded = record.as_ref().and_then(|record| {
                self.path
                    .with_value(|path| inside(&record.fields, path.as_str()).map(raw::of_json))
            });
            recorded.unwrap_or_default()
        }));
        self.base.set_value(self.form.heads());
    }

    /// Whether what it shows is saved, in a few words; where it could not be, why, and what can be done.
    pub(crate) fn mark(self) -> AnyView {
        part(move || {
            self.state.with(|state| match state {
                State::Read => nothing(),
                State::Typed => quiet("…"),
                State::Saving => quiet(t("đang lưu…", "saving…")),
                State::Saved => quiet(t("đã lưu", "saved")),
                State::Failed(failure) => self.trouble(failure),
            })
        })
    }

    fn trouble(self, failure: &Failure) -> AnyView {
        view! {
            <div class="wrong" role="alert">
                <p>{t("Chưa lưu được. ", "Not saved. ")} {words::of(&failure.text)}</p>
                <button type="button" on:click=tap(move || self.save())>{t("Thử lại", "Try again")}</button>
                <button type="button" class="plain" on:click=tap(move || self.give_up())>{t("Bỏ điều vừa gõ", "Drop what was typed")}</button>
            </div>
        }
        .into_any()
    }
}

fn quiet(text: &'static str) -> AnyView {
    view! { <span class="saved">{text}</span> }.into_any()
}

//! The controls of fields, one for each type of the schema.

mod time;

use leptos::prelude::*;
use sokiem_record::{
    limits::{MAX_LINE_CHARS, MAX_TEXT_CHARS},
    schema::FieldType,
};

use super::{
    Form, conflict,
    field::{Field, State},
    place, show,
};
use crate::{
    erased::{maybe, nothing, part, turn, typed},
    shell::focus::anchor,
    words::{self, t},
};

/// At most so many choices stand side by side; more are a list that opens.
const SIDE_BY_SIDE: usize = 4;

/// What is shown of a field at the moment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Read,
    Settle,
    Write,
}

/// A field with its label: a control where it may be written, its value where it may not, the sides where
/// people differ.
pub(crate) fn field(form: Form, path: &str, label: impl Into<String>) -> AnyView {
    match Field::new(form, path) {
        Some(field) => labelled(field, label.into()),
        None => nothing(),
    }
}

/// A field under the name that the schema's labels give its last key.
pub(crate) fn named(form: Form, path: &str) -> AnyView {
    let key = path.rsplit('/').next().unwrap_or(path);
    field(form, path, words::title(key))
}

fn labelled(field: Field, label: String) -> AnyView {
    let path = field.path();
    let id = format!("i-{path}");
    let grouped = matches!(field.kind, FieldType::Bool)
        || matches!(field.kind, FieldType::Choice(words) if words.len() <= SIDE_BY_SIDE)
        || field.kind == FieldType::Geo;
    let label = if grouped {
        let id = format!("l-{path}");
        view! { <span class="label" id=id>{label}</span> }.into_any()
    } else {
        let to = id.clone();
        view! { <label for=to>{label}</label> }.into_any()
    };
    view! {
        <div class="field" id=anchor(&path) tabindex="-1">
            <p class="head">{label} {field.mark()}</p>
            {body(field, id)}
        </div>
    }
    .into_any()
}

/// What lies under a field's label.
pub(crate) fn body(field: Field, id: String) -> AnyView {
    let form = field.form;
    let path = field.path();
    let mode = {
        let path = path.clone();
        Memo::new(
            move |_| match (conflict::is_at(form, &path), form.writable()) {
                (true, _) => Mode::Settle,
                (false, true) => Mode::Write,
                (false, false) => Mode::Read,
            },
        )
    };
    turn(mode, move |mode| match mode {
        Mode::Settle => {
            view! { {typed_before(field)} {conflict::sides(form, path.clone())} }.into_any()
        }
        Mode::Write => control(field, &id),
        Mode::Read => read(field),
    })
}

/// What was typed when it came out that others had recorded something else.
fn typed_before(field: Field) -> AnyView {
    part(move || {
        let failed = field.state.with(|state| matches!(state, State::Failed(_)));
        let typed = failed.then(|| {
            view! { <p>{t("Điều vừa gõ: ", "What was typed: ")} <span class="words">{field.text.get()}</span></p> }.into_any()
        });
        maybe(typed)
    })
}

fn read(field: Field) -> AnyView {
    let text = move || {
        let path = field.path();
        field
            .form
            .look(&path, |value| show::of_type(Some(field.kind), value))
    };
    if field.kind == FieldType::Geo {
        return part(move || field.text.with(|uri| place::shown(uri)));
    }
    view! { <p class="value">{text}</p> }.into_any()
}

fn control(field: Field, id: &str) -> AnyView {
    match field.kind {
        FieldType::Choice(words) if words.len() <= SIDE_BY_SIDE => {
            let choices = words
                .iter()
                .map(|word| (*word, words::title(word)))
                .collect();
            radios(field, choices, true)
        }
        FieldType::Choice(words) => select(field, id, words),
        FieldType::Bool => {
            let choices = vec![
                ("true", t("Có", "Yes").to_owned()),
                ("false", t("Không", "No").to_owned()),
            ];
            radios(field, choices, true)
        }
        FieldType::Text | FieldType::Block => area(field, id),
        FieldType::Date => time::date(field, id),
        FieldType::TimeMs => time::moment(field, id),
        FieldType::Geo => place::control(field),
        FieldType::Integer => line(field, id, "numeric"),
        FieldType::Number => line(field, id, "decimal"),
        FieldType::Line => line(field, id, keyboard(&field.path())),
        FieldType::Uuid | FieldType::ContentHash => read(field),
    }
}

fn keyboard(path: &str) -> &'static str {
    if path == "phone" { "tel" } else { "text" }
}

fn line(field: Field, id: &str, keyboard: &'static str) -> AnyView {
    view! {
        <input id=id.to_owned() type="text" inputmode=keyboard autocomplete="off" maxlength=MAX_LINE_CHARS.to_string()
            prop:value=move || field.text.get()
            on:input=typed(move |text| field.type_in(text)) on:change=typed(move |_| field.save())/>
    }
    .into_any()
}

/// Several lines.
pub(crate) fn area(field: Field, id: &str) -> AnyView {
    view! {
        <textarea id=id.to_owned() rows="2" maxlength=MAX_TEXT_CHARS.to_string()
            prop:value=move || field.text.get()
            on:input=typed(move |text| field.type_in(text)) on:change=typed(move |_| field.save())></textarea>
    }
    .into_any()
}

/// Choices side by side, as large as a thumb. `blank` adds one for "nothing said".
pub(crate) fn radios(
    field: Field,
    mut choices: Vec<(&'static str, String)>,
    blank: bool,
) -> AnyView {
    if blank {
        choices.push(("", t("Chưa ghi", "Not said").to_owned()));
    }
    let name = format!("r-{}", field.path());
    let choice = |(value, label): (&'static str, String)| {
        let name = name.clone();
        view! {
            <label class=format!("choice {}", if value.is_empty() { "blank" } else { value })>
                <input type="radio" name=name value=value
                    prop:checked=move || field.text.with(|text| text == value)
                    on:change=typed(move |_| field.choose(value.to_owned()))/>
                <span>{label}</span>
            </label>
        }
        .into_any()
    };
    let choices: Vec<_> = choices.into_iter().map(choice).collect();
    let label = format!("l-{}", field.path());
    view! { <div class="choices" role="radiogroup" aria-labelledby=label>{choices}</div> }
        .into_any()
}

fn select(field: Field, id: &str, choices: &'static [&'static str]) -> AnyView {
    let option = |value: &'static str| {
        let label = match value {
            "" => t("– chưa ghi –", "– not said –").to_owned(),
            word => words::title(word),
        };
        view! { <option value=value selected=move || field.text.with(|text| text == value)>{label}</option> }.into_any()
    };
    let options: Vec<_> = [""]
        .iter()
        .chain(choices)
        .map(|word| option(word))
        .collect();
    view! { <select id=id.to_owned() on:change=typed(move |text| field.choose(text))>{options}</select> }
        .into_any()
}

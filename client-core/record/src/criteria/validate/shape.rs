//! Whether a file has the keys that a set has, with values of the right type.
//!
//! Reading into the Rust types would stop at the first wrong key and name no item. This walk names
//! them all; what passes it can be read.

use toml::{Table, Value};

use super::Faults;
use crate::criteria::AskedWhen;

/// What a value has to be.
enum Shape {
    Text,
    Texts,
    Whole,
    Number,
    Flag,
    Word(&'static [&'static str]),
    Words(&'static [&'static str]),
    Table(&'static [Key]),
    /// A table whose `type` says which other keys it has.
    Answer,
    /// The list of items.
    Items,
}

/// A key, whether it has to be there, and its value.
type Key = (&'static str, bool, Shape);

const SET: &[Key] = &[
    ("code", true, Shape::Text),
    ("version", true, Shape::Whole),
    ("regime", true, Shape::Text),
    ("title_vi", true, Shape::Text),
    ("title_en", true, Shape::Text),
    (
        "purpose",
        true,
        Shape::Word(&["recognition", "classification", "inspection"]),
    ),
    ("unit_kinds", true, Shape::Words(crate::schema::UNIT_KINDS)),
    ("valid_from", true, Shape::Text),
    ("valid_to", false, Shape::Text),
    (
        "window",
        true,
        Shape::Word(&["november_to_november", "school_year", "campaign"]),
    ),
    ("complete", true, Shape::Flag),
    ("note", false, Shape::Text),
    ("items", true, Shape::Items),
];

const ITEM: &[Key] = &[
    ("code", true, Shape::Text),
    ("vi", true, Shape::Text),
    ("en", true, Shape::Text),
    ("answer", true, Shape::Answer),
    (
        "asked_when",
        false,
        Shape::Table(&[
            ("item", true, Shape::Text),
            ("answer", true, Shape::Words(AskedWhen::ANSWERS)),
        ]),
    ),
    ("required", true, Shape::Flag),
    ("not_applicable_allowed", true, Shape::Flag),
    ("evidence", false, Shape::Texts),
    (
        "citation",
        true,
        Shape::Table(&[
            ("source", true, Shape::Text),
            (
                "verification",
                true,
                Shape::Word(&["read", "partial", "press", "unsure", "own"]),
            ),
            ("note", false, Shape::Text),
        ]),
    ),
];

const ANSWERS: &[(&str, &[Key])] = &[
    ("pass_fail", &[TYPE]),
    (
        "measured",
        &[
            TYPE,
            ("unit", true, Shape::Text),
            ("min", false, Shape::Number),
            ("max", false, Shape::Number),
        ],
    ),
    ("points", &[TYPE, ("max", true, Shape::Number)]),
];
const TYPE: Key = (
    "type",
    true,
    Shape::Word(&["pass_fail", "measured", "points"]),
);

/// Notes every key that is missing, unknown, or of the wrong type.
pub(super) fn check(set: &Table, faults: &mut Faults<'_>) {
    table(set, SET, "", None, faults);
}

fn table(table: &Table, keys: &[Key], within: &str, item: Option<&str>, faults: &mut Faults<'_>) {
    for (key, required, shape) in keys {
        let path = format!("{within}{key}");
        match table.get(*key) {
            Some(found) => value(found, shape, &path, item, faults),
            None if *required => {
                let (vi, en) = (format!("thiếu {path}"), format!("{path} is missing"));
                faults.add_at(item, &path, vi, en);
            }
            None => {}
        }
    }
    for key in table.keys() {
        if keys.iter().all(|(known, ..)| known != key) {
            faults.add_at(
                item,
                &format!("{within}{key}"),
                format!("không có khóa {within}{key}"),
                format!("there is no key {within}{key}"),
            );
        }
    }
}

fn value(found: &Value, shape: &Shape, path: &str, item: Option<&str>, faults: &mut Faults<'_>) {
    let is_one_of =
        |value: &Value, words: &[&str]| value.as_str().is_some_and(|text| words.contains(&text));
    let all = |test: &dyn Fn(&Value) -> bool| found.as_array().is_some_and(|l| l.iter().all(test));
    let wanted = match shape {
        Shape::Text if !found.is_str() => ("chữ".to_owned(), "a text".to_owned()),
        Shape::Texts if !all(&Value::is_str) => ("danh sách chữ".into(), "a list of texts".into()),
        Shape::Whole if found.as_integer().is_none_or(|n| u32::try_from(n).is_err()) => {
            ("số nguyên không âm".into(), "a whole number from 0".into())
        }
        Shape::Number if !found.is_integer() && !found.is_float() => {
            ("số".into(), "a number".into())
        }
        Shape::Flag if !found.is_bool() => ("true hoặc false".into(), "true or false".into()),
        Shape::Word(words) if !is_one_of(found, words) => {
            let words = words.join(", ");
            (format!("một trong: {words}"), format!("one of: {words}"))
        }
        Shape::Words(words) if !all(&|value: &Value| is_one_of(value, words)) => {
            let words = words.join(", ");
            (
                format!("danh sách lấy từ: {words}"),
                format!("a list out of: {words}"),
            )
        }
        Shape::Table(keys) => match found.as_table() {
            Some(inner) => return table(inner, keys, &format!("{path}."), item, faults),
            None => ("một bảng".into(), "a table".into()),
        },
        Shape::Answer => match found.as_table() {
            Some(inner) => return answer(inner, path, item, faults),
            None => ("một bảng".into(), "a table".into()),
        },
        Shape::Items => match found.as_array() {
            Some(list) => return items(list, faults),
            None => ("danh sách tiêu chí".into(), "a list of items".into()),
        },
        _ => return,
    };
    let (vietnamese, english) = wanted;
    faults.add_at(
        item,
        path,
        format!("{path} phải là {vietnamese}"),
        format!("{path} must be {english}"),
    );
}

fn answer(found: &Table, path: &str, item: Option<&str>, faults: &mut Faults<'_>) {
    let name = found.get("type").and_then(Value::as_str);
    let keys = ANSWERS.iter().find(|(known, _)| Some(*known) == name);
    match keys {
        Some((_, keys)) => table(found, keys, &format!("{path}."), item, faults),
        // Which other keys are right depends on the type.
        None => {
            let of_type = found.iter().filter(|(key, _)| *key == "type");
            let only: Table = of_type.map(|(k, v)| (k.clone(), v.clone())).collect();
            table(&only, &[TYPE], &format!("{path}."), item, faults);
        }
    }
}

fn items(list: &[Value], faults: &mut Faults<'_>) {
    for (index, found) in list.iter().enumerate() {
        let code = found.get("code").and_then(Value::as_str);
        let name = code
            .filter(|code| !code.is_empty())
            .map_or_else(|| format!("#{}", index + 1), str::to_owned);
        match found.as_table() {
            Some(item) => table(item, ITEM, "", Some(&name), faults),
            None => faults.add(
                Some(&name),
                "phải là một bảng".into(),
                "must be a table".into(),
            ),
        }
    }
}

//! A criteria set as the form that an officer fills in, read loosely: a phone may have to read a set that is
//! newer than the program on it.
//!
//! Publishing is strict ([`super::validate`]); reading here never fails on a key or a word that this build does
//! not know. What it does not know it leaves out, so that it asks more and forbids less than the set says.

use serde::Serialize;
use serde_json::Value as Json;

use super::{AnswerType, AskedWhen, CriteriaSet};

/// The items of a criteria set, in their order.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Form {
    /// The items.
    pub items: Vec<FormItem>,
}

/// One item of a form.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FormItem {
    /// Its code.
    pub code: String,
    /// The text in Vietnamese; empty where the set has none.
    pub vi: String,
    /// The text in English; empty where the set has none.
    pub en: String,
    /// How it is answered; `None` for a type that this build does not know.
    pub answer: Option<AnswerType>,
    /// When it is asked at all; always where absent. See [`Form::asked`].
    pub asked_when: Option<AskedWhen>,
    /// Whether an inspection is incomplete without it, where it is asked.
    pub required: bool,
    /// Whether `not_applicable` is an answer.
    pub not_applicable_allowed: bool,
    /// What evidence is expected, in Vietnamese.
    pub evidence: Vec<String>,
}

impl Form {
    /// Reads the set that a document of kind `criteria` holds in its field `set`. `None` for what is no JSON
    /// object. Items without a code are left out.
    pub fn read(set: &str) -> Option<Self> {
        let set: Json = serde_json::from_str(set).ok()?;
        let items = set.as_object()?.get("items").and_then(Json::as_array);
        let items = items.into_iter().flatten().filter_map(FormItem::read);
        Some(Self {
            items: items.collect(),
        })
    }

    /// The item with this code.
    pub fn item(&self, code: &str) -> Option<&FormItem> {
        self.items.iter().find(|item| item.code == code)
    }

    /// The codes of the items, in their order: what a planned inspection is made of.
    pub fn item_codes(&self) -> Vec<String> {
        self.items.iter().map(|item| item.code.clone()).collect()
    }
}

impl FormItem {
    fn read(item: &Json) -> Option<Self> {
        let text = |key: &str| item.get(key).and_then(Json::as_str).map(str::to_owned);
        let flag = |key: &str| item.get(key).and_then(Json::as_bool);
        let evidence = item.get("evidence").and_then(Json::as_array);
        let evidence = evidence.into_iter().flatten().filter_map(Json::as_str);
        Some(Self {
            code: text("code")?,
            vi: text("vi").unwrap_or_default(),
            en: text("en").unwrap_or_default(),
            answer: item.get("answer").and_then(answer),
            asked_when: item.get("asked_when").and_then(AskedWhen::read),
            required: flag("required").unwrap_or(false),
            not_applicable_allowed: flag("not_applicable_allowed").unwrap_or(true),
            evidence: evidence.map(str::to_owned).collect(),
        })
    }
}

/// The type of an answer, whatever else a newer set says about it.
fn answer(answer: &Json) -> Option<AnswerType> {
    let number = |key: &str| answer.get(key).and_then(Json::as_f64);
    match answer.get("type")?.as_str()? {
        "pass_fail" => Some(AnswerType::PassFail),
        "measured" => Some(AnswerType::Measured {
            unit: answer.get("unit")?.as_str()?.to_owned(),
            min: number("min"),
            max: number("max"),
        }),
        "points" => Some(AnswerType::Points {
            max: number("max")?,
        }),
        _ => None,
    }
}

impl From<&CriteriaSet> for Form {
    fn from(set: &CriteriaSet) -> Self {
        let items = set.items.iter().cloned();
        let items = items.map(|item| FormItem {
            code: item.code,
            vi: item.vi,
            en: item.en,
            answer: Some(item.answer),
            asked_when: item.asked_when,
            required: item.required,
            not_applicable_allowed: item.not_applicable_allowed,
            evidence: item.evidence,
        });
        Self {
            items: items.collect(),
        }
    }
}

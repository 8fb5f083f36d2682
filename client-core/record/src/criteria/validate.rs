//! The validator of criteria files: every fault at once, each with file, item and reason.

mod asking;
mod lines;
mod shape;

use std::{collections::HashSet, fmt};

use serde::Serialize;

use super::{AnswerType, CriteriaSet, Item, Purpose, Verification};
use crate::{fold::nfc, limits, schema::KeyType, value::is_date};

/// One thing that is wrong in a criteria file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The file's name.
    pub file: String,
    /// The line that it stands in, from 1; `None` where it is about the whole file.
    pub line: Option<usize>,
    /// The item's code, or its number where it has none; `None` for the set itself.
    pub item: Option<String>,
    /// What is wrong, in Vietnamese.
    pub vietnamese: String,
    /// The same in English.
    pub english: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.item {
            Some(item) => write!(f, "{}: {item}: {}", self.file, self.english),
            None => write!(f, "{}: {}", self.file, self.english),
        }
    }
}

/// Reads and checks one criteria file.
///
/// # Errors
/// Every [`Fault`] that was found: of a file that is no TOML, where it stops making sense; else every
/// key that is missing, unknown or of the wrong type; of a file with the right keys, everything that is
/// wrong with what they say.
pub fn validate(file: &str, text: &str) -> Result<CriteriaSet, Vec<Fault>> {
    let mut faults = Faults {
        file,
        lines: lines::Lines::of(text),
        list: Vec::new(),
    };
    let Some(set) = read(text, &mut faults) else {
        return Err(faults.list);
    };
    check_set(&set, &mut faults);
    let mut codes = HashSet::new();
    for (index, item) in set.items.iter().enumerate() {
        let name = if item.code.is_empty() {
            format!("#{}", index + 1)
        } else {
            item.code.clone()
        };
        if !codes.insert(item.code.as_str()) {
            faults.add(
                Some(&name),
                "mã bị trùng".into(),
                "the code occurs twice".into(),
            );
        }
        check_item(&set, item, &name, &mut faults);
        let before = set.items.get(..index).unwrap_or_default();
        asking::check(before, item, &name, &mut faults);
    }
    if faults.list.is_empty() {
        Ok(set)
    } else {
        Err(faults.list)
    }
}

/// The set, if the file has the right shape.
fn read(text: &str, faults: &mut Faults<'_>) -> Option<CriteriaSet> {
    let read = text.parse().and_then(|table: toml::Table| {
        shape::check(&table, faults);
        if faults.list.is_empty() {
            table.try_into().map(Some)
        } else {
            Ok(None)
        }
    });
    read.unwrap_or_else(|error| {
        let line = error.span().map_or(0, |span| {
            text.get(..span.start)
                .map_or(0, |before| before.matches('\n').count() + 1)
        });
        let what = error.message();
        faults.list.push(Fault {
            file: faults.file.to_owned(),
            line: (line > 0).then_some(line),
            item: None,
            vietnamese: format!("dòng {line}: không đọc được: {what}"),
            english: format!("line {line}: can't be read: {what}"),
        });
        None
    })
}

struct Faults<'a> {
    file: &'a str,
    lines: lines::Lines,
    list: Vec<Fault>,
}

impl Faults<'_> {
    fn add(&mut self, item: Option<&str>, vietnamese: String, english: String) {
        self.add_at(item, "", vietnamese, english);
    }

    /// About a key, by its path.
    fn add_at(&mut self, item: Option<&str>, path: &str, vietnamese: String, english: String) {
        self.list.push(Fault {
            file: self.file.to_owned(),
            line: self.lines.find(item, path),
            item: item.map(str::to_owned),
            vietnamese,
            english,
        });
    }

    fn text(&mut self, item: Option<&str>, field: &str, text: &str) {
        if text.trim().is_empty() {
            self.add_at(
                item,
                field,
                format!("thiếu {field}"),
                format!("{field} is empty"),
            );
        } else if nfc(text) != text {
            self.add_at(
                item,
                field,
                format!("{field} không ở dạng Unicode NFC"),
                format!("{field} is not in Unicode NFC"),
            );
        } else if text.chars().count() > limits::MAX_LINE_CHARS {
            let limit = limits::MAX_LINE_CHARS;
            self.add_at(
                item,
                field,
                format!("{field} dài quá {limit} ký tự"),
                format!("{field} is longer than {limit} characters"),
            );
        }
    }

    fn code(&mut self, item: Option<&str>, code: &str) {
        if !KeyType::Code.accepts(code) {
            self.add_at(
                item,
                "code",
                "mã phải có 1–40 chữ in hoa, chữ số hoặc gạch nối".into(),
                "the code must be 1 to 40 capitals, digits or hyphens".into(),
            );
        }
    }

    fn date(&mut self, field: &str, date: &str) {
        if !is_date(date) {
            self.add_at(
                None,
                field,
                format!("{field} không phải là ngày YYYY-MM-DD"),
                format!("{field} is not a date YYYY-MM-DD"),
            );
        }
    }
}

fn check_set(set: &CriteriaSet, faults: &mut Faults<'_>) {
    faults.code(None, &set.code);
    for (field, text) in [
        ("regime", &set.regime),
        ("title_vi", &set.title_vi),
        ("title_en", &set.title_en),
    ] {
        faults.text(None, field, text);
    }
    if set.version == 0 {
        faults.add_at(
            None,
            "version",
            "phiên bản phải từ 1".into(),
            "the version must be at least 1".into(),
        );
    }
    let kinds: HashSet<_> = set.unit_kinds.iter().collect();
    if kinds.is_empty() || kinds.len() != set.unit_kinds.len() {
        faults.add_at(
            None,
            "unit_kinds",
            "unit_kinds trống hoặc trùng".into(),
            "unit_kinds is empty or names a kind twice".into(),
        );
    }
    faults.date("valid_from", &set.valid_from);
    if let Some(valid_to) = &set.valid_to {
        faults.date("valid_to", valid_to);
        if *valid_to < set.valid_from {
            faults.add_at(
                None,
                "valid_to",
                "valid_to trước valid_from".into(),
                "valid_to lies before valid_from".into(),
            );
        }
    }
    if set.items.is_empty() {
        faults.add(
            None,
            "không có tiêu chí nào".into(),
            "there are no items".into(),
        );
    }
    if !set.complete && set.note.as_ref().is_none_or(|note| note.trim().is_empty()) {
        faults.add_at(
            None,
            "complete",
            "bộ chưa đầy đủ phải ghi rõ thiếu gì trong note".into(),
            "an incomplete set must say in note what is missing".into(),
        );
    }
    // The document of kind `criteria` holds the set in one text.
    let length = serde_json::to_string(set).map_or(usize::MAX, |json| json.chars().count());
    if length > limits::MAX_TEXT_CHARS {
        let limit = limits::MAX_TEXT_CHARS;
        faults.add(
            None,
            format!("bộ tiêu chí dài quá {limit} ký tự khi ghi thành JSON"),
            format!("the set is longer than {limit} characters as JSON"),
        );
    }
    if set.purpose == Purpose::Classification && set.complete {
        let total: f64 = set
            .items
            .iter()
            .map(|item| {
                if let AnswerType::Points { max } = item.answer {
                    max
                } else {
                    0.0
                }
            })
            .sum();
        if (total - 100.0).abs() > 1e-9 {
            faults.add(
                None,
                format!("tổng điểm là {total}, phải là 100"),
                format!("the points add up to {total}, not to 100"),
            );
        }
    }
}

fn check_item(set: &CriteriaSet, item: &Item, name: &str, faults: &mut Faults<'_>) {
    let at = Some(name);
    faults.code(at, &item.code);
    for (field, text) in [
        ("vi", &item.vi),
        ("en", &item.en),
        ("citation.source", &item.citation.source),
    ] {
        faults.text(at, field, text);
    }
    for evidence in &item.evidence {
        faults.text(at, "evidence", evidence);
    }
    match &item.answer {
        AnswerType::PassFail => {}
        AnswerType::Measured { unit, min, max } => {
            faults.text(at, "answer.unit", unit);
            let ordered = min.zip(*max).is_none_or(|(min, max)| min <= max);
            let finite = min.iter().chain(max).all(|limit| limit.is_finite());
            if (min.is_none() && max.is_none()) || !ordered || !finite {
                faults.add_at(
                    at,
                    "answer",
                    "giới hạn đo không hợp lệ".into(),
                    "the limits of the measured value make no sense".into(),
                );
            }
        }
        AnswerType::Points { max } => {
            if !(max.is_finite() && *max > 0.0) {
                faults.add_at(
                    at,
                    "answer",
                    "điểm tối đa phải lớn hơn 0".into(),
                    "the most points must be above 0".into(),
                );
            }
        }
    }
    let scored = matches!(item.answer, AnswerType::Points { .. });
    if scored != (set.purpose == Purpose::Classification) {
        faults.add_at(
            at,
            "answer",
            "điểm chỉ dùng cho bộ phân loại".into(),
            "points belong to classification sheets, and only there".into(),
        );
    }
    let doubtful = matches!(
        item.citation.verification,
        Verification::Unsure | Verification::Partial
    );
    if doubtful
        && item
            .citation
            .note
            .as_ref()
            .is_none_or(|note| note.trim().is_empty())
    {
        faults.add_at(
            at,
            "citation",
            "phải ghi rõ điều chưa chắc trong citation.note".into(),
            "citation.note must say what is doubtful".into(),
        );
    }
    if doubtful && set.complete {
        faults.add_at(
            at,
            "citation",
            "bộ ghi là đầy đủ nhưng tiêu chí chưa được kiểm chứng".into(),
            "the set is marked complete, but this item is not verified".into(),
        );
    }
    if item.citation.verification == Verification::Own && set.regime != "own" {
        faults.add_at(
            at,
            "citation",
            "tiêu chí tự đặt không thuộc văn bản pháp luật".into(),
            "an item of our own does not belong to a legal regime".into(),
        );
    }
}

//! The columns of a table of records, from the schema of their kind.

use serde_json::{Map, Value as Json};
use sokiem_record::{
    id::Kind,
    labels,
    schema::{self, FieldType, Node, REMOVED},
    words,
};

use super::row::Row;
use crate::export::Value;

/// The lists inside records that a workbook has a sheet for. People's names stay in the record: a table of them
/// is nobody's need.
const LISTS: &[&str] = &["years", "items", "incidents", "findings", "recommendations"];

/// The columns for a kind of record; only those that all kinds share where kinds are mixed.
pub(super) struct Columns {
    fields: Vec<(&'static str, FieldType)>,
    pub(super) lists: Vec<List>,
    counts: bool,
}

/// A list inside records.
pub(super) struct List {
    name: &'static str,
    flat: bool,
    fields: Vec<(&'static str, FieldType)>,
}

/// What every record has.
const SHARED: [(&str, u16); 11] = [
    ("Mã hồ sơ", 38),
    ("Loại hồ sơ", 16),
    ("Tên hoặc số", 40),
    ("Về hồ sơ", 40),
    ("Địa bàn", 24),
    ("Đợt kiểm tra", 30),
    ("Ngày", 12),
    ("Tình trạng", 18),
    ("Quyết định", 14),
    ("Chỗ khác nhau", 10),
    ("Máy chủ nhận lúc", 18),
];

/// What an inspection's lists add up to.
const COUNTS: [&str; 8] = [
    "Tiêu chí đạt",
    "Tiêu chí chưa đạt",
    "Tiêu chí không áp dụng",
    "Tiêu chí chưa kiểm tra",
    "Tiêu chí chưa có kết quả",
    "Số vụ việc",
    "Số tồn tại",
    "Tồn tại chưa khắc phục",
];

impl Columns {
    pub(super) fn of(kind: Option<Kind>) -> Self {
        let nodes = kind.map_or(&[][..], schema::fields);
        // The set of criteria is a text of its own, not a cell.
        let kept = |name: &str| !matches!(name, "unit" | "campaign" | "set");
        Self {
            fields: nodes
                .iter()
                .filter_map(|(name, node)| match node {
                    Node::Field(field) if kept(name) => Some((*name, *field)),
                    _ => None,
                })
                .collect(),
            lists: nodes
                .iter()
                .filter(|(name, _)| LISTS.contains(name))
                .filter_map(|(name, node)| List::of(name, node))
                .collect(),
            counts: kind == Some(Kind::Inspection),
        }
    }

    /// What the columns are called, with their widths in characters.
    pub(super) fn names(&self) -> Vec<(String, u16)> {
        let shared = SHARED
            .iter()
            .map(|(name, width)| ((*name).to_owned(), *width));
        let fields = self
            .fields
            .iter()
            .map(|(name, field)| (label(name), width(*field)));
        let counts = COUNTS.iter().filter(|_| self.counts);
        let counts = counts.map(|name| ((*name).to_owned(), 12));
        shared.chain(fields).chain(counts).collect()
    }

    /// The values of a record.
    pub(super) fn values(&self, row: &Row) -> Vec<Value> {
        let text = |text: &Option<String>| Value::text(text.clone().unwrap_or_default());
        let mut values = vec![
            Value::text(row.id.to_string()),
            Value::text(word(row.kind.name())),
            Value::text(&*row.title),
            text(&row.subject_title),
            Value::text(&*row.area_name),
            text(&row.campaign_title),
            row.date.clone().map_or(Value::Nothing, Value::Date),
            Value::text(word(&row.state)),
            row.review
                .as_deref()
                .map_or(Value::Nothing, |review| Value::text(word(review))),
            Value::count(row.conflicts.into()),
            Value::Time(row.updated_ms),
        ];
        for (name, field) in &self.fields {
            values.push(value(*field, row.fields.get(*name)));
        }
        if self.counts {
            values.extend(counts(&row.fields).map(Value::count));
        }
        values
    }
}

impl List {
    fn of(name: &'static str, node: &Node) -> Option<Self> {
        let (flat, fields) = match node {
            Node::Flat(_, fields) => (true, fields.to_vec()),
            Node::Collection(_, nodes) => {
                let fields = nodes.iter().filter_map(|(name, node)| match node {
                    Node::Field(field) => Some((*name, *field)),
                    _ => None,
                });
                (false, fields.collect())
            }
            Node::Field(_) => return None,
        };
        Some(Self { name, flat, fields })
    }

    /// What its sheet is called.
    pub(super) fn title(&self) -> String {
        let label = label(self.name);
        let mut characters = label.chars();
        let first = characters
            .next()
            .map(|first| first.to_uppercase().to_string());
        first.unwrap_or_default() + characters.as_str()
    }

    /// What its columns are called, with their widths.
    pub(super) fn names(&self) -> Vec<(String, u16)> {
        let head = [
            ("Mã hồ sơ", 38),
            ("Tên hoặc số", 40),
            ("Về hồ sơ", 40),
            ("Mục", 18),
        ];
        let head = head.map(|(name, width)| (name.to_owned(), width));
        let fields = self
            .fields
            .iter()
            .map(|(name, field)| (label(name), width(*field)));
        head.into_iter().chain(fields).collect()
    }

    /// Its elements in a record, a row each. What was struck out is left out.
    pub(super) fn rows(&self, row: &Row) -> Vec<Vec<Value>> {
        let empty = Map::new();
        let all = row
            .fields
            .get(self.name)
            .and_then(Json::as_object)
            .unwrap_or(&empty);
        let head = |key: &str| {
            vec![
                Value::text(row.id.to_string()),
                Value::text(&*row.title),
                Value::text(row.subject_title.clone().unwrap_or_default()),
                key.parse::<f64>()
                    .map_or_else(|_| Value::text(key), Value::Number),
            ]
        };
        let full = |key: &str, get: &dyn Fn(&str) -> Option<Json>| {
            let mut values = head(key);
            for (name, field) in &self.fields {
                values.push(value(*field, get(name).as_ref()));
            }
            values
        };
        if self.flat {
            let mut keys: Vec<&str> = all
                .keys()
                .filter_map(|key| Some(key.split_once('.')?.0))
                .collect();
            keys.dedup();
            return keys
                .into_iter()
                .map(|key| full(key, &|name| all.get(&format!("{key}.{name}")).cloned()))
                .collect();
        }
        let kept = all
            .iter()
            .filter(|(_, one)| one.get(REMOVED) != Some(&Json::Bool(true)));
        kept.map(|(key, one)| {
            // The id of an element says nothing to people; a criterion's code does.
            let key = if key.parse::<uuid::Uuid>().is_ok() {
                ""
            } else {
                key
            };
            full(key, &|name| one.get(name).cloned())
        })
        .collect()
    }
}

fn label(name: &str) -> String {
    labels::name(name).map_or_else(|| name.to_owned(), |(vi, _)| vi.to_owned())
}

fn width(field: FieldType) -> u16 {
    match field {
        FieldType::Block | FieldType::Text => 48,
        FieldType::Line => 28,
        _ => 14,
    }
}

fn word(word: &str) -> String {
    words::names(word).map_or_else(|| word.to_owned(), |(vi, _)| vi.to_owned())
}

/// A value by the type that the schema states; one of another type as it is.
fn value(field: FieldType, value: Option<&Json>) -> Value {
    match (field, value) {
        (_, None | Some(Json::Null)) => Value::Nothing,
        (FieldType::TimeMs, Some(Json::Number(number))) => {
            number.as_i64().map_or(Value::Nothing, Value::Time)
        }
        (_, Some(Json::Number(number))) => number.as_f64().map_or(Value::Nothing, Value::Number),
        (_, Some(Json::Bool(so))) => Value::text(if *so { "có" } else { "không" }),
        (FieldType::Date, Some(Json::String(date))) if sokiem_record::is_date(date) => {
            Value::Date(date.clone())
        }
        (FieldType::Choice(_), Some(Json::String(choice))) => Value::text(word(choice)),
        (_, Some(Json::String(text))) => Value::text(&**text),
        (_, Some(other)) => Value::text(other.to_string()),
    }
}

fn counts(fields: &Json) -> [u64; 8] {
    let list = |name: &str| {
        let all = fields.get(name).and_then(Json::as_object);
        let all = all.into_iter().flat_map(Map::values);
        all.filter(|one| one.get(REMOVED) != Some(&Json::Bool(true)))
    };
    let answers = |wanted: &str| {
        let given =
            list("items").filter(|one| one.get("answer").and_then(Json::as_str) == Some(wanted));
        given.count() as u64
    };
    let given = ["pass", "fail", "not_applicable", "not_checked"].map(answers);
    let [pass, fail, not_applicable, not_checked] = given;
    let open = list("findings")
        .filter(|one| matches!(one.get("state").and_then(Json::as_str), None | Some("open")));
    let incidents = list("incidents").map(|one| {
        let count = one.get("count").and_then(Json::as_i64).unwrap_or(1);
        u64::try_from(count).unwrap_or(0)
    });
    [
        pass,
        fail,
        not_applicable,
        not_checked,
        (list("items").count() as u64).saturating_sub(given.iter().sum()),
        incidents.sum(),
        list("findings").count() as u64,
        open.count() as u64,
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_inspections_lists_are_counted_without_what_was_struck_out() {
        let fields = json!({
            "items": {"A": {"answer": "pass"}, "B": {"answer": "fail"}, "C": {}, "D": {"answer": "not_checked"}},
            "incidents": {"1": {"count": 3}, "2": {}, "3": {"count": 9, "removed": true}},
            "findings": {"1": {"state": "verified"}, "2": {}},
        });
        assert_eq!(counts(&fields), [1, 1, 0, 1, 1, 4, 2, 1]);
    }

    #[test]
    fn values_have_the_type_of_the_schema() {
        assert_eq!(
            value(FieldType::Integer, Some(&json!(5))),
            Value::Number(5.0)
        );
        assert_eq!(
            value(FieldType::Date, Some(&json!("2019-08-05"))),
            Value::Date("2019-08-05".into())
        );
        assert_eq!(
            value(FieldType::Line, Some(&json!("2019-08-05"))),
            Value::Text("2019-08-05".into())
        );
        assert_eq!(
            value(FieldType::Choice(&["pass"]), Some(&json!("pass"))),
            Value::Text("đạt".into())
        );
        assert_eq!(
            value(FieldType::Line, Some(&json!("pass"))),
            Value::Text("pass".into())
        );
        assert_eq!(
            value(FieldType::Bool, Some(&json!(false))),
            Value::Text("không".into())
        );
        assert_eq!(value(FieldType::Line, None), Value::Nothing);
    }
}

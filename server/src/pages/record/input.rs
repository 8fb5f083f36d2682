//! Inputs of forms that fit the type of a field, and what people typed into them as a value.

use jiff::{
    civil::DateTime,
    tz::{TimeZone, offset},
};
use serde_json::Value;
use sokiem_record::{schema::FieldType, words};

/// An input of a form.
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) sort: Sort,
    /// What stands in it.
    pub(crate) value: String,
    /// For a choice: the value and what it is called.
    pub(crate) options: Vec<(&'static str, &'static str, &'static str)>,
}

/// What an input looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Choice,
    Line,
    Lines,
    Number,
    Whole,
    Date,
    Time,
}

impl Input {
    /// The input of a field with this value in it.
    pub(crate) fn of(field: FieldType, name: &str, value: &Value) -> Self {
        let (sort, options) = match field {
            FieldType::Choice(words) => (
                Sort::Choice,
                words.iter().map(|word| choice(word)).collect(),
            ),
            FieldType::Bool => (
                Sort::Choice,
                vec![("true", "có", "yes"), ("false", "không", "no")],
            ),
            FieldType::Block | FieldType::Text => (Sort::Lines, Vec::new()),
            FieldType::Integer => (Sort::Whole, Vec::new()),
            FieldType::Number => (Sort::Number, Vec::new()),
            FieldType::Date => (Sort::Date, Vec::new()),
            FieldType::TimeMs => (Sort::Time, Vec::new()),
            FieldType::Line | FieldType::Uuid | FieldType::Geo | FieldType::ContentHash => {
                (Sort::Line, Vec::new())
            }
        };
        Self {
            name: name.to_owned(),
            sort,
            value: typed(field, value),
            options,
        }
    }

    /// The input with what somebody typed.
    pub(crate) fn with(mut self, typed: &str) -> Self {
        typed.clone_into(&mut self.value);
        self
    }

    pub(crate) fn is(&self, sort: Sort) -> bool {
        self.sort == sort
    }
}

fn choice(word: &'static str) -> (&'static str, &'static str, &'static str) {
    let (vi, en) = words::names(word).unwrap_or((word, word));
    (word, vi, en)
}

/// A value as it stands in an input.
fn typed(field: FieldType, value: &Value) -> String {
    match (field, value) {
        (_, Value::Null) => String::new(),
        (FieldType::TimeMs, Value::Number(number)) => {
            let ms = number
                .as_i64()
                .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
            let local = ms.map(|ms| ms.to_zoned(TimeZone::fixed(offset(7))));
            local.map_or_else(String::new, |local| {
                local.strftime("%Y-%m-%dT%H:%M").to_string()
            })
        }
        (FieldType::Date, Value::String(day)) => words::date(day).unwrap_or_else(|| day.clone()),
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    }
}

/// Why what was typed is no value of a field, in both languages.
pub(crate) type Complaint = (&'static str, &'static str);

/// What was typed as a value; null for nothing. The record checks the rest.
pub(crate) fn parse(field: FieldType, typed: &str) -> Result<Value, Complaint> {
    let typed = typed.trim();
    if typed.is_empty() && field != FieldType::Text {
        return Ok(Value::Null);
    }
    match field {
        FieldType::Integer => typed
            .parse::<i64>()
            .map(Value::from)
            .map_err(|_| ("Hãy nhập một số nguyên.", "Give a whole number.")),
        FieldType::Number => typed
            .replace(',', ".")
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
            .map(Value::from)
            .ok_or(("Hãy nhập một số.", "Give a number.")),
        FieldType::Bool => match typed {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(("Hãy chọn có hoặc không.", "Choose yes or no.")),
        },
        FieldType::Date => date(typed).map(Value::from).ok_or((
            "Hãy nhập ngày có thật, dạng ngày/tháng/năm.",
            "Give a day that exists, as day/month/year.",
        )),
        FieldType::TimeMs => time(typed)
            .map(Value::from)
            .ok_or(("Hãy nhập ngày và giờ.", "Give a day and a time.")),
        FieldType::Geo if !typed.starts_with("geo:") => {
            Ok(Value::from(format!("geo:{}", typed.replace(' ', ""))))
        }
        _ => Ok(Value::from(typed)),
    }
}

/// A day as browsers send it, or day first as people type it.
fn date(typed: &str) -> Option<String> {
    if sokiem_record::is_date(typed) {
        return Some(typed.to_owned());
    }
    let mut parts = typed
        .split(['/', '-', '.'])
        .map(|part| part.trim().parse::<u32>());
    let (day, month, year) = (
        parts.next()?.ok()?,
        parts.next()?.ok()?,
        parts.next()?.ok()?,
    );
    let date = format!("{year:04}-{month:02}-{day:02}");
    (parts.next().is_none() && sokiem_record::is_date(&date)).then_some(date)
}

/// A time by the clocks of Việt Nam.
fn time(typed: &str) -> Option<i64> {
    let local: DateTime = typed.parse().ok()?;
    let zoned = local.to_zoned(TimeZone::fixed(offset(7))).ok()?;
    Some(zoned.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_people_type_becomes_a_value_of_the_field() {
        let day = FieldType::Date;
        assert_eq!(parse(day, "05/08/2019"), Ok(json!("2019-08-05")));
        assert_eq!(parse(day, "5.8.2019"), Ok(json!("2019-08-05")));
        assert_eq!(parse(day, "2019-08-05"), Ok(json!("2019-08-05")));
        assert!(parse(day, "31/02/2019").is_err() && parse(day, "hôm nay").is_err());
        assert_eq!(parse(FieldType::Number, " 97,5 "), Ok(json!(97.5)));
        assert!(parse(FieldType::Integer, "12 người").is_err());
        assert_eq!(parse(FieldType::Integer, ""), Ok(Value::Null));
        assert_eq!(parse(FieldType::Text, ""), Ok(json!("")));
        assert_eq!(
            parse(FieldType::Geo, "9.95, 106.53"),
            Ok(json!("geo:9.95,106.53"))
        );
    }

    #[test]
    fn a_time_reads_as_it_was_typed() {
        let time = parse(FieldType::TimeMs, "2019-08-05T07:00").unwrap();
        assert_eq!(time, json!(1_564_963_200_000_i64));
        let input = Input::of(FieldType::TimeMs, "other", &time);
        assert_eq!(input.value, "2019-08-05T07:00");
        let input = Input::of(FieldType::Date, "other", &json!("2019-08-05"));
        assert_eq!(
            input.value, "05/08/2019",
            "whatever language the browser has"
        );
    }
}

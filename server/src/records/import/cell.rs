//! What stands in a cell as a value of a field, or what is wrong with it.

use serde_json::Value;
use sokiem_record::{
    fold::{fold, nfc},
    limits::{MAX_LINE_CHARS, MAX_TEXT_CHARS},
    schema::FieldType,
    words,
};

use super::columns::What;

/// What is wrong: Vietnamese, then English.
pub(super) type Wrong = (String, String);

/// Largest number of anything that a unit has.
const MOST: i64 = 10_000_000;

fn wrong<T>(vi: impl Into<String>, en: impl Into<String>) -> Result<T, Wrong> {
    Err((vi.into(), en.into()))
}

/// A text as a value. The text is trimmed and not empty.
pub(super) fn value(what: What, text: &str) -> Result<Value, Wrong> {
    hidden(text)?;
    match what {
        What::Id | What::Area => line(text).map(Value::from),
        What::Latitude => degrees(text, 90.0, "vĩ độ", "latitude").map(Value::from),
        What::Longitude => degrees(text, 180.0, "kinh độ", "longitude").map(Value::from),
        What::Field(name, field) => of_field(name, field, text),
    }
}

fn of_field(name: &str, field: FieldType, text: &str) -> Result<Value, Wrong> {
    match field {
        FieldType::Choice(choices) => choice(name, choices, text),
        FieldType::Bool => match fold(text).as_str() {
            "co" | "x" | "yes" | "y" | "true" | "dung" | "1" => Ok(Value::Bool(true)),
            "khong" | "no" | "n" | "false" | "sai" | "0" => Ok(Value::Bool(false)),
            _ => wrong(
                format!("“{}” không phải là có hoặc không", brief(text)),
                format!("“{}” is neither yes nor no", brief(text)),
            ),
        },
        FieldType::Integer => match text.parse::<i64>() {
            Ok(number) if (0..=MOST).contains(&number) => Ok(number.into()),
            _ => wrong(
                format!(
                    "“{}” không phải là số nguyên từ 0, viết không có dấu chấm",
                    brief(text)
                ),
                format!(
                    "“{}” is no whole number from 0, written without separators",
                    brief(text)
                ),
            ),
        },
        FieldType::Date => day(text).map(Value::from).ok_or_else(|| {
            (
                format!(
                    "“{}” không phải là ngày có thật, dạng ngày/tháng/năm",
                    brief(text)
                ),
                format!("“{}” is no day that exists, as day/month/year", brief(text)),
            )
        }),
        FieldType::Geo => position(text),
        FieldType::Text | FieldType::Block => within(text, MAX_TEXT_CHARS).map(Value::from),
        _ => {
            let line = line(text)?;
            if name == "name" && fold(&line).is_empty() {
                return wrong("tên phải có chữ", "a name has letters");
            }
            Ok(line.into())
        }
    }
}

/// Refuses what can't be seen: a name that reads otherwise than it is written can't be found again, and shows
/// something else than it is.
fn hidden(text: &str) -> Result<(), Wrong> {
    let found = text.chars().find(|character| {
        let turns = matches!(character,
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        turns || (character.is_control() && !matches!(character, '\n' | '\r' | '\t'))
    });
    match found {
        None => Ok(()),
        Some(character) => {
            let code = format!("U+{:04X}", u32::from(character));
            wrong(
                format!("có ký tự ẩn ({code}), thường do dán từ nơi khác: hãy gõ lại ô này"),
                format!(
                    "holds a character that can't be seen ({code}), pasted perhaps: type this cell again"
                ),
            )
        }
    }
}

fn line(text: &str) -> Result<String, Wrong> {
    if text.contains(['\n', '\r']) {
        return wrong("phải nằm trên một dòng", "must be on one line");
    }
    within(text, MAX_LINE_CHARS)
}

fn within(text: &str, most: usize) -> Result<String, Wrong> {
    let text = nfc(text);
    let length = text.chars().count();
    if length > most {
        return wrong(
            format!("dài {length} ký tự, nhiều nhất là {most}"),
            format!("has {length} characters, at most {most} are possible"),
        );
    }
    Ok(text)
}

fn choice(name: &str, choices: &[&'static str], text: &str) -> Result<Value, Wrong> {
    let folded = fold(text);
    let named = |word: &&&str| {
        let names = words::names(word);
        fold(&word.replace('_', " ")) == folded
            || names.is_some_and(|(vi, en)| fold(vi) == folded || fold(en) == folded)
    };
    let usual = match (name, folded.as_str()) {
        ("unit_kind", "truong" | "truong hoc" | "co so giao duc") => Some("school"),
        ("unit_kind", "cong ty" | "dn") => Some("enterprise"),
        ("school_level", "thcs" | "cap 2") => Some("lower_secondary"),
        ("school_level", "thpt" | "cap 3") => Some("upper_secondary"),
        ("school_level", "cap 1") => Some("primary"),
        ("school_level", "gdtx") => Some("continuing"),
        _ => None,
    };
    if let Some(word) = choices.iter().find(named).copied().or(usual) {
        return Ok(word.into());
    }
    let names = |pick: fn((&'static str, &'static str)) -> &'static str| {
        let names = choices
            .iter()
            .filter_map(|word| words::names(word).map(pick));
        names.collect::<Vec<_>>().join(", ")
    };
    wrong(
        format!(
            "“{}” không phải là một trong: {}",
            brief(text),
            names(|names| names.0)
        ),
        format!("“{}” is none of: {}", brief(text), names(|names| names.1)),
    )
}

/// A day as people write it, or as exports do.
fn day(text: &str) -> Option<String> {
    let mut parts = text.split(['/', '-', '.']).map(str::trim);
    let (first, month, last) = (parts.next()?, parts.next()?, parts.next()?);
    let (day, year) = if first.len() == 4 {
        (last, first)
    } else {
        (first, last)
    };
    let number = |text: &str, most: usize| {
        let digits =
            (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<u32>().ok()).flatten()
    };
    let (day, month, year) = (number(day, 2)?, number(month, 2)?, number(year, 4)?);
    let date = format!("{year:04}-{month:02}-{day:02}");
    let good = parts.next().is_none() && (1900..=2200).contains(&year);
    (good && sokiem_record::is_date(&date)).then_some(date)
}

/// Decimal degrees with a comma or a dot.
fn degrees(text: &str, most: f64, vi: &str, en: &str) -> Result<f64, Wrong> {
    let number = text.replace(',', ".").parse::<f64>().ok();
    match number.filter(|number| number.abs() <= most) {
        Some(number) => Ok(number),
        None => wrong(
            format!(
                "“{}” không phải là {vi} (từ -{most} đến {most}, độ thập phân)",
                brief(text)
            ),
            format!(
                "“{}” is no {en} (from -{most} to {most}, in decimal degrees)",
                brief(text)
            ),
        ),
    }
}

/// Latitude and longitude in one cell, as `9.95, 106.53` or as the `geo:` of exports.
fn position(text: &str) -> Result<Value, Wrong> {
    let bare = text.strip_prefix("geo:").unwrap_or(text);
    let (place, within) = bare.split_once(";u=").unwrap_or((bare, ""));
    let Some((latitude, longitude)) = place.split_once([',', ';']) else {
        return wrong(
            format!("“{}” không phải là vĩ độ, kinh độ", brief(text)),
            format!("“{}” is not latitude, longitude", brief(text)),
        );
    };
    let latitude = degrees(latitude.trim(), 90.0, "vĩ độ", "latitude")?;
    let longitude = degrees(longitude.trim(), 180.0, "kinh độ", "longitude")?;
    let metres = within.parse::<f64>().ok();
    let metres = metres.filter(|metres| metres.is_finite() && *metres >= 0.0);
    Ok(match metres {
        Some(metres) => format!("geo:{latitude},{longitude};u={metres}").into(),
        None => format!("geo:{latitude},{longitude}").into(),
    })
}

/// As much of a text as it takes to find it.
fn brief(text: &str) -> String {
    let mut characters = text.chars();
    let begin: String = characters.by_ref().take(40).collect();
    if characters.next().is_some() {
        begin + "…"
    } else {
        begin
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sokiem_record::{id::Kind, schema};

    use super::*;

    fn read(name: &'static str, text: &str) -> Result<Value, Wrong> {
        match schema::place(Kind::Unit, &name.parse().unwrap()) {
            Some(schema::Place::Field(field)) => value(What::Field(name, field), text),
            _ => panic!("no field {name}"),
        }
    }

    #[test]
    fn people_write_values_in_many_ways() {
        assert_eq!(read("unit_kind", "Trường học"), Ok(json!("school")));
        assert_eq!(read("unit_kind", "CO QUAN"), Ok(json!("agency")));
        assert_eq!(read("school_level", "THCS"), Ok(json!("lower_secondary")));
        assert_eq!(
            read("school_level", "lower secondary"),
            Ok(json!("lower_secondary"))
        );
        assert_eq!(read("plan_exists", "Có"), Ok(json!(true)));
        assert_eq!(read("plan_exists", "không"), Ok(json!(false)));
        assert_eq!(read("fire_checked_on", "5/8/2019"), Ok(json!("2019-08-05")));
        assert_eq!(
            read("fire_checked_on", "2019-08-05"),
            Ok(json!("2019-08-05"))
        );
        assert_eq!(
            read("position", "9.95, 106.53"),
            Ok(json!("geo:9.95,106.53"))
        );
        assert_eq!(
            read("position", "geo:9.95,106.53;u=12"),
            Ok(json!("geo:9.95,106.53;u=12"))
        );
        assert_eq!(value(What::Latitude, "9,9512"), Ok(json!(9.9512)));
        // Composed, however it was typed.
        assert_eq!(
            read("name", "Tha\u{323}nh Phu\u{301}"),
            Ok(json!("Thạnh Phú"))
        );
    }

    #[test]
    fn what_is_no_value_is_told() {
        for (name, text) in [
            ("staff", "1.234"),
            ("staff", "-1"),
            ("staff", "99999999999999999999"),
            ("fire_checked_on", "31/02/2019"),
            ("fire_checked_on", "05/08/19"),
            ("fire_checked_on", "8/2019"),
            ("fire_checked_on", "hôm qua"),
            ("plan_exists", "có lẽ"),
            ("unit_kind", "mầm non"),
            ("position", "Ấp 1"),
            ("position", "106.53, 9.95"),
            ("name", "***"),
            ("name", "A\nB"),
            ("name", "Trường \u{202e}gpj.exe"),
            ("name", "A\u{200b}B"),
            ("name", "A\u{7}B"),
        ] {
            let (vi, en) = read(name, text).unwrap_err();
            assert!(!vi.is_empty() && !en.is_empty(), "{name} {text}");
        }
        assert!(
            read("address", &"đ".repeat(500)).is_ok() && read("address", &"đ".repeat(501)).is_err()
        );
        assert!(read("notes", &"đ".repeat(20_001)).is_err() && read("notes", "một\nhai").is_ok());
        assert!(value(What::Longitude, "NaN").is_err() && value(What::Latitude, "106,53").is_err());
    }
}

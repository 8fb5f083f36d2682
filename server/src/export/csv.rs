//! CSV as RFC 4180 has it, for programs that open it with a double click: UTF-8 with a byte order mark,
//! lines ended by CR LF, text that would be taken for a formula made text.

use jiff::tz::{TimeZone, offset};

use super::{Value, text};

/// What a file begins with, so that spreadsheets read it as UTF-8.
pub(crate) const BEGIN: &str = "\u{feff}";

/// Adds a line.
pub(crate) fn line(out: &mut String, values: &[Value]) {
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        match value {
            Value::Nothing => {}
            Value::Number(number) => out.push_str(&number.to_string()),
            Value::Date(date) => out.push_str(date),
            Value::Time(time) => out.push_str(&local(*time)),
            Value::Text(text) => field(out, &text::cell(text)),
        }
    }
    out.push_str("\r\n");
}

/// A time as ISO 8601 by the clocks of Việt Nam, which spreadsheets take for a time.
fn local(milliseconds: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(milliseconds);
    time.map_or_else(
        |_| String::new(),
        |time| {
            let local = time.to_zoned(TimeZone::fixed(offset(7)));
            local.strftime("%Y-%m-%d %H:%M:%S").to_string()
        },
    )
}

fn field(out: &mut String, text: &str) {
    if !text.contains([',', '"', '\n', '\r']) {
        out.push_str(text);
        return;
    }
    out.push('"');
    out.push_str(&text.replace('"', "\"\""));
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_quotes_and_formulas_are_text() {
        let mut out = String::new();
        line(
            &mut out,
            &[
                Value::text("Chợ, \"Đại Điền\""),
                Value::text("=cmd()"),
                Value::Nothing,
                Value::Number(-1.5),
                Value::count(48),
                Value::text("hai\ndòng"),
                Value::Time(1_564_963_500_000),
            ],
        );
        assert_eq!(
            out,
            "\"Chợ, \"\"Đại Điền\"\"\",'=cmd(),,-1.5,48,\"hai\ndòng\",2019-08-05 07:05:00\r\n"
        );
    }
}

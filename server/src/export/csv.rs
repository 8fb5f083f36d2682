//! CSV as RFC 4180 has it, for programs that open it with a double click: UTF-8 with a byte order mark,
//! lines ended by CR LF, text that would be taken for a formula made text.

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
            Value::Text(text) => field(out, &text::cell(text)),
        }
    }
    out.push_str("\r\n");
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
            ],
        );
        assert_eq!(
            out,
            "\"Chợ, \"\"Đại Điền\"\"\",'=cmd(),,-1.5,48,\"hai\ndòng\"\r\n"
        );
    }
}

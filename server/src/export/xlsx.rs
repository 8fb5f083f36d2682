//! Workbooks: real numbers and dates, a frozen heading, text that stays text.

use rust_xlsxwriter::{ExcelDateTime, Format, FormatAlign, FormatBorder, Worksheet, XlsxError};

use super::{Value, text};
use crate::{
    error::Error,
    http::problem::{Cause, Problem},
};

/// The most characters that a cell holds.
const MOST_CHARACTERS: usize = 32_767;

/// How cells look.
pub(crate) struct Formats {
    pub(crate) heading: Format,
    pub(crate) title: Format,
    date: Format,
    time: Format,
    text: Format,
}

impl Formats {
    pub(crate) fn new() -> Self {
        Self {
            heading: Format::new()
                .set_bold()
                .set_text_wrap()
                .set_align(FormatAlign::VerticalCenter)
                .set_align(FormatAlign::Center)
                .set_border_bottom(FormatBorder::Thin),
            title: Format::new().set_bold().set_font_size(14),
            date: Format::new().set_num_format("dd/mm/yyyy"),
            time: Format::new().set_num_format("dd/mm/yyyy hh:mm"),
            text: Format::new().set_text_wrap().set_align(FormatAlign::Top),
        }
    }
}

/// Writes the heading of a sheet, its row frozen, with the width of each column in characters.
pub(crate) fn heading(
    sheet: &mut Worksheet,
    formats: &Formats,
    row: u32,
    names: &[(String, u16)],
) -> Result<(), XlsxError> {
    for (column, (name, width)) in (0_u16..).zip(names) {
        sheet.set_column_width(column, *width)?;
        sheet.write_string_with_format(row, column, name, &formats.heading)?;
    }
    sheet.set_freeze_panes(row + 1, 0)?;
    Ok(())
}

/// Writes a row of values.
pub(crate) fn row(
    sheet: &mut Worksheet,
    formats: &Formats,
    row: u32,
    values: &[Value],
) -> Result<(), XlsxError> {
    for (column, value) in (0_u16..).zip(values) {
        match value {
            Value::Nothing => {}
            Value::Number(number) => {
                sheet.write_number(row, column, *number)?;
            }
            Value::Date(date) => match ExcelDateTime::parse_from_str(date) {
                Ok(date) => {
                    sheet.write_datetime_with_format(row, column, date, &formats.date)?;
                }
                // Before 1900 there are no dates in spreadsheets.
                Err(_) => {
                    sheet.write_string(row, column, date)?;
                }
            },
            Value::Time(time) => {
                // Spreadsheets know no time zones: what the clocks of Việt Nam show is written.
                let shown = time.div_euclid(1000).saturating_add(7 * 3600);
                if let Ok(time) = ExcelDateTime::from_timestamp(shown) {
                    sheet.write_datetime_with_format(row, column, time, &formats.time)?;
                }
            }
            Value::Text(text) => {
                sheet.write_string_with_format(row, column, cell(text), &formats.text)?;
            }
        }
    }
    Ok(())
}

/// Text that a cell can hold: what is longer says so.
fn cell(text: &str) -> String {
    let text = text::visible(text);
    // A spreadsheet counts UTF-16 units.
    if text.encode_utf16().count() <= MOST_CHARACTERS {
        return text.into_owned();
    }
    const CUT: &str = " … (ô bảng tính không chứa hết, xem hồ sơ)";
    let mut left = MOST_CHARACTERS - CUT.encode_utf16().count();
    let kept = text.chars().take_while(|character| {
        let fits = left >= character.len_utf16();
        left = left.saturating_sub(character.len_utf16());
        fits
    });
    kept.chain(CUT.chars()).collect()
}

/// A workbook that can't be written is the server's fault.
pub(crate) fn failed(error: XlsxError) -> Problem {
    tracing::error!(%error, "a workbook was not written");
    Problem::new(Cause::Internal)
}

/// The same, for the writers of long files.
pub(crate) fn broken(error: &XlsxError) -> Error {
    tracing::error!(%error, "a workbook was not written");
    Error::Unreadable("a workbook")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_no_cell_holds_says_that_it_goes_on() {
        assert_eq!(
            cell("=1+1"),
            "=1+1",
            "it is written as text, not read as a formula"
        );
        let long = cell(&"𝄞đ".repeat(30_000));
        assert!(long.encode_utf16().count() <= MOST_CHARACTERS);
        assert!(long.ends_with("xem hồ sơ)"));
    }
}

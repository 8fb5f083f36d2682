//! Tables as text: CSV with commas, semicolons or tabs, in UTF-8.

use csv::{ReaderBuilder, StringRecord};

use super::{
    HEADING_WITHIN, MOST_COLUMNS, MOST_LINES, columns, refused,
    table::{Cell, Row, Table},
    too_many_lines,
};
use crate::http::problem::Problem;

const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// Reads a table; which delimiter it has is seen from its heading.
pub(super) fn read(bytes: &[u8]) -> Result<Table, Problem> {
    let text = decoded(bytes)?;
    let (text, skipped) = without_hint(text);
    let mut best: Option<(usize, u8)> = None;
    for delimiter in DELIMITERS {
        let known = known_headings(text, delimiter);
        if best.is_none_or(|(most, _)| known > most) {
            best = Some((known, delimiter));
        }
    }
    let delimiter = best.map_or(b',', |(_, delimiter)| delimiter);
    let mut rows = Vec::new();
    for record in reader(text, delimiter).records() {
        let record = record.map_err(|error| {
            tracing::debug!(%error, "a table can't be read");
            refused("The file is no table", "Tệp không phải là bảng đọc được.")
        })?;
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if rows.len() > MOST_LINES + HEADING_WITHIN {
            return Err(too_many_lines());
        }
        if record.len() > MOST_COLUMNS {
            return Err(refused(
                format!("A line has more than {MOST_COLUMNS} columns"),
                format!("Có dòng nhiều hơn {MOST_COLUMNS} cột."),
            ));
        }
        rows.push(Row {
            number: line_of(text, &record).saturating_add(skipped),
            cells: record
                .iter()
                .map(|cell| Cell::text(unquoted(cell)))
                .collect(),
        });
    }
    Ok(Table { sheet: None, rows })
}

/// The text, if it is UTF-8. Other encodings are not guessed: a wrong guess would spoil names silently.
fn decoded(bytes: &[u8]) -> Result<&str, Problem> {
    let other = |what: &str| {
        refused(
            format!("{what}: save the file as UTF-8 (in Excel: CSV UTF-8) or as .xlsx"),
            format!("{what}: hãy lưu lại tệp dạng UTF-8 (trong Excel: CSV UTF-8) hoặc dạng .xlsx."),
        )
    };
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(other("UTF-16"));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        refused(
            format!("Line {line} is not in UTF-8 (TCVN3, VNI or Windows-1258 perhaps): save the file as UTF-8 (in Excel: CSV UTF-8) or as .xlsx"),
            format!("Dòng {line} không phải UTF-8 (có thể là TCVN3, VNI hoặc Windows-1258): hãy lưu lại tệp dạng UTF-8 (trong Excel: CSV UTF-8) hoặc dạng .xlsx."),
        )
    })?;
    if text.contains('\0') {
        return Err(refused(
            "The file is neither a text nor an .xlsx workbook",
            "Tệp không phải là CSV, cũng không phải .xlsx.",
        ));
    }
    Ok(text)
}

/// The text without a first line `sep=;`, which Excel writes for itself, and how many lines that was.
fn without_hint(text: &str) -> (&str, u32) {
    match text.split_once('\n') {
        Some((first, rest)) if first.trim_end().len() == 5 && first.starts_with("sep=") => {
            (rest, 1)
        }
        _ => (text, 0),
    }
}

fn reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes())
}

/// How many columns are understood with a delimiter.
fn known_headings(text: &str, delimiter: u8) -> usize {
    let mut reader = reader(text, delimiter);
    let first = reader.records().take(HEADING_WITHIN);
    let known = first.filter_map(Result::ok).map(|record| {
        let known = record.iter().filter(|cell| columns::find(cell).is_some());
        known.count()
    });
    known.max().unwrap_or(0)
}

/// The line that a record begins in. The position that it carries lies before blank lines above it.
fn line_of(text: &str, record: &StringRecord) -> u32 {
    let Some(position) = record.position() else {
        return 0;
    };
    let from = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let blank = text.get(from..).unwrap_or_default();
    let blank = blank
        .bytes()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'));
    let blank = blank.filter(|byte| *byte == b'\n').count() as u64;
    u32::try_from(position.line().saturating_add(blank)).unwrap_or(u32::MAX)
}

/// Text without the apostrophe that our own exports put before what a spreadsheet would take for a formula.
fn unquoted(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest)
            if rest.starts_with([
                '=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
            ]) =>
        {
            rest
        }
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<(u32, Vec<String>)> {
        let table = read(text.as_bytes()).unwrap();
        let cells = |row: Row| {
            let texts = row.cells.into_iter().map(|cell| match cell {
                Cell::Text(text) => text,
                other => format!("{other:?}"),
            });
            (row.number, texts.collect())
        };
        table.rows.into_iter().map(cells).collect()
    }

    #[test]
    fn the_delimiter_is_seen_from_the_heading() {
        for text in [
            "Tên đơn vị,Loại hình,Địa chỉ\nA,cơ quan,\"Ấp 1; xã B\"\n",
            "Tên đơn vị;Loại hình;Địa chỉ\r\nA;cơ quan;\"Ấp 1; xã B\"\r\n",
            "sep=;\nTên đơn vị;Loại hình;Địa chỉ\nA;cơ quan;\"Ấp 1; xã B\"",
            "\u{feff}Tên đơn vị\tLoại hình\tĐịa chỉ\nA\tcơ quan\tẤp 1; xã B\n",
        ] {
            let found = rows(text);
            assert_eq!(found[1].1, ["A", "cơ quan", "Ấp 1; xã B"], "{text}");
        }
    }

    #[test]
    fn lines_are_counted_as_an_editor_counts_them() {
        let found = rows("ten,loai\n\n\n\"A\nB\",cơ quan\n\nC,cơ quan");
        let numbers: Vec<u32> = found.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [1, 4, 7]);
        assert_eq!(rows("sep=,\nten,loai\nA,b")[1].0, 3);
    }

    #[test]
    fn what_our_exports_mark_as_text_is_that_text_again() {
        assert_eq!(rows("ten,loai\n'=cmd(),'tám\n")[1].1, ["=cmd()", "'tám"]);
    }

    #[test]
    fn other_encodings_are_refused_with_the_line() {
        let mut windows = "Tên đơn vị,Loại hình\nTr".as_bytes().to_vec();
        windows.extend([0xd6, 0xf4, b'n', b'g', b'\n']);
        let problem = read(&windows).unwrap_err();
        assert!(
            problem.text().starts_with("Dòng 2 không phải UTF-8"),
            "{}",
            problem.text()
        );
        let utf_16: Vec<u8> = "\u{feff}Tên"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert!(read(&utf_16).unwrap_err().text().starts_with("UTF-16"));
        assert!(read(b"ten,loai\nA\0B,c").is_err());
    }
}

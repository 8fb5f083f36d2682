//! Tables in workbooks (XLSX), read cell by cell. A workbook is a stranger's archive of XML: what it would unpack to,
//! and what it asks its reader to make room for, is looked at before the reader sees it.

use std::{
    collections::BTreeMap,
    io::{Cursor, Read as _},
};

use calamine::{DataRef, ExcelDateTime, Reader as _, SheetType, SheetVisible, Xlsx, XlsxError};
use zip::ZipArchive;

use super::{
    HEADING_WITHIN, MOST_COLUMNS, MOST_LINES, MOST_TEXT_BYTES, MOST_UNPACKED_BYTES, refused,
    table::{Cell, Row, Table},
};
use crate::http::problem::Problem;

/// Most files inside of a workbook.
const MOST_PARTS: usize = 1_000;
/// Most of anything that a workbook says there are of, before they come: the reader makes room for that many.
const MOST_CLAIMED: u32 = 200_000;
/// Most formats, fonts, fills and borders. Excel itself stops at 65,490 formats.
const MOST_STYLES: usize = 100_000;
/// The row after the last that may say something.
const ROWS_END: u32 = 20_000;

/// Reads the first sheet that is shown.
pub(super) fn read(bytes: &[u8]) -> Result<Table, Problem> {
    expect_modest(bytes)?;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(unreadable)?;
    let shown = book
        .sheets_metadata()
        .iter()
        .find(|sheet| sheet.visible == SheetVisible::Visible && sheet.typ == SheetType::WorkSheet)
        .map(|sheet| sheet.name.clone());
    let Some(sheet) = shown else {
        return Err(refused(
            "The workbook has no sheet",
            "Tệp không có trang tính nào.",
        ));
    };
    let rows = rows(&mut book, &sheet)?;
    Ok(Table {
        sheet: Some(sheet.chars().take(100).collect()),
        rows,
    })
}

fn rows(book: &mut Xlsx<Cursor<&[u8]>>, sheet: &str) -> Result<Vec<Row>, Problem> {
    let mut reader = book.worksheet_cells_reader(sheet).map_err(unreadable)?;
    let mut rows: BTreeMap<u32, BTreeMap<u32, Cell>> = BTreeMap::new();
    let mut bytes = 0;
    while let Some(found) = reader
        .next_cell_with_formula_metadata()
        .map_err(unreadable)?
    {
        let cell = match &found.value {
            _ if found.formula.is_some() => Cell::Formula,
            value => read_cell(value),
        };
        if cell.is_empty() {
            continue;
        }
        let (row, column) = found.pos;
        if row >= ROWS_END || rows.len() > MOST_LINES + HEADING_WITHIN {
            return Err(super::too_many_lines());
        }
        if usize::try_from(column).is_ok_and(|column| column >= MOST_COLUMNS) {
            return Err(refused(
                format!(
                    "Row {}: there is something beyond column {MOST_COLUMNS}",
                    row + 1
                ),
                format!("Dòng {}: có chữ ở ngoài cột thứ {MOST_COLUMNS}.", row + 1),
            ));
        }
        if let Cell::Text(text) = &cell {
            bytes += text.len();
        }
        if bytes > MOST_TEXT_BYTES {
            return Err(too_much());
        }
        rows.entry(row).or_default().insert(column, cell);
    }
    let row = |(row, cells): (u32, BTreeMap<u32, Cell>)| {
        let width = cells.last_key_value().map_or(0, |(column, _)| column + 1);
        let cell = |column| cells.get(&column).cloned();
        Row {
            number: row + 1,
            cells: (0..width)
                .map(|column| cell(column).unwrap_or_else(|| Cell::text("")))
                .collect(),
        }
    };
    Ok(rows.into_iter().map(row).collect())
}

/// A value as somebody would have typed it.
fn read_cell(value: &DataRef<'_>) -> Cell {
    match value {
        DataRef::Empty => Cell::text(""),
        DataRef::Int(number) => Cell::text(&number.to_string()),
        DataRef::Float(number) => Cell::text(&number.to_string()),
        DataRef::String(text) => Cell::text(text),
        DataRef::SharedString(text) => Cell::text(text),
        DataRef::Bool(true) => Cell::text("có"),
        DataRef::Bool(false) => Cell::text("không"),
        DataRef::DateTime(time) => day(time),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            Cell::text(text.split('T').next().unwrap_or_default())
        }
        DataRef::Error(_) => Cell::Failed,
    }
}

fn day(time: &ExcelDateTime) -> Cell {
    if !time.is_datetime() || !(0.0..3_000_000.0).contains(&time.as_f64()) {
        return Cell::text(&time.as_f64().to_string());
    }
    let (year, month, day, ..) = time.to_ymd_hms_milli();
    Cell::text(&format!("{day:02}/{month:02}/{year:04}"))
}

/// Refuses an archive that unpacks to too much, and parts that would have the reader set too much memory aside.
fn expect_modest(bytes: &[u8]) -> Result<(), Problem> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| broken(&error))?;
    if archive.len() > MOST_PARTS {
        return Err(too_much());
    }
    let mut left = MOST_UNPACKED_BYTES;
    let mut styles = 0;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|error| broken(&error))?;
        let mut content = Vec::new();
        // What the archive says about sizes need not be so: what comes out is counted.
        let mut part = part.take(left + 1);
        part.read_to_end(&mut content)
            .map_err(|error| broken(&error))?;
        left = left
            .checked_sub(content.len() as u64)
            .ok_or_else(too_much)?;
        styles += count_styles(&content);
        if styles > MOST_STYLES || !is_plain_utf_8(&content) || claims_too_much(&content) {
            return Err(too_much());
        }
    }
    Ok(())
}

/// Whether a part, if it is XML, is UTF-8 and says nothing else: in another encoding the looks below would see nothing.
fn is_plain_utf_8(part: &[u8]) -> bool {
    if [&b"\xff\xfe"[..], b"\xfe\xff", b"<\0", b"\0<"]
        .iter()
        .any(|begin| part.starts_with(begin))
    {
        return false;
    }
    let text = part.strip_prefix(b"\xef\xbb\xbf").unwrap_or(part);
    if !text.trim_ascii_start().starts_with(b"<?xml") {
        return true;
    }
    let head: Vec<u8> = text.iter().copied().take(512).collect();
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let declaration = head.split_once("?>").map(|(declaration, _)| declaration);
    declaration.is_some_and(|text| !text.contains("encoding") || text.contains("utf-8"))
}

/// Whether a part says that there are more shared texts or shared formulas than it could hold.
fn claims_too_much(part: &[u8]) -> bool {
    [&b"uniqueCount"[..], b"si"].into_iter().any(|name| {
        places(part, name).any(|at| {
            let before = at.checked_sub(1).and_then(|before| part.get(before));
            let after = part.get(at + name.len()..).unwrap_or_default();
            let is_name = before.is_some_and(|byte| !byte.is_ascii_alphanumeric());
            is_name && claimed(after).is_some_and(|number| number > MOST_CLAIMED)
        })
    })
}

/// The number that an attribute has, after its name; the highest for one that is no number.
fn claimed(after_name: &[u8]) -> Option<u32> {
    let value = after_name
        .trim_ascii_start()
        .strip_prefix(b"=")?
        .trim_ascii_start();
    let (quote, value) = value
        .split_first()
        .filter(|(quote, _)| matches!(quote, b'"' | b'\''))?;
    let value: Vec<u8> = value
        .iter()
        .copied()
        .take_while(|byte| byte != quote)
        .take(20)
        .collect();
    let number = std::str::from_utf8(&value)
        .ok()
        .and_then(|text| text.trim().parse().ok());
    Some(number.unwrap_or(u32::MAX))
}

fn count_styles(part: &[u8]) -> usize {
    let elements = [&b"<xf"[..], b"<font", b"<fill", b"<border", b"<numFmt"];
    elements
        .into_iter()
        .map(|element| places(part, element).count())
        .sum()
}

/// Where a text stands in a part.
fn places<'a>(part: &'a [u8], text: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    part.windows(text.len())
        .enumerate()
        .filter(move |(_, window)| *window == text)
        .map(|(at, _)| at)
}

fn too_much() -> Problem {
    refused(
        "The workbook holds more than a list of units does: copy the list alone into a new workbook, or save it as CSV UTF-8",
        "Tệp chứa nhiều hơn một danh sách đơn vị: hãy chép riêng danh sách sang tệp mới, hoặc lưu dạng CSV UTF-8.",
    )
}

fn broken(error: &dyn std::error::Error) -> Problem {
    tracing::debug!(%error, "a workbook can't be opened");
    no_workbook()
}

fn unreadable(error: XlsxError) -> Problem {
    broken(&error)
}

fn no_workbook() -> Problem {
    refused(
        "The file is no .xlsx workbook that can be read: open it, save it again as .xlsx, and choose it once more",
        "Không đọc được tệp như một bảng .xlsx: hãy mở ra, lưu lại dạng .xlsx rồi chọn lại.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_part_claims_is_seen_however_it_is_written() {
        for modest in [
            &br#"<sst count="3" uniqueCount="3">"#[..],
            br#"<f t="shared" si="12">"#,
            b"<t>x si = y</t>",
            b"<sheet name='Si'/>",
        ] {
            assert!(
                !claims_too_much(modest),
                "{}",
                String::from_utf8_lossy(modest)
            );
        }
        for immodest in [
            &br#"<sst uniqueCount="99999999999">"#[..],
            br#"<sst uniqueCount = '4000000'>"#,
            br#"<f t="shared"si="18446744073709551615">"#,
            br#"<sst uniqueCount="+999999999">"#,
        ] {
            assert!(
                claims_too_much(immodest),
                "{}",
                String::from_utf8_lossy(immodest)
            );
        }
    }

    #[test]
    fn parts_in_other_encodings_are_not_read() {
        assert!(is_plain_utf_8(
            br#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?><a/>"#
        ));
        assert!(
            is_plain_utf_8(b"\xef\xbb\xbf<?xml version=\"1.0\"?><a/>")
                && is_plain_utf_8(b"\x89PNG")
        );
        assert!(!is_plain_utf_8(
            br#"<?xml version="1.0" encoding="UTF-16"?>"#
        ));
        assert!(!is_plain_utf_8(b"\xff\xfe<\0a\0") && !is_plain_utf_8(b"<\0?\0x\0"));
    }
}

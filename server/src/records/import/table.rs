//! A table as it stands in a file, before anybody asks what it means.

use super::{MOST_BYTES, refused, text, too_large, workbook};
use crate::http::problem::Problem;

/// What stands in a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// Text, trimmed; numbers and dates of workbooks as people write them. Empty for nothing.
    Text(String),
    /// A formula: what it shows depends on the program that computed it.
    Formula,
    /// A formula that failed: `#REF!`.
    Failed,
}

impl Cell {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.trim().to_owned())
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Cell::Text(text) if text.is_empty())
    }
}

/// A row in which something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Its line in a text, its row in a workbook, from 1.
    pub(super) number: u32,
    pub(super) cells: Vec<Cell>,
}

/// A table.
#[derive(Debug)]
pub(super) struct Table {
    /// The sheet that it was read from.
    pub(super) sheet: Option<String>,
    pub(super) rows: Vec<Row>,
}

/// Reads a file by what it is, whatever it is called.
pub(super) fn read(bytes: &[u8]) -> Result<Table, Problem> {
    if bytes.len() > MOST_BYTES {
        return Err(too_large());
    }
    if bytes.is_empty() {
        return Err(refused("The file is empty", "Tệp trống."));
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return workbook::read(bytes);
    }
    if bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
        return Err(refused(
            "This is an old .xls workbook or one with a password: save it as .xlsx without a password",
            "Đây là tệp .xls đời cũ hoặc tệp có mật khẩu: hãy lưu lại thành .xlsx, không đặt mật khẩu.",
        ));
    }
    text::read(bytes)
}

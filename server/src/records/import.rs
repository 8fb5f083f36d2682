//! Units from a file: a table in CSV or XLSX becomes records of units.
//!
//! A file goes through four steps, each of which says what is wrong instead of guessing: bytes to a table
//! ([`text`], [`workbook`]), a table to lines with values ([`line`]), lines to a plan against what is there already
//! ([`plan`]), and a plan to records ([`endpoint`]). A preview stops after the third. An import names the plan that was
//! previewed by its digest and does exactly that, all of it or nothing.

mod cell;
pub(crate) mod columns;
pub(crate) mod endpoint;
mod line;
mod places;
pub(crate) mod plan;
mod table;
pub(crate) mod template;
mod text;
mod workbook;

use crate::http::problem::{Cause, Problem};

/// Largest file, in bytes.
pub(crate) const MOST_BYTES: usize = 1024 * 1024;
/// Most units in one file. They are made in one transaction, which other writers wait for.
pub(crate) const MOST_LINES: usize = 2_000;
/// Most columns.
const MOST_COLUMNS: usize = 100;
/// Rows in which the heading is looked for: titles may stand above it.
const HEADING_WITHIN: usize = 10;
/// Most bytes that a workbook unpacks to.
const MOST_UNPACKED_BYTES: u64 = 16 * 1024 * 1024;
/// Most bytes of text in the cells of a workbook, which can name one long text many times.
const MOST_TEXT_BYTES: usize = 4 * 1024 * 1024;

/// A file that can't be read at all.
fn refused(english: impl Into<String>, vietnamese: impl Into<String>) -> Problem {
    Problem::invalid(english.into()).vietnamese(vietnamese.into())
}

/// A file with more units than are taken at once.
fn too_many_lines() -> Problem {
    refused(
        format!("The file has more than {MOST_LINES} lines: import it in parts"),
        format!("Tệp có hơn {MOST_LINES} dòng: hãy chia thành nhiều tệp rồi nhập từng tệp."),
    )
}

/// A file that is larger than is taken.
pub(crate) fn too_large() -> Problem {
    let kib = MOST_BYTES / 1024;
    Problem::new(Cause::BodyTooLarge)
        .detail(format!("The file is larger than {kib} KiB"))
        .vietnamese(format!(
            "Tệp lớn hơn {kib} KB: hãy bỏ hình ảnh, trang tính thừa, hoặc chia thành nhiều tệp."
        ))
}

//! Records as a workbook: a sheet of records, and one for each list in them. Rows go to temporary files as
//! they come, so that memory does not grow with their number.

use std::io::{Read, Seek, SeekFrom, Write};

use axum::body::Bytes;
use rust_xlsxwriter::{Workbook, Worksheet, XlsxError};
use tokio::sync::mpsc;

use super::{columns::Columns, row::Row};
use crate::{
    error::Error,
    export::{
        Value,
        xlsx::{self, Formats},
    },
};

/// The most rows that a sheet holds.
const MOST_ROWS: u32 = 1_048_576;
/// Pieces in which the file is sent.
const PIECE: usize = 64 * 1024;

/// A sheet and where its next row goes.
struct Sheet {
    /// Which sheets of the workbook are its, in their order: another begins where one is full.
    index: usize,
    title: String,
    names: Vec<(String, u16)>,
    next: u32,
    parts: u32,
}

/// Writes the rows that come, then sends the file.
pub(super) fn write(
    columns: &Columns,
    mut rows: mpsc::Receiver<Vec<Row>>,
    sender: &mpsc::Sender<Result<Bytes, Error>>,
) -> Result<(), Error> {
    let failed = |error: XlsxError| xlsx::broken(&error);
    let formats = Formats::new();
    let mut workbook = Workbook::new();
    let mut records = Sheet::new("Hồ sơ".to_owned(), columns.names());
    records.begin(&mut workbook, &formats).map_err(failed)?;
    let lists = columns.lists.iter();
    let mut lists: Vec<_> = lists
        .map(|list| (list, Sheet::new(list.title(), list.names())))
        .collect();
    for (_, sheet) in &mut lists {
        sheet.begin(&mut workbook, &formats).map_err(failed)?;
    }
    while let Some(some) = rows.blocking_recv() {
        for row in &some {
            records
                .add(&mut workbook, &formats, &columns.values(row))
                .map_err(failed)?;
            for (list, sheet) in &mut lists {
                for values in list.rows(row) {
                    sheet
                        .add(&mut workbook, &formats, &values)
                        .map_err(failed)?;
                }
            }
        }
    }
    let mut file = tempfile::tempfile().map_err(temporary)?;
    workbook.save_to_writer(&mut file).map_err(failed)?;
    file.flush().map_err(temporary)?;
    file.seek(SeekFrom::Start(0)).map_err(temporary)?;
    let mut piece = vec![0; PIECE];
    loop {
        let read = file.read(&mut piece).map_err(temporary)?;
        let Some(bytes) = piece.get(..read).filter(|bytes| !bytes.is_empty()) else {
            return Ok(());
        };
        if sender
            .blocking_send(Ok(Bytes::copy_from_slice(bytes)))
            .is_err()
        {
            // Nobody reads any more.
            return Ok(());
        }
    }
}

fn temporary(error: std::io::Error) -> Error {
    tracing::error!(%error, "a workbook was not written to a temporary file");
    Error::Unreadable("a temporary file")
}

impl Sheet {
    fn new(title: String, names: Vec<(String, u16)>) -> Self {
        Self {
            index: 0,
            title,
            names,
            next: 0,
            parts: 0,
        }
    }

    /// Begins its first sheet, or one more.
    fn begin(&mut self, workbook: &mut Workbook, formats: &Formats) -> Result<(), XlsxError> {
        self.parts += 1;
        let title = match self.parts {
            1 => self.title.clone(),
            part => format!("{} ({part})", self.title),
        };
        self.index = workbook.worksheets().len();
        let sheet = workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name(title)?;
        xlsx::heading(sheet, formats, 0, &self.names)?;
        self.next = 1;
        Ok(())
    }

    fn add(
        &mut self,
        workbook: &mut Workbook,
        formats: &Formats,
        values: &[Value],
    ) -> Result<(), XlsxError> {
        if self.next >= MOST_ROWS {
            self.begin(workbook, formats)?;
        }
        let sheet: &mut Worksheet = workbook.worksheet_from_index(self.index)?;
        xlsx::row(sheet, formats, self.next, values)?;
        self.next += 1;
        Ok(())
    }
}

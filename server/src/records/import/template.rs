//! The files to begin with: a heading, an example, and what every column is.

use rust_xlsxwriter::Workbook;
use serde::Deserialize;
use utoipa::ToSchema;

use super::columns::{self, Column};
use crate::{
    export::{
        Value, csv,
        xlsx::{self, Formats, failed},
    },
    http::problem::Problem,
};

/// What the template is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = TemplateFormat)]
pub(crate) enum Format {
    /// A text.
    Csv,
    /// A workbook.
    Xlsx,
}

fn in_template() -> impl Iterator<Item = &'static Column> {
    columns::all().iter().filter(|column| column.in_template)
}

fn heading(column: &Column) -> String {
    if column.is_required() {
        format!("{} *", column.vi)
    } else {
        column.vi.clone()
    }
}

fn example() -> Vec<Value> {
    in_template()
        .map(|column| Value::text(column.example))
        .collect()
}

/// The template as a text.
pub(super) fn csv() -> String {
    let mut out = csv::BEGIN.to_owned();
    let names: Vec<Value> = in_template()
        .map(|column| Value::text(heading(column)))
        .collect();
    csv::line(&mut out, &names);
    csv::line(&mut out, &example());
    out
}

/// The template as a workbook. All cells of the list are text, so that no program makes anything else of what is typed.
pub(super) fn xlsx() -> Result<Vec<u8>, Problem> {
    let mut book = Workbook::new();
    let formats = Formats::new();
    let names: Vec<(String, u16)> = in_template()
        .map(|column| (heading(column), if column.is_required() { 40 } else { 20 }))
        .collect();
    let sheet = book.add_worksheet();
    sheet.set_name("Đơn vị").map_err(failed)?;
    xlsx::heading(sheet, &formats, 0, &names).map_err(failed)?;
    xlsx::row(sheet, &formats, 1, &example()).map_err(failed)?;

    let sheet = book.add_worksheet();
    sheet.set_name("Giải thích").map_err(failed)?;
    let names = [
        ("Cột", 30),
        ("Bắt buộc", 12),
        ("Ghi gì", 70),
        ("Column", 30),
        ("What to write", 70),
    ];
    let names = names.map(|(name, width)| (name.to_owned(), width));
    xlsx::heading(sheet, &formats, 0, &names).map_err(failed)?;
    for (row, column) in (1_u32..).zip(in_template()) {
        let (vi, en) = column.explained();
        let values = [
            Value::text(&*column.vi),
            Value::text(if column.is_required() {
                "bắt buộc"
            } else {
                ""
            }),
            Value::text(vi),
            Value::text(&*column.en),
            Value::text(en),
        ];
        xlsx::row(sheet, &formats, row, &values).map_err(failed)?;
    }
    book.save_to_buffer().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::import::{line, table};

    #[test]
    fn the_templates_are_read_as_a_heading_with_one_example_and_nothing_wrong() {
        for bytes in [csv().into_bytes(), xlsx().unwrap()] {
            let list = line::read(table::read(&bytes).unwrap()).unwrap();
            assert_eq!(list.ignored, Vec::<String>::new());
            let [example] = list.lines.as_slice() else {
                panic!("{:?}", list.lines);
            };
            assert!(
                example.is_example && example.faults.is_empty(),
                "{:?}",
                example.faults
            );
            assert!(example.fields.len() > 10 && example.fields.contains_key("position"));
        }
    }
}

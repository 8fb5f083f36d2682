//! The lines of a table as units, before anybody looks at what is there already.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use sokiem_record::id::DocumentId;
use utoipa::ToSchema;

use super::{
    HEADING_WITHIN, MOST_LINES, cell,
    columns::{self, Column, EXAMPLE_NAME, What},
    refused,
    table::{Cell, Row, Table},
    too_many_lines,
};
use crate::http::problem::Problem;

/// What is wrong in a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ImportFault)]
pub(crate) struct Fault {
    /// The column's heading; null where it is about the whole line.
    pub(crate) column: Option<String>,
    /// What is wrong, in Vietnamese.
    pub(crate) vietnamese: String,
    /// The same in English.
    pub(crate) english: String,
}

impl Fault {
    pub(super) fn of_line(vietnamese: impl Into<String>, english: impl Into<String>) -> Self {
        Self {
            column: None,
            vietnamese: vietnamese.into(),
            english: english.into(),
        }
    }

    pub(super) fn of(column: &str, (vietnamese, english): cell::Wrong) -> Self {
        Self {
            column: Some(column.chars().take(100).collect()),
            vietnamese,
            english,
        }
    }
}

/// A line that is to be a unit.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) number: u32,
    /// What stands where the name belongs, as far as it is shown.
    pub(super) name: String,
    pub(super) id: Option<DocumentId>,
    pub(super) area: Option<String>,
    pub(super) fields: BTreeMap<&'static str, Value>,
    pub(super) faults: Vec<Fault>,
    /// It is the example of the template.
    pub(super) is_example: bool,
}

/// A list of units.
#[derive(Debug)]
pub(super) struct List {
    pub(super) sheet: Option<String>,
    /// The headings that nobody knows; what stands below them is not read.
    pub(super) ignored: Vec<String>,
    pub(super) lines: Vec<Line>,
}

/// A column of this table: its heading, and which one it is.
struct Heading {
    text: String,
    column: Option<&'static Column>,
}

/// Reads the lines below the heading.
pub(super) fn read(table: Table) -> Result<List, Problem> {
    let mut rows = table.rows.into_iter();
    let before: Vec<Row> = rows.by_ref().take(HEADING_WITHIN).collect();
    let known = |row: &Row| {
        headings(row)
            .iter()
            .filter(|one| one.column.is_some())
            .count()
    };
    // The first of those that say the most.
    let heading = before.iter().rev().max_by_key(|row| known(row));
    let headings = heading.map(headings).unwrap_or_default();
    expect_complete(&headings)?;
    let from = heading.map_or(0, |row| row.number);
    let below = before.iter().filter(|row| row.number > from).cloned();
    let rows: Vec<Row> = below.chain(rows).collect();
    if rows.len() > MOST_LINES {
        return Err(too_many_lines());
    }
    if rows.is_empty() {
        return Err(refused(
            "There is no line below the heading",
            "Dưới dòng tiêu đề không có dòng nào.",
        ));
    }
    let ignored = headings
        .iter()
        .filter(|one| one.column.is_none() && !one.text.is_empty());
    Ok(List {
        sheet: table.sheet,
        ignored: ignored
            .map(|one| one.text.chars().take(100).collect())
            .collect(),
        lines: rows.iter().map(|row| line(&headings, row)).collect(),
    })
}

fn headings(row: &Row) -> Vec<Heading> {
    let heading = |cell: &Cell| {
        let text = match cell {
            Cell::Text(text) => text.clone(),
            Cell::Formula | Cell::Failed => String::new(),
        };
        Heading {
            column: columns::find(&text),
            text,
        }
    };
    row.cells.iter().map(heading).collect()
}

/// Refuses a table without the columns that every unit needs, or with one of them twice.
fn expect_complete(headings: &[Heading]) -> Result<(), Problem> {
    let count = |column: &Column| {
        let same = |one: &&Heading| one.column.is_some_and(|found| found.what == column.what);
        headings.iter().filter(same).count()
    };
    for column in columns::all() {
        if column.is_required() && count(column) == 0 {
            return Err(refused(
                format!(
                    "There is no column “{}” within the first {HEADING_WITHIN} lines: the template shows how the heading reads",
                    column.en
                ),
                format!(
                    "Không thấy cột “{}” trong {HEADING_WITHIN} dòng đầu: xem tệp mẫu để biết cách ghi dòng tiêu đề.",
                    column.vi
                ),
            ));
        }
        if count(column) > 1 {
            return Err(refused(
                format!("Two columns are “{}”", column.en),
                format!("Có hai cột cùng là “{}”: hãy bỏ một cột.", column.vi),
            ));
        }
    }
    Ok(())
}

fn line(headings: &[Heading], row: &Row) -> Line {
    let mut line = Line {
        number: row.number,
        name: String::new(),
        id: None,
        area: None,
        fields: BTreeMap::new(),
        faults: Vec::new(),
        is_example: false,
    };
    let mut degrees = (None, None);
    // Where a line ends early, its last cells are empty.
    let width = row.cells.len().max(headings.len());
    let empty = Cell::text("");
    for index in 0..width {
        let cell = row.cells.get(index).unwrap_or(&empty);
        let heading = headings.get(index).filter(|one| !one.text.is_empty());
        let Some(heading) = heading else {
            if !cell.is_empty() {
                line.faults.push(Fault::of_line(
                    format!("có chữ ở cột thứ {}, cột này không có tiêu đề (thừa dấu phân cách?)", index + 1),
                    format!("something stands in column {}, which has no heading (one delimiter too many?)", index + 1),
                ));
            }
            continue;
        };
        let Some(column) = heading.column else {
            continue;
        };
        if let (What::Field("name", _), Cell::Text(text)) = (column.what, cell) {
            line.name = text.chars().take(120).collect();
            line.is_example = text == EXAMPLE_NAME;
        }
        match value(column, cell) {
            Ok(None) => {}
            Err(wrong) => line.faults.push(Fault::of(&heading.text, wrong)),
            Ok(Some(value)) => match column.what {
                What::Field(name, _) => {
                    line.fields.insert(name, value);
                }
                What::Area => line.area = value.as_str().map(str::to_owned),
                What::Id => match value.as_str().and_then(|text| text.parse().ok()) {
                    Some(id) => line.id = Some(id),
                    None => line.faults.push(Fault::of(
                        &heading.text,
                        (
                            "không phải là mã hồ sơ; đơn vị mới thì để trống".into(),
                            "is no record's id; leave it empty for a new unit".into(),
                        ),
                    )),
                },
                What::Latitude => degrees.0 = value.as_f64(),
                What::Longitude => degrees.1 = value.as_f64(),
            },
        }
    }
    match degrees {
        (Some(latitude), Some(longitude)) => {
            let position = format!("geo:{latitude},{longitude}");
            line.fields.insert("position", position.into());
        }
        (None, None) => {}
        _ => line.faults.push(Fault::of_line(
            "vĩ độ và kinh độ phải có cả hai",
            "latitude and longitude belong together",
        )),
    }
    line.faults.extend(contradictions(&line.fields));
    line
}

fn value(column: &Column, cell: &Cell) -> Result<Option<Value>, cell::Wrong> {
    match cell {
        Cell::Text(text) if text.is_empty() && column.is_required() => {
            Err(("không được để trống".into(), "must not be empty".into()))
        }
        Cell::Text(text) if text.is_empty() => Ok(None),
        Cell::Text(text) => cell::value(column.what, text).map(Some),
        Cell::Formula => Err((
            "là công thức: hãy chép rồi dán lại dạng giá trị".into(),
            "is a formula: copy it and paste it as a value".into(),
        )),
        Cell::Failed => Err((
            "là một lỗi của bảng tính".into(),
            "is a spreadsheet's error".into(),
        )),
    }
}

/// What can't be true together.
fn contradictions(fields: &BTreeMap<&'static str, Value>) -> Vec<Fault> {
    let kind = fields.get("unit_kind").and_then(Value::as_str);
    let only = [
        (
            "school_level",
            "school",
            "cấp học chỉ ghi cho nhà trường",
            "only schools have a school level",
        ),
        (
            "enterprise_size",
            "enterprise",
            "quy mô chỉ ghi cho doanh nghiệp",
            "only enterprises have a size",
        ),
    ];
    let wrong = only.into_iter().filter(|(field, of, ..)| {
        fields.contains_key(field) && kind.is_some_and(|kind| kind != *of)
    });
    wrong.map(|(.., vi, en)| Fault::of_line(vi, en)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::import::text;

    fn list(text: &str) -> Result<List, Problem> {
        read(text::read(text.as_bytes())?)
    }

    fn faults(text: &str) -> Vec<(u32, String)> {
        let faults = |line: Line| {
            let number = line.number;
            line.faults.into_iter().map(move |fault| {
                let column = fault.column.map(|column| column + ": ").unwrap_or_default();
                (number, column + &fault.vietnamese)
            })
        };
        list(text)
            .unwrap()
            .lines
            .into_iter()
            .flat_map(faults)
            .collect()
    }

    #[test]
    fn titles_may_stand_above_the_heading() {
        let list = list("DANH SÁCH ĐƠN VỊ\nNăm 2026\n\nSTT,Tên đơn vị,Loại hình\n1,Trường A,nhà trường\n2,Chợ,cơ quan\n").unwrap();
        assert_eq!(list.ignored, ["STT"]);
        let lines: Vec<_> = list
            .lines
            .iter()
            .map(|line| (line.number, line.name.as_str()))
            .collect();
        assert_eq!(lines, [(5, "Trường A"), (6, "Chợ")]);
    }

    #[test]
    fn every_fault_of_a_line_is_told_with_its_column() {
        let found = faults(
            "Tên đơn vị,Loại hình,Số người làm việc,Vĩ độ,Kinh độ,Cấp học\n,trường,mười,9.9,,\nA,cơ quan,3,,,tiểu học\nB,cơ quan,3,,,,thừa\nC\n",
        );
        let texts: Vec<String> = found
            .iter()
            .map(|(number, text)| format!("{number} {text}"))
            .collect();
        assert_eq!(
            texts,
            [
                "2 Tên đơn vị: không được để trống",
                "2 Số người làm việc: “mười” không phải là số nguyên từ 0, viết không có dấu chấm",
                "2 vĩ độ và kinh độ phải có cả hai",
                "3 cấp học chỉ ghi cho nhà trường",
                "4 có chữ ở cột thứ 7, cột này không có tiêu đề (thừa dấu phân cách?)",
                "5 Loại hình: không được để trống",
            ]
        );
    }

    #[test]
    fn a_table_that_is_no_list_of_units_is_refused() {
        for (text, told) in [
            ("a,b\n1,2\n", "Không thấy cột “Tên đơn vị”"),
            ("Tên đơn vị,Địa chỉ\nA,B\n", "Không thấy cột “Loại hình”"),
            ("Tên đơn vị,Tên,Loại hình\nA,B,C\n", "Có hai cột"),
            (
                "Tên đơn vị,Loại hình\n",
                "Dưới dòng tiêu đề không có dòng nào",
            ),
        ] {
            let problem = list(text).unwrap_err();
            assert!(problem.text().starts_with(told), "{}", problem.text());
        }
        let many = format!(
            "Tên đơn vị,Loại hình\n{}",
            "A,cơ quan\n".repeat(MOST_LINES + 1)
        );
        assert!(list(&many).unwrap_err().text().contains("hơn 2000 dòng"));
    }
}

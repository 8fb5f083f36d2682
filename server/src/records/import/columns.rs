//! The columns of a list of units: what they may be called, and what may stand in them.

use std::sync::LazyLock;

use sokiem_record::{
    fold::fold,
    id::Kind,
    labels,
    limits::{MAX_LINE_CHARS, MAX_TEXT_CHARS},
    schema::{self, FieldType, Node},
    words,
};

/// What a column is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The id of a record that is there already, as exports have it.
    Id,
    /// The area, by its name.
    Area,
    Latitude,
    Longitude,
    /// A field of the unit.
    Field(&'static str, FieldType),
}

/// A column.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) what: What,
    pub(crate) vi: String,
    pub(crate) en: String,
    /// What else it may be called, without accents.
    also: &'static [&'static str],
    /// What stands in the template's example.
    pub(crate) example: &'static str,
    /// Whether the template has it. The rest is understood when a file has it.
    pub(crate) in_template: bool,
}

impl Column {
    /// Whether every unit needs it.
    pub(crate) fn is_required(&self) -> bool {
        matches!(self.what, What::Field("name" | "unit_kind", _))
    }

    /// What may stand in it.
    pub(crate) fn explained(&self) -> (String, String) {
        let both = |vi: &str, en: &str| (vi.to_owned(), en.to_owned());
        match self.what {
            What::Id => both(
                "mã của hồ sơ đã có",
                "the id of a record that is there already",
            ),
            What::Area => both(
                "tên một địa bàn của bạn; nếu trùng tên thì ghi cả cấp trên: Thạnh Phú / An Điền. Để trống: địa bàn chọn trên trang",
                "the name of one of your areas; where two have one name, with the one above: Thạnh Phú / An Điền. Empty: the area chosen on the page",
            ),
            What::Latitude => both(
                "độ thập phân, ví dụ 9,9512",
                "decimal degrees, such as 9.9512",
            ),
            What::Longitude => both(
                "độ thập phân, ví dụ 106,5318",
                "decimal degrees, such as 106.5318",
            ),
            What::Field(_, field) => explained(field),
        }
    }
}

fn explained(field: FieldType) -> (String, String) {
    match field {
        FieldType::Choice(choices) => {
            let names = |pick: fn((&'static str, &'static str)) -> &'static str| {
                let names = choices
                    .iter()
                    .filter_map(|word| words::names(word).map(pick));
                names.collect::<Vec<_>>().join(", ")
            };
            (
                format!("một trong: {}", names(|names| names.0)),
                format!("one of: {}", names(|names| names.1)),
            )
        }
        FieldType::Bool => ("có hoặc không".into(), "yes or no".into()),
        FieldType::Date => (
            "ngày/tháng/năm, ví dụ 05/08/2019".into(),
            "day/month/year, such as 05/08/2019".into(),
        ),
        FieldType::Integer => ("số nguyên từ 0".into(), "a whole number from 0".into()),
        FieldType::Text | FieldType::Block => (
            format!("chữ, không quá {MAX_TEXT_CHARS} ký tự"),
            format!("text, {MAX_TEXT_CHARS} characters at most"),
        ),
        FieldType::Geo => ("vĩ độ, kinh độ".into(), "latitude, longitude".into()),
        _ => (
            format!("chữ trên một dòng, không quá {MAX_LINE_CHARS} ký tự"),
            format!("text on one line, {MAX_LINE_CHARS} characters at most"),
        ),
    }
}

/// The fields that nobody gives a new unit by a list: they come of work in the system.
const NOT_GIVEN: [&str; 2] = ["joined_into", "synthetic"];

/// Every column, in the order of the template.
pub(crate) fn all() -> &'static [Column] {
    &COLUMNS
}

static COLUMNS: LazyLock<Vec<Column>> = LazyLock::new(|| {
    let mut columns: Vec<Column> = schema::fields(Kind::Unit)
        .iter()
        .filter_map(|(name, node)| match node {
            Node::Field(field) if !NOT_GIVEN.contains(name) => Some(of_field(name, *field)),
            _ => None,
        })
        .collect();
    // The name comes first, so that a line is known by its beginning.
    columns.sort_by_key(|column| !matches!(column.what, What::Field("name", _)));
    let beside = |what, vi: &str, en: &str, also, example, in_template| Column {
        what,
        vi: vi.to_owned(),
        en: en.to_owned(),
        also,
        example,
        in_template,
    };
    let area = beside(
        What::Area,
        "Địa bàn",
        "Area",
        &["xa", "commune", "dia ban xa", "don vi hanh chinh"],
        "An Điền",
        true,
    );
    columns.insert(1, area);
    columns.push(beside(
        What::Latitude,
        "Vĩ độ",
        "Latitude",
        &["lat"],
        "9,9512",
        true,
    ));
    columns.push(beside(
        What::Longitude,
        "Kinh độ",
        "Longitude",
        &["lon", "lng", "long"],
        "106,5318",
        true,
    ));
    columns.push(beside(
        What::Id,
        "Mã hồ sơ",
        "Record id",
        &["ma", "id", "record"],
        "",
        false,
    ));
    columns
});

fn of_field(name: &'static str, field: FieldType) -> Column {
    let (vi, en) = match name {
        "name" => ("tên đơn vị", "unit name"),
        _ => labels::name(name).unwrap_or((name, name)),
    };
    Column {
        what: What::Field(name, field),
        vi: capital(vi),
        en: capital(en),
        also: also(name),
        example: example(name),
        in_template: field != FieldType::Geo,
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters
        .next()
        .map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + characters.as_str()
}

fn also(name: &str) -> &'static [&'static str] {
    match name {
        "name" => &["ten", "name", "don vi", "unit", "ten co quan don vi"],
        "unit_kind" => &["loai", "loai don vi", "loai hinh don vi", "type", "kind"],
        "school_level" => &["cap", "cap hoc truong", "level"],
        "enterprise_size" => &["quy mo", "size"],
        "address" => &["dia chi don vi", "noi dat tru so", "tru so"],
        "head_name" => &[
            "thu truong",
            "nguoi dung dau don vi",
            "ho ten nguoi dung dau",
            "dai dien",
            "head name",
        ],
        "head_title" => &["chuc vu", "title"],
        "phone" => &["dien thoai lien he", "so dien thoai", "sdt", "telephone"],
        "staff" => &["so nguoi", "so can bo nhan vien", "headcount"],
        "learners" => &["so hoc sinh", "hoc sinh", "pupils", "students"],
        "notes" => &["note", "ghi chu khac"],
        _ => &[],
    }
}

fn example(name: &str) -> &'static str {
    match name {
        "name" => EXAMPLE_NAME,
        "unit_kind" => "nhà trường",
        "school_level" => "tiểu học",
        "armed_forces" => "không",
        "address" => "Ấp Chợ, xã An Điền",
        "head_name" => "Nguyễn Văn A",
        "head_title" => "Hiệu trưởng",
        "phone" => "0270 000 0000",
        "staff" => "32",
        "learners" => "410",
        "in_inspection_scope" | "plan_exists" | "register_shifts" | "register_visitors" => "có",
        "guards_full_time" => "1",
        "plan_approved_on" => "05/08/2019",
        "cctv_installed" | "cctv_working" => "4",
        "cctv_days_kept" => "30",
        _ => "",
    }
}

/// The name of the unit in the template's example. A line with this name is no unit.
pub(crate) const EXAMPLE_NAME: &str = "VÍ DỤ (xóa dòng này): Trường Tiểu học An Điền";

/// The column of a heading, in either language, with or without accents, or by the name of its field.
pub(super) fn find(heading: &str) -> Option<&'static Column> {
    let bare = heading.trim().trim_end_matches('*').trim();
    let folded = fold(bare);
    if folded.is_empty() {
        return None;
    }
    COLUMNS.iter().find(|column| {
        let of_field = matches!(column.what, What::Field(name, _) if name == bare);
        of_field
            || fold(&column.vi) == folded
            || fold(&column.en) == folded
            || column.also.contains(&folded.as_str())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn no_heading_means_two_columns() {
        let mut seen: HashMap<String, What> = HashMap::new();
        for column in all() {
            let names = [fold(&column.vi), fold(&column.en)];
            let also = column.also.iter().map(|name| (*name).to_owned());
            for name in names.into_iter().chain(also) {
                assert_eq!(fold(&name), name, "written without accents");
                if let Some(other) = seen.insert(name.clone(), column.what) {
                    assert_eq!(other, column.what, "{name}");
                }
            }
        }
    }

    #[test]
    fn headings_are_found_in_both_languages_with_and_without_accents() {
        let what = |heading: &str| find(heading).map(|column| column.what);
        for name in ["Tên đơn vị", "TEN DON VI *", "Unit name", "name", "Đơn vị"] {
            assert!(matches!(what(name), Some(What::Field("name", _))), "{name}");
        }
        assert!(matches!(
            what("guards_full_time"),
            Some(What::Field("guards_full_time", _))
        ));
        assert!(matches!(
            what("Bảo vệ chuyên trách"),
            Some(What::Field("guards_full_time", _))
        ));
        assert_eq!(what("Địa bàn"), Some(What::Area));
        assert_eq!(what("Mã hồ sơ"), Some(What::Id));
        assert!(what("Số thứ tự").is_none() && what("").is_none() && what("***").is_none());
    }

    #[test]
    fn every_column_of_the_template_is_found_again_and_explained() {
        for column in all() {
            assert_eq!(find(&column.vi).map(|found| found.what), Some(column.what));
            let (vi, en) = column.explained();
            assert!(!vi.is_empty() && !en.is_empty());
        }
        assert!(matches!(all()[0].what, What::Field("name", _)) && all()[1].what == What::Area);
    }
}

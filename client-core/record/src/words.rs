//! The words of records for people: what `fail` or `not_applicable` is called, Vietnamese and English.
//!
//! Records, SQL and wire hold the English word of the schema; everything that a person reads shows these.

/// What a word of the schema is called: Vietnamese, then English. `None` for what is no such word, and
/// for words of a newer schema, which are shown as they are.
pub fn names(word: &str) -> Option<(&'static str, &'static str)> {
    WORDS
        .iter()
        .find(|(known, ..)| *known == word)
        .map(|(_, vi, en)| (*vi, *en))
}

/// A date `YYYY-MM-DD` as people here write it, `dd/mm/yyyy`; `None` for anything else.
pub fn date(text: &str) -> Option<String> {
    let (year, month, day) = (text.get(..4)?, text.get(5..7)?, text.get(8..10)?);
    crate::is_date(text).then(|| format!("{day}/{month}/{year}"))
}

const WORDS: &[(&str, &str, &str)] = &[
    // Kinds of documents.
    ("unit", "đơn vị", "unit"),
    ("inspection", "biên bản kiểm tra", "inspection"),
    ("review", "quyết định", "review"),
    ("campaign", "đợt kiểm tra", "campaign"),
    ("assignment", "việc được giao", "assignment"),
    ("criteria", "bộ tiêu chí", "criteria set"),
    ("area", "địa bàn", "area"),
    // Kinds, levels and sizes of units.
    ("agency", "cơ quan", "agency"),
    ("enterprise", "doanh nghiệp", "enterprise"),
    ("school", "nhà trường", "school"),
    ("nursery", "nhà trẻ", "nursery"),
    ("preschool", "mẫu giáo", "preschool"),
    ("primary", "tiểu học", "primary"),
    ("lower_secondary", "trung học cơ sở", "lower secondary"),
    ("upper_secondary", "trung học phổ thông", "upper secondary"),
    (
        "continuing",
        "giáo dục thường xuyên",
        "continuing education",
    ),
    ("vocational", "giáo dục nghề nghiệp", "vocational"),
    ("micro", "siêu nhỏ", "micro"),
    ("small", "nhỏ", "small"),
    ("medium", "vừa", "medium"),
    ("large", "lớn", "large"),
    (
        "joined",
        "đã nhập vào hồ sơ khác",
        "joined into another record",
    ),
    // Answers.
    ("pass", "đạt", "pass"),
    ("fail", "chưa đạt", "fail"),
    ("not_applicable", "không áp dụng", "not applicable"),
    ("not_checked", "chưa kiểm tra", "not checked"),
    // Where things stand.
    ("draft", "đang ghi", "draft"),
    ("finished", "đã kiểm tra xong", "finished"),
    ("open", "chưa khắc phục", "open"),
    ("fixed", "đã khắc phục", "fixed"),
    ("verified", "đã xác minh", "verified"),
    ("assigned", "được giao", "assigned"),
    ("cancelled", "đã hủy", "cancelled"),
    ("returned", "trả lại", "returned"),
    ("approved", "đã duyệt", "approved"),
    ("reopened", "mở lại", "reopened"),
    // A unit's year.
    ("meeting", "họp", "meeting"),
    ("written", "lấy ý kiến bằng văn bản", "written opinions"),
    ("recognised", "được công nhận", "recognised"),
    ("not_recognised", "không được công nhận", "not recognised"),
    ("ineligible", "không thuộc diện xét", "ineligible"),
    // Other choices.
    ("photo", "ảnh", "photo"),
    ("scan", "bản quét", "scan"),
    ("signature", "chữ ký", "signature"),
    ("team", "đoàn kiểm tra", "team"),
    ("witness", "người chứng kiến", "witness"),
    ("device", "thiết bị", "device"),
    ("province", "tỉnh", "province"),
    ("district", "huyện", "district"),
    ("commune", "xã", "commune"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::Kind,
        schema::{FieldType, Node, fields},
    };

    fn choices(fields: &[(&str, Node)], words: &mut Vec<&'static str>) {
        for (_, node) in fields {
            match node {
                Node::Field(FieldType::Choice(choice)) => words.extend(*choice),
                Node::Field(_) => {}
                Node::Collection(_, element) => choices(element, words),
                Node::Flat(_, flat) => {
                    for (_, field) in *flat {
                        if let FieldType::Choice(choice) = field {
                            words.extend(*choice);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn every_word_of_the_schema_has_a_name_in_both_languages() {
        let mut words: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        for kind in Kind::ALL {
            choices(fields(kind), &mut words);
        }
        for word in words {
            assert!(names(word).is_some(), "{word} has no name");
        }
        assert_eq!(
            names("not_applicable"),
            Some(("không áp dụng", "not applicable"))
        );
        assert_eq!(names("Thạnh Hải"), None);
    }

    #[test]
    fn dates_read_day_first() {
        assert_eq!(date("2019-08-05").as_deref(), Some("05/08/2019"));
        assert_eq!(date("2019-13-05"), None);
        assert_eq!(date("ấp 1"), None);
    }
}

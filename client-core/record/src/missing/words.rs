//! What people read of what is missing: Vietnamese, then English.

use super::Lack;

/// Longest piece of a finding's text that is repeated, in characters.
const QUOTED: usize = 60;

fn both(vietnamese: impl Into<String>, english: impl Into<String>) -> (String, String) {
    (vietnamese.into(), english.into())
}

/// What needs no more said than what it is.
pub(super) fn plain(lack: Lack) -> (String, String) {
    let (vietnamese, english) = match lack {
        Lack::Unanswered => (
            "tiêu chí bắt buộc chưa có kết quả",
            "a required item has no answer",
        ),
        Lack::NotChecked => (
            "tiêu chí bắt buộc còn ghi “chưa kiểm tra”",
            "a required item still says “not checked”",
        ),
        Lack::NotApplicableNotAllowed => (
            "tiêu chí này không được ghi “không áp dụng”",
            "“not applicable” is no answer to this item",
        ),
        Lack::NoValue => ("chưa ghi số đo", "the measured value is missing"),
        Lack::OutsideLimits => (
            "ghi “đạt” nhưng số đo nằm ngoài mức quy định",
            "met, although the value lies outside the limits",
        ),
        Lack::FailUnexplained => (
            "ghi “chưa đạt” mà không có ghi chú, cũng không có tồn tại, thiếu sót nào",
            "not met, with neither a note nor a finding",
        ),
        Lack::NoEvidence => (
            "chưa có ảnh minh chứng",
            "there is no photo of the evidence",
        ),
        Lack::NotAsked => (
            "đã có kết quả, nhưng theo kết quả của tiêu chí trước thì không cần hỏi",
            "answered, although the answers before it leave it out",
        ),
        Lack::FindingWithoutText => (
            "Tồn tại, thiếu sót chưa ghi nội dung",
            "A finding has no text",
        ),
        Lack::FindingWithoutDeadline => (
            "Tồn tại, thiếu sót chưa có thời hạn khắc phục",
            "A finding has no deadline",
        ),
        Lack::NoDate => ("Chưa ghi ngày kiểm tra", "The day of the visit is missing"),
        Lack::NoTeam => (
            "Chưa ghi tên ai trong đoàn kiểm tra",
            "Nobody of the team is named",
        ),
        Lack::NoRepresentative => (
            "Chưa ghi tên đại diện đơn vị",
            "No representative of the unit is named",
        ),
        Lack::NoUnitSignature => (
            "Đơn vị chưa ký, cũng chưa ghi là từ chối ký",
            "The unit has not signed, nor is it noted that it refused",
        ),
        Lack::RefusalWithoutReason => (
            "Đơn vị từ chối ký nhưng chưa ghi lý do",
            "The unit refused to sign, and the reason is missing",
        ),
        Lack::NoDeviceSignature => (
            "Biên bản đã kết thúc rồi lại thay đổi, thiết bị chưa ký lại: hãy kết thúc lần nữa",
            "The record changed after it was finished and is not signed as it reads now: finish it once more",
        ),
        Lack::Conflict => (
            "Hai người ghi khác nhau, chưa chọn giá trị",
            "People recorded different values, and nobody has settled",
        ),
        Lack::NoOpinion => (
            "Chưa ghi ý kiến của đơn vị",
            "The unit's opinion is not written down",
        ),
        Lack::NoCriteriaSet => (
            "Bộ tiêu chí không có trên thiết bị này nên chưa soát được từng tiêu chí",
            "The criteria set is not on this device, so its items were not checked",
        ),
    };
    both(vietnamese, english)
}

/// [`plain`], of this item.
pub(super) fn of_item(code: &str, lack: Lack) -> (String, String) {
    let (vietnamese, english) = plain(lack);
    both(
        format!("{code}: {vietnamese}"),
        format!("{code}: {english}"),
    )
}

pub(super) fn evidence(code: &str, expected: &str) -> (String, String) {
    let (vietnamese, english) = of_item(code, Lack::NoEvidence);
    both(
        format!("{vietnamese} ({expected})"),
        format!("{english} ({expected})"),
    )
}

pub(super) fn no_value(code: &str, unit: &str) -> (String, String) {
    let (vietnamese, english) = of_item(code, Lack::NoValue);
    both(
        format!("{vietnamese} ({unit})"),
        format!("{english} ({unit})"),
    )
}

pub(super) fn outside(
    code: &str,
    value: f64,
    unit: &str,
    limits: (Option<f64>, Option<f64>),
) -> (String, String) {
    // A decimal comma in Vietnamese.
    let vi = |number: f64| number.to_string().replace('.', ",");
    let (allowed_vi, allowed_en) = match limits {
        (Some(min), Some(max)) => (
            format!("từ {} đến {}", vi(min), vi(max)),
            format!("from {min} to {max}"),
        ),
        (Some(min), None) => (format!("từ {} trở lên", vi(min)), format!("{min} or more")),
        (None, Some(max)) => (format!("không quá {}", vi(max)), format!("at most {max}")),
        (None, None) => Default::default(),
    };
    both(
        format!(
            "{code}: ghi “đạt” nhưng số đo {} {unit} nằm ngoài mức quy định ({allowed_vi})",
            vi(value)
        ),
        format!("{code}: met, although {value} {unit} lies outside the limits ({allowed_en})"),
    )
}

pub(super) fn no_deadline(finding: &str) -> (String, String) {
    let finding = finding.trim();
    let (vietnamese, english) = plain(Lack::FindingWithoutDeadline);
    if finding.is_empty() {
        return both(vietnamese, english);
    }
    let mut quoted: String = finding.chars().take(QUOTED).collect();
    if quoted.len() < finding.len() {
        quoted.push('…');
    }
    both(
        format!("{vietnamese}: “{quoted}”"),
        format!("{english}: “{quoted}”"),
    )
}

//! What the fields of records are called on a page, Vietnamese and English.
//!
//! A path such as `years/2019.registered_on` or `items/T124-CD-1B/answer` reads as its collection, the
//! key that tells elements apart, and the field. UUIDs tell a person nothing and are left out.

use crate::schema::{KeyType, Path};

/// What a field is called: Vietnamese, then English.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Vietnamese.
    pub vi: String,
    /// English.
    pub en: String,
}

/// What a field, or an element of a collection, is called. Keys of a newer schema are shown as they are.
pub fn label(path: &Path) -> Label {
    let mut parts: Vec<(String, String)> = Vec::new();
    for key in path.keys() {
        match key.split_once('.') {
            Some((element, field)) => {
                parts.push(named(element));
                parts.push(named(field));
            }
            None if KeyType::Uuid.accepts(key) || KeyType::ContentHash.accepts(key) => {}
            None => parts.push(named(key)),
        }
    }
    let join = |parts: Vec<String>| parts.join(" · ");
    let (vi, en) = parts.into_iter().unzip();
    Label {
        vi: join(vi),
        en: join(en),
    }
}

fn named(key: &str) -> (String, String) {
    match name(key) {
        Some((vi, en)) => (vi.to_owned(), en.to_owned()),
        None => (key.to_owned(), key.to_owned()),
    }
}

/// What one key of the schema is called. The same key means the same in every kind of record.
pub fn name(key: &str) -> Option<(&'static str, &'static str)> {
    FIELDS
        .iter()
        .find(|(known, ..)| *known == key)
        .map(|(_, vi, en)| (*vi, *en))
        .or_else(|| crate::words::names(key))
}

const FIELDS: &[(&str, &str, &str)] = &[
    // Every record.
    ("schema", "phiên bản mẫu", "schema"),
    ("kind", "loại hồ sơ", "kind"),
    ("id", "mã", "id"),
    ("removed", "đã gạch bỏ", "struck out"),
    ("synthetic", "dữ liệu giả lập", "synthetic"),
    ("name", "tên", "name"),
    ("title", "chức vụ, tiêu đề", "title"),
    ("position", "vị trí", "position"),
    ("number", "số", "number"),
    ("date", "ngày", "date"),
    ("text", "nội dung", "text"),
    ("note", "ghi chú", "note"),
    ("notes", "ghi chú", "notes"),
    ("reason", "lý do", "reason"),
    ("heads", "phiên bản", "version"),
    ("account", "người", "person"),
    ("key", "khóa", "key"),
    // A unit.
    ("unit_kind", "loại hình", "kind of unit"),
    ("school_level", "cấp học", "school level"),
    ("enterprise_size", "quy mô doanh nghiệp", "enterprise size"),
    ("armed_forces", "lực lượng vũ trang", "armed forces"),
    ("address", "địa chỉ", "address"),
    ("head_name", "người đứng đầu", "head"),
    ("head_title", "chức vụ người đứng đầu", "head's title"),
    ("phone", "điện thoại", "phone"),
    ("staff", "số người làm việc", "staff"),
    ("learners", "số người học", "learners"),
    (
        "in_inspection_scope",
        "thuộc diện kiểm tra",
        "in inspection scope",
    ),
    ("closed_on", "ngày ngừng hoạt động", "closed on"),
    ("joined_into", "đã nhập vào hồ sơ", "joined into"),
    (
        "guards_full_time",
        "bảo vệ chuyên trách",
        "full-time guards",
    ),
    (
        "guards_part_time",
        "bảo vệ bán chuyên trách",
        "part-time guards",
    ),
    ("guards_hired", "bảo vệ thuê dịch vụ", "hired guards"),
    (
        "core_organisation_members",
        "thành viên tổ chức nòng cốt",
        "core organisation members",
    ),
    ("guards_trained", "bảo vệ đã qua tập huấn", "guards trained"),
    (
        "guards_certified",
        "bảo vệ có chứng chỉ",
        "guards certified",
    ),
    (
        "plan_exists",
        "có phương án bảo vệ",
        "protection plan exists",
    ),
    (
        "plan_approved_on",
        "ngày duyệt phương án",
        "plan approved on",
    ),
    ("plan_approver", "người duyệt phương án", "plan approved by"),
    ("plan_last_drill_on", "lần diễn tập gần nhất", "last drill"),
    ("cctv_installed", "camera đã lắp", "cameras installed"),
    ("cctv_working", "camera hoạt động", "cameras working"),
    (
        "cctv_days_kept",
        "số ngày lưu hình ảnh",
        "days of footage kept",
    ),
    (
        "fire_equipment",
        "phương tiện phòng cháy, chữa cháy",
        "fire equipment",
    ),
    ("fire_checked_on", "ngày kiểm tra phòng cháy", "fire check"),
    ("register_shifts", "sổ giao ca", "shift register"),
    ("register_visitors", "sổ khách ra vào", "visitor register"),
    ("register_patrols", "sổ tuần tra", "patrol register"),
    ("register_incidents", "sổ vụ việc", "incident register"),
    // A unit's year.
    ("years", "năm", "year"),
    ("regime", "quy định áp dụng", "regime"),
    ("window_start", "đầu kỳ đánh giá", "window begins"),
    ("window_end", "cuối kỳ đánh giá", "window ends"),
    ("in_scope", "thuộc diện", "in scope"),
    ("eligible", "đủ điều kiện xét", "eligible"),
    (
        "protection_force",
        "có lực lượng bảo vệ",
        "protection force",
    ),
    ("protection_plan", "có phương án bảo vệ", "protection plan"),
    ("model", "có mô hình", "model"),
    ("registered_on", "ngày đăng ký", "registered on"),
    ("self_assessed_on", "ngày tự đánh giá", "self-assessed on"),
    ("submitted_on", "ngày nộp hồ sơ", "submitted on"),
    ("appraised_on", "ngày thẩm định", "appraised on"),
    ("appraisal", "hình thức thẩm định", "appraisal"),
    ("recognition", "kết quả công nhận", "recognition"),
    (
        "recognition_number",
        "số quyết định công nhận",
        "recognition number",
    ),
    ("recognition_on", "ngày công nhận", "recognised on"),
    (
        "recognition_signer",
        "người ký công nhận",
        "recognition signed by",
    ),
    (
        "classification_scheme",
        "thang xếp loại",
        "classification scheme",
    ),
    ("classification", "xếp loại", "classification"),
    ("classification_points", "điểm", "points"),
    (
        "commended_collective",
        "khen tập thể",
        "collectives commended",
    ),
    (
        "commended_individuals",
        "khen cá nhân",
        "individuals commended",
    ),
    // An inspection.
    ("unit", "đơn vị", "unit"),
    ("campaign", "đợt kiểm tra", "campaign"),
    ("criteria_code", "bộ tiêu chí", "criteria set"),
    ("criteria_version", "phiên bản tiêu chí", "criteria version"),
    ("issuing_body", "cơ quan lập", "issuing body"),
    ("legal_basis", "căn cứ", "legal basis"),
    ("inspected_on", "ngày kiểm tra", "inspected on"),
    ("started_ms", "bắt đầu", "started"),
    ("ended_ms", "kết thúc", "ended"),
    ("place", "địa điểm", "place"),
    ("copies", "số bản", "copies"),
    ("team", "đoàn kiểm tra", "team"),
    ("representatives", "đại diện đơn vị", "representatives"),
    ("absentees", "vắng mặt", "absentees"),
    ("body", "cơ quan", "body"),
    ("items", "tiêu chí", "criteria"),
    ("answer", "kết quả", "answer"),
    ("value", "giá trị đo", "measured value"),
    ("evidence", "hình ảnh", "evidence"),
    ("incidents", "vụ việc", "incidents"),
    ("type", "loại", "type"),
    ("count", "số lượng", "count"),
    ("reported", "đã trình báo", "reported"),
    ("outcome", "kết quả xử lý", "outcome"),
    ("findings", "tồn tại", "findings"),
    ("item", "tiêu chí", "criterion"),
    ("remedy", "biện pháp khắc phục", "remedy"),
    ("owner", "người chịu trách nhiệm", "owner"),
    ("deadline", "hạn", "deadline"),
    ("state", "tình trạng", "state"),
    ("fixed_on", "ngày khắc phục", "fixed on"),
    ("verified_on", "ngày xác minh", "verified on"),
    ("recommendations", "kiến nghị", "recommendations"),
    ("to", "gửi", "to"),
    ("opinion", "ý kiến của đơn vị", "the unit's opinion"),
    ("remarks", "nhận xét của đoàn", "the team's remarks"),
    ("signatures", "chữ ký", "signatures"),
    ("role", "vai trò", "role"),
    ("image", "hình chữ ký", "image"),
    ("signed_ms", "ký lúc", "signed at"),
    ("signature", "chữ ký điện tử", "electronic signature"),
    ("refused", "từ chối ký", "refused to sign"),
    ("refusal_reason", "lý do từ chối", "reason for refusing"),
    ("comments", "góp ý", "comments"),
    ("caption", "chú thích", "caption"),
    ("taken_ms", "chụp lúc", "taken at"),
    ("bytes", "dung lượng (byte)", "bytes"),
    ("media_type", "loại tệp", "file type"),
    ("width", "chiều rộng (điểm ảnh)", "width in pixels"),
    ("height", "chiều cao (điểm ảnh)", "height in pixels"),
    ("camera", "máy chụp", "camera"),
    ("thumbnail", "ảnh nhỏ", "thumbnail"),
    // What supervisors and administrators write.
    ("inspection", "biên bản", "inspection"),
    ("decisions", "quyết định", "decisions"),
    ("decision", "quyết định", "decision"),
    ("decided_ms", "quyết định lúc", "decided at"),
    ("reasons", "lý do", "reasons"),
    ("year", "năm", "year"),
    ("sets", "bộ tiêu chí", "criteria sets"),
    ("criteria", "tiêu chí", "criteria"),
    ("due", "hạn kiểm tra", "due"),
    ("cancelled", "đã hủy", "cancelled"),
    ("officers", "cán bộ", "officers"),
    ("code", "mã", "code"),
    ("version", "phiên bản", "version"),
    ("set", "nội dung bộ tiêu chí", "the set"),
    ("level", "cấp", "level"),
    ("parent", "thuộc", "parent"),
    ("merged_into", "đã sáp nhập vào", "merged into"),
    ("people", "cán bộ", "people"),
    ("active", "đang làm việc", "active"),
    ("actors", "thiết bị ghi", "writing devices"),
    ("device", "thiết bị", "device"),
    ("device_name", "tên thiết bị", "device name"),
    ("finished", "đã kiểm tra xong", "finished"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::Kind,
        schema::{IDENTITY, Node, REMOVED, fields},
    };

    fn names(fields: &[(&'static str, Node)], keys: &mut Vec<&'static str>) {
        for (name, node) in fields {
            keys.push(name);
            match node {
                Node::Field(_) => {}
                Node::Collection(_, element) => names(element, keys),
                Node::Flat(_, flat) => keys.extend(flat.iter().map(|(name, _)| *name)),
            }
        }
    }

    #[test]
    fn every_field_of_the_schema_has_a_name_in_both_languages() {
        let mut keys = vec![REMOVED];
        keys.extend(IDENTITY);
        for kind in Kind::ALL {
            names(fields(kind), &mut keys);
        }
        let unnamed: Vec<_> = keys.iter().filter(|key| name(key).is_none()).collect();
        assert!(unnamed.is_empty(), "without a name: {unnamed:?}");
    }

    #[test]
    fn a_path_reads_as_collection_key_and_field() {
        let read = |path: &str| {
            let Label { vi, en } = label(&path.parse().unwrap());
            (vi, en)
        };
        let pair = |vi: &str, en: &str| (vi.to_owned(), en.to_owned());
        assert_eq!(
            read("items/T124-CD-1B/answer"),
            pair(
                "tiêu chí · T124-CD-1B · kết quả",
                "criteria · T124-CD-1B · answer"
            )
        );
        assert_eq!(
            read("years/2019.registered_on"),
            pair("năm · 2019 · ngày đăng ký", "year · 2019 · registered on")
        );
        assert_eq!(
            read("findings/0192f0c1-2222-7333-8444-555555555555/deadline"),
            pair("tồn tại · hạn", "findings · deadline")
        );
        assert_eq!(
            read("from_the_future"),
            pair("from_the_future", "from_the_future")
        );
    }
}

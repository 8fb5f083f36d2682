//! Why a change is refused: the same list on the wire, in quarantine and in front of the officer.

use serde::{Deserialize, Serialize};

macro_rules! refusals {
    ($($(#[$doc:meta])* $variant:ident $code:literal $vi:literal $en:literal)*) => {
        /// A reason that will not go away by trying again.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Refusal {
            $($(#[$doc])* $variant,)*
        }

        impl Refusal {
            /// Every reason.
            pub const ALL: &[Refusal] = &[$(Refusal::$variant,)*];

            /// The name in SQL, on the wire and in the docs.
            pub fn code(self) -> &'static str {
                match self { $(Refusal::$variant => $code,)* }
            }

            /// What to tell the officer, in Vietnamese.
            pub fn vietnamese(self) -> &'static str {
                match self { $(Refusal::$variant => $vi,)* }
            }

            /// The same in English.
            pub fn english(self) -> &'static str {
                match self { $(Refusal::$variant => $en,)* }
            }

            /// The reason with that code.
            pub fn from_code(code: &str) -> Option<Refusal> {
                Refusal::ALL.iter().copied().find(|refusal| refusal.code() == code)
            }
        }
    };
}

refusals! {
    /// The bytes are no Automerge change, or its checksum is wrong.
    Malformed "malformed"
        "Dữ liệu của thay đổi bị hỏng. Hãy xuất ra tệp và báo người quản trị."
        "The bytes of this change are damaged. Export it and tell your administrator."
    /// A limit of [`crate::limits`] is exceeded.
    TooLarge "too-large"
        "Thay đổi hoặc hồ sơ quá lớn. Hãy chia nhỏ nội dung và ghi lại."
        "The change or the record is too large. Split the content and record it again."
    /// The actor of the change is not one of the pushing device's.
    ForeignActor "foreign-actor"
        "Thay đổi mang tên một thiết bị khác. Hãy xuất ra tệp và báo người quản trị."
        "The change was written under another device's name. Export it and tell your administrator."
    /// The change does not follow the same actor's previous change.
    BrokenSequence "broken-sequence"
        "Thay đổi không nối tiếp thay đổi trước của cùng thiết bị. Hãy xuất ra tệp và báo người quản trị."
        "The change does not follow this device's previous one. Export it and tell your administrator."
    /// Another change has the same actor and sequence: the phone was cloned or restored.
    ForkedActor "forked-actor"
        "Máy này có vẻ đã được sao chép hoặc khôi phục từ bản sao lưu. Phần chưa gửi sẽ được gửi lại dưới tên mới."
        "This phone seems to be cloned or restored from a backup. Unsent work is sent again under a new name."
    /// The kind of document is written by the server only.
    ReadOnlyKind "read-only-kind"
        "Loại hồ sơ này chỉ do lãnh đạo hoặc người quản trị ghi."
        "Only supervisors and administrators write this kind of record."
    /// The document or the area for it is not in the device's scope, or read-only there.
    OutOfScope "out-of-scope"
        "Hồ sơ thuộc địa bàn ngoài phạm vi được giao. Lãnh đạo sẽ xem phần đã gửi."
        "The record lies in an area that is not assigned to you. A supervisor will look at what was sent."
    /// The server does not know that area.
    UnknownArea "unknown-area"
        "Máy chủ không biết địa bàn này. Hãy báo người quản trị."
        "The server does not know this area. Tell your administrator."
    /// The document exists with another kind, or its first change states another id or kind.
    WrongDocument "wrong-document"
        "Mã hồ sơ không khớp với nội dung. Hãy xuất ra tệp và báo người quản trị."
        "The record's id does not match its content. Export it and tell your administrator."
    /// The change can't be applied to the document.
    DoesNotApply "does-not-apply"
        "Thay đổi không ghép được vào hồ sơ. Hãy xuất ra tệp và báo người quản trị."
        "The change can't be applied to the record. Export it and tell your administrator."
    /// It depends on a change that was refused.
    DependsOnRefused "depends-on-refused"
        "Thay đổi dựa trên một thay đổi đã bị từ chối."
        "The change builds on another one that was refused."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_names_and_codes_are_one() {
        for refusal in Refusal::ALL {
            assert_eq!(serde_json::to_value(refusal).unwrap(), refusal.code());
            assert_eq!(Refusal::from_code(refusal.code()), Some(*refusal));
        }
    }
}

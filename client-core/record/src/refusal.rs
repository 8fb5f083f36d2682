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
        "Dữ liệu của thay đổi này bị hỏng nên máy chủ không đọc được. Nội dung vẫn còn trên máy này. Hãy xuất ra tệp, gửi cho người quản trị, rồi ghi lại vào hồ sơ nếu vẫn cần."
        "The bytes of this change are damaged, so the server can't read it. It is still on this device. Export it, give the file to your administrator, and record it again if it is still needed."
    /// A limit of [`crate::limits`] is exceeded.
    TooLarge "too-large"
        "Thay đổi này quá lớn, hoặc hồ sơ đã đầy. Nội dung vẫn còn trên máy này. Hãy chia nhỏ và ghi lại; nếu không được, xuất ra tệp và gửi cho lãnh đạo."
        "This change is too large, or the record is full. It is still on this device. Split it and record it again; if that fails, export it and give the file to your supervisor."
    /// The actor of the change is not one of the pushing device's.
    ForeignActor "foreign-actor"
        "Thay đổi này đứng tên một máy khác nên máy chủ không nhận. Lãnh đạo có thể nhận lại phần đã gửi. Hãy báo người quản trị."
        "This change was written under another device's name, so the server did not take it. A supervisor can take over what was sent. Tell your administrator."
    /// The change does not follow the same actor's previous change.
    BrokenSequence "broken-sequence"
        "Thay đổi này không nối tiếp phần trước đó của chính máy này, có thể vì máy đã được khôi phục. Lãnh đạo có thể nhận lại phần đã gửi. Hãy báo người quản trị."
        "This change does not follow this device's earlier work, perhaps because the phone was restored. A supervisor can take over what was sent. Tell your administrator."
    /// Another change has the same actor and sequence: the phone was cloned or restored.
    ForkedActor "forked-actor"
        "Máy này có vẻ đã được sao chép hoặc khôi phục từ bản sao lưu. Phần chưa gửi sẽ được gửi lại dưới tên mới."
        "This phone seems to be cloned or restored from a backup. Unsent work is sent again under a new name."
    /// The kind of document is written by the server only.
    ReadOnlyKind "read-only-kind"
        "Loại hồ sơ này chỉ lãnh đạo hoặc người quản trị mới được ghi. Nếu nội dung cần thiết, hãy báo lãnh đạo."
        "Only supervisors and administrators write this kind of record. If the content matters, tell your supervisor."
    /// The document or the area for it is not in the device's scope, or read-only there.
    OutOfScope "out-of-scope"
        "Hồ sơ thuộc địa bàn không còn giao cho bạn. Máy chủ đã giữ phần này để lãnh đạo địa bàn đó xem và nhận lại. Bạn không cần ghi lại."
        "The record lies in an area that is not assigned to you any more. The server has kept this for that area's supervisor to look at and take over. You need not record it again."
    /// The server does not know that area.
    UnknownArea "unknown-area"
        "Máy chủ không biết địa bàn này, có thể vì địa bàn đã sáp nhập. Máy chủ đã giữ phần này để lãnh đạo nhận lại vào địa bàn đúng. Hãy báo người quản trị."
        "The server does not know this area, perhaps because areas were merged. The server has kept this for a supervisor to take over into the right area. Tell your administrator."
    /// The document exists with another kind, or its first change states another id or kind.
    WrongDocument "wrong-document"
        "Mã hồ sơ không khớp với nội dung, nên máy chủ không nhận. Nội dung vẫn còn trên máy này. Hãy xuất ra tệp và gửi cho người quản trị."
        "The record's id does not match its content, so the server did not take it. It is still on this device. Export it and give the file to your administrator."
    /// The change can't be applied to the document.
    DoesNotApply "does-not-apply"
        "Thay đổi này không ghép được vào hồ sơ. Nội dung vẫn còn trên máy này. Hãy xuất ra tệp, gửi cho người quản trị, rồi ghi lại vào hồ sơ."
        "This change can't be applied to the record. It is still on this device. Export it, give the file to your administrator, and record it again."
    /// The record was purged: its retention period is over.
    Purged "purged"
        "Hồ sơ đã hết thời hạn lưu trữ và đã được tiêu hủy trên máy chủ. Nếu vẫn cần phần này, hãy xuất ra tệp và báo người quản trị."
        "The record's retention period is over and the server has purged it. If you still need this, export it and tell your administrator."
    /// After a restore: only the server writes this kind, and an administrator looks at what devices bring back.
    AwaitsApproval "awaits-approval"
        "Máy chủ vừa được khôi phục. Phần này đang chờ người quản trị xem lại; bạn không cần làm gì."
        "The server was restored. An administrator will look at this part; there is nothing for you to do."
    /// It depends on a change that was refused.
    DependsOnRefused "depends-on-refused"
        "Thay đổi này dựa trên một thay đổi khác đã bị từ chối. Khi thay đổi kia được nhận lại thì phần này cũng nhận lại được."
        "This change builds on another one that was refused. When that one is taken over, this one can be too."
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

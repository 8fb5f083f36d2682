//! What a row of the audit log says.

use std::fmt::Display;

use serde_json::{Map, Value};
use sokiem_record::id::{AccountId, AreaId, DeviceId};

macro_rules! actions {
    ($($variant:ident $word:literal $vi:literal)*) => {
        /// What was done. The word is in the database for ever; the Vietnamese is what people see.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Action { $(
            #[doc = $vi]
            $variant,
        )* }

        impl Action {
            const ALL: &[Action] = &[$(Action::$variant,)*];

            /// The word in SQL and JSON.
            pub(crate) fn word(self) -> &'static str { match self { $(Action::$variant => $word,)* } }
            /// What people see.
            pub(crate) fn vietnamese(self) -> &'static str { match self { $(Action::$variant => $vi,)* } }
        }
    };
}

actions! {
    ServerStarted "server-started" "Máy chủ khởi động"
    ServerStopped "server-stopped" "Máy chủ dừng"
    SignedIn "signed-in" "Đăng nhập"
    AccessRefused "access-refused" "Truy cập bị từ chối"
    SignedOut "signed-out" "Đăng xuất"
    AccountMade "account-made" "Tạo tài khoản"
    GrantGiven "grant-given" "Giao địa bàn"
    GrantTaken "grant-taken" "Thu hồi địa bàn"
    AreaMade "area-made" "Tạo địa bàn"
    AreaChanged "area-changed" "Sửa địa bàn"
    AreaMerged "area-merged" "Sáp nhập địa bàn"
    AreaSplit "area-split" "Tách địa bàn"
    UnitJoined "unit-joined" "Nhập hồ sơ trùng"
    UnitSeparated "unit-separated" "Tách lại hồ sơ đã nhập"
    UnitMoved "unit-moved" "Chuyển đơn vị sang địa bàn khác"
    CodeMade "code-made" "Tạo mã đăng ký"
    DeviceEnrolled "device-enrolled" "Đăng ký thiết bị"
    DeviceRevoked "device-revoked" "Thu hồi thiết bị"
    KeyRenewed "key-renewed" "Đổi khoá thiết bị"
    WipeAsked "wipe-asked" "Yêu cầu xoá dữ liệu trên thiết bị"
    DeviceWiped "device-wiped" "Thiết bị xoá dữ liệu của mình"
    AccountChanged "account-changed" "Sửa tài khoản"
    AccountClosed "account-closed" "Đóng tài khoản"
    PasswordChanged "password-changed" "Đổi mật khẩu"
    PasswordReset "password-reset" "Đặt lại mật khẩu"
    SecondFactorOn "second-factor-on" "Bật xác thực hai bước"
    SecondFactorOff "second-factor-off" "Tắt xác thực hai bước"
    RecoveryCodesMade "recovery-codes-made" "Tạo mã khôi phục mới"
    IdentitySet "identity-set" "Gán danh tính ở nhà cung cấp"
    IdentityLinked "identity-linked" "Liên kết danh tính lần đầu"
    IdentityRemoved "identity-removed" "Bỏ danh tính ở nhà cung cấp"
    SessionEnded "session-ended" "Kết thúc phiên đăng nhập"
    ActorBound "actor-bound" "Gắn nguồn ghi mới cho thiết bị"
    RecordRead "record-read" "Xem hồ sơ"
    ReadsOverflowed "reads-overflowed" "Lượt xem không ghi kịp"
    ReportRead "report-read" "Xem báo cáo"
    RecordsExported "records-exported" "Xuất hồ sơ"
    ReportExported "report-exported" "Xuất báo cáo"
    RecordMade "record-made" "Tạo hồ sơ"
    UnitsImported "units-imported" "Nhập đơn vị từ tệp"
    RecordEdited "record-edited" "Sửa hồ sơ"
    Settled "settled" "Thống nhất giá trị"
    Decided "decided" "Ra quyết định"
    Commented "commented" "Góp ý"
    Assigned "assigned" "Phân công"
    AssignmentChanged "assignment-changed" "Sửa phân công"
    AssignmentCancelled "assignment-cancelled" "Hủy phân công"
    CriteriaPublished "criteria-published" "Ban hành bộ tiêu chí"
    CampaignMade "campaign-made" "Tạo đợt kiểm tra"
    QuarantineRead "quarantine-read" "Xem khu lưu giữ"
    QuarantineImported "quarantine-imported" "Nhập tệp thay đổi bị từ chối"
    ChangeTakenOver "change-taken-over" "Nhận lại thay đổi bị từ chối"
    ChangeDismissed "change-dismissed" "Bỏ qua thay đổi bị từ chối"
    BackupMade "backup-made" "Sao lưu"
    BackupChecked "backup-checked" "Kiểm tra bản sao lưu"
    Restored "restored" "Khôi phục từ bản sao lưu"
    EpochStarted "epoch-started" "Bắt đầu kỷ nguyên máy chủ mới"
    RecoveryApproved "recovery-approved" "Chấp nhận phần khôi phục từ thiết bị"
    RecoveryDismissed "recovery-dismissed" "Bác phần khôi phục từ thiết bị"
    RetentionRun "retention-run" "Chạy quy tắc lưu trữ"
    Purged "purged" "Tiêu hủy khi hết thời hạn lưu trữ"
    HoldPlaced "hold-placed" "Giữ lại, không tiêu hủy"
    HoldLifted "hold-lifted" "Thôi giữ lại"
    WebhookMade "webhook-made" "Thêm webhook"
    WebhookChanged "webhook-changed" "Sửa webhook"
    WebhookRemoved "webhook-removed" "Xoá webhook"
    WebhookStopped "webhook-stopped" "Máy chủ dừng webhook"
    AuditRead "audit-read" "Xem nhật ký kiểm soát"
    AuditVerified "audit-verified" "Kiểm tra nhật ký kiểm soát"
    AuditShortened "audit-shortened" "Cắt bớt phần đầu nhật ký kiểm soát"
}

impl Action {
    /// Every action that there is.
    pub(crate) fn all() -> impl Iterator<Item = Action> {
        Self::ALL.iter().copied()
    }

    /// The Vietnamese of a word from the database.
    pub(crate) fn vietnamese_of(word: &str) -> Option<&'static str> {
        let action = Self::ALL.iter().find(|action| action.word() == word)?;
        Some(action.vietnamese())
    }
}

/// A row in the making.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(super) action: Action,
    pub(super) account: Option<AccountId>,
    pub(super) device: Option<DeviceId>,
    pub(super) object_kind: &'static str,
    pub(super) object: String,
    pub(super) area: Option<AreaId>,
    pub(super) outcome: &'static str,
    pub(super) detail: Map<String, Value>,
}

impl Entry {
    /// Something that was done, by the server itself as long as nobody is named.
    pub(crate) fn new(action: Action) -> Self {
        Self {
            action,
            account: None,
            device: None,
            object_kind: "",
            object: String::new(),
            area: None,
            outcome: "done",
            detail: Map::new(),
        }
    }

    /// By this account.
    pub(crate) fn by(mut self, account: AccountId) -> Self {
        self.account = Some(account);
        self
    }

    /// With this device.
    pub(crate) fn with_device(mut self, device: DeviceId) -> Self {
        self.device = Some(device);
        self
    }

    /// To this thing: a word for what it is, and its id.
    pub(crate) fn on(mut self, kind: &'static str, id: impl Display) -> Self {
        self.object_kind = kind;
        self.object = id.to_string();
        self
    }

    /// In this area.
    pub(crate) fn area(mut self, area: AreaId) -> Self {
        self.area = Some(area);
        self
    }

    /// It was tried and refused.
    pub(crate) fn refused(mut self) -> Self {
        self.outcome = "refused";
        self
    }

    /// With one more fact: an id, a number or a word. Never content of a record, never a secret.
    pub(crate) fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.detail.insert(name.to_owned(), value.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_action_has_a_word_of_its_own() {
        let words: BTreeSet<_> = Action::ALL.iter().map(|action| action.word()).collect();
        assert_eq!(words.len(), Action::ALL.len());
        assert_eq!(Action::vietnamese_of("signed-in"), Some("Đăng nhập"));
    }
}

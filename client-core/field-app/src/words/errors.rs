//! Why a synchronisation failed, in words: what happened and what to do.

use sokiem_web_messages::session::SyncFailure;

use super::t;

/// What happened, in a few words for the line of the status.
pub(crate) fn short(failure: &SyncFailure) -> &'static str {
    match failure.code.as_str() {
        "offline" => t("không có mạng", "no network"),
        "timeout" | "timed-out" | "cut" => t("mạng yếu", "weak network"),
        "busy" | "too-many-requests" => t("máy chủ đang bận", "the server is busy"),
        "device-revoked" => t("máy đã bị thu hồi quyền", "this device was revoked"),
        "credential-missing" | "credential-invalid" | "credential-expired"
        | "signature-missing" | "signature-invalid" => {
            t("cần ghi danh lại", "needs enrolling again")
        }
        "signature-stale" => t("đồng hồ máy bị lệch", "this device's clock is off"),
        "storage-full" => t("bộ nhớ máy đã đầy", "the device's storage is full"),
        "unsupported-version" => t("cần cập nhật ứng dụng", "the app needs an update"),
        _ => t("chưa đồng bộ được", "could not synchronise"),
    }
}

/// What to do about it.
pub(crate) fn advice(failure: &SyncFailure) -> &'static str {
    match failure.code.as_str() {
        "offline" => t(
            "Cứ làm việc tiếp: mọi điều đã ghi đều nằm trong máy và tự gửi khi có mạng.",
            "Keep working: everything is on this device and is sent by itself when there is a network.",
        ),
        "timeout" | "timed-out" | "cut" => t(
            "Mạng yếu hoặc chập chờn. Máy sẽ tự thử lại; ra chỗ sóng tốt hơn sẽ nhanh hơn.",
            "The network is weak. The device tries again by itself; a place with better signal is quicker.",
        ),
        "busy" | "too-many-requests" => t(
            "Máy chủ đang bận. Máy sẽ tự thử lại sau ít phút.",
            "The server is busy. The device tries again by itself in a few minutes.",
        ),
        "epoch-changed" => t(
            "Máy chủ vừa được khôi phục. Máy sẽ tự đối chiếu lại, không mất gì.",
            "The server was restored. The device compares everything again; nothing is lost.",
        ),
        "device-revoked" => t(
            "Quản trị viên đã thu hồi quyền của máy này nên không gửi được nữa. Hãy xuất dữ liệu ra tệp rồi báo quản trị viên.",
            "The administrator revoked this device; it can't send any more. Export the data to a file and tell the administrator.",
        ),
        "credential-missing" | "credential-invalid" | "credential-expired"
        | "signature-missing" | "signature-invalid" => t(
            "Máy chủ không nhận ra máy này nữa. Hãy xin mã ghi danh mới; mọi điều đã ghi vẫn còn trong máy.",
            "The server does not know this device any more. Ask for a new enrolment code; everything recorded stays on this device.",
        ),
        "signature-stale" => t(
            "Giờ của máy lệch so với máy chủ. Hãy bật “giờ tự động” trong cài đặt của máy.",
            "This device's clock is off. Turn on automatic time in its settings.",
        ),
        "storage-full" | "quota-reached" => t(
            "Hãy xóa bớt ảnh hoặc ứng dụng khác để có chỗ, rồi đồng bộ lại. Nếu không được, hãy xuất dữ liệu ra tệp.",
            "Free some space, then synchronise again. If that does not help, export the data to a file.",
        ),
        "unsupported-version" => t(
            "Hãy tải lại trang khi có mạng để cập nhật ứng dụng. Dữ liệu trong máy không mất.",
            "Reload the page with a network to update the app. Nothing on this device is lost.",
        ),
        _ if failure.retryable => t("Máy sẽ tự thử lại.", "The device tries again by itself."),
        _ => t(
            "Hãy báo quản trị viên. Mọi điều đã ghi vẫn còn trong máy.",
            "Tell the administrator. Everything recorded stays on this device.",
        ),
    }
}

/// Whether only enrolling again helps.
pub(crate) fn needs_enrolling(failure: &SyncFailure) -> bool {
    matches!(
        failure.code.as_str(),
        "credential-missing"
            | "credential-invalid"
            | "credential-expired"
            | "signature-missing"
            | "signature-invalid"
    )
}

//! Why something could not be done, for the officer: what happened, what of it is safe, and what to do.

use sokiem_client_core::Error;
use sokiem_record::media::NotAllowed;
use sokiem_web_messages::Failure;

/// An error of the core in words.
pub fn of(error: &Error) -> Failure {
    let (code, vi, en) = match error {
        Error::Full(_) => (
            "storage-full",
            "Bộ nhớ máy đã đầy, lần ghi này chưa được lưu. Hãy xóa bớt ảnh hoặc ứng dụng khác rồi ghi lại; những gì đã lưu vẫn còn.",
            "The device's storage is full and this was not saved. Free some space and enter it again; what was saved before is safe.",
        ),
        Error::WrongPassphrase => ("wrong-pin", "Mã PIN không đúng.", "The PIN is wrong."),
        Error::NewerSchema { .. } => (
            "newer-book",
            "Sổ trên máy do phiên bản mới hơn ghi. Hãy mở lại khi có mạng để cập nhật ứng dụng; sổ được giữ nguyên.",
            "The book was written by a newer version. Open the app again with a network so that it updates; the book was left as it is.",
        ),
        Error::ReadOnlyArea(_) | Error::ReadOnlyKind(_) => (
            "read-only",
            "Máy này chỉ được xem, không được ghi hồ sơ này.",
            "This device may read this record, not write it.",
        ),
        Error::NoSuchDocument(_) => (
            "no-such-record",
            "Hồ sơ này không có trên máy.",
            "This record is not on this device.",
        ),
        Error::NotPlanned(_) => (
            "not-planned",
            "Chưa mở được: thiếu bộ tiêu chí hoặc dữ liệu của đợt kiểm tra trên máy. Hãy đồng bộ rồi thử lại.",
            "This can't be opened yet: the criteria set or the campaign's data is not on this device. Synchronise and try again.",
        ),
        Error::NotAllowed(NotAllowed::UnknownType | NotAllowed::Broken) => (
            "not-a-picture",
            "Tệp này không phải ảnh hay PDF đọc được. Hãy chụp lại.",
            "This file is no picture or PDF that can be read. Take it again.",
        ),
        Error::NotAllowed(_) | Error::AttachmentTooLarge(_) => (
            "file-not-allowed",
            "Tệp này không được đính kèm: quá lớn hoặc không đúng loại.",
            "This file may not be attached: it is too large or of another type.",
        ),
        Error::Edit(_) | Error::ChangeTooLarge(_) => (
            "edit-refused",
            "Giá trị này không ghi được vào ô này. Hãy kiểm tra lại rồi ghi lại.",
            "This value can't be written into this field. Check it and enter it again.",
        ),
        Error::NotEnrolled => (
            "not-enrolled",
            "Máy này chưa được cấp cho cán bộ nào.",
            "This device is not enrolled yet.",
        ),
        Error::Transport(error) => return transport(error),
        _ => (
            "book",
            "Sổ trên máy báo lỗi, lần này chưa được lưu. Hãy thử lại; nếu vẫn lỗi, hãy xuất sổ ra tệp rồi báo người quản trị.",
            "The book reported an error and this was not saved. Try again; if it stays, export the book to a file and tell an administrator.",
        ),
    };
    let mut failure = Failure::new(code, vi, en);
    failure.retryable = error.is_retryable();
    if code == "book" || code == "edit-refused" {
        failure.text.en = format!("{en} ({error})");
    }
    failure
}

fn transport(error: &sokiem_client_core::sync::TransportError) -> Failure {
    use sokiem_client_core::sync::TransportError as E;
    let (vi, en) = match error {
        E::Offline { .. } | E::Cut { .. } | E::Timeout => (
            "Không liên lạc được với máy chủ. Dữ liệu vẫn an toàn trên máy; ứng dụng sẽ tự thử lại.",
            "The server can't be reached. Your data is safe on this device; the app tries again by itself.",
        ),
        E::Busy { .. } => (
            "Máy chủ đang bận, ứng dụng sẽ tự thử lại sau.",
            "The server is busy; the app tries again later.",
        ),
        E::Refused {
            detail, detail_vi, ..
        } => {
            let mut failure = Failure::new(
                error.code(),
                detail_vi.as_deref().unwrap_or(detail.as_str()),
                detail,
            );
            failure.retryable = error.is_retryable();
            return failure;
        }
        _ => (
            "Máy chủ trả lời không hiểu được. Hãy báo người quản trị nếu còn lặp lại.",
            "The server's answer can't be understood. Tell an administrator if it stays like this.",
        ),
    };
    let mut failure = Failure::new(error.code(), vi, en);
    failure.retryable = error.is_retryable();
    failure
}

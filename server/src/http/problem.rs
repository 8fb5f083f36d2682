//! The one error type that answers over HTTP: RFC 9457 problem documents.
//!
//! A problem names its cause and never the inside of the server: internal errors go to the log with
//! the request id, and the caller gets a bland 500.

use std::borrow::Cow;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use crate::error::Error;

/// The media type of problem documents.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

macro_rules! problems {
    ($($variant:ident $slug:literal $status:ident $title:literal $vi:literal)*) => {
        /// What can be wrong with a request. The slug is the last part of the problem's `type`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Cause { $($variant,)* }

        impl Cause {
            #[cfg(test)]
            pub(crate) const ALL: &[Cause] = &[$(Cause::$variant,)*];

            pub(crate) fn slug(self) -> &'static str { match self { $(Cause::$variant => $slug,)* } }
            pub(crate) fn status(self) -> StatusCode { match self { $(Cause::$variant => StatusCode::$status,)* } }
            fn title(self) -> &'static str { match self { $(Cause::$variant => $title,)* } }
            fn vietnamese(self) -> &'static str { match self { $(Cause::$variant => $vi,)* } }
        }
    };
}

problems! {
    MalformedBody "malformed-body" BAD_REQUEST "The body does not have the expected shape" "Nội dung gửi lên không đúng cấu trúc."
    MalformedQuery "malformed-query" BAD_REQUEST "The address or its parameters can't be read" "Địa chỉ hoặc tham số không đọc được."
    UnsupportedVersion "unsupported-version" BAD_REQUEST "This protocol version is not supported" "Phiên bản giao thức không được hỗ trợ. Hãy cập nhật ứng dụng."
    CredentialMissing "credential-missing" UNAUTHORIZED "A credential is needed" "Cần đăng nhập hoặc ghi danh thiết bị."
    CredentialInvalid "credential-invalid" UNAUTHORIZED "The credential is not valid" "Thông tin đăng nhập không đúng."
    CredentialExpired "credential-expired" UNAUTHORIZED "The credential has expired" "Thông tin đăng nhập đã hết hạn."
    SignatureMissing "signature-missing" UNAUTHORIZED "The request is not signed by a device" "Yêu cầu chưa được thiết bị ký. Cần ghi danh thiết bị."
    SignatureInvalid "signature-invalid" UNAUTHORIZED "The signature is not valid" "Chữ ký của thiết bị không đúng. Hãy ghi danh lại thiết bị."
    SignatureStale "signature-stale" UNAUTHORIZED "The signature was not made now" "Chữ ký không còn mới: đồng hồ của thiết bị lệch so với máy chủ."
    SignatureReplayed "signature-replayed" UNAUTHORIZED "This signed request was received before" "Yêu cầu đã ký này đã được nhận trước đó."
    DeviceRevoked "device-revoked" FORBIDDEN "This device was revoked" "Thiết bị này đã bị thu hồi quyền."
    Forbidden "forbidden" FORBIDDEN "You may not do this" "Bạn không có quyền làm việc này."
    PasswordGiven "password-given" FORBIDDEN "Choose a password of your own first" "Hãy đổi mật khẩu được cấp trước khi làm việc khác."
    SecondFactorNeeded "second-factor-needed" UNAUTHORIZED "The second factor is needed too: send it as `code`" "Cần thêm mã xác thực hai bước."
    SecondFactorRequired "second-factor-required" FORBIDDEN "Your role needs a second factor: set one up first" "Vai trò của bạn phải bật xác thực hai bước trước khi làm việc khác."
    NotFound "not-found" NOT_FOUND "There is no such thing" "Không tìm thấy."
    MethodNotAllowed "method-not-allowed" METHOD_NOT_ALLOWED "This address does not take that method" "Địa chỉ này không nhận phương thức đó."
    CodeUnknown "code-unknown" NOT_FOUND "This enrolment code is unknown" "Mã ghi danh không đúng."
    CodeUsed "code-used" GONE "This enrolment code was used" "Mã ghi danh đã được dùng."
    CodeExpired "code-expired" GONE "This enrolment code has expired" "Mã ghi danh đã hết hạn."
    TimedOut "timed-out" REQUEST_TIMEOUT "The request took too long" "Yêu cầu mất quá nhiều thời gian."
    EpochChanged "epoch-changed" CONFLICT "The server's history is another one than the device knows" "Lịch sử của máy chủ đã thay đổi. Thiết bị sẽ tự đối chiếu lại."
    Stale "stale" CONFLICT "The record has changed meanwhile" "Hồ sơ đã thay đổi. Hãy xem lại rồi quyết định."
    Exists "exists" CONFLICT "It exists already" "Đã tồn tại."
    KeyTaken "key-taken" CONFLICT "Another device has this key: make a new one" "Khóa này đã thuộc về thiết bị khác. Ứng dụng sẽ tự tạo khóa mới."
    BodyTooLarge "body-too-large" PAYLOAD_TOO_LARGE "The body is too large" "Nội dung gửi lên quá lớn."
    UnsupportedMediaType "unsupported-media-type" UNSUPPORTED_MEDIA_TYPE "This content type or encoding is not accepted" "Loại nội dung không được chấp nhận."
    Invalid "invalid" UNPROCESSABLE_ENTITY "A value is not valid" "Có giá trị không hợp lệ."
    AttachmentTooLarge "attachment-too-large" PAYLOAD_TOO_LARGE "The attachment is too large" "Tệp đính kèm quá lớn."
    QuotaReached "quota-reached" INSUFFICIENT_STORAGE "There is no room left for this" "Đã hết dung lượng cho tệp đính kèm."
    WrongContentHash "wrong-content-hash" UNPROCESSABLE_ENTITY "The bytes are not those that were announced" "Nội dung tệp nhận được không khớp với mã đã báo."
    TypeNotAllowed "type-not-allowed" UNPROCESSABLE_ENTITY "Only whole JPEG, PNG and WebP pictures and PDF files may be attached" "Chỉ nhận ảnh JPEG, PNG, WebP hoặc tệp PDF nguyên vẹn."
    PictureTooLarge "picture-too-large" UNPROCESSABLE_ENTITY "The picture has too many pixels" "Ảnh có kích thước điểm ảnh quá lớn."
    TusVersion "tus-version" PRECONDITION_FAILED "Tus-Resumable has to be 1.0.0" "Phiên bản giao thức tải tệp không được hỗ trợ."
    OffsetMismatch "offset-mismatch" CONFLICT "The upload is at another offset" "Vị trí tải tệp không khớp. Ứng dụng sẽ tự tiếp tục đúng chỗ."
    ChecksumMismatch "checksum-mismatch" BAD_REQUEST "The bytes do not have the checksum that was announced" "Dữ liệu bị lỗi trên đường truyền. Ứng dụng sẽ tự gửi lại."
    UploadGone "upload-gone" GONE "This upload was refused or has expired" "Lượt tải tệp này đã bị từ chối hoặc đã hết hạn."
    UploadTakenOver "upload-taken-over" LOCKED "Another request has taken this upload over" "Một kết nối khác đã tiếp tục lượt tải tệp này."
    RangeNotThere "range-not-there" RANGE_NOT_SATISFIABLE "There are no such bytes" "Không có đoạn dữ liệu được yêu cầu."
    TooManyRequests "too-many-requests" TOO_MANY_REQUESTS "Too many attempts" "Quá nhiều lần thử. Hãy đợi một lát."
    Internal "internal" INTERNAL_SERVER_ERROR "The server failed" "Máy chủ gặp lỗi. Dữ liệu đã lưu vẫn an toàn."
    Unavailable "unavailable" SERVICE_UNAVAILABLE "The server can't take this now" "Máy chủ tạm thời chưa phục vụ được."
}

/// A problem document on its way out.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    cause: Cause,
    detail: Cow<'static, str>,
    vietnamese: Cow<'static, str>,
    members: Map<String, Value>,
    retry_after_s: Option<u64>,
}

impl Problem {
    /// A problem of this cause.
    pub(crate) fn new(cause: Cause) -> Self {
        Self {
            cause,
            detail: Cow::Borrowed(cause.title()),
            vietnamese: Cow::Borrowed(cause.vietnamese()),
            members: Map::new(),
            retry_after_s: None,
        }
    }

    /// With what exactly is wrong, in English. Never content of records and nothing internal.
    pub(crate) fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = detail.into();
        self
    }

    /// With what exactly is wrong, in Vietnamese.
    pub(crate) fn vietnamese(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.vietnamese = text.into();
        self
    }

    /// With the seconds after which trying again makes sense.
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// With an extension member.
    pub(crate) fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// What to tell a person, in Vietnamese.
    pub(crate) fn text(&self) -> &str {
        &self.vietnamese
    }

    /// The same in English.
    pub(crate) fn english(&self) -> &str {
        &self.detail
    }

    /// What it is about.
    pub(crate) fn cause(&self) -> Cause {
        self.cause
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> StatusCode {
        self.cause.status()
    }

    /// A value that is not valid.
    pub(crate) fn invalid(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Cause::Invalid).detail(detail)
    }

    /// A thing that does not exist, or that the caller may not know of.
    pub(crate) fn not_found() -> Self {
        Self::new(Cause::NotFound)
    }

    /// Something that the caller's role or areas do not allow.
    pub(crate) fn forbidden() -> Self {
        Self::new(Cause::Forbidden)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.cause.status();
        let mut body = json!({
            "type": format!("/problems/{}", self.cause.slug()),
            "title": self.cause.title(),
            "status": status.as_u16(),
            "detail": self.detail,
            "detail_vi": self.vietnamese,
        });
        if let Some(object) = body.as_object_mut() {
            object.extend(self.members.clone());
        }
        let mut response = (
            status,
            [(header::CONTENT_TYPE, MEDIA_TYPE)],
            body.to_string(),
        )
            .into_response();
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            let scheme = match self.cause {
                Cause::SignatureMissing
                | Cause::SignatureInvalid
                | Cause::SignatureStale
                | Cause::SignatureReplayed => "Signature",
                _ => "Bearer",
            };
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
        }
        let retry_after_s = self.retry_after_s.or(match self.cause {
            Cause::TooManyRequests => Some(60),
            Cause::Unavailable => Some(5),
            _ => None,
        });
        headers
            .extend(retry_after_s.map(|seconds| (header::RETRY_AFTER, HeaderValue::from(seconds))));
        // For pages, which say it in their own form.
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        if let Error::AccountExists(_) = error {
            return Self::new(Cause::Exists)
                .vietnamese("Tên đăng nhập này đã có người dùng. Hãy chọn tên khác.");
        }
        tracing::error!(%error, "request failed");
        match error {
            error if error.is_retryable() => Self::new(Cause::Unavailable),
            _ => Self::new(Cause::Internal),
        }
    }
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        Error::from(error).into()
    }
}

/// Gives answers that did not come from a handler (no such route, timeout, panic) the same form. A page
/// that says what is wrong is a handler's own.
pub(crate) async fn dress(response: Response) -> Response {
    let headers = response.headers();
    let dressed = headers.get(header::CONTENT_TYPE).is_some_and(|media_type| {
        let media_type = media_type.as_bytes();
        media_type.starts_with(MEDIA_TYPE.as_bytes()) || media_type.starts_with(b"text/html")
    });
    match of(&response) {
        Some(problem) if !dressed => problem.into_response(),
        _ => response,
    }
}

/// The problem that an answer tells of; `None` for one that tells of none, and for a page of a handler's own.
pub(crate) fn of(response: &Response) -> Option<Problem> {
    let status = response.status();
    let media_type = response.headers().get(header::CONTENT_TYPE);
    if media_type.is_some_and(|media_type| media_type.as_bytes().starts_with(b"text/html")) {
        return None;
    }
    if !(status.is_client_error() || status.is_server_error()) {
        return None;
    }
    if let Some(problem) = response.extensions().get::<Problem>() {
        return Some(problem.clone());
    }
    let cause = match status {
        StatusCode::NOT_FOUND => Cause::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Cause::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => Cause::BodyTooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Cause::UnsupportedMediaType,
        StatusCode::REQUEST_TIMEOUT => Cause::TimedOut,
        StatusCode::SERVICE_UNAVAILABLE => Cause::Unavailable,
        status if status.is_client_error() => Cause::MalformedQuery,
        _ => Cause::Internal,
    };
    Some(Problem::new(cause))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_cause_has_its_own_slug() {
        let slugs: BTreeSet<_> = Cause::ALL.iter().map(|cause| cause.slug()).collect();
        assert_eq!(slugs.len(), Cause::ALL.len());
        assert!(Cause::ALL.iter().all(|cause| !cause.status().is_success()));
    }
}

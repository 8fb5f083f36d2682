//! The words of tus 1.0 (<https://tus.io/protocols/resumable-upload>): headers in, headers out.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha1_smol::Sha1;
use sha2::{Digest as _, Sha256};
use sokiem_record::{
    attachment::{ContentHash, Rendition},
    id::DocumentId,
    limits,
    media::MediaType,
};

use super::row::{State, Upload};
use crate::http::problem::{Cause, Problem};

pub(super) const VERSION: &str = "1.0.0";
const EXTENSIONS: &str = "creation,creation-with-upload,checksum,termination,expiration";
const ALGORITHMS: &str = "sha256,sha1";
/// The content type of bytes.
pub(super) const OFFSET_TYPE: &str = "application/offset+octet-stream";

pub(super) const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
pub(super) const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
pub(super) const LENGTH: HeaderName = HeaderName::from_static("upload-length");
pub(super) const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
pub(super) const METHOD: HeaderName = HeaderName::from_static("x-http-method-override");
/// In requests that make an upload: the client reads `Upload-Offset` in the answer, and so takes it well when
/// nothing is left to send because the server has the attachment.
pub(super) const ACCEPT_KNOWN: HeaderName = HeaderName::from_static("sokiem-accept-known");
/// In answers: the attachment is stored, and this is its hash.
const STORED: HeaderName = HeaderName::from_static("sokiem-attachment");

/// Status of the checksum extension.
const CHECKSUM_MISMATCH: u16 = 460;

/// What the server can do.
pub(super) fn discovery() -> Response {
    let headers = [
        ("tus-resumable", VERSION.to_owned()),
        ("tus-version", VERSION.to_owned()),
        ("tus-extension", EXTENSIONS.to_owned()),
        ("tus-max-size", limits::MAX_ATTACHMENT_BYTES.to_string()),
        ("tus-checksum-algorithm", ALGORITHMS.to_owned()),
    ];
    let mut response = StatusCode::NO_CONTENT.into_response();
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Refuses another version of the protocol.
pub(super) fn expect_version(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get(RESUMABLE) {
        Some(version) if version == VERSION => Ok(()),
        _ => Err(Problem::new(Cause::TusVersion)),
    }
}

/// An answer of this protocol, whatever it says.
pub(super) fn answer(result: Result<Response, Problem>) -> Response {
    let mut response = result.unwrap_or_else(|problem| {
        let mismatch = problem.cause() == Cause::ChecksumMismatch;
        let version = problem.cause() == Cause::TusVersion;
        let mut response = if mismatch {
            problem.member("status", CHECKSUM_MISMATCH).into_response()
        } else {
            problem.into_response()
        };
        if mismatch && let Ok(status) = StatusCode::from_u16(CHECKSUM_MISMATCH) {
            *response.status_mut() = status;
        }
        if version {
            response
                .headers_mut()
                .insert("tus-version", HeaderValue::from_static(VERSION));
        }
        response
    });
    let headers = response.headers_mut();
    headers.insert(RESUMABLE, HeaderValue::from_static(VERSION));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Where an upload stands, as headers.
pub(super) fn standing(status: StatusCode, upload: &Upload) -> Response {
    let mut response = status.into_response();
    let headers = response.headers_mut();
    headers.insert(OFFSET, HeaderValue::from(upload.offset));
    if upload.state == State::Done {
        if let Ok(hash) = HeaderValue::from_str(&upload.hash.to_string()) {
            headers.insert(STORED, hash);
        }
    } else if let Some(expires) = http_date(upload.expires_ms) {
        headers.insert(EXPIRES, expires);
    }
    response
}

fn http_date(ms: i64) -> Option<HeaderValue> {
    let time = jiff::Timestamp::from_millisecond(ms).ok()?;
    HeaderValue::from_str(&time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok()
}

/// A whole number in a header.
pub(super) fn number(headers: &HeaderMap, name: &HeaderName) -> Result<u64, Problem> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| {
            Problem::new(Cause::MalformedQuery).detail(format!("{name}: a whole number"))
        })
}

/// Whether the body is bytes of an upload.
pub(super) fn has_bytes(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value == OFFSET_TYPE)
}

/// What a client says about a new upload.
pub(super) struct Metadata {
    pub(super) hash: ContentHash,
    pub(super) document: DocumentId,
    pub(super) media_type: Option<MediaType>,
    pub(super) rendition: Rendition,
    pub(super) text: String,
}

/// Longest `Upload-Metadata`, in bytes.
const MAX_METADATA: usize = 2_000;

impl Metadata {
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let text = headers
            .get(METADATA)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        if text.len() > MAX_METADATA {
            return Err(Problem::invalid(format!(
                "Upload-Metadata: at most {MAX_METADATA} bytes"
            )));
        }
        let hash = pair(text, "hash")?.and_then(|value| value.parse().ok());
        let document = pair(text, "document")?.and_then(|value| value.parse().ok());
        let rendition = match pair(text, "kind")? {
            None => Some(Rendition::Original),
            Some(name) => Rendition::from_name(&name),
        };
        let media_type = match pair(text, "filetype")? {
            None => None,
            Some(name) => Some(MediaType::from_name(&name).ok_or_else(|| {
                Problem::new(Cause::TypeNotAllowed)
                    .detail("Only JPEG, PNG, WebP and PDF may be attached")
            })?),
        };
        match (hash, document, rendition) {
            (Some(hash), Some(document), Some(rendition)) => Ok(Self {
                hash,
                document,
                media_type,
                rendition,
                text: text.to_owned(),
            }),
            _ => Err(Problem::invalid(
                "Upload-Metadata: hash (SHA-256, 64 lower-case hexadecimal digits), document (UUID), \
                 kind (original or thumbnail), each in base64",
            )),
        }
    }
}

/// The value of a key; keys that mean nothing here are the client's own.
fn pair(text: &str, key: &str) -> Result<Option<String>, Problem> {
    let found = text
        .split(',')
        .map(|pair| pair.trim().split_once(' ').unwrap_or((pair.trim(), "")))
        .find(|(name, _)| *name == key);
    let Some((_, value)) = found else {
        return Ok(None);
    };
    let decoded = STANDARD
        .decode(value.trim())
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    decoded
        .map(Some)
        .ok_or_else(|| Problem::invalid(format!("Upload-Metadata: {key} is no text in base64")))
}

/// The checksum that a client states for the bytes of one request.
pub(super) struct Checksum {
    hasher: Hasher,
    expected: Vec<u8>,
}

enum Hasher {
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Checksum {
    pub(super) fn of(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let Some(value) = headers.get(CHECKSUM) else {
            return Ok(None);
        };
        let wrong = || {
            Problem::new(Cause::MalformedQuery).detail(format!(
                "Upload-Checksum: one of {ALGORITHMS}, a space, the digest in base64"
            ))
        };
        let (name, digest) = value
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .ok_or_else(wrong)?;
        let hasher = match name {
            "sha1" => Hasher::Sha1(Sha1::new()),
            "sha256" => Hasher::Sha256(Sha256::new()),
            _ => return Err(wrong()),
        };
        let expected = STANDARD.decode(digest.trim()).map_err(|_| wrong())?;
        Ok(Some(Self { hasher, expected }))
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match &mut self.hasher {
            Hasher::Sha1(hasher) => hasher.update(bytes),
            Hasher::Sha256(hasher) => hasher.update(bytes),
        }
    }

    pub(super) fn agrees(self) -> bool {
        match self.hasher {
            Hasher::Sha1(hasher) => hasher.digest().bytes().as_slice() == self.expected,
            Hasher::Sha256(hasher) => hasher.finalize().as_slice() == self.expected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_read_key_by_key() {
        let text = format!(
            "filename YS5qcGc=,kind {},empty",
            STANDARD.encode("thumbnail")
        );
        assert_eq!(pair(&text, "kind").unwrap().as_deref(), Some("thumbnail"));
        assert_eq!(pair(&text, "empty").unwrap().as_deref(), Some(""));
        assert_eq!(pair(&text, "hash").unwrap(), None);
        assert!(pair("kind ???", "kind").is_err());
    }

    #[test]
    fn dates_are_those_of_http() {
        assert_eq!(
            http_date(784_111_777_000).unwrap(),
            "Sun, 06 Nov 1994 08:49:37 GMT"
        );
    }
}

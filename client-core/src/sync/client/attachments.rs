//! Attachments: the device's own requests, and tus with the upload token.

use std::future::Future;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};
use sokiem_record::{attachment::ContentHash, limits, media::MediaType};

use super::{
    Answer, Client, Fetch, MAX_SMALL_BODY, Request, is_success, problem, read_body, strange,
};
use crate::{
    attachments::{AttachmentTransport, NewUpload, Part, Standing, UploadToken},
    platform::MaybeSend,
    sync::TransportError,
};

const UPLOADS: &str = "/api/attachments/v1/uploads";

/// A request of tus. `place` is a path on this server, whatever address the server thinks that it has.
fn tus(token: &UploadToken, method: &'static str, place: &str) -> Request {
    Request::new(method, place)
        .header("authorization", format!("Bearer {}", token.token))
        .header("tus-resumable", "1.0.0")
}

impl<F: Fetch> Client<F> {
    async fn standing(&self, request: Request) -> Result<Standing, TransportError> {
        let answer = self.fetch().fetch(&request).await?;
        if !is_success(&answer) {
            return Err(problem::read(answer).await);
        }
        let offset = answer
            .header("upload-offset")
            .and_then(|offset| offset.parse().ok());
        let stored = match answer.header("sokiem-attachment") {
            Some(hash) => Some(
                hash.parse()
                    .map_err(|_| strange("a stored attachment without a hash"))?,
            ),
            None => None,
        };
        Ok(Standing {
            place: answer
                .header("location")
                .map(|place| path_of(&place).to_owned()),
            offset: offset.ok_or_else(|| strange("an upload without an offset"))?,
            stored,
        })
    }

    async fn get_part(
        &self,
        hash: ContentHash,
        offset: u64,
        count: u64,
    ) -> Result<Part, TransportError> {
        let range = format!(
            "bytes={offset}-{}",
            offset.saturating_add(count).saturating_sub(1)
        );
        let most = usize::try_from(count.min(limits::MAX_ATTACHMENT_BYTES)).unwrap_or(0);
        let mut request = Request::new("GET", format!("/api/device/v1/attachments/{hash}"))
            .header("range", range);
        request.most_bytes = most;
        let mut answer = self.send(request).await?;
        if answer.status() != 206 {
            return Err(if is_success(&answer) {
                strange("no range was served")
            } else {
                problem::read(answer).await
            });
        }
        let from = format!("bytes {offset}-");
        let total = answer
            .header("content-range")
            .filter(|range| range.starts_with(&from))
            .and_then(|range| range.rsplit('/').next()?.parse().ok())
            .ok_or_else(|| strange("another range than was asked for"))?;
        let media_type = answer
            .header("content-type")
            .and_then(|name| MediaType::from_name(&name))
            .ok_or_else(|| strange("an attachment of an unknown type"))?;
        let bytes = read_body(&mut answer, most).await?;
        Ok(Part {
            bytes,
            total,
            media_type,
        })
    }

    async fn post_token(&self) -> Result<UploadToken, TransportError> {
        let request = Request::new("POST", "/api/device/v1/attachments/token");
        let answer = self.send(request).await?;
        let body = self.body_of(answer, MAX_SMALL_BODY).await?;
        serde_json::from_slice(&body).map_err(|error| strange(error.to_string()))
    }
}

/// The path of an address: a server behind a proxy may not know its own.
fn path_of(place: &str) -> &str {
    match place.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
        None => place,
    }
}

fn metadata(new: &NewUpload) -> String {
    let pairs = [
        ("hash", new.hash.to_string()),
        ("document", new.document.to_string()),
        ("filetype", new.media_type.name().to_owned()),
        ("kind", new.rendition.name().to_owned()),
    ];
    pairs
        .map(|(key, value)| format!("{key} {}", STANDARD.encode(value)))
        .join(",")
}

impl<F: Fetch> AttachmentTransport for Client<F> {
    fn upload_token(
        &self,
    ) -> impl Future<Output = Result<UploadToken, TransportError>> + MaybeSend {
        self.post_token()
    }

    fn begin_upload(
        &self,
        token: &UploadToken,
        new: NewUpload,
    ) -> impl Future<Output = Result<Standing, TransportError>> + MaybeSend {
        let request = tus(token, "POST", UPLOADS)
            .header("upload-length", new.bytes.to_string())
            .header("upload-metadata", metadata(&new))
            .header("sokiem-accept-known", "1");
        self.standing(request)
    }

    fn ask_upload(
        &self,
        token: &UploadToken,
        place: &str,
    ) -> impl Future<Output = Result<Standing, TransportError>> + MaybeSend {
        self.standing(tus(token, "HEAD", place))
    }

    fn send_bytes(
        &self,
        token: &UploadToken,
        place: &str,
        offset: u64,
        bytes: Vec<u8>,
    ) -> impl Future<Output = Result<Standing, TransportError>> + MaybeSend {
        let checksum = STANDARD.encode(Sha256::digest(&bytes));
        let request = tus(token, "PATCH", place)
            .header("upload-offset", offset.to_string())
            .header("upload-checksum", format!("sha256 {checksum}"))
            .header("content-type", "application/offset+octet-stream")
            .body(bytes);
        self.standing(request)
    }

    fn fetch_bytes(
        &self,
        hash: ContentHash,
        offset: u64,
        count: u64,
    ) -> impl Future<Output = Result<Part, TransportError>> + MaybeSend {
        self.get_part(hash, offset, count)
    }
}

#[cfg(test)]
mod tests {
    use super::path_of;

    #[test]
    fn a_place_is_a_path_on_the_server_that_was_asked() {
        assert_eq!(path_of("/a/b"), "/a/b");
        assert_eq!(path_of("https://inside:8707/a/b"), "/a/b");
        assert_eq!(path_of("https://inside"), "/");
    }
}

//! Attachments over HTTP: the device's own requests, and tus with the upload token.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{
    Method, RequestBuilder, Response, StatusCode,
    header::{CONTENT_RANGE, CONTENT_TYPE, LOCATION},
};
use sha2::{Digest as _, Sha256};
use sokiem_record::{attachment::ContentHash, limits, media::MediaType};

use super::{ANSWER_TIMEOUT, Content, HttpTransport, MAX_SMALL_BODY, failed, problem, read_body};
use crate::{
    attachments::{AttachmentTransport, NewUpload, Part, Standing, UploadToken},
    sync::TransportError,
};

const UPLOADS: &str = "/api/attachments/v1/uploads";

fn strange(detail: impl Into<String>) -> TransportError {
    TransportError::Strange {
        detail: detail.into(),
    }
}

fn text<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok())
}

impl HttpTransport {
    /// A request to the device's own part of the API.
    async fn device(
        &self,
        method: Method,
        path: &str,
        range: Option<String>,
    ) -> Result<Response, TransportError> {
        let content = Content {
            headers: Vec::new(),
            body: None,
            timeout: Some(ANSWER_TIMEOUT),
            range,
        };
        self.send(method, path, content).await
    }

    /// A request of tus. `place` is a path on this server, whatever address the server thinks that it has.
    fn tus(&self, token: &UploadToken, method: Method, place: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{place}", self.base))
            .timeout(ANSWER_TIMEOUT)
            .bearer_auth(&token.token)
            .header("tus-resumable", "1.0.0")
    }

    async fn standing(&self, request: RequestBuilder) -> Result<Standing, TransportError> {
        let response = request.send().await.map_err(failed)?;
        if !response.status().is_success() {
            return Err(problem::read(response).await);
        }
        let offset = text(&response, "upload-offset").and_then(|offset| offset.parse().ok());
        let stored = match text(&response, "sokiem-attachment") {
            Some(hash) => Some(
                hash.parse()
                    .map_err(|_| strange("a stored attachment without a hash"))?,
            ),
            None => None,
        };
        Ok(Standing {
            place: text(&response, LOCATION.as_str()).map(|place| path_of(place).to_owned()),
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
        let path = format!("/api/device/v1/attachments/{hash}");
        let response = self.device(Method::GET, &path, Some(range)).await?;
        if response.status() != StatusCode::PARTIAL_CONTENT {
            return Err(if response.status().is_success() {
                strange("no range was served")
            } else {
                problem::read(response).await
            });
        }
        let from = format!("bytes {offset}-");
        let total = text(&response, CONTENT_RANGE.as_str())
            .filter(|range| range.starts_with(&from))
            .and_then(|range| range.rsplit('/').next()?.parse().ok())
            .ok_or_else(|| strange("another range than was asked for"))?;
        let media_type = text(&response, CONTENT_TYPE.as_str())
            .and_then(MediaType::from_name)
            .ok_or_else(|| strange("an attachment of an unknown type"))?;
        let most = usize::try_from(count.min(limits::MAX_ATTACHMENT_BYTES)).unwrap_or(0);
        let bytes = read_body(response, most).await?;
        Ok(Part {
            bytes,
            total,
            media_type,
        })
    }

    async fn post_token(&self) -> Result<UploadToken, TransportError> {
        let response = self
            .device(Method::POST, "/api/device/v1/attachments/token", None)
            .await?;
        if !response.status().is_success() {
            return Err(problem::read(response).await);
        }
        let body = read_body(response, MAX_SMALL_BODY).await?;
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

impl AttachmentTransport for HttpTransport {
    fn upload_token(&self) -> impl Future<Output = Result<UploadToken, TransportError>> + Send {
        self.post_token()
    }

    fn begin_upload(
        &self,
        token: &UploadToken,
        new: NewUpload,
    ) -> impl Future<Output = Result<Standing, TransportError>> + Send {
        let request = self
            .tus(token, Method::POST, UPLOADS)
            .header("upload-length", new.bytes)
            .header("upload-metadata", metadata(&new))
            .header("sokiem-accept-known", "1");
        self.standing(request)
    }

    fn ask_upload(
        &self,
        token: &UploadToken,
        place: &str,
    ) -> impl Future<Output = Result<Standing, TransportError>> + Send {
        self.standing(self.tus(token, Method::HEAD, place))
    }

    fn send_bytes(
        &self,
        token: &UploadToken,
        place: &str,
        offset: u64,
        bytes: Vec<u8>,
    ) -> impl Future<Output = Result<Standing, TransportError>> + Send {
        let checksum = STANDARD.encode(Sha256::digest(&bytes));
        let request = self
            .tus(token, Method::PATCH, place)
            .header("upload-offset", offset)
            .header("upload-checksum", format!("sha256 {checksum}"))
            .header(CONTENT_TYPE, "application/offset+octet-stream")
            .body(bytes);
        self.standing(request)
    }

    fn fetch_bytes(
        &self,
        hash: ContentHash,
        offset: u64,
        count: u64,
    ) -> impl Future<Output = Result<Part, TransportError>> + Send {
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

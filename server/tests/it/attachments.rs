//! Uploads by tus 1.0, what is taken, who may read it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::json;
use sokiem_record::{
    attachment::ContentHash,
    genesis,
    id::{AreaId, DocumentId},
};
use sokiem_server::platform::{Platform, SystemPlatform};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::harness::{Answer, Phone, Town, answer, fresh_uuid};

const UPLOADS: &str = "/api/attachments/v1/uploads";

/// A PNG by its framing, with so many bytes that mean nothing in it.
fn png(width: u32, height: u32, filler: usize) -> Vec<u8> {
    let mut bytes = vec![0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a];
    let mut chunk = |name: &[u8; 4], content: &[u8]| {
        bytes.extend_from_slice(&u32::try_from(content.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(name);
        bytes.extend_from_slice(content);
        bytes.extend_from_slice(&[0; 4]);
    };
    let mut header = Vec::new();
    header.extend_from_slice(&width.to_be_bytes());
    header.extend_from_slice(&height.to_be_bytes());
    header.extend_from_slice(&[8, 2, 0, 0, 0]);
    chunk(b"IHDR", &header);
    let mut content = vec![0; filler];
    getrandom::fill(&mut content).unwrap();
    chunk(b"IDAT", &content);
    chunk(b"IEND", &[]);
    bytes
}

pub(crate) fn photo(bytes: usize) -> Vec<u8> {
    png(4000, 3000, bytes)
}

/// A tus client of one phone.
pub(crate) struct Tus<'a> {
    town: &'a Town,
    token: String,
}

impl<'a> Tus<'a> {
    pub(crate) async fn new(town: &'a Town, phone: &Phone) -> Self {
        let response = phone
            .post("/api/device/v1/attachments/token", Vec::new())
            .await;
        let token = answer(response).await.expect(201)["token"]
            .as_str()
            .unwrap()
            .to_owned();
        Self { town, token }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.town
            .http
            .request(method, self.town.url(path))
            .bearer_auth(&self.token)
            .header("tus-resumable", "1.0.0")
    }

    pub(crate) fn creation(
        &self,
        document: DocumentId,
        bytes: &[u8],
        media: &str,
    ) -> RequestBuilder {
        let metadata = metadata(document, &ContentHash::of(bytes).to_string(), media);
        self.request(Method::POST, UPLOADS)
            .header("upload-length", bytes.len())
            .header("upload-metadata", metadata)
    }

    pub(crate) async fn create(&self, document: DocumentId, bytes: &[u8]) -> String {
        let response = self
            .creation(document, bytes, "image/png")
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 201, "{}", response.text().await.unwrap());
        place(&response)
    }

    async fn patch(&self, place: &str, offset: u64, bytes: &[u8]) -> Response {
        self.patching(place, offset)
            .body(bytes.to_vec())
            .send()
            .await
            .unwrap()
    }

    pub(crate) fn patching(&self, place: &str, offset: u64) -> RequestBuilder {
        self.request(Method::PATCH, place)
            .header("upload-offset", offset)
            .header("content-type", "application/offset+octet-stream")
    }

    async fn head(&self, place: &str) -> Response {
        self.request(Method::HEAD, place).send().await.unwrap()
    }

    async fn offset(&self, place: &str) -> u64 {
        let response = self.head(place).await;
        assert_eq!(response.status(), 200);
        header(&response, "upload-offset").parse().unwrap()
    }

    /// Brings an attachment whole.
    pub(crate) async fn bring(&self, document: DocumentId, bytes: &[u8]) -> ContentHash {
        let place = self.create(document, bytes).await;
        let response = self.patch(&place, 0, bytes).await;
        assert_eq!(response.status(), 204, "{}", response.text().await.unwrap());
        let hash = ContentHash::of(bytes);
        assert_eq!(header(&response, "sokiem-attachment"), hash.to_string());
        hash
    }
}

fn metadata(document: DocumentId, hash: &str, media: &str) -> String {
    format!(
        "hash {},document {},filetype {},kind {}",
        STANDARD.encode(hash),
        STANDARD.encode(document.to_string()),
        STANDARD.encode(media),
        STANDARD.encode("original")
    )
}

fn header(response: &Response, name: &str) -> String {
    let value = response.headers().get(name);
    value.map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
}

fn place(response: &Response) -> String {
    header(response, "location")
}

fn download(town: &Town, token: &str, hash: ContentHash) -> RequestBuilder {
    town.http
        .get(town.url(&format!("/api/v1/attachments/{hash}")))
        .bearer_auth(token)
}

async fn on_device(phone: &Phone, hash: ContentHash) -> Response {
    let path = format!("/api/device/v1/attachments/{hash}");
    phone.signed(Method::GET, &path, None).send().await.unwrap()
}

/// A phone with one unit on the server.
async fn phone_with_unit(town: &Town, login: &str, area: AreaId) -> (Phone, DocumentId) {
    let mut phone = town.phone(login, &[area]).await;
    let unit = phone.unit(area, "Trường Tiểu học Thạnh Phú");
    let document = unit.document;
    phone.sync(vec![unit]).await;
    (phone, document)
}

#[tokio::test]
async fn a_photo_arrives_in_pieces_and_is_read_back_by_people_and_devices() {
    let town = Town::new().await;
    let (phone, unit) = phone_with_unit(&town, "lan", town.communes[0]).await;
    let tus = Tus::new(&town, &phone).await;
    let bytes = photo(500_000);

    let discovery = tus
        .town
        .http
        .request(Method::OPTIONS, town.url(UPLOADS))
        .send()
        .await
        .unwrap();
    assert_eq!(discovery.status(), 204);
    assert_eq!(header(&discovery, "tus-version"), "1.0.0");
    assert_eq!(
        header(&discovery, "tus-max-size"),
        (32 * 1024 * 1024).to_string()
    );
    for extension in [
        "creation",
        "creation-with-upload",
        "checksum",
        "termination",
        "expiration",
    ] {
        assert!(
            header(&discovery, "tus-extension")
                .split(',')
                .any(|one| one == extension)
        );
    }
    assert!(header(&discovery, "tus-checksum-algorithm").contains("sha1"));

    let place = tus.create(unit, &bytes).await;
    let first = tus.patch(&place, 0, &bytes[..200_000]).await;
    assert_eq!(first.status(), 204);
    assert_eq!(header(&first, "upload-offset"), "200000");
    assert!(header(&first, "upload-expires").ends_with(" GMT"));
    let head = tus.head(&place).await;
    assert_eq!(header(&head, "upload-offset"), "200000");
    assert_eq!(header(&head, "upload-length"), bytes.len().to_string());
    assert_eq!(header(&head, "cache-control"), "no-store");
    assert!(header(&head, "upload-metadata").contains("document "));
    let again = tus.patch(&place, 0, &bytes).await;
    assert_eq!(answer(again).await.problem(409), "offset-mismatch");

    let hash = ContentHash::of(&bytes);
    assert_eq!(
        download(&town, &town.admin, hash)
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
    let rest = tus.patch(&place, 200_000, &bytes[200_000..]).await;
    assert_eq!(rest.status(), 204);
    assert_eq!(header(&rest, "tus-resumable"), "1.0.0");
    assert_eq!(header(&rest, "sokiem-attachment"), hash.to_string());
    // The answer may have been lost: it can be asked for.
    assert_eq!(
        header(&tus.head(&place).await, "sokiem-attachment"),
        hash.to_string()
    );

    let response = download(&town, &town.admin, hash).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-type"), "image/png");
    assert_eq!(header(&response, "etag"), format!("\"{hash}\""));
    assert_eq!(header(&response, "x-content-type-options"), "nosniff");
    assert!(header(&response, "content-security-policy").contains("sandbox"));
    assert!(header(&response, "content-disposition").starts_with("inline; filename="));
    assert_eq!(response.bytes().await.unwrap(), bytes);
    let response = on_device(&phone, hash).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.bytes().await.unwrap(), bytes);
    let left: Vec<_> = std::fs::read_dir(town.folder.path().join("uploads"))
        .unwrap()
        .collect();
    assert!(left.is_empty(), "the upload's file is gone");
}

#[tokio::test]
async fn creation_takes_the_first_bytes_and_any_method_may_be_overridden() {
    let town = Town::new().await;
    let (phone, unit) = phone_with_unit(&town, "lan", town.communes[0]).await;
    let tus = Tus::new(&town, &phone).await;
    let bytes = photo(10_000);
    let response = tus
        .creation(unit, &bytes, "image/png")
        .header("content-type", "application/offset+octet-stream")
        .body(bytes[..4_000].to_vec())
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(header(&response, "upload-offset"), "4000");
    let place = place(&response);
    let by_post = |method: &str| {
        tus.request(Method::POST, &place)
            .header("x-http-method-override", method.to_owned())
    };
    let head = by_post("HEAD").send().await.unwrap();
    assert_eq!(header(&head, "upload-offset"), "4000");
    let patched = by_post("PATCH")
        .header("upload-offset", 4000)
        .header("content-type", "application/offset+octet-stream")
        .body(bytes[4_000..].to_vec())
        .send()
        .await
        .unwrap();
    assert_eq!(patched.status(), 204);
    assert_eq!(by_post("GET").send().await.unwrap().status(), 400);
    // A whole file in the creation.
    let bytes = photo(2_000);
    let response = tus
        .creation(unit, &bytes, "image/png")
        .header("content-type", "application/offset+octet-stream")
        .body(bytes.clone())
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(
        header(&response, "sokiem-attachment"),
        ContentHash::of(&bytes).to_string()
    );
}

#[tokio::test]
async fn a_piece_that_does_not_agree_with_its_checksum_is_as_if_it_had_not_come() {
    use sha2::Digest as _;
    let town = Town::new().await;
    let (phone, unit) = phone_with_unit(&town, "lan", town.communes[0]).await;
    let tus = Tus::new(&town, &phone).await;
    let bytes = photo(400_000);
    let place = tus.create(unit, &bytes).await;
    let piece = &bytes[..300_000];
    let send = async |checksum: String| {
        let request = tus.patching(&place, 0).header("upload-checksum", checksum);
        request.body(piece.to_vec()).send().await.unwrap()
    };
    let sha256 = STANDARD.encode(sha2::Sha256::digest(piece));
    let other = STANDARD.encode(sha2::Sha256::digest(b"other"));
    let wrong = send(format!("sha256 {other}")).await;
    assert_eq!(answer(wrong).await.problem(460), "checksum-mismatch");
    assert_eq!(tus.offset(&place).await, 0);
    assert_eq!(
        answer(send(format!("md5 {other}")).await)
            .await
            .problem(400),
        "malformed-query"
    );
    assert_eq!(send(format!("sha256 {sha256}")).await.status(), 204);
    assert_eq!(tus.offset(&place).await, 300_000);
    let sha1 = STANDARD.encode(sha1_smol::Sha1::from(&bytes[300_000..]).digest().bytes());
    let rest = tus
        .patching(&place, 300_000)
        .header("upload-checksum", format!("sha1 {sha1}"));
    let rest = rest.body(bytes[300_000..].to_vec()).send().await.unwrap();
    assert_eq!(
        header(&rest, "sokiem-attachment"),
        ContentHash::of(&bytes).to_string()
    );
}

/// Sends a PATCH by hand and keeps the connection.
async fn half_a_patch(
    town: &Town,
    token: &str,
    place: &str,
    length: usize,
    part: &[u8],
) -> TcpStream {
    let mut stream = TcpStream::connect(town.server.address()).await.unwrap();
    let head = format!(
        "PATCH {place} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ntus-resumable: 1.0.0\r\nupload-offset: 0\r\n\
         content-type: application/offset+octet-stream\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(part).await.unwrap();
    stream.flush().await.unwrap();
    stream
}

#[tokio::test]
async fn what_came_before_a_break_is_kept_also_over_a_restart() {
    let town = Town::new().await;
    let (phone, unit) = phone_with_unit(&town, "lan", town.communes[0]).await;
    let bytes = photo(600_000);
    let (token, place) = {
        let tus = Tus::new(&town, &phone).await;
        let place = tus.create(unit, &bytes).await;
        let stream = half_a_patch(&town, &tus.token, &place, bytes.len(), &bytes[..300_001]).await;
        drop(stream);
        // The server may hear of this question before it hears of those bytes.
        while tus.offset(&place).await != 300_001 {
            tokio::task::yield_now().await;
        }
        (tus.token, place)
    };
    let town = town.restarted().await;
    let tus = Tus { town: &town, token };
    assert_eq!(tus.offset(&place).await, 300_001);
    let rest = tus.patch(&place, 300_001, &bytes[300_001..]).await;
    assert_eq!(
        header(&rest, "sokiem-attachment"),
        ContentHash::of(&bytes).to_string()
    );
    assert_eq!(
        download(&town, &town.admin, ContentHash::of(&bytes))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

#[tokio::test]
async fn a_phone_that_comes_back_takes_over_from_its_own_dead_connection() {
    let town = Town::new().await;
    let (phone, unit) = phone_with_unit(&town, "lan", town.communes[0]).await;
    let tus = Tus::new(&town, &phone).await;
    let bytes = photo(600_000);
    let place = tus.create(unit, &bytes).await;
    // This connection stays open and silent, as behind a dead radio link.
    let mut dead = half_a_patch(&town, &tus.token, &place, bytes.len(), &bytes[..250_000]).await;
    let file = town
        .folder
        .path()
        .join("uploads")
        .join(place.rsplit('/').next().unwrap());
    while std::fs::metadata(&file).map_or(0, |file| file.len()) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(tus.offset(&place).await, 250_000);
    let mut status = [0; 12];
    dead.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 423");
    let rest = tus.patch(&place, 250_000, &bytes[250_000..]).await;
    assert_eq!(rest.status(), 204);
}

/// Uploads that are whole when the server dies are finished by the next start.
#[tokio::test]
async fn an_upload_that_was_whole_when_the_server_died_is_finished_at_the_next_start() {
    let town = Town::new().await;
    let (phone, unit) = phone_with_unit(&town, "lan", town.communes[0]).await;
    let bytes = photo(5_000);
    let hash = ContentHash::of(&bytes);
    let (token, place) = {
        let tus = Tus::new(&town, &phone).await;
        let place = tus.create(unit, &bytes).await;
        tus.patch(&place, 0, &bytes[..1_000]).await;
        (tus.token, place)
    };
    // As a server leaves it that dies between the last byte and the look at the whole.
    let file = town
        .folder
        .path()
        .join("uploads")
        .join(place.rsplit('/').next().unwrap());
    std::fs::write(&file, &bytes).unwrap();
    town.database()
        .execute("UPDATE uploads SET offset = length", [])
        .unwrap();
    let orphan = town
        .folder
        .path()
        .join("uploads")
        .join(fresh_uuid().to_string());
    std::fs::write(&orphan, b"left over").unwrap();
    let town = town.restarted().await;
    let tus = Tus { town: &town, token };
    assert_eq!(
        header(&tus.head(&place).await, "sokiem-attachment"),
        hash.to_string()
    );
    assert_eq!(
        download(&town, &town.admin, hash)
            .send()
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap(),
        bytes
    );
    // Cleared up in the background, right after the start.
    while orphan.exists() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn only_what_the_content_says_is_allowed_and_the_refusal_says_why() {
    let town = Town::new().await;
    let (phone, unit) = phone_with_unit(&town, "lan", town.communes[0]).await;
    let tus = Tus::new(&town, &phone).await;
    let zip_behind = [photo(100), b"PK\x03\x04 an archive".to_vec()].concat();
    let page_behind = [photo(100), b"<script>alert(1)</script>".to_vec()].concat();
    let pdf_with_more = b"%PDF-1.7\n%%EOF\nPK\x03\x04".to_vec();
    let bad: [(&str, Vec<u8>, &str); 10] = [
        (
            "a page",
            b"<!doctype html><script>alert(1)</script>".to_vec(),
            "type-not-allowed",
        ),
        (
            "a drawing that runs scripts",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(),
            "type-not-allowed",
        ),
        (
            "a GIF",
            b"GIF89a\x01\x00\x01\x00\x00\x00\x00;".to_vec(),
            "type-not-allowed",
        ),
        (
            "a program",
            b"\x7fELF\x02\x01\x01".to_vec(),
            "type-not-allowed",
        ),
        ("a picture and an archive", zip_behind, "type-not-allowed"),
        ("a picture and a page", page_behind, "type-not-allowed"),
        (
            "half a picture",
            photo(100)[..60].to_vec(),
            "type-not-allowed",
        ),
        ("a scan and an archive", pdf_with_more, "type-not-allowed"),
        (
            "a picture that unpacks to 10 gigapixels",
            png(100_000, 100_000, 10),
            "picture-too-large",
        ),
        (
            "a picture without pixels",
            png(0, 5, 10),
            "picture-too-large",
        ),
    ];
    for (what, bytes, slug) in bad {
        // Whatever the name says.
        let response = tus
            .creation(unit, &bytes, "image/png")
            .send()
            .await
            .unwrap();
        let place = place(&response);
        let refused = answer(tus.patch(&place, 0, &bytes).await).await;
        assert_eq!(refused.problem(422), slug, "{what}");
        assert_eq!(tus.head(&place).await.status(), 410, "{what}");
        let gone = answer(tus.patch(&place, 0, &bytes).await).await;
        assert_eq!(gone.problem(410), "upload-gone", "{what}");
        assert_eq!(gone.json["refused"], slug, "{what}");
        let hash = ContentHash::of(&bytes);
        assert_eq!(
            download(&town, &town.admin, hash)
                .send()
                .await
                .unwrap()
                .status(),
            404,
            "{what}"
        );
    }
    let jpeg_by_name = tus
        .creation(unit, &photo(50), "image/jpeg")
        .send()
        .await
        .unwrap();
    let bytes = photo(50);
    let hash = metadata(unit, &ContentHash::of(&bytes).to_string(), "image/jpeg");
    let response = tus
        .request(Method::POST, UPLOADS)
        .header("upload-length", bytes.len());
    let response = response
        .header("upload-metadata", hash)
        .send()
        .await
        .unwrap();
    let refused = answer(tus.patch(&place(&response), 0, &bytes).await).await;
    assert_eq!(refused.problem(422), "type-not-allowed");
    assert_eq!(jpeg_by_name.status(), 201);
    let unknown = tus.creation(unit, b"x", "text/html").send().await.unwrap();
    assert_eq!(answer(unknown).await.problem(422), "type-not-allowed");
    let left: Vec<_> = std::fs::read_dir(town.folder.path().join("uploads"))
        .unwrap()
        .collect();
    assert!(left.is_empty(), "refused bytes are gone");
}

#[tokio::test]
async fn bytes_with_another_hash_than_announced_are_refused() {
    let town = Town::new().await;
    let (phone, unit) = phone_with_unit(&town, "lan", town.communes[0]).await;
    let tus = Tus::new(&town, &phone).await;
    let (announced, brought) = (photo(1000), photo(1000));
    let place = tus.create(unit, &announced).await;
    let refused = answer(tus.patch(&place, 0, &brought).await).await;
    assert_eq!(refused.problem(422), "wrong-content-hash");
    for bytes in [&announced, &brought] {
        let response = download(&town, &town.admin, ContentHash::of(bytes))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 404);
    }
    // The right bytes are welcome afterwards.
    tus.bring(unit, &announced).await;
    let too_many = tus.create(unit, &photo(10)).await;
    let refused = answer(tus.patch(&too_many, 0, &photo(5_000)).await).await;
    assert_eq!(refused.problem(413), "attachment-too-large");
    assert_eq!(tus.offset(&too_many).await, 0);
}

#[tokio::test]
async fn requests_that_are_none_of_the_protocol_get_their_own_answers() {
    let town = Town::new().await;
    let (phone, unit) = phone_with_unit(&town, "lan", town.communes[0]).await;
    let tus = Tus::new(&town, &phone).await;
    let bytes = photo(100);
    let place = tus.create(unit, &bytes).await;
    let other = town.http.head(town.url(&place)).bearer_auth(&tus.token);
    let old = other.header("tus-resumable", "0.2.2").send().await.unwrap();
    assert_eq!(
        (old.status().as_u16(), header(&old, "tus-version").as_str()),
        (412, "1.0.0")
    );
    let nobody = Tus {
        town: &town,
        token: "wrong".to_owned(),
    };
    let refused = answer(nobody.patch(&place, 0, &bytes).await).await;
    assert_eq!(refused.problem(401), "credential-invalid");
    // Each credential opens its own door only.
    let session = Tus {
        town: &town,
        token: town.admin.clone(),
    };
    assert_eq!(session.head(&place).await.status(), 401);
    let signed = phone.signed(Method::HEAD, &place, None);
    let signed = signed.header("tus-resumable", "1.0.0").send().await;
    assert_eq!(signed.unwrap().status(), 401);
    assert_eq!(town.get(&tus.token, "/api/v1/areas").await.status, 401);
    let json = tus
        .request(Method::PATCH, &place)
        .header("upload-offset", 0)
        .json(&json!({}));
    assert_eq!(
        answer(json.send().await.unwrap()).await.problem(415),
        "unsupported-media-type"
    );
    let no_length = tus.request(Method::POST, UPLOADS).send().await.unwrap();
    assert_eq!(answer(no_length).await.problem(400), "malformed-query");
    let no_metadata = tus
        .request(Method::POST, UPLOADS)
        .header("upload-length", 5)
        .send()
        .await
        .unwrap();
    assert_eq!(answer(no_metadata).await.problem(422), "invalid");
    let unknown = DocumentId(fresh_uuid());
    let response = tus
        .creation(unknown, &bytes, "image/png")
        .send()
        .await
        .unwrap();
    assert_eq!(answer(response).await.problem(404), "not-found");
    let path = format!("/api/v1/devices/{}", phone.device);
    town.call(&town.admin, Method::DELETE, &path, json!(null))
        .await
        .expect(204);
    let revoked = answer(tus.patch(&place, 0, &bytes).await).await;
    assert_eq!(revoked.problem(403), "device-revoked");
}

#[tokio::test]
async fn quotas_hold_and_say_which_is_reached() {
    let town = Town::with(|config| {
        config.limits.uploads_per_device = 2;
        config.limits.attachment_device_day_bytes = 10_000;
        config.limits.attachment_document_bytes = 7_000;
        config.limits.attachment_total_bytes = 12_000;
    })
    .await;
    let (mut phone, unit) = phone_with_unit(&town, "lan", town.communes[0]).await;
    let tus = Tus::new(&town, &phone).await;
    let mut units = Vec::new();
    for name in ["Hai", "Ba", "Bốn"] {
        let unit = phone.unit(town.communes[0], name);
        units.push(unit.document);
        phone.sync(vec![unit]).await;
    }
    let quota = async |document, bytes: &[u8]| -> Answer {
        answer(
            tus.creation(document, bytes, "image/png")
                .send()
                .await
                .unwrap(),
        )
        .await
    };
    let huge = tus
        .request(Method::POST, UPLOADS)
        .header("upload-length", 32 * 1024 * 1024 + 1)
        .header(
            "upload-metadata",
            metadata(unit, &"a".repeat(64), "image/png"),
        );
    assert_eq!(
        answer(huge.send().await.unwrap()).await.problem(413),
        "attachment-too-large"
    );
    tus.bring(unit, &photo(4_000)).await;
    let refused = quota(unit, &photo(4_000)).await;
    assert_eq!(
        (refused.problem(507), refused.json["quota"].clone()),
        ("quota-reached".into(), json!("document"))
    );
    let open = [
        tus.create(units[0], &photo(1_000)).await,
        tus.create(units[1], &photo(1_000)).await,
    ];
    assert_eq!(
        quota(units[2], &photo(10)).await.problem(429),
        "too-many-requests"
    );
    for place in &open {
        assert_eq!(
            tus.request(Method::DELETE, place)
                .send()
                .await
                .unwrap()
                .status(),
            204
        );
    }
    tus.bring(units[0], &photo(4_000)).await;
    let refused = quota(units[1], &photo(4_000)).await;
    assert_eq!(
        (refused.problem(507), refused.json["quota"].clone()),
        ("quota-reached".into(), json!("device-day"))
    );
    let (other, their_unit) = phone_with_unit(&town, "hai", town.communes[1]).await;
    let theirs = Tus::new(&town, &other).await;
    let response = theirs
        .creation(their_unit, &photo(6_000), "image/png")
        .send()
        .await
        .unwrap();
    let refused = answer(response).await;
    assert_eq!(
        (refused.problem(507), refused.json["quota"].clone()),
        ("quota-reached".into(), json!("total"))
    );
}

/// The system's, with a clock that tests move.
#[derive(Clone, Default)]
struct Shifted(Arc<AtomicI64>);

impl Platform for Shifted {
    fn now_ms(&self) -> i64 {
        SystemPlatform.now_ms() + self.0.load(Ordering::SeqCst)
    }

    fn fill(&self, bytes: &mut [u8]) -> Result<(), sokiem_server::Error> {
        SystemPlatform.fill(bytes)
    }
}

#[tokio::test]
async fn tokens_and_uploads_expire_and_are_swept() {
    let clock = Shifted::default();
    let town = Town::on(clock.clone(), |config| {
        config.lifetimes.session_s = 365 * 24 * 3600
    })
    .await;
    let (phone, unit) = phone_with_unit(&town, "lan", town.communes[0]).await;
    let tus = Tus::new(&town, &phone).await;
    let bytes = photo(1_000);
    let place = tus.create(unit, &bytes).await;
    tus.patch(&place, 0, &bytes[..500]).await;
    clock.0.fetch_add(16 * 60_000, Ordering::SeqCst);
    phone.ahead_s.fetch_add(16 * 60, Ordering::SeqCst);
    let late = answer(tus.patch(&place, 500, &bytes[500..]).await).await;
    assert_eq!(late.problem(401), "credential-expired");
    let tus = Tus::new(&town, &phone).await;
    assert_eq!(tus.offset(&place).await, 500);
    clock.0.fetch_add(8 * 24 * 3_600_000, Ordering::SeqCst);
    phone.ahead_s.fetch_add(8 * 24 * 3_600, Ordering::SeqCst);
    let tus = Tus::new(&town, &phone).await;
    assert_eq!(
        answer(tus.patch(&place, 500, &bytes[500..]).await)
            .await
            .problem(410),
        "upload-gone"
    );
    // The next upload that is made sweeps.
    let fresh = tus.create(unit, &bytes).await;
    assert_eq!(tus.head(&place).await.status(), 404);
    assert!(
        !town
            .folder
            .path()
            .join("uploads")
            .join(place.rsplit('/').next().unwrap())
            .exists()
    );
    assert_eq!(
        tus.request(Method::DELETE, &fresh)
            .send()
            .await
            .unwrap()
            .status(),
        204
    );
    assert_eq!(tus.head(&fresh).await.status(), 404);
    assert_eq!(
        tus.request(Method::DELETE, &fresh)
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
}

#[tokio::test]
async fn a_hash_that_somebody_knows_opens_nothing() {
    let town = Town::new().await;
    let (phone, unit) = phone_with_unit(&town, "lan", town.communes[0]).await;
    let tus = Tus::new(&town, &phone).await;
    let bytes = photo(3_000);
    let hash = tus.bring(unit, &bytes).await;
    let half = tus.create(unit, &photo(1_000)).await;

    let (mut other, their_unit) = phone_with_unit(&town, "hai", town.communes[1]).await;
    let theirs = Tus::new(&town, &other).await;
    let attempt = theirs
        .creation(unit, &bytes, "image/png")
        .send()
        .await
        .unwrap();
    assert_eq!(answer(attempt).await.problem(404), "not-found");
    assert_eq!(theirs.head(&half).await.status(), 404);
    assert_eq!(theirs.patch(&half, 0, b"x").await.status(), 404);
    assert_eq!(
        theirs
            .request(Method::DELETE, &half)
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
    assert_eq!(on_device(&other, hash).await.status(), 404);

    // A record that names the hash, and an upload that claims to have it, open nothing either.
    let plan_id = DocumentId(fresh_uuid());
    let author = other.author();
    let fields = [
        ("unit", json!(their_unit.to_string())),
        ("criteria_code", json!("X")),
    ];
    let (mut inspection, begun) = genesis::document(
        plan_id,
        sokiem_record::id::Kind::Inspection,
        &author,
        &fields,
    )
    .unwrap();
    let signature = format!("signatures/{}", fresh_uuid());
    let edit = genesis::element(
        signature.parse().unwrap(),
        [("image", json!(hash.to_string()))],
    );
    let named = inspection.edit(&author, None, &[edit]).unwrap().unwrap();
    let push = crate::harness::push(
        plan_id,
        sokiem_record::id::Kind::Inspection,
        town.communes[1],
        vec![begun.bytes, named.bytes],
    );
    other.held.insert(plan_id, (town.communes[1], inspection));
    other.sync(vec![push]).await;
    assert_eq!(on_device(&other, hash).await.status(), 404);
    let claim = theirs
        .creation(plan_id, &bytes, "image/png")
        .header("sokiem-accept-known", "1");
    let claim = claim.send().await.unwrap();
    assert_eq!(
        (
            claim.status().as_u16(),
            header(&claim, "upload-offset").as_str()
        ),
        (201, "0")
    );
    assert_eq!(on_device(&other, hash).await.status(), 404);
    let list = town
        .get(
            &town.admin,
            &format!("/api/v1/records/{plan_id}/attachments"),
        )
        .await
        .expect(200);
    assert_eq!(list[0]["state"], "awaited");

    // Who brings the bytes has them anyway.
    assert_eq!(theirs.patch(&place(&claim), 0, &bytes).await.status(), 204);
    assert_eq!(on_device(&other, hash).await.status(), 200);
    let list = town
        .get(
            &town.admin,
            &format!("/api/v1/records/{plan_id}/attachments"),
        )
        .await
        .expect(200);
    assert_eq!(
        (list[0]["state"].clone(), list[0]["bytes"].clone()),
        (json!("arrived"), json!(bytes.len()))
    );

    // And who may read it already sends nothing.
    let known = tus
        .creation(unit, &bytes, "image/png")
        .header("sokiem-accept-known", "1");
    let known = known.send().await.unwrap();
    assert_eq!(header(&known, "upload-offset"), bytes.len().to_string());
    assert_eq!(header(&known, "sokiem-attachment"), hash.to_string());
}

#[tokio::test]
async fn access_moves_with_the_document() {
    let town = Town::new().await;
    let (phone, unit) = phone_with_unit(&town, "lan", town.communes[0]).await;
    let (other, _) = phone_with_unit(&town, "hai", town.communes[1]).await;
    let hash = Tus::new(&town, &phone)
        .await
        .bring(unit, &photo(2_000))
        .await;
    assert_eq!(on_device(&phone, hash).await.status(), 200);
    assert_eq!(on_device(&other, hash).await.status(), 404);
    let there = json!({"area": town.communes[1]});
    town.post(&town.admin, &format!("/api/v1/records/{unit}/area"), there)
        .await
        .expect(204);
    assert_eq!(on_device(&phone, hash).await.status(), 404);
    assert_eq!(on_device(&other, hash).await.status(), 200);
    town.account("boss", "supervisor", &[town.communes[0]])
        .await;
    let boss = town.sign_in("boss").await;
    assert_eq!(
        download(&town, &boss, hash).send().await.unwrap().status(),
        404
    );
}

#[tokio::test]
async fn parts_of_an_attachment_are_served_as_http_says() {
    let town = Town::new().await;
    let (phone, unit) = phone_with_unit(&town, "lan", town.communes[0]).await;
    let bytes = photo(10_000);
    let hash = Tus::new(&town, &phone).await.bring(unit, &bytes).await;
    let length = bytes.len();
    let get = async |name: &str, value: String| {
        download(&town, &town.admin, hash)
            .header(name, value)
            .send()
            .await
            .unwrap()
    };
    for (asked, from, to) in [
        ("bytes=0-99".to_owned(), 0, 100),
        ("bytes=-7".to_owned(), length - 7, length),
        (format!("bytes={}-", length - 3), length - 3, length),
        ("bytes=5000-999999".to_owned(), 5000, length),
    ] {
        let response = get("range", asked.clone()).await;
        assert_eq!(response.status(), 206, "{asked}");
        assert_eq!(
            header(&response, "content-range"),
            format!("bytes {from}-{}/{length}", to - 1)
        );
        assert_eq!(header(&response, "content-length"), (to - from).to_string());
        assert_eq!(response.bytes().await.unwrap(), bytes[from..to]);
    }
    let nothing = get("range", format!("bytes={length}-")).await;
    assert_eq!(
        header(&nothing, "content-range"),
        format!("bytes */{length}")
    );
    assert_eq!(answer(nothing).await.problem(416), "range-not-there");
    for whole in ["bytes=0-1,4-5", "bytes=x-y", "lines=1-2"] {
        let response = get("range", whole.to_owned()).await;
        assert_eq!(response.status(), 200, "{whole}");
        assert_eq!(response.bytes().await.unwrap(), bytes);
    }
    assert_eq!(
        get("if-none-match", format!("\"x\", \"{hash}\""))
            .await
            .status(),
        304
    );
    let stale = download(&town, &town.admin, hash)
        .header("range", "bytes=0-9")
        .header("if-range", "\"x\"");
    assert_eq!(stale.send().await.unwrap().status(), 200);
    let head = town
        .http
        .head(town.url(&format!("/api/v1/attachments/{hash}")))
        .bearer_auth(&town.admin);
    let head = head.send().await.unwrap();
    assert_eq!(header(&head, "content-length"), length.to_string());
}

#[tokio::test]
async fn the_page_of_a_record_says_which_photos_have_not_come() {
    let town = Town::new().await;
    let (mut phone, unit) = phone_with_unit(&town, "lan", town.communes[0]).await;
    let id = DocumentId(fresh_uuid());
    let author = phone.author();
    let kind = sokiem_record::id::Kind::Inspection;
    let fields = [
        ("unit", json!(unit.to_string())),
        ("criteria_code", json!("X")),
    ];
    let (mut inspection, begun) = genesis::document(id, kind, &author, &fields).unwrap();
    let image = photo(700);
    let element = format!("signatures/{}", fresh_uuid());
    let edit = genesis::element(
        element.parse().unwrap(),
        [("image", json!(ContentHash::of(&image).to_string()))],
    );
    let named = inspection.edit(&author, None, &[edit]).unwrap().unwrap();
    phone.held.insert(id, (town.communes[0], inspection));
    let push = crate::harness::push(id, kind, town.communes[0], vec![begun.bytes, named.bytes]);
    phone.sync(vec![push]).await;
    let page = async || {
        let cookie = format!("sokiem_session={}", town.admin);
        let request = town
            .http
            .get(town.url(&format!("/records/{id}")))
            .header("cookie", cookie);
        request.send().await.unwrap().text().await.unwrap()
    };
    assert!(page().await.contains("ảnh chưa gửi tới"));
    let hash = Tus::new(&town, &phone).await.bring(id, &image).await;
    let shown = page().await;
    assert!(
        !shown.contains("ảnh chưa gửi tới")
            && shown.contains(&format!("/api/v1/attachments/{hash}"))
    );
}

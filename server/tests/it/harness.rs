//! A server in a folder of its own, people, areas, and phones that speak the protocol by hand.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicI64, Ordering},
};

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use sokiem_record::{
    document::Document,
    edit::{Author, Edit},
    genesis,
    id::{ActorId, AreaId, DocumentId, EpochId, Kind},
    proof::{self, Covered, Stamp},
    signing::SigningKey,
    wire::{
        self, ChangeOutcome, Cursor, DocumentPush, Entry, ExchangeRequest, ExchangeResponse, News,
        PROTOCOL_VERSION,
    },
};
use sokiem_server::{
    Config, Role, Running,
    platform::{Platform, SystemPlatform},
    serve, serve_on,
};
use uuid::Uuid;

pub(crate) const PASSWORD: &str = "mật khẩu đủ dài";

/// A server with one district and two communes.
pub(crate) struct Town {
    pub(crate) server: Running,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) http: Client,
    pub(crate) admin: String,
    pub(crate) district: AreaId,
    pub(crate) communes: [AreaId; 2],
}

/// An answer: status and JSON (null where the body is none).
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) json: Value,
}

impl Answer {
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.json);
        self.json
    }

    /// The problem's slug, once the whole document has the right form.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.json);
        assert_eq!(self.json["status"], status);
        for member in ["title", "detail", "detail_vi"] {
            assert!(self.json[member].is_string(), "{member} of {}", self.json);
        }
        self.json["type"]
            .as_str()
            .unwrap()
            .strip_prefix("/problems/")
            .unwrap()
            .to_owned()
    }
}

pub(crate) async fn answer(response: reqwest::Response) -> Answer {
    let status = response.status();
    let text = response.text().await.unwrap();
    let json = serde_json::from_str(&text).unwrap_or(Value::Null);
    Answer { status, json }
}

pub(crate) fn config(folder: &tempfile::TempDir) -> Config {
    let mut config = Config {
        listen: ([127, 0, 0, 1], 0).into(),
        data_dir: folder.path().to_owned(),
        secure_cookies: false,
        ..Config::default()
    };
    // Tests sign in a lot; the strength of the hash is not what they look at.
    config.limits.password_memory_kib = 64;
    config.limits.attempts = 10_000;
    config
}

impl Town {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::on(SystemPlatform, change).await
    }

    /// On a platform of the test's own: another clock.
    pub(crate) async fn on(
        platform: impl Platform + 'static,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        // A second call in the same process finds the provider installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(&folder);
        change(&mut config);
        let server = serve_on(config, platform).await.unwrap();
        server
            .create_account("admin", "Quản trị", Role::Administrator, PASSWORD)
            .await
            .unwrap();
        let nobody = AreaId(Uuid::nil());
        let http = Client::new();
        let mut town = Self {
            server,
            folder,
            http,
            admin: String::new(),
            district: nobody,
            communes: [nobody; 2],
        };
        town.admin = town.sign_in("admin").await;
        town.district = town.area("Thạnh Phú", "district", None).await;
        town.communes = [
            town.area("An Điền", "commune", Some(town.district)).await,
            town.area("Thạnh Hải", "commune", Some(town.district)).await,
        ];
        town
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.url())
    }

    pub(crate) async fn call(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Value,
    ) -> Answer {
        let mut request = self.http.request(method, self.url(path)).bearer_auth(token);
        if !body.is_null() {
            request = request.json(&body);
        }
        answer(request.send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Answer {
        self.call(token, Method::GET, path, Value::Null).await
    }

    pub(crate) async fn post(&self, token: &str, path: &str, body: Value) -> Answer {
        self.call(token, Method::POST, path, body).await
    }

    pub(crate) async fn sign_in(&self, login: &str) -> String {
        let body = json!({"login": login, "password": PASSWORD});
        let session = self.post("", "/api/v1/session", body).await.expect(201);
        session["token"].as_str().unwrap().to_owned()
    }

    /// The bytes of an answer that has to be one.
    pub(crate) async fn bytes(&self, token: &str, path: &str) -> Vec<u8> {
        let response = self
            .http
            .get(self.url(path))
            .bearer_auth(token)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.bytes().await.unwrap().to_vec()
    }

    async fn area(&self, name: &str, level: &str, parent: Option<AreaId>) -> AreaId {
        let body = json!({"name": name, "level": level, "parent": parent});
        let area = self
            .post(&self.admin, "/api/v1/areas", body)
            .await
            .expect(201);
        area["id"].as_str().unwrap().parse().unwrap()
    }

    /// Makes an account; its id.
    pub(crate) async fn account(&self, login: &str, role: &str, areas: &[AreaId]) -> String {
        let body = json!({"login": login, "name": login.to_uppercase(), "title": "Cán bộ",
            "role": role, "password": PASSWORD, "areas": areas});
        let account = self
            .post(&self.admin, "/api/v1/accounts", body)
            .await
            .expect(201);
        account["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn code(&self, account: &str) -> String {
        let code = self
            .post(
                &self.admin,
                "/api/v1/enrolment-codes",
                json!({"account": account}),
            )
            .await;
        code.expect(201)["code"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn enrol(&self, code: &str, actor: ActorId) -> Answer {
        self.enrol_with(code, actor, &fresh_key()).await
    }

    pub(crate) async fn enrol_with(&self, code: &str, actor: ActorId, key: &SigningKey) -> Answer {
        let public = key.public_key();
        let proof = key.sign(&proof::enrolment_message(code, actor, &public));
        let body = json!({"code": code, "device_name": "Máy thử", "actor": actor.to_string(), "app_version": "test",
            "key": public, "proof": proof});
        answer(
            self.http
                .post(self.url("/api/device/v1/enrol"))
                .json(&body)
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    /// An enrolled phone of a new officer with these areas.
    pub(crate) async fn phone(&self, login: &str, areas: &[AreaId]) -> Phone {
        let account = self.account(login, "officer", areas).await;
        self.phone_of(&account).await
    }

    pub(crate) async fn phone_of(&self, account: &str) -> Phone {
        let code = self.code(account).await;
        let actor = ActorId(fresh_uuid());
        let key = fresh_key();
        let enrolled = self.enrol_with(&code, actor, &key).await.expect(201);
        Phone {
            http: self.http.clone(),
            url: self.server.url(),
            key,
            ahead_s: AtomicI64::new(0),
            device: enrolled["device"].as_str().unwrap().to_owned(),
            actor,
            epoch: enrolled["epoch"].as_str().unwrap().parse().unwrap(),
            cursors: HashMap::new(),
            held: HashMap::new(),
        }
    }

    /// Stops the server and starts it again on the same database.
    pub(crate) async fn restarted(self) -> Self {
        self.restarted_with(|_| {}).await
    }

    pub(crate) async fn restarted_with(self, change: impl FnOnce(&mut Config)) -> Self {
        let Self {
            server,
            folder,
            http,
            admin,
            district,
            communes,
        } = self;
        server.stop().await.unwrap();
        let mut config = config(&folder);
        change(&mut config);
        let server = serve(config).await.unwrap();
        Self {
            server,
            folder,
            http,
            admin,
            district,
            communes,
        }
    }

    pub(crate) fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join(sokiem_server::FILE_NAME)).unwrap()
    }

    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let text = self
            .http
            .get(self.url("/metrics"))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let line = text
            .lines()
            .find(|line| line.split([' ', '{']).next() == Some(name));
        line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
    }
}

pub(crate) fn fresh_key() -> SigningKey {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).unwrap();
    SigningKey::from_seed(&seed)
}

pub(crate) fn fresh_uuid() -> Uuid {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).unwrap();
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// A device that holds documents in memory and does what the protocol says.
pub(crate) struct Phone {
    http: Client,
    url: String,
    pub(crate) key: SigningKey,
    /// How far the server's clock is ahead of this phone's, in seconds.
    pub(crate) ahead_s: AtomicI64,
    pub(crate) device: String,
    pub(crate) actor: ActorId,
    pub(crate) epoch: EpochId,
    pub(crate) cursors: HashMap<AreaId, Cursor>,
    pub(crate) held: HashMap<DocumentId, (AreaId, Document)>,
}

impl Phone {
    /// The server has another port after a restart.
    pub(crate) fn move_to(&mut self, town: &Town) {
        self.url = town.server.url();
    }

    /// Speaks to another address from here on, over a new connection each time: a server that has not read
    /// a bomb to its end closes the connection.
    pub(crate) fn turn_to(&mut self, url: &str) {
        self.http = Client::builder().pool_max_idle_per_host(0).build().unwrap();
        url.clone_into(&mut self.url);
    }

    pub(crate) fn author(&self) -> Author {
        Author {
            actor: self.actor,
            time_ms: 1_500_000_000_000,
            reason: None,
        }
    }

    /// A new unit on this phone.
    pub(crate) fn unit(&mut self, area: AreaId, name: &str) -> DocumentPush {
        let id = DocumentId(fresh_uuid());
        let fields = [("name", name.into()), ("unit_kind", "agency".into())];
        let (document, written) =
            genesis::document(id, Kind::Unit, &self.author(), &fields).unwrap();
        self.held.insert(id, (area, document));
        push(id, Kind::Unit, area, vec![written.bytes])
    }

    /// A new inspection of a unit on this phone.
    pub(crate) fn inspection(&mut self, area: AreaId, unit: DocumentId) -> DocumentPush {
        let id = DocumentId(fresh_uuid());
        let items = ["KIEMTRA-01".to_owned()];
        let (document, written) =
            genesis::unplanned_inspection(id, unit, ("KIEMTRA-CHUNG", 1), &items, &self.author())
                .unwrap();
        self.held.insert(id, (area, document));
        push(id, Kind::Inspection, area, vec![written.bytes])
    }

    /// Sets a field on this phone.
    pub(crate) fn set(&mut self, id: DocumentId, path: &str, value: Value) -> DocumentPush {
        let author = self.author();
        let (area, document) = self.held.get_mut(&id).unwrap();
        let edit = Edit::Set {
            path: path.parse().unwrap(),
            value,
        };
        let written = document.edit(&author, None, &[edit]).unwrap().unwrap();
        push(id, document.kind(), *area, vec![written.bytes])
    }

    /// Several edits as one change on this phone.
    pub(crate) fn edits(&mut self, id: DocumentId, edits: &[Edit]) -> DocumentPush {
        let author = self.author();
        let (area, document) = self.held.get_mut(&id).unwrap();
        let written = document.edit(&author, None, edits).unwrap().unwrap();
        push(id, document.kind(), *area, vec![written.bytes])
    }

    /// Writes a merging text on this phone.
    pub(crate) fn text(&mut self, id: DocumentId, path: &str, text: &str) -> DocumentPush {
        let author = self.author();
        let (area, document) = self.held.get_mut(&id).unwrap();
        let edit = Edit::Text {
            path: path.parse().unwrap(),
            text: text.to_owned(),
        };
        let written = document.edit(&author, None, &[edit]).unwrap().unwrap();
        push(id, document.kind(), *area, vec![written.bytes])
    }

    pub(crate) fn request(&self, push: Vec<DocumentPush>) -> ExchangeRequest {
        ExchangeRequest {
            v: PROTOCOL_VERSION,
            epoch: Some(self.epoch),
            cursors: self.cursors.values().copied().collect(),
            push,
            report: None,
        }
    }

    /// What this phone signs now.
    pub(crate) fn stamp(&self) -> Stamp {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Stamp {
            created_s: i64::try_from(now.unwrap().as_secs()).unwrap()
                + self.ahead_s.load(Ordering::SeqCst),
            nonce: *fresh_uuid().as_bytes(),
            device: self.device.parse().unwrap(),
        }
    }

    /// A request that is signed as it is: with the body that is sent.
    pub(crate) fn signed(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> reqwest::RequestBuilder {
        self.stamped(&self.stamp(), method, path, body)
    }

    pub(crate) fn stamped(
        &self,
        stamp: &Stamp,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> reqwest::RequestBuilder {
        let digest = body.as_deref().map(proof::content_digest);
        let covered = Covered {
            method: method.as_str(),
            path: path.split('?').next().unwrap(),
            query: path.split_once('?').map(|(_, query)| query),
            digest: digest.as_deref(),
        };
        let (input, signature) = proof::sign(&covered, stamp, &self.key);
        let mut request = self
            .http
            .request(method.clone(), format!("{}{path}", self.url))
            .header(proof::SIGNATURE_INPUT, input)
            .header(proof::SIGNATURE, signature);
        if let Some(digest) = &digest {
            request = request.header(proof::CONTENT_DIGEST, digest);
        }
        match body {
            Some(body) => request.body(body),
            None => request,
        }
    }

    /// A signed request with a JSON body, or with none.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Value) -> Answer {
        let body = (!body.is_null()).then(|| body.to_string().into_bytes());
        let request = self.signed(method, path, body);
        answer(
            request
                .header("content-type", "application/json")
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    /// A signed request with a CBOR body.
    pub(crate) async fn post(&self, path: &str, body: Vec<u8>) -> reqwest::Response {
        self.post_encoded(path, body, None).await
    }

    /// Posts a body that is compressed as `encoding` says.
    pub(crate) async fn post_encoded(
        &self,
        path: &str,
        body: Vec<u8>,
        encoding: Option<&str>,
    ) -> reqwest::Response {
        let mut request = self
            .signed(Method::POST, path, Some(body))
            .header("content-type", wire::MEDIA_TYPE);
        if let Some(encoding) = encoding {
            request = request.header("content-encoding", encoding);
        }
        request.send().await.unwrap()
    }

    pub(crate) async fn send(&self, request: &ExchangeRequest) -> ExchangeResponse {
        let response = self
            .post("/api/device/v1/exchange", wire::encode(request))
            .await;
        let status = response.status();
        let bytes = response.bytes().await.unwrap();
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&bytes));
        wire::decode(&bytes).unwrap()
    }

    /// Takes an answer in: cursors and documents.
    pub(crate) fn take(&mut self, response: &ExchangeResponse) {
        for pull in &response.pulled {
            self.cursors.insert(pull.cursor.area, pull.cursor);
            for entry in &pull.entries {
                self.take_entry(pull.cursor.area, entry);
            }
        }
    }

    fn take_entry(&mut self, area: AreaId, entry: &Entry) {
        match &entry.news {
            News::Changes(changes) => {
                let (held_in, document) = self
                    .held
                    .entry(entry.document)
                    .or_insert_with(|| (area, Document::new(entry.document, entry.kind)));
                *held_in = area;
                for change in changes {
                    let received = document.receive(&change.bytes).unwrap();
                    assert!(
                        matches!(
                            received,
                            sokiem_record::document::Received::Applied(_)
                                | sokiem_record::document::Received::Had(_)
                        ),
                        "{received:?}"
                    );
                }
            }
            News::Snapshot { bytes, received_ms } => {
                let loaded = Document::load(
                    entry.document,
                    entry.kind,
                    Some(bytes),
                    Vec::<Vec<u8>>::new(),
                )
                .unwrap();
                assert_eq!(loaded.change_count(), received_ms.len());
                self.held.insert(entry.document, (area, loaded));
            }
            News::Left(now) => {
                let held = self.held.get_mut(&entry.document);
                match (held.filter(|(held_in, _)| *held_in == area), now) {
                    (Some((held_in, _)), Some(now)) => *held_in = *now,
                    (Some(_), None) => {
                        self.held.remove(&entry.document);
                    }
                    (None, _) => {}
                }
            }
        }
    }

    /// Exchanges until nothing is left to pull, and proves that both sides hold the same. The number of exchanges.
    pub(crate) async fn sync(&mut self, push: Vec<DocumentPush>) -> usize {
        let mut request = self.request(push);
        for round in 1..=100 {
            let response = self.send(&request).await;
            for outcome in &response.pushed {
                for change in &outcome.changes {
                    assert!(
                        matches!(change, ChangeOutcome::Stored | ChangeOutcome::Had),
                        "{change:?}"
                    );
                }
            }
            self.take(&response);
            if response.pulled.iter().all(|pull| !pull.more) {
                for pull in &response.pulled {
                    assert_eq!(
                        pull.fingerprint,
                        Some(self.fingerprint(pull.cursor.area)),
                        "fingerprint"
                    );
                }
                return round;
            }
            request = self.request(Vec::new());
        }
        panic!("a pull that never ends");
    }

    pub(crate) fn fingerprint(&self, area: AreaId) -> sokiem_record::fingerprint::Fingerprint {
        use sokiem_record::fingerprint::Fingerprint;
        let documents = self
            .held
            .iter()
            .filter(|(_, (held_in, _))| *held_in == area);
        documents.fold(Fingerprint::default(), |sum, (id, (_, document))| {
            sum.plus(Fingerprint::of_document(*id, &document.heads()))
        })
    }
}

pub(crate) fn push(
    document: DocumentId,
    kind: Kind,
    area: AreaId,
    changes: Vec<Vec<u8>>,
) -> DocumentPush {
    DocumentPush {
        document,
        kind,
        area,
        changes: changes.into_iter().map(Into::into).collect(),
    }
}

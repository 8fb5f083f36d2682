//! Where the server stands: its machine and disk, its backups, and the people at its desk.

use axum::http::{Method, Request, header};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value as Json, json};
use sokiem_disk::{Disk, Fault, Image};
use sokiem_record::id::DocumentId;
use sokiem_server::{Config, Local, Role};
use tempfile::TempDir;
use uuid::Uuid;

use super::{
    chance::Chance,
    line::{self, Answer, Letter},
    machine::{Seeded, ServerMachine, Time},
};
use crate::{Result, desk};

const PASSWORD: &str = "mật khẩu dùng để thử";
/// Sessions and credentials outlive every simulation.
const LONG_S: u64 = 20 * 365 * 24 * 3600;

/// The server and everything around it.
pub struct Office {
    /// What the database lies on.
    pub disk: Disk,
    machine: ServerMachine,
    config: Config,
    server: Option<Local>,
    /// Looks at the database beside the server.
    eye: Option<Connection>,
    token: String,
    /// Raw copies of the disk.
    pub backups: Vec<Image>,
    /// The fault that the next request runs into, and after how many storage calls.
    pub armed: Option<(Fault, u64)>,
    /// The disk has hardly any room left.
    pub full: bool,
    /// The area above the communes.
    pub district: Uuid,
    /// The communes.
    pub communes: Vec<Uuid>,
    /// The campaign.
    pub campaign: DocumentId,
    /// Accounts of officers.
    pub accounts: Vec<Uuid>,
    _folder: TempDir,
}

impl Office {
    /// Starts a server on an empty disk, with a district, communes, a campaign and officers.
    ///
    /// # Errors
    /// When the server refuses any of it.
    pub fn open(chance: &mut Chance, time: &Time) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let disk = Disk::new(chance.draw());
        let machine = ServerMachine {
            time: time.clone(),
            random: Seeded::new(chance.fork()),
            vfs: disk.vfs().to_owned(),
        };
        let mut config = Config {
            data_dir: folder.path().to_owned(),
            public_url: Some("http://server".to_owned()),
            ..Config::default()
        };
        config.limits.password_memory_kib = 64;
        config.limits.attempts = u32::MAX;
        config.limits.readers = 1;
        // Which writes share a commit is to follow from the seed and not from how fast this machine is.
        config.limits.group_ms = u64::MAX;
        config.lifetimes.session_s = LONG_S;
        config.lifetimes.credential_s = LONG_S;
        let mut office = Self {
            disk,
            machine,
            config,
            server: None,
            eye: None,
            token: String::new(),
            backups: Vec::new(),
            armed: None,
            full: false,
            district: Uuid::nil(),
            communes: Vec::new(),
            campaign: DocumentId(Uuid::nil()),
            accounts: Vec::new(),
            _folder: folder,
        };
        office.start()?;
        office.furnish()?;
        Ok(office)
    }

    fn furnish(&mut self) -> Result<()> {
        let server = self.server.as_ref().ok_or("the server is down")?;
        server.create_account("admin", "Quản trị", Role::Administrator, PASSWORD)?;
        let session = self.must(
            Method::POST,
            "/api/v1/session",
            json!({"login": "admin", "password": PASSWORD}),
        )?;
        self.token = desk::text(&session, "token")?;
        let area = json!({"name": "Huyện thử", "level": "district"});
        let district = self.must(Method::POST, "/api/v1/areas", area)?;
        self.district = desk::id(&district, "id")?;
        for name in ["Xã Một", "Xã Hai", "Xã Ba"] {
            let area = json!({"name": name, "level": "commune", "parent": self.district});
            let commune = self.must(Method::POST, "/api/v1/areas", area)?;
            self.communes.push(desk::id(&commune, "id")?);
        }
        let set = json!({"area": self.district, "toml": include_str!("criteria.toml")});
        self.must(Method::POST, "/api/v1/criteria-sets", set)?;
        let set =
            json!({"criteria": "THU@1", "window_start": "2018-06-01", "window_end": "2019-05-31"});
        let campaign = json!({"area": self.district, "name": "Đợt thử", "year": 2019,
            "sets": {"agency": set, "enterprise": set, "school": set}});
        let campaign = self.must(Method::POST, "/api/v1/campaigns", campaign)?;
        self.campaign = DocumentId(desk::id(&campaign, "id")?);
        let (one, two) = (self.communes.first(), self.communes.get(1));
        let scopes = [
            one.copied().into_iter().collect(),
            one.copied().into_iter().chain(two.copied()).collect(),
            vec![self.district],
        ];
        for (number, areas) in scopes.into_iter().enumerate() {
            let account = json!({"login": format!("canbo{number}"), "name": format!("Cán bộ {number}"),
                "role": "officer", "areas": areas});
            let account = self.must(Method::POST, "/api/v1/accounts", account)?;
            self.accounts.push(desk::id(&account, "id")?);
        }
        Ok(())
    }

    /// A call to the desk that has to succeed.
    fn must(&mut self, method: Method, path: &str, body: Json) -> Result<Json> {
        match self.desk(method, path, Some(&body)) {
            Some((200..=299, answer)) => Ok(answer),
            other => Err(format!("{path} was answered {other:?}").into()),
        }
    }

    /// Whether the server runs.
    pub fn is_up(&self) -> bool {
        self.server.is_some()
    }

    /// Starts the server, with the fault that is armed. False when the disk kept it from starting.
    ///
    /// # Errors
    /// When it can't start on a disk that works.
    pub fn start(&mut self) -> Result<bool> {
        if self.server.is_some() {
            return Ok(true);
        }
        if !self.disk.has_power() {
            self.disk.restart();
        }
        let met = self.arm();
        let opened = Local::open(self.config.clone(), self.machine.clone());
        let hit = self.disarm() > met;
        match opened {
            Ok(server) if self.disk.has_power() => {
                self.server = Some(server);
                Ok(true)
            }
            Ok(server) => {
                server.kill();
                Ok(false)
            }
            Err(_) if hit || self.full => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn arm(&mut self) -> u64 {
        if let Some((fault, after)) = self.armed.take() {
            self.disk.fail_at(self.disk.calls() + after, fault);
        }
        self.disk.faults_met()
    }

    fn disarm(&self) -> u64 {
        self.disk.forget_faults();
        self.disk.faults_met()
    }

    /// Kills the server's process; the power stays.
    pub fn kill(&mut self) {
        self.disk.kill();
        self.drop_server();
    }

    /// Cuts the server's power.
    pub fn cut_power(&mut self) {
        self.disk.crash();
        self.drop_server();
    }

    fn drop_server(&mut self) {
        self.eye = None;
        if let Some(server) = self.server.take() {
            server.kill();
        }
    }

    /// Stops the server in good order, and looks at its files.
    pub fn stop(&mut self) {
        self.eye = None;
        if let Some(server) = self.server.take() {
            server.stop();
        }
    }

    /// Puts an earlier state of the disk back, as after a restore from a backup: with a new epoch.
    ///
    /// # Errors
    /// When the server does not open there.
    pub fn restore(&mut self, backup: &Image) -> Result<()> {
        self.kill();
        self.disk.put_image(backup);
        let epoch = Local::open(self.config.clone(), self.machine.clone())?;
        epoch.start_epoch()?;
        self.start()?;
        Ok(())
    }

    /// Hands letters to the server at the same moment. `None`: it went down before it answered.
    ///
    /// # Errors
    /// When a letter is no request.
    pub fn deliver(&mut self, letters: &[Letter]) -> Result<Vec<Option<Answer>>> {
        let requests = letters
            .iter()
            .map(Letter::request)
            .collect::<Result<Vec<_>>>()?;
        let answers = self.call(requests);
        Ok(answers
            .into_iter()
            .map(|answer| answer.map(|answer| line::read(&answer)))
            .collect())
    }

    fn call(
        &mut self,
        requests: Vec<Request<Vec<u8>>>,
    ) -> Vec<Option<axum::http::Response<axum::body::Bytes>>> {
        let met = self.arm();
        let Some(server) = &self.server else {
            return requests.iter().map(|_| None).collect();
        };
        let answers = server.call_together(requests);
        server.settle();
        self.disarm();
        let went_down = !self.disk.has_power();
        if went_down {
            self.drop_server();
        }
        let _ = met;
        answers
            .into_iter()
            // What the server said before its power went was said: it has to hold.
            .map(|answer| Some(answer).filter(|answer| !went_down || answer.status().is_success()))
            .collect()
    }

    /// A supervisor's or administrator's request. `None`: no answer.
    pub fn desk(&mut self, method: Method, path: &str, body: Option<&Json>) -> Option<(u16, Json)> {
        let mut request = Request::builder().method(method).uri(path);
        if !self.token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        }
        let body = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                body.to_string().into_bytes()
            }
            None => Vec::new(),
        };
        let answer = self.call(vec![request.body(body).ok()?]).pop()??;
        let json = serde_json::from_slice(answer.body()).unwrap_or(Json::Null);
        Some((answer.status().as_u16(), json))
    }

    /// A one-time code for an account.
    pub fn enrolment_code(&mut self, account: Uuid) -> Option<String> {
        let body = json!({ "account": account });
        let (_, answer) = self.desk(Method::POST, "/api/v1/enrolment-codes", Some(&body))?;
        desk::text(&answer, "code").ok()
    }

    /// The database, to be looked at beside the server.
    ///
    /// # Errors
    /// When it can't be opened.
    pub fn look(&mut self) -> Result<&Connection> {
        if self.eye.is_none() {
            let path = self.config.data_dir.join(sokiem_server::FILE_NAME);
            let vfs = self.disk.vfs();
            self.eye = Some(Connection::open_with_flags_and_vfs(
                path,
                OpenFlags::default(),
                vfs,
            )?);
        }
        self.eye.as_ref().ok_or_else(|| "no connection".into())
    }
}

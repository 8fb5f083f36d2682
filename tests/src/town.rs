//! A small place for tests and benchmarks: one server, one commune, some officers.

use serde_bytes::ByteBuf;
use serde_json::{Value as Json, json};
use sokiem_client_core::Book;
use sokiem_client_core::sync::Transport;
use sokiem_record::{
    edit::Author,
    genesis,
    id::{ActorId, AreaId, DocumentId, Kind},
    limits,
    wire::{self, ChangeOutcome, DocumentPush, ExchangeRequest, ExchangeResponse},
};
use sokiem_server::{Config, Role, Running, serve_on};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{Result, desk::Desk, device::Device};

/// The administrator's password.
pub const PASSWORD: &str = "mật khẩu dùng để thử";

/// One server in a folder that goes with it.
pub struct Small {
    /// The server.
    pub server: Running,
    /// Where everything lies.
    pub folder: TempDir,
    /// An administrator.
    pub desk: Desk,
    /// The area above the commune; holds criteria and campaigns.
    pub district: Uuid,
    /// The commune.
    pub commune: Uuid,
}

impl Small {
    /// Starts one.
    ///
    /// # Errors
    /// When the server can't start.
    pub async fn start() -> Result<Self> {
        Self::start_with(|_| {}).await
    }

    /// As [`Small::start`], configured in another way.
    ///
    /// # Errors
    /// When the server can't start.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Result<Self> {
        Self::begin(change, sokiem_server::platform::SystemPlatform).await
    }

    /// As [`Small::start`], with a clock and randomness of the caller's.
    ///
    /// # Errors
    /// When the server can't start.
    pub async fn start_on(
        platform: impl sokiem_server::platform::Platform + 'static,
    ) -> Result<Self> {
        Self::begin(|_| {}, platform).await
    }

    async fn begin(
        change: impl FnOnce(&mut Config),
        platform: impl sokiem_server::platform::Platform + 'static,
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut config = config(&folder);
        change(&mut config);
        let server = serve_on(config, platform).await?;
        server
            .create_account("admin", "Quản trị", Role::Administrator, PASSWORD)
            .await?;
        let desk = Desk::sign_in(&server.url(), "admin", PASSWORD).await?;
        let district = desk.create_area("Huyện thử", "district", None).await?;
        let commune = desk
            .create_area("Xã thử", "commune", Some(district))
            .await?;
        Ok(Self {
            server,
            folder,
            desk,
            district,
            commune,
        })
    }

    /// An officer of the commune with a device of their own.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn officer(&self, login: &str) -> Result<Device> {
        let name = format!("Cán bộ {login}");
        let account = self
            .desk
            .create_account(login, &name, "officer", None, &[self.commune])
            .await?;
        Device::enrol(
            self.folder.path(),
            login,
            &self.server.url(),
            &self.desk,
            account,
        )
        .await
    }

    /// A published campaign with the general sheet for every kind of unit.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn campaign(&self) -> Result<DocumentId> {
        self.desk
            .publish_criteria(self.district, "KIEMTRA-CHUNG@1")
            .await?;
        let set = json!({"criteria": "KIEMTRA-CHUNG@1", "window_start": "2018-11-30", "window_end": "2019-11-30"});
        let body = json!({"area": self.district, "name": "Đợt thử", "year": 2019,
            "sets": {"agency": set, "enterprise": set, "school": set}});
        let campaign = self.desk.post("/api/v1/campaigns", body).await?;
        Ok(DocumentId(crate::desk::id(&campaign, "id")?))
    }

    /// Pushes so many new units the way a foreign client would: plain messages, nothing of the core.
    ///
    /// # Errors
    /// When any of them is not stored.
    pub async fn fill(&self, device: &Device, units: usize) -> Result<()> {
        let actor = device.book.actor()?;
        let units = (0..units)
            .map(|n| self.unit(actor, n))
            .collect::<Result<_>>()?;
        self.push(device, units).await
    }

    /// Pushes documents in as many requests as it takes, the last ones first.
    ///
    /// # Errors
    /// When any change of them is not stored.
    pub async fn push(&self, device: &Device, mut left: Vec<DocumentPush>) -> Result<()> {
        while !left.is_empty() {
            let batch = left.split_off(left.len().saturating_sub(limits::MAX_PUSH_DOCUMENTS));
            let expected: usize = batch.iter().map(|push| push.changes.len()).sum();
            let request = ExchangeRequest {
                v: wire::PROTOCOL_VERSION,
                epoch: Some(self.server.epoch()),
                cursors: Vec::new(),
                push: batch,
                report: None,
            };
            let answer = device.transport.exchange(wire::encode(&request)).await?;
            let response: ExchangeResponse = wire::decode(&answer)?;
            let outcomes = response.pushed.iter().flat_map(|outcome| &outcome.changes);
            let mut outcomes = outcomes.peekable();
            let stored =
                std::iter::from_fn(|| outcomes.next_if(|one| **one == ChangeOutcome::Stored));
            if stored.count() != expected {
                return Err(format!("not everything was stored: {:?}", outcomes.next()).into());
            }
        }
        Ok(())
    }

    fn unit(&self, actor: ActorId, n: usize) -> Result<DocumentPush> {
        let id = DocumentId(Uuid::from_u128(
            0x0190_0000_0000_7000_8000_0000_0000_0000 + n as u128,
        ));
        let author = Author {
            actor,
            time_ms: 1_560_000_000_000,
            reason: None,
        };
        let (_, written) = genesis::document(id, Kind::Unit, &author, &unit_fields(n))?;
        Ok(DocumentPush {
            document: id,
            kind: Kind::Unit,
            area: AreaId(self.commune),
            changes: vec![ByteBuf::from(written.bytes)],
        })
    }
}

/// The configuration of a small server.
pub fn config(folder: &TempDir) -> Config {
    let mut config = Config {
        listen: ([127, 0, 0, 1], 0).into(),
        data_dir: folder.path().join("server"),
        secure_cookies: false,
        ..Config::default()
    };
    config.limits.password_memory_kib = 64;
    config.limits.attempts = 10_000;
    config
}

/// The fields of a made-up unit.
pub fn unit_fields(n: usize) -> Vec<(&'static str, Json)> {
    vec![
        (
            "name",
            json!(format!("Trường Tiểu học Ấp Giồng Luông số {n}")),
        ),
        ("unit_kind", json!("school")),
        ("school_level", json!("primary")),
        ("address", json!(format!("Ấp {}, Xã thử", n % 40))),
        ("head_name", json!(format!("Nguyễn Thị Số {n}"))),
        ("staff", json!(20 + n % 30)),
        ("learners", json!(200 + n % 400)),
        ("in_inspection_scope", json!(true)),
        ("guards_part_time", json!(1)),
        ("plan_exists", json!(n.is_multiple_of(2))),
        ("synthetic", json!(true)),
    ]
}

/// Records a unit in a book.
///
/// # Errors
/// When the book refuses.
pub fn new_unit(book: &Book, commune: Uuid, n: usize) -> Result<DocumentId> {
    let fields = unit_fields(n)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    Ok(book.create_unit(AreaId(commune), &fields)?.document)
}

//! A commune with a server that serves the app, behind a line that can be cut; phones with profiles of their own.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use sokiem_record::id::DocumentId;
use sokiem_tests::{
    Result,
    desk::{self, Desk},
    device::Device,
    line::Line,
    town::Small,
};
use tempfile::TempDir;
use uuid::Uuid;

use super::{Browser, Page};

/// What `scripts/field-app build` made; `make test` builds it before it runs the tests.
pub(super) fn built() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/field-app");
    assert!(
        folder.join("index.html").exists(),
        "the app is not built: run scripts/field-app build"
    );
    folder
}

/// The server, the line to it and what officers are to do.
pub(super) struct Place {
    pub(super) town: Small,
    pub(super) line: Line,
    /// Another officer, on a terminal.
    pub(super) colleague: Device,
    phones: TempDir,
}

impl Place {
    pub(super) async fn start() -> Result<Self> {
        Self::serving(built()).await
    }

    /// The same with another folder as the app.
    pub(super) async fn serving(app: PathBuf) -> Result<Self> {
        let town = Small::start_with(|config| config.field_app.dir = Some(app)).await?;
        let address = town.server.url().trim_start_matches("http://").parse()?;
        let line = Line::to(address).await?;
        let colleague = town.officer("ban").await?;
        colleague.sync().await?;
        Ok(Self {
            town,
            line,
            colleague,
            phones: tempfile::tempdir()?,
        })
    }

    /// An officer's account and a code for their phone.
    pub(super) async fn officer(&self, login: &str) -> Result<(Uuid, String)> {
        let name = format!("Cán bộ {login}");
        let account = self
            .town
            .desk
            .create_account(login, &name, "officer", None, &[self.town.commune])
            .await?;
        let code = self.code(account).await?;
        Ok((account, code))
    }

    /// A code for one more device of an account.
    pub(super) async fn code(&self, account: Uuid) -> Result<String> {
        self.town.desk.enrolment_code(account).await
    }

    /// A unit, recorded by the colleague.
    pub(super) async fn unit(&self, name: &str, kind: &str) -> Result<DocumentId> {
        let fields = json!({"name": name, "unit_kind": kind, "in_inspection_scope": true, "synthetic": true});
        let fields = fields.as_object().cloned().unwrap_or_default();
        let area = sokiem_record::id::AreaId(self.town.commune);
        let unit = self.colleague.book.create_unit(area, &fields)?;
        self.colleague.sync().await?;
        Ok(unit.document)
    }

    /// A campaign in which these units are to be inspected by this officer.
    pub(super) async fn assign(&self, units: &[DocumentId], officer: Uuid) -> Result<DocumentId> {
        let campaign = self.town.campaign().await?;
        for unit in units {
            let body = json!({"unit": unit, "campaign": campaign, "due": "2030-12-31", "officers": [officer]});
            self.town.desk.post("/api/v1/assignments", body).await?;
        }
        Ok(campaign)
    }

    /// Asks for the devices of this account to be erased.
    pub(super) async fn wipe(&self, account: Uuid) -> Result<()> {
        wipe(&self.town.desk, account).await
    }

    /// A record as the desk reads it.
    pub(super) async fn record(&self, document: DocumentId) -> Result<Json> {
        let path = format!("/api/v1/records/{document}");
        self.town.desk.get(&path).await
    }

    /// Where a phone keeps what its browser keeps.
    pub(super) fn phone(&self, name: &str) -> PathBuf {
        self.phones.path().join(name)
    }

    /// A tab of a phone's browser, over the line.
    pub(super) fn tab(&self, browser: &Browser, phone: &Path) -> Page {
        browser.page_of(phone, &self.line.url(), (360, 740))
    }
}

/// Asks for the devices of an account to be erased.
pub(super) async fn wipe(desk: &Desk, account: Uuid) -> Result<()> {
    let devices = desk.get("/api/v1/devices").await?;
    let all = devices["devices"].as_array().or(devices.as_array());
    let is_theirs =
        |one: &&Json| one["account"] == json!(account) || one["account"]["id"] == json!(account);
    for device in all.into_iter().flatten().filter(is_theirs) {
        let id = desk::id(device, "id")?;
        desk.post(&format!("/api/v1/devices/{id}/wipe"), json!({}))
            .await?;
    }
    Ok(())
}

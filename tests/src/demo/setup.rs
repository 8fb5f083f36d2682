//! What administrators do once: areas, accounts, criteria, enrolment.

use std::path::Path;

use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::district::{COMMUNES, OFFICERS};
use crate::{Result, desk::Desk, device::Device};

/// The administrator's password. Printed: this server holds nothing but made-up records.
pub const PASSWORD: &str = "so-kiem-trinh-dien";

/// Everything that the story needs to go on.
#[derive(Debug)]
pub struct Town {
    /// The server's address.
    pub base: String,
    /// The administrator.
    pub administrator: Desk,
    /// The supervisor.
    pub supervisor: Desk,
    /// The district above the communes.
    pub district: Uuid,
    /// The communes, in the order of [`COMMUNES`].
    pub communes: Vec<Uuid>,
    /// The officers' accounts, in the order of [`OFFICERS`].
    pub accounts: Vec<Uuid>,
    /// The officers' devices, likewise.
    pub devices: Vec<Device>,
}

/// Areas, accounts, criteria sets and enrolled devices.
///
/// # Errors
/// When the server refuses anything.
pub async fn town(base: &str, administrator: Desk, folder: &Path) -> Result<Town> {
    let district = administrator
        .create_area("Huyện Thạnh Phú (mô phỏng)", "district", None)
        .await?;
    let mut communes = Vec::new();
    for (name, _) in COMMUNES {
        communes.push(
            administrator
                .create_area(name, "commune", Some(district))
                .await?,
        );
    }
    administrator
        .create_account(
            "lanhdao",
            "Lãnh đạo mô phỏng",
            "supervisor",
            Some(PASSWORD),
            &[district],
        )
        .await?;
    let supervisor = Desk::sign_in(base, "lanhdao", PASSWORD).await?;
    for reference in ["KIEMTRA-CHUNG@1", "T23-NT@1"] {
        administrator.publish_criteria(district, reference).await?;
    }
    let mut accounts = Vec::new();
    for (officer, name) in OFFICERS.iter().enumerate() {
        let areas = areas_of(officer, &communes);
        let login = format!("canbo{}", officer + 1);
        accounts.push(
            administrator
                .create_account(&login, name, "officer", None, &areas)
                .await?,
        );
    }
    let mut devices = Vec::new();
    for (officer, account) in accounts.iter().enumerate() {
        let name = format!("may-{}", officer + 1);
        devices.push(Device::enrol(folder, &name, base, &supervisor, *account).await?);
    }
    Ok(Town {
        base: base.to_owned(),
        administrator,
        supervisor,
        district,
        communes,
        accounts,
        devices,
    })
}

/// An officer's communes. The last officer helps out in the first and in the last but one.
fn areas_of(officer: usize, communes: &[Uuid]) -> Vec<Uuid> {
    let helper = officer + 1 == OFFICERS.len();
    let theirs = COMMUNES.iter().zip(communes).enumerate();
    theirs
        .filter(|(index, ((_, covers), _))| {
            if helper {
                *index == 0 || *index == 16
            } else {
                *covers == officer
            }
        })
        .map(|(_, (_, id))| *id)
        .collect()
}

/// The body of a year's campaign: schools by the standard of the time and the school year, the others
/// by the general sheet and from November to November.
pub fn campaign(district: Uuid, year: i32) -> Json {
    let before = year - 1;
    let general = json!({"criteria": "KIEMTRA-CHUNG@1", "window_start": format!("{before}-11-30"), "window_end": format!("{year}-11-30")});
    json!({
        "area": district,
        "name": format!("Kiểm tra an toàn về an ninh, trật tự năm {year} (mô phỏng)"),
        "year": year,
        "issuing_body": "Ban Chỉ đạo huyện (mô phỏng)",
        "legal_basis": "Kế hoạch 118 (mô phỏng)",
        "synthetic": true,
        "sets": {
            "agency": general,
            "enterprise": general,
            "school": {"criteria": "T23-NT@1", "window_start": format!("{before}-06-01"), "window_end": format!("{year}-05-31")},
        },
    })
}

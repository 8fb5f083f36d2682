//! Areas change under the officers' feet: units move, people get areas and lose them, communes become one and
//! fall apart.

use axum::http::Method;
use serde_json::json;
use uuid::Uuid;

use super::world::World;
use crate::Result;

/// No more communes than this by splitting.
const MOST_COMMUNES: usize = 5;

impl World {
    /// The communes that have not become part of another one, as the server knows them now.
    fn communes(&mut self) -> Result<Vec<Uuid>> {
        if !self.office.is_up() {
            return Ok(Vec::new());
        }
        let mut statement = self.office.look()?.prepare_cached(
            "SELECT id FROM areas WHERE level = 'commune' AND merged_into IS NULL ORDER BY id",
        )?;
        let rows = statement.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
        let ids = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(ids
            .iter()
            .map(|id| Uuid::from_slice(id).unwrap_or_default())
            .collect())
    }

    /// A unit goes to another commune.
    pub(super) fn move_unit(&mut self) -> Result<()> {
        let units = self.records("unit")?;
        let communes = self.communes()?;
        if let (Some((unit, from, _)), Some(to)) =
            (self.chance.pick(&units), self.chance.pick(&communes))
            && from != to
        {
            let body = json!({ "area": to });
            let moved = self.ask(
                Method::POST,
                &format!("/api/v1/records/{unit}/area"),
                Some(&body),
            )?;
            if matches!(moved, Some((204, _))) {
                self.report.fault("unit moved");
            }
        }
        Ok(())
    }

    /// An officer gets an area, or loses one.
    pub(super) fn grant(&mut self, method: Method, kind: &'static str) -> Result<()> {
        let mut areas = self.communes()?;
        areas.push(self.office.district);
        let accounts = self.office.accounts.clone();
        if let (Some(account), Some(area)) = (self.chance.pick(&accounts), self.chance.pick(&areas))
        {
            let path = format!("/api/v1/accounts/{account}/areas/{area}");
            if let Some((204, _)) = self.ask(method, &path, None)? {
                self.report.fault(kind);
            }
        }
        Ok(())
    }

    /// One commune becomes part of another.
    pub(super) fn merge_communes(&mut self) -> Result<()> {
        let communes = self.communes()?;
        let (Some(from), Some(into)) = (self.chance.pick(&communes), self.chance.pick(&communes))
        else {
            return Ok(());
        };
        if from == into || communes.len() < 3 {
            return Ok(());
        }
        let body = json!({ "into": into });
        let path = format!("/api/v1/areas/{from}/merge");
        if let Some((200, _)) = self.ask(Method::POST, &path, Some(&body))? {
            self.report.fault("communes merged");
        }
        Ok(())
    }

    /// Some units of a commune become a commune of their own.
    pub(super) fn split_commune(&mut self) -> Result<()> {
        let communes = self.communes()?;
        let Some(from) = self.chance.pick(&communes) else {
            return Ok(());
        };
        let units = self.records("unit")?;
        let there = units.into_iter().filter(|(_, area, _)| *area == from);
        let there: Vec<Uuid> = there.map(|(unit, ..)| unit).collect();
        if there.is_empty() || communes.len() >= MOST_COMMUNES {
            return Ok(());
        }
        let going: Vec<&Uuid> = there.iter().filter(|_| self.chance.one_in(2)).collect();
        let going = if going.is_empty() {
            there.iter().collect()
        } else {
            going
        };
        let body = json!({"units": going, "name": "Xã Mới"});
        let path = format!("/api/v1/areas/{from}/split");
        if let Some((200, _)) = self.ask(Method::POST, &path, Some(&body))? {
            self.report.fault("commune split");
        }
        Ok(())
    }
}

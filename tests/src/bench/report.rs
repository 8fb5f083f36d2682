//! What comes of a run: one JSON with every figure, one text with tables and charts.
//!
//! Each part (peers, storm, growth) leaves its own file in the folder of results, so that each can be run alone; the
//! report puts together what is there.

mod growth;
pub mod peers;
mod storm;
mod summary;
mod table;
mod targets;
mod text;

use std::{fs, path::Path};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    Result,
    bench::{
        growth::Growth, limit::Limit, machine::Machine, scenarios::Measured, storm::Storms,
        systems::System,
    },
};

/// A run beside the peers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Peers {
    /// Where.
    pub machine: Machine,
    /// The command that repeats it.
    pub command: String,
    /// The seed of the records.
    pub seed: u64,
    /// Everything that was measured.
    pub measured: Vec<Measured>,
    /// Systems that did not take part, and why.
    pub missing: Vec<(System, String)>,
    /// The limit, for each number of records.
    pub limits: Vec<Limit>,
    /// How long one exchange might take, in seconds.
    pub limit_s: u64,
}

/// Everything that is known.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    /// Beside the peers.
    pub peers: Option<Peers>,
    /// Growth.
    pub growth: Option<Growth>,
    /// Storms.
    pub storm: Option<Storms>,
}

impl Parts {
    /// What lies in a folder of results.
    ///
    /// # Errors
    /// When a part can't be read.
    pub fn read(folder: &Path) -> Result<Self> {
        Ok(Self {
            peers: part(folder, "peers")?,
            growth: part(folder, "growth")?,
            storm: part(folder, "storm")?,
        })
    }
}

/// A part of a run, where it was made.
fn part<T: DeserializeOwned>(folder: &Path, name: &str) -> Result<Option<T>> {
    match fs::read(folder.join(format!("{name}.json"))) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Keeps a part for the report.
///
/// # Errors
/// When the folder can't be written.
pub fn keep<T: Serialize>(folder: &Path, name: &str, part: &T) -> Result<()> {
    fs::create_dir_all(folder)?;
    Ok(fs::write(
        folder.join(format!("{name}.json")),
        serde_json::to_vec_pretty(part)?,
    )?)
}

/// Writes `summary.json`, the text and its charts into the folder of results; the text and charts into `docs` too.
///
/// # Errors
/// When a folder can't be written.
pub fn write(parts: &Parts, folder: &Path, docs: Option<&Path>) -> Result<()> {
    keep(folder, "summary", &summary::of(parts))?;
    for folder in [Some(folder), docs].into_iter().flatten() {
        let pictures = folder.join("benchmarks");
        fs::create_dir_all(&pictures)?;
        fs::write(folder.join("benchmarks.md"), text::of(parts))?;
        for (name, chart) in text::charts(parts) {
            fs::write(pictures.join(name), chart)?;
        }
    }
    Ok(())
}

//! The systems that are measured: what they are, where their programs lie, what their word is worth.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::Command,
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use crate::Result;

/// A system with a client and a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum System {
    /// Ours.
    Ours,
    /// PouchDB and express-pouchdb.
    Pouchdb,
    /// automerge-repo and its sync server.
    AutomergeRepo,
    /// samod as both.
    Samod,
}

impl System {
    /// Every one, ours first.
    pub const ALL: [Self; 4] = [Self::Ours, Self::Pouchdb, Self::AutomergeRepo, Self::Samod];

    /// What it is called, in arguments and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Pouchdb => "pouchdb",
            Self::AutomergeRepo => "automerge-repo",
            Self::Samod => "samod",
        }
    }

    /// What it is called in tables, with the version that is pinned.
    pub fn title(self) -> &'static str {
        match self {
            Self::Ours => concat!("Sổ Kiểm ", env!("CARGO_PKG_VERSION")),
            Self::Pouchdb => "PouchDB 9.0.0, express-pouchdb 4.2.0",
            Self::AutomergeRepo => "automerge-repo 2.5.6",
            Self::Samod => "samod 0.16.0",
        }
    }

    /// Whether one round takes minutes.
    pub fn is_slow(self) -> bool {
        matches!(self, Self::AutomergeRepo | Self::Samod)
    }

    /// What an answered push is worth: what survives a power cut right after it.
    pub fn durability(self) -> &'static str {
        match self {
            Self::Ours => {
                "Everything. The server answers after the commit of SQLite with `synchronous = FULL` (fsync); so does the device's own store, encrypted."
            }
            Self::Pouchdb => {
                "Nothing is promised. LevelDB has it in a file that was written and not synced, on both sides."
            }
            Self::AutomergeRepo => {
                "Nothing. The server has it in memory when it says so; it writes a file for each document up to 100 ms later and syncs none."
            }
            Self::Samod => {
                "Nothing. The server has it in memory when it says so; it writes a file for each change and syncs none."
            }
        }
    }

    /// When a fresh pull counts as done.
    pub fn end_of_pull(self) -> &'static str {
        match self {
            Self::Ours => {
                "Every record is on disk and checked, both sides' fingerprints agree, all are listed, and one is found by a word of its name."
            }
            Self::Pouchdb => {
                "Replication says that it is complete, all ids are listed, and one record is read. No search index is built."
            }
            Self::AutomergeRepo | Self::Samod => {
                "Client and server have named the same heads for every document, every name can be read, files are written. The ids of all documents are handed to the client, which it has no way to ask for; no search index is built."
            }
        }
    }

    /// Why it can't run here; `None` when it can.
    pub fn missing(self, programs: &Programs) -> Option<String> {
        let wanted = match self {
            Self::Ours => vec![
                programs.beside("server-under-test"),
                programs.beside("device-under-test"),
            ],
            Self::Pouchdb | Self::AutomergeRepo => {
                let folder = programs.foreign.join(self.name());
                vec![folder.join("client.mjs"), folder.join("installed.json")]
            }
            Self::Samod => vec![programs.samod()],
        };
        let absent = wanted.iter().find(|path| !path.exists());
        let node = matches!(self, Self::Pouchdb | Self::AutomergeRepo)
            && Command::new("node").arg("--version").output().is_err();
        absent
            .map(|path| format!("not installed: {} is not there", name(path)))
            .or_else(|| node.then(|| "Node.js is not installed".to_owned()))
    }
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for System {
    type Err = String;

    fn from_str(name: &str) -> std::result::Result<Self, String> {
        let known = Self::ALL.into_iter().find(|system| system.name() == name);
        known.ok_or_else(|| {
            format!(
                "{name} is none of: {}",
                Self::ALL.map(Self::name).join(", ")
            )
        })
    }
}

/// Where the programs lie.
#[derive(Clone, Debug)]
pub struct Programs {
    beside: PathBuf,
    foreign: PathBuf,
}

impl Programs {
    /// Ours beside the running program, the foreign ones where `scripts/setup bench` puts them.
    ///
    /// # Errors
    /// When the system does not say where this program lies.
    pub fn find() -> Result<Self> {
        let own = std::env::current_exe()?;
        Ok(Self {
            beside: own.parent().ok_or("no folder")?.to_owned(),
            foreign: Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/foreign"),
        })
    }

    /// A program of ours.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.beside.join(name)
    }

    fn samod(&self) -> PathBuf {
        self.foreign.join("samod/release/sokiem-bench-samod")
    }

    /// A foreign server with its data in a folder. It prints its address.
    pub fn server(&self, system: System, folder: &Path) -> Command {
        match system {
            System::Samod => with(
                Command::new(self.samod()),
                ["server".as_ref(), folder.as_os_str()],
            ),
            _ => {
                let script = self.foreign.join(system.name()).join("server.mjs");
                with(
                    Command::new("node"),
                    [script.as_os_str(), folder.as_os_str()],
                )
            }
        }
    }

    /// A client, told what to do by lines of JSON.
    pub fn client(&self, system: System) -> Command {
        match system {
            System::Ours => Command::new(self.beside("device-under-test")),
            System::Samod => with(Command::new(self.samod()), ["client".as_ref()]),
            _ => {
                let script = self.foreign.join(system.name()).join("client.mjs");
                with(Command::new("node"), [script.as_os_str()])
            }
        }
    }
}

fn with<const N: usize>(mut command: Command, arguments: [&std::ffi::OsStr; N]) -> Command {
    command.args(arguments);
    command
}

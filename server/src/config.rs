//! Configuration: defaults, then a TOML file, then the environment, then flags. Later ones win.
//!
//! Environment variables are `SOKIEM_SERVER_` and the key in capitals, with `__` between a section and its
//! key: `SOKIEM_SERVER_LIMITS__EVENT_STREAMS=500`. An unknown key is an error, so that a typing mistake does
//! not silently leave a default in force.

mod limits;
mod network;
mod oidc;

use std::{net::SocketAddr, path::PathBuf};

use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use serde::{Deserialize, Serialize};

pub use limits::{Lifetimes, Limits};
pub use network::Network;
pub use oidc::{Claim, ClientSecret, Oidc};

use crate::{accounts::access::Role, error::Error};

/// Everything that can be configured.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address and port to listen on. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The address that devices and browsers use, put into enrolment QR codes. Without it: `http://` and the bound address.
    pub public_url: Option<String>,
    /// What the server calls itself to officers.
    pub server_name: String,
    /// Folder of the database. Made if it does not exist.
    pub data_dir: PathBuf,
    /// Certificate and key, for TLS in the server itself.
    pub tls: Option<Tls>,
    /// A proxy before this server does TLS. Without it and without `tls` the server listens on loopback only.
    pub behind_proxy: bool,
    /// Networks (`10.0.0.0/8`) or addresses of proxies whose word about a client's address is taken.
    pub trusted_proxies: Vec<Network>,
    /// Mark session cookies `Secure` and ask browsers for TLS. Leave off only where there is no TLS in front (a demonstration on one machine).
    pub secure_cookies: bool,
    /// What is logged and how.
    pub log: Log,
    /// Limits, all in one place.
    pub limits: Limits,
    /// How long things last.
    pub lifetimes: Lifetimes,
    /// Backups that the server makes by itself.
    pub backup: Backup,
    /// What is kept how long.
    pub retention: Retention,
    /// The second factor of people who sign in.
    pub second_factor: SecondFactor,
    /// An identity provider (OpenID Connect) at which people may sign in besides.
    pub oidc: Option<Oidc>,
    /// Telling other systems of events.
    pub webhooks: Webhooks,
    /// The officer's app, served at `/app/`.
    pub field_app: FieldApp,
}

/// The officer's app, served at `/app/`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FieldApp {
    /// The folder that `scripts/field-app build` made. Without it there is no app at this server. It is read once, at
    /// start.
    pub dir: Option<PathBuf>,
}

/// Telling other systems of events. Administrators say whom.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Webhooks {
    /// Networks that are not the open internet and may be told all the same: `["10.0.0.0/8", "127.0.0.1"]`.
    pub private_networks: Vec<Network>,
    /// Seconds that a receiver may take to answer.
    pub patience_s: u64,
    /// Seconds without any good answer after which a webhook is stopped.
    pub stop_after_s: u64,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            private_networks: Vec::new(),
            patience_s: 15,
            stop_after_s: 5 * 24 * 3600,
        }
    }
}

/// The second factor of people who sign in. Anybody may set one up.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecondFactor {
    /// Roles that have to have one: `["supervisor", "administrator"]`.
    pub required_for: Vec<Role>,
    /// The file of the key that seals secrets; without it `second-factor.key` in the data folder. Made if it does not exist.
    pub key_file: Option<PathBuf>,
}

/// What is kept how long. What has no period is kept for ever.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Seconds from one run of the rules to the next; 0 leaves it to an administrator.
    pub every_s: u64,
    /// Inspections with their reviews, and assignments: whole years after the year of their campaign, or of
    /// their own day where no campaign planned them.
    pub inspections_years: Option<u32>,
    /// Units: years after they closed, once nothing is left about them.
    pub closed_units_years: Option<u32>,
    /// Refused changes: days after they arrived.
    pub quarantine_days: Option<u32>,
    /// Names of revoked devices: days after the revocation. The device itself stays known by its id.
    pub revoked_devices_days: Option<u32>,
    /// Attachments that no document refers to: days after they arrived.
    pub loose_attachments_days: Option<u32>,
    /// The audit log: days. It is shortened from its beginning, and says so.
    pub audit_days: Option<u32>,
}

/// Backups that the server makes by itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Backup {
    /// Folder that they are made in, best on another disk. Without it there are none.
    pub dir: Option<PathBuf>,
    /// Seconds from one to the next.
    pub every_s: u64,
    /// How many are kept; older ones are removed.
    pub keep: usize,
    /// Whether each is checked once it is made: every byte is read, on a thread of its own.
    pub check: bool,
}

impl Default for Backup {
    fn default() -> Self {
        Self {
            dir: None,
            every_s: 24 * 3600,
            keep: 14,
            check: true,
        }
    }
}

/// Files of the server's own certificate, both in PEM. They are read again when they change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate, followed by those that vouch for it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Logging.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// `human` or `json` (one object a line).
    pub format: LogFormat,
    /// Filter in the syntax of tracing-subscriber: `info`, `sokiem_server=debug,warn`.
    pub filter: String,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For a person at a terminal.
    Human,
    /// For a log collector.
    Json,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::Human,
            filter: "info".to_owned(),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8707)),
            public_url: None,
            server_name: "Sổ Kiểm".to_owned(),
            data_dir: PathBuf::from("sokiem-data"),
            tls: None,
            behind_proxy: false,
            trusted_proxies: Vec::new(),
            secure_cookies: true,
            log: Log::default(),
            limits: Limits::default(),
            lifetimes: Lifetimes::default(),
            backup: Backup::default(),
            retention: Retention::default(),
            second_factor: SecondFactor::default(),
            oidc: None,
            webhooks: Webhooks::default(),
            field_app: FieldApp::default(),
        }
    }
}

impl Config {
    /// Reads the configuration. `overrides` are the flags that were given, as a serialisable map.
    ///
    /// # Errors
    /// [`Error::Config`] with the key and the source that is wrong.
    pub fn read(file: Option<&PathBuf>, overrides: impl Serialize) -> Result<Self, Error> {
        let mut figment = Figment::from(Serialized::defaults(Config::default()));
        if let Some(file) = file {
            figment = figment.merge(Toml::file_exact(file));
        }
        let config: Config = figment
            .merge(
                Env::prefixed("SOKIEM_SERVER_")
                    .ignore(&["CONFIG"])
                    .split("__"),
            )
            .merge(Serialized::defaults(overrides))
            .extract()
            .map_err(Box::new)?;
        config.limits.check()?;
        config.expect_protected()?;
        if let Some(oidc) = &config.oidc {
            oidc.check()?;
        }
        if config.webhooks.patience_s == 0 {
            return Err(Error::BadConfig(
                "webhooks.patience_s must be at least 1".to_owned(),
            ));
        }
        Ok(config)
    }
}

impl Config {
    /// Refuses to send passwords and records over a network in the clear.
    pub(crate) fn expect_protected(&self) -> Result<(), Error> {
        if self.listen.ip().is_loopback() || self.tls.is_some() || self.behind_proxy {
            return Ok(());
        }
        Err(Error::BadConfig(format!(
            "{} can be reached from elsewhere: give [tls] certificate and key, or say behind_proxy = true when a proxy does TLS",
            self.listen
        )))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn flags_win_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("server.toml");
        std::fs::write(
            &file,
            "server_name = \"Huyện\"\n[limits]\nevent_streams = 7\n",
        )
        .unwrap();
        let config = Config::read(Some(&file), BTreeMap::<String, String>::new()).unwrap();
        assert_eq!(
            (config.server_name.as_str(), config.limits.event_streams),
            ("Huyện", 7)
        );
        let config = Config::read(Some(&file), BTreeMap::from([("server_name", "Tỉnh")])).unwrap();
        assert_eq!(config.server_name, "Tỉnh");
    }

    #[test]
    fn an_address_that_others_reach_needs_tls_or_a_proxy() {
        let open = |change: fn(&mut Config)| {
            let mut config = Config {
                listen: ([0, 0, 0, 0], 8707).into(),
                ..Config::default()
            };
            change(&mut config);
            config.expect_protected().is_ok()
        };
        assert!(!open(|_| {}));
        assert!(open(|config| config.behind_proxy = true));
        assert!(open(|config| config.listen = ([127, 0, 0, 1], 1).into()));
        assert!(open(|config| {
            config.tls = Some(Tls {
                certificate: "a".into(),
                key: "b".into(),
            });
        }));
    }

    #[test]
    fn an_unknown_key_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("server.toml");
        std::fs::write(&file, "[limits]\nevent_stream = 7\n").unwrap();
        let error = Config::read(Some(&file), BTreeMap::<String, String>::new()).unwrap_err();
        assert!(error.to_string().contains("event_stream"), "{error}");
    }
}

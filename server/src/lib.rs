//! The Sổ Kiểm server: where inspections from many devices become one record each.
//!
//! Axum over one SQLite file. Devices exchange changes with it ([`sokiem_record::wire`] says how);
//! supervisors read, settle and decide over a JSON API; reports are computed from the merged records.
//!
//! # Invariants
//!
//! 1. An acknowledgement means that the change is on disk: it is sent after the commit.
//! 2. Nothing enters an area's log that does not apply to its document.
//! 3. The log of an area has no gaps, and its fingerprint is that of its documents.
//! 4. SQL never runs on the threads that serve requests; one thread writes.
//! 5. The server depends on `sokiem-record` and never on the client.
//!
//! # Starting one in a test
//!
//! ```no_run
//! # async fn start() -> Result<(), sokiem_server::Error> {
//! use sokiem_server::{Config, Role, serve};
//!
//! let config = Config {
//!     listen: ([127, 0, 0, 1], 0).into(),
//!     data_dir: "some-folder".into(),
//!     ..Config::default()
//! };
//! let server = serve(config).await?;
//! server.create_account("admin", "Quản trị", Role::Administrator, "a long password").await?;
//! println!("{}", server.url());
//! server.stop().await
//! # }
//! ```

mod accounts;
mod app;
mod areas;
mod attachments;
mod audit;
pub mod backup;
pub mod config;
mod devices;
mod error;
mod export;
mod field_app;
mod http;
mod local;
mod occupied;
mod pages;
pub mod platform;
mod projection;
mod records;
mod recovery;
mod report;
mod retention;
mod running;
mod secret;
mod signing;
mod store;
mod sync;
pub mod telemetry;
mod upkeep;
mod webhooks;

pub use accounts::access::Role;
pub use audit::chain::{Anchor, Checked};
pub use config::Config;
pub use error::Error;
pub use field_app::check as check_field_app;
pub use local::Local;
pub use running::{
    Running, create_account_offline, remove_second_factor_offline, serve, serve_on,
    start_epoch_offline, verify_audit_offline,
};
pub use store::FILE_NAME;

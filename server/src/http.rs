//! The HTTP side: routes, bodies, problem documents.

pub(crate) mod access_log;
pub(crate) mod body;
pub(crate) mod client;
pub(super) mod description;
pub(crate) mod headers;
pub(crate) mod health;
pub(crate) mod listening;
pub(crate) mod percent;
pub(crate) mod problem;
pub(crate) mod query;
pub(crate) mod router;
pub(crate) mod tls;

//! The HTTP side: routes, bodies, problem documents.

pub(crate) mod access_log;
pub(crate) mod body;
pub(crate) mod health;
pub(crate) mod problem;
pub(crate) mod router;

//! Records as supervisors see them: lists, one record, its conflicts and history, decisions, and what
//! the server writes on their behalf.

pub(crate) mod assignment;
pub(crate) mod at;
pub(crate) mod attribution;
pub(crate) mod campaign;
pub(crate) mod change;
pub(crate) mod comment;
pub(crate) mod criteria;
pub(crate) mod decision;
pub(crate) mod export;
pub(crate) mod heads;
pub(crate) mod import;
pub(crate) mod inbox;
pub(crate) mod joining;
pub(crate) mod list;
pub(crate) mod minutes;
pub(crate) mod names;
pub(crate) mod progress;
pub(crate) mod quarantine;
pub(crate) mod reading;
pub(crate) mod record;
mod said;
pub(crate) mod units;
pub(crate) mod verify;
pub(crate) mod year;

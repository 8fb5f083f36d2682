//! Pages for supervisors: rendered on the server from the templates in `server/templates`, no build step, and
//! no script that a page could not do without. Vietnamese first, English beside. They show what the JSON
//! API answers and add nothing of their own; templates escape whatever people wrote.

pub(crate) mod admin;
mod again;
pub(crate) mod assets;
mod choices;
mod confirm;
mod escaping;
pub(crate) mod failed;
mod frame;
pub(crate) mod inbox;
pub(crate) mod landing;
pub(crate) mod list;
pub(crate) mod minutes;
pub(crate) mod news;
pub(crate) mod no_field_app;
pub(crate) mod own;
pub(crate) mod planning;
pub(crate) mod provider;
pub(crate) mod quarantine;
pub(crate) mod record;
pub(crate) mod report;
pub(crate) mod second_factor;
mod shown;
pub(crate) mod sign_in;
pub(crate) mod unit_import;
mod upload;

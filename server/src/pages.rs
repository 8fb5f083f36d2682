//! Pages for supervisors: rendered on the server, no script, no build step. Vietnamese first, English
//! beside. They show what the JSON API answers and add nothing of their own.

pub(crate) mod landing;
mod layout;
pub(crate) mod list;
pub(crate) mod record;
pub(crate) mod report;
pub(crate) mod sign_in;

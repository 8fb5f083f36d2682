//! The officer's app at `/app/`: files that `scripts/field-app build` made, served as they are.
//!
//! All of them are read once, at start, and answered from memory. They are a few megabytes, and so: no request
//! ever reaches the file system, hence no path, link or dot file can lead out of the folder; each answer's `ETag` is
//! the digest of exactly its bytes; and a folder that is being replaced never shows half of each version. A
//! new version is taken into use by a restart.

mod encoding;
mod folder;
pub(crate) mod serve;

use std::{collections::HashMap, path::Path};

use axum::body::Bytes;

use crate::error::Error;

/// The file that `/app/` shows.
const INDEX: &str = "index.html";

/// The files of the app, by their path below the folder.
#[derive(Debug)]
pub(crate) struct FieldApp {
    files: HashMap<String, File>,
}

/// A file with the forms that it can be sent in.
#[derive(Debug)]
struct File {
    media_type: &'static str,
    /// Its name holds the digest of its content: what is under that name never changes.
    is_immutable: bool,
    plain: Form,
    gzip: Option<Form>,
    brotli: Option<Form>,
}

/// The bytes of one form, and what they are called by.
#[derive(Debug)]
struct Form {
    bytes: Bytes,
    etag: String,
}

/// Whether a folder can be served as the app.
///
/// # Errors
/// [`Error::BadConfig`] with what is wrong with it.
pub fn check(folder: &Path) -> Result<(), Error> {
    FieldApp::read(folder).map(|_| ())
}

impl FieldApp {
    /// Reads the folder.
    ///
    /// # Errors
    /// [`Error::BadConfig`] when it can't be read, is larger than anything that was built for it, or holds no app.
    pub(crate) fn read(folder: &Path) -> Result<Self, Error> {
        folder::read(folder).map(|files| Self { files })
    }

    fn file(&self, path: &str) -> Option<&File> {
        self.files.get(path)
    }
}

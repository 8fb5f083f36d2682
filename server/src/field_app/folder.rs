//! Reading the folder of the app.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
};

use super::{File, Form, INDEX};
use crate::{error::Error, secret};

/// Most bytes of all files. The app has about two million with every form; this only catches a folder that is another.
const MOST_BYTES: u64 = 64 * 1024 * 1024;
/// Most files.
const MOST_FILES: usize = 1_000;
/// Hexadecimal digits of the digest in the names of files that never change.
const DIGEST_DIGITS: usize = 16;

const MEDIA_TYPES: &[(&str, &str)] = &[
    ("css", "text/css; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("ico", "image/x-icon"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain; charset=utf-8"),
    ("wasm", "application/wasm"),
    ("webmanifest", "application/manifest+json"),
    ("webp", "image/webp"),
    ("woff2", "font/woff2"),
];

/// The files of the folder, and of the folders in it, by their path.
pub(super) fn read(folder: &Path) -> Result<HashMap<String, File>, Error> {
    let mut found = HashMap::new();
    let mut left = MOST_BYTES;
    for (entry, name, is_folder) in entries(folder)? {
        if !is_folder {
            found.insert(name, bytes(&entry, &mut left)?);
            continue;
        }
        for (inner, inner_name, is_folder) in entries(&entry)? {
            if is_folder {
                return Err(wrong(&inner, "a folder in a folder has no address"));
            }
            found.insert(format!("{name}/{inner_name}"), bytes(&inner, &mut left)?);
        }
    }
    if found.len() > MOST_FILES {
        return Err(wrong(folder, format!("more than {MOST_FILES} files")));
    }
    if !found.contains_key(INDEX) {
        return Err(wrong(
            folder,
            format!("there is no {INDEX}; `scripts/field-app build` makes the folder"),
        ));
    }
    Ok(files(found))
}

/// What lies in a folder: path, name, whether it is a folder. Links and names with a dot before them are left out:
/// no build makes them, and what a link leads to was not meant to be served.
fn entries(folder: &Path) -> Result<Vec<(PathBuf, String, bool)>, Error> {
    let broken = |error: io::Error| wrong(folder, error.to_string());
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(broken)? {
        let entry = entry.map_err(broken)?;
        let kind = entry.file_type().map_err(broken)?;
        let name = entry.file_name().into_string();
        match name {
            Ok(name) if !name.starts_with('.') && (kind.is_file() || kind.is_dir()) => {
                entries.push((entry.path(), name, kind.is_dir()));
            }
            _ => tracing::warn!(path = %entry.path().display(), "left out of the field app"),
        }
    }
    Ok(entries)
}

fn bytes(file: &Path, left: &mut u64) -> Result<Vec<u8>, Error> {
    let broken = |error: io::Error| wrong(file, error.to_string());
    let length = fs::metadata(file).map_err(broken)?.len();
    *left = left
        .checked_sub(length)
        .ok_or_else(|| wrong(file, format!("more than {MOST_BYTES} bytes in all")))?;
    fs::read(file).map_err(broken)
}

fn wrong(path: &Path, what: impl std::fmt::Display) -> Error {
    Error::BadConfig(format!("field_app.dir: {}: {what}", path.display()))
}

/// Puts the compressed forms, `NAME.br` and `NAME.gz`, to the file that they are forms of.
fn files(mut found: HashMap<String, Vec<u8>>) -> HashMap<String, File> {
    let is_form = |name: &str, found: &HashMap<String, Vec<u8>>| {
        let of = name.strip_suffix(".br").or(name.strip_suffix(".gz"));
        of.is_some_and(|of| found.contains_key(of))
    };
    let names: Vec<String> = found.keys().cloned().collect();
    let names: Vec<String> = names
        .into_iter()
        .filter(|name| !is_form(name, &found))
        .collect();
    let mut files = HashMap::new();
    for name in names {
        let mut form = |suffix: &str| found.remove(&format!("{name}{suffix}")).map(Form::new);
        let (gzip, brotli) = (form(".gz"), form(".br"));
        if let Some(plain) = form("") {
            let file = File {
                media_type: media_type(&name),
                is_immutable: is_immutable(&name),
                plain,
                gzip,
                brotli,
            };
            files.insert(name, file);
        }
    }
    files
}

impl Form {
    fn new(bytes: Vec<u8>) -> Self {
        Self {
            etag: format!("\"{}\"", secret::hex(&secret::digest(&bytes))),
            bytes: bytes.into(),
        }
    }
}

/// What a file is, by its name. What is unknown is bytes to a browser, and nothing that acts.
fn media_type(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let known = MEDIA_TYPES.iter().find(|(known, _)| *known == ending);
    known.map_or("application/octet-stream", |(_, media_type)| media_type)
}

/// Whether a name is `….<digest>.wasm`, `.js` or `.css`.
fn is_immutable(name: &str) -> bool {
    let mut parts = name.rsplit('.');
    let ending = parts.next().unwrap_or_default();
    let digest = parts.next().unwrap_or_default();
    matches!(ending, "wasm" | "js" | "css")
        && digest.len() == DIGEST_DIGITS
        && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
        && parts.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_a_digest_never_change() {
        assert!(is_immutable("app.0123456789abcdef.wasm"));
        assert!(is_immutable("a.b.0123456789abcdef.css"));
        for name in [
            "index.html",
            "sw.js",
            "app.0123456789abcde.js",
            "app.0123456789abcdefg.js",
            "0123456789abcdef.js",
            "icon.0123456789abcdef.png",
            "app.0123456789abcdef.js.map",
        ] {
            assert!(!is_immutable(name), "{name}");
        }
    }

    #[test]
    fn a_folder_that_holds_no_app_is_an_error_that_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let told = |path: &Path| read(path).unwrap_err().to_string();
        assert!(told(folder.path()).contains("scripts/field-app build"));
        assert!(told(&folder.path().join("nowhere")).contains("field_app.dir"));
        fs::create_dir_all(folder.path().join("a/b")).unwrap();
        assert!(told(folder.path()).contains("folder in a folder"));
    }

    #[test]
    fn links_and_dot_files_are_left_out_and_forms_belong_to_their_file() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| fs::write(folder.path().join(name), name).unwrap();
        for name in ["index.html", "index.html.br", "alone.br", ".env"] {
            write(name);
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("passwd.txt")).unwrap();
        let files = read(folder.path()).unwrap();
        let mut names: Vec<&str> = files.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["alone.br", "index.html"]);
        let index = &files[INDEX];
        assert_eq!(&index.brotli.as_ref().unwrap().bytes[..], b"index.html.br");
        assert!(index.gzip.is_none() && index.plain.etag.len() == 66);
    }
}

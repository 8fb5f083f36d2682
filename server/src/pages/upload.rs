//! Forms that carry a file, `multipart/form-data`: the only ones that browsers send files with.

use std::collections::HashMap;

use axum::extract::{Multipart, multipart::MultipartError};

use crate::http::problem::{Cause, Problem};

/// Most bytes of a field that is no file.
const MOST_FIELD_BYTES: usize = 4_096;
/// What a form carried.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    fields: HashMap<String, String>,
    /// What the file is called where it came from.
    pub(crate) file_name: String,
    /// The file; nothing where none was chosen.
    pub(crate) file: Option<Vec<u8>>,
}

impl Sent {
    /// A field; empty where it is missing.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

/// Reads a form with these fields, each at most once, and a file field called `file`. A file that is too large is read to its end and thrown away, so that
/// whoever sent it gets to read the answer.
pub(crate) async fn read(
    mut form: Multipart,
    fields: &[&str],
    most_bytes: usize,
    too_large: fn() -> Problem,
) -> Result<Sent, Problem> {
    let mut sent = Sent::default();
    let mut is_too_large = false;
    let mut read: Vec<String> = Vec::new();
    while let Some(mut field) = form.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        let is_file = name == "file";
        let is_known = is_file || fields.contains(&name.as_str());
        if !is_known || read.contains(&name) {
            return Err(Problem::new(Cause::MalformedBody));
        }
        read.push(name.clone());
        if is_file {
            sent.file_name = field
                .file_name()
                .unwrap_or_default()
                .chars()
                .take(120)
                .collect();
        }
        let most = if is_file {
            most_bytes
        } else {
            MOST_FIELD_BYTES
        };
        let mut bytes: Vec<u8> = Vec::new();
        while let Some(chunk) = field.chunk().await.map_err(broken)? {
            if bytes.len() + chunk.len() <= most {
                bytes.extend_from_slice(&chunk);
            } else if is_file {
                is_too_large = true;
            } else {
                return Err(Problem::new(Cause::MalformedBody));
            }
        }
        if !is_file {
            let text = String::from_utf8(bytes).map_err(|_| Problem::new(Cause::MalformedBody))?;
            sent.fields.insert(name, text);
        } else if !bytes.is_empty() {
            sent.file = Some(bytes);
        }
    }
    if is_too_large {
        return Err(too_large());
    }
    Ok(sent)
}

fn broken(error: MultipartError) -> Problem {
    let cause = match error.status().as_u16() {
        413 => Cause::BodyTooLarge,
        _ => Cause::MalformedBody,
    };
    Problem::new(cause)
}

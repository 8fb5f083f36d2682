//! Names that follow from the content: a file under such a name never changes, and may be kept for ever.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

/// Files under names with a hash in them.
#[derive(Default)]
pub(crate) struct Names {
    /// From what a file is called in the sources to its name.
    called: BTreeMap<String, String>,
    files: BTreeMap<String, Vec<u8>>,
}

impl Names {
    /// Adds a file `stem.extension`; its name is `stem.<hash>.extension`.
    pub(crate) fn add(&mut self, called: &str, bytes: &[u8]) -> String {
        let (stem, extension) = called.rsplit_once('.').unwrap_or((called, "bin"));
        let name = format!("{stem}.{}.{extension}", version([bytes]));
        self.called.insert(called.to_owned(), name.clone());
        self.files.insert(name.clone(), bytes.to_vec());
        name
    }

    /// A text in which `%called%` is replaced by the name of that file.
    pub(crate) fn fill(&self, text: &str) -> String {
        let filled = |text: String, (called, name): (&String, &String)| {
            text.replace(&format!("%{called}%"), name)
        };
        self.called.iter().fold(text.to_owned(), filled)
    }

    /// Every name.
    pub(crate) fn all(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// Every name with the bytes.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &Vec<u8>)> {
        self.files
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes))
    }
}

/// The first half of SHA-256 over these, 16 hexadecimal digits.
pub(crate) fn version<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    let digest = hasher.finalize();
    digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_follows_from_the_content_and_is_filled_in() {
        let mut names = Names::default();
        let name = names.add("page.wasm", b"one");
        assert!(
            name.starts_with("page.") && name.ends_with(".wasm") && name.len() == 26,
            "{name}"
        );
        assert_eq!(names.fill("load('%page.wasm%')"), format!("load('{name}')"));
        assert_ne!(Names::default().add("page.wasm", b"other"), name);
    }
}

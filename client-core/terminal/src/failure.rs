//! What went wrong, said in both languages, with the exit code that scripts decide by.

use crate::arguments::Language;

/// A command that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit_code: u8,
    pub(crate) vi: String,
    pub(crate) en: String,
}

impl Failure {
    pub(crate) fn new(exit_code: u8, vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            exit_code,
            vi: vi.into(),
            en: en.into(),
        }
    }

    pub(crate) fn invalid(vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(5, vi, en)
    }

    pub(crate) fn no_such_field(path: &str) -> Self {
        Self::new(
            4,
            format!("không có trường {path}"),
            format!("there is no field {path}"),
        )
    }

    pub(crate) fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(
            4,
            format!("không tìm thấy {what}"),
            format!("{what} was not found"),
        )
    }

    pub(crate) fn text(&self, language: Language) -> &str {
        language.say(&self.vi, &self.en)
    }
}

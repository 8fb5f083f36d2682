//! What goes out as a file: spreadsheets and their text, made harmless for the program that opens it.

pub(crate) mod csv;
pub(crate) mod file;
pub(crate) mod text;
pub(crate) mod xlsx;

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Nothing was recorded.
    Nothing,
    /// A number, as a number.
    Number(f64),
    /// A date `YYYY-MM-DD`, as a date.
    Date(String),
    /// A time, in milliseconds since 1970-01-01 UTC, shown by the clocks of Việt Nam.
    Time(i64),
    /// Text.
    Text(String),
}

impl Value {
    /// Text, or nothing.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() {
            Self::Nothing
        } else {
            Self::Text(text)
        }
    }

    /// A count.
    pub(crate) fn count(number: u64) -> Self {
        // Exact up to 2^53, which no count here reaches.
        Self::Number(u32::try_from(number).map_or(f64::INFINITY, f64::from))
    }
}

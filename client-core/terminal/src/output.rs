//! What is printed: text for a person, or one JSON value for a program.
#![expect(clippy::print_stderr, reason = "printing is what this file is for")]

use std::io::{ErrorKind, Write as _};

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;
use serde_json::{Value as Json, json};
use sokiem_client_core::{
    RescueReport,
    book::{Author, NamedAlternative},
};
use sokiem_record::words;

use crate::{
    arguments::{Common, Language},
    failure::Failure,
};

/// Where and how things are printed.
pub(crate) struct Output {
    json: bool,
    pub(crate) language: Language,
}

impl Output {
    pub(crate) fn new(common: &Common) -> Self {
        Self {
            json: common.json,
            language: common.language,
        }
    }

    /// The result of a command: the value for programs, the lines for people.
    pub(crate) fn result<T: Serialize>(
        &self,
        value: &T,
        lines: impl FnOnce(Language) -> Vec<String>,
    ) -> Result<(), Failure> {
        let lines = if self.json {
            vec![to_json(value)?]
        } else {
            lines(self.language)
        };
        let mut out = std::io::stdout().lock();
        let written = lines
            .iter()
            .try_for_each(|line| writeln!(out, "{line}"))
            .and_then(|()| out.flush());
        match written {
            // Whoever reads has seen enough (`sokiem units | head`); what was to be done is done.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            other => other.map_err(|error| {
                Failure::new(
                    1,
                    "không in được kết quả",
                    format!("the result can't be printed: {error}"),
                )
            }),
        }
    }

    /// Why a command failed, on standard error.
    pub(crate) fn failure(&self, failure: &Failure) {
        if self.json {
            eprintln!(
                "{}",
                json!({"error": {"exit_code": failure.exit_code, "vi": failure.vi, "en": failure.en}})
            );
        } else {
            eprintln!("sokiem: {}", failure.text(self.language));
        }
    }

    /// That a damaged book was set aside, on standard error, whatever the command.
    pub(crate) fn rescued(&self, report: &RescueReport) {
        if self.json {
            eprintln!("{}", json!({"rescued": report}));
            return;
        }
        let file = report.set_aside.display();
        let (documents, pending, lost) = (report.documents, report.pending, report.lost.len());
        let (vi, en) = (
            format!(
                "sokiem: sổ bị hỏng ({}).\n  Tệp hỏng được giữ nguyên tại {file}\n  Cứu được {documents} hồ sơ, \
                 {pending} thay đổi chờ gửi; {lost} chỗ không đọc được.\n  Hãy chạy `sokiem sync`: phần máy chủ đã \
                 nhận sẽ trở lại. Nếu có việc chưa gửi bị thiếu, hãy đưa tệp trên cho người quản trị.",
                report.reason.lines().last().unwrap_or_default()
            ),
            format!(
                "sokiem: the book was damaged ({}).\n  The damaged file is kept as it is at {file}\n  Rescued: \
                 {documents} records, {pending} changes that are not sent yet; {lost} things could not be read.\n  \
                 Run `sokiem sync`: what the server had acknowledged comes back. If unsent work is missing, give the \
                 file above to your administrator.",
                report.reason.lines().last().unwrap_or_default()
            ),
        );
        eprintln!("{}", self.language.say(&vi, &en));
    }
}

/// A value as one line of JSON.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| {
        Failure::new(
            1,
            "không in được kết quả",
            format!("the result can't be printed: {error}"),
        )
    })
}

/// A time as people here write it, in the device's time zone.
pub(crate) fn time(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(
        |_| ms.to_string(),
        |timestamp| {
            timestamp
                .to_zoned(TimeZone::system())
                .strftime("%d/%m/%Y %H:%M")
                .to_string()
        },
    )
}

/// A word of the schema by its name in the language; anything else as it is.
pub(crate) fn word(text: &str, language: Language) -> &str {
    words::names(text).map_or(text, |(vi, en)| language.say(vi, en))
}

/// `yyyy-mm-dd` as `dd/mm/yyyy`; anything else as it is.
pub(crate) fn date(text: &str) -> String {
    words::date(text).unwrap_or_else(|| text.to_owned())
}

/// A person as the lists show them.
pub(crate) fn person(author: &Author, language: Language) -> String {
    if author.here {
        return language.say("máy này", "this device").to_owned();
    }
    match (author.name.as_str(), author.device.as_str()) {
        ("", _) => language.say("chưa rõ", "unknown").to_owned(),
        (name, "") => name.to_owned(),
        (name, device) => format!("{name} ({device})"),
    }
}

/// One of several live values: the value, who, when, why.
pub(crate) fn alternative(one: &NamedAlternative, language: Language) -> String {
    let reason = one
        .provenance
        .reason
        .as_ref()
        .map(|reason| format!(" – {reason}"))
        .unwrap_or_default();
    format!(
        "{}  ← {}, {}{reason}",
        value(&one.value),
        person(&one.author, language),
        time(one.provenance.time_ms)
    )
}

/// A value without the quotes of JSON.
pub(crate) fn value(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => "–".to_owned(),
        other => other.to_string(),
    }
}

/// The values of a record, one line each, indented by depth; what is empty is left out.
pub(crate) fn record(value: &Json, depth: usize, lines: &mut Vec<String>) {
    let Json::Object(fields) = value else { return };
    for (name, field) in fields {
        let indent = "  ".repeat(depth);
        match field {
            Json::Object(inner) if inner.is_empty() => {}
            Json::String(text) if text.is_empty() => {}
            Json::Null => {}
            Json::Object(_) => {
                let at = lines.len();
                record(field, depth + 1, lines);
                if lines.len() > at {
                    lines.insert(at, format!("{indent}{name}:"));
                }
            }
            other => lines.push(format!(
                "{indent}{name}: {}",
                self::value(other).replace('\n', " ⏎ ")
            )),
        }
    }
}

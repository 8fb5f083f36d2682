//! Which page an address names. Pages are told apart by what follows `#`, so that the server sends one page for all of
//! them and they work without a network.

use std::fmt;

use leptos::prelude::{location_hash, window};
use sokiem_record::id::DocumentId;

/// A part of the inspection form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    /// The criteria.
    Items,
    /// Findings, incidents, recommendations.
    Findings,
    /// The head of the minutes and who was there.
    Minutes,
    /// Opinion, remarks, signatures.
    Closing,
    /// What is missing, and finishing.
    Finish,
}

impl Section {
    /// All of them, in their order.
    pub(crate) const ALL: [Section; 5] = [
        Section::Minutes,
        Section::Items,
        Section::Findings,
        Section::Closing,
        Section::Finish,
    ];

    /// Its name in addresses.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Section::Items => "items",
            Section::Findings => "findings",
            Section::Minutes => "minutes",
            Section::Closing => "closing",
            Section::Finish => "finish",
        }
    }

    /// Where a field of an inspection is to be found.
    pub(crate) fn of_path(path: &str) -> Section {
        match path.split('/').next().unwrap_or_default() {
            "items" => Section::Items,
            "findings" | "incidents" | "recommendations" => Section::Findings,
            "opinion" | "remarks" | "signatures" => Section::Closing,
            "finished" => Section::Finish,
            _ => Section::Minutes,
        }
    }
}

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// What is to be done.
    Today,
    /// Search among the units.
    Units,
    /// A unit that nobody has registered.
    NewUnit,
    /// One unit.
    Unit(DocumentId),
    /// One inspection.
    Inspection {
        /// Which.
        id: DocumentId,
        /// Which part of it.
        section: Section,
        /// Which field or element to go to.
        at: Option<String>,
    },
    /// Who changed what in a record.
    History(DocumentId),
    /// What is not on the server.
    Outbox,
    /// This device.
    Device,
    /// Enrolling, with a code if there is one.
    Enrol(String),
    /// No page has this address.
    Unknown,
}

impl Route {
    /// The page that an address names, by what follows its `#`.
    pub(crate) fn parse(hash: &str) -> Route {
        let path = hash.trim_start_matches('#').trim_start_matches('/');
        let (page, rest) = path.split_once('/').unwrap_or((path, ""));
        let id = |rest: &str| rest.parse::<DocumentId>().ok();
        match (page, rest) {
            ("" | "today", _) => Route::Today,
            ("units", "new") => Route::NewUnit,
            ("units", _) => Route::Units,
            ("outbox", _) => Route::Outbox,
            ("device", _) => Route::Device,
            ("enrol", code) => Route::Enrol(code.to_owned()),
            ("unit", rest) => id(rest).map_or(Route::Unknown, Route::Unit),
            ("history", rest) => id(rest).map_or(Route::Unknown, Route::History),
            ("inspection", rest) => Self::inspection(rest).unwrap_or(Route::Unknown),
            _ => Route::Unknown,
        }
    }

    fn inspection(rest: &str) -> Option<Route> {
        let mut parts = rest.splitn(3, '/');
        let id = parts.next()?.parse().ok()?;
        let section = parts.next().unwrap_or("items");
        Some(Route::Inspection {
            id,
            section: Section::ALL
                .into_iter()
                .find(|one| one.name() == section)
                .unwrap_or(Section::Items),
            at: parts.next().map(str::to_owned),
        })
    }

    /// The page that the address names now.
    pub(crate) fn now() -> Route {
        Self::parse(&location_hash().map(decoded).unwrap_or_default())
    }

    /// The page without its parts: another page has another title and another form.
    pub(crate) fn page(self) -> Route {
        match self {
            Route::Inspection { id, .. } => Route::inspection_of(id, Section::Items),
            other => other,
        }
    }

    /// One part of an inspection.
    pub(crate) fn inspection_of(id: DocumentId, section: Section) -> Route {
        Route::Inspection {
            id,
            section,
            at: None,
        }
    }

    /// Goes there.
    pub(crate) fn go(&self) {
        let _ = window().location().set_hash(&self.to_string());
    }

    /// Goes there without leaving a way back to where one was.
    pub(crate) fn instead(&self) {
        let _ = window().location().replace(&self.to_string());
    }
}

fn decoded(hash: String) -> String {
    js_sys::decode_uri_component(&hash).map_or(hash, String::from)
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Route::Today | Route::Unknown => f.write_str("#/today"),
            Route::Units => f.write_str("#/units"),
            Route::NewUnit => f.write_str("#/units/new"),
            Route::Unit(id) => write!(f, "#/unit/{id}"),
            Route::Inspection { id, section, at } => {
                write!(f, "#/inspection/{id}/{}", section.name())?;
                match at {
                    Some(at) => write!(f, "/{at}"),
                    None => Ok(()),
                }
            }
            Route::History(id) => write!(f, "#/history/{id}"),
            Route::Outbox => f.write_str("#/outbox"),
            Route::Device => f.write_str("#/device"),
            Route::Enrol(code) => write!(f, "#/enrol/{code}"),
        }
    }
}

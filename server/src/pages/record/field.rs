//! One field as the page shows it: its value, who wrote it, and where people differ, each of their values.

use std::{cell::RefCell, collections::BTreeSet};

use serde_json::Value;
use sokiem_record::{
    labels,
    schema::{self, FieldType, Place},
};

use super::{
    input::Input,
    photo::{Photo, photos},
};
use crate::{
    pages::shown::Shown,
    records::{
        attribution::{Part, Written},
        names::Writer,
        reading::Reading,
        record::{Alternative, Entry},
    },
};

/// A field.
pub(crate) struct Field<'a> {
    pub(crate) path: String,
    /// Where it is on the page.
    pub(crate) anchor: String,
    pub(crate) label: (String, String),
    pub(crate) shown: Shown,
    /// Who wrote the value; several where they agree.
    pub(crate) said: &'a [Alternative],
    /// For merged text: its parts.
    pub(crate) words: Vec<Words<'a>>,
    /// The authors of the parts, in the order in which they first speak.
    pub(crate) authors: Vec<&'a Written>,
    pub(crate) clash: Option<Clash<'a>>,
    /// Whether the visitor may correct it.
    pub(crate) editable: bool,
    /// Whether the step that is looked at changed it.
    pub(crate) changed: bool,
}

impl Field<'_> {
    /// Whether there is nothing to show.
    pub(crate) fn is_empty(&self) -> bool {
        self.shown.is_nothing() && self.clash.is_none()
    }

    /// Whether somebody else than `added` wrote it.
    pub(crate) fn is_of_another(&self, added: &Written) -> bool {
        self.said.iter().any(|said| said.hash != added.hash)
    }
}

/// A part of a merged text.
pub(crate) struct Words<'a> {
    pub(crate) part: &'a Part,
    /// Which of the authors, from 1.
    pub(crate) author: usize,
}

/// A field in which people differ.
pub(crate) struct Clash<'a> {
    pub(crate) sides: Vec<Side<'a>>,
    /// For another value than theirs.
    pub(crate) other: Input,
    /// What was chosen and why, where the form is shown again.
    pub(crate) chosen: String,
    pub(crate) reason: String,
}

/// What one of them recorded, with what else they noted there.
pub(crate) struct Side<'a> {
    pub(crate) said: &'a Alternative,
    pub(crate) shown: Shown,
    /// The value for the form.
    pub(crate) json: String,
    pub(crate) note: String,
    pub(crate) photos: Vec<Photo<'a>>,
}

/// Makes the fields of one page, and remembers which were made.
pub(crate) struct Fields<'a> {
    pub(crate) reading: &'a Reading,
    /// What the step that is looked at changed.
    step: Option<&'a Entry>,
    made: RefCell<BTreeSet<String>>,
}

impl<'a> Fields<'a> {
    pub(crate) fn of(reading: &'a Reading, step: Option<&'a Entry>) -> Self {
        Self {
            reading,
            step,
            made: RefCell::default(),
        }
    }

    /// The field at a path.
    pub(crate) fn field(&self, path: &str) -> Field<'a> {
        self.made.borrow_mut().insert(path.to_owned());
        let reading = self.reading;
        let place = path
            .parse()
            .ok()
            .and_then(|path| schema::place(reading.kind, &path));
        let said = reading.said.values.get(path);
        let parts = reading.said.texts.get(path).map_or(&[][..], Vec::as_slice);
        let (words, authors) = words(parts);
        let clash = reading
            .conflicts
            .iter()
            .find(|conflict| conflict.path.as_str() == path);
        let field_type = match place {
            Some(Place::Field(field)) => Some(field),
            _ => None,
        };
        let value = reading.value(path);
        Field {
            anchor: anchor(path),
            label: label(path),
            shown: match field_type {
                Some(field) => Shown::typed(field, value),
                None => Shown::of(value),
            },
            said: said.map_or(&[][..], Vec::as_slice),
            words,
            authors,
            clash: clash.zip(field_type).map(|(clash, field)| Clash {
                sides: clash
                    .alternatives
                    .iter()
                    .map(|said| self.side(path, field, said))
                    .collect(),
                other: Input::of(field, "other", &Value::Null),
                chosen: String::new(),
                reason: String::new(),
            }),
            editable: reading.writable && !reading.is_old() && field_type.is_some(),
            changed: self.step.is_some_and(|step| {
                let mut fields = step.fields.iter();
                fields.any(|field| field.path.as_str() == path)
            }),
            path: path.to_owned(),
        }
    }

    /// Takes a field back: it will be among the rest.
    pub(crate) fn forget(&self, path: &str) {
        self.made.borrow_mut().remove(path);
    }

    /// Several fields of one element or of the record.
    pub(crate) fn fields(&self, at: &str, names: &[&str]) -> Vec<Field<'a>> {
        let path = |name: &&str| match at {
            "" => (*name).to_owned(),
            at => format!("{at}/{name}"),
        };
        names.iter().map(|name| self.field(&path(name))).collect()
    }

    fn side(&self, path: &str, field: FieldType, said: &'a Alternative) -> Side<'a> {
        let near = path.rsplit_once('/').map_or("", |(near, _)| near);
        let note = self.reading.said.texts.get(&format!("{near}/note"));
        let theirs = note
            .into_iter()
            .flatten()
            .filter(|part| same(&part.written.by, &said.by));
        let photos = photos(self.reading, near).into_iter();
        Side {
            said,
            shown: Shown::typed(field, &said.value),
            json: said.value.to_string(),
            note: theirs.map(|part| part.text.as_str()).collect(),
            photos: photos
                .filter(|photo| photo.by.is_some_and(|by| same(&by.by, &said.by)))
                .collect(),
        }
    }

    /// The elements of a collection in the order in which they were added, those that were struck out last.
    pub(crate) fn elements(&self, collection: &str, names: &[&str]) -> Vec<Element<'a>> {
        let fields = self.reading.value(collection).as_object();
        let mut elements: Vec<Element<'a>> = fields
            .into_iter()
            .flatten()
            .filter_map(|(key, _)| {
                let path = format!("{collection}/{key}");
                let added = self.reading.said.elements.get(&path)?;
                let removed = self.field(&format!("{path}/{}", schema::REMOVED));
                Some(Element {
                    fields: self.fields(&path, names),
                    key: key.clone(),
                    anchor: anchor(&path),
                    added,
                    is_removed: self.reading.value(&removed.path) == &Value::Bool(true),
                    removed,
                })
            })
            .collect();
        elements.sort_by_key(|element| {
            (
                element.is_removed,
                element.added.time_ms,
                element.key.clone(),
            )
        });
        elements
    }

    /// What nobody has made a field of so far and holds something: fields of a newer schema, technical ones.
    pub(crate) fn rest(&self) -> Vec<Field<'a>> {
        let values = self.reading.said.values.keys();
        let paths = values.chain(self.reading.said.texts.keys());
        let rest: Vec<&String> = paths
            .filter(|path| !self.made.borrow().contains(path.as_str()))
            .filter(|path| !schema::IDENTITY.contains(&path.as_str()))
            .collect();
        let mut rest: Vec<Field<'a>> = rest
            .into_iter()
            .map(|path| {
                let mut field = self.field(path);
                field.label = full_label(path);
                field
            })
            .filter(|field| !field.is_empty())
            .collect();
        rest.sort_by_key(|field| field.clash.is_none());
        rest
    }
}

/// An element of a collection.
pub(crate) struct Element<'a> {
    pub(crate) key: String,
    pub(crate) anchor: String,
    pub(crate) added: &'a Written,
    pub(crate) is_removed: bool,
    pub(crate) removed: Field<'a>,
    pub(crate) fields: Vec<Field<'a>>,
}

fn words(parts: &[Part]) -> (Vec<Words<'_>>, Vec<&Written>) {
    let mut authors: Vec<&Written> = Vec::new();
    let words = parts.iter().map(|part| {
        let known = authors
            .iter()
            .position(|author| same(&author.by, &part.written.by));
        let author = known.unwrap_or_else(|| {
            authors.push(&part.written);
            authors.len() - 1
        });
        Words {
            part,
            author: author + 1,
        }
    });
    (words.collect(), authors)
}

/// Whether two writers are one person with one device.
fn same(one: &Writer, other: &Writer) -> bool {
    one.account.is_some() && (one.account, one.device) == (other.account, other.device)
}

/// What the last key of a path is called.
fn label(path: &str) -> (String, String) {
    let last = path.rsplit(['/', '.']).next().unwrap_or(path);
    match labels::name(last) {
        Some((vi, en)) => (vi.to_owned(), en.to_owned()),
        None => full_label(path),
    }
}

/// What a whole path is called.
pub(crate) fn full_label(path: &str) -> (String, String) {
    match path.parse() {
        Ok(path) => {
            let label = labels::label(&path);
            (label.vi, label.en)
        }
        Err(_) => (path.to_owned(), path.to_owned()),
    }
}

/// The id of a field on its page.
pub(crate) fn anchor(path: &str) -> String {
    path.chars()
        .map(|letter| match letter {
            letter if letter.is_ascii_alphanumeric() => letter,
            _ => '-',
        })
        .fold(String::from("f-"), |mut id, letter| {
            id.push(letter);
            id
        })
}

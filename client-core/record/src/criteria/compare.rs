//! What one criteria set says otherwise than another: items added, removed and changed, down to the words.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value;

use super::{CriteriaSet, Item};

/// Beyond so many pairs of words two texts are shown whole, one after the other.
const MOST_PAIRS: usize = 1_000_000;

/// A part of a text, and in which of the two texts it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Piece {
    /// Where it stands.
    pub stands: Stands,
    /// The words, with the spaces between them.
    pub text: String,
}

/// In which of two texts something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stands {
    /// In both.
    Both,
    /// Only in the earlier one.
    Before,
    /// Only in the later one.
    After,
}

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// The field, as criteria files name it: `vi`, `citation.note`.
    pub field: String,
    /// Both values as one text, word by word.
    pub pieces: Vec<Piece>,
}

/// An item that both sets have, with what differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangedItem {
    /// Its code.
    pub code: String,
    /// What differs.
    pub fields: Vec<Changed>,
}

/// How two sets differ.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Difference {
    /// Fields of the set itself, its code and version aside.
    pub set: Vec<Changed>,
    /// Items that only the later set has, in its order.
    pub added: Vec<Item>,
    /// Items that only the earlier set has, in its order.
    pub removed: Vec<Item>,
    /// Items that both have and that differ, in the order of the later set.
    pub changed: Vec<ChangedItem>,
    /// Items that both have stand in another order.
    pub reordered: bool,
}

impl Difference {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
            && self.added.is_empty()
            && self.removed.is_empty()
            && self.changed.is_empty()
            && !self.reordered
    }
}

/// Compares two sets, an earlier and a later one. Items are the same when their codes are.
pub fn compare(before: &CriteriaSet, after: &CriteriaSet) -> Difference {
    let items = |set: &CriteriaSet| -> HashMap<String, Item> {
        let items = set.items.iter();
        items
            .map(|item| (item.code.clone(), item.clone()))
            .collect()
    };
    let (old, new) = (items(before), items(after));
    let only = |set: &CriteriaSet, other: &HashMap<String, Item>| -> Vec<Item> {
        let items = set
            .items
            .iter()
            .filter(|item| !other.contains_key(&item.code));
        items.cloned().collect()
    };
    let both = |set: &CriteriaSet, other: &HashMap<String, Item>| -> Vec<String> {
        let codes = set.items.iter().map(|item| item.code.clone());
        codes.filter(|code| other.contains_key(code)).collect()
    };
    let changed = after.items.iter().filter_map(|item| {
        let fields = fields(old.get(&item.code)?, item);
        (!fields.is_empty()).then(|| ChangedItem {
            code: item.code.clone(),
            fields,
        })
    });
    Difference {
        set: fields(&Head(before), &Head(after)),
        added: only(after, &old),
        removed: only(before, &new),
        changed: changed.collect(),
        reordered: both(before, &new) != both(after, &old),
    }
}

/// A set without its items, and without what names it.
struct Head<'a>(&'a CriteriaSet);

impl Serialize for Head<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut value = serde_json::to_value(self.0).map_err(serde::ser::Error::custom)?;
        if let Some(set) = value.as_object_mut() {
            for key in ["code", "version", "items"] {
                set.remove(key);
            }
        }
        value.serialize(serializer)
    }
}

/// The fields that differ, in the order of the alphabet.
fn fields(before: &impl Serialize, after: &impl Serialize) -> Vec<Changed> {
    let (before, after) = (texts(before), texts(after));
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let text =
        |texts: &HashMap<String, String>, name: &str| texts.get(name).cloned().unwrap_or_default();
    let differing = names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name));
    differing
        .map(|name| Changed {
            field: name.clone(),
            pieces: words(&text(&before, name), &text(&after, name)),
        })
        .collect()
}

/// Every value by its path, as a text.
fn texts(value: &impl Serialize) -> HashMap<String, String> {
    let mut texts = HashMap::new();
    let value = serde_json::to_value(value).unwrap_or(Value::Null);
    collect(&value, String::new(), &mut texts);
    texts
}

fn collect(value: &Value, path: String, texts: &mut HashMap<String, String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                collect(value, path, texts);
            }
        }
        Value::Array(list) => {
            let parts = list.iter().map(|value| {
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned)
            });
            texts.insert(path, parts.collect::<Vec<_>>().join("; "));
        }
        Value::Null => {}
        Value::String(text) => {
            texts.insert(path, text.clone());
        }
        other => {
            texts.insert(path, other.to_string());
        }
    }
}

/// Two texts as one, word by word: the longest words in a row that both have in their order are in both.
pub fn words(before: &str, after: &str) -> Vec<Piece> {
    let (old, new): (Vec<&str>, Vec<&str>) = (split(before), split(after));
    let mut pieces = Pieces::default();
    if old.len().saturating_mul(new.len()) > MOST_PAIRS {
        pieces.push(Stands::Before, before);
        pieces.push(Stands::After, after);
        return pieces.0;
    }
    // `longest[i * width + j]` is how many words the rests after i and j have in common.
    let width = new.len() + 1;
    let mut longest = vec![0_u32; (old.len() + 1) * width];
    let at = |longest: &[u32], i: usize, j: usize| longest.get(i * width + j).copied().unwrap_or(0);
    for (i, one) in old.iter().enumerate().rev() {
        for (j, other) in new.iter().enumerate().rev() {
            let length = if one == other {
                at(&longest, i + 1, j + 1) + 1
            } else {
                at(&longest, i + 1, j).max(at(&longest, i, j + 1))
            };
            if let Some(cell) = longest.get_mut(i * width + j) {
                *cell = length;
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    loop {
        match (old.get(i), new.get(j)) {
            (None, None) => return pieces.0,
            (Some(one), Some(other)) if one == other => {
                pieces.push(Stands::Both, one);
                i += 1;
                j += 1;
            }
            (Some(one), other)
                if other.is_none() || at(&longest, i + 1, j) >= at(&longest, i, j + 1) =>
            {
                pieces.push(Stands::Before, one);
                i += 1;
            }
            (_, Some(other)) => {
                pieces.push(Stands::After, other);
                j += 1;
            }
            (Some(_), None) => return pieces.0,
        }
    }
}

/// The words of a text, and the spaces between them.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let other = |character: char| character.is_whitespace() != first.is_whitespace();
        let (part, after) = rest.split_at(rest.find(other).unwrap_or(rest.len()));
        parts.push(part);
        rest = after;
    }
    parts
}

#[derive(Default)]
struct Pieces(Vec<Piece>);

impl Pieces {
    fn push(&mut self, stands: Stands, text: &str) {
        match self.0.last_mut() {
            Some(last) if last.stands == stands => last.text.push_str(text),
            _ if text.is_empty() => {}
            _ => self.0.push(Piece {
                stands,
                text: text.to_owned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::shipped;

    fn read(pieces: &[Piece]) -> String {
        let mark = |piece: &Piece| match piece.stands {
            Stands::Both => piece.text.clone(),
            Stands::Before => format!("[-{}]", piece.text),
            Stands::After => format!("[+{}]", piece.text),
        };
        pieces.iter().map(mark).collect()
    }

    #[test]
    fn texts_are_compared_word_by_word_and_nothing_is_lost() {
        let (before, after) = (
            "Có ít nhất 01 mô hình hoạt động",
            "Có ít nhất hai mô hình hoạt động hiệu quả",
        );
        let pieces = words(before, after);
        assert_eq!(
            read(&pieces),
            "Có ít nhất [-01][+hai] mô hình hoạt động[+ hiệu quả]"
        );
        let side = |side: Stands| -> String {
            let pieces = pieces
                .iter()
                .filter(|piece| piece.stands == side || piece.stands == Stands::Both);
            pieces.map(|piece| piece.text.as_str()).collect()
        };
        assert_eq!(
            (side(Stands::Before), side(Stands::After)),
            (before.to_owned(), after.to_owned())
        );
        assert_eq!(read(&words("", "mới")), "[+mới]");
        assert!(words("", "").is_empty());
        let long = "một hai ".repeat(2_000);
        assert_eq!(words(&long, &(long.clone() + "ba")).len(), 2);
    }

    #[test]
    fn items_are_told_apart_by_their_codes() {
        let before = shipped()
            .unwrap()
            .into_iter()
            .find(|set| set.code == "T124-GD")
            .unwrap();
        assert!(compare(&before, &before).is_empty());
        let mut after = before.clone();
        after.version = 2;
        assert!(
            compare(&before, &after).is_empty(),
            "a version alone is no difference"
        );
        after.valid_to = Some("2025-12-31".to_owned());
        let gone = after.items.remove(0);
        let mut new = gone.clone();
        new.code = "T124-GD-NEW".to_owned();
        after.items.push(new);
        after.items[0].required = !after.items[0].required;
        after.items[1].citation.note = None;
        let difference = compare(&before, &after);
        let fields = |changed: &[Changed]| -> Vec<String> {
            changed.iter().map(|one| one.field.clone()).collect()
        };
        assert_eq!(fields(&difference.set), ["valid_to"]);
        assert_eq!(difference.removed[0].code, gone.code);
        assert_eq!(difference.added[0].code, "T124-GD-NEW");
        assert_eq!(difference.changed.len(), 2);
        assert_eq!(fields(&difference.changed[0].fields), ["required"]);
        assert_eq!(fields(&difference.changed[1].fields), ["citation.note"]);
        assert!(!difference.reordered);
        after.items.swap(0, 1);
        assert!(compare(&before, &after).reordered);
    }
}

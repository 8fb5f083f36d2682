//! A version of a record by the first characters of its heads: short enough for paper, and found again.

use sokiem_record::{ChangeHash, document::Document};

use crate::http::problem::Problem;

/// So many characters of a head, and more where two changes of the record begin alike.
const CHARACTERS: usize = 12;

/// The heads that somebody asks for, whole or by their first characters; the present ones where nothing is asked.
pub(super) fn find(document: &Document, asked: &str) -> Result<Vec<ChangeHash>, Problem> {
    let asked: Vec<String> = asked
        .split(',')
        .map(|text| text.trim().to_ascii_lowercase())
        .filter(|text| !text.is_empty())
        .collect();
    if asked.is_empty() {
        return Ok(document.heads());
    }
    let known: Vec<(String, ChangeHash)> = document
        .hashes()
        .into_iter()
        .map(|hash| (hash.to_string(), hash))
        .collect();
    let mut heads = Vec::new();
    for text in asked {
        let mut found = known.iter().filter(|(hash, _)| hash.starts_with(&text));
        match (found.next(), found.next()) {
            (Some((_, hash)), None) if text.len() >= CHARACTERS => heads.push(*hash),
            _ => return Err(Problem::invalid("at: not a version of this record")),
        }
    }
    heads.sort_unstable();
    heads.dedup();
    Ok(heads)
}

/// What [`find`] finds again.
pub(super) fn short(document: &Document, heads: &[ChangeHash]) -> String {
    let known: Vec<String> = document.hashes().iter().map(ToString::to_string).collect();
    let shorten = |head: &ChangeHash| {
        let whole = head.to_string();
        let lengths = CHARACTERS..=whole.len();
        let mut prefixes = lengths.filter_map(|length| whole.get(..length));
        let alone =
            |prefix: &&str| known.iter().filter(|one| one.starts_with(*prefix)).count() <= 1;
        prefixes.find(alone).unwrap_or(&whole).to_owned()
    };
    heads.iter().map(shorten).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use sokiem_record::{
        edit::{Author, Edit},
        genesis,
        id::{ActorId, Kind},
    };
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_version_is_found_by_its_short_name_and_nothing_else_is() {
        let author = Author {
            actor: ActorId(Uuid::from_u128(7)),
            time_ms: 1,
            reason: None,
        };
        let id = sokiem_record::id::DocumentId(Uuid::from_u128(1));
        let (mut document, _) = genesis::document(id, Kind::Unit, &author, &[]).unwrap();
        let before = document.heads();
        let edit = Edit::Set {
            path: "staff".parse().unwrap(),
            value: 5.into(),
        };
        document.edit(&author, None, &[edit]).unwrap();
        let name = short(&document, &before);
        assert_eq!(name.len(), CHARACTERS);
        assert_eq!(find(&document, &name).unwrap(), before);
        assert_eq!(find(&document, &name.to_uppercase()).unwrap(), before);
        assert_eq!(find(&document, "").unwrap(), document.heads());
        for wrong in ["ab", "000000000000", "%", &name[..6], "\u{e9}t\u{e9}"] {
            assert!(find(&document, wrong).is_err(), "{wrong}");
        }
    }
}

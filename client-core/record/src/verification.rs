//! Who signed which state of a record, what changed since, and whether any byte of its history is not
//! what was signed.

use std::collections::{BTreeMap, BTreeSet};

use automerge::ChangeHash;
use serde::Serialize;
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::{
    attestation::{
        DEVICE, DecisionStatement, HeadsStatement, SIGNATURES, key_and_signature, split, text,
    },
    chunk::ChangeHeader,
    document::Document,
    history::{FieldChange, HistoryEntry},
    id::{AccountId, ActorId, DeviceId, DocumentId, Kind},
    schema::{Path, REMOVED},
    signing::PublicKey,
};

/// What people say about a record, and what is no part of what they report: `comments/ID`.
const COMMENTS: &str = "comments";

/// Whether the stored bytes are the history that their hashes name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum History {
    /// Every change hashes to its name and has everything that it builds on.
    Whole {
        /// How many changes there are.
        changes: usize,
    },
    /// Some byte is not what was written.
    Broken {
        /// What does not fit, for a log.
        reason: String,
    },
}

/// What became of the key that a signature was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Made with a key of this person, over a state of this record, and unaltered.
    Valid,
    /// Like valid, but the server received it after the key was revoked: perhaps not the person.
    AfterRevocation,
    /// Unaltered, but no roster here knows the key.
    UnknownKey,
    /// Unaltered, but the key is another person's than it says.
    OtherPerson,
    /// The signature does not fit what it says: signature, heads, person or time were altered, or it
    /// belongs to another record.
    Altered,
    /// Unaltered, but the record does not hold the state that was signed.
    UnknownHeads,
    /// A field is missing or unreadable.
    Incomplete,
    /// A decision from before decisions were signed.
    Unsigned,
}

impl Standing {
    /// What a person reads: Vietnamese, then English.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Valid => ("chữ ký đúng", "valid"),
            Self::AfterRevocation => (
                "máy chủ nhận sau khi khóa đã bị thu hồi: có thể không phải người này ký",
                "received after the key was revoked: perhaps not signed by this person",
            ),
            Self::UnknownKey => (
                "không danh sách nào ở đây có khóa này",
                "no roster here knows this key",
            ),
            Self::OtherPerson => ("khóa là của người khác", "the key is another person's"),
            Self::Altered => (
                "chữ ký không khớp: nội dung ký đã bị sửa hoặc thuộc hồ sơ khác",
                "the signature does not fit: what was signed was altered or is another record's",
            ),
            Self::UnknownHeads => (
                "hồ sơ không có phiên bản đã được ký",
                "the record does not hold the version that was signed",
            ),
            Self::Incomplete => (
                "chữ ký thiếu hoặc không đọc được",
                "the signature is incomplete or unreadable",
            ),
            Self::Unsigned => ("chưa được ký", "not signed"),
        }
    }
}

/// One signature of a device in a record.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VerifiedSignature {
    /// Its id in the record.
    pub id: String,
    /// What it is worth.
    pub standing: Standing,
    /// Whose it says that it is.
    pub account: Option<AccountId>,
    /// The name that it gives.
    pub name: String,
    /// The device that it names.
    pub device: Option<DeviceId>,
    /// The key that it was made with.
    pub key: Option<PublicKey>,
    /// When, by the device's clock.
    pub signed_ms: Option<i64>,
    /// When the server received it; `None` before.
    pub received_ms: Option<i64>,
    /// The state that was signed.
    #[serde(serialize_with = "hex_hashes")]
    pub heads: Vec<ChangeHash>,
    /// What has altered the record since ([`Since::changes`]); `None` where the signed state is not known.
    pub since: Option<Vec<HistoryEntry>>,
}

/// One decision about an inspection.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VerifiedDecision {
    /// Its id in the review.
    pub id: String,
    /// What it is worth.
    pub standing: Standing,
    /// `returned`, `approved` or `reopened`.
    pub decision: String,
    /// Who decided.
    pub account: Option<AccountId>,
    /// When, by the server's clock.
    pub decided_ms: Option<i64>,
    /// The state of the inspection that was decided on.
    #[serde(serialize_with = "hex_hashes")]
    pub heads: Vec<ChangeHash>,
    /// What has altered the inspection since ([`Since::changes`]); `None` where that state is not known.
    pub since: Option<Vec<HistoryEntry>>,
}

/// What `verify` says of a record.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verification {
    /// The record.
    pub document: DocumentId,
    /// Whether its bytes are what was written.
    pub history: History,
    /// The devices' signatures, in the order of their ids.
    pub signatures: Vec<VerifiedSignature>,
    /// The decisions about it, in the order of their ids.
    pub decisions: Vec<VerifiedDecision>,
}

impl Verification {
    /// Whether nothing speaks against the record: its history is whole, and no signature or decision is
    /// worth less than it claims.
    pub fn is_sound(&self) -> bool {
        let standings = self.signatures.iter().map(|one| one.standing);
        let decided = self.decisions.iter().map(|one| one.standing);
        matches!(self.history, History::Whole { .. })
            && standings
                .chain(decided)
                .all(|standing| matches!(standing, Standing::Valid | Standing::Unsigned))
    }
}

fn hex_hashes<S: serde::Serializer>(
    hashes: &[ChangeHash],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(hashes.iter().map(ToString::to_string))
}

/// How a key's time ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The device made a new one.
    Renewed,
    /// It was taken from the device, at this time of the server.
    Revoked(i64),
}

/// One key of one actor.
#[derive(Clone, Debug)]
struct Known {
    actor: ActorId,
    key: PublicKey,
    account: AccountId,
    end: Option<End>,
}

/// The keys that rosters name, with whose they are. A roster keeps every key that it ever named: they are
/// read from its history, whose times are the server's.
#[derive(Clone, Debug, Default)]
pub struct Keys(Vec<Known>);

impl Keys {
    /// Takes in what the roster of an area says.
    pub fn learn(&mut self, area: &Document) {
        let fields = area.to_json();
        for entry in area.history() {
            for field in &entry.fields {
                let Some((actor, name)) = field
                    .path
                    .as_str()
                    .strip_prefix("actors/")
                    .and_then(|key| key.split_once('.'))
                else {
                    continue;
                };
                let account = fields
                    .get("actors")
                    .and_then(|actors| actors.get(format!("{actor}.account")))
                    .and_then(Json::as_str)
                    .and_then(|account| account.parse().ok());
                if let (Ok(actor), "key", Some(account)) = (actor.parse::<ActorId>(), name, account)
                {
                    self.enter(actor, account, &field.after, entry.provenance.time_ms);
                }
            }
        }
    }

    fn enter(&mut self, actor: ActorId, account: AccountId, value: &Json, at_ms: i64) {
        let key: Option<PublicKey> = value.as_str().and_then(|text| text.parse().ok());
        for known in &mut self.0 {
            if known.actor == actor && Some(known.key) != key {
                let end = match key {
                    Some(_) => End::Renewed,
                    None => End::Revoked(at_ms),
                };
                // Of what several areas say, the earliest revocation counts.
                known.end = Some(match (known.end, end) {
                    (Some(End::Revoked(one)), End::Revoked(other)) => End::Revoked(one.min(other)),
                    (Some(End::Revoked(at)), _) => End::Revoked(at),
                    (None | Some(End::Renewed), end) => end,
                });
            }
        }
        let Some(key) = key else { return };
        if !self
            .0
            .iter()
            .any(|known| known.actor == actor && known.key == key)
        {
            self.0.push(Known {
                actor,
                key,
                account,
                end: None,
            });
        }
    }

    /// What a sound signature of this key is worth.
    fn judge(&self, key: &PublicKey, account: AccountId, received_ms: Option<i64>) -> Standing {
        let of_key = || self.0.iter().filter(|known| known.key == *key);
        if of_key().next().is_none() {
            return Standing::UnknownKey;
        }
        if of_key().any(|known| known.account != account) {
            return Standing::OtherPerson;
        }
        let late = of_key().any(|known| match known.end {
            Some(End::Revoked(at_ms)) => received_ms.is_none_or(|received_ms| received_ms >= at_ms),
            Some(End::Renewed) | None => false,
        });
        if late {
            Standing::AfterRevocation
        } else {
            Standing::Valid
        }
    }
}

/// Computes the hash of every stored change from its bytes, and holds it against the hash that it is
/// stored under, against what other changes build on, and against the heads that the store states.
///
/// # Errors
/// What does not fit, as [`History::Broken`] says it.
pub fn read_history<B: AsRef<[u8]>>(
    id: DocumentId,
    kind: Kind,
    snapshot: Option<&[u8]>,
    changes: &[(ChangeHash, B)],
    heads: &[ChangeHash],
) -> Result<Document, String> {
    let hash_of = |bytes: &[u8]| {
        ChangeHeader::parse(bytes)
            .map(|header| header.hash)
            .map_err(|refusal| format!("a stored change is {}", refusal.code()))
    };
    for (hash, bytes) in changes {
        if hash_of(bytes.as_ref())? != *hash {
            return Err(format!("the bytes of change {hash} are another change's"));
        }
    }
    let document = Document::load(id, kind, snapshot, changes.iter().map(|(_, bytes)| bytes))
        .map_err(|error| error.reason)?;
    let mut seen = BTreeSet::new();
    for hash in document.hashes() {
        let bytes = document
            .change(&hash)
            .ok_or_else(|| format!("change {hash} can't be read"))?;
        let header = ChangeHeader::parse(&bytes)
            .map_err(|refusal| format!("change {hash} is {}", refusal.code()))?;
        if header.hash != hash {
            return Err(format!("change {hash} hashes to {}", header.hash));
        }
        if header.deps.iter().any(|dep| !seen.contains(dep)) {
            return Err(format!("change {hash} lacks what it builds on"));
        }
        seen.insert(hash);
    }
    let mut stated = heads.to_vec();
    stated.sort_unstable();
    if document.heads() != stated {
        return Err("the history ends at other heads than the store states".to_owned());
    }
    if !document.states_itself() {
        return Err("the history is another record's".to_owned());
    }
    Ok(document)
}

/// What every device's signature in a record is worth. `received_ms` says when the server received a change.
pub fn signatures(
    document: &Document,
    keys: &Keys,
    received_ms: impl Fn(&ChangeHash) -> Option<i64>,
) -> Vec<VerifiedSignature> {
    let fields = document.to_json();
    let elements = of_devices(&fields);
    let history = document.history();
    elements
        .iter()
        .map(|(id, element)| {
            let at = Path::new([SIGNATURES, id, "signature"]).ok();
            let written = at.and_then(|at| document.provenance(&at).into_iter().next());
            let received_ms = written.and_then(|written| received_ms(&written.provenance.hash));
            signature(document, keys, &history, (id, element), received_ms)
        })
        .collect()
}

/// The elements that devices signed, and that nobody struck out.
fn of_devices(fields: &Json) -> BTreeMap<&str, &Map<String, Json>> {
    let elements = fields.get(SIGNATURES).and_then(Json::as_object);
    elements
        .into_iter()
        .flatten()
        .filter_map(|(id, element)| Some((id.as_str(), element.as_object()?)))
        .filter(|(_, element)| text(element, "role") == Some(DEVICE))
        .filter(|(_, element)| element.get(REMOVED) != Some(&Json::Bool(true)))
        .collect()
}

fn signature(
    document: &Document,
    keys: &Keys,
    history: &[HistoryEntry],
    (id, element): (&str, &Map<String, Json>),
    received_ms: Option<i64>,
) -> VerifiedSignature {
    let heads = text(element, "heads").and_then(split);
    let account = text(element, "account").and_then(|text| text.parse().ok());
    let device = text(element, "device").and_then(|text| text.parse().ok());
    let signed_ms = element.get("signed_ms").and_then(Json::as_i64);
    let signed = key_and_signature(element);
    let standing = match (&heads, account, device, signed_ms, signed) {
        (Some(heads), Some(account), Some(device), Some(signed_ms), Some((key, signature))) => {
            let statement = HeadsStatement {
                document: document.id(),
                kind: document.kind(),
                heads: heads.clone(),
                account,
                device,
                signed_ms,
            };
            if !key.verifies(&statement.message(), &signature) {
                Standing::Altered
            } else if heads.iter().any(|head| !document.contains(head)) {
                Standing::UnknownHeads
            } else {
                keys.judge(&key, account, received_ms)
            }
        }
        _ => Standing::Incomplete,
    };
    let heads = heads.unwrap_or_default();
    VerifiedSignature {
        id: id.to_owned(),
        standing,
        account,
        name: text(element, "name").unwrap_or_default().to_owned(),
        device,
        key: signed.map(|(key, _)| key),
        signed_ms,
        received_ms,
        since: since(document, history, &heads).map(|since| since.changes),
        heads,
    }
}

/// What every decision of a review is worth. `inspection` is the record that it is about, where it is here.
pub fn decisions(
    review: &Document,
    inspection: Option<&Document>,
    server: &[PublicKey],
) -> Vec<VerifiedDecision> {
    let fields = review.to_json();
    let history = inspection.map(Document::history).unwrap_or_default();
    let elements = fields.get("decisions").and_then(Json::as_object);
    elements
        .into_iter()
        .flatten()
        .filter_map(|(id, element)| Some((id, element.as_object()?)))
        .map(|(id, element)| {
            let statement = id
                .parse()
                .ok()
                .and_then(|id: Uuid| DecisionStatement::of(review.id(), &fields, id));
            let heads = statement
                .as_ref()
                .map(|statement| statement.heads.clone())
                .unwrap_or_default();
            VerifiedDecision {
                id: id.clone(),
                standing: decided(element, statement.as_ref(), inspection, server),
                decision: text(element, "decision").unwrap_or_default().to_owned(),
                account: text(element, "account").and_then(|text| text.parse().ok()),
                decided_ms: element.get("decided_ms").and_then(Json::as_i64),
                since: inspection
                    .and_then(|inspection| since(inspection, &history, &heads))
                    .map(|since| since.changes),
                heads,
            }
        })
        .collect()
}

fn decided(
    element: &Map<String, Json>,
    statement: Option<&DecisionStatement>,
    inspection: Option<&Document>,
    server: &[PublicKey],
) -> Standing {
    let Some(statement) = statement else {
        return Standing::Incomplete;
    };
    if !element.contains_key("key") && !element.contains_key("signature") {
        return Standing::Unsigned;
    }
    let Some((key, signature)) = key_and_signature(element) else {
        return Standing::Incomplete;
    };
    let about_another =
        inspection.is_some_and(|inspection| inspection.id() != statement.inspection);
    if about_another || !key.verifies(&statement.message(), &signature) {
        return Standing::Altered;
    }
    if !server.contains(&key) {
        return Standing::UnknownKey;
    }
    let unknown = |inspection: &Document| {
        statement
            .heads
            .iter()
            .any(|head| !inspection.contains(head))
    };
    if inspection.is_some_and(unknown) {
        return Standing::UnknownHeads;
    }
    Standing::Valid
}

/// What came into a record after a state of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Since {
    /// What alters the record.
    pub changes: Vec<HistoryEntry>,
    /// What is only said about it: comments, and signatures of devices under what it says anyway.
    pub words: Vec<HistoryEntry>,
}

impl HistoryEntry {
    /// Whether it comments on the record, whatever else it does.
    pub fn comments(&self) -> bool {
        let on = |field: &FieldChange| field.path.keys().next() == Some(COMMENTS);
        self.fields.iter().any(on)
    }
}

impl Document {
    /// What came into the record after a state; `None` where that state is not known, or is none. A change that does
    /// anything besides commenting and signing is one that alters the record.
    pub fn since(&self, heads: &[ChangeHash]) -> Option<Since> {
        since(self, &self.history(), heads)
    }
}

fn since(document: &Document, history: &[HistoryEntry], heads: &[ChangeHash]) -> Option<Since> {
    if heads.is_empty() || heads.iter().any(|head| !document.contains(head)) {
        return None;
    }
    let deps: BTreeMap<ChangeHash, &[ChangeHash]> = history
        .iter()
        .map(|entry| (entry.provenance.hash, entry.deps.as_slice()))
        .collect();
    let mut held = BTreeSet::new();
    let mut open = heads.to_vec();
    while let Some(hash) = open.pop() {
        if held.insert(hash) {
            open.extend(deps.get(&hash).copied().unwrap_or_default());
        }
    }
    let fields = document.to_json();
    let signatures = of_devices(&fields);
    let only_says = |entry: &HistoryEntry| {
        !entry.fields.is_empty()
            && entry.fields.iter().all(|field| {
                let mut keys = field.path.keys();
                match (keys.next(), keys.next()) {
                    (Some(COMMENTS), Some(_)) => true,
                    (Some(SIGNATURES), Some(id)) => signatures.contains_key(id),
                    _ => false,
                }
            })
    };
    let later = history
        .iter()
        .filter(|entry| !held.contains(&entry.provenance.hash));
    let (words, changes) = later.cloned().partition(only_says);
    Some(Since { changes, words })
}

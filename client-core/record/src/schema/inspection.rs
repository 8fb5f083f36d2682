//! Fields of an inspection (kiểm tra) and its minutes (biên bản), after the general form of
//! Nghị định 30/2020. Counts and kinds only: no names of suspects or pupils.

use super::{ANSWERS, FieldType::*, KeyType, Node, Node::Field};

pub(super) const FIELDS: &[(&str, Node)] = &[
    ("unit", Field(Uuid)),
    ("campaign", Field(Uuid)),
    ("criteria_code", Field(Line)),
    ("criteria_version", Field(Integer)),
    ("window_start", Field(Date)),
    ("window_end", Field(Date)),
    ("synthetic", Field(Bool)),
    // The head of the minutes.
    ("issuing_body", Field(Line)),
    ("number", Field(Line)),
    ("legal_basis", Field(Block)),
    ("inspected_on", Field(Date)),
    ("started_ms", Field(TimeMs)),
    ("ended_ms", Field(TimeMs)),
    ("place", Field(Line)),
    ("position", Field(Geo)),
    ("copies", Field(Integer)),
    // Who was there.
    (
        "team",
        Node::Collection(
            KeyType::Uuid,
            &[
                ("name", Field(Line)),
                ("title", Field(Line)),
                ("body", Field(Line)),
            ],
        ),
    ),
    (
        "representatives",
        Node::Collection(
            KeyType::Uuid,
            &[("name", Field(Line)), ("title", Field(Line))],
        ),
    ),
    (
        "absentees",
        Node::Collection(
            KeyType::Uuid,
            &[
                ("name", Field(Line)),
                ("title", Field(Line)),
                ("reason", Field(Line)),
            ],
        ),
    ),
    // What was found, criterion by criterion.
    (
        "items",
        Node::Collection(
            KeyType::Code,
            &[
                ("answer", Field(Choice(ANSWERS))),
                ("value", Field(Number)),
                ("note", Field(Text)),
                ("evidence", Node::Collection(KeyType::ContentHash, EVIDENCE)),
            ],
        ),
    ),
    (
        "incidents",
        Node::Collection(
            KeyType::Uuid,
            &[
                ("type", Field(Line)),
                ("date", Field(Date)),
                ("count", Field(Integer)),
                ("reported", Field(Bool)),
                ("outcome", Field(Block)),
            ],
        ),
    ),
    (
        "findings",
        Node::Collection(
            KeyType::Uuid,
            &[
                ("item", Field(Line)),
                ("text", Field(Text)),
                ("remedy", Field(Block)),
                ("owner", Field(Line)),
                ("deadline", Field(Date)),
                ("state", Field(Choice(&["open", "fixed", "verified"]))),
                ("fixed_on", Field(Date)),
                ("verified_on", Field(Date)),
                ("evidence", Node::Collection(KeyType::ContentHash, EVIDENCE)),
            ],
        ),
    ),
    (
        "recommendations",
        Node::Collection(KeyType::Uuid, &[("text", Field(Text)), ("to", Field(Line))]),
    ),
    // The unit's own words, and how the visit ended.
    ("opinion", Field(Text)),
    ("remarks", Field(Text)),
    (
        "signatures",
        Node::Collection(
            KeyType::Uuid,
            &[
                (
                    "role",
                    Field(Choice(&["team", "unit", "witness", "device"])),
                ),
                ("name", Field(Line)),
                ("title", Field(Line)),
                ("image", Field(ContentHash)),
                ("signed_ms", Field(TimeMs)),
                ("refused", Field(Bool)),
                ("refusal_reason", Field(Block)),
                // Of a device, see `attestation`: hexadecimal hashes ascending, joined by spaces, and
                // what was signed with which key for whom.
                ("heads", Field(Block)),
                ("account", Field(Uuid)),
                ("device", Field(Uuid)),
                ("key", Field(Line)),
                ("signature", Field(Line)),
            ],
        ),
    ),
    ("finished", Field(Bool)),
    (
        "comments",
        Node::Collection(
            KeyType::Uuid,
            &[("item", Field(Line)), ("text", Field(Text))],
        ),
    ),
];

/// A photo or scan: what the record says about it. The bytes travel as an attachment.
const EVIDENCE: &[(&str, Node)] = &[
    ("type", Field(Choice(&["photo", "scan", "signature"]))),
    ("caption", Field(Line)),
    ("taken_ms", Field(TimeMs)),
    ("position", Field(Geo)),
    ("bytes", Field(Integer)),
    ("media_type", Field(Line)),
    ("width", Field(Integer)),
    ("height", Field(Integer)),
    ("camera", Field(Line)),
    ("thumbnail", Field(ContentHash)),
];

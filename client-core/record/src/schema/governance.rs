//! Fields of what supervisors and administrators write through the server.

use super::{FieldType::*, KeyType, Node, Node::Field, UNIT_KINDS};

/// Decisions about one inspection, each bound to the exact heads that it was taken on.
pub(super) const REVIEW: &[(&str, Node)] = &[
    ("inspection", Field(Uuid)),
    (
        "decisions",
        Node::Collection(
            KeyType::Uuid,
            &[
                (
                    "decision",
                    Field(Choice(&["returned", "approved", "reopened"])),
                ),
                // Heads of the inspection as hexadecimal hashes in ascending order, joined by spaces.
                ("heads", Field(Block)),
                ("account", Field(Uuid)),
                ("decided_ms", Field(TimeMs)),
                ("reason", Field(Block)),
                // The server's signature, see `attestation`.
                ("key", Field(Line)),
                ("signature", Field(Line)),
            ],
        ),
    ),
    (
        "reasons",
        Node::Collection(
            KeyType::Uuid,
            &[
                ("decision", Field(Uuid)),
                ("item", Field(Line)),
                ("text", Field(Block)),
            ],
        ),
    ),
];

/// A campaign. `sets` holds `agency.criteria` = `CODE@version`; `windows` an ISO 8601 interval.
pub(super) const CAMPAIGN: &[(&str, Node)] = &[
    ("name", Field(Line)),
    ("year", Field(Integer)),
    ("issuing_body", Field(Line)),
    ("legal_basis", Field(Block)),
    ("synthetic", Field(Bool)),
    (
        "sets",
        Node::Flat(
            KeyType::Word(UNIT_KINDS),
            &[
                ("criteria", Line),
                ("window_start", Date),
                ("window_end", Date),
            ],
        ),
    ),
];

/// That a unit is to be inspected in a campaign.
pub(super) const ASSIGNMENT: &[(&str, Node)] = &[
    ("unit", Field(Uuid)),
    ("campaign", Field(Uuid)),
    ("due", Field(Date)),
    ("note", Field(Block)),
    ("cancelled", Field(Bool)),
    (
        "officers",
        Node::Collection(KeyType::Uuid, &[("account", Field(Uuid))]),
    ),
];

/// A published criteria set: the whole set as the JSON of [`crate::criteria`].
pub(super) const CRITERIA: &[(&str, Node)] = &[
    ("code", Field(Line)),
    ("version", Field(Integer)),
    ("title", Field(Line)),
    ("set", Field(Block)),
];

/// An area and who works there. `people` is keyed by account, `actors` by actor, `devices` by device.
pub(super) const AREA: &[(&str, Node)] = &[
    ("name", Field(Line)),
    ("level", Field(Choice(&["province", "district", "commune"]))),
    ("parent", Field(Uuid)),
    ("merged_into", Field(Uuid)),
    (
        "people",
        Node::Flat(
            KeyType::Uuid,
            &[
                ("name", Line),
                ("title", Line),
                ("role", Line),
                ("active", Bool),
            ],
        ),
    ),
    (
        "actors",
        Node::Flat(
            KeyType::Uuid,
            &[
                ("account", Uuid),
                ("device", Uuid),
                ("device_name", Line),
                // The actor's public key, hexadecimal; null once it was revoked.
                ("key", Line),
            ],
        ),
    ),
];

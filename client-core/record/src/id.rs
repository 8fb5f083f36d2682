//! Identifiers. Every id is its own type, so that an area can't be passed where a document is meant.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The 16 bytes of the id, big-endian, as stored in SQLite and sent on the wire.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// An id from the 16 bytes that a database row holds; `None` when the length is wrong.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                Uuid::from_slice(bytes).ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

uuid_newtype!(
    /// One document: a unit, an inspection, a review and so on. UUIDv7 where a person met something
    /// new, UUIDv5 where the identity follows from other ids (see [`crate::genesis`]).
    DocumentId
);
uuid_newtype!(
    /// A commune, or a district above it: the unit of replication and of access.
    AreaId
);
uuid_newtype!(
    /// A person who can sign in: officer, supervisor or administrator.
    AccountId
);
uuid_newtype!(
    /// One installation of the client on one phone or computer.
    DeviceId
);
uuid_newtype!(
    /// The history of one server database. A restore from a backup starts a new one.
    EpochId
);

/// Who wrote a change: 16 bytes, bound to one installation by enrolment, or to one account on the
/// server. Stored in every Automerge change as its actor.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActorId(pub Uuid);

impl ActorId {
    /// The 16 bytes of the actor.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// An actor from the bytes of a change; `None` unless they are exactly 16.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        Uuid::from_slice(bytes).ok().map(Self)
    }

    /// The same actor as Automerge names it.
    pub fn to_automerge(self) -> automerge::ActorId {
        automerge::ActorId::from(self.0.as_bytes().as_slice())
    }
}

impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.simple().fmt(f)
    }
}

impl fmt::Debug for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActorId({})", self.0.simple())
    }
}

impl FromStr for ActorId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}

/// What a document is about. Decides its fields and who may write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A unit (đơn vị): an agency, an enterprise or a school.
    Unit,
    /// An inspection (kiểm tra) of one unit.
    Inspection,
    /// What supervisors decided about one inspection.
    Review,
    /// A campaign (đợt kiểm tra): criteria sets, legal basis and evaluation windows, never changed once published.
    Campaign,
    /// That a unit is to be inspected in a campaign: by whom and until when.
    Assignment,
    /// A published criteria set (bộ tiêu chí).
    Criteria,
    /// An area (địa bàn) with its roster: who works there with which devices.
    Area,
}

impl Kind {
    /// All kinds, in the order of their codes.
    pub const ALL: [Kind; 7] = [
        Kind::Unit,
        Kind::Inspection,
        Kind::Review,
        Kind::Campaign,
        Kind::Assignment,
        Kind::Criteria,
        Kind::Area,
    ];

    /// The name used in SQL, on the wire and in file names.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Unit => "unit",
            Kind::Inspection => "inspection",
            Kind::Review => "review",
            Kind::Campaign => "campaign",
            Kind::Assignment => "assignment",
            Kind::Criteria => "criteria",
            Kind::Area => "area",
        }
    }

    /// The kind of that [`Kind::name`].
    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether an officer's device may write documents of this kind. The others are written by the
    /// server on behalf of supervisors and administrators.
    pub fn device_may_write(self) -> bool {
        matches!(self, Kind::Unit | Kind::Inspection)
    }
}

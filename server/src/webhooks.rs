//! Webhooks: an administrator names addresses, and the server tells them of events over HTTP, signed as Standard
//! Webhooks (<https://www.standardwebhooks.com>) says.
//!
//! An event's delivery is written in the transaction of the event ([`outbox`]), so neither is without the other. It is
//! sent afterwards ([`deliver`]), again and again with growing pauses until it is answered, and at last given up; a
//! receiver may get it twice and knows it by its id. It names ids, kinds, areas, times and what was decided, and nobody.

pub(crate) mod address;
pub(crate) mod deliver;
pub(crate) mod endpoint;
pub(crate) mod outbox;
mod signature;

use utoipa::openapi::{
    RefOr,
    schema::{ObjectBuilder, Schema, Type},
};

macro_rules! events {
    ($($variant:ident $word:literal $vi:literal $en:literal)*) => {
        /// What receivers are told of. The word is what they see.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub(crate) enum Event { $(
            #[doc = $en]
            #[serde(rename = $word)]
            $variant,
        )* }

        impl Event {
            /// Every event that a webhook may be told of.
            pub(crate) const ALL: &[Event] = &[$(Event::$variant,)*];

            pub(crate) fn word(self) -> &'static str { match self { $(Event::$variant => $word,)* } }
            /// What people see.
            pub(crate) fn names(self) -> (&'static str, &'static str) { match self { $(Event::$variant => ($vi, $en),)* } }
        }
    };
}

events! {
    RecordArrived "record.arrived" "Hồ sơ mới về máy chủ" "A record arrived"
    RecordFinished "record.finished" "Cán bộ ghi xong biên bản" "An inspection was finished"
    RecordDecided "record.decided" "Có quyết định về biên bản" "An inspection was decided"
    RecordChangedAfterApproval "record.changed-after-approval" "Biên bản thay đổi sau khi duyệt" "An inspection changed after it was approved"
    UnitDecided "unit.decided" "Có kết quả công nhận của đơn vị trong một năm" "A unit's recognition in a year was decided"
    ChangeQuarantined "change.quarantined" "Thay đổi bị từ chối và lưu giữ" "A change was refused and is kept"
}

// The derive does not see words that come out of a macro.
impl utoipa::PartialSchema for Event {
    fn schema() -> RefOr<Schema> {
        let words = Event::ALL.iter().map(|event| event.word());
        let schema = ObjectBuilder::new().schema_type(Type::String);
        schema.enum_values(Some(words)).into()
    }
}

impl utoipa::ToSchema for Event {}

/// What an administrator sends to see whether the receiver hears it.
pub(crate) const TEST: &str = "webhook.test";

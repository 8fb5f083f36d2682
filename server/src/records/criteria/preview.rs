//! What publishing a criteria file would do: how it reads, what is wrong in it, and how it differs from what is published.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use sokiem_record::criteria::{self, CriteriaSet, Difference, compare};
use utoipa::ToSchema;

use super::{list, shipped};
use crate::{
    accounts::access::Caller,
    app::Shared,
    http::{body::Json, problem::Problem},
};

/// A criteria set to be looked at: one that ships with the server, or a file's text.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Draft {
    /// `CODE@version` of a set that ships with the server.
    #[serde(default)]
    pub(crate) shipped: Option<String>,
    /// The text of a criteria file.
    #[serde(default)]
    pub(crate) toml: Option<String>,
}

/// One thing that is wrong in a file.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = CriteriaFault)]
pub(crate) struct Fault {
    /// The line, from 1; null where it is about the whole file.
    pub(crate) line: Option<usize>,
    /// The item's code or number; null for the set itself.
    pub(crate) item: Option<String>,
    /// What is wrong, in Vietnamese.
    pub(crate) vietnamese: String,
    /// The same in English.
    pub(crate) english: String,
}

impl From<criteria::Fault> for Fault {
    fn from(fault: criteria::Fault) -> Self {
        Self {
            line: fault.line,
            item: fault.item,
            vietnamese: fault.vietnamese,
            english: fault.english,
        }
    }
}

/// How a version stands to what is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = CriteriaStanding)]
pub(crate) enum Standing {
    /// Nobody published this version: it can be published.
    New,
    /// It is published, exactly like this.
    Published,
    /// This version is published and says something else: it never changes, so the number has to be counted up.
    Taken,
}

/// What publishing a file would do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CriteriaPreview)]
pub(crate) struct Preview {
    /// The set; null where something is wrong.
    #[schema(value_type = Option<Object>)]
    pub(crate) set: Option<CriteriaSet>,
    /// What is wrong, in the order of the lines.
    pub(crate) faults: Vec<Fault>,
    /// How the version stands to what is published; null where something is wrong.
    pub(crate) standing: Option<Standing>,
    /// The published version that it was compared with: the same one, else the latest of that code.
    pub(crate) compared_with: Option<list::Listed>,
    /// How it differs from that one, as `GET /api/v1/criteria-sets/compare` says it.
    #[schema(value_type = Option<Object>)]
    pub(crate) difference: Option<Difference>,
}

/// Say what publishing a criteria set would do. Nothing is written.
#[utoipa::path(post, path = "/api/v1/criteria-sets/preview", tag = "records", request_body = Draft,
    responses((status = 200, body = Preview), (status = 403, description = "forbidden"), (status = 422, description = "invalid")),
    security(("session" = [])))]
pub(crate) async fn preview(
    State(app): Shared,
    caller: Caller,
    Json(draft): Json<Draft>,
) -> Result<Json<Preview>, Problem> {
    let set = match (&draft.shipped, &draft.toml) {
        (Some(reference), None) => Ok(shipped(reference).ok_or_else(|| {
            Problem::invalid("shipped: no such set ships with this server")
                .vietnamese("Máy chủ không kèm bộ tiêu chí này.")
        })?),
        (None, Some(text)) => criteria::validate("toml", text),
        _ => return Err(Problem::invalid("Give either shipped or toml")),
    };
    let set = match set {
        Ok(set) => set,
        Err(mut faults) => {
            faults.sort_by_key(|fault| fault.line);
            return Ok(Json(Preview {
                set: None,
                faults: faults.into_iter().map(Fault::from).collect(),
                standing: None,
                compared_with: None,
                difference: None,
            }));
        }
    };
    app.store
        .read(move |sql| {
            let published = list::all(sql, &caller.areas(sql)?)?;
            let mut same_code = published.into_iter().filter(|one| one.set.code == set.code);
            // The latest comes first; the very version, where it is there, is what counts.
            let other = {
                let all: Vec<list::One> = same_code.by_ref().collect();
                let same = all.iter().position(|one| one.set.version == set.version);
                all.into_iter().nth(same.unwrap_or(0))
            };
            let standing = match &other {
                Some(one) if one.set == set => Standing::Published,
                Some(one) if one.set.version == set.version => Standing::Taken,
                _ => Standing::New,
            };
            Ok(Json(Preview {
                difference: other.as_ref().map(|one| compare(&one.set, &set)),
                compared_with: other.map(|one| one.listed),
                standing: Some(standing),
                faults: Vec::new(),
                set: Some(set),
            }))
        })
        .await
}

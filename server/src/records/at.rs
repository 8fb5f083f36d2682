//! Which state of a record a request is about.

use serde::Deserialize;
use sokiem_record::document::Document;

use crate::{http::problem::Problem, records::heads};

/// A state of a record.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct At {
    /// Heads of an earlier state, joined by commas; empty for the present.
    #[serde(default)]
    pub(crate) at: String,
}

impl At {
    /// The earlier state; `None` for the present one.
    pub(crate) fn of(&self, document: &Document) -> Result<Option<Document>, Problem> {
        let texts: Vec<String> = self
            .at
            .split(',')
            .filter(|head| !head.is_empty())
            .map(str::to_owned)
            .collect();
        if texts.is_empty() {
            return Ok(None);
        }
        let then = document.at(&heads::parse(&texts)?);
        let then = then.ok_or_else(|| Problem::invalid("at: not a state of this record"))?;
        Ok((then.heads() != document.heads()).then_some(then))
    }
}

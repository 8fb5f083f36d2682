//! Publishing campaigns (đợt kiểm tra).

use std::collections::BTreeMap;

use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::Value;
use sokiem_record::{
    criteria,
    edit::Edit,
    id::{AreaId, DocumentId, Kind},
    is_date, schema,
    typed::UnitKind,
};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    accounts::access::Caller,
    app::Shared,
    audit::{self, Action, Entry},
    http::{body::Json, problem::Problem},
    records::{
        change::{Made, expect_area},
        criteria::published,
    },
    store::Writing,
    sync::author,
};

/// A campaign.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCampaign {
    /// The area under which it is held.
    pub(crate) area: Uuid,
    /// What it is called.
    pub(crate) name: String,
    /// The year that it is about.
    pub(crate) year: i64,
    /// Who ordered it.
    #[serde(default)]
    pub(crate) issuing_body: Option<String>,
    /// Decision or plan.
    #[serde(default)]
    pub(crate) legal_basis: Option<String>,
    /// Whether its records are made up, for a demonstration.
    #[serde(default)]
    pub(crate) synthetic: bool,
    /// The criteria and the window for each kind of unit: `agency`, `enterprise`, `school`.
    #[schema(schema_with = described_sets)]
    pub(crate) sets: BTreeMap<UnitKind, Set>,
}

/// An object with a set for each kind of unit that the campaign is about.
fn described_sets() -> utoipa::openapi::schema::Object {
    use utoipa::{
        PartialSchema as _,
        openapi::schema::{AdditionalProperties, ObjectBuilder},
    };
    let sets = ["agency", "enterprise", "school"].into_iter();
    let sets = sets.fold(ObjectBuilder::new(), |object, kind| {
        object.property(kind, Set::schema())
    });
    let nothing_else = AdditionalProperties::FreeForm(false);
    sets.additional_properties(Some(nothing_else)).build()
}

/// Criteria and window for one kind of unit.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Set {
    /// `CODE@version` of a published set.
    pub(crate) criteria: String,
    /// First day of the evaluation window, `YYYY-MM-DD`.
    #[serde(default)]
    pub(crate) window_start: Option<String>,
    /// Last day of the evaluation window, `YYYY-MM-DD`.
    #[serde(default)]
    pub(crate) window_end: Option<String>,
}

/// Publish a campaign.
#[utoipa::path(post, path = "/api/v1/campaigns", tag = "records", request_body = NewCampaign,
    responses((status = 201, body = Made), (status = 403, description = "forbidden"), (status = 422, description = "invalid")),
    security(("session" = [])))]
pub(crate) async fn create(
    State(app): Shared,
    caller: Caller,
    Json(body): Json<NewCampaign>,
) -> Result<(StatusCode, Json<Made>), Problem> {
    let (id, area, pen) = (
        DocumentId(app.machine.new_id()?),
        AreaId(body.area),
        caller.pen(&app),
    );
    app.store
        .write(move |writing| {
            expect_area(writing, &caller, area)?;
            if body.name.trim().is_empty() {
                return Err(Problem::invalid("name: what the campaign is called")
                    .vietnamese("Hãy đặt tên cho đợt kiểm tra."));
            }
            if body.sets.is_empty() {
                return Err(
                    Problem::invalid("sets: the criteria of at least one kind of unit")
                        .vietnamese("Hãy chọn bộ tiêu chí cho ít nhất một loại đơn vị."),
                );
            }
            let edits = sets(writing, &body.sets)?;
            let mut fields = vec![
                ("name", Value::from(body.name)),
                ("year", body.year.into()),
                ("synthetic", body.synthetic.into()),
            ];
            fields.extend(body.issuing_body.map(|text| ("issuing_body", text.into())));
            fields.extend(body.legal_basis.map(|text| ("legal_basis", text.into())));
            author::begin(writing, pen, area, id, Kind::Campaign, &fields, &edits)?;
            let entry = Entry::new(Action::CampaignMade).by(caller.account);
            audit::note(writing, entry.on("campaign", id).area(area))?;
            Ok::<_, Problem>(())
        })
        .await?;
    Ok((StatusCode::CREATED, Json(Made { id: id.0 })))
}

/// The steps that write the sets, each of which has to be published and meant for that kind of unit.
fn sets(writing: &Writing<'_>, sets: &BTreeMap<UnitKind, Set>) -> Result<Vec<Edit>, Problem> {
    let mut edits = Vec::new();
    for (kind, set) in sets {
        let (code, version) = criteria::parse_reference(&set.criteria)
            .ok_or_else(|| Problem::invalid("criteria: CODE@version"))?;
        let published = published(writing.sql, code, version)?.ok_or_else(|| {
            Problem::invalid(format!("criteria: {code}@{version} is not published"))
        })?;
        if !published.unit_kinds.contains(kind) {
            return Err(Problem::invalid(format!(
                "criteria: {code}@{version} is not for units of the kind {}",
                kind.name()
            ))
            .vietnamese(format!(
                "Bộ tiêu chí {code}@{version} không dành cho loại đơn vị này."
            )));
        }
        let window = [
            ("window_start", &set.window_start),
            ("window_end", &set.window_end),
        ];
        if set.window_start.is_some() != set.window_end.is_some()
            || window
                .iter()
                .any(|(_, day)| day.as_deref().is_some_and(|day| !is_date(day)))
            || set.window_start > set.window_end
        {
            return Err(Problem::invalid(
                "A window has a first and a last day, YYYY-MM-DD, in this order",
            )
            .vietnamese(
                "Thời gian đánh giá cần cả ngày đầu và ngày cuối, ngày đầu không sau ngày cuối.",
            ));
        }
        let mut put = |field: &str, value: &str| -> Result<(), Problem> {
            let path = schema::Path::new(["sets", &format!("{}.{field}", kind.name())])
                .map_err(|error| Problem::invalid(error.to_string()))?;
            edits.push(Edit::Set {
                path,
                value: value.into(),
            });
            Ok(())
        };
        put("criteria", &set.criteria)?;
        for (field, day) in window {
            if let Some(day) = day {
                put(field, day)?;
            }
        }
    }
    Ok(edits)
}

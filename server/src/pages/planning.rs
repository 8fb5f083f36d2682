//! Planning: the campaigns, how far each has come, and who is to inspect which unit until when.

pub(crate) mod assignment;
pub(crate) mod campaign;
pub(crate) mod new;

use askama::Template;
use axum::{extract::State, response::Response};
use uuid::Uuid;

use super::{
    choices,
    frame::{self, Frame, Visitor},
};
use crate::{
    app::Shared,
    http::problem::Problem,
    records::progress::{self, Counts},
};

/// A campaign and how far it has come.
struct Campaign {
    id: String,
    name: String,
    total: Counts,
}

#[derive(Template)]
#[template(path = "planning/overview.html")]
struct Overview<'a> {
    frame: Frame<'a>,
    campaigns: Vec<Campaign>,
}

/// The campaigns of the visitor's areas, the latest first.
#[utoipa::path(get, path = "/planning", tag = "pages",
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 403, description = "forbidden")))]
pub(crate) async fn list(State(app): Shared, visitor: Visitor) -> Result<Response, Problem> {
    let (caller, today) = (visitor.caller.clone(), app.machine.today());
    let campaigns = app
        .store
        .read(move |sql| {
            let areas = caller.areas(sql)?;
            let mut totals = progress::totals(sql, &areas, &today)?;
            let campaigns = choices::campaigns(sql, &areas)?;
            let campaign = |(id, name): (Uuid, String)| Campaign {
                id: id.to_string(),
                name,
                total: totals.remove(&id).unwrap_or_default(),
            };
            Ok::<_, Problem>(campaigns.into_iter().map(campaign).collect())
        })
        .await?;
    frame::page(&Overview {
        frame: Frame::of(&visitor),
        campaigns,
    })
}

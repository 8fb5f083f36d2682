//! Areas as the tree that they are, and making one.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{
    Form,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use sokiem_record::id::AreaId;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Place;
use crate::{
    accounts::access::by_form,
    app::{App, Shared},
    areas::area::{self, Area, Level, NewArea},
    http::{body::Json, problem::Problem},
    pages::frame::{self, Frame, Visitor},
};

/// An area at its place in the tree.
pub(crate) struct Branch {
    pub(crate) area: Area,
    /// How many areas are above it.
    pub(crate) depth: usize,
}

impl Branch {
    /// What sets it off from what is above it where only text is possible.
    pub(crate) fn indent(&self) -> String {
        "\u{2003}".repeat(self.depth)
    }
}

/// The areas from the top down, each with what is below it following. An area whose parent is not among them is a top.
fn tree(areas: Vec<Area>) -> Vec<Branch> {
    let known: Vec<Uuid> = areas.iter().map(|area| area.id).collect();
    let mut below: BTreeMap<Option<Uuid>, Vec<Area>> = BTreeMap::new();
    for area in areas {
        let parent = area.parent.filter(|parent| known.contains(parent));
        below.entry(parent).or_default().push(area);
    }
    let mut open: Vec<(Area, usize)> = Vec::new();
    let mut push = |open: &mut Vec<(Area, usize)>, parent, depth| {
        let children = below.remove(&parent).unwrap_or_default();
        open.extend(children.into_iter().rev().map(|area| (area, depth)));
    };
    push(&mut open, None, 0);
    let mut branches = Vec::new();
    while let Some((area, depth)) = open.pop() {
        push(&mut open, Some(area.id), depth + 1);
        branches.push(Branch { area, depth });
    }
    branches
}

/// The areas that the visitor may administrate, as a tree, without those that have become part of others.
pub(crate) async fn own(app: Arc<App>, visitor: &Visitor) -> Result<Vec<Branch>, Problem> {
    let Json(areas) = area::list(State(app.clone()), visitor.caller.clone()).await?;
    let caller = visitor.caller.clone();
    let mine = app.store.read(move |sql| caller.areas(sql)).await?;
    let areas = areas
        .into_iter()
        .filter(|area| area.merged_into.is_none() && mine.writable(AreaId(area.id)));
    Ok(tree(areas.collect()))
}

/// What a form's choice of an area says; empty for none.
pub(crate) fn chosen(text: &str) -> Result<Option<Uuid>, Problem> {
    match text.trim() {
        "" => Ok(None),
        text => text
            .parse()
            .map(Some)
            .map_err(|_| Problem::invalid("area: an id")),
    }
}

/// What a level is called.
pub(super) fn level(name: &str) -> (&'static str, &'static str) {
    match name {
        "province" => ("Tỉnh", "Province"),
        "district" => ("Huyện", "District"),
        _ => ("Xã", "Commune"),
    }
}

#[derive(Template)]
#[template(path = "admin/areas.html")]
struct Page<'a> {
    frame: Frame<'a>,
    place: Place<'a>,
    branches: Vec<Branch>,
}

impl Page<'_> {
    /// What the area is called that another one has become part of.
    fn name(&self, area: &Uuid) -> &str {
        let branch = self.branches.iter().find(|branch| branch.area.id == *area);
        branch.map_or("…", |branch| &branch.area.name)
    }
}

/// Areas as a page.
#[utoipa::path(get, path = "/admin/areas", tag = "pages",
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 403, description = "forbidden")))]
pub(crate) async fn list(State(app): Shared, visitor: Visitor) -> Result<Response, Problem> {
    let Json(areas) = area::list(State(app), visitor.caller.clone()).await?;
    frame::page(&Page {
        frame: Frame::of(&visitor),
        place: Place::new(&visitor, "/admin/areas"),
        branches: tree(areas),
    })
}

/// The form for a new area.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAreaForm)]
pub(crate) struct NewForm {
    name: String,
    level: Level,
    /// Empty for none.
    parent: String,
    csrf: String,
}

/// Make an area by form.
#[utoipa::path(post, path = "/admin/areas", tag = "pages",
    request_body(content = NewForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Made"), (status = 403, description = "forbidden"), (status = 422, description = "invalid")))]
pub(crate) async fn create(
    State(app): Shared,
    headers: HeaderMap,
    Form(form): Form<NewForm>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let body = NewArea {
        name: form.name,
        level: form.level,
        parent: chosen(&form.parent)?,
    };
    area::create(State(app), caller, Json(body)).await?;
    Ok(Redirect::to("/admin/areas").into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(n: u128, parent: Option<u128>) -> Area {
        Area {
            id: Uuid::from_u128(n),
            name: n.to_string(),
            level: "commune".to_owned(),
            parent: parent.map(Uuid::from_u128),
            merged_into: None,
            last_seq: 0,
            documents: 0,
        }
    }

    #[test]
    fn every_area_stands_below_its_parent_and_none_is_lost() {
        let areas = vec![
            area(4, Some(2)),
            area(1, None),
            area(2, Some(1)),
            area(3, Some(1)),
            area(7, Some(99)),
        ];
        let shown: Vec<(String, usize)> = tree(areas)
            .into_iter()
            .map(|branch| (branch.area.name, branch.depth))
            .collect();
        let shown: Vec<(&str, usize)> = shown
            .iter()
            .map(|(name, depth)| (name.as_str(), *depth))
            .collect();
        assert_eq!(shown, [("1", 0), ("2", 1), ("4", 2), ("3", 1), ("7", 0)]);
    }
}

//! One more actor for a device that was cloned or restored from a backup.

use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    accounts::grant,
    app::Shared,
    audit::{self, Action, Entry},
    devices::{
        credential::DeviceCaller,
        enrolment::{actor, bind_actor},
    },
    http::{body::Json, problem::Problem},
    store::id,
    sync::author::Pen,
};

/// The actor that the device will write with from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewActor {
    /// 32 hexadecimal digits, freshly drawn.
    actor: String,
}

/// Bind a new actor to this device, after `forked-actor`. Doing so twice is the same as once.
#[utoipa::path(post, path = "/api/device/v1/actors", tag = "device", request_body = NewActor,
    responses(
        (status = 204, description = "Bound"),
        (status = 422, description = "invalid: not an actor, another device's, or too many")),
    security(("device" = [])))]
pub(crate) async fn add(
    State(app): Shared,
    caller: DeviceCaller,
    Json(body): Json<NewActor>,
) -> Result<StatusCode, Problem> {
    let actor = actor(&body.actor)?;
    let (most, epoch) = (app.config.limits.actors_per_device, app.epoch);
    app.store
        .write(move |writing| {
            let mut statement = writing
                .sql
                .prepare_cached("SELECT actor FROM actors WHERE device = ?1")?;
            let bound: Vec<sokiem_record::id::ActorId> = statement
                .query_map([caller.device.as_bytes().as_slice()], |row| id::id(row, 0))?
                .collect::<Result<_, _>>()?;
            if bound.contains(&actor) {
                return Ok(());
            }
            if bound.len() >= most as usize {
                return Err(Problem::invalid(
                    "This device has had too many actors: enrol it anew",
                ));
            }
            bind_actor(writing, actor, caller.account, caller.device)?;
            let entry = Entry::new(Action::ActorBound).by(caller.account);
            let entry = entry.with_device(caller.device).on("device", caller.device);
            audit::note(writing, entry.detail("actor", actor.to_string()))?;
            grant::enter_everywhere(
                writing,
                Pen {
                    epoch,
                    account: caller.account,
                },
                caller.account,
            )
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

//! Webhooks on pages: whom the server tells of events, and what became of it.

use std::sync::Arc;

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Place, account_page::Sure};
use crate::{
    accounts::access::by_form,
    app::{App, Shared},
    http::{
        body::{Json, Parameters},
        problem::Problem,
    },
    pages::{
        again::Failed,
        confirm::Confirm,
        frame::{self, Frame, Visitor},
    },
    webhooks::{
        Event, address, deliver,
        endpoint::{
            self, Delivery, NewWebhook, Standing, Webhook, WebhookChange, Which, WithSecret,
        },
        outbox,
    },
};

#[derive(Template)]
#[template(path = "admin/webhooks.html")]
struct ListPage<'a> {
    frame: Frame<'a>,
    place: Place<'a>,
    webhooks: &'a [Webhook],
    /// The form for a new one.
    form: &'a Entered,
}

/// What stands in the form of a webhook.
#[derive(Default)]
struct Entered {
    url: String,
    events: Vec<Event>,
    /// What is wrong with it.
    complaint: Option<String>,
}

/// Webhooks as a page.
#[utoipa::path(get, path = "/admin/webhooks", tag = "pages",
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 403, description = "forbidden")))]
pub(crate) async fn list(State(app): Shared, visitor: Visitor) -> Result<Response, Problem> {
    list_page(app, &visitor, &Entered::default()).await
}

async fn list_page(app: Arc<App>, visitor: &Visitor, form: &Entered) -> Result<Response, Problem> {
    let Json(webhooks) = endpoint::list(State(app), visitor.caller.clone()).await?;
    frame::page(&ListPage {
        frame: Frame::of(visitor),
        place: Place::new(visitor, "/admin/webhooks"),
        webhooks: &webhooks,
        form,
    })
}

/// The form that makes or changes a webhook.
#[derive(Default, ToSchema)]
pub(crate) struct WebhookForm {
    url: String,
    /// Of what; the field may stand more than once.
    event: Vec<Event>,
    csrf: String,
}

impl WebhookForm {
    fn read(pairs: Vec<(String, String)>) -> Result<Self, Problem> {
        let mut form = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "url" => form.url = value,
                "event" => {
                    let event = Event::ALL.iter().find(|event| event.word() == value);
                    let event = event.ok_or_else(|| Problem::invalid("event: unknown"))?;
                    form.event.push(*event);
                }
                "csrf" => form.csrf = value,
                _ => return Err(Problem::invalid("there is no such field")),
            }
        }
        Ok(form)
    }

    /// The form as it was sent, to be shown again, with the status of what is wrong.
    fn again(self, failed: Failed) -> Result<(StatusCode, Entered), Problem> {
        let (status, complaint) = failed.explained()?;
        let again = Entered {
            url: self.url,
            events: self.event,
            complaint: Some(complaint),
        };
        Ok((status, again))
    }
}

#[derive(Template)]
#[template(path = "admin/webhook_secret.html")]
struct SecretPage<'a> {
    frame: Frame<'a>,
    place: Place<'a>,
    made: &'a WithSecret,
}

fn secret_page(visitor: &Visitor, made: &WithSecret) -> Result<Response, Problem> {
    frame::page(&SecretPage {
        frame: Frame::of(visitor),
        place: Place::new(visitor, "/admin/webhooks"),
        made,
    })
}

/// Make a webhook by form; its secret is shown once.
#[utoipa::path(post, path = "/admin/webhooks", tag = "pages",
    request_body(content = WebhookForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, content_type = "text/html", body = String), (status = 403, description = "forbidden"),
        (status = 422, content_type = "text/html", description = "The form again, with what is wrong", body = String)))]
pub(crate) async fn create(
    State(app): Shared,
    visitor: Visitor,
    headers: HeaderMap,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let form = WebhookForm::read(pairs)?;
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let body = NewWebhook {
        url: form.url.clone(),
        events: form.event.clone(),
    };
    match endpoint::create(State(app.clone()), caller, Json(body)).await {
        Ok((_, Json(made))) => secret_page(&visitor, &made),
        Err(problem) => {
            let (status, form) = form.again(problem.into())?;
            Ok((status, list_page(app, &visitor, &form).await?).into_response())
        }
    }
}

#[derive(Template)]
#[template(path = "admin/webhook.html")]
struct OnePage<'a> {
    frame: Frame<'a>,
    place: Place<'a>,
    webhook: &'a Webhook,
    form: &'a Entered,
    deliveries: &'a [Delivery],
    /// Which of them.
    only: Option<Standing>,
    /// The last one on the page, where there may be more.
    more: Option<Uuid>,
}

/// Deliveries on a page.
const DELIVERIES: usize = 50;

/// In what state a delivery is.
fn state(delivery: &Delivery) -> (&'static str, &'static str) {
    match delivery.state {
        Standing::Delivered => ("đã gửi", "delivered"),
        Standing::GivenUp => ("đã thôi gửi", "given up"),
        Standing::Waiting if delivery.attempts == 0 => ("chờ gửi", "waiting"),
        Standing::Waiting => ("sẽ gửi lại", "to be tried again"),
    }
}

/// Why there was no answer, in Vietnamese.
fn why(english: &str) -> &'static str {
    match english {
        deliver::NO_TIME | deliver::NO_LOOK_UP => "không trả lời kịp",
        deliver::NO_HOST | address::NO_ADDRESS => "không tìm thấy máy có tên này",
        deliver::NO_CONNECTION => "không kết nối được",
        address::PRIVATE => "máy ở mạng nội bộ mà cấu hình chưa cho phép",
        outbox::TOO_MANY => "quá nhiều thông báo đang chờ",
        _ => "không gửi được",
    }
}

async fn find(app: Shared, visitor: &Visitor, id: Uuid) -> Result<Webhook, Problem> {
    let Json(webhooks) = endpoint::list(app, visitor.caller.clone()).await?;
    let found = webhooks.into_iter().find(|webhook| webhook.id == id);
    found.ok_or_else(Problem::not_found)
}

/// A webhook as a page.
#[utoipa::path(get, path = "/admin/webhooks/{id}", tag = "pages", params(("id" = Uuid, Path, description = "The webhook"), Which),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 404, description = "not-found")))]
pub(crate) async fn show(
    State(app): Shared,
    visitor: Visitor,
    Path(id): Path<Uuid>,
    Parameters(which): Parameters<Which>,
) -> Result<Response, Problem> {
    one_page(app, &visitor, id, which, None).await
}

/// The page of a webhook; its form as it was `entered`, else as the webhook is.
async fn one_page(
    app: Arc<App>,
    visitor: &Visitor,
    id: Uuid,
    which: Which,
    entered: Option<Entered>,
) -> Result<Response, Problem> {
    let webhook = find(State(app.clone()), visitor, id).await?;
    let form = entered.unwrap_or_else(|| Entered {
        url: webhook.url.clone(),
        events: webhook.events.clone(),
        complaint: None,
    });
    let only = which.state;
    let which = Parameters(Which {
        limit: u32::try_from(DELIVERIES).ok(),
        ..which
    });
    let Json(deliveries) =
        endpoint::deliveries(State(app), visitor.caller.clone(), Path(id), which).await?;
    let last = deliveries.last();
    frame::page(&OnePage {
        frame: Frame::of(visitor),
        place: Place::new(visitor, "/admin/webhooks"),
        more: last
            .filter(|_| deliveries.len() == DELIVERIES)
            .map(|last| last.id),
        webhook: &webhook,
        form: &form,
        deliveries: &deliveries,
        only,
    })
}

fn to_page(id: Uuid) -> Response {
    Redirect::to(&format!("/admin/webhooks/{id}")).into_response()
}

/// Change a webhook by form.
#[utoipa::path(post, path = "/admin/webhooks/{id}", tag = "pages", params(("id" = Uuid, Path, description = "The webhook")),
    request_body(content = WebhookForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Changed"), (status = 403, description = "forbidden"),
        (status = 422, content_type = "text/html", description = "The form again, with what is wrong", body = String)))]
pub(crate) async fn change(
    State(app): Shared,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let form = WebhookForm::read(pairs)?;
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let body = WebhookChange {
        url: Some(form.url.clone()),
        events: Some(form.event.clone()),
        enabled: None,
    };
    let changed = endpoint::change(State(app.clone()), caller.clone(), Path(id), Json(body)).await;
    let Err(problem) = changed else {
        return Ok(to_page(id));
    };
    let csrf = form.csrf.clone();
    let (status, form) = form.again(problem.into())?;
    let visitor = Visitor { caller, csrf };
    let page = one_page(app, &visitor, id, Which::default(), Some(form)).await?;
    Ok((status, page).into_response())
}

/// A form that does one thing with a webhook.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActForm {
    /// `start`, `stop`, `test` or `retry`.
    act: String,
    csrf: String,
}

/// Start, stop, try a webhook by form.
#[utoipa::path(post, path = "/admin/webhooks/{id}/act", tag = "pages", params(("id" = Uuid, Path, description = "The webhook")),
    request_body(content = ActForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Done"), (status = 403, description = "forbidden"), (status = 422, description = "invalid")))]
pub(crate) async fn act(
    State(app): Shared,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(form): Form<ActForm>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    match form.act.as_str() {
        "start" | "stop" => {
            let body = WebhookChange {
                enabled: Some(form.act == "start"),
                ..WebhookChange::default()
            };
            endpoint::change(State(app), caller, Path(id), Json(body)).await?;
        }
        "test" => {
            endpoint::test(State(app), caller, Path(id)).await?;
        }
        "retry" => {
            endpoint::retry(State(app), caller, Path(id)).await?;
        }
        _ => return Err(Problem::invalid("act: start, stop, test or retry")),
    }
    Ok(to_page(id))
}

/// Ask before a webhook gets a new secret.
#[utoipa::path(get, path = "/admin/webhooks/{id}/secret", tag = "pages", params(("id" = Uuid, Path, description = "The webhook")),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 404, description = "not-found")))]
pub(crate) async fn ask_rotate(
    State(app): Shared,
    visitor: Visitor,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let webhook = find(State(app), &visitor, id).await?;
    Confirm::new(
        &visitor,
        ("Đổi khoá ký?", "Make a new secret?"),
        format!("/admin/webhooks/{id}/secret"),
    )
    .about(webhook.url)
    .happens(
        "Khoá mới hiện ra một lần trên trang sau; hãy chép sang nơi nhận.",
        "The new one is shown once, on the next page; take it to the receiver.",
    )
    .happens(
        "Trong một ngày mỗi lần gửi mang cả hai chữ ký, sau đó khoá cũ hết hiệu lực.",
        "For a day requests carry both signatures; then the old one is no longer good.",
    )
    .button("Đổi khoá", "Make it")
    .back(format!("/admin/webhooks/{id}"))
    .page()
}

/// Give a webhook a new secret by form; it is shown once.
#[utoipa::path(post, path = "/admin/webhooks/{id}/secret", tag = "pages", params(("id" = Uuid, Path, description = "The webhook")),
    request_body(content = Sure, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, content_type = "text/html", body = String), (status = 403, description = "forbidden"), (status = 404, description = "not-found")))]
pub(crate) async fn rotate(
    State(app): Shared,
    visitor: Visitor,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(form): Form<Sure>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    let (_, Json(made)) = endpoint::rotate(State(app), caller, Path(id)).await?;
    secret_page(&visitor, &made)
}

/// Ask before a webhook is removed.
#[utoipa::path(get, path = "/admin/webhooks/{id}/remove", tag = "pages", params(("id" = Uuid, Path, description = "The webhook")),
    responses((status = 200, content_type = "text/html", body = String), (status = 303, description = "Not signed in"), (status = 404, description = "not-found")))]
pub(crate) async fn ask_remove(
    State(app): Shared,
    visitor: Visitor,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let webhook = find(State(app), &visitor, id).await?;
    Confirm::new(
        &visitor,
        ("Xoá webhook?", "Remove the webhook?"),
        format!("/admin/webhooks/{id}/remove"),
    )
    .about(webhook.url)
    .happens(
        "Những gì đang chờ gửi tới đó cũng bị xoá. Không hoàn tác được.",
        "What waits to be sent there goes too. This is not undone.",
    )
    .button("Xoá", "Remove")
    .back(format!("/admin/webhooks/{id}"))
    .page()
}

/// Remove a webhook by form.
#[utoipa::path(post, path = "/admin/webhooks/{id}/remove", tag = "pages", params(("id" = Uuid, Path, description = "The webhook")),
    request_body(content = Sure, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Removed"), (status = 403, description = "forbidden"), (status = 404, description = "not-found")))]
pub(crate) async fn remove(
    State(app): Shared,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(form): Form<Sure>,
) -> Result<Response, Problem> {
    let caller = by_form(&app, &headers, &form.csrf).await?;
    endpoint::remove(State(app), caller, Path(id)).await?;
    Ok(Redirect::to("/admin/webhooks").into_response())
}

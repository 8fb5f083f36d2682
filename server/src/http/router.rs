//! Every route of the server, in one place, and the layers around them.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{Extensions, HeaderMap, HeaderName, StatusCode, Version, header},
    middleware::{from_fn, from_fn_with_state, map_response},
};
use serde_json::Value;
use sokiem_record::limits;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer,
        predicate::{DefaultPredicate, NotForContentType, Predicate, SizeAbove},
    },
    decompression::RequestDecompressionLayer,
    request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
    sensitive_headers::SetSensitiveRequestHeadersLayer,
};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt as _},
    routes,
};

use crate::{
    accounts::{
        access::CSRF_HEADER, account, changing, grant, own, policy, provider::identity,
        second_factor::endpoint as second_factor, session,
    },
    app::App,
    areas::{area, merging, moving, placing},
    attachments::{download, listing, token, upload},
    audit::endpoint as audit,
    backup::state,
    devices::{actor, code, device, enrolment, key, wipe},
    field_app::serve as field_app,
    http::{
        access_log, body, description, headers, health,
        problem::{self, Cause, Problem},
    },
    pages,
    platform::Machine,
    records::export as records_export,
    records::{
        assignment, attribution, campaign, change, comment, criteria, decision,
        import::endpoint as unit_import, inbox, joining, list, minutes, progress, quarantine,
        record, verify, year,
    },
    recovery::endpoint as recovery,
    report::{behind, endpoint as report, export as report_export},
    retention::{self, hold},
    signing,
    sync::{events, exchange, reconcile},
    webhooks::endpoint as webhooks,
};

#[derive(OpenApi)]
#[openapi(
    info(title = "Sổ Kiểm", description = "Sync for devices, review and reports for supervisors. Errors are RFC 9457 problem documents."),
    modifiers(&Credentials)
)]
struct Api;

struct Credentials;

impl Modify for Credentials {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let components = api.components.get_or_insert_default();
        let session = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The token of POST /api/v1/session, or its cookie"));
        components.add_security_scheme("session", SecurityScheme::Http(session.build()));
        let upload = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The token of POST /api/device/v1/attachments/token"));
        components.add_security_scheme("upload", SecurityScheme::Http(upload.build()));
        let device = ApiKeyValue::with_description(
            "signature",
            "HTTP Message Signature (RFC 9421) with the device's key: docs/sync-protocol.md, section 3",
        );
        components.add_security_scheme("device", SecurityScheme::ApiKey(ApiKey::Header(device)));
        let cookie = ApiKeyValue::with_description(
            "__Host-sokiem_session",
            "The cookie of a session; without the prefix where cookies go over plain HTTP",
        );
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
        let csrf = ApiKeyValue::with_description(
            CSRF_HEADER,
            "What changes something by cookie also says the `csrf` of POST /api/v1/session",
        );
        components.add_security_scheme("csrf", SecurityScheme::ApiKey(ApiKey::Header(csrf)));
    }
}

/// The routes with their documentation. A route that is added in another way than `routes!` would be
/// missing in the OpenAPI document; a test looks for that.
fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Api::openapi())
        .routes(routes!(pages::landing::page))
        .routes(routes!(pages::assets::show))
        .routes(routes!(field_app::redirect))
        .routes(routes!(field_app::index))
        .routes(routes!(field_app::top))
        .routes(routes!(field_app::inner))
        .routes(routes!(pages::assets::favicon))
        .routes(routes!(pages::sign_in::show, pages::sign_in::submit))
        .routes(routes!(
            pages::sign_in::show_code,
            pages::sign_in::submit_code
        ))
        .routes(routes!(pages::provider::go))
        .routes(routes!(pages::provider::back))
        .routes(routes!(pages::sign_in::sign_out))
        .routes(routes!(pages::inbox::show))
        .routes(routes!(pages::news::stream))
        .routes(routes!(pages::list::show))
        .routes(routes!(
            pages::unit_import::show,
            pages::unit_import::import
        ))
        .routes(routes!(pages::unit_import::preview))
        .routes(routes!(pages::record::show))
        .routes(routes!(pages::record::settle::settle))
        .routes(routes!(pages::record::decide::decide))
        .routes(routes!(pages::record::comment::add))
        .routes(routes!(pages::record::finding::add))
        .routes(routes!(pages::record::finding::move_on))
        .routes(routes!(
            pages::record::year::show,
            pages::record::year::write
        ))
        .routes(routes!(
            pages::record::settle::show,
            pages::record::settle::correct
        ))
        .routes(routes!(pages::minutes::show))
        .routes(routes!(minutes::code))
        .routes(routes!(pages::report::show))
        .routes(routes!(pages::report::records))
        .routes(routes!(pages::report::print))
        .routes(routes!(pages::quarantine::list))
        .routes(
            routes!(
                pages::quarantine::import::show,
                pages::quarantine::import::import
            )
            .layer(DefaultBodyLimit::max(2 * quarantine::import::MOST_BYTES)),
        )
        .routes(routes!(pages::quarantine::show))
        .routes(routes!(pages::quarantine::settle))
        .routes(routes!(pages::own::show))
        .routes(routes!(pages::own::choose_password))
        .routes(routes!(pages::own::end_session))
        .routes(routes!(pages::second_factor::begin))
        .routes(routes!(pages::second_factor::confirm))
        .routes(routes!(
            pages::second_factor::ask_remove,
            pages::second_factor::remove
        ))
        .routes(routes!(pages::second_factor::new_recovery_codes))
        .routes(routes!(
            pages::admin::account_page::ask_remove_factor,
            pages::admin::account_page::remove_factor
        ))
        .routes(routes!(pages::admin::overview))
        .routes(routes!(
            pages::admin::accounts::list,
            pages::admin::accounts::create
        ))
        .routes(routes!(pages::admin::accounts::new))
        .routes(routes!(
            pages::admin::account_page::show,
            pages::admin::account_page::change
        ))
        .routes(routes!(
            pages::admin::account_page::ask_close,
            pages::admin::account_page::close
        ))
        .routes(routes!(pages::admin::account_page::open))
        .routes(routes!(
            pages::admin::account_page::ask_password,
            pages::admin::account_page::give_password
        ))
        .routes(routes!(pages::admin::account_page::give_area))
        .routes(routes!(
            pages::admin::account_page::ask_take_area,
            pages::admin::account_page::take_area
        ))
        .routes(routes!(pages::admin::account_page::set_identity))
        .routes(routes!(pages::admin::codes::create))
        .routes(routes!(
            pages::record::join::show,
            pages::record::join::join
        ))
        .routes(routes!(
            pages::record::join::ask_separate,
            pages::record::join::separate
        ))
        .routes(routes!(pages::planning::list))
        .routes(routes!(
            pages::planning::new::show,
            pages::planning::new::create
        ))
        .routes(routes!(
            pages::planning::assignment::show,
            pages::planning::assignment::change
        ))
        .routes(routes!(pages::planning::campaign::show))
        .routes(routes!(pages::planning::campaign::assign))
        .routes(routes!(
            pages::admin::areas::list,
            pages::admin::areas::create
        ))
        .routes(routes!(
            pages::admin::area_page::show,
            pages::admin::area_page::change
        ))
        .routes(routes!(
            pages::admin::area_page::ask_merge,
            pages::admin::area_page::merge
        ))
        .routes(routes!(pages::admin::area_page::split))
        .routes(routes!(
            pages::admin::criteria::show_all,
            pages::admin::criteria::publish
        ))
        .routes(routes!(pages::admin::criteria::preview))
        .routes(routes!(pages::admin::criteria::compare))
        .routes(routes!(pages::admin::criteria::show))
        .routes(routes!(pages::admin::devices::list))
        .routes(routes!(pages::admin::devices::show))
        .routes(routes!(
            pages::admin::devices::ask_revoke,
            pages::admin::devices::revoke
        ))
        .routes(routes!(
            pages::admin::devices::ask_wipe,
            pages::admin::devices::wipe
        ))
        .routes(routes!(pages::admin::audit::list))
        .routes(routes!(pages::admin::audit::check))
        .routes(routes!(pages::admin::backups::list))
        .routes(routes!(pages::admin::backups::check))
        .routes(routes!(pages::admin::retention::show))
        .routes(routes!(
            pages::admin::retention::ask_run,
            pages::admin::retention::run
        ))
        .routes(routes!(pages::admin::retention::place))
        .routes(routes!(
            pages::admin::retention::ask_lift,
            pages::admin::retention::lift
        ))
        .routes(routes!(
            pages::admin::recoveries::list,
            pages::admin::recoveries::settle
        ))
        .routes(routes!(pages::admin::recoveries::ask))
        .routes(routes!(
            pages::admin::webhooks::list,
            pages::admin::webhooks::create
        ))
        .routes(routes!(
            pages::admin::webhooks::show,
            pages::admin::webhooks::change
        ))
        .routes(routes!(pages::admin::webhooks::act))
        .routes(routes!(
            pages::admin::webhooks::ask_rotate,
            pages::admin::webhooks::rotate
        ))
        .routes(routes!(
            pages::admin::webhooks::ask_remove,
            pages::admin::webhooks::remove
        ))
        .routes(routes!(webhooks::list, webhooks::create))
        .routes(routes!(webhooks::change, webhooks::remove))
        .routes(routes!(webhooks::rotate))
        .routes(routes!(webhooks::test))
        .routes(routes!(webhooks::retry))
        .routes(routes!(webhooks::deliveries))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .routes(routes!(document))
        .routes(routes!(enrolment::enrol))
        .routes(routes!(actor::add))
        .routes(routes!(exchange::exchange))
        .routes(routes!(reconcile::reconcile))
        .routes(routes!(events::events))
        .routes(routes!(session::sign_in, session::me, session::sign_out))
        .routes(routes!(account::create, account::list))
        .routes(routes!(changing::change))
        .routes(routes!(changing::give_password))
        .routes(routes!(own::choose_password))
        .routes(routes!(own::sessions))
        .routes(routes!(own::end_session))
        .routes(routes!(
            second_factor::show,
            second_factor::begin,
            second_factor::confirm
        ))
        .routes(routes!(second_factor::remove))
        .routes(routes!(second_factor::new_recovery_codes))
        .routes(routes!(second_factor::remove_of))
        .routes(routes!(identity::put, identity::delete))
        .routes(routes!(grant::put, grant::delete))
        .routes(routes!(area::create, area::list))
        .routes(routes!(placing::change))
        .routes(routes!(merging::merge))
        .routes(routes!(merging::split))
        .routes(routes!(moving::move_unit))
        .routes(routes!(code::create))
        .routes(routes!(code::qr))
        .routes(routes!(device::list))
        .routes(routes!(device::revoke))
        .routes(routes!(wipe::ask))
        .routes(routes!(wipe::confirm))
        .routes(routes!(key::put))
        .routes(routes!(inbox::get))
        .routes(routes!(list::list))
        .routes(routes!(records_export::export))
        .routes(routes!(record::get))
        .routes(routes!(record::conflicts))
        .routes(routes!(record::history))
        .routes(routes!(record::difference))
        .routes(routes!(attribution::get))
        .routes(routes!(year::list))
        .routes(routes!(comment::list, comment::add))
        .routes(routes!(verify::verify))
        .routes(routes!(minutes::get))
        .routes(routes!(signing::show))
        .routes(routes!(change::create_unit))
        .routes(routes!(unit_import::preview))
        .routes(routes!(unit_import::import))
        .routes(routes!(unit_import::template))
        .routes(routes!(change::edit))
        .routes(routes!(change::settle))
        .routes(routes!(joining::join))
        .routes(routes!(joining::separate))
        .routes(routes!(decision::list, decision::decide))
        .routes(routes!(criteria::list::list, criteria::publish))
        .routes(routes!(criteria::preview::preview))
        .routes(routes!(criteria::list::compare_two))
        .routes(routes!(criteria::list::get))
        .routes(routes!(campaign::create))
        .routes(routes!(progress::get))
        .routes(routes!(assignment::create))
        .routes(routes!(assignment::change))
        .routes(routes!(quarantine::list::list))
        .routes(routes!(quarantine::import::import))
        .routes(routes!(quarantine::say::get))
        .routes(routes!(quarantine::settle::take_over))
        .routes(routes!(quarantine::settle::dismiss))
        .routes(routes!(report::get))
        .routes(routes!(behind::list))
        .routes(routes!(report_export::export))
        .routes(routes!(audit::list))
        .routes(routes!(audit::verify))
        .routes(routes!(token::create))
        .routes(routes!(upload::discover, upload::create))
        .routes(routes!(
            upload::head,
            upload::patch,
            upload::terminate,
            upload::overridden
        ))
        .routes(routes!(download::for_people))
        .routes(routes!(download::for_devices))
        .routes(routes!(listing::list))
        .routes(routes!(state::list))
        .routes(routes!(state::check))
        .routes(routes!(retention::endpoint::rules))
        .routes(routes!(retention::endpoint::preview))
        .routes(routes!(retention::endpoint::run))
        .routes(routes!(retention::endpoint::runs))
        .routes(routes!(hold::put, hold::delete))
        .routes(routes!(hold::list))
        .routes(routes!(recovery::list))
        .routes(routes!(recovery::approve))
        .routes(routes!(recovery::dismiss))
}

/// This document.
#[utoipa::path(get, path = "/api/openapi.json", tag = "operation",
    responses((status = 200, content_type = "application/json", description = "OpenAPI 3.1", body = Object)))]
async fn document() -> Result<axum::Json<Value>, Problem> {
    let (_, api) = routes().split_for_parts();
    let api = serde_json::to_value(api).map_err(|_| Problem::new(Cause::Internal))?;
    Ok(axum::Json(description::complete(api)))
}

#[derive(Clone)]
struct NewRequestId(Machine);

impl MakeRequestId for NewRequestId {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        let id = self.0.new_id().ok()?;
        id.to_string().parse().ok().map(RequestId::new)
    }
}

/// Below this many bytes, compressing an answer saves less than the fields that say so.
const COMPRESS_FROM: u64 = 256;

/// Attachments go out as they lie: ranges and hashes are about those bytes. So does whatever has an entity tag, which
/// names the very bytes: files of the officer's app bring their own compressed forms.
fn compressible() -> impl Predicate {
    let has_no_tag = |_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions| {
        !headers.contains_key(header::ETAG)
    };
    DefaultPredicate::new()
        .and(SizeAbove::new(COMPRESS_FROM))
        .and(NotForContentType::const_new("application/pdf"))
        .and(has_no_tag)
}

/// The whole service.
pub(crate) fn service(app: Arc<App>) -> Router {
    let request_id = HeaderName::from_static("x-request-id");
    let (router, _) = routes().split_for_parts();
    let timeout = Duration::from_secs(app.config.limits.request_s);
    let machine = app.machine.clone();
    // Outermost last. The body is limited as it was sent; who calls is found out over these bytes, which
    // are what a device signed; then they are decompressed, and each handler's extractor limits what comes out.
    router
        .layer(DefaultBodyLimit::max(limits::MAX_DECOMPRESSED_BYTES))
        .layer(CatchPanicLayer::new())
        .layer(RequestDecompressionLayer::new())
        .layer(from_fn_with_state(Arc::clone(&app), policy::enforce))
        .layer(from_fn(body::limit))
        .layer(from_fn(move |request, next| {
            body::patience(timeout, request, next)
        }))
        .layer(map_response(problem::dress))
        .layer(CompressionLayer::new().compress_when(compressible()))
        .layer(from_fn_with_state(Arc::clone(&app), access_log::record))
        .layer(from_fn_with_state(Arc::clone(&app), headers::dress))
        .layer(PropagateRequestIdLayer::new(request_id.clone()))
        .layer(SetRequestIdLayer::new(request_id, NewRequestId(machine)))
        .layer(SetSensitiveRequestHeadersLayer::new([
            header::AUTHORIZATION,
            header::COOKIE,
        ]))
        .with_state(app)
}

//! The front page: what this is and where to go.

use axum::{extract::State, response::Response};

use super::layout::page as framed;
use crate::app::Shared;

/// The front page.
#[utoipa::path(get, path = "/", tag = "pages", responses((status = 200, content_type = "text/html", body = String)))]
pub(crate) async fn page(State(app): Shared) -> Response {
    framed(
        &app.config.server_name,
        None,
        "<p>Máy chủ Sổ Kiểm đang chạy: nhận dữ liệu kiểm tra từ thiết bị của cán bộ, giữ mọi khác biệt cho đến khi có người \
         quyết định, và lập báo cáo từ hồ sơ đã gộp.<br><small lang=\"en\">The Sổ Kiểm server is running: it takes inspections \
         from officers' devices, keeps every difference until somebody decides, and computes reports from the merged records.</small></p>\
         <ul><li><a href=\"/records?kind=inspection\">Biên bản và đơn vị</a> <small lang=\"en\">Inspections and units</small></li>\
         <li><a href=\"/report\">Báo cáo</a> <small lang=\"en\">Report</small></li>\
         <li><a href=\"/api/openapi.json\">OpenAPI 3.1</a> <small lang=\"en\">the API of supervisors, administrators and devices</small></li>\
         <li><a href=\"/healthz\">/healthz</a> · <a href=\"/readyz\">/readyz</a> · <a href=\"/metrics\">/metrics</a></li></ul>",
    )
}

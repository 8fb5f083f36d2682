//! The front page: what this is and where to go. Vietnamese first, English beside.

use axum::{extract::State, response::Html};

use crate::app::Shared;

/// The front page.
#[utoipa::path(get, path = "/", tag = "operation", responses((status = 200, content_type = "text/html", body = String)))]
pub(crate) async fn page(State(app): Shared) -> Html<String> {
    let name = escaped(&app.config.server_name);
    Html(format!(
        r#"<!doctype html>
<html lang="vi">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}</title>
<style>body{{font:1.05rem/1.6 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem;color:#1b1b1b}}
small{{color:#555}}code{{background:#f2f2f2;padding:.1em .3em}}</style></head>
<body>
<h1>{name}</h1>
<p>Máy chủ Sổ Kiểm đang chạy: nhận dữ liệu kiểm tra từ thiết bị của cán bộ, giữ mọi khác biệt cho đến khi có người quyết định,
và lập báo cáo từ hồ sơ đã gộp.<br>
<small lang="en">The Sổ Kiểm server is running: it takes inspections from officers' devices, keeps every difference until somebody decides,
and computes reports from the merged records.</small></p>
<ul>
<li><a href="/api/openapi.json">OpenAPI 3.1</a> — giao diện lập trình cho lãnh đạo và quản trị <small lang="en">· the API of supervisors and administrators</small></li>
<li><a href="/healthz">/healthz</a>, <a href="/readyz">/readyz</a>, <a href="/metrics">/metrics</a></li>
</ul>
<p>Đăng nhập bằng <code>POST /api/v1/session</code>. <small lang="en">Sign in with <code>POST /api/v1/session</code>.</small></p>
</body></html>
"#
    ))
}

/// Text for HTML.
pub(crate) fn escaped(text: &str) -> String {
    text.chars()
        .fold(String::with_capacity(text.len()), |mut out, letter| {
            match letter {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                '\'' => out.push_str("&#39;"),
                other => out.push(other),
            }
            out
        })
}

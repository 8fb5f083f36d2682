//! What pages load beside their text: one stylesheet, a few small scripts and an icon, built into the server as they
//! stand in `server/assets`. Pages work without the scripts.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::header,
    response::{IntoResponse, Response},
};

use crate::{http::problem::Problem, secret};

/// A file that pages load.
struct Asset {
    name: &'static str,
    media_type: &'static str,
    content: &'static str,
}

/// Every such file. The stylesheet is one file to a browser and several here, each about one idea.
const ASSETS: &[Asset] = &[
    Asset {
        name: "style.css",
        media_type: "text/css; charset=utf-8",
        content: concat!(
            include_str!("../../assets/style/base.css"),
            include_str!("../../assets/style/list.css"),
            include_str!("../../assets/style/admin.css"),
            include_str!("../../assets/style/criteria.css"),
            include_str!("../../assets/style/record.css"),
            include_str!("../../assets/style/report.css"),
            include_str!("../../assets/style/print.css"),
        ),
    },
    Asset {
        name: "live.js",
        media_type: "text/javascript; charset=utf-8",
        content: include_str!("../../assets/script/live.js"),
    },
    Asset {
        name: "icon.svg",
        media_type: "image/svg+xml",
        content: include_str!("../../assets/icon.svg"),
    },
];

/// The paths under which browsers may keep the files for ever: another content has another path.
static PATHS: LazyLock<Vec<(&str, String)>> = LazyLock::new(|| {
    let path = |asset: &Asset| {
        let digest = secret::hex(&secret::digest(asset.content.as_bytes()));
        let version: String = digest.chars().take(12).collect();
        (asset.name, format!("/assets/{}?v={version}", asset.name))
    };
    ASSETS.iter().map(path).collect()
});

/// Where a file is; empty for one that does not exist.
pub(crate) fn path(name: &str) -> &'static str {
    let found = PATHS.iter().find(|(known, _)| *known == name);
    found.map_or("", |(_, path)| path)
}

/// A stylesheet, a script or the icon.
#[utoipa::path(get, path = "/assets/{name}", tag = "pages", params(("name" = String, Path, description = "The file")),
    responses((status = 200, description = "A stylesheet or a script", content_type = "text/css", body = String), (status = 404, description = "not-found")))]
pub(crate) async fn show(Path(name): Path<String>) -> Result<Response, Problem> {
    let asset = ASSETS.iter().find(|asset| asset.name == name);
    let asset = asset.ok_or_else(Problem::not_found)?;
    let headers = [
        (header::CONTENT_TYPE, asset.media_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, asset.content).into_response())
}

/// The icon where browsers look for it by themselves, beside what is no page: a file, a print, an answer of the API.
#[utoipa::path(get, path = "/favicon.ico", tag = "pages",
    responses((status = 200, description = "The icon", content_type = "image/svg+xml", body = String)))]
pub(crate) async fn favicon() -> Response {
    let icon = ASSETS.iter().find(|asset| asset.name == "icon.svg");
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CACHE_CONTROL, "public, max-age=86400"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, icon.map_or("", |icon| icon.content)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_a_path_of_its_own() {
        for asset in ASSETS {
            assert!(path(asset.name).starts_with(&format!("/assets/{}?v=", asset.name)));
        }
        assert_eq!(path("nothing.css"), "");
    }
}

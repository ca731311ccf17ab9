//! The files of the page. They are part of the binary; a debug build reads them from the source directory.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, IF_NONE_MATCH};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

use super::fault::ApiFault;

#[derive(RustEmbed)]
#[folder = "page/"]
struct PageFiles;

/// Returns a file of the page.
pub(crate) async fn asset(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let path = if path.is_empty() { "index.html" } else { path };
    if path.starts_with("api/") {
        return ApiFault::NOT_FOUND.into_response();
    }
    if method != Method::GET && method != Method::HEAD {
        return ApiFault::METHOD.into_response();
    }
    let Some((kind, file)) = content_type(path).and_then(|kind| Some((kind, PageFiles::get(path)?))) else {
        return ApiFault::NOT_FOUND.into_response();
    };
    // Weak, because the file may be compressed on the way.
    let tag = format!("W/\"{}\"", hex(&file.metadata.sha256_hash()[..16]));
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let is_known = known.flat_map(|list| list.split(',')).any(|known| known.trim() == tag);
    let headers = [(CONTENT_TYPE, kind.to_owned()), (CACHE_CONTROL, "no-cache".to_owned()), (ETAG, tag)];
    if is_known { (StatusCode::NOT_MODIFIED, headers).into_response() } else { (headers, file.data).into_response() }
}

/// Returns the type of a file by its name; `None` for a name that no file of a page has.
fn content_type(path: &str) -> Option<&'static str> {
    let (_, extension) = path.rsplit_once('.')?;
    Some(match extension {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webmanifest" => "application/manifest+json",
        "json" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        _ => return None,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

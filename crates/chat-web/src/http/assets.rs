//! The files of the page. They are part of the binary; a debug build reads them from the source directory.

use std::borrow::Cow;
use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, IF_NONE_MATCH};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};

use super::fault::ApiFault;
use super::joined::join;

/// The file that the markup names: `main.js` with all modules that it imports.
const JOINED: &str = "page.js";

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
    let Some((kind, (data, hash))) = content_type(path).and_then(|kind| Some((kind, file(path)?))) else {
        return ApiFault::NOT_FOUND.into_response();
    };
    // Weak, because the file may be compressed on the way.
    let tag = format!("W/\"{}\"", hex(&hash[..16]));
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let is_known = known.flat_map(|list| list.split(',')).any(|known| known.trim() == tag);
    let headers = [(CONTENT_TYPE, kind.to_owned()), (CACHE_CONTROL, "no-cache".to_owned()), (ETAG, tag)];
    if is_known { (StatusCode::NOT_MODIFIED, headers).into_response() } else { (headers, data).into_response() }
}

/// Returns the contents of a file and their SHA-256.
fn file(path: &str) -> Option<(Bytes, [u8; 32])> {
    if path == JOINED {
        static KEPT: LazyLock<Option<(Bytes, [u8; 32])>> = LazyLock::new(joined);
        // A developer of the page only reloads it.
        return if cfg!(debug_assertions) { joined() } else { KEPT.clone() };
    }
    let file = PageFiles::get(path)?;
    let data = match file.data {
        Cow::Borrowed(data) => Bytes::from_static(data),
        Cow::Owned(data) => data.into(),
    };
    Some((data, file.metadata.sha256_hash()))
}

fn joined() -> Option<(Bytes, [u8; 32])> {
    let text = join("main", |name| String::from_utf8(PageFiles::get(name)?.data.into_owned()).ok())?;
    let hash = Sha256::digest(&text).into();
    Some((text.into(), hash))
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

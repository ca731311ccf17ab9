//! What every request must fulfil before it is looked at, and what every response carries.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, HeaderValue, ORIGIN, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, UPGRADE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::fault::ApiFault;
use super::state::{WebState, count};
use super::visitor::Visitor;
use crate::net::connection::ConnectionInfo;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

/// A year, for a host that was configured with a certificate.
const TLS_ONLY: &str = "max-age=31536000";

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Answers requests that other sites have made, and passes on the others with their [`Visitor`].
pub(crate) async fn guard(
    State(state): State<Arc<WebState>>,
    Extension(connection): Extension<ConnectionInfo>,
    mut request: Request,
    next: Next,
) -> Response {
    let is_api = request.uri().path().starts_with("/api/");
    let visitor = state.names.visitor(&connection, request.headers()).filter(|_| names_one_host(&request));
    let checked = visitor.ok_or(ApiFault::HOST).and_then(|visitor| check(&request, is_api, &visitor).map(|()| visitor));
    let secure = checked.as_ref().map_or(connection.secure, |visitor| visitor.secure);
    let mut response = match checked {
        Ok(visitor) => {
            request.extensions_mut().insert(visitor);
            next.run(request).await
        }
        Err(fault) => {
            count(&state.counters.refused_requests);
            fault.into_response()
        }
    };
    protect(response.headers_mut(), is_api, secure);
    response
}

/// Returns whether a request of the absolute form, as proxies get it, names the host of its header.
fn names_one_host(request: &Request) -> bool {
    let host = request.headers().get(HOST).map(HeaderValue::as_bytes);
    request.uri().authority().is_none_or(|authority| host == Some(authority.as_str().as_bytes()))
}

/// Checks where a request comes from.
fn check(request: &Request, is_api: bool, visitor: &Visitor) -> Result<(), ApiFault> {
    let (method, headers) = (request.method(), request.headers());
    let is_read = method == Method::GET || method == Method::HEAD;
    let changes = !is_read || headers.contains_key(UPGRADE);
    if changes {
        let mut origins = headers.get_all(ORIGIN).iter();
        let is_own = origins.next().is_some_and(|origin| origin.as_bytes() == visitor.origin.as_bytes());
        if !is_own || origins.next().is_some() {
            return Err(ApiFault::ORIGIN);
        }
    }
    if let Some(site) = headers.get(FETCH_SITE)
        && (is_api || changes)
        && site != "same-origin"
        && !(site == "none" && is_read && !changes)
    {
        return Err(ApiFault::ORIGIN);
    }
    Ok(())
}

/// Sets the headers of every response.
fn protect(headers: &mut HeaderMap, is_api: bool, secure: bool) {
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    if is_api {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if secure {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(TLS_ONLY));
    }
}

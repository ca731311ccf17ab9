//! The answers to requests. Bodies are not read.

use chat_server::{Observer, Readiness};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Response, StatusCode};

use super::text::{CONTENT_TYPE as FIGURES, figures};

const PLAIN: &str = "text/plain; charset=utf-8";

pub(super) fn answer(method: &Method, path: &str, observer: &Observer) -> Response<Full<Bytes>> {
    let (status, kind, text) = match path {
        "/metrics" | "/healthz" | "/readyz" | "/readyz/listen" if !matches!(*method, Method::GET | Method::HEAD) => {
            (StatusCode::METHOD_NOT_ALLOWED, PLAIN, "use GET or HEAD\n".to_owned())
        }
        "/metrics" => match figures(observer) {
            Ok(text) => (StatusCode::OK, FIGURES, text),
            Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, PLAIN, "could not format the metrics\n".to_owned()),
        },
        // This answer proves that the process runs and has a thread to spare.
        "/healthz" => (StatusCode::OK, PLAIN, "alive\n".to_owned()),
        "/readyz" => match observer.readiness() {
            Readiness::Ready => (StatusCode::OK, PLAIN, "ready\n".to_owned()),
            Readiness::Draining => (StatusCode::SERVICE_UNAVAILABLE, PLAIN, "draining\n".to_owned()),
            Readiness::ShortOfSpace => {
                (StatusCode::SERVICE_UNAVAILABLE, PLAIN, "too little space for the store\n".to_owned())
            }
            Readiness::LogAway => {
                (StatusCode::SERVICE_UNAVAILABLE, PLAIN, "the log of the room cannot be reached\n".to_owned())
            }
            Readiness::CatchingUp => (StatusCode::SERVICE_UNAVAILABLE, PLAIN, "catching up with the log\n".to_owned()),
            Readiness::Diverged => {
                (StatusCode::SERVICE_UNAVAILABLE, PLAIN, "stopped: the log is another one\n".to_owned())
            }
            _ => (StatusCode::SERVICE_UNAVAILABLE, PLAIN, "could not write the store\n".to_owned()),
        },
        "/readyz/listen" if observer.serves_listeners() => (StatusCode::OK, PLAIN, "ready\n".to_owned()),
        "/readyz/listen" => (StatusCode::SERVICE_UNAVAILABLE, PLAIN, "listeners get nothing new\n".to_owned()),
        _ => {
            (StatusCode::NOT_FOUND, PLAIN, "not found: use /metrics, /healthz, /readyz or /readyz/listen\n".to_owned())
        }
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}

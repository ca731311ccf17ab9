//! The errors of `/api/`.

use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::wire::millis;

/// Why a request has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiFault {
    status: StatusCode,
    body: FaultBody,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct FaultBody {
    code: &'static str,
    message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

impl ApiFault {
    pub(crate) const HOST: Self = Self::new(
        StatusCode::MISDIRECTED_REQUEST,
        "host",
        "this gateway does not have that name; --public-url sets it",
    );
    pub(crate) const ORIGIN: Self =
        Self::new(StatusCode::FORBIDDEN, "origin", "the request does not come from the page of this gateway");
    pub(crate) const NOT_JSON: Self =
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", "the body must be application/json");
    pub(crate) const TOO_LARGE: Self =
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the body is larger than 40 KiB");
    pub(crate) const MALFORMED: Self =
        Self::new(StatusCode::BAD_REQUEST, "malformed", "the request has not the form of docs/web.md");
    pub(crate) const SLOW: Self = Self::new(StatusCode::REQUEST_TIMEOUT, "slow", "the body did not arrive in time");
    pub(crate) const NOT_FOUND: Self = Self::new(StatusCode::NOT_FOUND, "not_found", "there is no such path");
    pub(crate) const METHOD: Self =
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method", "the path does not have this method");
    pub(crate) const NICKNAME: Self = Self::new(StatusCode::CONFLICT, "nickname", "the room refused the nickname");
    pub(crate) const UNKNOWN_TOKEN: Self =
        Self::new(StatusCode::FORBIDDEN, "unknown_token", "the room does not know this token");
    pub(crate) const UNKNOWN_OUTCOME: Self =
        Self::new(StatusCode::BAD_GATEWAY, "unknown_outcome", "the room did not answer; an account may exist");
    pub(crate) const UNREACHABLE: Self =
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unreachable", "the room was not reached");
    pub(crate) const BUSY: Self = Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "the gateway has no place left");
    pub(crate) const OTHER_STREAM: Self =
        Self::new(StatusCode::NOT_FOUND, "other_stream", "the room has another log now");

    const fn new(status: StatusCode, code: &'static str, message: &'static str) -> Self {
        Self { status, body: FaultBody { code, message, retry_after_ms: None } }
    }

    /// Returns the fault of an address that asks too often.
    pub(crate) fn rate(retry_after: Duration) -> Self {
        let fault = Self::new(StatusCode::TOO_MANY_REQUESTS, "rate", "too many requests from this address");
        Self { body: FaultBody { retry_after_ms: Some(millis(retry_after)), ..fault.body }, ..fault }
    }
}

impl IntoResponse for ApiFault {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

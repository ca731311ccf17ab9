//! The body of a POST.

use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::fault::ApiFault;

/// The largest body: the longest line of the wire to the room.
pub(crate) const MAX_BODY: usize = 40 * 1024;

/// How long a body may take: a phone in a train sends 40 KiB in less.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// A JSON object of at most 40 KiB.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiFault;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiFault> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(ApiFault::NOT_JSON);
        }
        let body = timeout(BODY_WITHIN, to_bytes(request.into_body(), MAX_BODY)).await.map_err(|_| ApiFault::SLOW)?;
        // The one other reason is a connection that broke, and then the answer is not read.
        let body = body.map_err(|_| ApiFault::TOO_LARGE)?;
        // A derived structure would accept an array in place of the object.
        if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return Err(ApiFault::MALFORMED);
        }
        serde_json::from_slice(&body).map(Self).map_err(|_| ApiFault::MALFORMED)
    }
}

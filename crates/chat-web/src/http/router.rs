//! The routes of the gateway.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use tower_http::compression::CompressionLayer;

use super::fault::ApiFault;
use super::guard::guard;
use super::state::WebState;
use super::{accounts, assets, messages, socket};

/// Returns the routes.
pub(crate) fn router(state: &Arc<WebState>) -> Router {
    Router::new()
        .route("/api/me", get(accounts::me))
        .route("/api/register", post(accounts::register))
        .route("/api/login", post(accounts::login))
        .route("/api/logout", post(accounts::logout))
        .route("/api/messages", get(messages::messages))
        .route("/api/search", get(messages::search))
        .route("/api/ws", get(socket::socket))
        .fallback(assets::asset)
        .method_not_allowed_fallback(|| async { ApiFault::METHOD.into_response() })
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(state.clone(), guard))
        .with_state(state.clone())
}

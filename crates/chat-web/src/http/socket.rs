//! `/api/ws`: accepts the WebSocket of a page.

use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Extension, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum_extra::extract::cookie::CookieJar;
use serde::Deserialize;

use super::cookie::CookieAccount;
use super::fault::ApiFault;
use super::json_body::MAX_BODY;
use super::page::OpenPage;
use super::state::WebState;
use super::visitor::Visitor;
use crate::room::catch_up::{FIRST_MESSAGES, PageBegin, PageCursor};

/// What a page may ask for at first.
const MAX_FIRST: usize = 500;

#[derive(Debug, Deserialize)]
pub(crate) struct WsQuery {
    after: Option<String>,
    last: Option<usize>,
}

/// Upgrades the connection.
pub(crate) async fn socket(
    State(state): State<Arc<WebState>>,
    Extension(visitor): Extension<Visitor>,
    query: Result<Query<WsQuery>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiFault> {
    let Query(query) = query.map_err(|_| ApiFault::MALFORMED)?;
    let begin = match query.after.map(|after| after.parse()).transpose().map_err(|_| ApiFault::MALFORMED)? {
        Some(after) => PageBegin::After(after),
        None => PageBegin::Last(query.last.unwrap_or(FIRST_MESSAGES).min(MAX_FIRST)),
    };
    let upgrade = upgrade.map_err(|_| ApiFault::MALFORMED)?;
    if *state.ending.borrow() {
        return Err(ApiFault::BUSY);
    }
    let place = state.pages.take(visitor.address).ok_or(ApiFault::BUSY)?;
    let account = CookieAccount::read(&CookieJar::from_headers(&headers), &visitor);
    let cursor = PageCursor::new(state.feed.clone(), state.history.clone(), begin);
    let page = OpenPage::new(state, visitor.address, account, cursor, place);
    let upgrade =
        upgrade.max_message_size(MAX_BODY).max_frame_size(MAX_BODY).read_buffer_size(4 * 1024).write_buffer_size(0);
    Ok(upgrade.on_upgrade(|socket| page.run(socket)))
}

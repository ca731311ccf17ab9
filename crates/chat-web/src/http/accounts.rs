//! `/api/me`, `/api/register`, `/api/login` and `/api/logout`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum_extra::extract::cookie::CookieJar;
use chat_client::{Account, ConnectError, Nickname, Refusal, Token, register_with};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::cookie::{self, CookieAccount};
use super::fault::ApiFault;
use super::json_body::JsonBody;
use super::state::{WebState, count};
use super::visitor::Visitor;
use crate::account::session::WebAccount;
use crate::dialler::ForWhom;
use crate::wire::nickname_text;

/// How long the room may take to accept a token, with the connection and one more attempt.
const LOGIN_WITHIN: Duration = Duration::from_secs(15);

#[derive(Serialize)]
pub(crate) struct Me {
    nickname: Option<String>,
    room: String,
}

#[derive(Deserialize)]
pub(crate) struct NicknameWish {
    nickname: String,
}

#[derive(Serialize)]
struct NewAccount<'a> {
    nickname: &'a str,
    token: &'a str,
}

#[derive(Deserialize)]
pub(crate) struct Login {
    token: String,
}

#[derive(Serialize)]
struct Nick {
    nickname: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Nothing {}

/// Returns the account of the browser.
pub(crate) async fn me(
    State(state): State<Arc<WebState>>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
) -> Json<Me> {
    let account = CookieAccount::read(&CookieJar::from_headers(&headers), &visitor);
    let nickname = account.map(|account| nickname_text(&account.nickname));
    Json(Me { nickname, room: state.room.clone() })
}

/// Creates an account. The room is asked once: after a lost answer, a second request could create a second account.
pub(crate) async fn register(
    State(state): State<Arc<WebState>>,
    Extension(visitor): Extension<Visitor>,
    jar: CookieJar,
    JsonBody(wanted): JsonBody<NicknameWish>,
) -> Result<impl IntoResponse, ApiFault> {
    let nickname = Nickname::new(&wanted.nickname).map_err(|_| ApiFault::NICKNAME)?;
    state.registrations.take(visitor.address).map_err(ApiFault::rate)?;
    let dial = state.dialler.dial(ForWhom::Browser(visitor.address));
    let account: Account = register_with(&state.client, nickname, dial).await.map_err(|error| fault(&error))?;
    count(&state.counters.registrations);
    let shown = nickname_text(&account.nickname);
    let body = serde_json::to_value(NewAccount { nickname: &shown, token: account.token.expose() });
    let cookie = CookieAccount { token: account.token, nickname: account.nickname }.cookie(&visitor);
    Ok((jar.add(cookie), Json(body.unwrap_or_default())))
}

/// Puts the account of a token into the cookie.
pub(crate) async fn login(
    State(state): State<Arc<WebState>>,
    Extension(visitor): Extension<Visitor>,
    jar: CookieJar,
    JsonBody(login): JsonBody<Login>,
) -> Result<impl IntoResponse, ApiFault> {
    let token = Token::new(&login.token).map_err(|_| ApiFault::UNKNOWN_TOKEN)?;
    state.lookups.take(visitor.address).map_err(ApiFault::rate)?;
    let session = state.accounts.session(&token).map_err(|_| ApiFault::BUSY)?;
    session.start(visitor.address);
    let nickname = timeout(LOGIN_WITHIN, accepted(&session)).await.map_err(|_| ApiFault::UNREACHABLE)??;
    let body = Json(Nick { nickname: Some(nickname_text(&nickname)) });
    Ok((jar.add(CookieAccount { token, nickname }.cookie(&visitor)), body))
}

/// Removes the account from the cookie, and ends its pages.
pub(crate) async fn logout(
    State(state): State<Arc<WebState>>,
    Extension(visitor): Extension<Visitor>,
    jar: CookieJar,
    JsonBody(Nothing {}): JsonBody<Nothing>,
) -> impl IntoResponse {
    if let Some(account) = CookieAccount::read(&jar, &visitor)
        && let Ok(session) = state.accounts.session(&account.token)
    {
        session.log_out();
    }
    (CookieJar::new().add(cookie::removal(&visitor)), Json(Nick { nickname: None }))
}

/// Waits until the room has accepted or refused the token of a session.
async fn accepted(session: &WebAccount) -> Result<Nickname, ApiFault> {
    let (mut nickname, mut refused) = (session.nickname(), session.refused());
    loop {
        if *refused.borrow_and_update() {
            return Err(ApiFault::UNKNOWN_TOKEN);
        }
        if let Some(nickname) = nickname.borrow_and_update().clone() {
            return Ok(nickname);
        }
        // A change that comes first is seen with the other at the start of the loop.
        tokio::select! {
            changed = nickname.changed() => changed.map_err(|_| ApiFault::UNREACHABLE)?,
            changed = refused.changed() => changed.map_err(|_| ApiFault::UNREACHABLE)?,
        }
    }
}

fn fault(error: &ConnectError) -> ApiFault {
    match error {
        ConnectError::Refused(Refusal::Nickname) => ApiFault::NICKNAME,
        error if error.is_before_dialogue() => ApiFault::UNREACHABLE,
        _ => ApiFault::UNKNOWN_OUTCOME,
    }
}

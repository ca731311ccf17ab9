//! `/api/messages` and `/api/search`: what was said earlier.

use std::sync::Arc;

use axum::extract::{Extension, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use chat_client::{Position, Seq};
use serde::Deserialize;

use super::fault::ApiFault;
use super::state::WebState;
use super::visitor::Visitor;
use crate::room::history::{HistoryFault, RoomHistory};
use crate::room::ring::RingItem;

/// How many messages one search reads.
const SEARCH_MESSAGES: u64 = 20_000;

/// How many messages are read from the room at once.
const READ_MESSAGES: u64 = 500;

/// The longest text that is searched for, in characters.
const QUERY_CHARS: usize = 200;

#[derive(Debug, Deserialize)]
pub(crate) struct BackQuery {
    before: String,
    limit: Option<usize>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct SearchQuery {
    q: String,
    before: Option<String>,
    limit: Option<usize>,
}

/// What a message is searched in.
#[derive(Deserialize)]
struct Searched {
    #[serde(default)]
    nick: String,
    #[serde(default)]
    text: String,
}

/// Messages before a position, newest first.
struct Earlier {
    items: Vec<RingItem>,
    more: bool,
}

/// Returns the messages before a position.
pub(crate) async fn messages(
    State(state): State<Arc<WebState>>,
    Extension(visitor): Extension<Visitor>,
    query: Result<Query<BackQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<impl IntoResponse, ApiFault> {
    let Query(query) = query.map_err(|_| ApiFault::MALFORMED)?;
    let before: Position = query.before.parse().map_err(|_| ApiFault::MALFORMED)?;
    let limit = limit(query.limit, 100, 500)?;
    state.lookups.take(visitor.address).map_err(ApiFault::rate)?;
    let mut found = Vec::new();
    let mut at = before;
    let mut more = true;
    // Removed messages and holes in the numbers can leave a reading empty; the search goes on behind it.
    for _ in 0..4 {
        let earlier = earlier(&state, &at, limit - found.len()).await?;
        more = earlier.more;
        if let Some(oldest) = earlier.items.last().and_then(|item| item.position.clone()) {
            at = oldest;
        }
        let progress = !earlier.items.is_empty();
        found.extend(earlier.items);
        if found.len() >= limit || !more || !progress {
            break;
        }
    }
    found.reverse();
    Ok(json(&found, &format!(r#""more":{more}"#)))
}

/// Returns the messages that contain a text.
pub(crate) async fn search(
    State(state): State<Arc<WebState>>,
    Extension(visitor): Extension<Visitor>,
    query: Result<Query<SearchQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<impl IntoResponse, ApiFault> {
    let Query(query) = query.map_err(|_| ApiFault::MALFORMED)?;
    let before: Option<Position> = query.before.map(|at| at.parse()).transpose().map_err(|_| ApiFault::MALFORMED)?;
    let limit = limit(query.limit, 50, 100)?;
    let wanted = query.q.trim().to_lowercase();
    if wanted.is_empty() || wanted.chars().count() > QUERY_CHARS {
        return Err(ApiFault::MALFORMED);
    }
    state.lookups.take(visitor.address).map_err(ApiFault::rate)?;
    let newest = state.feed.ring().newest().cloned();
    let start = before.or_else(|| newest.map(|at| Position { seq: at.seq.saturating_add(1), ..at }));
    let Some(mut at) = start else { return Ok(json(&[], r#""more":false"#)) };
    let mut found = Vec::new();
    let (mut more, mut read) = (true, 0);
    while more && read < SEARCH_MESSAGES && found.len() < limit {
        let earlier = earlier(&state, &at, usize::try_from(READ_MESSAGES).unwrap_or(usize::MAX)).await?;
        more = earlier.more;
        read += READ_MESSAGES;
        let Some(oldest) = earlier.items.last().and_then(|item| item.position.clone()) else { break };
        at = oldest;
        for item in earlier.items {
            if found.len() == limit {
                more = true;
                break;
            }
            if contains(&item, &wanted) {
                found.push(item.clone());
            }
            at = item.position.unwrap_or(at);
        }
    }
    let rest = if more { format!(r#""more":true,"before":"{at}""#) } else { r#""more":false"#.to_owned() };
    Ok(json(&found, &rest))
}

fn limit(asked: Option<usize>, usual: usize, most: usize) -> Result<usize, ApiFault> {
    match asked.unwrap_or(usual) {
        0 => Err(ApiFault::MALFORMED),
        limit => Ok(limit.min(most)),
    }
}

fn contains(item: &RingItem, wanted: &str) -> bool {
    serde_json::from_str::<Searched>(&item.json)
        .is_ok_and(|message| [message.text, message.nick].iter().any(|text| text.to_lowercase().contains(wanted)))
}

/// Returns messages before a position: from the ring if it has them, else from the room.
async fn earlier(state: &WebState, before: &Position, limit: usize) -> Result<Earlier, ApiFault> {
    let is_numbered = *state.feed.numbered().borrow();
    let (here, newest) = {
        let ring = state.feed.ring();
        let same = |item: &&RingItem| {
            item.position.as_ref().is_some_and(|at| at.stream == before.stream && at.seq < before.seq)
        };
        let here: Vec<RingItem> = ring.items().rev().filter(same).take(limit).cloned().collect();
        (here, ring.newest().cloned())
    };
    let Some(newest) = newest else {
        return if is_numbered.is_some() {
            Ok(Earlier { items: here, more: false })
        } else {
            Err(ApiFault::UNREACHABLE)
        };
    };
    if is_numbered != Some(true) {
        // A room without numbers cannot look back further than the gateway.
        let is_own = newest.stream == before.stream;
        let more = here.len() == limit;
        return if is_own { Ok(Earlier { items: here, more }) } else { Err(ApiFault::OTHER_STREAM) };
    }
    if let Some(oldest) = here.last().and_then(|item| item.position.as_ref()) {
        return Ok(Earlier { more: oldest.seq > 1, items: here });
    }
    from_room(&state.history, before, limit as u64).await
}

async fn from_room(history: &RoomHistory, before: &Position, limit: u64) -> Result<Earlier, ApiFault> {
    let Some(until) = before.seq.checked_sub(1).filter(|until| *until > 0) else {
        return Ok(Earlier { items: Vec::new(), more: false });
    };
    let start: Seq = until.saturating_sub(limit);
    let after = Position { stream: before.stream.clone(), seq: start };
    let read = history.read(after, until, usize::MAX).await.map_err(|fault| match fault {
        HistoryFault::Busy => ApiFault::BUSY,
        HistoryFault::Unreachable => ApiFault::UNREACHABLE,
        HistoryFault::OtherStream => ApiFault::OTHER_STREAM,
    })?;
    let items: Vec<RingItem> = read.into_iter().rev().filter(|item| item.position.is_some()).collect();
    let more = start > 0 && !items.is_empty();
    Ok(Earlier { items, more })
}

/// Returns a body with messages that are JSON already.
fn json(messages: &[RingItem], rest: &str) -> impl IntoResponse + use<> {
    let list: Vec<&str> = messages.iter().map(|item| item.json.as_str()).collect();
    let body = format!(r#"{{"messages":[{}],{rest}}}"#, list.join(","));
    ([(CONTENT_TYPE, "application/json")], body)
}

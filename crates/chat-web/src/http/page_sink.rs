//! The way out to a page.

use std::time::Duration;

use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use chat_client::PostId;
use futures_util::SinkExt as _;
use futures_util::stream::SplitSink;
use tokio::time::timeout;

use crate::account::post_state::PostState;
use crate::wire::PageEvent;

/// How long a page may take nothing before it counts as gone: as the listeners of the server.
const STALLED: Duration = Duration::from_secs(60);

pub(crate) type Sink = SplitSink<WebSocket, Message>;

/// The page has ended without a word.
pub(crate) struct Gone;

pub(crate) async fn refuse(sink: &mut Sink, id: &PostId, code: &str) -> Result<(), Gone> {
    send(sink, &PageEvent::Receipt(PostState::refused(code).receipt(id))).await
}

pub(crate) async fn malformed(sink: &mut Sink) -> Result<(), Gone> {
    send(sink, &PageEvent::Error { code: "malformed", message: "not an object of the wire" }).await
}

/// Sends a sign of life that the page sees, and one that its browser answers.
pub(crate) async fn tick(sink: &mut Sink) -> Result<(), Gone> {
    sink.feed(Message::Ping(Default::default())).await.map_err(|_| Gone)?;
    send(sink, &PageEvent::Tick).await
}

pub(crate) async fn send(sink: &mut Sink, event: &PageEvent) -> Result<(), Gone> {
    sink.send(Message::Text(event.json().into())).await.map_err(|_| Gone)
}

pub(crate) async fn send_all(sink: &mut Sink, objects: impl Iterator<Item = Utf8Bytes>) -> Result<(), Gone> {
    for object in objects {
        sink.feed(Message::Text(object)).await.map_err(|_| Gone)?;
    }
    sink.flush().await.map_err(|_| Gone)
}

pub(crate) async fn in_time<T>(writing: impl Future<Output = T>) -> Result<T, tokio::time::error::Elapsed> {
    timeout(STALLED, writing).await
}

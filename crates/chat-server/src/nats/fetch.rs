//! Fetching batches by their place from any copy of the log.

use std::time::Duration;

use async_nats::{Client, HeaderMap, Message, StatusCode};
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::time::timeout;

use super::connection::NatsConnection;
use super::error::NatsError;
use super::options::{LogName, NatsOptions};
use crate::replication::PlacedBatch;

/// How many batches one request asks for, and about how many bytes.
const BATCHES: usize = 256;
const BYTES: usize = 4 * 1024 * 1024;

/// How long each message of an answer may take. Short, because another copy may answer at once.
const NEXT_WITHIN: Duration = Duration::from_millis(500);

/// The status of the message that ends an answer.
const END_OF_BATCH: u16 = 204;

/// What a request has brought.
#[derive(Debug)]
pub(super) struct FetchedBatches {
    pub(super) batches: Vec<PlacedBatch>,
    /// The copy that answered has more.
    pub(super) more: bool,
}

/// Reads some batches from a place on, from the server with this number, or one of the next ones if it cannot be reached.
/// Places that its copy of the log lacks are missing.
///
/// # Errors
/// [`NatsError`].
pub async fn read_log(options: &NatsOptions, server: usize, from: u64) -> Result<Vec<PlacedBatch>, NatsError> {
    let mut turned = options.clone();
    turned.servers.rotate_left(server % options.servers.len().max(1));
    let connection = NatsConnection::open_any(&turned).await?;
    Ok(fetch(connection.client.clone(), turned, from).await?.batches)
}

/// Fetches batches from a place on. Places that the copy lacks are missing in the answer.
///
/// # Errors
/// [`NatsError::Request`] if there is no answer, or not all of it.
pub(super) async fn fetch(client: Client, options: NatsOptions, from: u64) -> Result<FetchedBatches, NatsError> {
    let inbox = client.new_inbox();
    let mut answers = client.subscribe(inbox.clone()).await.map_err(NatsError::request)?;
    let request = serde_json::json!({ "seq": from, "batch": BATCHES, "max_bytes": BYTES });
    let subject = format!("$JS.API.DIRECT.GET.{}", options.name);
    let request = Bytes::from(request.to_string());
    client.publish_with_reply(subject, inbox, request).await.map_err(NatsError::request)?;
    let mut batches = Vec::new();
    loop {
        let answer = timeout(NEXT_WITHIN, answers.next()).await.map_err(NatsError::request)?;
        let answer = answer.ok_or_else(|| NatsError::Refused("the connection was closed".into()))?;
        match answer.status {
            // No place from there on.
            Some(StatusCode::NOT_FOUND) => return Ok(FetchedBatches { batches, more: false }),
            Some(status) if status.as_u16() == END_OF_BATCH => {
                let pending = number(answer.headers.as_ref(), "Nats-Num-Pending").unwrap_or(0);
                return Ok(FetchedBatches { batches, more: pending > 0 });
            }
            Some(status) => {
                let why = answer.description.unwrap_or_default();
                return Err(NatsError::Refused(format!("{status} {why}").trim_end().to_owned()));
            }
            None => batches
                .push(placed(answer, &options.name).ok_or_else(|| NatsError::Refused("it sent no place".into()))?),
        }
    }
}

/// Returns the batch of a message that JetStream has stored under this name, if it says its place and time. What another
/// program has published is not the log's, whatever it says.
pub(super) fn placed(message: Message, name: &LogName) -> Option<PlacedBatch> {
    let headers = message.headers.as_ref();
    if headers?.get("Nats-Stream")?.as_str() != name.as_str() {
        return None;
    }
    let place = number(headers, "Nats-Sequence")?;
    let time = headers?.get("Nats-Time-Stamp")?.as_str();
    let at = time.parse::<jiff::Timestamp>().ok()?.as_millisecond();
    Some(PlacedBatch { place, at, bytes: message.payload })
}

fn number(headers: Option<&HeaderMap>, name: &str) -> Option<u64> {
    // Twice only if its publisher has sent one of its own.
    let mut values = headers?.get_all(name);
    let value = values.next()?.as_str().parse().ok()?;
    values.next().is_none().then_some(value)
}

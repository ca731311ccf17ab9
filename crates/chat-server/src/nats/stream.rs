//! The stream of JetStream that is the log: how it is created, and what it must be.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use async_nats::jetstream::context::{
    CreateStreamErrorKind, DeleteStreamError, DeleteStreamErrorKind, GetStreamErrorKind,
};
use async_nats::jetstream::stream::{Config, Info, Republish, StorageType};
use async_nats::jetstream::{self, Context, ErrorCode};

use super::auth::ANSWER_WITHIN;
use super::connection::NatsConnection;
use super::error::NatsError;
use super::options::NatsOptions;
use crate::replication::{Generation, MAX_BATCH_BYTES};

/// How many copies of the log there are: fewer would lose it with the first server that is lost.
const COPIES: usize = 3;

/// How long the log keeps batches. A node that was away for longer begins with a copy of the store of another one.
const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What JetStream adds to a message: the largest batch must fit with it.
const OVERHEAD: usize = 4 * 1024;

/// How long a change of the stream may take: a new one is answered for when its copies have elected one that leads, which
/// takes up to 9 seconds after each attempt.
const CHANGE_WITHIN: Duration = Duration::from_secs(10);

/// How long it is asked for again.
const CHANGED_WITHIN: Duration = Duration::from_secs(30);

/// Where the generation is, in the metadata of the stream.
const GENERATION: &str = "minechat_generation";

/// Where it is written which store the log begins with.
const BEGINNING: &str = "minechat_beginning";

/// What is known of a log.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LogStatus {
    /// Identifies the log from its beginning; `None` if another program has created the stream.
    pub generation: Option<Generation>,
    /// Which store the log begins with, as it was given to [`create_log`].
    pub beginning: Option<String>,
    /// The first place that is kept; one after `last` if there is none.
    pub first: u64,
    /// The last place; 0 before the first.
    pub last: u64,
    /// Bytes of all batches.
    pub bytes: u64,
    /// Whether it was closed: nothing can be appended any more.
    pub closed: bool,
    /// The server that answered, with its version.
    pub server: String,
    /// The copies; the one that leads comes first.
    pub copies: Vec<LogCopy>,
}

/// One copy of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogCopy {
    /// The server that has it.
    pub server: String,
    /// Whether it leads.
    pub leads: bool,
    /// Whether it has everything.
    pub current: bool,
    /// Whether its server cannot be reached.
    pub offline: bool,
}

impl LogStatus {
    #[cfg(all(test, feature = "bin"))]
    pub(crate) fn for_tests(generation: Option<Generation>, beginning: Option<&str>, first: u64, last: u64) -> Self {
        let (beginning, server) = (beginning.map(str::to_owned), String::new());
        Self { generation, beginning, first, last, bytes: 0, closed: false, server, copies: Vec::new() }
    }

    pub(super) fn of(info: &Info, server: &str) -> Self {
        let mut copies = Vec::new();
        if let Some(cluster) = &info.cluster {
            let leader = cluster.leader.clone();
            copies.extend(leader.map(|server| LogCopy { server, leads: true, current: true, offline: false }));
            copies.extend(cluster.replicas.iter().map(|peer| LogCopy {
                server: peer.name.clone(),
                leads: false,
                current: peer.current,
                offline: peer.offline,
            }));
        }
        Self {
            generation: info.config.metadata.get(GENERATION).and_then(|text| generation_of(text)),
            beginning: info.config.metadata.get(BEGINNING).cloned(),
            first: info.state.first_sequence.max(1),
            last: info.state.last_sequence,
            bytes: info.state.bytes,
            closed: info.config.sealed,
            server: server.to_owned(),
            copies,
        }
    }
}

/// Returns what a node needs to know of its log, and checks that it can keep the promise.
///
/// # Errors
/// [`NatsError`].
pub async fn check_log(options: &NatsOptions) -> Result<LogStatus, NatsError> {
    let connection = NatsConnection::open_any(options).await?;
    let info = info(&connection, options).await?;
    check(&info, options)?;
    Ok(LogStatus::of(&info, &connection.server))
}

/// As [`check_log`], whatever the log can keep.
///
/// # Errors
/// [`NatsError`].
pub async fn log_status(options: &NatsOptions) -> Result<LogStatus, NatsError> {
    let connection = NatsConnection::open_any(options).await?;
    let version = connection.client.server_info().version;
    Ok(LogStatus::of(&info(&connection, options).await?, &format!("{} ({version})", connection.server)))
}

/// Creates the log, empty. `beginning` says which store it begins with; a log that is still empty and has the same one is
/// taken, so that this can be repeated.
///
/// # Errors
/// [`NatsError::LogExists`] if there is another log of this name.
pub async fn create_log(options: &NatsOptions, beginning: &str) -> Result<LogStatus, NatsError> {
    let connection = NatsConnection::open_any(options).await?;
    let context = changing(&connection);
    let deadline = Instant::now() + CHANGED_WITHIN;
    let created = loop {
        match context.create_stream(config(options, Generation::random(), beginning)).await {
            // Servers without a leader drop a request. One that was carried out after all is found by its beginning.
            Err(error) if error.kind() == CreateStreamErrorKind::TimedOut && Instant::now() < deadline => {}
            created => break created,
        }
    };
    match created {
        Ok(stream) => Ok(LogStatus::of(stream.cached_info(), &connection.server)),
        Err(error) => match error.kind() {
            CreateStreamErrorKind::JetStream(refused) if refused.error_code() == ErrorCode::STREAM_NAME_EXIST => {
                let info = info(&connection, options).await?;
                let status = LogStatus::of(&info, &connection.server);
                if status.last != 0 || status.beginning.as_deref() != Some(beginning) || status.generation.is_none() {
                    return Err(NatsError::LogExists { name: options.name.to_string() });
                }
                check(&info, options)?;
                Ok(status)
            }
            CreateStreamErrorKind::JetStream(refused) => Err(NatsError::Refused(refused.to_string())),
            CreateStreamErrorKind::TimedOut => Err(NatsError::NoAnswer(error.into())),
            _ => Err(NatsError::request(error)),
        },
    }
}

/// Removes the log, whatever is in it, and creates it again, empty.
///
/// # Errors
/// [`NatsError`]. The log may be gone then; it can be repeated.
pub async fn replace_log(options: &NatsOptions, beginning: &str) -> Result<LogStatus, NatsError> {
    let connection = NatsConnection::open_any(options).await?;
    let context = changing(&connection);
    match context.delete_stream(options.name.as_str()).await {
        Ok(_) => {}
        Err(error) if is_unknown(&error) => {}
        Err(error) => return Err(NatsError::request(error)),
    }
    create_log(options, beginning).await
}

/// Closes the log for good: no node can append to it any more. It can still be read.
///
/// # Errors
/// [`NatsError`].
pub async fn close_log(options: &NatsOptions) -> Result<LogStatus, NatsError> {
    let connection = NatsConnection::open_any(options).await?;
    let mut info = info(&connection, options).await?;
    if !info.config.sealed {
        info.config.sealed = true;
        info = changing(&connection).update_stream(info.config).await.map_err(NatsError::request)?;
    }
    Ok(LogStatus::of(&info, &connection.server))
}

fn is_unknown(error: &DeleteStreamError) -> bool {
    matches!(error.kind(), DeleteStreamErrorKind::JetStream(refused)
        if refused.error_code() == ErrorCode::STREAM_NOT_FOUND)
}

/// Returns what a server knows of the log.
pub(super) async fn info(connection: &NatsConnection, options: &NatsOptions) -> Result<Info, NatsError> {
    match context(connection).get_stream(options.name.as_str()).await {
        Ok(stream) => Ok(stream.cached_info().clone()),
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(refused) if refused.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                Err(NatsError::NoLog { name: options.name.to_string() })
            }
            GetStreamErrorKind::JetStream(refused) => Err(NatsError::Refused(refused.to_string())),
            GetStreamErrorKind::Request => Err(NatsError::NoAnswer(error.into())),
            _ => Err(NatsError::request(error)),
        },
    }
}

fn context(connection: &NatsConnection) -> Context {
    let mut context = jetstream::new(connection.client.clone());
    context.set_timeout(ANSWER_WITHIN);
    context
}

fn changing(connection: &NatsConnection) -> Context {
    let mut context = jetstream::new(connection.client.clone());
    context.set_timeout(CHANGE_WITHIN);
    context
}

fn config(options: &NatsOptions, generation: Generation, beginning: &str) -> Config {
    let metadata =
        HashMap::from([(GENERATION.to_owned(), text_of(generation)), (BEGINNING.to_owned(), beginning.to_owned())]);
    Config {
        name: options.name.to_string(),
        subjects: vec![options.name.subject(generation)],
        num_replicas: COPIES,
        storage: StorageType::File,
        max_age: KEPT,
        max_bytes: -1,
        max_messages: -1,
        max_message_size: i32::try_from(MAX_BATCH_BYTES + OVERHEAD).unwrap_or(i32::MAX),
        deny_delete: true,
        deny_purge: true,
        allow_direct: true,
        republish: Some(republish(options, generation)),
        metadata,
        ..Config::default()
    }
}

fn republish(options: &NatsOptions, generation: Generation) -> Republish {
    let (source, destination) = (options.name.subject(generation), options.name.stored_subject(generation));
    Republish { source, destination, headers_only: false }
}

/// Checks that a log can keep what it has stored, and that nodes can read it.
pub(super) fn check(info: &Info, options: &NatsOptions) -> Result<(), NatsError> {
    let config = &info.config;
    let generation = config.metadata.get(GENERATION).and_then(|text| generation_of(text));
    let size = usize::try_from(config.max_message_size).unwrap_or(usize::MAX);
    let problem = if config.sealed {
        Some("was closed by \"chat-server cluster leave\": create another one".to_owned())
    } else if generation.is_none() {
        Some("was not made by \"chat-server cluster init\": choose another --nats-log".to_owned())
    } else if config.num_replicas < COPIES {
        Some(format!("has {} of {COPIES} copies: raise its number of replicas", config.num_replicas))
    } else if config.storage != StorageType::File {
        Some("is kept in memory only: it must be in files".to_owned())
    } else if !config.deny_delete || !config.deny_purge {
        Some("permits to remove messages: set deny_delete and deny_purge".to_owned())
    } else if !config.allow_direct {
        Some("does not permit direct reads: set allow_direct".to_owned())
    } else if size < MAX_BATCH_BYTES {
        Some(format!(
            "takes messages of at most {size} bytes: raise its max_msg_size to {}",
            MAX_BATCH_BYTES + OVERHEAD
        ))
    } else if generation.is_some_and(|generation| !has_subjects(config, options, generation)) {
        Some("has other subjects than \"chat-server cluster init\" gave it: restore them".to_owned())
    } else {
        None
    };
    problem.map_or(Ok(()), |problem| Err(NatsError::Unsafe { name: options.name.to_string(), problem }))
}

fn has_subjects(config: &Config, options: &NatsOptions, generation: Generation) -> bool {
    config.republish.as_ref() == Some(&republish(options, generation))
        && config.subjects == [options.name.subject(generation)]
}

fn text_of(generation: Generation) -> String {
    generation.as_bytes().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn generation_of(text: &str) -> Option<Generation> {
    let number = u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32)?;
    Some(Generation::from_bytes(number.to_be_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_generation_is_read_as_it_was_written(bytes: [u8; 16], text in "\\PC{0,40}") {
            let generation = Generation::from_bytes(bytes);
            prop_assert_eq!(generation_of(&text_of(generation)), Some(generation));
            let _ = generation_of(&text);
        }
    }
}

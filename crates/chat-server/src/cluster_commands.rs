//! The commands that make several nodes of a server: `cluster init`, `join`, `leave`, `reseed` and `status`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use chat_server::cluster::{self, Begun, ClusterError, ClusterStatus, Left};
use chat_server::command_line::{ClusterArguments, ClusterCommand, StoreLocation};
use chat_server::nats::{LogCopy, LogStatus, NatsOptions};
use chat_server::transfer::TransferError;
use chat_server::{JournalError, StorePlace};
use serde_json::json;

use crate::process::report::{FAILURE, USAGE, eprint, named, print_reply};

/// Carries out a command.
pub(crate) fn run(store: &StoreLocation, arguments: &ClusterArguments) -> Result<ExitCode> {
    let dir = store.directory()?;
    let options = arguments.nats(store.file_options()?);
    if options.is_none() && !matches!(arguments.what, ClusterCommand::Leave { as_it_is: true }) {
        eprint("no log is given: pass its servers with --nats, or a file that has them with --config");
        return Ok(ExitCode::from(USAGE));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("could not start")?;
    match runtime.block_on(carried_out(&dir, options.as_ref(), &arguments.what)) {
        Ok(code) => code,
        Err(error) => refused(&dir, error),
    }
}

async fn carried_out(
    dir: &Path,
    options: Option<&NatsOptions>,
    what: &ClusterCommand,
) -> Result<Result<ExitCode>, ClusterError> {
    let say = |text: &str| print_reply(false, &json!(null), text);
    Ok(match (what, options) {
        (ClusterCommand::Leave { as_it_is }, _) => match cluster::leave(dir, options, *as_it_is).await? {
            Left::Now(place) => {
                say(&format!("left the log at place {}; the newest message is {}", place.place, place.head))
            }
            _ => say("the store is one of a server alone already"),
        },
        // Refused before.
        (_, None) => Ok(ExitCode::from(USAGE)),
        (ClusterCommand::Init, Some(options)) => say(&begun(&cluster::init(dir, options).await?, options)),
        (ClusterCommand::Reseed { lost_end, replace_log }, Some(options)) => {
            say(&begun(&cluster::reseed(dir, options, *replace_log, *lost_end).await?, options))
        }
        (ClusterCommand::Join { snapshot, replace }, Some(options)) => {
            let (made, place) = cluster::join(dir, options, snapshot, *replace).await?;
            let aside = made.aside.map(|aside| format!("; the room that was there is {}", aside.display()));
            say(&format!("joined at place {}{}", place.place, aside.unwrap_or_default()))
        }
        (ClusterCommand::Status { json }, Some(options)) => {
            let status = cluster::status(dir, options).await;
            let problems = status.problems();
            let printed = print_reply(*json, &object(&status, &problems), &text(&status, &problems, options));
            printed.map(|code| if problems.is_empty() { code } else { ExitCode::from(FAILURE) })
        }
    })
}

fn begun(begun: &Begun, options: &NatsOptions) -> String {
    let (name, head) = (&options.name, begun.head());
    match begun.accounts {
        Some(1) => format!("the log {name} begins with {head} messages and 1 account"),
        Some(accounts) => format!("the log {name} begins with {head} messages and {accounts} accounts"),
        None => format!("the log {name} begins with this store already"),
    }
}

/// Returns the status for people, one thing a line.
fn text(status: &ClusterStatus, problems: &[String], options: &NatsOptions) -> String {
    let mut lines = Vec::new();
    if let Ok(log) = &status.log {
        let generation = log.generation.map_or_else(|| "none".to_owned(), |found| format!("{found:?}"));
        let closed = if log.closed { ", closed" } else { "" };
        let LogStatus { first, last, bytes, server, .. } = log;
        let places = if last < first { "no places".to_owned() } else { format!("places {first} to {last}") };
        lines.push(format!("log {}: generation {generation}, {places}, {bytes} bytes{closed}", options.name));
        lines.push(format!("answered by {server}"));
        lines.extend(log.copies.iter().map(|copy| format!("copy {}: {}", copy.server, state(copy))));
    }
    if let Ok(Some(StorePlace { generation, place, head, .. })) = &status.store {
        let behind = status.behind().map(|behind| format!(", behind by {behind}")).unwrap_or_default();
        lines.push(format!("store: generation {generation:?}, place {place}{behind}, newest message {head}"));
    }
    lines.extend(problems.iter().map(|problem| format!("problem: {problem}")));
    lines.join("\n")
}

fn state(copy: &LogCopy) -> &'static str {
    match copy {
        LogCopy { offline: true, .. } => "offline",
        LogCopy { leads: true, .. } => "leads",
        LogCopy { current: true, .. } => "has everything",
        _ => "lags",
    }
}

fn object(status: &ClusterStatus, problems: &[String]) -> serde_json::Value {
    let log = status.log.as_ref().ok().map(|log| {
        let copies: Vec<_> =
            log.copies.iter().map(|copy| json!({ "server": copy.server, "state": state(copy) })).collect();
        json!({
            "generation": log.generation.map(|found| format!("{found:?}")), "first": log.first, "last": log.last,
            "bytes": log.bytes, "closed": log.closed, "server": log.server, "copies": copies,
        })
    });
    let store = status.store.as_ref().ok().and_then(Option::as_ref).map(|store| {
        json!({
            "generation": format!("{:?}", store.generation), "place": store.place, "newest": store.head,
            "stream": store.stream.as_str(), "behind": status.behind(),
        })
    });
    json!({ "type": "cluster", "log": log, "store": store, "problems": problems })
}

/// Reports why nothing was done. Wrong input is a sentence and exit code 2.
fn refused(dir: &Path, error: ClusterError) -> Result<ExitCode> {
    let code = if error.is_usage() { USAGE } else { FAILURE };
    let error = match error {
        ClusterError::Journal(error) | ClusterError::Transfer(TransferError::Journal(error))
            if !matches!(error, JournalError::NotOurs { .. }) =>
        {
            named(dir)(error)
        }
        error => error.into(),
    };
    eprint(&format!("{error:#}"));
    Ok(ExitCode::from(code))
}

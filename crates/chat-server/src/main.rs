//! The binary `chat-server`.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod admin_commands;
mod cluster_commands;
mod metrics;
mod node;
mod process;
mod reload;
mod transfer_commands;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use chat_proto::display;
use chat_server::command_line::{
    Arguments, ConfigFileError, LogFormat, Options, ServerCommand, UsageError, data_directory,
};
use chat_server::{MemoryJournal, Server, ServerHandle};

use crate::metrics::MetricsPort;
use crate::process::report::{self, FAILURE, USAGE, eprint, report_recovery};
use crate::process::signals::{ReloadSignals, ShutdownSignals};
use crate::process::store_lock::open_journal;
use crate::process::{clock, log_writer, logging, ready_line, rlimits, service_manager};
use crate::reload::{Reloader, open_log};

/// How long the last lines of the log may take when nothing reads them.
const LAST_LINES: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let result = match Arguments::from_command_line(words.clone()) {
        Ok(arguments) => run(&arguments, words),
        Err(UsageError::CommandLine(error)) => made_safe(&error, &words).exit(),
        Err(error) => Err(error.into()),
    };
    let code = result.unwrap_or_else(|error| {
        eprint(&format!("{error:#}{}", report::hint(&error)));
        let usage = matches!(error.downcast_ref(), Some(UsageError::ConfigFile(ConfigFileError::Line { .. })));
        ExitCode::from(if usage { USAGE } else { FAILURE })
    });
    log_writer::flush(LAST_LINES);
    code
}

/// Returns clap's error for arguments that are safe to print: clap quotes them as they are.
fn made_safe(error: &clap::Error, words: &[OsString]) -> clap::Error {
    let clean = words.iter().map(|word| display::clean_for_terminal(&word.to_string_lossy()).into_owned().into());
    match Arguments::from_command_line(clean) {
        Err(UsageError::CommandLine(error)) => error,
        // The error is about the very character that was replaced.
        _ => clap::Error::raw(error.kind(), "an argument contains control characters\n"),
    }
}

fn run(arguments: &Arguments, words: Vec<OsString>) -> Result<ExitCode> {
    match &arguments.command {
        // A log of JSON objects contains nothing else, not even the last error.
        None if arguments.options.log_format == Some(LogFormat::Json) => {
            serve(&arguments.options, words).or_else(|error| {
                tracing::error!("{error:#}");
                Ok(ExitCode::from(FAILURE))
            })
        }
        None => serve(&arguments.options, words),
        #[cfg(unix)]
        Some(ServerCommand::Admin { store, arguments }) => admin_commands::admin(&store.directory()?, arguments),
        Some(ServerCommand::Cluster { store, arguments }) => cluster_commands::run(store, arguments),
        Some(ServerCommand::Import { store, file, replace }) => {
            transfer_commands::import(&store.directory()?, file, *replace)
        }
        Some(ServerCommand::Restore { store, file, replace }) => {
            transfer_commands::restore(&store.directory()?, file, *replace)
        }
        Some(ServerCommand::Check { store }) => admin_commands::check(&store.directory()?),
        Some(ServerCommand::Accounts { store, what }) => admin_commands::accounts(&store.directory()?, what),
    }
}

fn serve(options: &Options, words: Vec<OsString>) -> Result<ExitCode> {
    let log_format = options.log_format.unwrap_or_default();
    let sink = open_log(options.log_file.as_deref())?;
    let level =
        logging::start(log_format, options.log_level.unwrap_or_default(), sink).context("could not start the log")?;
    rlimits::forbid_core_dumps();
    clock::check(SystemTime::now())?;
    let versions = reload::certificate_versions(options);
    let mut config = options.server_config()?;
    if options.memory != Some(true) {
        config.store_dir = Some(data_directory(options)?);
    }
    rlimits::raise_open_files(config.limits.connections);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("could not start the threads of the server")?;
    runtime.block_on(async {
        // Before anything else, so that no signal arrives at a half-started server.
        let mut signals = ShutdownSignals::listen().context("could not handle signals")?;
        let mut hangups = ReloadSignals::listen().context("could not handle SIGHUP")?;
        let mut reloader = Reloader::new(words, options.clone(), config.tls.clone(), versions, level);
        let metrics = match options.metrics {
            Some(asked) => Some(open_metrics(asked).await?),
            None => None,
        };
        let handle = if options.memory == Some(true) {
            Server::start(config, MemoryJournal::new()).await?
        } else {
            let dir = data_directory(options)?;
            #[cfg_attr(not(unix), expect(unused_mut, reason = "the socket is a Unix socket"))]
            let mut handle = match options.nats() {
                Some(nats) => node::start(config, dir.clone(), nats).await?,
                None => {
                    let journal = open_journal(dir.clone()).await?;
                    report_recovery(journal.recovery(), log_format);
                    Server::start(config, journal).await?
                }
            };
            #[cfg(unix)]
            if let Err(error) = handle.open_admin(&dir) {
                tracing::warn!(%error, "could not open the admin socket; \"chat-server admin\" works once the server is stopped");
            }
            handle
        };
        let ready = ready_line::print(ready_text(&handle, metrics.as_ref()));
        service_manager::ready();
        tokio::spawn(service_manager::report(handle.observer()));
        if let Some(metrics) = metrics {
            // Not stopped with the server: it reports that the server drains.
            tokio::spawn(metrics.serve(handle.observer()));
        }
        // A line that cannot be written ends the server, because a script may wait for it forever.
        let unwritten = async {
            match ready.await {
                Ok(Err(error)) => error,
                Ok(Ok(())) | Err(_) => std::future::pending().await,
            }
        };
        tokio::pin!(unwritten);
        let failed = loop {
            // Every branch is cancel safe: signals and changes that are missed once are noticed again, and the futures
            // that end the loop are polled by reference or have no state.
            tokio::select! {
                biased;
                error = &mut unwritten => break Some(anyhow::Error::from(error).context("could not write the ready line")),
                () = signals.first() => break None,
                () = handle.failed() => break None,
                () = hangups.next() => {
                    service_manager::reloading();
                    reloader.reload(&handle).await;
                    service_manager::ready();
                }
                () = reloader.certificate_changed() => reloader.reload_certificate().await,
            }
        };
        service_manager::stopping();
        tracing::info!("draining");
        handle.drain().await.context("could not close the store cleanly")?;
        failed.map_or(Ok(ExitCode::SUCCESS), Err)
    })
}

async fn open_metrics(asked: SocketAddr) -> Result<MetricsPort> {
    MetricsPort::open(asked).await.with_context(|| format!("could not listen on {asked}"))
}

/// Returns the line that says where the server listens. Fields may be added at its end.
fn ready_text(handle: &ServerHandle, metrics: Option<&MetricsPort>) -> String {
    let mut line = format!("ready listen={} write={}", handle.listen_addr(), handle.write_addr());
    if let Some(metrics) = metrics {
        line += &format!(" metrics={}", metrics.address());
    }
    if let Some((listen, write)) = handle.tls_addrs() {
        line += &format!(" tls-listen={listen} tls-write={write}");
    }
    line
}

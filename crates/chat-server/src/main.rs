//! The binary: arguments, log, signals, and the library.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod metrics;
mod process;

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use chat_proto::{Nickname, display};
use chat_server::command_line::{
    AccountsCommand, Arguments, ConfigFileError, LogFormat, Serve, ServerCommand, UsageError,
};
use chat_server::{
    JournalError, MemoryJournal, Recovery, Server, ServerConfig, ServerHandle, SqliteJournal, StartError, check_store,
    list_accounts, revoke_account,
};

use crate::metrics::MetricsPort;
use crate::process::signals::ShutdownSignals;
use crate::process::{logging, rlimits};

/// What was asked for cannot be done.
const FAILURE: u8 = 1;

/// What was asked for makes no sense.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let result = match Arguments::from_command_line(words.clone()) {
        Ok(arguments) => run(&arguments),
        Err(UsageError::CommandLine(error)) => made_safe(&error, &words).exit(),
        Err(error) => Err(error.into()),
    };
    result.unwrap_or_else(|error| {
        eprint_safe(&format!("{error:#}"));
        let usage = matches!(error.downcast_ref(), Some(UsageError::ConfigFile(ConfigFileError::Line { .. })));
        ExitCode::from(if usage { USAGE } else { FAILURE })
    })
}

/// clap quotes the arguments as they are, and these may steer the terminal: it is asked again with clean ones.
fn made_safe(error: &clap::Error, words: &[OsString]) -> clap::Error {
    let clean = words.iter().map(|word| display::clean_for_terminal(&word.to_string_lossy()).into_owned().into());
    match Arguments::from_command_line(clean) {
        Err(UsageError::CommandLine(error)) => error,
        // What was wrong is the very thing that was cleaned.
        _ => clap::Error::raw(error.kind(), "an argument holds what it must not\n"),
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    match &arguments.command {
        // A log of objects has nothing else in it, the last words included.
        None if matches!(arguments.serve.log_format, LogFormat::Json) => serve(&arguments.serve).or_else(|error| {
            tracing::error!("{error:#}");
            Ok(ExitCode::from(FAILURE))
        }),
        None => serve(&arguments.serve),
        Some(ServerCommand::Check { store }) => check(&store.directory()?),
        Some(ServerCommand::Accounts { store, what }) => accounts(&store.directory()?, what),
    }
}

fn serve(arguments: &Serve) -> Result<ExitCode> {
    logging::start(arguments.log_format);
    rlimits::forbid_core_dumps();
    rlimits::raise_open_files();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the threads of the server")?;
    runtime.block_on(async {
        // Before anything else, so that no signal finds the server half started.
        let mut signals = ShutdownSignals::listen().context("cannot listen for signals")?;
        let metrics = match arguments.metrics {
            Some(asked) => Some(open_metrics(asked).await?),
            None => None,
        };
        let handle = start(arguments).await?;
        print_ready_line(&handle, metrics.as_ref());
        if let Some(metrics) = metrics {
            // Not told to stop: while the server drains, it is there to say so.
            tokio::spawn(metrics.serve(handle.observer()));
        }
        signals.next().await;
        tracing::info!("draining");
        tokio::select! {
            drained = handle.drain() => drained.context("the store was not closed in an orderly way")?,
            () = signals.next() => anyhow::bail!("stopped before everything was answered"),
        }
        Ok(ExitCode::SUCCESS)
    })
}

async fn open_metrics(asked: SocketAddr) -> Result<MetricsPort> {
    MetricsPort::open(asked).await.with_context(|| format!("cannot listen on {asked}"))
}

async fn start(arguments: &Serve) -> Result<ServerHandle> {
    let config: ServerConfig = arguments.config()?;
    let started: Result<ServerHandle, StartError> = if arguments.memory {
        Server::start(config, MemoryJournal::new()).await
    } else {
        let dir = arguments.store.directory()?;
        let journal = SqliteJournal::open(&dir).map_err(named(&dir))?;
        report(journal.recovery(), arguments.log_format);
        Server::start(config, journal).await
    };
    Ok(started?)
}

/// What was mended is told in a sentence whatever the log shows; among objects as one of them.
fn report(recovery: Option<&Recovery>, format: LogFormat) {
    let sentence = match recovery {
        Some(Recovery::SetAside { file, messages, accounts }) => format!(
            "the store was damaged; {messages} messages and {accounts} accounts were kept, the damaged file is now {}",
            file.display()
        ),
        Some(Recovery::TailLost { stored, found }) => {
            format!("the store ends at message {found}, but {stored} had been stored; listeners are told of the gap")
        }
        Some(_) => "the store was mended".to_owned(),
        None => return,
    };
    match format {
        LogFormat::Json => tracing::warn!("{sentence}"),
        LogFormat::Text => eprint_safe(&sentence),
    }
}

/// Says it on standard error, where an argument or a path may have brought something that steers a terminal.
fn eprint_safe(sentence: &str) {
    // Nobody may be there to read it.
    let _ = writeln!(io::stderr(), "chat-server: {}", display::clean_keeping_line_breaks(sentence));
}

/// Says which store an error is about, where it does not say so itself.
fn named(dir: &Path) -> impl Fn(JournalError) -> anyhow::Error {
    let dir = dir.display().to_string();
    move |error| match error {
        JournalError::Full | JournalError::Damaged | JournalError::TooNew { .. } | JournalError::Other(_) => {
            anyhow::Error::from(error).context(dir.clone())
        }
        error => error.into(),
    }
}

/// The one line on standard output, for whoever waits for it. If nobody does, that is no error.
fn print_ready_line(handle: &ServerHandle, metrics: Option<&MetricsPort>) {
    let mut out = io::stdout();
    let mut line = format!("ready listen={} write={}", handle.listen_addr(), handle.write_addr());
    if let Some(metrics) = metrics {
        line += &format!(" metrics={}", metrics.address());
    }
    if let Some((listen, write)) = handle.tls_addrs() {
        line += &format!(" tls-listen={listen} tls-write={write}");
    }
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

fn check(dir: &Path) -> Result<ExitCode> {
    let report = check_store(dir).map_err(named(dir))?;
    let mut out = io::stdout();
    let stream = report.streams.last().map_or("none", |stream| stream.id.as_str());
    let verdict = if report.is_good() { "good" } else { "damaged" };
    let _ = writeln!(
        out,
        "{verdict}: messages={} accounts={} head={} stream={stream} damaged_rows={}",
        report.messages, report.accounts, report.head, report.damaged_rows
    );
    if let Some(stored) = report.lost_end {
        let _ = writeln!(
            out,
            "lost end: message {stored} had been stored and the store ends at {}; the next start begins a new stream",
            report.head
        );
    }
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::from(FAILURE) })
}

fn accounts(dir: &Path, what: &AccountsCommand) -> Result<ExitCode> {
    match what {
        AccountsCommand::List => {
            let mut out = io::stdout().lock();
            let guarded = out.is_terminal();
            for account in list_accounts(dir).map_err(named(dir))? {
                let revoked = if account.revoked { "\trevoked" } else { "" };
                let nickname = account.nickname.as_str();
                // In a pipe it is data.
                let nickname = if guarded { display::clean_for_terminal(nickname) } else { Cow::Borrowed(nickname) };
                match writeln!(out, "{nickname}\t{}{revoked}", account.at / 1000) {
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
                    written => written.context("cannot write to standard output")?,
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        AccountsCommand::Revoke { nickname } => {
            let nickname = Nickname::new(nickname)?;
            if revoke_account(dir, &nickname).map_err(named(dir))? {
                return Ok(ExitCode::SUCCESS);
            }
            anyhow::bail!("no account has the nickname {:?}", nickname.as_str())
        }
    }
}

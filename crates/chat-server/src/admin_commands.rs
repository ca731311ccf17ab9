//! The commands of the administrator: `admin`, `check` and `accounts`.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
#[cfg(unix)]
use std::time::Instant;

use anyhow::{Context, Result};
use chat_proto::{Nickname, display};
use chat_server::command_line::AccountsCommand;
use chat_server::{check_store, list_accounts, revoke_account, revoke_account_by_id};

#[cfg(unix)]
use chat_server::admin::{self, AdminCall, AdminError, AdminReply};
#[cfg(unix)]
use chat_server::command_line::{AdminArguments, AdminCommand};
#[cfg(unix)]
use chat_server::{JournalError, StartError};

use crate::process::report::{FAILURE, named};
#[cfg(unix)]
use crate::process::report::{USAGE, eprint};
#[cfg(unix)]
use crate::process::store_lock;
#[cfg(unix)]
use crate::transfer_commands;

pub(crate) fn check(dir: &Path) -> Result<ExitCode> {
    let report = check_store(dir).map_err(named(dir))?;
    let mut out = io::stdout();
    let stream = report.streams.last().map_or("none", |stream| stream.id.as_str());
    let verdict = if report.is_good() { "good" } else { "damaged" };
    let _ = writeln!(
        out,
        "{verdict}: messages={} accounts={} head={} stream={stream} damaged_rows={}",
        report.messages, report.accounts, report.head, report.damaged_rows
    );
    if report.expired > 0 {
        let _ = writeln!(out, "the messages up to {} have expired", report.expired);
    }
    if let Some(stored) = report.lost_end {
        let _ = writeln!(
            out,
            "lost end: message {stored} had been stored and the store ends at {}; the next start begins a new stream",
            report.head
        );
    }
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::from(FAILURE) })
}

pub(crate) fn accounts(dir: &Path, what: &AccountsCommand) -> Result<ExitCode> {
    match what {
        AccountsCommand::List { ids } => {
            let mut out = io::stdout().lock();
            let guarded = out.is_terminal();
            for account in list_accounts(dir).map_err(named(dir))? {
                let revoked = if account.revoked { "\trevoked" } else { "" };
                let nickname = account.nickname.as_str();
                // Output to a pipe is data and must stay unchanged.
                let nickname = if guarded { display::clean_for_terminal(nickname) } else { Cow::Borrowed(nickname) };
                let id = if *ids { format!("{}\t", account.id) } else { String::new() };
                match writeln!(out, "{id}{nickname}\t{}{revoked}", account.at / 1000) {
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
                    written => written.context("could not write to standard output")?,
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        AccountsCommand::Revoke { id: Some(id), .. } => {
            if revoke_account_by_id(dir, *id, &actor()?).map_err(named(dir))? {
                return Ok(ExitCode::SUCCESS);
            }
            anyhow::bail!("no account has the number {id}; see \"chat-server accounts list --ids\"")
        }
        AccountsCommand::Revoke { nickname, id: None } => {
            let nickname = Nickname::new(nickname.as_deref().unwrap_or_default())?;
            if revoke_account(dir, &nickname, &actor()?).map_err(named(dir))? {
                return Ok(ExitCode::SUCCESS);
            }
            anyhow::bail!("no account has the nickname {:?}; see \"chat-server accounts list\"", nickname.as_str())
        }
    }
}

/// Carries out an operation on the running server, or on the store of one that does not run.
#[cfg(unix)]
pub(crate) fn admin(dir: &Path, arguments: &AdminArguments) -> Result<ExitCode> {
    let usage = |sentence: String| {
        eprint(&sentence);
        Ok(ExitCode::from(USAGE))
    };
    match &arguments.what {
        AdminCommand::Backup { file } => return transfer_commands::backup(dir, file, arguments.json),
        AdminCommand::Export { nickname: None } => return transfer_commands::export(dir),
        _ => {}
    }
    let request = match arguments.what.request() {
        Ok(request) => request,
        Err(sentence) => return usage(sentence),
    };
    let actor = arguments.actor.clone().unwrap_or_else(operator);
    let call = AdminCall { actor, reason: arguments.reason.clone(), request };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("could not start")?;
    let answer = runtime.block_on(answer(dir, call))?;
    let replies = match answer {
        Ok(replies) => replies,
        Err(AdminError::Usage(sentence)) => return usage(sentence),
        Err(error) => return Err(error.into()),
    };
    let mut out = io::stdout().lock();
    let guarded = out.is_terminal();
    for reply in replies {
        let line = if arguments.json { reply.object.to_string() } else { reply.text };
        // Output to a pipe is data and must stay unchanged.
        let line = if guarded {
            display::clean_for_terminal(&line.replace('\t', "  ")).into_owned().into()
        } else {
            Cow::Borrowed(line.as_str())
        };
        match writeln!(out, "{line}") {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            written => written.context("could not write to standard output")?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the answer of the running server, or of the store. Waits for another command that uses the store, and for a
/// server that starts.
#[cfg(unix)]
async fn answer(dir: &Path, call: AdminCall) -> Result<Result<Vec<AdminReply>, AdminError>> {
    let deadline = Instant::now() + store_lock::WAIT;
    loop {
        match admin::call(dir, &call).await {
            Ok(Some(answer)) => return Ok(answer),
            Ok(None) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => anyhow::bail!(
                "the server ended before it answered: look into \"chat-server admin log\" whether it has done this"
            ),
            Err(error) => return Err(error).context("could not reach the server at its admin socket"),
        }
        match admin::call_store(dir, call.clone()).await {
            Ok(answer) => return Ok(answer),
            Err(StartError::Journal(JournalError::Locked { .. })) if Instant::now() < deadline => {
                tokio::time::sleep(store_lock::TICK).await;
            }
            Err(StartError::Journal(error)) => return Err(named(dir)(error)),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Returns the actor of an action of the older commands.
fn actor() -> Result<Nickname> {
    Ok(Nickname::new(&operator())?)
}

/// Returns the name of the user who runs the command. It is for the journal only: a user of the socket may choose
/// any name.
fn operator() -> String {
    let named = ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    named.filter(|name| Nickname::new(name).is_ok()).unwrap_or_else(|| "operator".to_owned())
}

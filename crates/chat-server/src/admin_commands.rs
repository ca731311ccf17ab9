//! The commands of the administrator: `check` and `accounts`.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use chat_proto::{Nickname, display};
use chat_server::command_line::AccountsCommand;
use chat_server::{check_store, list_accounts, revoke_account};

use crate::process::report::{FAILURE, named};

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
        AccountsCommand::List => {
            let mut out = io::stdout().lock();
            let guarded = out.is_terminal();
            for account in list_accounts(dir).map_err(named(dir))? {
                let revoked = if account.revoked { "\trevoked" } else { "" };
                let nickname = account.nickname.as_str();
                // Output to a pipe is data and must stay unchanged.
                let nickname = if guarded { display::clean_for_terminal(nickname) } else { Cow::Borrowed(nickname) };
                match writeln!(out, "{nickname}\t{}{revoked}", account.at / 1000) {
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
                    written => written.context("could not write to standard output")?,
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        AccountsCommand::Revoke { nickname } => {
            let nickname = Nickname::new(nickname)?;
            if revoke_account(dir, &nickname).map_err(named(dir))? {
                return Ok(ExitCode::SUCCESS);
            }
            anyhow::bail!("no account has the nickname {:?}; see \"chat-server accounts list\"", nickname.as_str())
        }
    }
}

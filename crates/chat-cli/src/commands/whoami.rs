//! `chat whoami`: logs in and prints the nickname of the account, as the server knows it. It registers no account.

use std::time::Duration;

use chat_client::{Account, ClientConfig, Settings, Side, Token, Writer};
use chat_frontend::{Exit, unblock};

use crate::account_choice;
use crate::args::{CommonArgs, PingArgs};
use crate::connection::{self, PortKind, StateReporter};
use crate::error::CliError;
use crate::json::{JsonObject, ObjectKind};
use crate::output::{self, Style};
use crate::runtime;
use crate::signals::{Interrupt, OnHangup};

/// How long to try to connect by default.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);

pub(super) fn run(args: &PingArgs, common: &CommonArgs) -> Result<Exit, CliError> {
    let interrupt = Interrupt::watch(OnHangup::End).map_err(CliError::Runtime)?;
    let mut layer = connection::layer(&args.connect, PortKind::Write);
    connection::add_identity(&mut layer, &args.identity)?;
    let settings = connection::settings(layer, common)?;
    let config = connection::client_config(&settings, &args.connect, &[Side::Write], Some(CONNECT_TIMEOUT))?;
    connection::warn_of_exposure(&config);
    runtime::block_on(async {
        let token = token(&settings).await?;
        // Dropping the login closes its connection; it has no result to lose.
        tokio::select! {
            () = interrupt.wait() => Err(CliError::Interrupted),
            account = log_in(&config, token, common.json) => print(account?.nickname.as_str(), &config, common.json),
        }
    })
}

async fn token(settings: &Settings) -> Result<Token, CliError> {
    let owned = settings.clone();
    match unblock(move || account_choice::known(&owned)).await? {
        Some(token) => Ok(token),
        None => Err(match &settings.nickname {
            Some(name) => CliError::UnknownAccount(name.clone()),
            None => CliError::NoAccount,
        }),
    }
}

/// Logs in, and returns the account as the server knows it.
pub(super) async fn log_in(config: &ClientConfig, token: Token, json: bool) -> Result<Account, CliError> {
    let writer = Writer::builder(config.clone()).token(token).start();
    let mut reporter = StateReporter::new(PortKind::Write, writer.state(), json);
    // Both branches watch a state, so the dropped one loses nothing.
    tokio::select! {
        _ = writer.online() => {}
        () = async { loop { reporter.next().await } } => {}
    }
    if let Some(failure) = connection::closed(&writer.state(), config.addresses_text(Side::Write)) {
        return Err(failure);
    }
    let account = writer.account().borrow().clone();
    account.ok_or(CliError::NoAccount)
}

/// Prints a nickname.
pub(super) fn print(nickname: &str, config: &ClientConfig, json: bool) -> Result<Exit, CliError> {
    let mut out = Vec::new();
    if json {
        let room = config.write_addr_text();
        JsonObject::new(ObjectKind::Account { nick: nickname, asked: None, room: Some(&room) }).write_to(&mut out);
    } else {
        out.extend_from_slice(Style::new(false, false).safe(nickname).as_bytes());
        out.push(b'\n');
    }
    output::print(&out).map(|_| Exit::Done)
}

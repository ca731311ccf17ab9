//! `chat register`: creates and saves an account. Prints the nickname that the server assigned.

use std::time::Duration;

use chat_client::{ClientConfig, Settings, Side};
use chat_frontend::Exit;

use crate::account_choice;
use crate::args::{CommonArgs, RegisterArgs};
use crate::connection::{self, LastError, PortKind};
use crate::error::CliError;
use crate::json::{JsonObject, ObjectKind};
use crate::output::{self, Style};
use crate::runtime;
use crate::signals::{Interrupt, OnHangup};

/// How long to try to connect by default.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);

pub(super) fn run(args: &RegisterArgs, common: &CommonArgs) -> Result<Exit, CliError> {
    let mut layer = connection::layer(&args.connect, PortKind::Write);
    layer.credentials_path.clone_from(&args.credential_path);
    let settings = connection::settings(layer, common)?;
    let config = connection::client_config(&settings, &args.connect, &[Side::Write], Some(CONNECT_TIMEOUT))?;
    connection::warn_of_exposure(&config);
    let interrupt = Interrupt::watch(OnHangup::End).map_err(CliError::Runtime)?;
    runtime::block_on(register(args, common, &settings, &config, &interrupt))
}

async fn register(
    args: &RegisterArgs,
    common: &CommonArgs,
    settings: &Settings,
    config: &ClientConfig,
    interrupt: &Interrupt,
) -> Result<Exit, CliError> {
    let last_error = LastError::default();
    // An interrupted registration may leave an account on the server whose token is lost, as at any end of the process.
    let account = tokio::select! {
        account = account_choice::new(settings, config, &args.username, &last_error) => account?,
        () = interrupt.wait() => return Err(CliError::Interrupted),
    };
    let mut out = Vec::new();
    let nickname = account.nickname.as_str();
    if common.json {
        JsonObject::new(ObjectKind::Account {
            nick: nickname,
            asked: Some(&args.username),
            room: Some(&config.write_addr_text()),
        })
        .write_to(&mut out);
    } else {
        out.extend_from_slice(Style::new(false, false).safe(nickname).as_bytes());
        out.push(b'\n');
    }
    output::print(&out).map(|_| Exit::Done)
}

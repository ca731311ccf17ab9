//! `chat accounts add`: logs in with a token, and saves the account. After the operator has given an account a new token,
//! it replaces the old one.

use std::path::PathBuf;

use chat_client::Side;
use chat_frontend::{Exit, unblock};

use super::super::whoami::{self, CONNECT_TIMEOUT};
use crate::account_choice;
use crate::args::{AddAccountArgs, CommonArgs};
use crate::connection::{self, PortKind};
use crate::error::CliError;
use crate::room_key;
use crate::runtime;
use crate::signals::{Interrupt, OnHangup};

pub(super) fn run(args: &AddAccountArgs, file: Option<&PathBuf>, common: &CommonArgs) -> Result<Exit, CliError> {
    let interrupt = Interrupt::watch(OnHangup::End).map_err(CliError::Runtime)?;
    let mut layer = connection::layer(&args.connect, PortKind::Write);
    layer.token_file = Some(args.token_file.clone());
    layer.credentials_path = file.cloned();
    let settings = connection::settings(layer, common)?;
    let config = connection::client_config(&settings, &args.connect, &[Side::Write], Some(CONNECT_TIMEOUT))?;
    connection::warn_of_exposure(&config);
    runtime::block_on(async {
        let owned = settings.clone();
        // Before the server is asked, so that a file that cannot be used is found first.
        let (token, mut credentials) =
            unblock(move || Ok::<_, CliError>((owned.token()?, account_choice::kept(&owned)?))).await?;
        let token = token.ok_or(CliError::NoAccount)?;
        // Dropping the login closes its connection; it has no result to lose.
        let account = tokio::select! {
            () = interrupt.wait() => return Err(CliError::Interrupted),
            account = whoami::log_in(&config, token, common.json) => account?,
        };
        let (room, saved) = (room_key::find(&settings).await, account.clone());
        unblock(move || credentials.renew_for(&room, &saved)).await?;
        whoami::print(account.nickname.as_str(), &config, common.json)
    })
}

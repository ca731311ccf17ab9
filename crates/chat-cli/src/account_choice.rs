//! Chooses the account of a command: a given token, a saved account, or a new one.

use std::path::Path;
use std::sync::Arc;

use chat_client::{
    Account, ClientConfig, ConnectError, Credentials, FileLock, Nickname, Settings, Token, paths, register,
};
use chat_frontend::report::chain;
use chat_frontend::time::in_words;
use tokio::time::Instant;

use crate::connection::LastError;
use crate::error::CliError;
use crate::output;

/// Loads the saved accounts and reports what was repaired in their file.
pub(crate) fn kept(settings: &Settings) -> Result<Credentials, CliError> {
    let credentials = Credentials::load(&settings.credentials_path)?;
    for warning in credentials.warnings() {
        output::report(format_args!("warning: {warning}"));
    }
    Ok(credentials)
}

/// Returns the token to use, if the server need not be asked: the given one, or else the saved account of that name in
/// this room, or else the only saved account of this room.
pub(crate) fn known(settings: &Settings) -> Result<Option<Token>, CliError> {
    if let Some(token) = settings.token()? {
        return Ok(Some(token));
    }
    let credentials = kept(settings)?;
    let room = settings.client_config().write_addr_text();
    if let Some(name) = &settings.nickname {
        return Ok(credentials.find_in(&room, name)?.map(|stored| stored.token().clone()));
    }
    // A token is valid only in the room that issued it, and must not be sent to another one.
    match credentials.of_room(&room).as_slice() {
        [] => Ok(None),
        [only] => Ok(Some(only.token().clone())),
        several => {
            Err(CliError::WhichAccount(several.iter().map(|stored| stored.nickname().as_str().to_owned()).collect()))
        }
    }
}

/// Returns the token to use. Registers the name if no account is known, and saves the account. In the meantime
/// `last_error` contains what prevents it.
pub(crate) async fn known_or_new(
    settings: &Settings,
    config: &ClientConfig,
    last_error: &LastError,
) -> Result<Token, CliError> {
    if let Some(token) = known(settings)? {
        return Ok(token);
    }
    let name = settings.nickname.as_deref().ok_or(CliError::NoAccount)?;
    let account = new(settings, config, name, last_error).await?;
    output::report(format_args!("registered as {}", account.nickname));
    Ok(account.token)
}

/// Registers a name and saves the account.
pub(crate) async fn new(
    settings: &Settings,
    config: &ClientConfig,
    name: &str,
    last_error: &LastError,
) -> Result<Account, CliError> {
    let nickname = Nickname::new(name)?;
    // Checked before the server is asked: an account that cannot be saved would be lost.
    let mut credentials = kept(settings)?;
    can_keep(&settings.credentials_path)?;
    let account = ask(config, nickname, last_error).await?;
    credentials.add_for(&config.write_addr_text(), &account, Some(name))?;
    Ok(account)
}

/// Checks that files can be created next to the account file.
fn can_keep(path: &Path) -> Result<(), CliError> {
    let failed = |source| CliError::File { path: path.to_owned(), source };
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        paths::create_private(dir).map_err(failed)?;
    }
    FileLock::acquire(path).map(|_| ()).map_err(CliError::Lock)
}

/// Registers, and retries while no server answers. After an answer, even an incomplete one, it does not ask again: a
/// second request could create a second account.
async fn ask(config: &ClientConfig, nickname: Nickname, last_error: &LastError) -> Result<Account, CliError> {
    let start = Instant::now();
    let mut wait = config.retry.base;
    let mut attempts = 1;
    loop {
        let error = match register(config, nickname.clone()).await {
            Ok(account) => return Ok(account),
            Err(error) => Arc::new(error),
        };
        let unsaid = matches!(
            *error,
            ConnectError::Resolve { .. }
                | ConnectError::Connect { .. }
                | ConnectError::TimedOut { .. }
                | ConnectError::NoHandshake { .. }
        );
        let tries_left = config.retry.max_attempts.is_none_or(|max| attempts < max);
        let time_left = config.retry.max_time.is_none_or(|max| start.elapsed() + wait < max);
        if !(unsaid && tries_left && time_left) {
            return Err(CliError::Connect { what: config.write_addr_text(), error });
        }
        output::report(format_args!("{}; retrying in {}", chain(&*error), in_words(wait)));
        last_error.set(Some(error));
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(config.retry.cap);
        attempts += 1;
    }
}

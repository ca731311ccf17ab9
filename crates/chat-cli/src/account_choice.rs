//! Chooses the account of a command: a given token, a saved account, or a new one.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chat_client::{
    Account, ClientConfig, ConnectError, Credentials, Nickname, Refusal, RegistrationLock, Retry, RoomKey, Settings,
    Side, Token, register,
};
use chat_frontend::report::chain;
use chat_frontend::time::in_words;
use chat_frontend::unblock;
use tokio::time::Instant;

use crate::connection::LastError;
use crate::error::{CliError, MAX_NICKNAME_CHARS, advice_while_retrying};
use crate::output;
use crate::room_key;

/// How long to wait for another run that registers, if the options set no limit.
const LOCK_TIMEOUT: Duration = Duration::from_secs(60);

/// Loads the saved accounts and reports what was repaired in their file. Blocks.
pub(crate) fn kept(settings: &Settings) -> Result<Credentials, CliError> {
    let credentials = Credentials::load(settings.credentials_file()?)?;
    // A run may read the file several times, and reports each warning once.
    static REPORTED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    for warning in credentials.warnings().iter().map(ToString::to_string) {
        if REPORTED.lock().is_ok_and(|mut reported| reported.insert(warning.clone())) {
            output::report(format_args!("warning: {warning}"));
        }
    }
    Ok(credentials)
}

/// Returns the token to use, if the server need not be asked: the given one, or else the saved account of that name in
/// this room, or else the only saved account of this room. Blocks: it reads files, and perhaps standard input.
pub(crate) fn known(settings: &Settings) -> Result<Option<Token>, CliError> {
    if let Some(token) = settings.token()? {
        return Ok(Some(token));
    }
    let credentials = kept(settings)?;
    let room = room_key::of(settings);
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

/// Returns whether [`known`] may wait for a person or another program: the token comes from standard input or a pipe. The
/// other files are opened without waiting.
fn may_wait(settings: &Settings) -> bool {
    let path = settings.token_file.as_ref().filter(|_| settings.token.is_none());
    path.is_some_and(|path| path.metadata().is_ok_and(|found| !found.is_file()) || path.as_os_str() == "-")
}

/// Returns the token to use. Registers the name if no account is known, and saves the account. In the meantime
/// `last_error` contains what prevents it.
pub(crate) async fn known_or_new(
    settings: &Settings,
    config: &ClientConfig,
    may_register: bool,
    last_error: &LastError,
) -> Result<Token, CliError> {
    let look_up = |settings: Settings| unblock(move || known(&settings));
    // Nothing else is going on yet that a slow disk could delay, and another thread costs more than these few lines.
    let found = if may_wait(settings) { look_up(settings.clone()).await? } else { known(settings)? };
    if let Some(token) = found {
        return Ok(token);
    }
    let name = settings.nickname.as_deref().ok_or(CliError::NoAccount)?;
    if !may_register {
        return Err(CliError::NotRegistered(name.to_owned()));
    }
    let nickname = Nickname::new(name)?;
    // Until the account is saved no other run may register, and the one before may have done it meanwhile.
    let lock = lock(settings, config).await?;
    if let Some(token) = look_up(settings.clone()).await? {
        return Ok(token);
    }
    warn_of_other_rooms(&load(settings).await?, &room_key::find(settings).await, name);
    let account = register_and_save(settings, config, nickname, last_error, &lock).await?;
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
    let lock = lock(settings, config).await?;
    warn_of_other_rooms(&load(settings).await?, &room_key::find(settings).await, name);
    register_and_save(settings, config, nickname, last_error, &lock).await
}

/// Waits for other runs that register in this room, for as long as this one would wait for the server.
async fn lock(settings: &Settings, config: &ClientConfig) -> Result<RegistrationLock, CliError> {
    let room = room_key::find(settings).await;
    // Also finds out, before the server is asked, whether the account could be saved.
    Ok(Credentials::lock_registration(settings.credentials_file()?, &room, lock_timeout(config)).await?)
}

/// Returns how long to wait for another run: for its answer, and before that for as long as attempts may fail.
fn lock_timeout(config: &ClientConfig) -> Duration {
    let attempts = if config.retry.max_attempts == Some(1) { Duration::ZERO } else { LOCK_TIMEOUT };
    config.retry.max_time.unwrap_or(attempts) + config.answer_timeout
}

async fn register_and_save(
    settings: &Settings,
    config: &ClientConfig,
    nickname: Nickname,
    last_error: &LastError,
    _lock: &RegistrationLock,
) -> Result<Account, CliError> {
    let asked = nickname.to_string();
    if asked.chars().count() > MAX_NICKNAME_CHARS {
        output::report(format_args!("note: a server may shorten a nickname to {MAX_NICKNAME_CHARS} characters"));
    }
    let mut credentials = load(settings).await?;
    let account = ask(config, nickname, last_error).await?;
    let room = room_key::find(settings).await;
    let saved = unblock(move || credentials.add_for(&room, &account, Some(&asked)).map(|()| account)).await;
    Ok(saved?)
}

/// Loads the saved accounts as [`kept`] does, outside of the runtime's thread.
async fn load(settings: &Settings) -> Result<Credentials, CliError> {
    let settings = settings.clone();
    unblock(move || kept(&settings)).await
}

/// Names the rooms that have an account of this name if this room has none: a server that moved to another port is
/// another room.
fn warn_of_other_rooms(credentials: &Credentials, here: &RoomKey, name: &str) {
    let others = credentials.accounts().filter(|stored| stored.is_called(name));
    let rooms: BTreeSet<&str> = others.filter_map(|stored| stored.room()).collect();
    let is_here = credentials.of_room(here).iter().any(|stored| stored.room().is_some() && stored.is_called(name));
    if !rooms.is_empty() && !is_here {
        let rooms = Vec::from_iter(rooms).join(", ");
        output::report(format_args!(
            "warning: {name:?} has an account in another room ({rooms}) and none in {}; if the server has moved, use \
             `chat accounts move`; if both are nodes of one room, name both with --host",
            here.address()
        ));
    }
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
        // Before the greeting nothing was asked, so no account can have been created.
        let unsaid = error.is_before_dialogue() && error.retry() == Retry::Transient;
        let tries_left = config.retry.max_attempts.is_none_or(|max| attempts < max);
        let time_left = config.retry.max_time.is_none_or(|max| start.elapsed() + wait < max);
        if matches!(*error, ConnectError::Refused(Refusal::Nickname)) {
            return Err(CliError::NicknameRefused {
                what: config.addresses_text(Side::Write),
                name: nickname.to_string(),
            });
        }
        if !(unsaid && tries_left && time_left) {
            return Err(CliError::Connect { what: config.addresses_text(Side::Write), error });
        }
        let advice = if attempts == 1 { advice_while_retrying(&error) } else { "" };
        output::report(format_args!("{}{advice}; retrying in {}", chain(&*error), in_words(wait)));
        last_error.set(Some(error));
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(config.retry.cap);
        attempts += 1;
    }
}

#[cfg(test)]
mod tests {
    use chat_client::RetryPolicy;

    use super::*;

    #[test]
    fn no_retry_waits_for_one_answer() {
        let mut config = ClientConfig::default();
        assert_eq!(lock_timeout(&config), LOCK_TIMEOUT + config.answer_timeout);
        config.retry = RetryPolicy::never();
        assert_eq!(lock_timeout(&config), config.answer_timeout);
        config.retry.max_time = Some(Duration::from_secs(3));
        assert_eq!(lock_timeout(&config), Duration::from_secs(3) + config.answer_timeout);
    }
}

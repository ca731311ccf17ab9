//! `chat accounts`: lists, adds and removes saved accounts, never shows their tokens.

mod add;

use std::collections::BTreeSet;

use chat_client::{CachedAccount, Credentials, Layer};
use chat_frontend::Exit;

use crate::args::{AccountsAction, AccountsArgs, CommonArgs};
use crate::error::CliError;
use crate::json::{JsonObject, ObjectKind};
use crate::output::{self, Style};
use crate::{account_choice, connection};

pub(super) fn run(args: &AccountsArgs, common: &CommonArgs) -> Result<Exit, CliError> {
    if let Some(AccountsAction::Add(new)) = &args.action {
        return add::run(new, args.credential_path.as_ref(), common);
    }
    let mut layer = Layer::default();
    layer.credentials_path.clone_from(&args.credential_path);
    let settings = connection::settings(layer, common)?;
    let mut credentials = account_choice::kept(&settings)?;
    match &args.action {
        Some(AccountsAction::Move { nickname, room, to }) => {
            let (host, port) = to.rsplit_once(':').unwrap_or((to, ""));
            if host.is_empty() || port.parse::<u16>().is_err() {
                return Err(CliError::Usage(format!("--to {to:?} is not HOST:PORT of a write port").into()));
            }
            one_room(&credentials, nickname, room.as_deref())?;
            if credentials.move_to_room(nickname, room.as_deref(), to)? == 0 {
                return Err(CliError::UnknownAccount(nickname.to_owned()));
            }
        }
        Some(AccountsAction::Remove { nickname, room }) => remove(&mut credentials, nickname, room.as_deref())?,
        Some(AccountsAction::List | AccountsAction::Add(_)) | None => {
            let style = Style::new(common.json, false);
            let mut out = Vec::new();
            for stored in credentials.accounts() {
                let nickname = stored.nickname().as_str();
                if style.json {
                    JsonObject::new(ObjectKind::Account { nick: nickname, asked: stored.asked(), room: stored.room() })
                        .write_to(&mut out);
                } else {
                    out.extend_from_slice(style.safe(nickname).as_bytes());
                    out.push(b'\n');
                }
            }
            output::print(&out)?;
        }
    }
    Ok(Exit::Done)
}

/// Without a room, the nickname must be of one room alone.
fn one_room(credentials: &Credentials, nickname: &str, room: Option<&str>) -> Result<(), CliError> {
    let named = |stored: &&CachedAccount| stored.has_nickname(nickname);
    let rooms: BTreeSet<_> = credentials.accounts().filter(named).map(CachedAccount::room).collect();
    if room.is_none() && rooms.len() > 1 {
        let rooms = rooms.into_iter().map(|room| room.unwrap_or("unknown").to_owned());
        return Err(CliError::WhichRoom(rooms.collect()));
    }
    Ok(())
}

/// Removes the accounts with this nickname in one room.
fn remove(credentials: &mut Credentials, nickname: &str, room: Option<&str>) -> Result<(), CliError> {
    one_room(credentials, nickname, room)?;
    let named = |stored: &&CachedAccount| stored.has_nickname(nickname);
    let Some(room) = room else {
        return match credentials.remove(nickname)? {
            0 => Err(CliError::UnknownAccount(nickname.to_owned())),
            _ => Ok(()),
        };
    };
    let of_room = credentials.of_room(room).into_iter().filter(named);
    let accounts: Vec<_> = of_room.map(|stored| stored.account().clone()).collect();
    if accounts.is_empty() {
        return Err(CliError::UnknownAccount(nickname.to_owned()));
    }
    for account in accounts {
        credentials.remove_account(room, &account)?;
    }
    Ok(())
}

//! `chat accounts`: the kept accounts, never their tokens.

use chat_client::Layer;

use crate::account_choice;
use crate::args::{Accounts, AccountsAction, Common};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::objects::{Kind, Object};
use crate::output::{self, Style};
use crate::sides;

pub(super) fn run(args: &Accounts, common: &Common) -> Result<Exit, Failure> {
    let layer = Layer { credentials_path: args.credential_path.clone(), ..Layer::default() };
    let settings = sides::settings(layer, common)?;
    let mut credentials = account_choice::kept(&settings)?;
    match &args.action {
        Some(AccountsAction::Remove { nickname }) => {
            if credentials.remove(nickname)? == 0 {
                return Err(Failure::UnknownAccount(nickname.clone()));
            }
        }
        Some(AccountsAction::List) | None => {
            let style = Style::new(common.json, false);
            let mut out = Vec::new();
            for stored in credentials.accounts() {
                let nickname = stored.nickname().as_str();
                if style.json {
                    Object::new(Kind::Account { nick: nickname, asked: stored.asked() }).write_to(&mut out);
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

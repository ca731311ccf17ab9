//! `chat register`: a new account, kept. Prints the nickname that the server gave.

use std::time::Duration;

use crate::account_choice;
use crate::args::{Common, Register};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::objects::{Kind, Object};
use crate::output::{self, Style};
use crate::sides::{self, Side, Trouble};
use crate::signals::Interrupt;

/// How long to look for the server when nothing else is said.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn run(args: &Register, common: &Common) -> Result<Exit, Failure> {
    let mut layer = sides::layer(&args.connect, Side::Write);
    layer.credentials_path.clone_from(&args.credential_path);
    let settings = sides::settings(layer, common)?;
    let config = sides::client_config(&settings, &args.connect, Some(PATIENCE));
    sides::warn_of_exposure(&config);
    let interrupt = Interrupt::watch().map_err(Failure::Runtime)?;
    let trouble = Trouble::default();
    let account = tokio::select! {
        account = account_choice::new(&settings, &config, &args.username, &trouble) => account?,
        () = interrupt.wait() => return Err(Failure::Interrupted),
    };
    let mut out = Vec::new();
    let nickname = account.nickname.as_str();
    if common.json {
        Object::new(Kind::Account { nick: nickname, asked: Some(&args.username) }).write_to(&mut out);
    } else {
        out.extend_from_slice(Style::new(false, false).safe(nickname).as_bytes());
        out.push(b'\n');
    }
    output::print(&out).map(|_| Exit::Done)
}

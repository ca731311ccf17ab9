//! `chat send --dry-run`: checks the account and the messages without a connection.

use chat_client::{Settings, Side};
use chat_frontend::{Exit, unblock};

use crate::account_choice;
use crate::args::SendArgs;
use crate::error::CliError;
use crate::ledger::PostOutcome;
use crate::message_source::MessageSource;
use crate::output;
use crate::receipts::{MessageRef, Receipts, Why};

pub(super) async fn run(
    mut input: MessageSource,
    args: &SendArgs,
    settings: &Settings,
    json: bool,
) -> Result<Exit, CliError> {
    let found = {
        let settings = settings.clone();
        unblock(move || account_choice::known(&settings)).await?
    };
    let sender = match (found, settings.nickname.as_deref()) {
        (Some(_), Some(name)) => format!("as {name:?}"),
        (Some(_), None) => "with the saved or given account".to_owned(),
        (None, None) => return Err(CliError::NoAccount),
        (None, Some(name)) if args.no_register => return Err(CliError::NotRegistered(name.to_owned())),
        (None, Some(name)) => format!("as the new account {name:?}"),
    };
    let mut receipts = Receipts::new(json);
    while let Some(message) = input.next().await {
        let (line, message) = message.map_err(CliError::Input)?;
        match message {
            Ok(message) => {
                let place = MessageRef { id: message.id.as_ref(), position: None };
                receipts.record(line, PostOutcome::NeverSent, &place, Some(&Why::DryRun))?;
            }
            Err(problem) => receipts.bad_input(line, problem)?,
        }
    }
    let count = receipts.end_dry_run()?;
    let (messages, room) =
        (if count == 1 { "message" } else { "messages" }, settings.client_config().addresses_text(Side::Write));
    output::report(format_args!("dry run: {count} {messages} would be sent to {room} {sender}"));
    Ok(Exit::Done)
}

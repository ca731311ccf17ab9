//! Asks the server for an account, and waits for a server that is full.

use std::collections::BTreeSet;
use std::sync::Arc;

use chat_client::{Account, ConnectError, Credentials, Nickname};
use chat_frontend::report::chain;

use super::context::ServiceContext;
use crate::event::{AppEvent, NoticeText};

/// Registers a name. Names the rooms that have an account of this name, and reports the first time that the server is
/// full.
///
/// # Errors
/// As [`chat_client::register`].
pub(super) async fn ask(shared: &Arc<ServiceContext>, nickname: Nickname) -> Result<Account, ConnectError> {
    let (looking, name) = (shared.clone(), nickname.clone());
    let rooms = tokio::task::spawn_blocking(move || other_rooms(&looking, &name)).await.unwrap_or_default();
    if !rooms.is_empty() {
        let (name, here) = (nickname.to_string(), shared.config.write_addr_text());
        shared.send(AppEvent::Notice { text: NoticeText::OtherRooms { name, rooms, here }, error: false }).await;
    }
    let retry = &shared.config.retry;
    let mut wait = retry.base;
    let mut reported = false;
    loop {
        let error = match chat_client::register(&shared.config, nickname.clone()).await {
            // Before the greeting nothing was asked, so no account can have been created.
            Err(error @ ConnectError::NoGreeting) => error,
            result => return result,
        };
        if !std::mem::replace(&mut reported, true) {
            let text = NoticeText::RegistrationWaits(chain(&error));
            shared.send(AppEvent::Notice { text, error: false }).await;
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(retry.cap);
    }
}

/// Returns the other rooms that have an account of this name: a server that moved to another port is another room.
fn other_rooms(shared: &ServiceContext, name: &Nickname) -> String {
    // An unreadable file was reported when the accounts were loaded.
    let Ok(credentials) = Credentials::load(&shared.credentials_path) else { return String::new() };
    if !matches!(credentials.find_in(shared.room(), name.as_str()), Ok(None)) {
        return String::new();
    }
    let called = credentials.accounts().filter(|stored| stored.is_called(name.as_str()));
    let rooms: BTreeSet<&str> = called.filter_map(|stored| stored.room()).collect();
    Vec::from_iter(rooms).join(", ")
}

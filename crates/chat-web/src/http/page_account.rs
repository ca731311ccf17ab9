//! What a page watches of its account.

use std::sync::Arc;

use chat_client::Nickname;
use tokio::sync::watch;

use crate::account::session::WebAccount;
use crate::account::write_state::WriteState;

/// What a page watches of its account.
#[derive(Debug)]
pub(crate) struct PageAccount {
    pub(crate) session: Arc<WebAccount>,
    pub(crate) state: watch::Receiver<WriteState>,
    pub(crate) nickname: watch::Receiver<Option<Nickname>>,
    refused: watch::Receiver<bool>,
    logouts: watch::Receiver<u64>,
}

/// What has changed about an account.
pub(crate) enum AccountNews {
    State,
    Nickname,
    Refused,
    LoggedOut,
}

impl PageAccount {
    pub(crate) fn new(session: Arc<WebAccount>) -> Self {
        let mut logouts = session.logouts();
        logouts.mark_unchanged();
        let (state, nickname, refused) = (session.state(), session.nickname(), session.refused());
        let mut account = Self { session, state, nickname, refused, logouts };
        // What was known before is news for this page.
        account.nickname.mark_changed();
        account.refused.mark_changed();
        account
    }

    /// Waits for news of the account.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(crate) async fn changed(account: &mut Option<Self>) -> AccountNews {
        let Some(account) = account else { return std::future::pending().await };
        tokio::select! {
            Ok(()) = account.state.changed() => AccountNews::State,
            Ok(()) = account.nickname.changed() => AccountNews::Nickname,
            () = becomes_true(&mut account.refused) => AccountNews::Refused,
            Ok(()) = account.logouts.changed() => AccountNews::LoggedOut,
            // The session lives as long as this page.
            else => std::future::pending().await,
        }
    }
}

/// Waits until a value is true; for ever if its sender has ended.
pub(crate) async fn becomes_true(value: &mut watch::Receiver<bool>) {
    if value.wait_for(|value| *value).await.is_err() {
        std::future::pending::<()>().await;
    }
}

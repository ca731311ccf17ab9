//! What nodes must agree on about accounts: names that look alike are given once, a token works at every node at once, and
//! nothing of an account is stored after its revocation.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chat_client::{
    Account, ConnectError, DeliveryError, Nickname, PostId, SendError, SendOptions, Text, Token, Writer, register,
};
use tokio::time::timeout;

use crate::checker::ListenerLog;
use crate::rig::ledger::Ledger;
use crate::rig::post_text;
use crate::rig::standing::{ProbePost, Standing};
use crate::rig::timeouts::client_config_of;

/// How long a registration or a post may take while faults go on; what takes longer says nothing.
const WITHIN: Duration = Duration::from_secs(5);

/// What twins post.
const TWIN: &str = "w-twin";

/// Returns the texts in a log that twins have posted: each of them posts once.
pub(super) fn of_twins(log: &ListenerLog) -> Vec<String> {
    let is_twin = |text: &&String| text.starts_with("foreign: ") && text.ends_with(TWIN);
    log.texts.iter().filter(is_twin).cloned().collect()
}

/// Checks accounts during a run.
#[derive(Debug, Clone)]
pub(super) struct AccountCheck {
    ledger: Arc<Ledger>,
    given: Arc<Mutex<HashSet<String>>>,
    guest_posts: Arc<AtomicU64>,
}

impl AccountCheck {
    pub(super) fn new(ledger: &Arc<Ledger>) -> Self {
        Self { ledger: Arc::clone(ledger), given: Arc::default(), guest_posts: Arc::default() }
    }

    /// Returns the number of nicknames that were given.
    pub(super) fn given(&self) -> usize {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Posts once as the guest, whose index among the writers is `guest`, at one node. It may be revoked at any moment.
    pub(super) fn post_of_guest(&self, seed: u64, guest: usize, tokens: &[String], port: u16) {
        let number = self.guest_posts.fetch_add(1, Ordering::Relaxed);
        let text = Text::new(&post_text::text(seed, guest, number));
        let (Ok(id), Ok(text)) = (PostId::new(&post_text::id(guest, number)), text) else { return };
        let Ok(token) = Token::new(&tokens[guest]) else { return };
        let post = ProbePost { writer: guest, number, id, text };
        let mut config = client_config_of(&[port], fastrand::u64(..));
        config.retry.max_time = Some(WITHIN);
        let ledger = Arc::clone(&self.ledger);
        tokio::spawn(async move {
            let writer = Writer::builder(config).token(token).start();
            post.check(Standing { muted: None, banned: None, revoked: None }, WITHIN, writer, &ledger).await;
        });
    }

    /// Registers the same name at two nodes at once, and logs in with both tokens at the node of the other one.
    pub(super) async fn twins(self, name: String, ports: [u16; 2]) {
        let [one, two] = ports;
        let (first, second) = tokio::join!(registered(one, &name), registered(two, &name));
        for account in [&first, &second].into_iter().flatten() {
            let nickname = account.nickname.to_string();
            if !self.given.lock().unwrap_or_else(PoisonError::into_inner).insert(nickname.clone()) {
                self.ledger.lock().report_unexpected(format!("the nickname {nickname:?} was given twice"));
            }
        }
        for (account, port) in [(first, two), (second, one)] {
            if let Some(account) = account
                && was_refused(&account, port).await
            {
                let what = format!("the token of {} was refused by another node", account.nickname);
                self.ledger.lock().report_unexpected(what);
            }
        }
    }
}

async fn registered(port: u16, name: &str) -> Option<Account> {
    let config = client_config_of(&[port], fastrand::u64(..));
    let asked = timeout(WITHIN, register(&config, Nickname::new(name).ok()?)).await.ok()?;
    asked.ok()
}

/// Returns whether a node says that a token belongs to no account.
async fn was_refused(account: &Account, port: u16) -> bool {
    let mut config = client_config_of(&[port], fastrand::u64(..));
    config.retry.max_time = Some(WITHIN);
    let writer = Writer::builder(config).token(account.token.clone()).start();
    let (Ok(text), Ok(id)) = (Text::new(TWIN), PostId::new("twin")) else { return false };
    let is_refusal = |cause: Option<&ConnectError>| matches!(cause, Some(ConnectError::Refused(_)));
    match writer.send_with(text, SendOptions::with_id(id)).await {
        Ok(delivery) => match timeout(WITHIN, delivery).await {
            Ok(Err(DeliveryError::NeverSent { cause, .. })) => is_refusal(cause.as_deref()),
            _ => false,
        },
        Err(SendError::Closed { cause, .. }) => is_refusal(cause.as_deref()),
        Err(_) => false,
    }
}

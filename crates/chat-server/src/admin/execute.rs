//! Carries out requests of operators.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use chat_proto::{Nickname, Seq, Text};
use serde_json::json;

use super::request::{AdminCall, AdminError, AdminReply, AdminRequest};
use super::show::{exported, shown};
use crate::accounts::AccountDirectory;
use crate::action::{AccountId, ActionDraft, ActionRecord, OperatorAction};
use crate::committer::Committer;
use crate::entry::{Appended, Draft, LogEntry, MessageRecord, SERVER_ACCOUNT};
use crate::error::{CommitError, JournalError};
use crate::journal::{JournalReader, ReadLimit, now_ms};
use crate::meters::Port;
use crate::session::SessionContext;

/// Messages that one action removes. Each numbered listener gets a line for each of them, and they wait in memory while
/// it does not read.
const REMOVED_AT_ONCE: usize = 200;

/// Carries out requests on a server.
#[derive(Debug, Clone)]
pub(crate) struct AdminHandle {
    pub(super) context: Arc<SessionContext>,
    pub(super) committer: Committer,
}

impl AdminHandle {
    pub(crate) fn new(context: Arc<SessionContext>, committer: Committer) -> Self {
        Self { context, committer }
    }

    /// Carries out a request, and returns its answer.
    ///
    /// # Errors
    /// [`AdminError`]; nothing has changed then, except that the removal of many messages may have begun.
    pub(crate) async fn execute(&self, call: AdminCall) -> Result<Vec<AdminReply>, AdminError> {
        let actor = Nickname::new(&call.actor)
            .map_err(|error| AdminError::Usage(format!("{:?} is not a name: {error}", call.actor)))?;
        let reason = match call.reason {
            Some(reason) => {
                let reason = Text::new(&reason);
                Some(reason.map_err(|error| AdminError::Usage(format!("the reason cannot be used: {error}")))?)
            }
            None => None,
        };
        let act = |action| ActionDraft { actor: actor.clone(), reason: reason.clone(), action };
        match call.request {
            AdminRequest::Remove { seqs } => self.remove(self.existing(seqs).await?, act).await,
            AdminRequest::RemoveOf { nickname, last_ms } => {
                let (account, _) = self.account(&nickname).await?;
                let since = last_ms.map_or(0, |last| now_ms().saturating_sub(last));
                let messages = self.messages_of(account, since).await?;
                self.remove(messages.into_iter().map(|message| message.seq).collect(), act).await
            }
            AdminRequest::Mute { nickname, for_ms } => {
                let ((account, nickname), until) = (self.account(&nickname).await?, until(for_ms));
                self.act(act(OperatorAction::Mute { account, nickname, until })).await
            }
            AdminRequest::Unmute { nickname } => {
                let (account, nickname) = self.account(&nickname).await?;
                self.act(act(OperatorAction::Unmute { account, nickname })).await
            }
            AdminRequest::Ban { nickname, for_ms } => {
                let ((account, nickname), until) = (self.account(&nickname).await?, until(for_ms));
                self.act(act(OperatorAction::Ban { account, nickname, until })).await
            }
            AdminRequest::BanAddress { addresses, for_ms } => {
                self.act(act(OperatorAction::BanAddress { addresses, until: until(for_ms) })).await
            }
            AdminRequest::Unban { nickname } => {
                let (account, nickname) = self.account(&nickname).await?;
                self.act(act(OperatorAction::Unban { account, nickname })).await
            }
            AdminRequest::UnbanAddress { addresses } => {
                if !self.context.moderation.bans().addresses.iter().any(|(range, _)| *range == addresses) {
                    let unknown = format!("{addresses} is not banned; see \"chat-server admin bans\"");
                    return Err(AdminError::Usage(unknown));
                }
                self.act(act(OperatorAction::UnbanAddress { addresses })).await
            }
            AdminRequest::Kick { nickname } => {
                let (account, nickname) = self.account(&nickname).await?;
                self.act(act(OperatorAction::Kick { account, nickname })).await
            }
            AdminRequest::Revoke { nickname } => {
                let (account, nickname) = self.account(&nickname).await?;
                self.act(act(OperatorAction::Revoke { account, nickname })).await
            }
            AdminRequest::Restore { nickname } => {
                let (account, nickname) = self.account(&nickname).await?;
                self.act(act(OperatorAction::Restore { account, nickname })).await
            }
            AdminRequest::Rename { nickname, to } => self.rename(&nickname, &to, act).await,
            AdminRequest::Token { nickname } => self.replace_token(&nickname, act).await,
            AdminRequest::Erase { nickname } => self.erase(&nickname, act).await,
            AdminRequest::Announce { text } => self.announce(&text).await,
            AdminRequest::Bans => self.bans().await,
            AdminRequest::Who => Ok(self.who()),
            AdminRequest::Stats => self.stats().await,
            AdminRequest::Log => self.actions().await,
            AdminRequest::Export { nickname } => {
                let (account, _) = self.account(&nickname).await?;
                Ok(self.messages_of(account, 0).await?.iter().map(exported).collect())
            }
        }
    }

    /// Returns the account with this nickname.
    pub(super) async fn account(&self, nickname: &str) -> Result<(AccountId, String), AdminError> {
        let found = match Nickname::new(nickname) {
            Ok(nickname) => self.of_accounts(move |accounts| accounts.by_nickname(&nickname)).await?,
            Err(_) => None,
        };
        let unknown = || {
            AdminError::Usage(format!("no account has the nickname {nickname:?}; see \"chat-server accounts list\""))
        };
        Ok((found.ok_or_else(unknown)?, nickname.to_owned()))
    }

    /// Checks that messages exist. Returns those that are not removed yet.
    async fn existing(&self, mut seqs: Vec<Seq>) -> Result<Vec<Seq>, AdminError> {
        seqs.sort_unstable();
        seqs.dedup();
        let (oldest, newest) = (self.context.reader().oldest(), self.context.log.last());
        if let Some(outside) = seqs.iter().find(|seq| !(oldest..=newest).contains(*seq)) {
            let have = if newest < oldest { "none".to_owned() } else { format!("{oldest} to {newest}") };
            return Err(AdminError::Usage(format!("there is no message {outside}: the log has {have}")));
        }
        self.read(move |reader| {
            let mut found = Vec::new();
            for seq in seqs {
                let page = reader.read(seq, ReadLimit::new(1, usize::MAX))?;
                found.extend(
                    page.iter().filter_map(LogEntry::message).map(|message| message.seq).filter(|&at| at == seq),
                );
            }
            Ok(found)
        })
        .await
    }

    pub(super) async fn messages_of(&self, account: AccountId, since: i64) -> Result<Vec<MessageRecord>, AdminError> {
        self.read(move |reader| reader.of_account(account, since)).await
    }

    /// Removes messages in small steps, so that posts are stored in between.
    async fn remove(
        &self,
        seqs: Vec<Seq>,
        act: impl Fn(OperatorAction) -> ActionDraft,
    ) -> Result<Vec<AdminReply>, AdminError> {
        self.remove_all(&seqs, act).await?;
        let messages = if seqs.len() == 1 { "message" } else { "messages" };
        let text = format!("removed {} {messages}", seqs.len());
        Ok(vec![AdminReply { object: json!({"type": "removed", "seqs": seqs}), text }])
    }

    pub(super) async fn remove_all(
        &self,
        seqs: &[Seq],
        act: impl Fn(OperatorAction) -> ActionDraft,
    ) -> Result<(), AdminError> {
        for some in seqs.chunks(REMOVED_AT_ONCE) {
            self.store(act(OperatorAction::Remove { seqs: some.to_vec() })).await?;
        }
        Ok(())
    }

    /// Stores an action, which takes effect at the same time.
    async fn act(&self, draft: ActionDraft) -> Result<Vec<AdminReply>, AdminError> {
        let (number, at) = self.store(draft.clone()).await?;
        Ok(vec![shown(&ActionRecord { number, at, head: self.context.log.last(), draft })])
    }

    pub(super) async fn store(&self, draft: ActionDraft) -> Result<(u64, i64), AdminError> {
        match self.committer.append_one(SERVER_ACCOUNT, Draft::Action(draft)).await {
            Ok(Appended::Action { number, at }) => Ok((number, at)),
            Ok(_) => Err(AdminError::Failed("the journal answered with something else".to_owned())),
            Err(error) => Err(not_stored(&error)),
        }
    }

    async fn announce(&self, text: &str) -> Result<Vec<AdminReply>, AdminError> {
        let text = Text::new(text).map_err(|error| AdminError::Usage(format!("the text cannot be posted: {error}")))?;
        let closed = || AdminError::Failed("the server is closing".to_owned());
        let draft = self.context.server_draft(text).ok_or_else(closed)?;
        match self.committer.append_one(SERVER_ACCOUNT, draft).await {
            Ok(Appended::Fresh { seq, .. } | Appended::Repeated { seq }) => {
                let object = json!({"type": "announced", "seq": seq});
                Ok(vec![AdminReply { object, text: format!("announced as message {seq}") }])
            }
            Ok(_) => Err(closed()),
            Err(error) => Err(not_stored(&error)),
        }
    }

    async fn bans(&self) -> Result<Vec<AdminReply>, AdminError> {
        let bans = self.context.moderation.bans();
        let banned = self.of_accounts(move |accounts| {
            let named = bans.accounts.into_iter().map(|(id, until)| Ok((id, until, accounts.by_id(id)?)));
            named.collect::<Result<Vec<_>, _>>()
        });
        let ends = |until: Option<i64>| until.map(|until| format!(" until {}", until / 1000)).unwrap_or_default();
        let accounts = banned.await?.into_iter().map(|(id, until, account)| {
            let nickname =
                account.map_or_else(|| format!("account {id}"), |known| known.account.author().nickname.to_string());
            let object = json!({"type": "ban", "nickname": nickname, "until": until});
            AdminReply { object, text: format!("{nickname}{}", ends(until)) }
        });
        let addresses = bans.addresses.into_iter().map(|(range, until)| {
            let object = json!({"type": "ban", "addresses": range.to_string(), "until": until});
            AdminReply { object, text: format!("{range}{}", ends(until)) }
        });
        Ok(accounts.chain(addresses).collect())
    }

    fn who(&self) -> Vec<AdminReply> {
        let present = self.context.presence.all();
        let reply = |peer: &Arc<crate::presence::PresentPeer>| {
            let side = match peer.port {
                Port::Listen => "listen",
                Port::Write => "write",
            };
            let since = peer.since.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            let author = peer.account.get().map(|account| account.author());
            let nickname = author.as_ref().map(|author| author.nickname.as_str());
            let object =
                json!({"type": "connection", "side": side, "address": peer.peer, "nickname": nickname, "since": since});
            AdminReply { object, text: format!("{side}\t{}\t{since}\t{}", peer.peer, nickname.unwrap_or("-")) }
        };
        present.iter().map(reply).collect()
    }

    async fn stats(&self) -> Result<Vec<AdminReply>, AdminError> {
        let present = self.context.presence.all();
        let listeners = present.iter().filter(|peer| peer.port == Port::Listen).count();
        let writers = present.len() - listeners;
        let (oldest, newest) = (self.context.reader().oldest(), self.context.log.last());
        let accounts = self.of_accounts(|accounts| accounts.count()).await?;
        let text = format!(
            "accounts={accounts} oldest={oldest} newest={newest} listeners={listeners} writers={writers} removed={}",
            self.context.log.removals()
        );
        let object = json!({
            "type": "stats", "accounts": accounts, "oldest": oldest, "newest": newest, "listeners": listeners,
            "writers": writers, "removed": self.context.log.removals(),
        });
        Ok(vec![AdminReply { object, text }])
    }

    async fn actions(&self) -> Result<Vec<AdminReply>, AdminError> {
        Ok(self.all_actions().await?.iter().map(shown).collect())
    }

    pub(super) async fn all_actions(&self) -> Result<Vec<ActionRecord>, AdminError> {
        self.read(|reader| reader.actions()).await
    }

    /// Calls the directory of accounts.
    pub(super) async fn of_accounts<T: Send + 'static>(
        &self,
        call: impl FnOnce(&AccountDirectory) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, AdminError> {
        let done = self.context.accounts.call(call).await;
        done.map_err(|error| AdminError::Failed(format!("could not read the store: {error}")))
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn JournalReader) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, AdminError> {
        let reader = self.context.reader();
        let done = tokio::task::spawn_blocking(move || read(&*reader)).await;
        let failed = |error: &dyn std::fmt::Display| AdminError::Failed(format!("could not read the store: {error}"));
        done.map_err(|error| failed(&error))?.map_err(|error| failed(&error))
    }
}

fn until(for_ms: Option<i64>) -> Option<i64> {
    for_ms.map(|length| now_ms().saturating_add(length))
}

pub(super) fn not_stored(error: &CommitError) -> AdminError {
    AdminError::Failed(match error {
        CommitError::Storage(source) => format!("could not store it: {source}"),
        CommitError::Uncertain => "the disk failed: look at the log of actions after the next start".to_owned(),
        CommitError::NameTaken => "the nickname was taken meanwhile".to_owned(),
        CommitError::Closed | CommitError::Revoked => "the server is closing".to_owned(),
    })
}

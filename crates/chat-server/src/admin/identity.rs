//! Changes of who an account is: another nickname, another token, and its erasure.

use std::collections::HashSet;

use chat_proto::{Text, Token};
use serde_json::json;

use super::execute::{AdminHandle, not_stored};
use super::request::{AdminError, AdminReply};
use super::show::shown;
use crate::accounts::TokenHash;
use crate::action::{AccountId, ActionDraft, ActionRecord, OperatorAction};
use crate::entry::{Appended, Draft, SERVER_ACCOUNT};
use crate::session::{joined_text, renamed_text};

impl AdminHandle {
    /// Gives an account another nickname, and says so in the room.
    pub(super) async fn rename(
        &self,
        nickname: &str,
        to: &str,
        act: impl Fn(OperatorAction) -> ActionDraft,
    ) -> Result<Vec<AdminReply>, AdminError> {
        let (account, nickname) = self.account(nickname).await?;
        if nickname == to {
            return Err(AdminError::Usage(format!("{to:?} is the nickname already")));
        }
        // Kept until the action is stored and applied, so that no registration takes the name in the meantime.
        let whole = to.to_owned();
        let reserved = self.of_accounts(move |accounts| accounts.reserve_whole(account, &whole)).await?;
        let reserved = reserved.map_err(|problem| AdminError::Usage(format!("{to:?} {problem}")))?;
        let draft = act(OperatorAction::Rename { account, nickname: nickname.clone(), to: to.to_owned() });
        let closed = || AdminError::Failed("the server is closing".to_owned());
        let text = Text::new(&renamed_text(&nickname, to)).map_err(|error| AdminError::Usage(error.to_string()))?;
        // Together, so that a crash cannot leave a name that the log does not explain.
        let both = vec![Draft::Action(draft.clone()), self.context.server_draft(text).ok_or_else(closed)?];
        let appended = self.committer.append_together(SERVER_ACCOUNT, both).await;
        drop(reserved);
        match appended.map_err(|error| not_stored(&error))?[..] {
            [Appended::Action { number, at }, ..] => {
                Ok(vec![shown(&ActionRecord { number, at, head: self.context.log.last(), draft })])
            }
            _ => Err(closed()),
        }
    }

    /// Gives an account another token. It is part of the answer and stored nowhere.
    pub(super) async fn replace_token(
        &self,
        nickname: &str,
        act: impl Fn(OperatorAction) -> ActionDraft,
    ) -> Result<Vec<AdminReply>, AdminError> {
        let (account, nickname) = self.account(nickname).await?;
        let text = uuid::Uuid::new_v4().to_string();
        let token = Token::new(&text).map_err(|error| AdminError::Failed(error.to_string()))?;
        let hash = TokenHash::of(&token);
        self.store(act(OperatorAction::Token { account, nickname: nickname.clone(), hash })).await?;
        Ok(vec![AdminReply { object: json!({"type": "token", "nickname": nickname, "token": text}), text }])
    }

    /// Erases an account. It is revoked first, so that no further message of it is stored, and its record goes last, so
    /// that the command can be repeated after a crash.
    pub(super) async fn erase(
        &self,
        nickname: &str,
        act: impl Fn(OperatorAction) -> ActionDraft,
    ) -> Result<Vec<AdminReply>, AdminError> {
        let (account, nickname) = self.account(nickname).await?;
        self.store(act(OperatorAction::Revoke { account, nickname: nickname.clone() })).await?;
        let mut seqs: Vec<_> = self.messages_of(account, 0).await?.into_iter().map(|message| message.seq).collect();
        let count = seqs.len();
        let about = self.messages_about(account, &nickname).await?;
        let of_server = self.messages_of(SERVER_ACCOUNT, 0).await?;
        seqs.extend(of_server.iter().filter(|said| about.contains(said.text.as_str())).map(|said| said.seq));
        self.remove_all(&seqs, &act).await?;
        self.store(act(OperatorAction::Erase { account })).await?;
        let messages = if count == 1 { "message" } else { "messages" };
        let object = json!({"type": "erased", "account": account, "seqs": seqs});
        Ok(vec![AdminReply { object, text: format!("erased account {account} and {count} {messages}") }])
    }

    /// Returns what the server may have said about an account, which contains its names.
    async fn messages_about(&self, account: AccountId, nickname: &str) -> Result<HashSet<String>, AdminError> {
        let mut about = HashSet::from([joined_text(nickname)]);
        for record in self.all_actions().await? {
            if let OperatorAction::Rename { account: renamed, nickname, to } = record.draft.action
                && renamed == account
            {
                about.extend([joined_text(&nickname), renamed_text(&nickname, &to)]);
            }
        }
        Ok(about)
    }
}

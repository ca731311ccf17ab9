//! Who a writer is: its token, or the account that it makes.

use std::sync::Arc;

use chat_proto::{Account, MAX_INPUT_EXTENSION, MAX_INPUT_LINE, Token, WriterServerCommand};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Ending, WriterSession};
use crate::accounts::Member;
use crate::committer::Chain;
use crate::entry::{Appended, Draft};
use crate::notice::Notice;
use crate::token_hash::TokenHash;

impl<IO: AsyncRead + AsyncWrite + Unpin> WriterSession<IO> {
    pub(super) fn log_in(&mut self, token: Token) {
        let command = match self.shared.accounts.log_in(&token) {
            Some(member) => {
                self.shared.meters.logged_in.one();
                let nickname = member.author.nickname.clone();
                self.welcome(member);
                WriterServerCommand::Accept(Account { nickname, token })
            }
            None => {
                self.shared.meters.denied.one();
                Notice::UnknownToken.tell();
                WriterServerCommand::Deny
            }
        };
        self.say(command);
    }

    /// From here on there is an account to answer for what comes, and there may be extension lines.
    fn welcome(&mut self, member: Arc<Member>) {
        self.member = Some(member);
        self.connection.set_line_limits(MAX_INPUT_LINE, MAX_INPUT_EXTENSION);
    }

    pub(super) async fn register(&mut self, asked: &str) {
        if !self.admitted.may_register(std::time::Instant::now()) {
            self.shared.meters.not_registered.one();
            // There is no line that says "later"; a closed connection is tried again.
            self.ending = Some(Ending::Over);
            return;
        }
        let shared = Arc::clone(&self.shared);
        let reserved = match shared.accounts.reserve(asked) {
            Ok(reserved) => reserved,
            Err(unusable) => {
                shared.meters.not_registered.one();
                tracing::debug!(%unusable, "a nickname was refused");
                return self.say(WriterServerCommand::Deny);
            }
        };
        let nickname = reserved.nickname().clone();
        // 36 characters without a control character are always a token.
        let Ok(token) = Token::new(&uuid::Uuid::new_v4().to_string()) else { return };
        let hash = TokenHash::of(&token);
        let draft = Draft::Account { token: hash, nickname: nickname.clone() };
        match self.committer.append_one(draft).await {
            Ok(Appended::Account(id)) => {
                shared.meters.registered.one();
                self.welcome(shared.accounts.register(reserved, id, hash));
                if let Some(announcement) = shared.announcement(&nickname) {
                    // Nobody waits for it.
                    let _ = self.committer.append(vec![announcement], Chain::default()).await;
                }
                self.say(WriterServerCommand::Accept(Account { nickname, token }));
            }
            Ok(_) | Err(_) => {
                shared.meters.not_registered.one();
                self.ending = Some(Ending::Over);
            }
        }
    }
}

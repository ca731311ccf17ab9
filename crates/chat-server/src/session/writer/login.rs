//! Logs a writer in by its token, or registers an account for it.

use std::sync::Arc;

use chat_proto::{Account, MAX_INPUT_EXTENSION, MAX_POST_LINE, Token, WriterServerCommand};
use tokio::io::{AsyncRead, AsyncWrite};

use super::task::{WriterEnding, WriterSession};
use crate::accounts::{AccountLogin, TokenHash};
use crate::entry::{Appended, Draft, SERVER_ACCOUNT};
use crate::error::CommitError;
use crate::meters::RegistrationRefusal;
use crate::rate_limited_log::RateLimitedLog;
use crate::registration::RegistrationPolicy;

/// How many names are tried for one registration. Another node must take each of them within the same few milliseconds.
const NAMES_TRIED: usize = 8;

impl<IO: AsyncRead + AsyncWrite + Unpin> WriterSession<IO> {
    pub(super) async fn log_in(&mut self, token: Token) {
        let context = Arc::clone(&self.context);
        let (peer, hash) = (self.permit.peer(), TokenHash::of(&token));
        let mut found = context.accounts.log_in(peer, &hash).await;
        if matches!(found, Ok(None)) && context.may_be_behind() {
            // It may have been registered at another node a moment ago, and clients take a refusal as final. A connection
            // that is closed without an answer means later.
            if !context.catch_up().await {
                self.ending = Some(WriterEnding::Over);
                return;
            }
            found = context.accounts.log_in(peer, &hash).await;
        }
        let login = match found {
            Ok(login) => login,
            Err(error) => {
                // As above: whether the token is known cannot be said.
                RateLimitedLog::UnreadableAccounts.log_error(&error);
                self.ending = Some(WriterEnding::Over);
                return;
            }
        };
        // The protocol has no other word for a refusal.
        let command = match login.filter(|login| context.moderation.ban(login.account.id()).is_none()) {
            Some(login) => {
                self.context.meters.logged_in.one();
                let nickname = login.account.author().nickname.clone();
                self.admit(login);
                WriterServerCommand::Accept(Account { nickname, token })
            }
            None => {
                self.context.meters.denied.one();
                RateLimitedLog::UnknownToken.log_peer(self.permit.peer());
                WriterServerCommand::Deny
            }
        };
        self.send(command);
    }

    /// Raises the limits of lines, because an account is now responsible for what is sent.
    fn admit(&mut self, AccountLogin { account, kicks }: AccountLogin) {
        self.kicks = kicks;
        // Set once, since a connection has one account.
        let _ = self.presence.peer.account.set(Arc::clone(&account));
        self.account = Some(account);
        self.connection.set_line_limits(MAX_POST_LINE, MAX_INPUT_EXTENSION);
        self.connection.skip_long_plain_lines();
    }

    pub(super) async fn register(&mut self, asked: &str) {
        let context = Arc::clone(&self.context);
        let limits = context.limits.load();
        if limits.registration == RegistrationPolicy::Closed {
            return self.deny_registration(RegistrationRefusal::Closed);
        }
        if context.meters.is_short_of_space() {
            return self.refuse_registration(RegistrationRefusal::Space);
        }
        if context.config.hooks.as_ref().is_some_and(|hooks| !hooks.may_register(self.permit.peer(), asked)) {
            return self.refuse_registration(RegistrationRefusal::Hook);
        }
        if !self.permit.may_register(std::time::Instant::now()) {
            return self.refuse_registration(RegistrationRefusal::Rate);
        }
        // After the rate, which also limits how many codes an address can try.
        let asked = match &limits.registration {
            RegistrationPolicy::Invite(invitation) => match invitation.nickname(asked) {
                Some(nickname) => nickname,
                None => return self.deny_registration(RegistrationRefusal::Invitation),
            },
            RegistrationPolicy::Open | RegistrationPolicy::Closed => asked,
        };
        if context.config.strict && asked.trim().is_empty() {
            context.meters.not_registered.of(RegistrationRefusal::Nickname).one();
            return self.send(WriterServerCommand::Deny);
        }
        let peer = self.permit.peer();
        for _ in 0..NAMES_TRIED {
            let reserved = match context.accounts.reserve(peer, asked).await {
                Ok(Some(reserved)) => reserved,
                Ok(None) => return self.refuse_registration(RegistrationRefusal::Nickname),
                Err(error) => {
                    RateLimitedLog::UnreadableAccounts.log_error(&error);
                    return self.refuse_registration(RegistrationRefusal::Store);
                }
            };
            let nickname = reserved.nickname().clone();
            // 36 characters without a control character are always a token.
            let Ok(token) = Token::new(&uuid::Uuid::new_v4().to_string()) else { return };
            let hash = TokenHash::of(&token);
            let draft = Draft::Account { token: hash, nickname: nickname.clone() };
            match self.committer.append_one(SERVER_ACCOUNT, draft).await {
                Ok(Appended::Account(id)) => {
                    context.meters.registered.one();
                    match context.accounts.register(peer, reserved, id, hash).await {
                        Ok(Some(login)) => self.admit(login),
                        Ok(None) => return self.refuse_registration(RegistrationRefusal::Store),
                        Err(error) => {
                            RateLimitedLog::UnreadableAccounts.log_error(&error);
                            return self.refuse_registration(RegistrationRefusal::Store);
                        }
                    }
                    if let Some(announcement) = context.announcement(&nickname) {
                        // A failed announcement changes nothing for this writer.
                        let _ = self.committer.append_one(SERVER_ACCOUNT, announcement).await;
                    }
                    return self.send(WriterServerCommand::Accept(Account { nickname, token }));
                }
                // The directory knows that name by now.
                Err(CommitError::NameTaken) => {}
                Ok(_) | Err(_) => return self.refuse_registration(RegistrationRefusal::Store),
            }
        }
        self.refuse_registration(RegistrationRefusal::Nickname);
    }

    /// Refuses an account for good: the client is asked for another nickname, and ours end.
    fn deny_registration(&mut self, reason: RegistrationRefusal) {
        self.context.meters.not_registered.of(reason).one();
        RateLimitedLog::NotInvited.log_peer(self.permit.peer());
        self.send(WriterServerCommand::Deny);
    }

    /// Closes the connection. The protocol has no line for "later", and clients retry after a closed connection.
    fn refuse_registration(&mut self, reason: RegistrationRefusal) {
        self.context.meters.not_registered.of(reason).one();
        self.ending = Some(WriterEnding::Over);
    }
}

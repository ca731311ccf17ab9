//! What an operator does to a room. Each action is an entry of the journal, and its effect is a function of the entries
//! alone, so that a restart leads to the same state.

use std::collections::HashMap;
use std::time::Duration;

use chat_proto::{Nickname, Seq, Text};
use serde::{Deserialize, Serialize};

use crate::accounts::TokenHash;
use crate::address_range::AddressRange;

/// The number of an account within one journal.
pub type AccountId = i64;

/// An action of an operator.
///
/// The nickname next to an account is the one that it had then, so that the audit trail can be read on its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
#[non_exhaustive]
pub enum OperatorAction {
    /// Erases the texts of messages. Their sequence numbers stay, as tombstones.
    Remove {
        /// The messages.
        seqs: Vec<Seq>,
    },
    /// Declines the posts of an account.
    Mute {
        /// The account.
        account: AccountId,
        /// Its nickname.
        nickname: String,
        /// When it ends, in milliseconds since the Unix epoch; `None` if only an `Unmute` ends it.
        until: Option<i64>,
    },
    /// Ends a `Mute`.
    Unmute {
        /// The account.
        account: AccountId,
        /// Its nickname.
        nickname: String,
    },
    /// Refuses logins and posts of an account, and closes its connections.
    Ban {
        /// The account.
        account: AccountId,
        /// Its nickname.
        nickname: String,
        /// When it ends, in milliseconds since the Unix epoch; `None` if only an `Unban` ends it.
        until: Option<i64>,
    },
    /// Ends a `Ban`.
    Unban {
        /// The account.
        account: AccountId,
        /// Its nickname.
        nickname: String,
    },
    /// Refuses connections from addresses, and closes those that are open.
    BanAddress {
        /// The addresses.
        addresses: AddressRange,
        /// When it ends, in milliseconds since the Unix epoch; `None` if only an `UnbanAddress` ends it.
        until: Option<i64>,
    },
    /// Ends a `BanAddress` of the same range.
    UnbanAddress {
        /// The addresses.
        addresses: AddressRange,
    },
    /// Closes the connections of an account. It may come back at once.
    Kick {
        /// The account.
        account: AccountId,
        /// Its nickname.
        nickname: String,
    },
    /// Makes the token of an account invalid, and closes its connections.
    Revoke {
        /// The account.
        account: AccountId,
        /// Its nickname.
        nickname: String,
    },
    /// Makes the token of an account valid again.
    Restore {
        /// The account.
        account: AccountId,
        /// Its nickname.
        nickname: String,
    },
    /// Gives an account another nickname. Messages keep the name under which they were posted, and that name stays taken.
    Rename {
        /// The account.
        account: AccountId,
        /// Its nickname before.
        nickname: String,
        /// Its nickname from now on.
        to: String,
    },
    /// Gives an account another token, and closes its connections.
    Token {
        /// The account.
        account: AccountId,
        /// Its nickname.
        nickname: String,
        /// The hash of the token.
        hash: TokenHash,
    },
    /// Erases the record of an account, whose messages are removed before, and its names in earlier actions. They become
    /// free.
    Erase {
        /// The account.
        account: AccountId,
    },
}

/// Returns what stands in place of the nickname of an erased account. No account can have it, because every nickname
/// contains a space.
pub(crate) fn erased_name(account: AccountId) -> String {
    format!("erased-{account}")
}

impl OperatorAction {
    /// Returns true for an action that earlier programs know.
    #[cfg(feature = "sqlite")]
    pub(crate) fn is_of_first_format(&self) -> bool {
        !matches!(self, Self::Rename { .. } | Self::Token { .. } | Self::Erase { .. })
    }

    /// Returns the account that the action concerns, if it is one.
    pub(crate) fn account(&self) -> Option<AccountId> {
        match self {
            Self::Mute { account, .. }
            | Self::Unmute { account, .. }
            | Self::Ban { account, .. }
            | Self::Unban { account, .. }
            | Self::Kick { account, .. }
            | Self::Revoke { account, .. }
            | Self::Restore { account, .. }
            | Self::Rename { account, .. }
            | Self::Token { account, .. }
            | Self::Erase { account } => Some(*account),
            Self::Remove { .. } | Self::BanAddress { .. } | Self::UnbanAddress { .. } => None,
        }
    }

    /// Replaces the names of an account that is erased. Returns true if the action contained any.
    pub(crate) fn forget_names(&mut self, erased: AccountId) -> bool {
        if self.account() != Some(erased) {
            return false;
        }
        match self {
            Self::Rename { nickname, to, .. } => {
                *nickname = erased_name(erased);
                *to = erased_name(erased);
            }
            Self::Mute { nickname, .. }
            | Self::Unmute { nickname, .. }
            | Self::Ban { nickname, .. }
            | Self::Unban { nickname, .. }
            | Self::Kick { nickname, .. }
            | Self::Revoke { nickname, .. }
            | Self::Restore { nickname, .. }
            | Self::Token { nickname, .. } => *nickname = erased_name(erased),
            Self::Erase { .. } | Self::Remove { .. } | Self::BanAddress { .. } | Self::UnbanAddress { .. } => {
                return false;
            }
        }
        true
    }
}

/// An action with who did it and why, before the journal has assigned its number and time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionDraft {
    /// Who did it.
    pub actor: Nickname,
    /// Why.
    pub reason: Option<Text>,
    /// What.
    pub action: OperatorAction,
}

/// An action in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionRecord {
    /// Its number; they grow by one.
    pub number: u64,
    /// When it was stored, in milliseconds since the Unix epoch.
    pub at: i64,
    /// The newest sequence number at that time.
    pub head: Seq,
    /// Who did it, why, and what.
    pub draft: ActionDraft,
}

/// What the actions so far have led to, apart from what is part of messages and accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sanctions {
    muted: HashMap<AccountId, Mute>,
    banned: HashMap<AccountId, Option<i64>>,
    addresses: HashMap<AddressRange, Option<i64>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Mute {
    until: Option<i64>,
    reason: Option<Text>,
}

/// A sanction that is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InForce {
    /// How long it still lasts; `None` without an end.
    pub(crate) left: Option<Duration>,
    /// Why, for the account that it concerns.
    pub(crate) reason: Option<Text>,
}

impl Sanctions {
    /// Applies the next action of the journal.
    pub(crate) fn apply(&mut self, ActionDraft { action, reason, .. }: &ActionDraft) {
        match action {
            OperatorAction::Mute { account, until, .. } => {
                self.muted.insert(*account, Mute { until: *until, reason: reason.clone() });
            }
            OperatorAction::Unmute { account, .. } => drop(self.muted.remove(account)),
            OperatorAction::Ban { account, until, .. } => drop(self.banned.insert(*account, *until)),
            OperatorAction::Unban { account, .. } => drop(self.banned.remove(account)),
            OperatorAction::BanAddress { addresses, until } => drop(self.addresses.insert(*addresses, *until)),
            OperatorAction::UnbanAddress { addresses } => drop(self.addresses.remove(addresses)),
            OperatorAction::Erase { account } => {
                self.muted.remove(account);
                self.banned.remove(account);
            }
            OperatorAction::Remove { .. }
            | OperatorAction::Kick { .. }
            | OperatorAction::Revoke { .. }
            | OperatorAction::Restore { .. }
            | OperatorAction::Rename { .. }
            | OperatorAction::Token { .. } => {}
        }
    }

    /// Returns true if nothing is in force, whatever the time.
    pub(crate) fn is_empty(&self) -> bool {
        self.muted.is_empty() && self.banned.is_empty() && self.addresses.is_empty()
    }

    pub(crate) fn mute(&self, account: AccountId, now: i64) -> Option<InForce> {
        let mute = self.muted.get(&account)?;
        Some(InForce { reason: mute.reason.clone(), ..in_force(mute.until, now)? })
    }

    pub(crate) fn ban(&self, account: AccountId, now: i64) -> Option<InForce> {
        in_force(*self.banned.get(&account)?, now)
    }

    /// Returns true if a connection from this address is refused.
    pub(crate) fn is_address_banned(&self, peer: std::net::IpAddr, now: i64) -> bool {
        self.addresses.iter().any(|(range, until)| in_force(*until, now).is_some() && range.contains(peer))
    }

    /// Returns the bans of accounts that are in force, with their ends.
    #[cfg(all(feature = "bin", unix))]
    pub(crate) fn banned_accounts(&self, now: i64) -> Vec<(AccountId, Option<i64>)> {
        let mut found: Vec<_> = self
            .banned
            .iter()
            .filter(|(_, until)| in_force(**until, now).is_some())
            .map(|(id, end)| (*id, *end))
            .collect();
        found.sort_unstable();
        found
    }

    /// Returns the bans of addresses that are in force, with their ends.
    #[cfg(all(feature = "bin", unix))]
    pub(crate) fn banned_addresses(&self, now: i64) -> Vec<(AddressRange, Option<i64>)> {
        let mut found: Vec<_> = self
            .addresses
            .iter()
            .filter(|(_, until)| in_force(**until, now).is_some())
            .map(|(range, end)| (*range, *end))
            .collect();
        found.sort_unstable();
        found
    }
}

fn in_force(until: Option<i64>, now: i64) -> Option<InForce> {
    let Some(until) = until else { return Some(InForce { left: None, reason: None }) };
    let left = u64::try_from(until.saturating_sub(now)).ok().filter(|&left| left > 0)?;
    Some(InForce { left: Some(Duration::from_millis(left)), reason: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(action: OperatorAction) -> ActionDraft {
        ActionDraft { actor: Nickname::new("operator").unwrap(), reason: Text::new("spam").ok(), action }
    }

    #[test]
    fn sanctions_end_at_their_time() {
        let mut sanctions = Sanctions::default();
        sanctions.apply(&draft(OperatorAction::Mute { account: 1, nickname: "Keen Bob".into(), until: Some(1_000) }));
        let mute = InForce { left: Some(Duration::from_millis(600)), reason: Text::new("spam").ok() };
        assert_eq!(sanctions.mute(1, 400), Some(mute));
        assert_eq!(sanctions.mute(1, 1_000), None);
        assert_eq!(sanctions.mute(2, 400), None);
        sanctions.apply(&draft(OperatorAction::Ban { account: 1, nickname: "Keen Bob".into(), until: None }));
        assert_eq!(sanctions.ban(1, i64::MAX).unwrap().left, None);
        sanctions.apply(&draft(OperatorAction::Unban { account: 1, nickname: "Keen Bob".into() }));
        assert_eq!(sanctions.ban(1, 0), None);
    }

    #[test]
    fn an_address_ban_covers_its_range() {
        let mut sanctions = Sanctions::default();
        let addresses: AddressRange = "192.0.2.0/24".parse().unwrap();
        sanctions.apply(&draft(OperatorAction::BanAddress { addresses, until: None }));
        assert!(sanctions.is_address_banned("192.0.2.77".parse().unwrap(), 0));
        assert!(!sanctions.is_address_banned("192.0.3.77".parse().unwrap(), 0));
        sanctions.apply(&draft(OperatorAction::UnbanAddress { addresses }));
        assert!(sanctions.is_empty());
    }
}

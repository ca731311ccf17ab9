//! A directory that has only the accounts in memory that are used.

use std::path::Path;
use std::sync::Arc;

use chat_proto::display::looks_like;
use chat_proto::{Nickname, Seq, Token};
use proptest::prelude::*;

use super::super::AccountDirectory;
use crate::accounts::{NicknameReservation, TokenHash};
use crate::action::{AccountId, ActionDraft, OperatorAction, erased_name};
use crate::entry::{AccountRecord, Appended, Draft, LogEntry};
use crate::error::JournalError;
use crate::journal::{
    AccountIndex, Journal as _, JournalReader, ReadLimit, SqliteJournal, check_store, revoke_account_by_id,
};

/// Names of which many look alike.
const NAMES: [&str; 8] = ["Keen Bob", "keen bob", "Keen B0b", "Keen Воb", "Odd Ann", "0dd Ann", "Odd Anna", "Glad Joe"];

/// What happens to a room. Numbers stand for one of the accounts or names that there are.
#[derive(Debug, Clone)]
enum Step {
    Register(usize),
    Rename(usize, usize),
    /// Reserves a name until the next step of this kind.
    Hold(usize),
    Revoke(usize),
    RevokeElsewhere(usize),
    Restore(usize),
    Token(usize),
    Erase(usize),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let number = 0usize..64;
    prop_oneof![
        4 => number.clone().prop_map(Step::Register),
        4 => (number.clone(), number.clone()).prop_map(|(account, name)| Step::Rename(account, name)),
        1 => number.clone().prop_map(Step::Hold),
        2 => number.clone().prop_map(Step::Revoke),
        1 => number.clone().prop_map(Step::RevokeElsewhere),
        1 => number.clone().prop_map(Step::Restore),
        2 => number.clone().prop_map(Step::Token),
        2 => number.prop_map(Step::Erase),
        2 => Just(Step::Restart),
    ]
}

/// An account as a model has it.
struct ModelAccount {
    /// Former names, and the present one.
    names: Vec<String>,
    token: Option<String>,
    revoked: bool,
    erased: bool,
}

struct World {
    dir: tempfile::TempDir,
    journal: SqliteJournal,
    directory: AccountDirectory,
    held: Option<NicknameReservation>,
    model: Vec<ModelAccount>,
    /// All tokens that an account ever had.
    tokens: Vec<String>,
}

fn open(dir: &Path) -> (SqliteJournal, AccountDirectory) {
    let journal = SqliteJournal::open(dir).unwrap();
    assert!(journal.recovery().is_none());
    let directory = AccountDirectory::over(journal.reader(), 40, fastrand::Rng::with_seed(7));
    (journal, directory)
}

fn hash(token: &str) -> TokenHash {
    TokenHash::of(&Token::new(token).unwrap())
}

fn alike(a: &str, b: &str) -> bool {
    a == b || looks_like(a, b)
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (journal, directory) = open(dir.path());
        Self { dir, journal, directory, held: None, model: Vec::new(), tokens: Vec::new() }
    }

    /// Returns one of the accounts, with its number.
    fn account(&mut self, number: usize) -> Option<(AccountId, &mut ModelAccount)> {
        let at = number.checked_rem(self.model.len())?;
        Some((at as AccountId + 1, &mut self.model[at]))
    }

    fn new_token(&mut self) -> String {
        let token = format!("token-{}", self.tokens.len());
        self.tokens.push(token.clone());
        token
    }

    fn is_held(&self, name: &str) -> bool {
        self.held.as_ref().is_some_and(|held| alike(held.nickname().as_str(), name))
    }

    fn is_taken(&self, name: &str, but: AccountId) -> bool {
        let of = |account: &ModelAccount| !account.erased && account.names.iter().any(|known| alike(known, name));
        let others = (1..).zip(&self.model).filter(|(id, _)| *id != but);
        self.is_held(name) || others.into_iter().any(|(_, account)| of(account))
    }

    /// Stores an action, and applies it as the server does.
    fn act(&mut self, action: OperatorAction) {
        let draft = ActionDraft { actor: Nickname::new("root").unwrap(), reason: None, action: action.clone() };
        self.journal.append(&[Draft::Action(draft)]).unwrap();
        match action {
            OperatorAction::Revoke { account, .. } => drop(self.directory.revoke(&[account])),
            OperatorAction::Restore { account, .. } => self.directory.restore(account),
            OperatorAction::Rename { account, to, .. } => self.directory.rename(account, &to),
            OperatorAction::Token { account, hash, .. } => self.directory.set_token(account, hash),
            OperatorAction::Erase { account } => self.directory.erase(account),
            _ => {}
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Register(name) => {
                let asked = NAMES[name % NAMES.len()].split_once(' ').unwrap().1;
                let reserved = self.directory.reserve(asked).unwrap().unwrap();
                let nickname = reserved.nickname().clone();
                assert!(!self.is_taken(nickname.as_str(), 0), "{nickname} is taken");
                let text = self.new_token();
                let stored =
                    self.journal.append(&[Draft::Account { token: hash(&text), nickname: nickname.clone() }]).unwrap();
                let [Appended::Account(id)] = stored[..] else { panic!("{stored:?}") };
                assert_eq!(id, self.model.len() as AccountId + 1);
                assert!(self.directory.register(reserved, id, hash(&text)).is_some());
                let names = vec![nickname.as_str().to_owned()];
                self.model.push(ModelAccount { names, token: Some(text), revoked: false, erased: false });
            }
            Step::Rename(number, name) => {
                let to = NAMES[name % NAMES.len()];
                let Some((id, account)) = self.account(number) else { return };
                let nickname = if account.erased { erased_name(id) } else { account.names.last().unwrap().clone() };
                let reserved = self.directory.reserve_whole(id, to).unwrap();
                assert_eq!(reserved.is_err(), self.is_taken(to, id), "{to}");
                if reserved.is_ok() {
                    self.act(OperatorAction::Rename { account: id, nickname, to: to.to_owned() });
                    let account = &mut self.model[id as usize - 1];
                    if !account.erased {
                        account.names.push(to.to_owned());
                    }
                }
            }
            Step::Hold(name) => {
                self.held = None;
                self.held = self.directory.reserve_whole(0, NAMES[name % NAMES.len()]).unwrap().ok();
            }
            Step::Revoke(number) => {
                let Some((id, account)) = self.account(number) else { return };
                account.revoked = true;
                self.act(OperatorAction::Revoke { account: id, nickname: String::new() });
            }
            Step::RevokeElsewhere(number) => {
                let Some((id, account)) = self.account(number) else { return };
                account.revoked = true;
                assert!(revoke_account_by_id(self.dir.path(), id, &Nickname::new("root").unwrap()).unwrap());
                let revoked = self.journal.revoked_elsewhere().unwrap();
                self.directory.revoke(&revoked);
            }
            Step::Restore(number) => {
                let Some((id, account)) = self.account(number) else { return };
                account.revoked = account.erased;
                self.act(OperatorAction::Restore { account: id, nickname: String::new() });
            }
            Step::Token(number) => {
                let text = self.new_token();
                let Some((id, account)) = self.account(number) else { return };
                if !account.erased {
                    account.token = Some(text.clone());
                }
                self.act(OperatorAction::Token { account: id, nickname: String::new(), hash: hash(&text) });
            }
            Step::Erase(number) => {
                let Some((id, account)) = self.account(number) else { return };
                (account.erased, account.revoked, account.token) = (true, true, None);
                self.act(OperatorAction::Erase { account: id });
            }
            Step::Restart => {
                self.held = None;
                self.journal.close().unwrap();
                assert!(check_store(self.dir.path()).unwrap().is_good());
                // Its lock ends first.
                (self.journal, self.directory) = {
                    let empty = SqliteJournal::open(tempfile::tempdir().unwrap().path()).unwrap();
                    drop(std::mem::replace(&mut self.journal, empty));
                    open(self.dir.path())
                };
            }
        }
    }

    fn compare(&self) {
        for token in &self.tokens {
            let found = self.directory.log_in(&hash(token)).unwrap();
            let found = found.map(|login| (login.account.id(), login.account.author().nickname.as_str().to_owned()));
            let expected = (1..).zip(&self.model).find(|(_, account)| account.token.as_ref() == Some(token));
            let expected = expected.filter(|(_, account)| !account.revoked);
            assert_eq!(found, expected.map(|(id, account)| (id, account.names.last().unwrap().clone())), "{token}");
        }
        let assigned = self.model.iter().flat_map(|account| &account.names).map(String::as_str);
        for name in NAMES.into_iter().chain(assigned) {
            let is_it = |account: &ModelAccount| !account.erased && account.names.last().unwrap() == name;
            let expected = (1..).zip(&self.model).find(|(_, account)| is_it(account)).map(|(id, _)| id);
            assert_eq!(self.directory.by_nickname(&Nickname::new(name).unwrap()).unwrap(), expected, "{name}");
        }
        let alive = self.model.iter().filter(|account| !account.erased).count();
        assert_eq!(self.directory.count().unwrap(), alive as u64);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn equals_a_model_in_memory(steps in proptest::collection::vec(step(), 1..40)) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
            world.compare();
        }
        // Nothing is left of the names of those who were erased.
        world.step(&Step::Restart);
        let reader = world.journal.reader();
        for account in world.model.iter().filter(|account| account.erased) {
            for name in &account.names {
                let alone = !world.is_taken(name, 0);
                prop_assert!(!alone || reader.accounts().unwrap().look_alikes(name).unwrap().is_empty(), "{}", name);
            }
        }
    }
}

/// A store with one account, of which the first read is followed by a change.
struct Changing<F> {
    stored: AccountRecord,
    after: F,
}

impl<F: Fn() -> Option<AccountRecord> + Send + Sync> AccountIndex for Changing<F> {
    fn by_token(&self, token: &TokenHash) -> Result<Option<AccountRecord>, JournalError> {
        Ok(self.by_id(1)?.filter(|account| account.token.matches(token)))
    }

    fn by_id(&self, _: AccountId) -> Result<Option<AccountRecord>, JournalError> {
        Ok(Some((self.after)().unwrap_or_else(|| self.stored.clone())))
    }

    fn look_alikes(&self, _: &str) -> Result<Vec<AccountId>, JournalError> {
        Ok(Vec::new())
    }

    fn count(&self) -> Result<u64, JournalError> {
        Ok(1)
    }
}

impl<F: Fn() -> Option<AccountRecord> + Send + Sync + 'static> JournalReader for Changing<F> {
    fn oldest(&self) -> Seq {
        1
    }

    fn read(&self, _: Seq, _: ReadLimit) -> Result<Vec<LogEntry>, JournalError> {
        Ok(Vec::new())
    }

    fn accounts(&self) -> Option<&dyn AccountIndex> {
        Some(self)
    }

    fn first_after(&self, _: i64) -> Result<Seq, JournalError> {
        Ok(1)
    }
}

fn keen_bob(revoked: bool) -> AccountRecord {
    let nickname = Nickname::new("Keen Bob").unwrap();
    AccountRecord { id: 1, token: hash("a"), nickname, at: 0, revoked }
}

/// Creates a directory, and a store whose first read is of the moment before `change`.
fn changing(change: impl Fn(&AccountDirectory) -> AccountRecord + Send + Sync + 'static) -> Arc<AccountDirectory> {
    Arc::new_cyclic(|directory: &std::sync::Weak<AccountDirectory>| {
        let (directory, changed) = (directory.clone(), std::sync::Mutex::new(None));
        let after = move || {
            let mut changed = changed.lock().unwrap();
            if changed.is_none() {
                *changed = Some(change(&directory.upgrade().unwrap()));
                return None;
            }
            changed.clone()
        };
        let store = Arc::new(Changing { stored: keen_bob(false), after });
        AccountDirectory::over(store, 40, fastrand::Rng::with_seed(7))
    })
}

#[test]
fn revocation_during_a_login_is_seen() {
    let directory = changing(|directory| {
        directory.revoke(&[1]);
        keen_bob(true)
    });
    assert!(directory.log_in(&hash("a")).unwrap().is_none());
    assert!(directory.by_id(1).unwrap().unwrap().account.is_revoked());
}

#[test]
fn new_token_during_a_login_is_seen() {
    let directory = changing(|directory| {
        directory.set_token(1, hash("b"));
        AccountRecord { token: hash("b"), ..keen_bob(false) }
    });
    assert!(directory.log_in(&hash("a")).unwrap().is_none());
    assert!(directory.log_in(&hash("b")).unwrap().is_some());
    assert!(directory.log_in(&hash("a")).unwrap().is_none());
}

#[test]
fn token_that_is_replaced_before_its_session_begins_ends_it() {
    let directory = changing(|_| keen_bob(false));
    let login = directory.log_in(&hash("a")).unwrap().unwrap();
    directory.set_token(1, hash("b"));
    assert_ne!(login.kicks, login.account.kicks());
}

#[test]
fn change_during_a_registration_is_read() {
    let directory = changing(|_| keen_bob(true));
    let reserved = directory.reserve("Bob").unwrap().unwrap();
    // Stored, and revoked by an operator before its session notes it.
    directory.revoke(&[1]);
    assert!(directory.register(reserved, 1, hash("a")).is_none());
    let reserved = directory.reserve("Bob").unwrap().unwrap();
    assert!(directory.register(reserved, 2, hash("b")).is_some());
}

#[test]
fn names_of_other_accounts_are_not_reserved() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, directory) = open(dir.path());
    let nickname = Nickname::new("Keen Bob").unwrap();
    journal.append(&[Draft::Account { token: hash("a"), nickname }]).unwrap();
    assert!(directory.reserve_whole(2, "Keen B0b").unwrap().is_err());
    assert!(directory.reserve_whole(1, "Keen B0b").unwrap().is_ok());
    // What could not be reserved is free again in memory.
    assert!(directory.reserve_whole(1, "keen bob").unwrap().is_ok());
}

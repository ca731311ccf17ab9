//! Logins, nicknames and reservations.

use std::collections::HashSet;

use chat_proto::Token;
use chat_proto::display::skeletons;

use super::*;

fn empty() -> AccountDirectory {
    AccountDirectory::new(Vec::new(), 40, fastrand::Rng::with_seed(7))
}

fn reserve(accounts: &AccountDirectory, asked: &str) -> NicknameReservation {
    accounts.reserve(asked).unwrap().unwrap()
}

fn register(accounts: &AccountDirectory, asked: &str, id: AccountId) -> (Token, Arc<AccountEntry>) {
    let token = Token::new(&format!("token-{id}")).unwrap();
    let login = accounts.register(reserve(accounts, asked), id, TokenHash::of(&token)).unwrap();
    (token, login.account)
}

fn log_in(accounts: &AccountDirectory, token: &Token) -> Option<Arc<AccountEntry>> {
    accounts.log_in(&TokenHash::of(token)).unwrap().map(|login| login.account)
}

#[test]
fn token_is_valid_until_revoked() {
    let accounts = empty();
    let (token, account) = register(&accounts, "Bob", 1);
    assert!(account.author().nickname.as_str().ends_with(" Bob"));
    assert_eq!(log_in(&accounts, &token).unwrap().id(), 1);
    assert!(log_in(&accounts, &Token::new("token-2").unwrap()).is_none());
    assert!(accounts.revoke(&[1, 99]) && !accounts.revoke(&[1]));
    assert!(log_in(&accounts, &token).is_none() && account.is_revoked());
}

#[test]
fn nicknames_stay_visibly_distinct() {
    let accounts = empty();
    let mut seen = HashSet::new();
    for id in 1..400 {
        let asked = if id % 2 == 0 { "Bob" } else { "Воb" };
        let (_, account) = register(&accounts, asked, id);
        let skeletons = HashSet::from(skeletons(account.author().nickname.as_str()));
        assert!(skeletons.into_iter().all(|skeleton| seen.insert(skeleton)), "{}", account.author().nickname);
    }
}

#[test]
fn other_spellings_skip_full_rounds() {
    let accounts = empty();
    for id in 1..=3 * ADJECTIVES.len() as AccountId {
        register(&accounts, ["Bob", "BOB", "Воb", "bob"][id as usize % 4], id);
    }
    assert!(accounts.lock().rounds.values().all(|round| *round == 3));
}

#[test]
fn abandoned_reservation_is_free_again() {
    let accounts = empty();
    for _ in 0..3 * ADJECTIVES.len() {
        let reserved = reserve(&accounts, "Bob");
        assert!(!reserved.nickname().as_str().contains('2'));
    }
    assert!(accounts.lock().taken.is_empty());
}

#[test]
fn same_seed_chooses_the_same_name() {
    assert_eq!(reserve(&empty(), "x").nickname(), reserve(&empty(), "x").nickname());
}

#[cfg(all(feature = "bin", unix))]
#[test]
fn renamed_keeps_its_former_name() {
    let accounts = empty();
    let (token, account) = register(&accounts, "Bob", 1);
    let (_, other) = register(&accounts, "Alice", 2);
    let before = account.author().nickname.to_string();
    let taken = other.author().nickname.to_string();
    for (whole, problem) in [
        ("Bob", NicknameProblem::Incomplete),
        (&*taken, NicknameProblem::Taken),
        (&taken.to_uppercase(), NicknameProblem::Taken),
        ("Odd  Bob", NicknameProblem::NotUsable),
        ("Odd Bo:b", NicknameProblem::NotUsable),
        ("Odd B\u{200b}ob", NicknameProblem::NotUsable),
        ("Ser ver", NicknameProblem::NotUsable),
        ("Odd ", NicknameProblem::NotUsable),
        (&format!("Odd {}", "x".repeat(41)), NicknameProblem::NotUsable),
    ] {
        assert_eq!(accounts.reserve_whole(1, whole).unwrap().map(|_| ()), Err(problem), "{whole:?}");
    }
    // An unused reservation is free again.
    drop(accounts.reserve_whole(1, "Odd Robert").unwrap().unwrap());
    let reserved = accounts.reserve_whole(1, "Odd Robert").unwrap().unwrap();
    assert_eq!(accounts.reserve_whole(2, "Odd Robert").unwrap().map(|_| ()), Err(NicknameProblem::Taken));
    accounts.rename(1, "Odd Robert");
    drop(reserved);
    assert_eq!(account.author().nickname.as_str(), "Odd Robert");
    assert_eq!(log_in(&accounts, &token).unwrap().author().nickname.as_str(), "Odd Robert");
    for name in ["Odd Robert", "odd robert", &before] {
        assert_eq!(accounts.reserve_whole(2, name).unwrap().map(|_| ()), Err(NicknameProblem::Taken), "{name}");
    }
    // The account itself may go back.
    assert!(
        accounts.reserve_whole(1, &before).unwrap().is_ok() && accounts.reserve_whole(1, "odd Robert").unwrap().is_ok()
    );
    accounts.erase(1);
    for name in ["Odd Robert", &before] {
        assert!(accounts.reserve_whole(2, name).unwrap().is_ok(), "{name}");
    }
    assert!(log_in(&accounts, &token).is_none() && account.is_revoked());
    accounts.restore(1);
    assert!(account.is_revoked() && accounts.count().unwrap() == 1);
}

#[test]
fn new_token_replaces_the_old_one() {
    let accounts = empty();
    let (token, account) = register(&accounts, "Bob", 1);
    let new = Token::new("another").unwrap();
    accounts.set_token(1, TokenHash::of(&new));
    assert!(log_in(&accounts, &token).is_none());
    assert_eq!(log_in(&accounts, &new).unwrap().id(), 1);
    assert_eq!(account.kicks(), 1);
}

#[test]
fn tokens_on_the_same_shelf_are_different_accounts() {
    let hash = |last: u8| TokenHash::from_bytes(std::array::from_fn(|at| if at == 31 { last } else { 7 }));
    let accounts = empty();
    for id in 1..=3 {
        accounts.register(reserve(&accounts, "Bob"), id, hash(id as u8));
    }
    let found = |last| {
        let state = accounts.lock();
        state.by_shelf.get(&hash(last).shelf()).and_then(|shelf| shelf.find(&hash(last))).map(|account| account.id())
    };
    assert_eq!(
        (found(1), found(2), found(3), found(4), accounts.count().unwrap()),
        (Some(1), Some(2), Some(3), None, 3)
    );
    accounts.erase(2);
    accounts.set_token(3, hash(9));
    assert_eq!((found(1), found(2), found(3), found(9), accounts.count().unwrap()), (Some(1), None, None, Some(3), 2));
    accounts.erase(1);
    accounts.erase(3);
    assert_eq!((found(1), found(9), accounts.count().unwrap()), (None, None, 0));
    assert!(accounts.lock().by_shelf.is_empty());
}

// It also renames, which operators do through a Unix socket.
#[cfg(all(feature = "bin", feature = "sqlite", unix))]
mod over_a_store;

//! Any bytes as a credential file: it loads, and a new account is added to the existing ones.
#![no_main]

use chat_client::{Account, Credentials, Nickname, Token};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let path = chat_fuzz::file("creds.jsonstream", data);
    let Ok(mut credentials) = Credentials::load(&path) else { return };
    let before = credentials.accounts().count();
    let token = Token::new("a-token-that-no-input-has-by-chance-0123456789").unwrap();
    let account = Account { nickname: Nickname::new("Keen Bob").unwrap(), token };
    credentials.add(&account, Some("Bob")).unwrap();
    let again = Credentials::load(&path).unwrap();
    assert_eq!(again.accounts().count(), before + 1);
    assert!(again.accounts().any(|stored| *stored.account() == account));
});

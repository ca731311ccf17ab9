//! Generated stores of any size, filled through the journal of the server in large transactions.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};
use chat_proto::{Nickname, PostId, Text, Token};
use chat_server::{Appended, Author, Draft, Journal as _, SqliteJournal, TokenHash};

/// Messages per transaction, the same as in the server's committer.
const BATCH: u64 = 4_096;

/// Fills an empty directory with this number of messages of about 60 bytes by one account. Each has an id, as from our
/// clients, so that the index of ids is as large as in real stores.
pub(crate) fn fill(directory: &Path, messages: u64) -> Result<()> {
    let mut journal = SqliteJournal::open(directory)?;
    let nickname = Nickname::new("Jolly Ann")?;
    let token = TokenHash::of(&Token::new("2f5b1c3e-7f0a-4c55-9d3b-0242ac110002")?);
    let account = journal.append(&[Draft::Account { token, nickname: nickname.clone() }])?;
    let [Appended::Account(id)] = account[..] else { bail!("the journal returned no account") };
    let author = Arc::new(Author { id, nickname });
    let mut number = 0;
    while number < messages {
        let end = messages.min(number + BATCH);
        let drafts: Vec<Draft> = (number..end)
            .map(|number| {
                let text = Text::new(&format!("line {number:07} of a day with many messages here"))?;
                // Ids of clients are random; these are scattered like them, but the same in each run.
                let id = u128::from(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
                let id = Some(PostId::new(&format!("{id:032x}"))?);
                Ok(Draft::Post { author: author.clone(), id, text })
            })
            .collect::<Result<_>>()?;
        journal.append(&drafts)?;
        number = end;
    }
    Ok(journal.close()?)
}

/// Fills an empty directory with this number of accounts.
pub(crate) fn fill_accounts(directory: &Path, accounts: u64) -> Result<()> {
    let mut journal = SqliteJournal::open(directory)?;
    let mut number = 0;
    while number < accounts {
        let end = accounts.min(number + BATCH);
        let drafts = (number..end).map(|number| {
            let token = TokenHash::of(&Token::new(&token_of(number))?);
            Ok(Draft::Account { token, nickname: Nickname::new(&format!("Jolly Ann{number}"))? })
        });
        journal.append(&drafts.collect::<Result<Vec<_>>>()?)?;
        number = end;
    }
    Ok(journal.close()?)
}

/// Returns the token of an account of [`fill_accounts`], from 0 on.
pub(crate) fn token_of(number: u64) -> String {
    format!("{number:08}-7f0a-4c55-9d3b-0242ac110002")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_and_closes_the_store() -> Result<()> {
        let directory = tempfile::tempdir()?;
        fill(directory.path(), BATCH + 3)?;
        let journal = SqliteJournal::open(directory.path())?;
        assert_eq!((journal.head(), journal.recovery().is_none()), (BATCH + 3, true));
        Ok(())
    }
}

//! Finds the account that a name or a room refers to.

use super::error::CredentialsError;
use super::format::CachedAccount;

pub(super) fn find_among<'a>(
    accounts: &[&'a CachedAccount],
    name: &str,
) -> Result<Option<&'a CachedAccount>, CredentialsError> {
    let fitting = |fits: &dyn Fn(&CachedAccount) -> bool| -> Vec<&'a CachedAccount> {
        accounts.iter().copied().filter(|stored| fits(stored)).collect()
    };
    let mut found = fitting(&|stored| stored.has_nickname(name));
    if found.is_empty() {
        found = fitting(&|stored| stored.was_asked_as(name));
    }
    match &found[..] {
        // The same token twice is the same account, not an ambiguity.
        [first, others @ ..] if others.iter().all(|other| other.token() == first.token()) => Ok(Some(first)),
        [] => Ok(None),
        _ => Err(CredentialsError::Ambiguous {
            name: name.into(),
            nicknames: found.iter().map(|stored| stored.nickname().clone()).collect(),
        }),
    }
}

/// Returns whether two addresses refer to the same room.
pub(crate) fn same_room(one: &str, other: &str) -> bool {
    room_key(one) == room_key(other)
}

/// Returns one spelling for all addresses of the same room.
pub(super) fn room_key(room: &str) -> String {
    let (host, port) = room.rsplit_once(':').unwrap_or((room, ""));
    let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    let here = ["localhost", "127.0.0.1", "::1"].contains(&host.as_str());
    format!("{}:{port}", if here { "localhost" } else { &host })
}

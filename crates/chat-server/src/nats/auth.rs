//! How a node logs in to NATS.

use std::time::Duration;

use async_nats::ConnectOptions;

use super::error::NatsError;
use super::options::NatsOptions;

/// How long connecting to one server may take, and a request to it.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// How often the connection is tested. It is given up when the third test remains unanswered.
const TEST_EVERY: Duration = Duration::from_secs(1);

/// Returns the options of a connection to one server. Nothing reconnects by itself: what is done after a lost connection is
/// a part of the promise.
pub(super) async fn connect_options(options: &NatsOptions) -> Result<ConnectOptions, NatsError> {
    let mut connect = ConnectOptions::new()
        .name("chat-server")
        .connection_timeout(ANSWER_WITHIN)
        .request_timeout(Some(ANSWER_WITHIN))
        .ping_interval(TEST_EVERY)
        .max_reconnects(1)
        .ignore_discovered_servers();
    if let Some(path) = &options.ca {
        // A server that offers none would get the credentials unencrypted.
        connect = connect.add_root_certificates(path.clone()).require_tls(true);
    }
    let Some(path) = options.credentials.clone() else { return Ok(connect) };
    let text = tokio::fs::read_to_string(&path).await;
    let text = text.map_err(|source| NatsError::File { path: path.clone(), source })?;
    let unusable = || NatsError::Credentials { path: path.clone() };
    match NatsCredentials::of(&text).ok_or_else(unusable)? {
        NatsCredentials::File => connect.credentials(&text).map_err(|_| unusable()),
        NatsCredentials::Seed(seed) => Ok(connect.nkey(seed.to_owned())),
        NatsCredentials::User(user, password) => Ok(connect.user_and_password(user.to_owned(), password.to_owned())),
    }
}

/// What a file with credentials contains. Deliberately without `Debug`.
enum NatsCredentials<'a> {
    File,
    Seed(&'a str),
    User(&'a str, &'a str),
}

impl<'a> NatsCredentials<'a> {
    fn of(text: &'a str) -> Option<Self> {
        if text.contains("-----BEGIN NATS USER JWT-----") {
            return Some(Self::File);
        }
        let line = text.trim();
        if line.is_empty() || line.lines().count() != 1 {
            None
        } else if let Some((user, password)) = line.split_once(':') {
            Some(Self::User(user, password))
        } else {
            line.starts_with("SU").then_some(Self::Seed(line))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_kinds_of_credentials_are_told_apart() {
        assert!(matches!(NatsCredentials::of("-----BEGIN NATS USER JWT-----\nx\n"), Some(NatsCredentials::File)));
        assert!(matches!(NatsCredentials::of("SUAB\n"), Some(NatsCredentials::Seed("SUAB"))));
        assert!(matches!(NatsCredentials::of("chat:a:b\n"), Some(NatsCredentials::User("chat", "a:b"))));
        assert!(NatsCredentials::of("").is_none() && NatsCredentials::of("word").is_none());
        assert!(NatsCredentials::of("a:b\nc:d").is_none());
    }
}

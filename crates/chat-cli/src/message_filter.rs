//! `--from` and `--grep`: the messages of `chat listen` that are printed and counted.

use chat_client::Message;
use chat_frontend::report::one_line;
use regex::Regex;

use crate::error::CliError;

/// A condition for messages; by default all fit.
#[derive(Debug, Default)]
pub(crate) struct MessageFilter {
    /// Any of these nicknames; empty is any sender.
    from: Vec<String>,
    grep: Option<Regex>,
}

impl MessageFilter {
    /// # Errors
    /// The expression cannot be parsed.
    pub(crate) fn new(from: &[String], grep: Option<&str>) -> Result<Self, CliError> {
        Ok(Self { from: from.to_vec(), grep: grep.map(regex).transpose()? })
    }

    /// Returns whether every message fits.
    pub(crate) fn takes_all(&self) -> bool {
        self.from.is_empty() && self.grep.is_none()
    }

    pub(crate) fn fits(&self, message: &Message) -> bool {
        let sender = message.sender.as_ref().map(|sender| sender.as_str());
        let from = self.from.is_empty() || sender.is_some_and(|sender| self.from.iter().any(|name| name == sender));
        from && self.grep.as_ref().is_none_or(|grep| grep.is_match(message.text.as_str()))
    }
}

/// Parses the regular expression of `--grep`.
pub(crate) fn regex(expression: &str) -> Result<Regex, CliError> {
    Regex::new(expression).map_err(|error| CliError::Usage(one_line(&format!("--grep: {error}")).into()))
}

#[cfg(test)]
mod tests {
    use chat_client::{Nickname, Text};

    use super::*;

    fn message(sender: Option<&str>, text: &str) -> Message {
        let sender = sender.map(|name| Nickname::new(name).expect("a nickname"));
        Message::new(sender, Text::new(text).expect("a text"))
    }

    #[test]
    fn needs_sender_and_expression() {
        let names = ["Keen Bob".to_owned(), "Ann".to_owned()];
        let filter = MessageFilter::new(&names, Some("^dep.*d$")).expect("a filter");
        assert!(filter.fits(&message(Some("Ann"), "deployed")));
        assert!(!filter.fits(&message(Some("Bob"), "deployed")));
        assert!(!filter.fits(&message(Some("Ann"), "not deployed")));
        assert!(!filter.fits(&message(None, "deployed")));
        assert!(MessageFilter::new(&[], Some("(")).is_err());
    }
}

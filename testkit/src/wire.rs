//! The lines of the original server, as bytes on the wire. They are written out here and not taken from `chat-proto`, so
//! that a test with a raw peer fails when the product changes one of them.

/// The first line of the write port.
pub const GREETING: &str = "Hello %username%! Enter your personal hash or leave it empty to create new account.\n";
/// The request for a nickname.
pub const PROMPT: &str = "Enter preferred nickname below:\n";
/// The answer to an unknown token.
pub const UNKNOWN_TOKEN: &str = "null\n";
/// The last line before the first post.
pub const WELCOME: &str = "Welcome to chat! Post your message below. End it with an empty line.\n";
/// The same from a server that offers both extensions, as white space at its end.
pub const OFFERING_WELCOME: &str = "Welcome to chat! Post your message below. End it with an empty line. \t\n";
/// The confirmation of a post.
pub const CONFIRMATION: &str = "Message send. Write more, end message with an empty line.\n";

/// The token of [`account`].
pub const TOKEN: &str = "9a08f44c-c541-41eb-8c47-0242ac110002";

/// Returns the account line of `nickname` with [`TOKEN`]. `extensions` is the JSON value of the field, if any.
#[must_use]
pub fn account(nickname: &str, extensions: Option<&str>) -> String {
    let extensions = extensions.map(|list| format!(", \"extensions\": {list}")).unwrap_or_default();
    format!("{{\"nickname\": \"{nickname}\", \"account_hash\": \"{TOKEN}\"{extensions}}}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chat_proto_sends_the_same_lines() {
        let ours = [
            chat_proto::GREETING,
            chat_proto::NICKNAME_PROMPT,
            chat_proto::UNKNOWN_TOKEN,
            chat_proto::WELCOME,
            chat_proto::CONFIRMATION,
        ];
        assert_eq!([GREETING, PROMPT, UNKNOWN_TOKEN, WELCOME, CONFIRMATION].map(str::trim_end), ours);
    }
}

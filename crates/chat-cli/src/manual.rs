//! What the manual pages of `chat` say besides the options. docs/scripting.md is the longer version.

use chat_frontend::manual::Manual;

/// The sections of the manual pages.
pub const MANUAL: Manual = Manual {
    exit_status: &[
        ("0", "Success. For send: every message was confirmed."),
        ("1", "A failure on this machine: a file, a full disk."),
        ("2", "Wrong usage: options, configuration, an ambiguous account."),
        ("3", "The server refused the token, the nickname or a message."),
        ("4", "No connection within the allowed time, or no trusted one."),
        ("5", "At least one message may or may not have been delivered."),
        ("6", "--timeout ran out before --count was reached or everything was sent."),
        ("7", "--idle-timeout ran out without a message."),
        ("130", "Interrupted by SIGINT or SIGTERM."),
    ],
    environment: &[
        ("CHAT_HOST, CHAT_LISTEN_PORT, CHAT_WRITE_PORT", "The server, as --host, --listen-port and --write-port."),
        ("CHAT_WRITE_HOST", "The host of the write port, if it differs."),
        ("CHAT_NICKNAME", "The account, as --username."),
        (
            "CHAT_TOKEN, CHAT_TOKEN_FILE",
            "The token of the account, or a file that contains it. The token is not passed on to other programs.",
        ),
        ("CHAT_TLS, CHAT_CA_FILE, CHAT_PIN", "As --tls (1 or 0), --ca-file and --pin."),
        ("CHAT_PROFILE", "The profile of config.toml, as --profile."),
        (
            "CHAT_HISTORY_PATH, CHAT_CREDENTIALS_PATH, CHAT_OUTBOX_PATH",
            "The history file, the file of accounts, and the directory of unconfirmed messages.",
        ),
        ("CHAT_DATA_DIR, CHAT_CONFIG_DIR", "The directories described under FILES."),
        (
            "CHAT_MESSAGE_NICK, CHAT_MESSAGE_TEXT, CHAT_MESSAGE_LINE, CHAT_MESSAGE_AT, CHAT_MESSAGE_SEQ, CHAT_MESSAGE_STREAM",
            "The values of a message, for the program of listen --exec.",
        ),
        ("NO_COLOR", "If set and not empty, no colours are used."),
    ],
    files: &[
        ("~/.config/minechat/config.toml", "Settings and profiles."),
        ("~/.local/share/minechat/creds.jsonstream", "Accounts and their tokens. Only its owner may read it."),
        ("~/.local/share/minechat/history.txt", "Messages, one per line, with --history-path and of chat-tui."),
        ("~/.local/share/minechat/outbox", "Messages that are not confirmed yet."),
    ],
    examples: &[
        ("echo hello | chat send -u Bob", "Posts a message as Bob, and ends when the server has confirmed it."),
        ("chat send -m 'the build is green' --timeout 10s", "Posts one message, and gives up after 10 s."),
        ("chat listen --json | jq -r .text", "Prints the texts of messages as they arrive."),
        ("chat listen --last 10 --count 10", "Prints the last ten messages and exits."),
        ("git log -1 | chat send --whole", "Posts all of standard input as one message."),
        (
            "chat listen --grep deploy --format '{at} {nick}: {text}'",
            "Prints the messages that match, in a form of its own.",
        ),
        ("chat listen --exec notify-send chat ';'", "Starts a program for each message."),
        ("chat whoami", "Logs in and prints the nickname of the account."),
        ("chat register -u Bob", "Creates an account and saves its token."),
        ("chat accounts", "Lists the saved accounts."),
        ("chat history --since 2h", "Prints what was said in the last two hours, from the history file."),
        ("chat ping", "Checks both ports and reports what is wrong."),
    ],
    see_also: &["chat-tui(1)", "chat-web(1)", "chat-server(1)"],
};

//! What the manual page of `chat-tui` says besides the options. docs/tui.md is the longer version.

use chat_frontend::manual::Manual;

/// The sections of the manual page.
pub const MANUAL: Manual = Manual {
    exit_status: &[
        ("0", "Everything that was typed is confirmed, or was discarded by the user."),
        ("1", "A failure on this machine: a file, a full disk."),
        ("2", "Wrong usage: options, configuration, input that does not fit a message."),
        ("3", "The server refused the token, the nickname or a message."),
        ("4", "No connection: a message was never sent."),
        ("5", "At least one message may or may not have been delivered."),
        ("130", "Interrupted by a signal."),
    ],
    environment: &[
        ("CHAT_HOST, CHAT_LISTEN_PORT, CHAT_WRITE_PORT", "The server, as --host, --listen-port and --write-port."),
        ("CHAT_WRITE_HOST", "The host of the write port, if it differs, as --write-host."),
        ("CHAT_NICKNAME", "The account, as --nickname."),
        ("CHAT_TOKEN, CHAT_TOKEN_FILE", "The token of the account, or a file that contains it."),
        ("CHAT_TLS, CHAT_CA_FILE, CHAT_PIN", "As --tls (1 or 0), --ca-file and --pin."),
        ("CHAT_PROFILE", "The profile of config.toml, as --profile."),
        ("CHAT_LANG, LC_ALL, LC_MESSAGES, LANG", "The language, English or Russian; the first that is set decides."),
        (
            "CHAT_HISTORY_PATH, CHAT_CREDENTIALS_PATH, CHAT_OUTBOX_PATH",
            "The history file, the file of accounts, and the directory of unconfirmed messages.",
        ),
        ("CHAT_DATA_DIR, CHAT_CONFIG_DIR", "The directories described under FILES."),
        ("CHAT_THEME", "The colours, as --theme."),
        ("NO_COLOR", "If set and not empty, and no theme is chosen, no colours are used."),
        ("VISUAL, EDITOR", "The editor that Ctrl+X Ctrl+E starts."),
    ],
    files: &[
        ("~/.config/minechat/config.toml", "Settings and profiles."),
        ("~/.local/share/minechat/creds.jsonstream", "Accounts and their tokens. Only its owner may read it."),
        ("~/.local/share/minechat/history.txt", "The history, and next to it the position that was read."),
        ("~/.local/share/minechat/outbox", "Messages that are not confirmed yet, and the draft."),
        ("~/.local/share/minechat/room", "The store of the local room."),
    ],
    examples: &[
        ("chat-tui", "Joins the room on this machine, or starts one."),
        ("chat-tui --host chat.example.org --tls", "Joins a room on another machine, with encryption."),
        ("chat-tui -u Bob", "Enters as Bob; registers the name if there is no such account."),
        ("chat-tui --plain", "Uses lines instead of a full screen, for screen readers."),
    ],
    see_also: &["chat-web(1)", "chat(1)", "chat-server(1)"],
};

//! What the manual pages of `chat-server` say besides the options. docs/operating.md is the longer version. The server
//! does not print its pages itself, so they are here and not in the crate that people embed.

use chat_frontend::manual::Manual;

/// The sections of the manual pages.
pub(crate) const MANUAL: Manual = Manual {
    exit_status: &[
        ("0", "Drained and closed. For check: the store is sound."),
        ("1", "Could not start, or had to stop: a port in use, the directory, the store. For check: damage was found."),
        ("2", "Wrong usage, also in the configuration file."),
    ],
    environment: &[("XDG_DATA_HOME", "The user's data directory, default ~/.local/share.")],
    files: &[
        ("~/.local/share/minechat/server/room.db", "Messages and accounts, if --data-dir names no other directory."),
        ("/etc/minechat/server.toml", "The configuration of the packaged service, as --config."),
    ],
    examples: &[
        ("chat-server", "Serves this machine only, on ports 5000 and 5050."),
        (
            "chat-server --listen 0.0.0.0:5000 --write 0.0.0.0:5050 --data-dir /var/lib/minechat",
            "Serves a network. Read SECURITY.md first.",
        ),
        ("chat-server --memory", "Stores nothing on disk."),
        ("chat-server check --data-dir /var/lib/minechat", "Verifies a store."),
        ("chat-server accounts list --data-dir /var/lib/minechat", "Lists the accounts of a store."),
        ("chat-server admin who", "Lists who is connected to the running server."),
        ("chat-server admin backup /backup/room.db", "Copies the room while the server runs."),
    ],
    see_also: &["chat(1)", "chat-tui(1)", "chat-web(1)"],
};

//! What the manual page of `chat-web` says besides the options. docs/web.md is the longer version.

use chat_frontend::manual::Manual;

/// The sections of the manual page.
pub const MANUAL: Manual = Manual {
    exit_status: &[
        ("0", "Ended by a signal; the pages were told."),
        ("1", "Could not start: a port in use, the certificate, the local room."),
        ("2", "Wrong usage, also in the configuration file."),
    ],
    environment: &[("CHAT_DATA_DIR, XDG_DATA_HOME", "The directory of the local room, as --data-dir.")],
    files: &[
        ("~/.local/share/minechat/room", "The store of the local room."),
        ("/etc/minechat/web.toml", "The configuration of the packaged service, as --config."),
    ],
    examples: &[
        ("chat-web", "Serves the room of this machine on http://127.0.0.1:8080, or starts one."),
        (
            "chat-web --share 0.0.0.0",
            "Opens the local room and its page to the network, and prints a link and a QR code.",
        ),
        (
            "chat-web --host chat.example --tls --behind-proxy 127.0.0.1 --public-url https://web.example",
            "Serves a room elsewhere, behind a reverse proxy.",
        ),
        (
            "chat-web --http 0.0.0.0:443 --tls-cert chain.pem --tls-key key.pem --public-url https://web.example",
            "Serves browsers directly, with a certificate.",
        ),
    ],
    see_also: &["chat-tui(1)", "chat(1)", "chat-server(1)"],
};

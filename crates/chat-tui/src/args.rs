//! The command line. The spellings of the original are translated first.

use std::path::PathBuf;

use chat_client::{Layer, Token, TokenError};
use chat_frontend::legacy_args::{Spellings, safe_error};
use clap::{Command, CommandFactory as _, Parser};

/// The original's spellings.
const SPELLINGS: Spellings = Spellings {
    options: &[
        ("-lh", "--host"),
        ("-host", "--host"),
        ("-lp", "--listen-port"),
        ("-hp", "--history-path"),
        ("-wh", "--write-host"),
        ("-wp", "--write-port"),
        ("-cp", "--credential-path"),
    ],
    any_value: &["-t", "--token", "-u", "--username", "--nickname"],
    flags: &[],
};

/// Returns the definition of the command line, for the manual page and completions.
#[must_use]
pub fn command() -> Command {
    TuiArgs::command()
}

/// Registration and chat in a terminal.
///
/// Without arguments it connects to 127.0.0.1. If no server runs there, it starts a local room, which only your own
/// programs can join until --share opens it.
#[derive(Debug, Parser)]
#[command(name = "chat-tui", version, about, max_term_width = 100)]
pub(crate) struct TuiArgs {
    /// Host name or address of the server, or of each node of the room: HOST, or HOST:LISTEN:WRITE with both ports (-lh)
    /// [env: CHAT_HOST] [default: 127.0.0.1]
    #[arg(long, alias = "listen-host", value_name = "HOST[,HOST]")]
    pub(crate) host: Vec<String>,

    /// Port to listen on (-lp) [env: CHAT_LISTEN_PORT] [default: 5000]
    #[arg(long, value_name = "PORT")]
    listen_port: Option<u16>,

    /// Host to write to, if it is another one (-wh)
    #[arg(long, value_name = "HOST")]
    write_host: Option<String>,

    /// Port to write to (-wp) [env: CHAT_WRITE_PORT] [default: 5050]
    #[arg(long, value_name = "PORT")]
    write_port: Option<u16>,

    /// History file (-hp) [env: CHAT_HISTORY_PATH]
    #[arg(long, value_name = "FILE")]
    history_path: Option<PathBuf>,

    /// File with the saved accounts (-cp) [env: CHAT_CREDENTIALS_PATH]
    #[arg(long, alias = "credentials-path", value_name = "FILE")]
    credential_path: Option<PathBuf>,

    /// Token of an account; other users of this computer can see it, --token-file and CHAT_TOKEN hide it
    #[arg(short, long, value_name = "TOKEN")]
    token: Option<String>,

    /// Read the token from this file
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,

    /// Connect with TLS and verify the server by the system's root certificates [env: CHAT_TLS]
    #[arg(long)]
    tls: bool,

    /// Verify the server by the certificates in this file (PEM); implies --tls [env: CHAT_CA_FILE]
    #[arg(long, value_name = "FILE", conflicts_with = "pin")]
    ca_file: Option<PathBuf>,

    /// Trust the certificate with this SHA-256 fingerprint; implies --tls [env: CHAT_PIN]
    #[arg(long, value_name = "FINGERPRINT")]
    pin: Option<String>,

    /// Enter as this account; register the name if there is no such account
    #[arg(short = 'u', long, alias = "username", value_name = "NICKNAME")]
    nickname: Option<String>,

    /// Open registration even if there are accounts
    #[arg(long)]
    pub(crate) register: bool,

    /// Use lines instead of a full screen, for screen readers and pipes
    #[arg(long)]
    pub(crate) plain: bool,

    /// Language: en or ru [env: CHAT_LANG, LC_ALL, LANG]
    #[arg(long, value_name = "LANGUAGE")]
    lang: Option<String>,

    /// Colours; auto asks the terminal for its background [env: CHAT_THEME, NO_COLOR] [default: auto]
    #[arg(long, value_name = "THEME", value_parser = ["auto", "dark", "light", "neutral", "none"])]
    theme: Option<String>,

    /// Profile of the configuration file [env: CHAT_PROFILE]
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,

    /// Directory of history, accounts and the local room [env: CHAT_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Start a local room if no server runs, on other than the default ports too
    #[arg(long, conflicts_with = "no_local_room")]
    pub(crate) local_room: bool,

    /// Let others join the local room at this address: 127.0.0.1 for the users of this computer, 0.0.0.0 for the network;
    /// without encryption
    #[arg(long, value_name = "ADDR", conflicts_with = "no_local_room")]
    pub(crate) share: Option<std::net::IpAddr>,

    /// Never start a local room
    #[arg(long)]
    pub(crate) no_local_room: bool,

    /// Write a log to this file (tokens are never written)
    #[arg(long, value_name = "FILE")]
    pub(crate) log_file: Option<PathBuf>,

    /// Panic once the screen is drawn, to test that the terminal is restored.
    #[cfg(debug_assertions)]
    #[arg(long, hide = true)]
    pub(crate) panic_after_start: bool,
}

impl TuiArgs {
    /// Parses the command line; exits on an error.
    pub(crate) fn from_command_line() -> Self {
        let words = SPELLINGS.translate(std::env::args_os());
        match Self::try_parse_from(&words) {
            Ok(args) => args,
            Err(error) => safe_error::<Self>(&error, &words).exit(),
        }
    }

    /// Returns whether the token is on the command line, where other users can read it.
    pub(crate) fn shows_the_token(&self) -> bool {
        self.token.is_some()
    }

    /// Takes the settings that all programs share.
    ///
    /// # Errors
    /// When the token is not valid. It is checked here, because clap would repeat it.
    pub(crate) fn layer(&mut self) -> Result<Layer, TokenError> {
        let token = self.token.take().map(|token| Token::new(&token)).transpose()?;
        let mut layer = Layer::default();
        layer.host = (!self.host.is_empty()).then(|| self.host.join(","));
        layer.write_host = self.write_host.take();
        layer.listen_port = self.listen_port;
        layer.write_port = self.write_port;
        layer.history_path = self.history_path.take();
        layer.credentials_path = self.credential_path.take();
        layer.token = token;
        layer.token_file = self.token_file.take();
        layer.nickname = self.nickname.take();
        layer.data_dir = self.data_dir.take();
        layer.lang = self.lang.take();
        layer.theme = self.theme.take();
        layer.tls = self.tls.then_some(true);
        layer.ca_file = self.ca_file.take();
        layer.pin = self.pin.take();
        Ok(layer)
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use clap::CommandFactory;

    use super::*;

    fn parse(arguments: &[&str]) -> Layer {
        let arguments = ["chat-tui"].iter().chain(arguments).map(OsString::from);
        TuiArgs::try_parse_from(SPELLINGS.translate(arguments)).unwrap().layer().unwrap()
    }

    #[test]
    fn definition_is_valid() {
        TuiArgs::command().debug_assert();
    }

    #[test]
    fn accepts_every_original_spelling() {
        let short = parse(&["-lh", "a", "-lp", "1", "-hp", "h.txt", "-wh", "b", "-wp", "2", "-cp", "c", "-t", "tok"]);
        let long = parse(&[
            "--listen_host",
            "a",
            "--listen_port=1",
            "--history_path",
            "h.txt",
            "--write_host",
            "b",
            "--write_port",
            "2",
            "--credential_path",
            "c",
            "--token",
            "tok",
        ]);
        for layer in [short, long] {
            assert_eq!(layer.host.as_deref(), Some("a"));
            assert_eq!((layer.listen_port, layer.write_port), (Some(1), Some(2)));
            assert_eq!(layer.history_path.as_deref(), Some("h.txt".as_ref()));
            assert_eq!(layer.write_host.as_deref(), Some("b"));
            assert_eq!(layer.credentials_path.as_deref(), Some("c".as_ref()));
            assert_eq!(layer.token.unwrap().expose(), "tok");
        }
    }

    #[test]
    fn values_keep_their_underscores() {
        assert_eq!(parse(&["--history_path=my_chat.txt"]).history_path.as_deref(), Some("my_chat.txt".as_ref()));
        assert_eq!(parse(&["--nickname", "my_name"]).nickname.as_deref(), Some("my_name"));
    }
}

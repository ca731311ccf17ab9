//! The command line.

use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory as _, Parser};

use super::options::WebOptions;

/// The largest configuration file; all options together take less than a hundredth of it.
const MAX_FILE_BYTES: u64 = 256 * 1024;

/// The room in a browser.
///
/// Without arguments it serves a page on http://127.0.0.1:8080 for the room of this machine. If no server runs there, it
/// starts a local room.
#[derive(Debug, Parser)]
#[command(name = "chat-web", version, about, max_term_width = 100)]
pub(crate) struct WebArguments {
    #[command(flatten)]
    pub(crate) options: WebOptions,
    /// TOML file whose keys are these options; the command line overrides it.
    #[arg(long, value_name = "F")]
    pub(crate) config: Option<PathBuf>,
}

/// Why the configuration file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WebConfigError {
    #[error("could not read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{} is not a configuration: it is larger than 256 KiB", path.display())]
    TooLarge { path: PathBuf },
    #[error("{} is not a configuration: {source}", path.display())]
    Toml {
        path: PathBuf,
        #[source]
        source: Box<toml::de::Error>,
    },
}

/// Returns the definition of the command line, for the manual page and completions.
#[must_use]
pub fn command() -> Command {
    WebArguments::command()
}

impl WebArguments {
    /// Returns the options of the command line and of the configuration file.
    pub(crate) fn merged(self) -> Result<WebOptions, WebConfigError> {
        match &self.config {
            None => Ok(self.options),
            Some(path) => Ok(self.options.over(read(path)?)),
        }
    }
}

/// Reads a configuration file. Paths in it are relative to its directory.
fn read(path: &Path) -> Result<WebOptions, WebConfigError> {
    let failed = |source| WebConfigError::Read { path: path.to_owned(), source };
    if std::fs::metadata(path).map_err(failed)?.len() > MAX_FILE_BYTES {
        return Err(WebConfigError::TooLarge { path: path.to_owned() });
    }
    let content = std::fs::read_to_string(path).map_err(failed)?;
    let mut options = parse(&content).map_err(|source| WebConfigError::Toml { path: path.to_owned(), source })?;
    let directory = path.parent().unwrap_or(Path::new(""));
    for file in [&mut options.tls_cert, &mut options.tls_key, &mut options.ca_file, &mut options.data_dir] {
        *file = file.take().map(|file| directory.join(file));
    }
    Ok(options)
}

fn parse(content: &str) -> Result<WebOptions, Box<toml::de::Error>> {
    Ok(toml::from_str(content)?)
}

#[cfg(test)]
mod tests {
    use clap::Args as _;

    use super::*;

    #[test]
    fn command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn every_option_is_a_key() {
        let options = WebOptions::augment_args(Command::new("x"));
        for name in options.get_arguments().filter_map(clap::Arg::get_long) {
            // A value of a type that no option has: an unknown key has another error.
            let error = parse(&format!("{name} = []\n")).unwrap_err().to_string();
            assert!(!error.contains("unknown field"), "{name}: {error}");
        }
        assert!(parse("nope = 1\n").is_err());
    }

    #[test]
    fn examples_for_operators_are_valid() {
        let files = [
            include_str!("../../../../dist/minechat-web.service"),
            include_str!("../../../../dist/nginx.conf"),
            include_str!("../../../../dist/Caddyfile"),
            include_str!("../../../../dist/haproxy-web.cfg"),
            include_str!("../../../../dist/Containerfile"),
        ];
        for file in files {
            let lines = file.lines().filter_map(|line| line.split_once("chat-web --").map(|(_, rest)| rest));
            let lines: Vec<String> = lines.map(|rest| format!("chat-web --{rest}")).collect();
            let lines: Vec<String> = lines.into_iter().filter(|line| !line.contains("--no-default-features")).collect();
            for line in &lines {
                WebArguments::try_parse_from(line.split_whitespace()).unwrap();
            }
        }
    }

    #[test]
    fn command_line_overrides_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("web.toml");
        let content =
            "http = \"127.0.0.1:1\"\nhost = \"file\"\npost-rate = \"5:50\"\ntls-cert = \"a.pem\"\ntls-key = \"/k\"\n";
        std::fs::write(&path, content).unwrap();
        let words = ["chat-web", "--host", "flag", "--config", path.to_str().unwrap()];
        let options = WebArguments::try_parse_from(words).unwrap().merged().unwrap();
        assert_eq!(options.host.as_deref(), Some("flag"));
        assert_eq!(options.http, Some("127.0.0.1:1".parse().unwrap()));
        assert_eq!(options.tls_cert, Some(dir.path().join("a.pem")));
        assert_eq!(options.tls_key, Some("/k".into()));
        assert!(options.post_rate.is_some());
    }
}

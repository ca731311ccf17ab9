//! Paths of the programs under test.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

use super::options::Options;

/// The three programs.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    pub(super) server: PathBuf,
    pub(super) chat: PathBuf,
    pub(super) tui: PathBuf,
}

impl Programs {
    /// Finds the programs in the directory of the options, by default in that of this program.
    pub(super) fn find(options: &Options) -> Result<Self> {
        let own = std::env::current_exe()?;
        let own_dir = own.parent().context("this program has no directory")?;
        let dir = options.programs.clone().unwrap_or_else(|| own_dir.to_owned());
        let find = |name: &str| -> Result<PathBuf> {
            let path = dir.join(name);
            ensure!(
                path.is_file(),
                "could not find {}: run `cargo build --release -p chat-server -p chat-cli -p chat-tui` or pass --programs",
                path.display()
            );
            Ok(path)
        };
        Ok(Self { server: find("chat-server")?, chat: find("chat")?, tui: find("chat-tui")? })
    }
}

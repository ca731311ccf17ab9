//! Where the programs under siege are. It starts none.

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
    /// Looks for them where the options say, else beside this program.
    pub(super) fn find(options: &Options) -> Result<Self> {
        let own = std::env::current_exe()?;
        let beside = own.parent().context("this program is nowhere")?;
        let dir = options.programs.clone().unwrap_or_else(|| beside.to_owned());
        let find = |name: &str| -> Result<PathBuf> {
            let path = dir.join(name);
            ensure!(
                path.is_file(),
                "there is no {}: cargo build --release -p chat-server -p chat-cli -p chat-tui",
                path.display()
            );
            Ok(path)
        };
        Ok(Self { server: find("chat-server")?, chat: find("chat")?, tui: find("chat-tui")? })
    }
}

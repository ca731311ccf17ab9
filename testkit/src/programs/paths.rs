//! Paths of the programs under test.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

/// The three programs.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    pub(crate) server: PathBuf,
    pub(crate) chat: PathBuf,
    pub(crate) tui: PathBuf,
    /// A library that replaces functions of the C library in the server; see `power_cut::without_sync`.
    pub(crate) preload: Option<PathBuf>,
}

impl Programs {
    /// Finds the programs in `dir`, by default in the directory of this program. Those with the names in `needed` must
    /// be there.
    pub(crate) fn find(dir: Option<&Path>, needed: &[&str]) -> Result<Self> {
        let own = std::env::current_exe()?;
        let dir = dir.map_or_else(|| own.parent().context("this program has no directory"), Ok)?;
        for name in needed {
            let path = dir.join(name);
            ensure!(
                path.is_file(),
                "could not find {}: run `cargo build --release -p chat-server -p chat-cli -p chat-tui` or pass --programs",
                path.display()
            );
        }
        let [server, chat, tui] = ["chat-server", "chat", "chat-tui"].map(|name| dir.join(name));
        Ok(Self { server, chat, tui, preload: None })
    }

    /// Returns what the server's environment contains beside the inherited one.
    pub(crate) fn environment(&self) -> impl Iterator<Item = (&'static str, &PathBuf)> {
        self.preload.iter().map(|library| ("LD_PRELOAD", library))
    }
}

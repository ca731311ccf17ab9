//! An account that `chat register` has saved on the disk that is cut.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tokio::process::Command;
use tokio::time::timeout;

use crate::programs::{GUARD, Programs, Server};
use crate::volume::Volume;

/// The account as `chat register` reported it, and the file where it saved it before that.
pub(super) struct SavedAccount {
    file: PathBuf,
    reported: Value,
}

impl SavedAccount {
    /// Registers.
    pub(super) async fn register(programs: &Programs, server: &Server, volume: &Volume) -> Result<Self> {
        let file = volume.path().join("accounts.json");
        let port = server.write.port().to_string();
        let mut command = Command::new(&programs.chat);
        command.args(["register", "-u", "Bob", "--write-port", &port, "--json", "--credential-path"]).arg(&file);
        let output = timeout(GUARD, command.output()).await.context("chat register does not end")??;
        ensure!(output.status.success(), "chat register: {}", String::from_utf8_lossy(&output.stderr));
        Ok(Self { file, reported: serde_json::from_slice(&output.stdout)? })
    }

    /// Returns what is wrong with the file after the cut.
    pub(super) async fn violation(&self, programs: &Programs) -> Result<Option<String>> {
        let mut command = Command::new(&programs.chat);
        command.args(["accounts", "list", "--json", "--credential-path"]).arg(&self.file);
        let output = timeout(GUARD, command.output()).await.context("chat accounts does not end")??;
        let listed: Vec<Value> = output.stdout.split(|&byte| byte == b'\n').flat_map(serde_json::from_slice).collect();
        let is_there = listed.iter().any(|account| account["nick"] == self.reported["nick"]);
        Ok((!is_there).then(|| {
            let said = String::from_utf8_lossy(&output.stderr);
            format!("the account {} is not in its file: {listed:?} {}", self.reported["nick"], said.trim())
        }))
    }
}

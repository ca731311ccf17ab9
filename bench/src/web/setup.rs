//! The options of the scenario, and what is measured: a room with a gateway in front of it.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use super::gateway::GatewayProcess;
use super::pages;
use crate::server_process::{ServerOptions, ServerProcess};

/// Messages that the room has when the first page opens; a page begins with the newest 200.
const HISTORY: usize = 300;
/// Time until the gateway has finished its work for new pages.
pub(super) const SETTLE: Duration = Duration::from_secs(1);

/// A part of the scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum WebPart {
    /// Memory of open pages
    Memory,
    /// Pages that do not read
    Slow,
    /// The page in Chromium
    Browser,
}

/// Options of `chat-bench web`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Path of chat-web [default: in the directory of this program]
    #[arg(long, value_name = "PATH")]
    pub(super) chat_web: Option<PathBuf>,
    /// Measure only these parts
    #[arg(long, value_enum, value_name = "PART", value_delimiter = ',')]
    only: Vec<WebPart>,
    #[command(flatten)]
    pub(super) server: ServerOptions,
}

impl Options {
    /// Returns whether a part is measured.
    pub(super) fn wants(&self, part: WebPart) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

/// Starts a room with some messages, and a gateway in front of it.
pub(super) fn start(options: &Options) -> Result<(ServerProcess, GatewayProcess)> {
    let server = ServerProcess::start(&options.server, &["--register-rate", "off"])?;
    pages::write_history(server.write(), HISTORY)?;
    let gateway = GatewayProcess::start(options.chat_web.as_deref(), &server)?;
    Ok((server, gateway))
}

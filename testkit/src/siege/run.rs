//! Runs the selected loads and prints the table.

use std::process::ExitCode;

use anyhow::Result;

use super::options::{Options, Scenario};
use super::table::Table;
use super::{client_limits, connection_flood, posting_flood, server_limits, slow_loris, stalled_readers};
use crate::programs::Programs;

/// Runs the selected loads and prints the table.
///
/// # Errors
/// A load could not be run. A requirement that is not met is not an error: it is a row, and gives a failure exit code.
pub async fn run(options: Options) -> Result<ExitCode> {
    let programs = Programs::find(options.programs.as_deref(), &["chat-server", "chat", "chat-tui"])?;
    let (selected, mut table) = (options.scenario, Table::default());
    if selected.includes(Scenario::EndlessLine) {
        server_limits::run(&programs, &options, &mut table).await?;
        client_limits::run(&programs, &options, &mut table).await?;
    }
    if selected.includes(Scenario::SlowLoris) {
        slow_loris::run(&programs, &options, &mut table).await?;
    }
    if selected.includes(Scenario::DeadReaders) {
        stalled_readers::run(&programs, &options, &mut table).await?;
    }
    if selected.includes(Scenario::Flood) {
        connection_flood::run(&programs, &mut table).await?;
    }
    if selected.includes(Scenario::PostingFlood) {
        posting_flood::run(&programs, &mut table).await?;
    }
    Ok(if table.print() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

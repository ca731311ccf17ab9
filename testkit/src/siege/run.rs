//! One siege from its start to its table.

use std::process::ExitCode;

use anyhow::Result;

use super::options::{Options, Scenario};
use super::programs::Programs;
use super::table::Table;
use super::{dead_readers, endless_lines, flood, misled_clients, posting_flood, slow_loris};

/// Runs the loads that were asked for and prints the table.
///
/// # Errors
/// The siege itself cannot go on. What does not hold is no error but a row that says so, and a failure code.
pub async fn run(options: Options) -> Result<ExitCode> {
    let programs = Programs::find(&options)?;
    let (asked, mut table) = (options.scenario, Table::default());
    if asked.includes(Scenario::EndlessLine) {
        endless_lines::run(&programs, &options, &mut table).await?;
        misled_clients::run(&programs, &options, &mut table).await?;
    }
    if asked.includes(Scenario::SlowLoris) {
        slow_loris::run(&programs, &options, &mut table).await?;
    }
    if asked.includes(Scenario::DeadReaders) {
        dead_readers::run(&programs, &options, &mut table).await?;
    }
    if asked.includes(Scenario::Flood) {
        flood::run(&programs, &mut table).await?;
    }
    if asked.includes(Scenario::PostingFlood) {
        posting_flood::run(&programs, &mut table).await?;
    }
    Ok(if table.print() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

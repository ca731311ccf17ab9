//! Measures `chat-web` in front of `chat-server`: pages as WebSocket clients, and its page in Chromium.

mod gateway;
mod in_browser;
mod pages;
mod setup;
mod slow;

pub(crate) use self::setup::Options;

use std::thread;
use std::time::Duration;

use anyhow::Result;
use tokio::runtime::{Builder, Runtime};

use self::pages::Pages;
use self::setup::{SETTLE, WebPart, start};
use crate::descriptors;
use crate::table::Table;
use testkit::process;

/// Pages of the memory figure.
const PAGES: usize = 1_000;
const KIB_EACH: f64 = 20.0;
/// Time after which a page without posts has no connection to the room, with a margin.
const IDLE: Duration = Duration::from_secs(75);

/// Measures and prints the table.
pub(crate) fn run(options: &Options) -> Result<()> {
    descriptors::raise()?;
    if options.wants(WebPart::Browser) {
        testkit::devtools::installed()?;
    }
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut table = Table::default();
    if options.wants(WebPart::Memory) {
        memory(options, &runtime, false, &mut table)?;
        memory(options, &runtime, true, &mut table)?;
    }
    if options.wants(WebPart::Slow) {
        slow::measure(options, &runtime, &mut table)?;
    }
    if options.wants(WebPart::Browser) {
        in_browser::measure(options, &mut table)?;
    }
    table.print();
    Ok(())
}

/// Measures the private memory of the gateway by the number of open pages, with the connection to the room that each
/// account has.
fn memory(options: &Options, runtime: &Runtime, with_account: bool, table: &mut Table) -> Result<()> {
    let (server, gateway) = start(options)?;
    let accounts = if with_account { pages::register(server.write(), PAGES + 1)? } else { Vec::new() };
    let mut pages = Pages::new(runtime, gateway.address());
    // The first page causes one-time allocations.
    pages.open(1, accounts.get(..1).unwrap_or_default())?;
    thread::sleep(SETTLE);
    let before = process::private_kib(gateway.pid())?;
    pages.open(PAGES, accounts.get(1..).unwrap_or_default())?;
    thread::sleep(SETTLE);
    let after = process::private_kib(gateway.pid())?;
    let each = after.saturating_sub(before) as f64 / PAGES as f64;
    let who = if with_account { "each with an account of its own" } else { "without an account" };
    table.at_most(&format!("{PAGES} open pages, {who}: private memory of the gateway for each"), each, KIB_EACH, "KiB");
    table.shown("– the whole gateway", format!("{:.1} MiB", after as f64 / 1024.0));
    if with_account {
        thread::sleep(IDLE);
        let later = process::private_kib(gateway.pid())?.saturating_sub(before) as f64 / PAGES as f64;
        table.at_most(
            "– for each, a minute later, when their connections to the room have ended",
            later,
            KIB_EACH,
            "KiB",
        );
    }
    Ok(())
}

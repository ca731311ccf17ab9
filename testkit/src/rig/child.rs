//! One process of the rig: started, told things, killed without warning. What it has said is in the
//! ledger before its death is known.

use std::process::Stdio;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::ledger::{Ledger, Who};

#[derive(Debug)]
pub(super) struct Process {
    who: Who,
    child: Child,
    orders: ChildStdin,
    reports: JoinHandle<()>,
}

impl Process {
    /// Starts this program again in a role. The answer is the first line that begins with `ready `.
    pub(super) fn start(
        who: Who,
        arguments: &[String],
        ledger: &Arc<Ledger>,
    ) -> anyhow::Result<(Self, oneshot::Receiver<String>)> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().context("cannot start a process")?;
        let orders = child.stdin.take().context("no pipe")?;
        let mut lines = BufReader::new(child.stdout.take().context("no pipe")?).lines();
        let (ready, is_ready) = oneshot::channel();
        let ledger = Arc::clone(ledger);
        let reports = tokio::spawn(async move {
            let mut ready = Some(ready);
            while let Ok(Some(line)) = lines.next_line().await {
                match line.strip_prefix("ready ") {
                    Some(where_) => drop(ready.take().map(|ready| ready.send(where_.to_owned()))),
                    None => ledger.take(who, &line),
                }
            }
        });
        Ok((Self { who, child, orders, reports }, is_ready))
    }

    /// Says a line. Whether it is heard is not known: it may be dying.
    pub(super) async fn tell(&mut self, order: &str) {
        let _ = self.orders.write_all(format!("{order}\n").as_bytes()).await;
    }

    /// SIGKILL, at this instant; then waits until everything that it had said is in the ledger.
    pub(super) async fn kill(mut self) {
        let _ = self.child.start_kill();
        let _ = self.child.wait().await;
        let _ = self.reports.await;
    }

    /// Waits for the end of a process that was told to stop.
    pub(super) async fn ended(mut self) -> anyhow::Result<()> {
        drop(self.orders);
        let status = self.child.wait().await?;
        let _ = self.reports.await;
        anyhow::ensure!(status.success(), "{:?} ended with {status}", self.who);
        Ok(())
    }

    /// Whether it has ended although nobody killed it.
    pub(super) fn has_died(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

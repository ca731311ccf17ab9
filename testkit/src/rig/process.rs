//! One child process of the rig. All that it has reported is in the ledger before its end is known.

use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::ledger::{Ledger, Reporter};
use super::timeouts::GUARD;

#[derive(Debug)]
pub(super) struct Process {
    reporter: Reporter,
    child: Child,
    /// `None` once it was closed.
    stdin: Option<ChildStdin>,
    reports: JoinHandle<()>,
}

impl Process {
    /// Starts this executable again in a role. The receiver gets the rest of the first line that begins with `ready `.
    pub(super) fn start(
        reporter: Reporter,
        arguments: &[String],
        ledger: &Arc<Ledger>,
    ) -> anyhow::Result<(Self, oneshot::Receiver<String>)> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("could not start {reporter:?}"))?;
        let stdin = child.stdin.take().context("no pipe to standard input")?;
        let mut lines = BufReader::new(child.stdout.take().context("no pipe from standard output")?).lines();
        let (ready, is_ready) = oneshot::channel();
        let ledger = Arc::clone(ledger);
        let reports = tokio::spawn(async move {
            let mut ready = Some(ready);
            while let Ok(Some(line)) = lines.next_line().await {
                match line.strip_prefix("ready ") {
                    Some(addresses) => drop(ready.take().map(|ready| ready.send(addresses.to_owned()))),
                    None => ledger.record(reporter, &line),
                }
            }
        });
        Ok((Self { reporter, child, stdin: Some(stdin), reports }, is_ready))
    }

    /// Sends a line to its standard input. Errors are ignored: the process may be exiting.
    pub(super) async fn send(&mut self, line: &str) {
        if let Some(stdin) = &mut self.stdin {
            let _ = stdin.write_all(format!("{line}\n").as_bytes()).await;
        }
    }

    /// Sends SIGKILL at once, then waits until all its reports are in the ledger.
    pub(super) async fn kill(mut self) -> anyhow::Result<()> {
        let _ = self.child.start_kill();
        self.wait().await.map(drop)
    }

    /// Closes its standard input and waits for a successful exit.
    pub(super) async fn finish(mut self) -> anyhow::Result<()> {
        drop(self.stdin.take());
        let status = self.wait().await?;
        anyhow::ensure!(status.success(), "{:?} ended with {status}", self.reporter);
        Ok(())
    }

    /// Returns whether it has exited although it was not killed.
    pub(super) fn has_exited(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    async fn wait(&mut self) -> anyhow::Result<ExitStatus> {
        let hangs = || format!("{:?} does not end", self.reporter);
        let status = timeout(GUARD, self.child.wait()).await.with_context(hangs)??;
        // Until the end of the pipe: what the process wrote before it was killed counts.
        timeout(GUARD, &mut self.reports)
            .await
            .with_context(|| format!("{:?} left its pipe open", self.reporter))??;
        Ok(status)
    }
}

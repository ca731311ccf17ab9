//! The asynchronous runtime of a command.

use std::future::Future;

use chat_frontend::Exit;

use crate::error::CliError;

/// Runs a command on a runtime of one thread, which suffices for two connections and starts faster than several.
/// Operations on files run on other threads; see [`unblock`](chat_frontend::unblock).
pub(crate) fn block_on(work: impl Future<Output = Result<Exit, CliError>>) -> Result<Exit, CliError> {
    // The runtime panics where it cannot open its descriptors, so find out first whether it can.
    #[cfg(unix)]
    {
        let spare: std::io::Result<Vec<_>> = (0..4).map(|_| std::os::unix::net::UnixStream::pair()).collect();
        drop(spare.map_err(CliError::Runtime)?);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CliError::Runtime)?;
    let exit = runtime.block_on(work);
    // Does not wait for the thread that may be blocked on standard input.
    runtime.shutdown_background();
    exit
}

//! The one line on standard output, which tells scripts that the server is ready.

use std::io::{self, Write as _};

use tokio::sync::oneshot;

/// Writes the line on a thread of its own, because standard output may be a full pipe. The receiver resolves when it is
/// written or could not be.
pub(crate) fn print(line: String) -> oneshot::Receiver<io::Result<()>> {
    let (done, written) = oneshot::channel();
    std::thread::spawn(move || {
        let mut out = io::stdout();
        let result = writeln!(out, "{line}").and_then(|()| out.flush());
        let result = match result {
            // A reader that is gone does not want to know.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        };
        let _ = done.send(result);
    });
    written
}

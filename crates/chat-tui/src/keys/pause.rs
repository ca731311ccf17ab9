//! Stops the thread that reads keys while another program has the terminal.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::sync::mpsc::{Receiver, Sender, channel};

/// Creates both sides.
pub(super) fn switch() -> io::Result<(PauseSwitch, PausePoint)> {
    let (requests, request) = io::pipe()?;
    let (stopped, has_stopped) = channel();
    let (resume, resumed) = channel();
    Ok((PauseSwitch { request, has_stopped, resume }, PausePoint { requests, stopped, resumed }))
}

/// The side of the program.
pub(super) struct PauseSwitch {
    request: PipeWriter,
    has_stopped: Receiver<()>,
    resume: Sender<()>,
}

impl PauseSwitch {
    /// Returns once the thread does not read any more, or has ended.
    pub(super) fn pause(&mut self) {
        if self.request.write_all(&[0]).is_ok() {
            let _ = self.has_stopped.recv();
        }
    }

    pub(super) fn resume(&mut self) {
        // An error means that the thread has ended.
        let _ = self.resume.send(());
    }
}

/// The side of the thread.
pub(super) struct PausePoint {
    requests: PipeReader,
    stopped: Sender<()>,
    resumed: Receiver<()>,
}

impl PausePoint {
    /// Returns what becomes readable when the thread is to pause.
    pub(super) fn requests(&self) -> &PipeReader {
        &self.requests
    }

    /// Waits until the thread may read again. The end of the program ends the wait.
    pub(super) fn wait(&self) {
        // One byte for each request; the end of the pipe is the end of the program.
        if (&self.requests).read(&mut [0; 1]).is_ok_and(|count| count == 1) && self.stopped.send(()).is_ok() {
            let _ = self.resumed.recv();
        } else {
            std::thread::park();
        }
    }
}

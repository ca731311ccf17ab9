//! Signals: suspend, continue, window size, and those that end the program.

use std::io;

pub(crate) use chat_frontend::signals::{EndRules, EndSignal};

/// One signal.
#[cfg_attr(not(unix), allow(dead_code, reason = "only Ctrl+C is available"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    End,
    Stop,
    Continue,
    Resized,
}

#[cfg(unix)]
mod unix {
    use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

    use super::{EndSignal, Signal, io};

    /// The handled signals.
    pub(crate) struct SignalStream {
        end: EndSignal,
        /// The end was returned.
        ended: bool,
        /// Not handled where the default action is sufficient.
        stop: Option<Stream>,
        go_on: Option<Stream>,
        /// The library that reads keys reports sizes too, but may miss the last one of many.
        resized: Option<Stream>,
    }

    impl SignalStream {
        pub(crate) fn new(end: &EndSignal) -> io::Result<Self> {
            let by_number = |which: rustix::process::Signal| signal(SignalKind::from_raw(which.as_raw()));
            let stop = Some(by_number(rustix::process::Signal::TSTP)?);
            let resized = Some(signal(SignalKind::window_change())?);
            Ok(Self { stop, resized, ..Self::without_stop(end)? })
        }

        /// Handles the signals that end the program, and the one that continues it.
        pub(crate) fn without_stop(end: &EndSignal) -> io::Result<Self> {
            Ok(Self {
                end: end.clone(),
                ended: false,
                stop: None,
                go_on: Some(signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?),
                resized: None,
            })
        }

        /// Waits for the next signal. Cancel-safe.
        pub(crate) async fn next(&mut self) -> Signal {
            tokio::select! {
                () = self.end.wait(), if !self.ended => {
                    self.ended = true;
                    Signal::End
                }
                () = heard(&mut self.stop) => Signal::Stop,
                () = heard(&mut self.go_on) => Signal::Continue,
                () = heard(&mut self.resized) => Signal::Resized,
            }
        }
    }

    async fn heard(stream: &mut Option<Stream>) {
        match stream {
            Some(stream) => {
                stream.recv().await;
            }
            None => std::future::pending().await,
        }
    }

    /// Stops the process, as Ctrl+Z does.
    pub(crate) mod stop {
        use rustix::process::{Signal, getpid, getsid, kill_current_process_group, kill_process};

        use super::io;

        /// Returns whether there is a shell that could wake this program again: not where it leads its session.
        pub(crate) fn can_be_woken() -> bool {
            getsid(None).is_ok_and(|session| session != getpid())
        }

        /// Stops; returns when the program continues. With `group`, stops all processes that were started with it, as
        /// the terminal would.
        pub(crate) fn now(group: bool) -> io::Result<()> {
            // SIGTSTP is handled, so SIGSTOP, which cannot be caught, stops the process.
            if group {
                kill_current_process_group(Signal::STOP)?;
            } else {
                kill_process(getpid(), Signal::STOP)?;
            }
            Ok(())
        }
    }
}

#[cfg(unix)]
pub(crate) use unix::{SignalStream, stop};

#[cfg(not(unix))]
mod other {
    use super::{EndSignal, Signal, io};

    /// Only Ctrl+C is available here, and full screen reads it as a key.
    pub(crate) struct SignalStream {
        end: EndSignal,
        /// The end was returned.
        ended: bool,
    }

    impl SignalStream {
        pub(crate) fn new(end: &EndSignal) -> io::Result<Self> {
            Ok(Self { end: end.clone(), ended: false })
        }

        pub(crate) fn without_stop(end: &EndSignal) -> io::Result<Self> {
            Self::new(end)
        }

        pub(crate) async fn next(&mut self) -> Signal {
            if self.ended {
                std::future::pending::<()>().await;
            }
            self.end.wait().await;
            self.ended = true;
            Signal::End
        }
    }

    pub(crate) mod stop {
        use super::io;

        pub(crate) fn can_be_woken() -> bool {
            false
        }

        pub(crate) fn now(_group: bool) -> io::Result<()> {
            Ok(())
        }
    }
}

#[cfg(not(unix))]
pub(crate) use other::{SignalStream, stop};

//! Another clock for a process, by Debian's package libfaketime.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the package puts its library.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// The library, if it is installed.
#[derive(Debug, Clone)]
pub(super) struct FakeClock(Option<PathBuf>);

impl FakeClock {
    pub(super) fn find() -> Self {
        let folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"];
        Self(folders.iter().map(|folder| Path::new(folder).join(LIBRARY)).find(|path| path.is_file()))
    }

    pub(super) fn is_known(&self) -> bool {
        self.0.is_some()
    }

    /// Makes a process begin with a clock that is off by this many seconds. Only the time of day is changed, not the clock
    /// that its timers use.
    pub(super) fn set(&self, command: &mut Command, seconds: i64) {
        if let Some(library) = self.0.as_ref().filter(|_| seconds != 0) {
            command.env("LD_PRELOAD", library).env("FAKETIME", format!("{seconds:+}"));
            command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
    }
}

//! A directory in which scripts run as they stand in a document: a home, programs of the test's own first on the path, and
//! no setting of the test's environment. Whatever a script starts ends with the directory.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The longest time for one script.
const DEADLINE: Duration = Duration::from_secs(120);

/// The time between two looks at a process.
const TICK: Duration = Duration::from_millis(20);

/// The directory, and the processes that scripts have started.
#[derive(Debug)]
pub struct Shell {
    dir: tempfile::TempDir,
    home: PathBuf,
    variables: Vec<(OsString, OsString)>,
    groups: Vec<Child>,
}

/// A script that was started, by its number, with the file of its standard output.
#[derive(Debug)]
pub struct StartedScript {
    number: usize,
    /// Standard output; standard error is beside it with the extension `errors`.
    pub output: PathBuf,
}

impl Shell {
    /// Creates the directory. `home` is the directory in it in which scripts start.
    ///
    /// # Panics
    /// The directory cannot be created.
    #[must_use]
    pub fn new(home: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let home = dir.path().join(home);
        for made in [&home, &dir.path().join("bin")] {
            fs::create_dir_all(made).expect("a new directory");
        }
        Self { dir, home, variables: Vec::new(), groups: Vec::new() }
    }

    /// Returns the directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    /// Sets a variable of later scripts.
    pub fn set(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) {
        self.variables.push((name.into(), value.into()));
    }

    /// Puts a program in front of all others of this name.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn program(&self, name: &str, script: &str) {
        let path = self.root().join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}")).expect("a new file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a file of ours");
    }

    /// Starts a script as the leader of a process group, with its output in files.
    ///
    /// # Panics
    /// There is no `bash`.
    pub fn start(&mut self, script: &str) -> StartedScript {
        let number = self.groups.len();
        let output = self.root().join(format!("output-{number}"));
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", self.root().join("bin").display());
        let mut command = Command::new("bash");
        command.args(["-ec", script]).current_dir(&self.home).process_group(0).stdin(Stdio::null());
        command.stdout(File::create(&output).expect("a new file"));
        command.stderr(File::create(output.with_extension("errors")).expect("a new file"));
        let inherited = std::env::vars_os().map(|(name, _)| name).filter(|name| {
            let name = name.to_string_lossy();
            name.starts_with("CHAT_") || name.starts_with("XDG_") || name == "CI"
        });
        for name in inherited {
            command.env_remove(name);
        }
        command
            .env("HOME", &self.home)
            .env("PATH", path)
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        self.groups.push(command.spawn().expect("bash"));
        StartedScript { number, output }
    }

    /// Waits until a script has ended or `done` holds. Returns the status of one that has ended.
    pub fn wait(&mut self, script: &StartedScript, done: impl Fn() -> bool) -> Option<ExitStatus> {
        let start = Instant::now();
        loop {
            if let Ok(Some(status)) = self.groups[script.number].try_wait() {
                return Some(status);
            }
            if done() || start.elapsed() > DEADLINE {
                return None;
            }
            sleep(TICK);
        }
    }

    /// Runs a script to its end and returns what it printed.
    ///
    /// # Panics
    /// It fails, or does not end.
    pub fn output(&mut self, script: &str) -> String {
        let started = self.start(script);
        let status = self.wait(&started, || false);
        let (output, errors) = started.texts();
        assert!(status.is_some_and(|status| status.success()), "{script}: {status:?}\n{errors}\n{output}");
        output
    }

    /// Ends a script and what it has started.
    pub fn stop(&mut self, script: &StartedScript) {
        end_group(&mut self.groups[script.number], "-TERM");
    }
}

impl StartedScript {
    /// Returns what the script has printed so far, and its errors.
    #[must_use]
    pub fn texts(&self) -> (String, String) {
        let text = |path: &Path| fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        (text(&self.output).unwrap_or_default(), text(&self.output.with_extension("errors")).unwrap_or_default())
    }
}

fn end_group(leader: &mut Child, signal: &str) {
    // What has ended already is no error.
    let group = format!("-{}", leader.id());
    let _ = Command::new("kill").args([signal, "--", &group]).stderr(Stdio::null()).status();
    let _ = leader.wait();
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.groups.iter_mut().for_each(|leader| end_group(leader, "-KILL"));
    }
}

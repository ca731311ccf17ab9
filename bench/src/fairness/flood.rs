//! One account that posts over many connections as fast as they take it, on a disk that is slow to sync.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::figures::{Waits, time};
use crate::dialogue::{self, Step};
use crate::server_process::{ServerOptions, ServerProcess};

/// Connections of the account.
pub(super) const CONNECTIONS: usize = 20;

/// Honest posts.
const POSTS: usize = 60;

/// The delay of each sync in microseconds, made with strace.
const SYNC_US: u32 = 5_000;

const REGISTER: &str = "End it with an empty line. \t\n";

pub(super) fn post(options: &ServerOptions, connections: usize) -> Result<Waits> {
    let files = tempfile::tempdir()?;
    let program = files.path().join("slow-server");
    let server = options.program()?.canonicalize()?;
    // The tracer is another process, so that the child is the server itself.
    let script = format!(
        "#!/bin/sh\nexec strace -D -f --seccomp-bpf -qq -o /dev/null -e trace=fsync,fdatasync \
         -e inject=fsync,fdatasync:delay_enter={SYNC_US} '{}' \"$@\"\n",
        server.display()
    );
    fs::write(&program, script)?;
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700))?;
    let server = ServerProcess::start(&options.with_program(program), &[]).context("is strace installed?")?;

    let mut honest = dialogue::open(server.write(), &[Step::new("\nHonest\n", REGISTER)])?;
    let token = register(&server)?;
    let log_in = [Step::new(format!("{token}\n"), REGISTER)];
    let flood = (0..connections).map(|_| dialogue::open(server.write(), &log_in)).collect::<Result<Vec<_>>>()?;
    thread::scope(|scope| {
        for stream in &flood {
            scope.spawn(move || discard(stream));
            scope.spawn(move || post_without_end(stream));
        }
        // Until their share of the queue is full.
        thread::sleep(Duration::from_secs(1));
        let waits = time(POSTS, || {
            honest.write_all(b"an honest message\n\n")?;
            let count = honest.read(&mut [0; 1_000])?;
            ensure!(count > 0, "the server closed the honest connection");
            Ok(())
        });
        for stream in &flood {
            // Ends both of its threads.
            let _ = stream.shutdown(Shutdown::Both);
        }
        waits
    })
}

/// Registers the account of the flood. Returns its token.
fn register(server: &ServerProcess) -> Result<String> {
    let mut stream = dialogue::open(server.write(), &[Step::new("\n", "nickname")])?;
    stream.write_all(b"Flood\n")?;
    let mut answer = String::new();
    let mut piece = [0; 1_000];
    while !answer.contains(REGISTER) {
        let count = stream.read(&mut piece)?;
        ensure!(count > 0, "the server closed a registration");
        answer.push_str(&String::from_utf8_lossy(&piece[..count]));
    }
    let token = answer.split("\"account_hash\": \"").nth(1).and_then(|rest| rest.split('"').next());
    Ok(token.context("no token in the account")?.to_owned())
}

fn discard(mut stream: &TcpStream) {
    let mut buffer = vec![0; 64 * 1024];
    // A timeout only means that nothing was confirmed for so long.
    while stream.read(&mut buffer).map_or_else(|error| is_timeout(&error), |count| count > 0) {}
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}

fn post_without_end(mut stream: &TcpStream) {
    let posts = format!("{}\n\n", "x".repeat(1_000)).repeat(64);
    while stream.write_all(posts.as_bytes()).is_ok() {}
}

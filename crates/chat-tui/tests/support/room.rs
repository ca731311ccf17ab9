//! A server inside the test, which can be killed and restarted.

use std::path::Path;

use chat_server::{Server, ServerConfig, ServerHandle, SqliteJournal};
use tokio::runtime::Runtime;

/// The server and its runtime.
pub struct Room {
    runtime: Runtime,
    server: Option<ServerHandle>,
    config: ServerConfig,
    dir: tempfile::TempDir,
}

impl Room {
    /// Opens a room on free ports.
    pub fn open() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let mut config = ServerConfig::on_free_ports();
        let server = start(&runtime, &config, dir.path());
        (config.listen, config.write) = (server.listen_addr(), server.write_addr());
        Self { runtime, server: Some(server), config, dir }
    }

    /// Returns the arguments with its address.
    pub fn arguments(&self) -> Vec<String> {
        let (listen, write) = (self.config.listen.port().to_string(), self.config.write.port().to_string());
        ["--no-local-room", "--listen-port", &listen, "--write-port", &write].map(str::to_owned).to_vec()
    }

    /// Returns its address as that of a node.
    pub fn node(&self) -> String {
        format!("127.0.0.1:{}:{}", self.config.listen.port(), self.config.write.port())
    }

    /// Stops the server at once, without draining.
    pub fn kill(&mut self) {
        let server = self.server.take();
        self.runtime.block_on(async { drop(server) });
    }

    /// Starts it again with its stored data.
    pub fn come_back(&mut self) {
        self.server = Some(start(&self.runtime, &self.config, self.dir.path()));
    }
}

fn start(runtime: &Runtime, config: &ServerConfig, dir: &Path) -> ServerHandle {
    let begun = std::time::Instant::now();
    loop {
        // The store and the ports of a killed server are free once its tasks have ended.
        let started = runtime.block_on(async {
            let journal = SqliteJournal::open(dir).map_err(|error| error.to_string())?;
            Server::start(config.clone(), journal).await.map_err(|error| error.to_string())
        });
        match started {
            Ok(server) => return server,
            Err(error) => assert!(begun.elapsed() < super::GUARD, "{error}"),
        }
        std::thread::yield_now();
    }
}

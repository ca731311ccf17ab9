//! A room inside a program: free ports, nothing on disk, until Ctrl-C.

use chat_server::{MemoryJournal, Server, ServerConfig};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let server = Server::start(ServerConfig::on_free_ports(), MemoryJournal::new()).await?;
    println!("ready listen={} write={}", server.listen_addr(), server.write_addr());
    tokio::signal::ctrl_c().await?;
    // What was posted is stored and answered, and both ports are closed.
    server.drain().await?;
    Ok(())
}

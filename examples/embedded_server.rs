//! A server inside a program, on free ports and in memory, until Ctrl-C.

use chat_server::{MemoryJournal, Server, ServerConfig};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let server = Server::start(ServerConfig::on_free_ports(), MemoryJournal::new()).await?;
    println!("ready listen={} write={}", server.listen_addr(), server.write_addr());
    tokio::signal::ctrl_c().await?;
    // Stores and answers what was posted, then closes both ports.
    server.drain().await?;
    Ok(())
}

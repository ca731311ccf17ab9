//! Endless lines sent to the server at every place where a line is read. The server closes at its limit, so the sender
//! reconnects until it has sent the whole amount.

use anyhow::Result;

use super::options::Options;
use super::table::Table;
use crate::programs::{Peer, Programs, Server};

/// Memory in MiB that a load may add to the peak of a process.
pub(super) const MAY_GROW_MIB: f64 = 32.0;

/// Size of one write, above every line limit.
const CHUNK: usize = 256 * 1024;

/// Upper bound of what one connection accepts before it is closed: the limit and the socket buffers.
const MOST_OF_ONE: u64 = 64 * 1024 * 1024;

/// Where the endless line begins.
#[derive(Debug, Clone, Copy)]
enum LineStart {
    Token,
    Chat,
    Extension,
    Listen,
}

pub(super) async fn run(programs: &Programs, options: &Options, table: &mut Table) -> Result<()> {
    for (start, name) in [
        (LineStart::Token, "write port, in place of a token"),
        (LineStart::Chat, "write port, after login"),
        (LineStart::Extension, "write port, inside an extension line"),
        (LineStart::Listen, "listen port"),
    ] {
        let mut server = Server::start(programs, &[], None).await?;
        // After the first login, so that one-time allocations are not counted.
        let (_, token) = Peer::register(server.write, "Hostile").await?;
        let idle = server.peak_mib()?;
        let total = (options.gib * 1024.0 * 1024.0 * 1024.0) as u64;
        let (mut total_sent, mut connections, mut closed) = (0, 0u64, 0u64);
        let chunk = vec![b'x'; CHUNK];
        while total_sent < total {
            let mut peer = connect_to(start, &server, &token).await?;
            let (sent, closed_by_server) = peer.flood(&chunk, MOST_OF_ONE).await?;
            total_sent += sent;
            connections += 1;
            closed += u64::from(closed_by_server);
        }
        let grown = server.peak_mib()? - idle;
        let alive = server.accepts(programs, &["ping"]).await? && server.is_running();
        table.add(
            "endless line, server",
            format!("{:.2} GiB without a line feed: {name}", total_sent as f64 / f64::from(1 << 30)),
            format!("peak +{grown:.1} MiB over {idle:.1}; {closed} of {connections} connections closed at the limit"),
            "peak at most +32 MiB; every one closed; `chat ping` works",
            grown <= MAY_GROW_MIB && closed == connections && alive,
        );
    }
    Ok(())
}

async fn connect_to(start: LineStart, server: &Server, token: &str) -> Result<Peer> {
    match start {
        LineStart::Token => Peer::connect(server.write).await,
        LineStart::Chat => Peer::log_in(server.write, token).await,
        LineStart::Extension => {
            let mut peer = Peer::log_in(server.write, token).await?;
            peer.send("\u{1}{\"id\": \"1\", \"text\": \"").await?;
            Ok(peer)
        }
        LineStart::Listen => Peer::connect(server.listen).await,
    }
}

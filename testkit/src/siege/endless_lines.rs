//! Lines without end, sent to the server wherever a line may stand. It closes at its limit, so the sender comes again
//! until everything has been sent.

use anyhow::Result;

use super::options::Options;
use super::peer::Peer;
use super::programs::Programs;
use super::server::Server;
use super::table::Table;

/// How much memory a load may add. Ten thousand times more is sent.
pub(super) const MAY_GROW_MIB: f64 = 32.0;

/// What is sent at once: more than any limit of a line.
const CHUNK: usize = 256 * 1024;

/// No connection takes more than this before it closes: the limit, and what the system buffers.
const MOST_OF_ONE: u64 = 64 * 1024 * 1024;

/// Where the endless line begins.
#[derive(Debug, Clone, Copy)]
enum Place {
    Token,
    Chat,
    Extension,
    Listen,
}

pub(super) async fn run(programs: &Programs, options: &Options, table: &mut Table) -> Result<()> {
    for (place, name) in [
        (Place::Token, "write port, in place of a token"),
        (Place::Chat, "write port, after login"),
        (Place::Extension, "write port, inside an extension line"),
        (Place::Listen, "listen port"),
    ] {
        let mut server = Server::start(programs, &[], None).await?;
        // What the program needs anyway: it has served somebody.
        let (_, token) = Peer::register(server.write, "Hostile").await?;
        let idle = server.peak_mib()?;
        let total = (options.gib * 1024.0 * 1024.0 * 1024.0) as u64;
        let (mut sent, mut connections, mut closed) = (0, 0u64, 0u64);
        let chunk = vec![b'x'; CHUNK];
        while sent < total {
            let mut peer = arrive(place, &server, &token).await?;
            let (gone, by_the_server) = peer.pour(&chunk, MOST_OF_ONE).await?;
            sent += gone;
            connections += 1;
            closed += u64::from(by_the_server);
        }
        let grown = server.peak_mib()? - idle;
        let alive = server.takes(programs, &["ping"]).await? && server.lives();
        table.add(
            "endless line, server",
            format!("{:.2} GiB without a line feed: {name}", sent as f64 / f64::from(1 << 30)),
            format!("peak +{grown:.1} MiB over {idle:.1}; {closed} of {connections} connections closed at the limit"),
            "peak at most +32 MiB; every one closed; `chat ping` works",
            grown <= MAY_GROW_MIB && closed == connections && alive,
        );
    }
    Ok(())
}

async fn arrive(place: Place, server: &Server, token: &str) -> Result<Peer> {
    match place {
        Place::Token => Peer::connect(server.write).await,
        Place::Chat => Peer::log_in(server.write, token).await,
        Place::Extension => {
            let mut peer = Peer::log_in(server.write, token).await?;
            peer.say("\u{1}{\"id\": \"1\", \"text\": \"").await?;
            Ok(peer)
        }
        Place::Listen => Peer::connect(server.listen).await,
    }
}

//! More connections than the limit, more than there are descriptors, and browsers that were pointed at the wrong port.

use anyhow::Result;
use tokio::time::{Duration, timeout};

use super::peer::{Peer, id_post};
use super::programs::Programs;
use super::server::Server;
use super::table::Table;

/// The limit of connections for the first load, and how many come.
const LIMIT: usize = 500;
const CROWD: usize = 2_500;

/// The limit of descriptors for the second, and how many come.
const DESCRIPTORS: usize = 100;
const HORDE: usize = 400;

/// How long somebody is listened to who is expected to hear nothing.
const SILENCE: Duration = Duration::from_secs(2);

const VERBS: [&str; 9] = ["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"];

pub(super) async fn run(programs: &Programs, table: &mut Table) -> Result<()> {
    over_the_limit(programs, table).await?;
    without_descriptors(programs, table).await?;
    browsers(programs, table).await
}

async fn over_the_limit(programs: &Programs, table: &mut Table) -> Result<()> {
    let server = Server::start(programs, &["--max-connections", &LIMIT.to_string()], None).await?;
    let (mut friend, _) = Peer::register(server.write, "Friend").await?;
    let idle = server.descriptors()?;
    let (mut inside, mut refused) = (Vec::new(), 0);
    for _ in 0..CROWD {
        let mut peer = Peer::connect(server.write).await?;
        match peer.line().await? {
            Some(_) => inside.push(peer),
            None => refused += 1,
        }
    }
    let served = confirmed(&mut friend, "1").await;
    let counted = server.figure("connections_refused_total{limit=\"total\"}").await?;
    let taken = inside.len();
    drop(inside);
    let left = server.descriptors_come_back(idle).await?;
    let recovered = server.takes(programs, &["ping"]).await?;
    table.add(
        "flood of connections",
        format!("{CROWD} connections, `--max-connections {LIMIT}`"),
        format!("{taken} greeted, {refused} closed at once (`/metrics` says {counted}); descriptors {idle} → {left}"),
        "as many as the limit are served, the rest is closed; who is in is served on; `chat ping` works afterwards",
        taken == LIMIT - 1
            && refused == CROWD - taken
            && counted as usize == refused
            && served
            && recovered
            && left <= idle,
    );
    Ok(())
}

async fn without_descriptors(programs: &Programs, table: &mut Table) -> Result<()> {
    let mut server = Server::start(programs, &[], Some(DESCRIPTORS)).await?;
    let (mut friend, _) = Peer::register(server.write, "Friend").await?;
    let mut horde = Vec::new();
    for _ in 0..HORDE {
        horde.push(Peer::connect(server.write).await?);
    }
    let served = confirmed(&mut friend, "1").await;
    let full = server.descriptors()?;
    let heard = horde.iter_mut().map(|peer| timeout(SILENCE, peer.line()));
    let heard = futures_util::future::join_all(heard).await;
    let greeted = heard.iter().filter(|heard| matches!(heard, Ok(Ok(Some(_))))).count();
    drop(horde);
    let recovered = server.takes(programs, &["ping"]).await?;
    table.add(
        "no descriptor left",
        format!("{HORDE} connections, `ulimit -n {DESCRIPTORS}`"),
        format!("{greeted} greeted, the rest waits in the system; {full} descriptors in use"),
        "accepting survives; who is in is served on; `chat ping` works afterwards",
        served && greeted < DESCRIPTORS && greeted > 0 && recovered && server.lives(),
    );
    Ok(())
}

async fn browsers(programs: &Programs, table: &mut Table) -> Result<()> {
    let server = Server::start(programs, &[], None).await?;
    let mut closed = 0;
    for verb in VERBS {
        for address in [server.write, server.listen] {
            let mut peer = Peer::connect(address).await?;
            let request = format!("{verb} / HTTP/1.1\nHost: chat\nContent-Length: 9\n\nBob\nhello\n\n");
            peer.say(&request).await?;
            closed += usize::from(peer.is_closed().await);
        }
    }
    let accounts = server.figure("registrations_total{result=\"accepted\"}").await?;
    let head = server.figure("log_head").await?;
    table.add(
        "browsers",
        format!("{} HTTP verbs on both ports, with a body", VERBS.len()),
        format!("{closed} of {} closed; {accounts} accounts, {head} messages", 2 * VERBS.len()),
        "all closed; no account and no message comes of it",
        closed == 2 * VERBS.len() && accounts == 0.0 && head == 0.0,
    );
    Ok(())
}

/// Whether somebody who is in can still post.
async fn confirmed(peer: &mut Peer, id: &str) -> bool {
    let post = async {
        peer.say(&id_post(id, "still here")).await?;
        peer.hears().await
    };
    matches!(post.await, Ok(answer) if answer.contains("\"ok\""))
}

//! More connections than the limit, more than there are file descriptors, and HTTP requests to both ports.

use anyhow::Result;
use tokio::time::{Duration, timeout};

use super::table::Table;
use crate::programs::{Peer, Programs, Server, id_post};

/// Limit of connections of the first load, and number of clients.
const LIMIT: usize = 500;
const OVER_LIMIT: usize = 2_500;

/// Limit of file descriptors of the second load, and number of clients.
const DESCRIPTORS: usize = 100;
const OVER_DESCRIPTORS: usize = 400;

/// Time after which a client counts as not greeted.
const SILENCE: Duration = Duration::from_secs(2);

const VERBS: [&str; 9] = ["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"];

pub(super) async fn run(programs: &Programs, table: &mut Table) -> Result<()> {
    over_the_limit(programs, table).await?;
    without_descriptors(programs, table).await?;
    browsers(programs, table).await
}

async fn over_the_limit(programs: &Programs, table: &mut Table) -> Result<()> {
    let server = Server::start(programs, &["--max-connections", &LIMIT.to_string()], None).await?;
    let (mut member, _) = Peer::register(server.write, "Member").await?;
    let idle = server.descriptors()?;
    let (mut accepted, mut refused) = (Vec::new(), 0);
    for _ in 0..OVER_LIMIT {
        let mut peer = Peer::connect(server.write).await?;
        match peer.next_line().await? {
            Some(_) => accepted.push(peer),
            None => refused += 1,
        }
    }
    let served = confirmed(&mut member, "1").await;
    let counted = server.figure("connections_refused_total{limit=\"total\",port=\"write\"}").await?;
    let greeted = accepted.len();
    drop(accepted);
    let left = server.descriptors_come_back(idle).await?;
    let recovered = server.accepts(programs, &["ping"]).await?;
    table.add(
        "flood of connections",
        format!("{OVER_LIMIT} connections, `--max-connections {LIMIT}`"),
        format!("{greeted} greeted, {refused} closed at once (`/metrics` counts {counted}); descriptors {idle} → {left}"),
        "as many as the limit are served, the rest is closed; open connections are still served; `chat ping` works afterwards",
        greeted == LIMIT - 1
            && refused == OVER_LIMIT - greeted
            && counted as usize == refused
            && served
            && recovered
            && left <= idle,
    );
    Ok(())
}

async fn without_descriptors(programs: &Programs, table: &mut Table) -> Result<()> {
    let mut server = Server::start(programs, &[], Some(DESCRIPTORS)).await?;
    let (mut member, _) = Peer::register(server.write, "Member").await?;
    let mut clients = Vec::new();
    for _ in 0..OVER_DESCRIPTORS {
        clients.push(Peer::connect(server.write).await?);
    }
    let served = confirmed(&mut member, "1").await;
    let full = server.descriptors()?;
    let lines = clients.iter_mut().map(|peer| timeout(SILENCE, peer.next_line()));
    let lines = futures_util::future::join_all(lines).await;
    let greeted = lines.iter().filter(|line| matches!(line, Ok(Ok(Some(_))))).count();
    drop(clients);
    let recovered = server.accepts(programs, &["ping"]).await?;
    table.add(
        "no descriptor left",
        format!("{OVER_DESCRIPTORS} connections, `ulimit -n {DESCRIPTORS}`"),
        format!("{greeted} greeted, the rest waits in the backlog; {full} descriptors in use"),
        "accepting survives; open connections are still served; `chat ping` works afterwards",
        served && greeted < DESCRIPTORS && greeted > 0 && recovered && server.is_running(),
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
            peer.send(&request).await?;
            closed += usize::from(peer.is_closed().await);
        }
    }
    let accounts = server.figure("registrations_total{result=\"accepted\"}").await?;
    let head = server.figure("log_head").await?;
    table.add(
        "browsers",
        format!("{} HTTP verbs on both ports, with a body", VERBS.len()),
        format!("{closed} of {} closed; {accounts} accounts, {head} messages", 2 * VERBS.len()),
        "all closed; no account and no message is created",
        closed == 2 * VERBS.len() && accounts == 0.0 && head == 0.0,
    );
    Ok(())
}

/// Returns whether a logged-in peer can still post.
async fn confirmed(peer: &mut Peer, id: &str) -> bool {
    let post = async {
        peer.send(&id_post(id, "still connected")).await?;
        peer.receive().await
    };
    matches!(post.await, Ok(answer) if answer.contains("\"ok\""))
}

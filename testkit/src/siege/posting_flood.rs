//! More posts than the rate limit of an account, and more registrations than the rate limit of an address.

use anyhow::Result;
use tokio::time::Instant;

use super::table::Table;
use crate::programs::{Peer, Programs, Server, id_post};

/// Rate limit of an account: posts per second, and burst.
const RATE: (usize, usize) = (10, 20);

const POSTS: usize = 5_000;
const CONNECTIONS: usize = 20;

/// Burst of registrations from one address; the rate after it is close to zero.
const ACCOUNTS: usize = 5;
const REGISTRATIONS: usize = 100;

pub(super) async fn run(programs: &Programs, table: &mut Table) -> Result<()> {
    let rate = format!("{}:{}", RATE.0, RATE.1);
    let server = Server::start(programs, &["--post-rate", &rate], None).await?;
    let (_, token) = Peer::register(server.write, "Flood").await?;
    let began = Instant::now();
    let (mut stored, mut limited, mut other) = (0, 0, 0);
    for connection in 0..CONNECTIONS {
        let mut peer = Peer::log_in(server.write, &token).await?;
        let posts: String =
            (0..POSTS / CONNECTIONS).map(|number| id_post(&format!("{connection}-{number}"), "flood")).collect();
        peer.send(&posts).await?;
        for _ in 0..POSTS / CONNECTIONS {
            let answer = peer.receive().await?;
            let refused = answer.contains("\"code\": \"rate\"") && answer.contains("\"retry_after_ms\": ");
            match (answer.contains("\"ok\""), refused) {
                (true, _) => stored += 1,
                (_, true) => limited += 1,
                _ => other += 1,
            }
        }
    }
    let most = RATE.1 + (began.elapsed().as_secs_f64().ceil() as usize + 1) * RATE.0;
    let counted = server.figure("posts_declined_total{code=\"rate\"}").await?;
    let honest = server.accepts(programs, &["send", "-u", "Honest", "-m", "hello"]).await?;
    table.add(
        "flood of posts",
        format!("{POSTS} posts of one account over {CONNECTIONS} connections, `--post-rate {rate}`"),
        format!("{stored} stored, {limited} refused with `rate` and `retry_after_ms`, {other} else"),
        "stored at most burst and rate; every other post refused with a code; other accounts post meanwhile",
        stored <= most
            && stored >= RATE.1
            && other == 0
            && limited == POSTS - stored
            && counted as usize == limited
            && honest,
    );
    registrations(programs, table).await
}

async fn registrations(programs: &Programs, table: &mut Table) -> Result<()> {
    let rate = format!("0.001:{ACCOUNTS}");
    let server = Server::start(programs, &["--register-rate", &rate], None).await?;
    let (mut created, mut closed) = (0, 0);
    let mut token = None;
    for number in 0..REGISTRATIONS {
        match Peer::register(server.write, &format!("n{number}")).await {
            Ok((_, one)) => {
                created += 1;
                token = Some(one);
            }
            Err(_) => closed += 1,
        }
    }
    let known = match token {
        Some(token) => Peer::log_in(server.write, &token).await.is_ok(),
        None => false,
    };
    table.add(
        "flood of registrations",
        format!("{REGISTRATIONS} registrations from one address, `--register-rate {rate}`"),
        format!("{created} accounts, {closed} connections closed"),
        "no more accounts than the burst; existing accounts can log in",
        created == ACCOUNTS && closed == REGISTRATIONS - ACCOUNTS && known,
    );
    Ok(())
}

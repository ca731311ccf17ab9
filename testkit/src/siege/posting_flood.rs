//! More posts than an account may make, over one connection and over many, and more accounts than an address may make.

use anyhow::Result;
use tokio::time::Instant;

use super::peer::{Peer, id_post};
use super::programs::Programs;
use super::server::Server;
use super::table::Table;

/// What one account may post: a second, and at once.
const RATE: (usize, usize) = (10, 20);

const POSTS: usize = 5_000;
const CONNECTIONS: usize = 20;

/// What one address may register: hardly any after these.
const ACCOUNTS: usize = 5;
const REGISTRATIONS: usize = 100;

pub(super) async fn run(programs: &Programs, table: &mut Table) -> Result<()> {
    let rate = format!("{}:{}", RATE.0, RATE.1);
    let server = Server::start(programs, &["--post-rate", &rate], None).await?;
    let (_, token) = Peer::register(server.write, "Flood").await?;
    let began = Instant::now();
    let (mut stored, mut typed, mut other) = (0, 0, 0);
    for connection in 0..CONNECTIONS {
        let mut peer = Peer::log_in(server.write, &token).await?;
        let posts: String =
            (0..POSTS / CONNECTIONS).map(|number| id_post(&format!("{connection}-{number}"), "flood")).collect();
        peer.say(&posts).await?;
        for _ in 0..POSTS / CONNECTIONS {
            let answer = peer.hears().await?;
            let refused = answer.contains("\"code\": \"rate\"") && answer.contains("\"retry_after_ms\": ");
            match (answer.contains("\"ok\""), refused) {
                (true, _) => stored += 1,
                (_, true) => typed += 1,
                _ => other += 1,
            }
        }
    }
    let most = RATE.1 + (began.elapsed().as_secs_f64().ceil() as usize + 1) * RATE.0;
    let counted = server.figure("posts_declined_total{code=\"rate\"}").await?;
    let honest = server.takes(programs, &["send", "-u", "Honest", "-m", "hello"]).await?;
    table.add(
        "flood of posts",
        format!("{POSTS} posts of one account over {CONNECTIONS} connections, `--post-rate {rate}`"),
        format!("{stored} stored, {typed} refused with `rate` and `retry_after_ms`, {other} else"),
        "stored at most burst and rate; each other one refused with a type; others post meanwhile",
        stored <= most
            && stored >= RATE.1
            && other == 0
            && typed == POSTS - stored
            && counted as usize == typed
            && honest,
    );
    registrations(programs, table).await
}

async fn registrations(programs: &Programs, table: &mut Table) -> Result<()> {
    let rate = format!("0.001:{ACCOUNTS}");
    let server = Server::start(programs, &["--register-rate", &rate], None).await?;
    let (mut made, mut closed) = (0, 0);
    let mut token = None;
    for number in 0..REGISTRATIONS {
        match Peer::register(server.write, &format!("n{number}")).await {
            Ok((_, one)) => {
                made += 1;
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
        format!("{made} accounts, {closed} connections closed"),
        "no more accounts than the burst; accounts that are there log in",
        made == ACCOUNTS && closed == REGISTRATIONS - ACCOUNTS && known,
    );
    Ok(())
}

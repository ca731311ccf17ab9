//! Three `nats-server` that are killed and come back, and a log that they keep. Run by `.ci/cluster`.
#![cfg(unix)]

use anyhow::Result;
use chat_server::nats::{NatsOptions, check_log, create_log};
use testkit::nats_servers::NatsServers;

#[tokio::test]
#[ignore = "needs nats-server: run by .ci/cluster"]
async fn a_log_outlives_each_of_three_servers() -> Result<()> {
    let mut nats = NatsServers::start(&NatsServers::program()?, 3).await?;
    let options = NatsOptions::new(nats.addresses());
    let made = create_log(&options, "a test").await?;
    for index in 0..3 {
        match index {
            0 => nats.kill(index)?,
            _ => nats.stop(index).await?,
        }
        let found = check_log(&options).await?;
        assert_eq!((found.generation, found.copies.len()), (made.generation, 3));
        nats.restart(index)?;
        nats.ready().await?;
    }
    Ok(())
}

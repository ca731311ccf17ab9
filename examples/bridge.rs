//! Forwards one room to another, each message exactly once. Run two for both directions; bridges in a ring do not forward
//! in a circle.
//!
//! ```sh
//! bridge lobby 5000 tower 6050 state
//! ```
//!
//! The arguments are the name and the listen port of the source, the name and the write port of the target, and a
//! directory for the account and the position. The bridge can be killed at any time.

use std::path::PathBuf;

use anyhow::Context as _;
use chat_client::{
    ClientConfig, Credentials, Cursor, Listener, Nickname, OriginMark, Relay, RelayEvent, Resume, Writer, register,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [source, listen, target, write, state] = &words[..] else {
        anyhow::bail!("usage: bridge SOURCE LISTEN_PORT TARGET WRITE_PORT STATE_DIR");
    };
    let mark = OriginMark::between(source, target)?;
    let state = PathBuf::from(state);
    let mut config = ClientConfig::default();
    (config.listen_port, config.write_port) = (listen.parse()?, write.parse()?);

    let mut accounts = Credentials::load(state.join("accounts"))?;
    let room = config.write_addr_text();
    let token = match accounts.find_in(&room, "Bridge")? {
        Some(stored) => stored.token().clone(),
        None => {
            let account = register(&config, Nickname::new("Bridge")?).await?;
            accounts.add_for(&room, &account, Some("Bridge"))?;
            account.token
        }
    };
    let mut cursor = Cursor::open(state.join("position"))?;
    // The first run begins with the first message of the room.
    config.resume = cursor.resume(Resume::Last(u64::MAX));
    let listener = Listener::builder(config.clone()).start();
    let writer = Writer::builder(config).token(token).start();
    let mut relay = Relay::new(listener, writer, move |message| mark.forward(message));
    println!("forwarding");
    loop {
        let event = relay.next().await.context("the services have ended")?;
        if let Some(cause) = handle(event, |position| Ok(cursor.save(position)?))? {
            return Err(cause.into_inner().into());
        }
    }
}

/// Stores progress and reports everything else; returns the reason of the end.
fn handle(
    event: RelayEvent,
    save: impl FnOnce(&chat_client::Position) -> anyhow::Result<()>,
) -> anyhow::Result<Option<chat_client::ClosedCause>> {
    match event {
        RelayEvent::Progress(position) => save(&position)?,
        RelayEvent::Gap(gap) => eprintln!("{gap}"),
        RelayEvent::Refused { position, code, .. } => eprintln!("{position:?} was refused: {code}"),
        RelayEvent::Unconfirmed { position, .. } => eprintln!("{position:?} may be missing"),
        RelayEvent::Closed(cause) => return Ok(Some(cause)),
        _ => {}
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use chat_client::testing::Room;
    use chat_client::{Message, Text};

    use super::*;

    fn bridge(from: &Room, to: &Room, mark: OriginMark) -> Relay<impl FnMut(&Message) -> Option<Text> + use<>> {
        let mut config = ClientConfig::default();
        config.resume = Resume::Last(100);
        let listener = Listener::builder(config.clone()).dial(from.dial()).start();
        let writer = Writer::builder(config).token(to.token()).dial(to.dial()).start();
        Relay::new(listener, writer, move |message| mark.forward(message))
    }

    #[tokio::test(start_paused = true)]
    async fn a_ring_of_three_does_not_loop() {
        let rooms = [Room::new(), Room::new(), Room::new()];
        let names = ["lobby", "tower", "cellar"];
        let mut bridges = Vec::new();
        for here in 0..3 {
            let there = (here + 1) % 3;
            let mark = OriginMark::between(names[here], names[there]).expect("names");
            let mut relay = bridge(&rooms[here], &rooms[there], mark);
            bridges.push(tokio::spawn(async move { while relay.next().await.is_some() {} }));
        }
        rooms[0].say("Ann", "hello");
        rooms[2].wait_for(1).await;
        rooms[0].cut();
        // Long enough for any number of rounds.
        tokio::time::sleep(std::time::Duration::from_secs(600)).await;
        let texts = |room: &Room| room.log().iter().map(|message| message.text.to_string()).collect::<Vec<_>>();
        assert_eq!(texts(&rooms[0]), ["hello"]);
        assert_eq!(texts(&rooms[1]), ["[lobby] Ann: hello"]);
        assert_eq!(texts(&rooms[2]), ["[tower] Keen Bob: [lobby] Ann: hello"]);
        bridges.into_iter().for_each(|bridge| bridge.abort());
    }

    #[test]
    fn only_the_end_is_returned() {
        let position: chat_client::Position = "k3f9:7".parse().expect("a position");
        let mut saved = None;
        let ended = handle(RelayEvent::Progress(position.clone()), |position| {
            saved = Some(position.clone());
            Ok(())
        });
        assert_eq!((ended.expect("saved"), saved), (None, Some(position)));
    }
}

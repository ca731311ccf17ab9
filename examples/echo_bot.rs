//! A bot that answers each `!echo TEXT` exactly once. It keeps its account and its position, so it can be killed at any
//! time and continues where it was; its first run begins where it joins the room.
//!
//! ```sh
//! echo_bot state 5000 5050
//! ```

use std::path::PathBuf;

use chat_client::{
    Credentials, Cursor, Listener, Message, Nickname, Position, Relay, RelayEvent, Resume, Text, Writer, register,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let state = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "echo_bot".to_owned()));
    let mut config = examples::config_from(std::env::args().skip(2))?;
    let mut accounts = Credentials::load(state.join("accounts"))?;
    let room = config.write_addr_text();
    let me = match accounts.find_in(&room, "Echo")? {
        Some(saved) => saved.account().clone(),
        None => {
            let account = register(&config, Nickname::new("Echo")?).await?;
            accounts.add_for(&room, &account, Some("Echo"))?;
            account
        }
    };
    let mut cursor = Cursor::open(state.join("position"))?;
    // The first run begins with the next message. Where it joined is the first progress, which is saved at once.
    config.resume = cursor.resume(Resume::Live);
    println!("I am {}", me.nickname);

    let listener = Listener::builder(config.clone()).start();
    let writer = Writer::builder(config).token(me.token).start();
    // From the room to itself: the id of an answer is made of the position of the question, so an answer that is sent
    // again after a crash is stored once.
    let relay = Relay::new(listener, writer, answer);
    run(relay, |position| Ok(cursor.save(position)?)).await
}

/// Returns the answer to a message; `None` if it has none.
///
/// No answer is a question, so the bot never answers itself or another bot like it. The nickname would not tell: an
/// operator can change it while the bot is connected.
fn answer(message: &Message) -> Option<Text> {
    let answer = Text::new(question(&message.text)?).ok()?;
    question(&answer).is_none().then_some(answer)
}

fn question(text: &Text) -> Option<&str> {
    text.as_str().trim_start().strip_prefix("!echo ")
}

/// Answers until one of the services ends, and saves the position up to which everything is answered.
async fn run<F: FnMut(&Message) -> Option<Text>>(
    mut relay: Relay<F>,
    mut save: impl FnMut(&Position) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    while let Some(event) = relay.next().await {
        match event {
            RelayEvent::Progress(position) => save(&position)?,
            RelayEvent::Gap(gap) => eprintln!("{gap}"),
            // The last event, with the reason.
            RelayEvent::Closed(cause) => return Err(cause.into_inner().into()),
            other => eprintln!("{other:?}"),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chat_client::ClientConfig;
    use chat_client::testing::Room;
    use tokio::time::timeout;

    use super::*;

    /// Starts the services of a bot that continues after a position.
    fn services(room: &Room, position: Option<&Position>) -> (Listener, Writer) {
        let mut config = ClientConfig::default();
        config.resume = position.cloned().map_or(Resume::Live, Resume::after);
        let listener = Listener::builder(config.clone()).dial(room.dial()).start();
        (listener, Writer::builder(config).token(room.token()).dial(room.dial()).start())
    }

    fn texts(room: &Room) -> Vec<String> {
        room.log().iter().map(|message| message.text.to_string()).collect()
    }

    /// The connection breaks between question and answer: the question is answered once.
    #[tokio::test(start_paused = true)]
    async fn answers_once_over_a_broken_connection() {
        let room = Room::new();
        let (listener, writer) = services(&room, None);
        listener.online().await.expect("online");
        let relay = Relay::new(listener, writer, answer);
        let bot = tokio::spawn(run(relay, |_| Ok(())));
        room.refuse(true);
        room.cut();
        room.say("Ann", "!echo hello");
        room.refuse(false);
        room.wait_for(2).await;
        // An answer that would be a question is not given.
        room.say("Ann", "!echo !echo again");
        room.say("Ann", "!echo  !echo again");
        room.say("Ann", "!echo more");
        room.wait_for(6).await;
        assert_eq!(
            texts(&room).split_off(1),
            ["hello", "!echo !echo again", "!echo  !echo again", "!echo more", "more"]
        );
        bot.abort();
    }

    /// A first run that is killed before any message continues where it joined.
    #[tokio::test(start_paused = true)]
    async fn the_first_run_saves_where_it_joined() {
        let room = Room::new();
        let before = room.say("Ann", "!echo before");
        let (listener, writer) = services(&room, None);
        let mut saved = None;
        let save = |position: &Position| {
            saved = Some(position.clone());
            anyhow::bail!("killed")
        };
        let first = timeout(Duration::from_secs(60), run(Relay::new(listener, writer, answer), save)).await;
        assert!(first.expect("joined").is_err());
        assert_eq!(saved, Some(before));
        room.say("Ann", "!echo meanwhile");
        let (listener, writer) = services(&room, saved.as_ref());
        let bot = tokio::spawn(run(Relay::new(listener, writer, answer), |_| Ok(())));
        room.wait_for(3).await;
        assert_eq!(texts(&room), ["!echo before", "!echo meanwhile", "meanwhile"]);
        bot.abort();
    }

    /// Killed after 0 ms, 1 ms, … with what it has saved by then.
    #[tokio::test(start_paused = true)]
    async fn answers_once_over_kills() {
        let room = Room::new();
        let first = room.say("Ann", "hello");
        let mut saved = first;
        for number in 1..=40 {
            room.say("Ann", &format!("!echo {number}"));
        }
        for killed_after in (0..60).chain([60_000]) {
            let (listener, writer) = services(&room, Some(&saved));
            let kill = writer.clone();
            let relay = Relay::new(listener, writer, answer).window(3);
            let save = |position: &Position| {
                saved = position.clone();
                Ok(())
            };
            let _ = timeout(Duration::from_millis(killed_after), run(relay, save)).await;
            kill.end_now();
        }
        let answers = texts(&room).split_off(41);
        assert_eq!(answers, (1..=40).map(|number| number.to_string()).collect::<Vec<_>>());
    }
}

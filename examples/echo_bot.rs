//! A bot that answers each `!echo TEXT` of other users, and reconnects when the connection is lost.

use chat_client::{Listener, ListenerEvent, Nickname, Text, Writer, register};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let config = examples::config_from_args()?;
    let me = register(&config, Nickname::new("Echo")?).await?;
    let listener = Listener::builder(config.clone()).start();
    let writer = Writer::builder(config).token(me.token).start();
    println!("I am {}", me.nickname);
    answer(listener, writer, &me.nickname).await
}

/// Answers until the listener ends.
async fn answer(mut listener: Listener, writer: Writer, me: &Nickname) -> anyhow::Result<()> {
    while let Some(event) = listener.next().await {
        let message = match event {
            ListenerEvent::Message(message) => message,
            // The last event, with the reason for which the listener cannot continue.
            ListenerEvent::Closed(cause) => return Err(cause.into_inner().into()),
            _ => continue,
        };
        if message.sender.as_ref() == Some(me) {
            continue;
        }
        if let Some(text) = message.text.as_str().strip_prefix("!echo ") {
            // The service sends and confirms the message; the bot does not wait for the delivery.
            let _delivery = writer.send(Text::new(text)?).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use chat_client::ClientConfig;
    use chat_client::testing::Room;

    use super::*;

    /// The connection breaks between question and answer: the question is answered once.
    #[tokio::test(start_paused = true)]
    async fn answers_once_over_a_broken_connection() {
        let room = Room::new();
        let listener = Listener::builder(ClientConfig::default()).dial(room.dial()).start();
        let writer = Writer::builder(ClientConfig::default()).token(room.token()).dial(room.dial()).start();
        listener.online().await.expect("online");
        let me = room.nickname();
        let bot = tokio::spawn(async move { answer(listener, writer, &me).await });
        room.refuse(true);
        room.cut();
        room.say("Ann", "!echo hello");
        room.refuse(false);
        room.wait_for(2).await;
        // The bot hears its own answer and does not answer it.
        room.say("Ann", "!echo !echo");
        room.wait_for(4).await;
        let texts: Vec<String> = room.log().iter().map(|message| message.text.to_string()).collect();
        assert_eq!(texts, ["!echo hello", "hello", "!echo !echo", "!echo"]);
        bot.abort();
    }
}

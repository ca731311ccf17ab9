//! A bot that answers each `!echo TEXT` of other users, and reconnects when the connection is lost.

use chat_client::{Listener, ListenerEvent, Nickname, Text, Writer, register};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let config = examples::config_from_args()?;
    let me = register(&config, Nickname::new("Echo")?).await?;
    let mut listener = Listener::builder(config.clone()).start();
    let writer = Writer::builder(config).token(me.token).start();
    println!("I am {}", me.nickname);

    while let Some(event) = listener.next().await {
        let message = match event {
            ListenerEvent::Message(message) => message,
            // The last event, with the reason for which the listener cannot continue.
            ListenerEvent::Closed(cause) => return Err(cause.into_inner().into()),
            _ => continue,
        };
        if message.sender.as_ref() == Some(&me.nickname) {
            continue;
        }
        if let Some(text) = message.text.as_str().strip_prefix("!echo ") {
            // The service sends and confirms the message; the bot does not wait for the delivery.
            let _delivery = writer.send(Text::new(text)?).await?;
        }
    }
    Ok(())
}

//! A bot: answers each `!echo something`, over reconnects, and never itself.

use chat_client::{Listener, ListenerEvent, Nickname, Text, Writer, register};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let config = examples::room_of_args()?;
    let me = register(&config, Nickname::new("Echo")?).await?;
    let mut listener = Listener::builder(config.clone()).start();
    let writer = Writer::builder(config).token(me.token).start();
    println!("I am {}", me.nickname);

    while let Some(event) = listener.next().await {
        let message = match event {
            ListenerEvent::Message(message) => message,
            // The last event: a bot that ends without a word would look as if it had nothing to do.
            ListenerEvent::Closed(cause) => return Err(cause.into_inner().into()),
            _ => continue,
        };
        if message.sender.as_ref() == Some(&me.nickname) {
            continue;
        }
        if let Some(said) = message.text.as_str().strip_prefix("!echo ") {
            // Queued here, sent and confirmed by the service; a bot need not wait for it.
            let _delivery = writer.send(Text::new(said)?).await?;
        }
    }
    Ok(())
}

//! A bot: answers each `!echo something`, over reconnects, and never itself.

use chat_client::{Listener, ListenerEvent, Nickname, Text, Writer, register};
use futures_util::StreamExt as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let config = examples::room_of_args()?;
    let me = register(&config, Nickname::new("Echo")?).await?;
    let mut listener = Listener::start(config.clone());
    let writer = Writer::start(config, me.token);
    println!("I am {}", me.nickname);

    while let Some(event) = listener.next().await {
        let ListenerEvent::Message(message) = event else { continue };
        if message.sender.as_ref() == Some(&me.nickname) {
            continue;
        }
        if let Some(said) = message.text.as_str().strip_prefix("!echo ") {
            // Queued here, sent and confirmed by the service; a bot need not wait for it.
            writer.send(Text::new(said)?).await?;
        }
    }
    Ok(())
}

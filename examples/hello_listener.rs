//! Prints the messages of a room, reconnects when the connection is lost, and reports gaps.

use chat_client::{Listener, ListenerEvent, display};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut listener = Listener::builder(examples::config_from_args()?).start();
    while let Some(event) = listener.next().await {
        match event {
            // Text of other users is made safe before it reaches a terminal.
            ListenerEvent::Message(message) => {
                println!("{}", display::clean_for_terminal(message.to_plain().as_str()));
            }
            ListenerEvent::Gap(gap) => eprintln!("{gap}"),
            ListenerEvent::Closed(cause) => return Err(cause.into_inner().into()),
            _ => {}
        }
    }
    Ok(())
}

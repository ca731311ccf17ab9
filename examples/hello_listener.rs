//! Prints what a room says, over reconnects, and says where something was missed.

use chat_client::{Listener, ListenerEvent, display};
use futures_util::StreamExt as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut listener = Listener::start(examples::room_of_args()?);
    while let Some(event) = listener.next().await {
        match event {
            // What others wrote is made safe before a terminal sees it.
            ListenerEvent::Message(message) => {
                println!("{}", display::clean_for_terminal(message.to_plain().as_str()));
            }
            ListenerEvent::Gap(gap) => eprintln!("{gap}"),
            _ => {}
        }
    }
    Ok(())
}

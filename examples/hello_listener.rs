//! Prints what a room says, over reconnects, and says where something was missed.

use chat_client::{Listener, ListenerEvent, display};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut listener = Listener::builder(examples::room_of_args()?).start();
    while let Some(event) = listener.next().await {
        match event {
            // What others wrote is made safe before a terminal sees it.
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

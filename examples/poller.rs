//! A program with a loop of its own, as a game or an immediate-mode GUI has: each frame takes what has arrived and never
//! waits. The services run on a thread of their own.

use std::time::Duration;

use chat_client::{ConnectionState, Delivery, Listener, ListenerEvent, Nickname, Text, Writer, display, register};

/// The time between two frames.
const FRAME: Duration = Duration::from_millis(16);

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let config = examples::config_from_args()?;
    // The services are started within the runtime and used outside of it.
    let (listener, writer) = runtime.block_on(async {
        let account = register(&config, Nickname::new("Poller")?).await?;
        let listener = Listener::builder(config.clone()).start();
        let writer = Writer::builder(config).token(account.token).start();
        anyhow::Ok((listener, writer))
    })?;
    let mut screen = Screen::new(listener, writer);
    screen.post("hello from a frame")?;
    let mut status = "";
    while status != "closed" {
        for line in screen.frame() {
            println!("{line}");
        }
        if status != screen.status() {
            status = screen.status();
            println!("[{status}]");
        }
        std::thread::sleep(FRAME);
    }
    Ok(())
}

/// What a frame needs.
struct Screen {
    listener: Listener,
    writer: Writer,
    unanswered: Vec<Delivery>,
}

impl Screen {
    fn new(listener: Listener, writer: Writer) -> Self {
        Self { listener, writer, unanswered: Vec::new() }
    }

    /// Queues a message. A full queue is an error that the user sees; the text is still in the input line.
    fn post(&mut self, text: &str) -> anyhow::Result<()> {
        self.unanswered.push(self.writer.try_send(Text::new(text)?)?);
        Ok(())
    }

    /// Returns the new lines of this frame.
    fn frame(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(event) = self.listener.try_next() {
            match event {
                ListenerEvent::Message(message) => {
                    lines.push(display::clean_for_terminal(message.to_plain().as_str()).into_owned());
                }
                ListenerEvent::Gap(gap) => lines.push(gap.to_string()),
                _ => {}
            }
        }
        self.unanswered.retain_mut(|delivery| match delivery.try_outcome() {
            None => true,
            Some(Ok(_)) => false,
            Some(Err(error)) => {
                lines.push(error.to_string());
                false
            }
        });
        lines
    }

    /// What the status line shows.
    fn status(&self) -> &'static str {
        match &*self.writer.state().borrow() {
            ConnectionState::Online { .. } if self.unanswered.is_empty() => "online",
            ConnectionState::Online { .. } => "sending",
            ConnectionState::Closed { .. } => "closed",
            _ => "connecting",
        }
    }
}

#[cfg(test)]
mod tests {
    use chat_client::ClientConfig;
    use chat_client::testing::Room;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn frames_show_what_has_arrived() {
        let room = Room::new();
        let listener = Listener::builder(ClientConfig::default()).dial(room.dial()).start();
        let writer = Writer::builder(ClientConfig::default()).token(room.token()).dial(room.dial()).start();
        listener.online().await.expect("online");
        let mut screen = Screen::new(listener, writer);
        assert_eq!(screen.frame(), Vec::<String>::new());
        room.refuse(true);
        room.cut();
        screen.post("hello").expect("queued");
        tokio::time::sleep(FRAME).await;
        assert_eq!((screen.frame(), screen.unanswered.len()), (Vec::new(), 1));
        room.refuse(false);
        room.wait_for(1).await;
        let mut lines = Vec::new();
        while lines.is_empty() || !screen.unanswered.is_empty() {
            tokio::time::sleep(FRAME).await;
            lines.extend(screen.frame());
        }
        assert_eq!((lines, screen.status()), (vec!["Keen Bob: hello".to_owned()], "online"));
    }
}

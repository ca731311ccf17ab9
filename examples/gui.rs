//! A program whose main thread belongs to a toolkit, as with GTK, Qt, AppKit or winit. The toolkit calls one function for
//! each event, and that function must not wait. The services run on another thread; both sides only exchange values.
//!
//! In place of a window this example has the terminal: its "toolkit" reads lines and calls the function.

use std::io::BufRead as _;
use std::sync::mpsc;

use chat_client::{Listener, ListenerEvent, Nickname, Text, Writer, display, register};
use tokio::sync::mpsc as to_services;

/// What the main thread reacts to. A toolkit has such a type, or a way to send one's own values into its loop:
/// `glib::MainContext::channel`, `QCoreApplication::postEvent`, `winit::EventLoopProxy`.
#[derive(Debug, PartialEq, Eq)]
enum UiEvent {
    /// The user has entered a line.
    Input(String),
    /// A line for the conversation, safe to show.
    Message(String),
    /// What happened to the message with this number: the empty text if it was confirmed.
    Outcome { number: usize, problem: String },
    /// The services have ended.
    Closed(String),
}

/// A message for the writer, with the number under which the window shows it.
type Outgoing = (usize, Text);

fn main() -> anyhow::Result<()> {
    let (to_window, events) = mpsc::channel();
    let (outgoing, to_send) = to_services::unbounded_channel();

    let services = to_window.clone();
    std::thread::Builder::new().name("services".into()).spawn(move || {
        let cause = match in_background(to_send, &services) {
            Ok(()) => "the program ends".to_owned(),
            Err(error) => format!("{error:#}"),
        };
        // The window may be closed already.
        let _ = services.send(UiEvent::Closed(cause));
    })?;
    // The toolkit's keyboard.
    std::thread::Builder::new().name("input".into()).spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let _ = to_window.send(UiEvent::Input(line));
        }
    })?;

    let mut window = Window::new(outgoing);
    // The toolkit's loop.
    for event in events {
        if let UiEvent::Closed(cause) = &event {
            println!("[closed: {cause}]");
            break;
        }
        for line in window.update(event) {
            println!("{line}");
        }
    }
    Ok(())
}

/// Owns the runtime and the services. Returns when the window is gone.
fn in_background(to_send: to_services::UnboundedReceiver<Outgoing>, ui: &mpsc::Sender<UiEvent>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let config = examples::config_from_args()?;
    runtime.block_on(async {
        let account = register(&config, Nickname::new("Window")?).await?;
        let listener = Listener::builder(config.clone()).start();
        let writer = Writer::builder(config).token(account.token).start();
        translate(listener, writer, to_send, ui).await
    })
}

/// Turns events of the services into those of the window, and messages of the window into posts.
async fn translate(
    mut listener: Listener,
    writer: Writer,
    mut to_send: to_services::UnboundedReceiver<Outgoing>,
    ui: &mpsc::Sender<UiEvent>,
) -> anyhow::Result<()> {
    loop {
        // Both branches are cancel-safe: an event that was not taken stays where it is.
        tokio::select! {
            event = listener.next() => match event {
                Some(ListenerEvent::Message(message)) => {
                    let line = display::clean_for_terminal(message.to_plain().as_str()).into_owned();
                    ui.send(UiEvent::Message(line))?;
                }
                Some(ListenerEvent::Gap(gap)) => ui.send(UiEvent::Message(format!("[{gap}]")))?,
                Some(ListenerEvent::Closed(cause)) => anyhow::bail!("{cause}"),
                Some(_) => {}
                None => return Ok(()),
            },
            message = to_send.recv() => {
                let Some((number, text)) = message else { return Ok(()) };
                let delivery = writer.send(text).await?;
                let ui = ui.clone();
                tokio::spawn(async move {
                    let problem = delivery.await.err().map_or_else(String::new, |error| error.to_string());
                    let _ = ui.send(UiEvent::Outcome { number, problem });
                });
            }
        }
    }
}

/// The state of the window. It does not wait, and can be tested without a toolkit.
struct Window {
    outgoing: to_services::UnboundedSender<Outgoing>,
    sent: usize,
}

impl Window {
    fn new(outgoing: to_services::UnboundedSender<Outgoing>) -> Self {
        Self { outgoing, sent: 0 }
    }

    /// Handles one event, and returns the new lines.
    fn update(&mut self, event: UiEvent) -> Vec<String> {
        match event {
            UiEvent::Input(line) => match Text::new(&line) {
                Ok(text) => {
                    self.sent += 1;
                    // Without the services, `Closed` is on its way.
                    let _ = self.outgoing.send((self.sent, text));
                    Vec::new()
                }
                Err(error) => vec![format!("[{error}]")],
            },
            UiEvent::Message(line) => vec![line],
            UiEvent::Outcome { number, problem } if problem.is_empty() => vec![format!("[{number} confirmed]")],
            UiEvent::Outcome { number, problem } => vec![format!("[{number}: {problem}]")],
            UiEvent::Closed(cause) => vec![cause],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::TryRecvError;
    use std::time::Duration;

    use chat_client::ClientConfig;
    use chat_client::testing::Room;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_line_becomes_a_confirmed_message() {
        let room = Room::new();
        let listener = Listener::builder(ClientConfig::default()).dial(room.dial()).start();
        let writer = Writer::builder(ClientConfig::default()).token(room.token()).dial(room.dial()).start();
        listener.online().await.expect("online");
        let (to_window, events) = mpsc::channel();
        let (outgoing, to_send) = to_services::unbounded_channel();
        let services = tokio::spawn(async move { translate(listener, writer, to_send, &to_window).await });
        let mut window = Window::new(outgoing);

        room.cut();
        assert_eq!(window.update(UiEvent::Input("hello".to_owned())), Vec::<String>::new());
        room.wait_for(1).await;
        let mut lines = Vec::new();
        while lines.len() < 2 {
            match events.try_recv() {
                Ok(event) => lines.extend(window.update(event)),
                // The time is virtual.
                Err(TryRecvError::Empty) => tokio::time::sleep(Duration::from_millis(16)).await,
                Err(TryRecvError::Disconnected) => panic!("the services have ended"),
            }
        }
        lines.sort();
        assert_eq!(lines, ["Keen Bob: hello", "[1 confirmed]"]);

        drop(window);
        services.await.expect("no panic").expect("no error");
    }

    #[test]
    fn an_empty_line_is_not_sent() {
        let (outgoing, mut to_send) = to_services::unbounded_channel();
        let mut window = Window::new(outgoing);
        assert_eq!(window.update(UiEvent::Input(String::new())).len(), 1);
        assert!(to_send.try_recv().is_err());
    }
}

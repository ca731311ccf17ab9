//! `--confirm echo`: a message counts when it has come back on the listen port.

use std::collections::{HashMap, HashSet};

use chat_client::{ClientConfig, ConnectionState, Listener, ListenerEvent, Nickname, Position, Resume, Text};
use futures_util::StreamExt as _;

use crate::failure::Failure;
use crate::sides;

/// Listens for our own messages.
pub(crate) struct Echo {
    listener: Listener,
    what: String,
    /// What came back, by its place where the server numbers.
    places: HashSet<Position>,
    /// What came back without one: sender and text, and how often.
    plain: HashMap<(String, String), u64>,
}

impl Echo {
    /// Starts listening, and waits until it hears: what was posted before could come back unheard.
    pub(crate) async fn start(mut config: ClientConfig) -> Result<Self, Failure> {
        config.resume = Resume::Live;
        let what = config.listen_addr_text();
        let listener = Listener::start(config);
        let mut states = listener.state();
        let settled = states
            .wait_for(|state| matches!(state, ConnectionState::Online { .. } | ConnectionState::Closed { .. }))
            .await
            .is_ok();
        if let Some(failure) = sides::closed(&states, what.clone()) {
            return Err(failure);
        }
        debug_assert!(settled);
        // Until it is known whether the server numbers, what it says is held back.
        let _ = listener.numbered().wait_for(Option::is_some).await;
        Ok(Self { listener, what, places: HashSet::new(), plain: HashMap::new() })
    }

    /// Waits until a confirmed message has come back.
    pub(crate) async fn of(
        &mut self,
        position: Option<&Position>,
        sender: Option<&Nickname>,
        text: &Text,
    ) -> Result<(), Failure> {
        let plain =
            (sender.map(|sender| sender.as_str().to_owned()).unwrap_or_default(), text.flattened().into_owned());
        loop {
            let back = match position {
                Some(position) => self.places.remove(position),
                None => self.take_plain(&plain),
            };
            if back {
                return Ok(());
            }
            match self.listener.next().await {
                Some(ListenerEvent::Message(message)) => match message.position {
                    Some(position) => {
                        self.places.insert(position);
                    }
                    None => {
                        let sender = message.sender.map(|sender| sender.as_str().to_owned()).unwrap_or_default();
                        *self.plain.entry((sender, message.text.flattened().into_owned())).or_default() += 1;
                    }
                },
                Some(_) => {}
                None => {
                    let states = self.listener.state();
                    return Err(sides::closed(&states, self.what.clone()).unwrap_or(Failure::Interrupted));
                }
            }
        }
    }

    fn take_plain(&mut self, key: &(String, String)) -> bool {
        let Some(count) = self.plain.get_mut(key) else { return false };
        *count -= 1;
        if *count == 0 {
            self.plain.remove(key);
        }
        true
    }
}

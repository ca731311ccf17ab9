//! Turns events of the listener into objects for the pages: safe text, marked look-alikes, positions.

use axum::extract::ws::Utf8Bytes;
use chat_client::display::{clean_for_terminal, clean_keeping_line_breaks};
use chat_client::{Gap, ListenerEvent, Message, NamesSeen, Position, RemovedMessage, StreamId};
use jiff::Timestamp;

use super::ring::{RingItem, RingRemoval};
use crate::wire::{GapObject, MessageObject, PageEvent, RemovedObject, system_time_text, time_text};

/// Encodes the events of one listener, in order.
#[derive(Debug)]
pub(crate) struct Encoder {
    names: NamesSeen,
    /// For a room that does not number its messages: the stream of this run, and the last number.
    own: Position,
    /// The last position that was encoded.
    last: Option<Position>,
}

impl Encoder {
    /// Creates an encoder. `own` is the stream of messages that the room does not number.
    pub(crate) fn new(own: StreamId) -> Self {
        Self { names: NamesSeen::new(), own: Position { stream: own, seq: 0 }, last: None }
    }

    /// Returns the object of an event; `None` for one that pages do not get.
    pub(crate) fn event(&mut self, event: ListenerEvent) -> Option<RingItem> {
        match event {
            ListenerEvent::Message(message) => Some(self.message(message)),
            ListenerEvent::Removed(removed) => Some(self.removed(removed)),
            ListenerEvent::Gap(gap) => Some(self.gap(&gap)),
            _ => None,
        }
    }

    fn message(&mut self, message: Message) -> RingItem {
        let position = message.position.unwrap_or_else(|| {
            self.own.seq += 1;
            self.own.clone()
        });
        self.last = Some(position.clone());
        let looks_like = message.sender.as_ref().and_then(|sender| self.names.meet(sender.as_str()));
        let object = MessageObject {
            stream: position.stream.to_string(),
            seq: position.seq,
            at: time_text(message.at.unwrap_or_else(|| Timestamp::now().as_millisecond())),
            nick: message.sender.map(|sender| clean_for_terminal(sender.as_str()).into_owned()),
            text: clean_keeping_line_breaks(message.text.as_str()).into_owned(),
            looks_like: looks_like.map(|name| clean_for_terminal(&name).into_owned()),
        };
        item(Some(position), &PageEvent::Message(object))
    }

    fn removed(&mut self, removed: RemovedMessage) -> RingItem {
        let object = |in_place| RemovedObject {
            stream: removed.position.stream.to_string(),
            seq: removed.position.seq,
            at: time_text(removed.at),
            by: removed.by.as_ref().map(|by| clean_for_terminal(by.as_str()).into_owned()),
            reason: removed.reason.as_ref().map(|reason| clean_keeping_line_breaks(reason.as_str()).into_owned()),
            in_place,
        };
        let [note, in_place] =
            [false, true].map(|in_place| Utf8Bytes::from(PageEvent::Removed(object(in_place)).json()));
        let position = removed.in_place.then(|| removed.position.clone());
        if position.is_some() {
            self.last.clone_from(&position);
        }
        let json = if removed.in_place { in_place.clone() } else { note.clone() };
        let removal = RingRemoval { position: removed.position, note, in_place };
        RingItem { position, json, removal: Some(Box::new(removal)) }
    }

    fn gap(&self, gap: &Gap) -> RingItem {
        let after = gap.after.as_ref().or(self.last.as_ref());
        let object = GapObject {
            since: system_time_text(gap.since),
            until: system_time_text(gap.until),
            missed: gap.missed,
            cause: gap.cause.as_str(),
            after: after.map(ToString::to_string),
        };
        item(None, &PageEvent::Gap(object))
    }
}

fn item(position: Option<Position>, event: &PageEvent) -> RingItem {
    RingItem { position, json: event.json().into(), removal: None }
}

#[cfg(test)]
mod tests {
    use chat_client::{Nickname, Text};
    use serde_json::{Value, json};

    use super::*;

    fn encoder() -> Encoder {
        Encoder::new(StreamId::new("own").unwrap())
    }

    fn object(item: Option<RingItem>) -> Value {
        serde_json::from_str(&item.unwrap().json).unwrap()
    }

    fn said(nick: &str, text: &str) -> ListenerEvent {
        ListenerEvent::Message(Message::new(Some(Nickname::new(nick).unwrap()), Text::new(text).unwrap()).with_time(0))
    }

    #[test]
    fn numbers_what_the_room_does_not() {
        let mut encoder = encoder();
        let first = object(encoder.event(said("Keen Bob", "a\nb")));
        let expected = json!({"type": "message", "stream": "own", "seq": 1, "at": "1970-01-01T00:00:00.000Z",
            "nick": "Keen Bob", "text": "a\nb"});
        assert_eq!(first, expected);
        assert_eq!(object(encoder.event(said("Keen Bob", "b")))["seq"], 2);
    }

    #[test]
    fn hostile_text_is_made_visible() {
        let object =
            object(encoder().event(said("E\u{202e}ve", "txt\u{202e}exe.png http://ex\u{430}mple\u{200b}.org")));
        for (field, hidden) in [("nick", "\u{202e}"), ("text", "\u{202e}"), ("text", "\u{200b}")] {
            assert!(!object[field].as_str().unwrap().contains(hidden), "{object}");
        }
    }

    #[test]
    fn marks_look_alikes() {
        let mut encoder = encoder();
        assert_eq!(object(encoder.event(said("Keen Bob", "x"))).get("looks_like"), None);
        assert_eq!(object(encoder.event(said("Kееn Воb", "x")))["looks_like"], "Keen Bob");
    }

    #[test]
    fn gap_names_the_message_before_it() {
        let mut encoder = encoder();
        let now = std::time::SystemTime::UNIX_EPOCH;
        let gap = || ListenerEvent::Gap(Gap::new(now, now, None, chat_client::GapCause::Disconnected));
        assert_eq!(object(encoder.event(gap())).get("after"), None);
        encoder.event(said("Keen Bob", "x"));
        let gap = object(encoder.event(gap()));
        assert_eq!((&gap["after"], &gap["cause"]), (&json!("own:1"), &json!("disconnected")));
    }
}

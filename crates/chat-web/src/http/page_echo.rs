//! The own messages of a page in a room that does not number them: the page learns which message is the post that it
//! sent.

use std::collections::HashMap;

use chat_client::{DeliveryState, Echo, EchoMatcher, EchoOutcome, Message, Nickname, Position, PostId, Receipt, Text};
use serde::Deserialize;

use crate::room::ring::RingItem;
use crate::wire::ReceiptObject;

/// How many positions are remembered for receipts that follow; a page has at most 200 unanswered posts.
const MAX_SEEN: usize = 1_024;

/// The posts of one page, matched with what the room says. In a room with numbers it does nothing: the receipt has the
/// position there.
#[derive(Debug, Default)]
pub(crate) struct PageEchoes {
    matcher: EchoMatcher<Position>,
    seen: HashMap<PostId, Position>,
}

#[derive(Deserialize)]
struct SaidObject {
    #[serde(rename = "type")]
    kind: String,
    nick: Option<String>,
    text: Option<String>,
}

impl PageEchoes {
    /// Sets the nickname of the page's account.
    pub(crate) fn set_nickname(&mut self, nickname: Option<&Nickname>) {
        self.matcher.set_nickname(nickname.cloned());
    }

    /// Notes a post that is being sent.
    pub(crate) fn add(&mut self, id: &PostId, text: &Text) {
        if !self.seen.contains_key(id) {
            self.matcher.add(id.clone(), text);
            self.matcher.update(id, &DeliveryState::Written);
        }
    }

    /// Completes a receipt by the position of its message, if the message was heard.
    pub(crate) fn complete(&mut self, receipt: &mut ReceiptObject) {
        let Ok(id) = PostId::new(&receipt.id) else { return };
        if receipt.state == "confirmed" && receipt.seq.is_none() {
            let confirmed = DeliveryState::Confirmed(Receipt::new(id.clone(), None));
            if let Some(outcome) = self.matcher.update(&id, &confirmed) {
                self.note(outcome);
            }
            if let Some(position) = self.seen.get(&id) {
                place(receipt, position);
            }
        } else if receipt.state != "accepted" {
            self.matcher.remove(&id);
        }
    }

    /// Processes messages of the room. Returns the receipts of those that are posts of the page.
    pub(crate) fn heard(&mut self, items: &[RingItem]) -> Vec<ReceiptObject> {
        let mut receipts = Vec::new();
        for item in items {
            let Some(position) = &item.position else { continue };
            let Some(message) = message(item) else { continue };
            for outcome in self.matcher.on_message(&message, position.clone()) {
                let id = outcome.id.to_string();
                self.note(outcome);
                let mut receipt =
                    ReceiptObject { id, state: "confirmed", stream: None, seq: None, code: None, retry_after_ms: None };
                place(&mut receipt, position);
                receipts.push(receipt);
            }
        }
        receipts
    }

    fn note(&mut self, outcome: EchoOutcome<Position>) {
        if self.seen.len() >= MAX_SEEN {
            self.seen.clear();
        }
        if let Echo::Seen(position) = outcome.echo {
            self.seen.insert(outcome.id, position);
        }
    }
}

fn place(receipt: &mut ReceiptObject, position: &Position) {
    receipt.stream = Some(position.stream.to_string());
    receipt.seq = Some(position.seq);
}

/// Returns the message of an object, without its position: that is the gateway's own.
fn message(item: &RingItem) -> Option<Message> {
    let said: SaidObject = serde_json::from_str(&item.json).ok().filter(|said: &SaidObject| said.kind == "message")?;
    Some(Message::new(Nickname::new(&said.nick?).ok(), Text::new(&said.text?).ok()?))
}
